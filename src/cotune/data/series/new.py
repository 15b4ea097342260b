"""Series to predict: any source of series, labelled or not."""

from os import PathLike
from pathlib import Path

import numpy as np

from cotune.data.series.rows import Series, laid
from cotune.data.series.sources import KIND, SeriesSource, find_series, from_long
from cotune.data.series.ts import read_ts
from cotune.data.tables.handed import frame_of
from cotune.data.tables.sources import open_source
from cotune.errors import SourceError


def new_series(
    source: object, times: int, width: int, column: str, time: str, channels: tuple[str, ...]
) -> Series:
    """Up to so many times of each row.

    Args:
        times, width: of the study's rows: times, and channels.
        column, time: the columns that name, and order, the series of a table; "" where the study had none.
        channels: names of the columns of a table.

    Raises:
        SourceError: there are no series, or they have other channels.
    """
    found = _found(source, column, time, channels)
    has = found.rows[0].shape[1]
    if has != width:
        raise SourceError(
            f"series must have {width} channel{'s' if width > 1 else ''} as in the study, but those of {found.words} "
            f"have {has}; bring the same ones, in the same order"
        )
    return laid(found.rows, times, channels=channels, names=found.names)


def _found(source: object, column: str, time: str, channels: tuple[str, ...]) -> SeriesSource:
    if isinstance(source, str | PathLike) and Path(source).suffix.lower() == ".ts" and Path(source).is_file():
        file = read_ts(Path(source))
        return SeriesSource(file.rows, None, file.name, str(source))
    if isinstance(source, np.ndarray) and source.ndim == 2:  # one channel
        source = source[..., None]
    found = find_series(source, None, kind=KIND) if not column else None
    if found is not None:
        return found
    if not column:
        raise SourceError(
            "series must be a .ts file, an array [row time channel], a list of arrays [time channel], or a file of "
            f"such arrays, but got a {type(source).__name__}"
        )
    table = open_source(source)
    missing = [
        name for name in (column, *channels, *([time] if time else [])) if name not in table.frame.columns
    ]
    if missing:
        raise SourceError(f"column '{missing[0]}' is missing in {table.origin.words}")
    frame = frame_of(table.frame).select([column, *channels, *([time] if time else [])])
    return from_long(frame, series=column, time=time or None, target=None, words=table.origin.words)
