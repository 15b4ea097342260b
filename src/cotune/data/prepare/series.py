"""The preparation of series, fitted: from numbers at times to what a network reads.

| symbol | meaning                                                        | shape              |
|--------|----------------------------------------------------------------|--------------------|
| v      | numbers as they are; missing ones, and those beyond a row's end, are NaN | row time channel |
| s      | (v − center) / spread, by channel                              | row time channel   |
| x      | s, gaps filled; perhaps a channel that says where they were; 0 beyond the end | row (time channel) |

| scaling  | center                  | spread             | of all training rows' numbers in a channel |
|----------|-------------------------|--------------------|--------------------------------------------|
| standard | mean                    | standard deviation |                                            |
| minmax   | least                   | largest − least    |                                            |
| robust   | median                  | Q3 − Q1            |                                            |

With `each_series` each row's channels are brought to mean 0 and deviation 1 by themselves before that, as is the custom
where only shapes matter. A spread of 0 counts as 1. Gaps: `interpolate` on straight lines between the numbers around
them, the nearest number at the ends; `zero` 0, the center; a channel without any number is 0.

Sources: Rakthanmanon et al., KDD 2012 (each series by itself); Che et al., Scientific Reports 2018 (gaps as a channel).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotune.data.arrays import LARGEST, Float32s, Floats, Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import balance
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.common import OfExamples
from cotune.data.prepare.features import Features, target_scale
from cotune.data.prepare.settings import decided_series
from cotune.data.series.new import new_series
from cotune.data.series.rows import Series, said
from cotune.errors import SourceError
from cotune.types import Value

FORMAT = "cotune series 1"
TINY = 1e-8


@dataclass(frozen=True)
class SeriesPipeline(OfExamples):
    """A fitted preparation of series; the counterpart of `Pipeline`.

    Args:
        scaling, each, gaps: see above.
        times: of a prepared row.
        lengths: whether rows have unequal lengths: networks are told each.
        channels: names of the channels; () where they have none.
        marked: numbers of the channels whose gaps get a channel of their own.
        center, spread: see the table above, one a channel.
        column: the column that names the series of a table; "" where none does.
        time: the column to sort such a table by; "" where none does.
        class_weights, class_rows, target_mean, target_scale: as of `Pipeline`.
    """

    scaling: str
    each: bool
    gaps: str
    times: int
    lengths: bool
    channels: tuple[str, ...]
    marked: tuple[int, ...]
    center: tuple[float, ...]
    spread: tuple[float, ...]
    column: str
    time: str
    class_weights: tuple[float, ...] | None
    class_rows: tuple[int, ...]
    target_mean: float
    target_scale: float

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "SeriesPipeline":
        """The preparation that `settings` describe, learned from `rows` alone.

        Args:
            dataset: of series.
            rows: indices of the training rows.
            settings: `channel_scaling`, `each_series`, `gaps`, `gap_channels` and `balance` of the recipe's `prepare`
                section; absent ones take its defaults.

        Raises:
            RecipeError: an illegal setting.
        """
        asked = decided_series(settings)
        series = dataset.frame
        assert isinstance(series, Series)
        own = series[rows]
        values = own.values.astype(np.float64)
        if asked.each_series:
            values = _each(values)
        center, spread = _moments(values, asked.channel_scaling)
        y = dataset.y[rows]
        middle, scale = (0.0, 1.0) if dataset.task.is_classification else target_scale(y)
        assert isinstance(middle, float)
        assert isinstance(scale, float)
        classes = y.astype(np.int64) if dataset.task.is_classification else None
        kinds = len(dataset.classes)
        return cls(
            scaling=asked.channel_scaling,
            each=asked.each_series,
            gaps=asked.gaps,
            times=series.shape[0],
            lengths=not series.equal,
            channels=series.channels,
            marked=_marked(series) if asked.gap_channels else (),
            center=center,
            spread=spread,
            column=series.column,
            time=series.time,
            class_weights=None if classes is None else balance.class_weights(asked.balance, classes, kinds),
            class_rows=() if classes is None else balance.class_rows(asked.balance, classes, kinds),
            target_mean=middle,
            target_scale=scale,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Times and channels of a prepared row."""
        return self.times, len(self.center) + len(self.marked)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric outputs: time and channel."""
        times, channels = self.shape
        return tuple(f"time {t}.{c}" for t in range(times) for c in range(channels))

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """The only codes are lengths."""
        return (self.times + 1,) if self.lengths else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What `transform` needs, by name."""
        return (self.column, *self.channels) if self.column else ("",)

    def read(self, source: object) -> Series:
        """New series, up to the study's length: longer ones lose their end.

        Args:
            source: a .ts file, an array [row time channel], a list of arrays [time channel], a file of arrays, or a
                table with the study's columns.

        Raises:
            DataError: there are no series, or they have other channels.
        """
        if isinstance(source, Series):
            return source
        found = new_series(source, self.times, len(self.center), self.column, self.time, self.channels)
        if not self.lengths and (found.lengths < self.times).any():
            short = int(found.lengths.min())
            raise SourceError(
                f"all series of the study had {self.times} times, but a new one has {short}; bring whole ones, or tune "
                "with series of unequal lengths"
            )
        return found

    def transform(self, frame: Series) -> Features:
        """What a network reads for series that `read` gave."""
        return self.encode(frame)

    def encode(self, frame: Series) -> Features:
        """`transform` for rows of the data set itself."""
        values = frame.values.astype(np.float64)
        used = np.arange(self.times) < frame.lengths[:, None]
        gaps = np.isnan(values) & used[..., None]
        if self.each:
            values = _each(values)
        values = (values - np.array(self.center)) / np.array(self.spread)
        if self.gaps == "interpolate" and gaps.any():
            _interpolate(values, frame.lengths, gaps)
        values = np.where(np.isnan(values), 0.0, values)
        if self.marked:
            values = np.concatenate([values, gaps[..., list(self.marked)].astype(np.float64)], axis=2)
        numeric: Float32s = np.clip(values, -LARGEST, LARGEST).astype(np.float32)
        codes = frame.lengths[:, None] if self.lengths else np.zeros((len(values), 0), dtype=np.int64)
        return Features(numeric.reshape(len(values), -1), codes.astype(np.int64))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "SeriesPipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        told = [f"Series have {said((self.times, len(self.center)), equal=not self.lengths)}."]
        if self.each:
            told.append(
                "Each series was brought to mean 0 and standard deviation 1 by itself, channel by channel."
            )
        ends = {
            "standard": "to mean 0 and standard deviation 1",
            "minmax": "to run from 0 to 1",
            "robust": "to median 0 and quartiles 1 apart",
        }
        if self.scaling != "none":
            told.append(f"Channels were scaled {ends[self.scaling]} on training rows.")
        if self.marked:
            filled = "on straight lines between their neighbours" if self.gaps == "interpolate" else "with 0"
            told.append(
                f"Missing numbers were filled {filled}; {len(self.marked)} further channels say where."
            )
        if self.lengths:
            told.append("Networks read each series to its own end.")
        if self.class_weights is not None:
            low, high = min(self.class_weights), max(self.class_weights)
            told.append(f"Classes weigh from {low:.3g} to {high:.3g}, rare ones more.")
        return told


def _marked(series: Series) -> tuple[int, ...]:
    """Channels with a gap in some row that is not a test row of the source; whether there are any is no number."""
    used = np.arange(series.shape[0]) < series.lengths[:, None]
    gaps = (np.isnan(series.values) & used[..., None]).any(axis=(0, 1))
    return tuple(np.flatnonzero(gaps).tolist())


def _each(values: Floats) -> Floats:
    """Each row's channels by their own mean and deviation [row time channel]."""
    there = ~np.isnan(values)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    filled = np.where(there, values, 0.0)
    mean = filled.sum(axis=1, keepdims=True) / count
    deviation = np.sqrt((np.where(there, values - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / count)
    found: Floats = (values - mean) / np.where(deviation > TINY, deviation, 1.0)
    return found


def _moments(values: Floats, scaling: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """center and spread of each channel."""
    center, spread = [], []
    for channel in range(values.shape[2]):
        own = values[..., channel]
        own = own[~np.isnan(own)]
        middle, width = _SCALES[scaling](own) if len(own) else (0.0, 1.0)
        center.append(float(middle))
        spread.append(float(width) if width > TINY else 1.0)
    return tuple(center), tuple(spread)


def _quartiles(own: Floats) -> tuple[float, float]:
    low, middle, high = np.quantile(own, (0.25, 0.5, 0.75))
    return middle, high - low


_SCALES: Mapping[str, Any] = {
    "none": lambda _: (0.0, 1.0),
    "standard": lambda own: (own.mean(), own.std()),
    "minmax": lambda own: (own.min(), own.max() - own.min()),
    "robust": _quartiles,
}


def _interpolate(values: Floats, lengths: Ints, gaps: Any) -> None:
    """Fill gaps within rows' own times, in place."""
    for row, channel in zip(*np.nonzero(gaps.any(axis=1)), strict=True):
        own = values[row, : lengths[row], channel]
        there = np.flatnonzero(~np.isnan(own))
        if len(there):
            own[:] = np.interp(np.arange(len(own)), there, own[there])
