"""From what a network generates back to rows of the user's table: the preparation the other way round.

| symbol | meaning                                   | shape        |
|--------|-------------------------------------------|--------------|
| x      | generated rows, as networks read rows     | row feature  |
| F⁻¹    | a scaling the other way round, see `scale` |              |

Numbers leave their scale, are cut to the range of the training rows, and get as many decimals as those had. A cell
whose indicator is set is missing. Of a category that stands for all rare ones (and for missing cells) one of them is
drawn, as often as it was in the training rows. Of dates the days count; year and circles follow from them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import categories, dates
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.pipeline import Pipeline
from cotune.data.prepare.scale import SMOOTH, Scaling
from cotune.data.tables.stored import cells

FORMAT = "cotune table 1"
MOST_DECIMALS = 6
MOST_RARE = 1000
"""Cells of a rare category that are kept to draw from."""
MISSING = "\0"
"""Stands for a missing cell among them."""


@dataclass(frozen=True)
class MadeColumn:
    """A column of the user's table.

    Args:
        name, kind: as the preparation has them.
        low, high: of the training rows; of dates in days.
        decimals: that numbers have; 0 are whole ones.
        rare: cells of categories that the preparation does not tell apart; `MISSING` for an empty one.
    """

    name: str
    kind: str
    low: float
    high: float
    decimals: int
    rare: tuple[str, ...]


@dataclass(frozen=True)
class Renderer:
    """A preparation the other way round.

    Args:
        pipeline: numbers plain, categories one-hot, nothing left out.
        columns: in the order of the user's table.
    """

    pipeline: Pipeline
    columns: tuple[MadeColumn, ...]

    @classmethod
    def fit(cls, pipeline: Pipeline, dataset: Dataset, rows: Ints) -> "Renderer":
        """What the training rows say of columns beside their preparation."""
        known = dict(zip(_names(pipeline, "categorical"), pipeline.encoder.known, strict=True))
        columns = []
        for each in pipeline.encoder.inputs:
            series = cells(dataset.table, each.name, rows)
            low, high, decimals = 0.0, 0.0, 0
            rare: tuple[str, ...] = ()
            if each.kind in ("numeric", "date"):
                numbers = series if each.kind == "numeric" else pl.Series(dates.linear(series)[:, 0])
                present = numbers.drop_nulls().drop_nans().to_numpy()
                if len(present):
                    low, high, decimals = float(present.min()), float(present.max()), _decimals(present)
            elif each.kind == "categorical":
                rare = _rare(known[each.name], series)
            columns.append(MadeColumn(each.name, each.kind, low, high, decimals, rare))
        return cls(pipeline, tuple(columns))

    @property
    def blocks(self) -> tuple[tuple[str, int], ...]:
        """(kind, size) of the blocks that features stand in, see `cotune.nets.gan.tables`."""
        state = self.pipeline.encoder
        booleans = len(_names(self.pipeline, "boolean"))
        circles = len(state.imputation.fill) - state.scaling.columns - booleans
        found = [("number", state.scaling.columns), ("flag", booleans), ("number", circles)]
        found.append(("flag", len(state.imputation.marked)))
        rare = {each.name: bool(each.rare) for each in self.columns}
        for name, known in zip(_names(self.pipeline, "categorical"), state.known, strict=True):
            found.append(("category" if rare[name] else "choice", len(known.known)))
        return tuple((kind, size) for kind, size in found if size)

    def typed(self, x: Floats, *, seed: int = 0) -> pl.DataFrame:
        """Rows as the data set has them: Float64, String, Boolean, Datetime.

        Args:
            x: row feature.
            seed: of the draws among rare categories.
        """
        state = self.pipeline.encoder
        numbers = unscaled(state.scaling, x[:, : state.scaling.columns].astype(np.float64))
        width = len(state.imputation.fill)
        booleans = x[:, state.scaling.columns :]
        marks = x[:, width : width + len(state.imputation.marked)] > 0.5
        missing = {column: marks[:, place] for place, column in enumerate(state.imputation.marked)}
        at, found = width + marks.shape[1], {}
        places = {name: j for j, name in enumerate(_names(self.pipeline, "numeric"))}
        first_date = len(places)
        places |= {name: first_date + 2 * j for j, name in enumerate(_names(self.pipeline, "date"))}
        flags = {name: j for j, name in enumerate(_names(self.pipeline, "boolean"))}
        random = np.random.default_rng(seed)
        known = dict(zip(_names(self.pipeline, "categorical"), state.known, strict=True))
        blocks = {}
        for name, each in known.items():
            blocks[name] = x[:, at : at + len(each.known)]
            at += len(each.known)
        for column in self.columns:
            name = column.name
            if column.kind == "categorical":
                found[name] = _category(column, known[name], blocks[name], random)
            elif column.kind == "boolean":
                place = state.scaling.columns + flags[name]
                values = pl.Series(name, booleans[:, flags[name]] > 0.5)
                found[name] = _without(values, missing.get(place))
            else:
                gone = missing.get(places[name])
                found[name] = _without(_number(column, numbers[:, places[name]]), gone)
        return pl.DataFrame(found)

    def table(self, x: Floats, *, seed: int = 0) -> pl.DataFrame:
        """Rows as the user's table has them: whole numbers and days are such again."""
        frame = self.typed(x, seed=seed)
        timed = dict(zip(_names(self.pipeline, "date"), self.pipeline.encoder.calendars, strict=True))
        for column in self.columns:
            if column.kind == "numeric" and column.decimals == 0:
                frame = frame.with_columns(pl.col(column.name).cast(pl.Int64))
            elif column.kind == "date" and not timed[column.name].timed:
                frame = frame.with_columns(pl.col(column.name).cast(pl.Date))
        return frame

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "Renderer":
        """The renderer that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)


def _names(pipeline: Pipeline, kind: str) -> list[str]:
    return [each.name for each in pipeline.encoder.inputs if each.kind == kind]


def _decimals(values: Floats) -> int:
    """Decimals after which nothing is left; `MOST_DECIMALS` where there are more."""
    for count in range(MOST_DECIMALS):
        if np.allclose(values, np.round(values, count), rtol=0, atol=10.0 ** -(count + 4)):
            return count
    return MOST_DECIMALS


def _rare(known: categories.Categories, series: pl.Series) -> tuple[str, ...]:
    rare = series.filter((categories.codes(known, series) == 0).tolist()).fill_null(MISSING)
    if rare.len() > MOST_RARE:
        rare = rare.gather(np.linspace(0, rare.len() - 1, MOST_RARE).astype(np.int64))
    return tuple(rare.to_list())


def _number(column: MadeColumn, values: Floats) -> pl.Series:
    cut = np.clip(values, column.low, column.high)
    if column.kind == "numeric":
        return pl.Series(column.name, np.clip(np.round(cut, column.decimals), column.low, column.high))
    days = np.round(cut) if column.decimals == 0 else cut
    micros = (days * dates.MICROSECONDS_PER_DAY).round().astype(np.int64)
    return pl.Series(column.name, micros).cast(pl.Datetime("us"))


def _category(
    column: MadeColumn, known: categories.Categories, block: Floats, random: np.random.Generator
) -> pl.Series:
    names = np.array([*known.known, None], dtype=object)
    chosen = block.argmax(axis=1) if block.shape[1] else np.zeros(len(block), dtype=np.int64)
    none = block.max(axis=1, initial=0.0) < 0.5
    values = names[np.where(none & bool(column.rare), len(known.known), chosen)]
    if column.rare and none.any():
        cells = np.array([None if cell == MISSING else cell for cell in column.rare], dtype=object)
        values = np.where(none, random.choice(cells, size=len(block)), values)
    return pl.Series(column.name, values.tolist(), dtype=pl.String)


def _without(values: pl.Series, gone: Any) -> pl.Series:
    if gone is None or not gone.any():
        return values
    kept = pl.DataFrame({"value": values, "gone": gone})
    shown = pl.when(~pl.col("gone")).then(pl.col("value")).alias(values.name)
    return kept.select(shown)[values.name]


def unscaled(state: Scaling, z: Floats) -> Floats:
    """Numbers off their scales, F⁻¹(z) [row column]."""
    if state.method == "none":
        return z
    if state.method == "quantile":
        from scipy.special import ndtr  # scipy comes with scikit-learn

        columns = [
            np.interp(ndtr(z[:, j]), np.linspace(0, 1, len(q)), np.asarray(q))
            for j, q in enumerate(state.quantiles)
        ]
        return np.column_stack(columns) if columns else z
    if state.method == "robust_clip":
        bounded = np.clip(z, -SMOOTH * (1 - 1e-6), SMOOTH * (1 - 1e-6))
        z = bounded / np.sqrt(1 - (bounded / SMOOTH) ** 2)
    found: Floats = z * np.asarray(state.spread) + np.asarray(state.center)
    return found
