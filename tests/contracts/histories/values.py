"""What a history is: who joins an engine at which boundary, for how long, and when the engine goes through a file.

| word  | meaning                                                                       |
|-------|-------------------------------------------------------------------------------|
| shape | what makes a structure; a history's first one is of its main population       |
| kind  | what lanes of one population may differ in                                    |
| visit | a lane, and the epochs it stays                                               |
| ruin  | what makes a lane diverge; a lane with a ruin is sick                         |
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache

import torch

from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane, padded_width
from cotune.types import LaneId
from engine.lanes import lane, table

ROWS = 128
"""Of which 96 train: two or three steps an epoch."""

AT_ONCE, SOON, ROW = "diverges in its first epoch", "diverges soon", "NaN in a row"
RUINS = {AT_ONCE: {"lr": 1e30, "weight_decay": 1.0}, SOON: {"lr": 1e3, "weight_decay": 10.0}, ROW: {}}
"""Numbers that ruin a lane: every step weight decay multiplies its weights by about −lr · weight_decay."""


@dataclass(frozen=True)
class Shape:
    """What makes a structure. `classes=0` is regression, which has no weighted classes."""

    width: int
    depth: int
    norm: str
    residual: bool
    batch_size: int
    embedded: bool
    weighted: bool
    classes: int

    @property
    def padded(self) -> "Shape":
        """Shapes that are equal once padded make equal structures."""
        return replace(self, width=padded_width(self.width, self.batch_size))


@cache
def rows_for(shape: Shape, seed: int, *, sick: bool) -> Variant:
    """A table, or the same with a NaN in row 1, which validates fold 1 and trains the other folds."""
    cards = (4, 3) if shape.embedded else ()
    good = table(rows=ROWS, cardinalities=cards, classes=shape.classes, weighted=shape.weighted, seed=seed)
    if not sick:
        return good
    numeric = good.numeric.clone()
    numeric[1, 2] = torch.nan
    return replace(good, numeric=numeric)


@dataclass(frozen=True)
class Kind:
    """What may differ inside a population: names as in a recipe, units less than the padding, and numbers."""

    narrower: int
    fold: int
    activation: str
    optimizer: str
    loss: str
    schedule: str
    init: str
    numbers: tuple[tuple[str, float], ...]
    spare_epochs: int
    """By which the schedule outlasts the stay."""
    ruin: str = ""

    @property
    def healthy(self) -> "Kind":
        """The same without its ruin."""
        return replace(self, ruin="")


@dataclass(frozen=True)
class Visit:
    """A lane and the epochs it stays, unless it diverges. Lanes of one kind differ in seed, table and rate."""

    number: int
    shape: Shape
    kind: Kind
    stay: int

    @property
    def id(self) -> LaneId:
        """Trials have three lanes."""
        return LaneId(self.number // 3, self.number % 3)

    def lane(self) -> Lane:
        """The lane, described anew every time."""
        shape, kind = self.shape, self.kind
        numbers = dict(kind.numbers)
        numbers["lr"] *= 1 + 0.01 * (self.number % 50)
        padded = shape.padded.width
        return lane(
            self.id.trial,
            self.id.index,
            variant=rows_for(shape, self.number % 2, sick=kind.ruin == ROW),
            width=padded - kind.narrower,
            padded=padded,
            epochs=self.stay + kind.spare_epochs,
            **{name: getattr(shape, name) for name in ("depth", "norm", "residual", "batch_size")},
            **{name: getattr(kind, name) for name in ("fold", "activation", "optimizer", "loss")},
            **{name: getattr(kind, name) for name in ("schedule", "init")},
            **(numbers | RUINS.get(kind.ruin, {})),
        )


@dataclass(frozen=True)
class Boundary:
    """Who joins, and whether the engine goes through a file "before" or "after" they do, or not at all ("")."""

    joins: tuple[Visit, ...]
    saved: str


@dataclass(frozen=True)
class History:
    """Boundaries, each followed by an epoch; whoever is there after the last one leaves then.

    Args:
        main: shape of the main population.
        size: lanes it reaches.
        metric: of the engine.
        chunk: lanes of the main population that step together; 0 leaves it to the engine.
        boundaries: in the order of time.
    """

    main: Shape
    size: int
    metric: str
    chunk: int
    boundaries: tuple[Boundary, ...]

    @property
    def visits(self) -> tuple[Visit, ...]:
        """All lanes, in the order of their numbers."""
        return tuple(visit for boundary in self.boundaries for visit in boundary.joins)

    def only(self, some: Iterable[Visit]) -> "History":
        """As if nobody else had ever joined."""
        kept = {visit.number for visit in some}
        return self._with(lambda b: Boundary(tuple(v for v in b.joins if v.number in kept), b.saved))

    def unsaved(self) -> "History":
        """As if the engine had never gone through a file."""
        return self._with(lambda b: Boundary(b.joins, ""))

    def _with(self, change: Callable[[Boundary], Boundary]) -> "History":
        return replace(self, boundaries=tuple(change(b) for b in self.boundaries))
