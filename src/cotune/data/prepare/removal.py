"""Training rows with an extreme number: left out, as long as they are few.

A row is extreme if one of its numbers lies beyond Tukey's far fences (`outliers`). At most a tenth of the training
rows may be left out, and never all rows of a class; otherwise the rows stay, and their numbers are clipped. Rows to
validate, to test and to predict always stay, with their numbers as they are.

Source: Tukey, Exploratory Data Analysis, 1977.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cotune.data.arrays import Bools, Floats, Ints
from cotune.data.prepare import outliers
from cotune.data.prepare.layout import Input, named, scaled_block
from cotune.data.tables.stored import Frame, cells

MOST = 0.1
"""Share of the training rows that may be left out."""


@dataclass(frozen=True)
class Removal:
    """What was found in the training rows.

    Args:
        fences: one per numeric column, then one per date.
        rows: how many training rows there are.
        extreme: how many of them hold a number beyond its fence.
        whole_class: whether some class has only such rows.
    """

    fences: tuple[outliers.Fences, ...]
    rows: int
    extreme: int
    whole_class: bool

    @property
    def too_many(self) -> bool:
        """Whether more rows are extreme than may be left out."""
        return self.extreme > MOST * self.rows

    @property
    def done(self) -> bool:
        """Whether extreme rows are left out; if not, numbers are clipped."""
        return not self.too_many and not self.whole_class


def fit(
    inputs: Sequence[Input], frame: Frame, rows: Ints, classes: Ints | None
) -> tuple[Removal, Ints | None]:
    """(What was found in the training rows, places in `rows` of those that stay or `None` for all).

    Args:
        rows: numbers of the training rows.
        classes: of these rows, shape [row]; `None` for a regression.
    """
    fences, extreme = [], np.zeros(len(rows), dtype=bool)
    for block in _blocks(inputs, frame, rows):
        fences.append(outliers.fit(block))
        extreme |= outliers.beyond(fences[-1], block)
    lost = classes is not None and not np.isin(classes, classes[~extreme]).all()
    found = Removal(tuple(fences), len(rows), int(extreme.sum()), lost)
    return found, _staying(found, extreme)


def apply(state: Removal, inputs: Sequence[Input], frame: Frame, rows: Ints) -> Ints | None:
    """Places in `rows` of those that stay, ascending; `None` for all."""
    extreme = np.zeros(len(rows), dtype=bool)
    if state.done and state.extreme:
        for fences, block in zip(state.fences, _blocks(inputs, frame, rows), strict=True):
            extreme |= outliers.beyond(fences, block)
    return _staying(state, extreme)


def _staying(state: Removal, extreme: Bools) -> Ints | None:
    return np.flatnonzero(~extreme) if state.done and state.extreme else None


def _blocks(inputs: Sequence[Input], frame: Frame, rows: Ints) -> Iterator[Floats]:
    """The numbers of one column after the other, shape [row, number]."""
    for kind in ("numeric", "date"):
        for name in named(inputs, kind):
            yield scaled_block((Input(name, kind),), cells(frame, name, rows).to_frame())[0]
