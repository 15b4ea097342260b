"""A table in Parquet files, one under the other, read a column at a time and never whole."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cotune.errors import SourceError


@dataclass(frozen=True)
class Parts:
    """A table that is read by column.

    Args:
        paths: the files, in the order of their rows.
        columns: names.
        height: rows, all files together.
    """

    paths: Sequence[Path]
    columns: Sequence[str]
    height: int

    def __getitem__(self, name: str) -> pl.Series:
        """A whole column.

        Raises:
            SourceError: a file is damaged.
        """
        return pl.concat([read_parquet(path, [name]) for path in self.paths])[name]

    def first(self) -> pl.DataFrame:
        """The first row.

        Raises:
            SourceError: a file is damaged.
        """
        with _whole(self.paths[0]):
            return pl.scan_parquet(self.paths[0]).head(1).collect()

    @classmethod
    def write(cls, folder: Path, frames: Iterable[pl.DataFrame]) -> "Parts":
        """Store frames of equal columns as they come."""
        paths: list[Path] = []
        columns: list[str] = []
        height = 0
        for frame in frames:
            paths.append(folder / f"{len(paths):06d}.parquet")
            packed = io.BytesIO()  # a full disk shall be an OSError, which polars does not raise
            frame.write_parquet(packed, compression="lz4", statistics=False)
            paths[-1].write_bytes(packed.getbuffer())
            columns, height = frame.columns, height + frame.height
        return cls(paths, columns, height)

    @classmethod
    def of(cls, path: Path) -> "Parts":
        """The table in the user's own file."""
        with _whole(path):
            rows = pl.scan_parquet(path).select(pl.len()).collect().item()
            return cls([path], list(pl.read_parquet_schema(path)), rows)


def read_parquet(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """A Parquet file, or some columns of it.

    Raises:
        SourceError: it is damaged.
    """
    with _whole(path):
        return pl.read_parquet(path, columns=columns)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise SourceError(
            f"{path} must be a whole Parquet file, but reading fails: {first}; write or copy it again"
        ) from None
