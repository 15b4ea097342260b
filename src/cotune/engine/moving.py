"""Lanes on the move: a lane's whole state leaves its population as a row, rests, goes on later, or begins another lane.

All that a lane is, beside what describes it, is one row of `State`: weights, optimizer memory, running statistics,
averages, counters, the best so far. What is left to chance is a hash of its seed and its counters. So a lane that has
rested goes on bit for bit as if it had never left, and a clone with the lane's own seed and numbers would do the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch

from cotune.engine import slots
from cotune.engine.lanes import Lane
from cotune.engine.state import State
from cotune.errors import CloneError

KINDRED = (frozenset({"sgd", "nesterov"}), frozenset({"adam", "adamw", "nadam", "radam"}))
"""Optimizers whose memory means the same: one can go on from what another has left."""


@dataclass(frozen=True, eq=False)
class LaneState:
    """A lane that is not in training, and all that it needs to go on.

    Args:
        lane: which lane it is.
        state: its row, in the host's memory, with as many slots as its optimizer needs.
    """

    lane: Lane
    state: State

    @property
    def bytes(self) -> int:
        """What it takes."""
        return sum(tensor.nbytes for tensor in self.state.tensors().values())


def lifted(lane: Lane, state: State, row: int) -> LaneState:
    """A copy of one row of a population's state."""
    own = state.take([row]).to(torch.device("cpu"))
    return LaneState(lane, replace(own, memory=own.memory[:, : slots.count(lane)].contiguous()))


def stacked(states: Sequence[LaneState]) -> State:
    """Lanes of one structure, one under the other."""
    most = max(item.state.memory.shape[1] for item in states)
    rows = [item.state.with_slots(most) for item in states]
    return State(**{f.name: torch.cat([getattr(row, f.name) for row in rows]) for f in fields(State)})


def clone(parent: LaneState, lane: Lane, *, judged_anew: bool = False) -> LaneState:
    """`lane`, as if it had been trained as the parent was: its weights, memory, counters, and the best so far.

    Whatever the structure does not say may differ: name, seed, every fusable number, activation, loss, schedule and
    rows; the optimizer among those of equal memory. The parent's own row is not touched.

    Args:
        parent: whose state it takes over.
        lane: the lane to begin.
        judged_anew: forget the best so far, so that the first epoch of the clone counts, whatever it is.

    Raises:
        CloneError: the state does not fit.
    """
    if faults := misfits(parent.lane, lane):
        law = f"a clone must have its parent's structure, but lanes {parent.lane.id} and {lane.id} differ in"
        raise CloneError(f"{law} {', '.join(faults)}; change fusable parameters only")
    state = State(**{name: tensor.clone() for name, tensor in parent.state.tensors().items()})
    if judged_anew:
        nothing = torch.full_like(state.best, torch.nan)
        state = replace(
            state,
            best=nothing,
            best_weights=slots.judged_weights([lane], state.weights, state.memory, [0]),
            best_statistics=state.statistics.clone(),
        )
    return LaneState(lane, state)


def misfits(parent: Lane, lane: Lane) -> list[str]:
    """Why `lane` cannot go on from a state of `parent`; empty where it can."""
    found = [
        f"{f.name} ({getattr(parent.structure, f.name)} and {getattr(lane.structure, f.name)})"
        for f in fields(parent.structure)
        if getattr(parent.structure, f.name) != getattr(lane.structure, f.name)
    ]
    if parent.width != lane.width:
        found.append(f"width ({parent.width} and {lane.width})")
    pair = {parent.optimizer, lane.optimizer}
    if len(pair) > 1 and not any(pair <= kin for kin in KINDRED):
        found.append(f"what their optimizers remember ({parent.optimizer} and {lane.optimizer})")
    return found
