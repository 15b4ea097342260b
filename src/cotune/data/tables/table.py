"""A source as read, before its columns have kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import polars as pl

from cotune.data.origin import Origin


class Columns(Protocol):
    """A raw table, wherever it lies: a frame in memory, or files that are read by column."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def height(self) -> int: ...

    def __getitem__(self, name: str, /) -> pl.Series: ...


C = TypeVar("C", bound=Columns, covariant=True)


@dataclass(frozen=True)
class Table(Generic[C]):
    """A source as read.

    Args:
        frame: its columns.
        origin: where the rows stand.
        target: name of the target that the source itself brings.
        is_array: whether the columns have numbers rather than names.
        fits: whether its typed columns may be in memory.
    """

    frame: C
    origin: Origin
    target: str | None = None
    is_array: bool = False
    fits: bool = True
