"""Where in a lane's memory lies what: the slots of its method first, which its structure decides, then the optimizer's.

| slot    | what it holds                                               |
|---------|-------------------------------------------------------------|
| sum     | gradients since the last step, each times its part          |
| slow    | lookahead's slow weights                                    |
| average | the average of the weights                                  |
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.lanes import Lane, Method
from cotune.engine.optim import OPTIMIZERS


def places(method: Method) -> dict[str, int]:
    """The slots of a method by name."""
    wanted = {"sum": method.accumulates, "slow": method.looks_ahead, "average": method.averages}
    return {name: place for place, name in enumerate(name for name, has in wanted.items() if has)}


def count(lane: Lane) -> int:
    """Slots a lane needs."""
    return len(places(lane.structure.method)) + OPTIMIZERS[lane.optimizer].slots


def judged(lane: Lane) -> int | None:
    """The slot that holds the weights to be judged and handed out; `None` for those that are trained."""
    own, slot = places(lane.structure.method), OPTIMIZERS[lane.optimizer].judged
    return own.get("average", None if slot is None else len(own) + slot)


def begin(lanes: Sequence[Lane], weights: Tensor, memory: Tensor) -> None:
    """Set slots that begin as the first weights.

    Args:
        weights: lane weight.
        memory: lane slot weight, zero.
    """
    for place, lane in enumerate(lanes):
        own = places(lane.structure.method)
        theirs = [len(own) + slot for slot in OPTIMIZERS[lane.optimizer].starts_from_weights]
        for slot in (*theirs, *(own[name] for name in ("slow", "average") if name in own)):
            memory[place, slot] = weights[place]


def judged_weights(lanes: Sequence[Lane], weights: Tensor, memory: Tensor, rows: Sequence[int]) -> Tensor:
    """The weights to be judged of some rows, lane weight.

    Args:
        lanes: of those rows, in their order.
        weights, memory: of all rows.
    """
    chosen = [judged(lane) for lane in lanes]
    if all(slot is None for slot in chosen):
        return weights.index_select(0, torch.tensor(rows, device=weights.device))
    pairs = zip(rows, chosen, strict=True)
    return torch.stack([weights[row] if slot is None else memory[row, slot] for row, slot in pairs])
