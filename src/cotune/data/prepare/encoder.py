"""A typed frame to numbers: dates, outliers, missing cells, scales, bins and categories, in this order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from cotune.data.arrays import LARGEST, Float32s, Floats, Ints
from cotune.data.prepare import categories, dates, impute, outliers, piecewise, scale
from cotune.data.prepare.layout import Input, named, plain_block, scaled_block
from cotune.data.prepare.settings import Preparation
from cotune.data.tables.stored import KINDS, Frame, cells


@dataclass(frozen=True)
class Encoder:
    """What the training rows taught.

    Args:
        inputs: the columns read.
        calendars: one per date column.
        fences: of the scaled columns; None without outlier treatment.
        imputation: of the scaled and the plain columns, side by side.
        scaling: of the scaled columns.
        pieces: of the scaled columns, on their scales; None where they stay plain numbers.
        known: categories, one per categorical column.
        embedded: whether categories stay codes.
    """

    inputs: tuple[Input, ...]
    calendars: tuple[dates.Calendar, ...]
    fences: outliers.Fences | None
    imputation: impute.Imputation
    scaling: scale.Scaling
    pieces: piecewise.Pieces | None
    known: tuple[categories.Categories, ...]
    embedded: bool


def fit(inputs: tuple[Input, ...], frame: Frame, rows: Ints, settings: Preparation) -> Encoder:
    """The encoder of the training rows `rows` of a frame.

    What a column teaches depends on that column alone. So one is in memory at a time, and a table in files is fitted
    exactly as one in memory.
    """
    parts = {each.name: _fit_one(each, cells(frame, each.name, rows).to_frame(), settings) for each in inputs}
    return _joined(inputs, parts, settings)


def _fit_one(column: Input, frame: pl.DataFrame, settings: Preparation) -> Encoder:
    inputs = (column,)
    calendars = tuple(dates.fit(frame[name]) for name in named(inputs, "date"))
    scaled, scaled_names = scaled_block(inputs, frame)
    plain, plain_names = plain_block(inputs, calendars, frame)
    fences = outliers.fit(scaled) if settings.outliers == "clip" else None
    x = _clipped(fences, scaled, plain)
    names = scaled_names + plain_names
    markable = _markable(inputs, names) if settings.indicators else []
    imputation = impute.fit(x, method=settings.missing, markable=markable, zeros=_zeros(inputs, names))
    numbers = impute.apply(imputation, x)[0][:, : scaled.shape[1]]
    scaling = scale.fit(numbers, method=settings.scaling)
    binned = settings.numbers == "piecewise"
    return Encoder(
        inputs=inputs,
        calendars=calendars,
        fences=fences,
        imputation=imputation,
        scaling=scaling,
        pieces=piecewise.fit(scale.apply(scaling, numbers), bins=settings.bins) if binned else None,
        known=tuple(categories.fit(frame[name]) for name in named(inputs, "categorical")),
        embedded=settings.categories == "embedding",
    )


def _joined(inputs: tuple[Input, ...], parts: Mapping[str, Encoder], settings: Preparation) -> Encoder:
    """One encoder of all columns, its numbers in the order of `scaled_block` and `plain_block`."""
    numeric, boolean, date, categorical = (
        [parts[name] for name in named(inputs, kind)]
        for kind in ("numeric", "boolean", "date", "categorical")
    )
    scaled = [*numeric, *date]
    fences = [part.fences for part in scaled if part.fences is not None]
    return Encoder(
        inputs=inputs,
        calendars=tuple(calendar for part in date for calendar in part.calendars),
        fences=outliers.join(fences) if settings.outliers == "clip" else None,
        imputation=impute.join(
            [impute.cut(part.imputation, 0, part.scaling.columns) for part in scaled]
            + [impute.cut(part.imputation, part.scaling.columns, None) for part in (*boolean, *date)]
        ),
        scaling=scale.join([part.scaling for part in scaled]),
        pieces=piecewise.join([part.pieces for part in scaled if part.pieces is not None])
        if settings.numbers == "piecewise"
        else None,
        known=tuple(known for part in categorical for known in part.known),
        embedded=settings.categories == "embedding",
    )


def apply(state: Encoder, frame: pl.DataFrame) -> tuple[Float32s, Ints]:
    """(numbers [row, feature], codes [row, embedded column]) of a typed frame."""
    scaled, _ = scaled_block(state.inputs, frame)
    plain, _ = plain_block(state.inputs, state.calendars, frame)
    filled, marks = impute.apply(state.imputation, _clipped(state.fences, scaled, plain))
    width = scaled.shape[1]
    on_scale = scale.apply(state.scaling, filled[:, :width])
    coded = on_scale if state.pieces is None else piecewise.apply(state.pieces, on_scale)
    numbers = np.concatenate([coded, filled[:, width:], marks], axis=1)
    # A far outlier of a narrow column may pass the range of 32-bit floats once scaled.
    blocks = [np.clip(numbers, -LARGEST, LARGEST).astype(np.float32)]
    columns = zip(named(state.inputs, "categorical"), state.known, strict=True)
    found = [categories.codes(known, frame[name]) for name, known in columns]
    if state.embedded and found:
        return blocks[0], np.column_stack(found)
    blocks += [
        categories.onehot(codes, len(known.known)) for codes, known in zip(found, state.known, strict=True)
    ]
    return np.concatenate(blocks, axis=1), np.zeros((frame.height, 0), dtype=np.int64)


def describe_features(state: Encoder) -> list[tuple[str, bool]]:
    """(name, whether it takes few values) of every number that `apply` gives, in order."""
    empty = pl.DataFrame(schema={each.name: KINDS[each.kind] for each in state.inputs})
    _, scaled = scaled_block(state.inputs, empty)
    _, plain = plain_block(state.inputs, state.calendars, empty)
    booleans = set(named(state.inputs, "boolean"))
    names = scaled + plain
    found = [(name, False) for name in _coded(scaled, state.pieces)]
    found += [(name, name in booleans) for name in plain]
    found += [(f"{names[j].removesuffix('.days')} is missing", True) for j in state.imputation.marked]
    if not state.embedded:
        for column, known in zip(named(state.inputs, "categorical"), state.known, strict=True):
            found += [(f"{column}={value}", True) for value in known.known]
    return found


def _coded(names: list[str], pieces: piecewise.Pieces | None) -> list[str]:
    """The scaled columns by what became of them: a column with several bins has a number for each."""
    if pieces is None:
        return names
    return [
        f"{name} in bin {t} of {count}" if count > 1 else name
        for name, count in zip(names, pieces.counts, strict=True)
        for t in range(1, count + 1)
    ]


def _clipped(fences: outliers.Fences | None, scaled: Floats, plain: Floats) -> Floats:
    return np.concatenate([scaled if fences is None else outliers.apply(fences, scaled), plain], axis=1)


def _markable(inputs: tuple[Input, ...], names: list[str]) -> list[int]:
    # A date spreads over several columns that are missing together: its first stands for all.
    first = {each.name if each.kind != "date" else f"{each.name}.days" for each in inputs}
    return [j for j, name in enumerate(names) if name in first]


def _zeros(inputs: tuple[Input, ...], names: list[str]) -> list[float]:
    """What counts as 0 in each column: for the days and the year of a date, the day from which days are counted."""
    origin = {
        f"{date}.{part}": start
        for date in named(inputs, "date")
        for part, start in zip(dates.LINEAR, dates.ORIGIN, strict=True)
    }
    return [origin.get(name, 0.0) for name in names]
