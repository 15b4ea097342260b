"""The engine: the populations that train side by side, and the lanes that come and go between epochs."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import torch

from cotune.engine.allocator import keep_freed_memory
from cotune.engine.bank import Stack
from cotune.engine.devices import ON_HOST, Compute
from cotune.engine.lanes import Lane, Structure
from cotune.engine.memory import SHARE, held_bytes, step_bytes
from cotune.engine.moving import LaneState, lifted, stacked
from cotune.engine.outcome import WAYS, Halt, Outcome, Way, never
from cotune.engine.plan import Plan, choose, kind_of
from cotune.engine.population import Population, train_together
from cotune.engine.slots import judged_weights
from cotune.types import LaneId, Record

CACHE_BYTES = 48 << 20
"""On a CPU lanes step together in chunks whose weights, gradients and optimizer memory take about so much: more
lanes share the cost of launching kernels, but too many push each other out of the cache."""

MOST_LANES = 64
"""Lanes in training at once unless the recipe says otherwise: enough to fill the vector units of a few cores."""

MOST_LANES_ON_GPU = 256
"""The same on a GPU, whose kernels take about as long for a few hundred small networks as for one."""


@dataclass(frozen=True, eq=False)
class LaneWeights:
    """A lane's network, at its best epoch or at another.

    Args:
        lane: which lane it was.
        weights, statistics: rows in the layouts of its structure.
        score: validation figure they reached.
        epoch: which epoch they are of; `None` for the best.
    """

    lane: Lane
    weights: torch.Tensor
    statistics: torch.Tensor
    score: float
    epoch: int | None = None


class Engine:
    """Trains lanes, each in the population of its structure.

    Args:
        metric: name of the figure that decides a lane's best epoch.
        also: names of further figures to record at every epoch.
        ways: how lanes may step; where there are several, the fastest is found by measuring. On a GPU there is one.
        compute: where lanes are computed, and how exactly.
    """

    def __init__(
        self,
        *,
        metric: str,
        also: Sequence[str] = (),
        ways: Sequence[Way] | None = None,
        compute: Compute = ON_HOST,
    ) -> None:
        keep_freed_memory()
        self._metric, self._also = metric, tuple(also)
        self._ways = ways or (WAYS if compute.on_host else ("batched",))
        self._compute = compute
        self._stacks: dict[tuple[int, int], Stack] = {}
        self.populations: list[Population] = []
        """In the order in which they were formed."""
        self.chunks: dict[str, int] = {}
        """Chunk sizes that memory forced, by structure; worth remembering."""
        self.plans: dict[str, Plan] = {}
        """How structures step, by kind; worth remembering."""

    @property
    def lanes(self) -> int:
        """Lanes in training."""
        return sum(len(population.lanes) for population in self.populations)

    def join(self, lanes: Sequence[Lane]) -> None:
        """Let lanes in, each into the population of its structure."""
        for structure in dict.fromkeys(lane.structure for lane in lanes):
            group = [lane for lane in lanes if lane.structure == structure]
            self.population(group).join(group)

    def copies(self, ids: Iterable[LaneId]) -> list[LaneState]:
        """The whole state of lanes in training, copied, in the order asked for.

        Raises:
            KeyError: one of them is not in training.
        """
        places = {lane.id: (p, i) for p in self.populations for i, lane in enumerate(p.lanes)}
        found = [places[name] for name in ids]
        return [lifted(population.lanes[row], population.state, row) for population, row in found]

    def take(self, ids: Sequence[LaneId]) -> list[LaneState]:
        """Let lanes go, and hand out their whole state: `rejoin` takes them up as if they had never left."""
        states = self.copies(ids)
        self.leave(ids)
        return states

    def rejoin(self, states: Sequence[LaneState]) -> None:
        """Let lanes in with the state they have: those that `take` handed out, or clones."""
        for structure in dict.fromkeys(item.lane.structure for item in states):
            group = [item for item in states if item.lane.structure == structure]
            lanes = [item.lane for item in group]
            population = self.population(lanes)
            joining = stacked(group).to(self._compute.device)
            population.restore([*population.lanes, *lanes], population.state.join(joining))

    def population(self, lanes: Sequence[Lane]) -> Population:
        """The population of the structure of these lanes; formed where there is none."""
        structure = lanes[0].structure
        for population in self.populations:
            if population.structure == structure:
                return population
        rows = lanes[0].variant
        stack = self._stacks.setdefault(
            (rows.numeric.shape[1], rows.codes.shape[1]), Stack(self._compute.device)
        )
        plan = self.plan(lanes)
        chunk = self.chunks.get(repr(structure)) or self._chunk(lanes[0])
        chunk = 1 if plan.alone else min(chunk, plan.chunk or chunk)
        population = Population(
            structure,
            stack,
            metric=self._metric,
            also=self._also,
            chunk=chunk,
            way=plan.way,
            compute=self._compute,
        )
        self.populations.append(population)
        return population

    def plan(self, lanes: Sequence[Lane]) -> Plan:
        """How lanes of one structure step; measured where no lanes of their kind have been seen."""
        kind = kind_of(lanes[0].structure)
        if kind not in self.plans:
            self.plans[kind] = choose(
                lanes,
                chunk=self._chunk(lanes[0]),
                metric=self._metric,
                ways=self._ways if lanes[0].structure.method.loops else ("batched",),
                compute=self._compute,
            )
        return self.plans[kind]

    def _chunk(self, lane: Lane) -> int:
        return chunk_size(lane.structure, len(lane.train), self._compute)

    def names(self, trials: Collection[int]) -> list[LaneId]:
        """The lanes in training of these trials."""
        return [
            lane.id for population in self.populations for lane in population.lanes if lane.id.trial in trials
        ]

    def leave(self, ids: Iterable[LaneId]) -> None:
        """Let lanes go; a population without lanes is dissolved."""
        gone = set(ids)
        for population in self.populations:
            population.leave(gone)
        self.populations = [population for population in self.populations if population.lanes]

    def train_epoch(self, *, halt: Halt = never) -> Outcome:
        """Train every lane for one epoch, then evaluate it.

        Args:
            halt: asked every few steps; `True` ends the epoch at once.

        Raises:
            Halted: `halt` said so.
        """
        before = [population.chunk for population in self.populations]
        outcome = train_together(self.populations, halt=halt)
        for population, chunk in zip(self.populations, before, strict=True):
            if population.chunk != chunk:
                self.chunks[repr(population.structure)] = population.chunk
        return outcome

    def unfinished_steps(self) -> int:
        """Optimizer steps of an epoch that was broken off, summed over lanes."""
        return sum(
            int((p.state.step - p.state.epoch * p.structure.steps).clamp(min=0).sum())
            for p in self.populations
        )

    def best(self, trial: int) -> list[LaneWeights]:
        """The best weights so far of a trial's lanes in training; lanes never evaluated are left out."""
        found = []
        for population in self.populations:
            for i, lane in enumerate(population.lanes):
                score = float(population.state.best[i])
                if lane.id.trial == trial and score == score:
                    state = population.state
                    found.append(
                        LaneWeights(
                            lane, _home(state.best_weights[i]), _home(state.best_statistics[i]), score
                        )
                    )
        return sorted(found, key=lambda item: item.lane.id)

    def now(self, records: Sequence[Record]) -> list[LaneWeights]:
        """The weights of lanes in training that were judged after the epoch that these records are of."""
        due = {record.lane: record for record in records}
        found = []
        for population in self.populations:
            state = population.state
            for i, lane in enumerate(population.lanes):
                if (record := due.get(lane.id)) is not None:
                    weights = judged_weights([lane], state.weights, state.memory, [i])[0]
                    rows = _home(weights), _home(state.statistics[i])
                    found.append(
                        LaneWeights(lane, *rows, score=record.metrics[self._metric], epoch=record.epoch)
                    )
        return sorted(found, key=lambda item: item.lane.id)


def _home(tensor: torch.Tensor) -> torch.Tensor:
    """A copy in the host's memory."""
    return tensor.to("cpu", copy=True)


def chunk_size(structure: Structure, rows: int, compute: Compute = ON_HOST) -> int:
    """Lanes that step together: what memory holds and, on a CPU, what the cache holds.

    Args:
        rows: training rows of a lane.
        compute: where they step.
    """
    held = held_bytes(structure)
    each = held + step_bytes(structure, rows)
    if not compute.on_host:
        each += held  # what steps change is kept for as long as nobody has looked at their losses
    by_memory = int(compute.free_bytes() * SHARE) // each
    by_cache = max(4, CACHE_BYTES // (5 * (held // 4))) if compute.on_host else by_memory
    return max(1, min(by_cache, by_memory))


def slots(structure: Structure, rows: int, compute: Compute = ON_HOST) -> int:
    """Lanes in training at once when the recipe leaves it open."""
    lane = held_bytes(structure) + 8 * rows
    most = MOST_LANES if compute.on_host else MOST_LANES_ON_GPU
    return max(1, min(most, int(compute.free_bytes() * SHARE) // max(lane, 1)))
