"""The numbers of a population: one row a lane in every tensor, so that lanes join, leave and are saved by rows.

What a lane computes with lies on the population's device. What decisions are made by (its counters and its best
figure) lies in the host's memory, where to look at it costs no wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

COMPUTED = ("weights", "statistics", "memory", "best_weights", "best_statistics")
"""The tensors that lie on the device."""

LATER = ("factor", "waited")
"""The tensors that versions before 0.3 did not save: none of their lanes could need another value than the first."""


@dataclass(frozen=True, eq=False)
class State:
    """Rows of lanes. A value: joining and leaving make new ones; training writes into the tensors.

    Args:
        weights: lane weight.
        statistics: running statistics, lane statistic.
        memory: of the optimizers, lane slot weight.
        best_weights, best_statistics: as they were at the lane's best epoch.
        best: validation figure at that epoch, float64 [lane]; NaN before the first.
        epoch, step: the lane's own counters, int64 [lane].
        factor, waited: of `reduce_on_plateau`, float64 and int64 [lane]; see `cotune.engine.schedules.plateau`.
    """

    weights: Tensor
    statistics: Tensor
    memory: Tensor
    best_weights: Tensor
    best_statistics: Tensor
    best: Tensor
    epoch: Tensor
    step: Tensor
    factor: Tensor
    waited: Tensor

    @property
    def lanes(self) -> int:
        """Count of rows."""
        return self.weights.shape[0]

    @classmethod
    def fresh(cls, weights: Tensor, statistics: Tensor, slots: int) -> "State":
        """Lanes that have not trained yet."""
        lanes = weights.shape[0]
        zeros = torch.zeros(lanes, dtype=torch.int64)
        return cls(
            weights=weights,
            statistics=statistics,
            memory=torch.zeros(lanes, slots, weights.shape[1], device=weights.device),
            best_weights=weights.clone(),
            best_statistics=statistics.clone(),
            best=torch.full((lanes,), torch.nan, dtype=torch.float64),
            epoch=zeros,
            step=zeros.clone(),
            factor=torch.ones(lanes, dtype=torch.float64),
            waited=zeros.clone(),
        )

    @classmethod
    def saved(cls, tensors: Mapping[str, Tensor]) -> "State":
        """What `tensors` gave, copied. What an older version did not save yet is as at a lane's start.

        Raises:
            KeyError: a tensor that every version has saved is missing.
        """
        found = {
            f.name: tensors[f.name].clone() for f in fields(cls) if f.name in tensors or f.name not in LATER
        }
        fresh = cls.fresh(found["weights"], found["statistics"], 0)
        return replace(fresh, **found)

    def take(self, rows: list[int]) -> "State":
        """A copy of these rows, in this order."""
        host = torch.tensor(rows, dtype=torch.int64)
        index = {device: host.to(device) for device in {host.device, self.weights.device}}
        found = {name: part.index_select(0, index[part.device]) for name, part in self.tensors().items()}
        return State(**found)

    def to(self, device: torch.device) -> "State":
        """The same lanes, computed on `device`."""
        return replace(self, **{name: getattr(self, name).to(device) for name in COMPUTED})

    def join(self, other: "State", order: Sequence[int] | None = None) -> "State":
        """Rows of both; optimizer memory grows to the larger number of slots.

        Args:
            order: numbers of the rows, own first, in the order in which they are to stand; each once.
        """
        slots = max(self.memory.shape[1], other.memory.shape[1])
        first, second = (part.with_slots(slots).tensors() for part in (self, other))
        own = len(self.epoch)
        if order is None or list(order) == list(range(len(order))):
            return State(**{name: torch.cat([part, second[name]]) for name, part in first.items()})
        host = torch.argsort(torch.tensor(order, dtype=torch.int64))
        places = {device: host.to(device) for device in {host.device, self.weights.device}}
        found = {}
        for (
            name,
            part,
        ) in first.items():  # each number is moved once, where joining and sorting would move it twice
            place = places[part.device]
            found[name] = part.new_empty(len(order), *part.shape[1:])
            found[name].index_copy_(0, place[:own], part)
            found[name].index_copy_(0, place[own:], second[name])
        return State(**found)

    def with_slots(self, slots: int) -> "State":
        """The same lanes with room for `slots` optimizer slots."""
        lanes, have, size = self.memory.shape
        if have == slots:
            return self
        memory = self.memory.new_zeros(lanes, slots, size)
        memory[:, :have] = self.memory
        return replace(self, memory=memory)

    def keep_as_best(self, lanes: Tensor, judged: Sequence[int | None]) -> None:
        """Let the weights of these lanes [lane, boolean, on the host] be their best so far.

        Args:
            judged: the slot that holds a lane's judged weights; `None` for those that are trained [lane].
        """
        for place in torch.nonzero(lanes).flatten().tolist():
            slot = judged[place]
            self.best_weights[place] = self.weights[place] if slot is None else self.memory[place, slot]
            self.best_statistics[place] = self.statistics[place]

    def tensors(self) -> dict[str, Tensor]:
        """By name, for a snapshot."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
