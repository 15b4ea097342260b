"""The strategy that draws histories.

The main population is filled up to exactly `size` lanes at one boundary, its peak, and never holds more. Lanes whose
end cannot be told beforehand therefore join it at the peak or later.
"""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from contracts.histories.values import AT_ONCE, RUINS, Boundary, History, Kind, Shape, Visit
from cotune.engine.schedules import SCHEDULES
from cotune.nets.initialisers import INITIALISERS
from cotune.recipe.names import NORMS
from engine.lanes import BOTH_WAYS, SIDE_BY_SIDE, side_by_side

METRICS = {3: ("log_loss", "accuracy"), 0: ("rmse", "r2")}
"""By the number of classes: one that falls and one that rises."""

NUMBERS = {
    "lr": (1e-3, 1e-2, 0.1),
    "weight_decay": (0.0, 0.1),
    "momentum": (0.0, 0.9),
    "dropout": (0.0, 0.3),
    "l1": (0.0, 1e-3),
    "label_smoothing": (0.0, 0.1),
    "clip_norm": (0.0, 0.5),
    "warmup": (0.0, 0.3),
    "final_lr": (0.05, 0.5),
    "decay_factor": (0.1, 0.5),
}
STEADY = ("adam", "adagrad", "adadelta", "rmsprop", "adamax", "nadam", "radam", "amsgrad")
"""Optimizers that weight decay cannot ruin: they divide by the gradient's size, and it is part of the gradient."""

STAY = 4
"""Epochs at most."""

names = st.sampled_from


def shapes(classes: int, weighted: bool) -> st.SearchStrategy[Shape]:
    """Shapes for one table: small nets, batches that do and do not fill vectors, with and without rows left over."""
    return st.builds(
        Shape,
        width=names([8, 16]),
        depth=names([1, 2, 0]),
        norm=names(NORMS),
        residual=st.booleans(),
        batch_size=names([32, 48, 33, 40]),
        embedded=st.booleans(),
        weighted=st.just(weighted),
        classes=st.just(classes),
    )


def kinds(classes: int) -> st.SearchStrategy[Kind]:
    """Kinds of lane; one in three is sick."""
    healthy = st.builds(
        Kind,
        narrower=names([0, 1, 3]),
        fold=st.integers(0, 3),
        activation=names(SIDE_BY_SIDE),
        optimizer=names(BOTH_WAYS),
        loss=names(side_by_side(classes)),
        schedule=names(list(SCHEDULES)),
        init=names(list(INITIALISERS)),
        numbers=st.tuples(*(st.tuples(st.just(name), names(some)) for name, some in NUMBERS.items())),
        spare_epochs=names([0, 2]),
    )
    return healthy | healthy | st.builds(ruined, healthy, names(list(RUINS)))


def ruined(kind: Kind, ruin: str) -> Kind:
    """A sick lane. Not with Adam and its like: their steps have one length, and weight decay cannot make them grow."""
    return replace(kind, ruin=ruin, optimizer="adamw" if kind.optimizer in STEADY else kind.optimizer)


def _of_known_end(kind: Kind) -> Kind:
    return kind if kind.ruin == AT_ONCE else kind.healthy


class _Book:
    """The visits so far, and when each is planned to end."""

    def __init__(self) -> None:
        self._ends: list[tuple[Shape, int]] = []

    def present(self, shape: Shape, boundary: int) -> int:
        """Lanes of a shape that are there at a boundary, before anyone joins."""
        return sum(end > boundary for other, end in self._ends if other == shape)

    def enter(self, shape: Shape, boundary: int, lanes: Sequence[tuple[Kind, int]]) -> list[Visit]:
        """Let lanes join at a boundary."""
        first = len(self._ends)
        stays = [1 if kind.ruin == AT_ONCE else stay for kind, stay in lanes]
        self._ends += [(shape, boundary + stay) for stay in stays]
        return [Visit(first + i, shape, kind, stay) for i, (kind, stay) in enumerate(lanes)]


@st.composite
def histories(draw: st.DrawFn, size: int, *, sick: bool = False, saved: bool = False) -> History:
    """Histories whose main population reaches `size` lanes.

    Args:
        size: at least 2.
        sick: at least one lane diverges.
        saved: the engine goes through a file at least once while a lane is in the middle of its training.
    """
    classes, weighted = draw(names([(3, False), (3, True), (0, False)]))
    main, *sides = draw(
        st.lists(shapes(classes, weighted), min_size=1, max_size=3, unique_by=lambda shape: shape.padded)
    )
    some = draw(st.lists(kinds(classes), min_size=min(size, 5), max_size=8))
    stays = st.tuples(names(some), st.integers(1, STAY))
    peak = draw(st.integers(0, 2))
    last = peak + draw(st.integers(1, 3))
    book, boundaries = _Book(), []
    for b in range(last + 1):
        room = size - book.present(main, b)
        least, most = (room, room) if b == peak else (int(b == 0), room - (b < peak))
        count = draw(st.integers(least, most))
        lanes = draw(st.lists(stays, min_size=count, max_size=count))
        if b < peak:
            lanes = [(_of_known_end(kind), stay) for kind, stay in lanes]
        if sick and b == peak:
            lanes[-1] = (ruined(lanes[-1][0], AT_ONCE), 2)
        if saved and b == 0:
            lanes[0] = (lanes[0][0].healthy, max(2, lanes[0][1]))
        joins = book.enter(main, b, lanes)
        for side in sides:
            joins += book.enter(side, b, draw(st.lists(stays, max_size=2)))
        boundaries.append(Boundary(tuple(joins), draw(names(["", "before", "after"]))))
    if saved and not boundaries[1].saved:
        boundaries[1] = replace(boundaries[1], saved=draw(names(["before", "after"])))
    chunk = draw(names([0, max(1, size // 4), size - 1]))
    return History(main, size, draw(names(METRICS[classes])), chunk, tuple(boundaries))
