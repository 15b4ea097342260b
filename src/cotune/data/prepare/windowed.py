"""The preparation of forecasts, fitted: from series to the windows that a network reads.

| symbol | meaning                                                           | shape                     |
|--------|-------------------------------------------------------------------|---------------------------|
| v, k   | what is known up to the origin o, and beyond                      | time past, time known     |
| z      | [(v − mean) / deviation, k of h steps later]                      | time channel              |
| x      | z[o − L : o]                                                      | row (L channel)           |
| y      | targets of (v − mean) / deviation, from o to o + h                | row (h target)            |

mean and deviation are those of the times that training rows see or forecast; calendars are left as they are. What is
known of the future enters h steps early: so the last h of the L times that a network reads speak of the horizon.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotune.data.arrays import LARGEST, Float32s, Floats, Ints
from cotune.data.dataset import Dataset
from cotune.data.forecasts.loading import check_history, lay
from cotune.data.forecasts.spacing import Spacing
from cotune.data.forecasts.windows import Roles, Windows, strided
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.features import Features
from cotune.data.prepare.settings import decided_lookback
from cotune.data.tables.sources import open_source
from cotune.errors import ColumnError
from cotune.types import Value

FORMAT = "cotune windows 1"


@dataclass(frozen=True)
class WindowPipeline:
    """A fitted preparation of forecasts; the counterpart of `Pipeline`.

    Args:
        lookback, horizon: L and h.
        roles, spacing: of the columns, and between times.
        mean, deviation: of the columns: targets, past, known, calendar.
    """

    lookback: int
    horizon: int
    roles: Roles
    spacing: Spacing
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "WindowPipeline":
        """The preparation that `settings` describe, learned from what `rows` see and forecast.

        Args:
            dataset: of forecasts.
            rows: origins of the training rows.
            settings: `lookback` of the recipe's `prepare` section.
        """
        windows = dataset.frame
        assert isinstance(windows, Windows)
        lookback = decided_lookback(settings, windows.lookbacks)
        change = np.zeros(len(windows.values) + 1, dtype=np.int64)
        np.add.at(change, np.maximum(rows - lookback, 0), 1)
        np.add.at(change, rows + windows.horizon, -1)
        seen = np.cumsum(change[:-1]) > 0
        scaled = np.concatenate([windows.values, windows.known[:, : len(windows.roles.known)]], axis=1)[seen]
        waves = windows.channels - scaled.shape[1]
        mean, deviation = scaled.mean(axis=0), scaled.std(axis=0)
        deviation = np.where(deviation <= 1e-12 * np.maximum(np.abs(mean), 1.0), 1.0, deviation)
        return cls(
            lookback=lookback,
            horizon=windows.horizon,
            roles=windows.roles,
            spacing=windows.spacing,
            mean=(*mean.tolist(), *(0.0,) * waves),
            deviation=(*deviation.tolist(), *(1.0,) * waves),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Times and channels of a window."""
        return self.lookback, len(self.mean)

    @property
    def past(self) -> int:
        """Channels that end with the origin; the targets are the first."""
        return len(self.roles.targets) + len(self.roles.past)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric outputs: channel and step."""
        known = (*self.roles.known, *(f"{p} {f}" for p in self.roles.calendar for f in ("sin", "cos")))
        names = [*((name, 0) for name in (*self.roles.targets, *self.roles.past))]
        names += [(name, self.horizon) for name in known]
        return tuple(
            f"{name} {early - back:+}" for back in range(self.lookback, 0, -1) for name, early in names
        )

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """None: series have no categories."""
        return ()

    @property
    def class_weights(self) -> None:
        """None: there are no classes."""
        return None

    @property
    def scaled(self) -> int:
        """None of the features are numbers of a table, which could enter as waves."""
        return 0

    @property
    def world_name(self) -> str:
        """Rows share nothing."""
        return ""

    def world(self, rows: Windows) -> None:
        """Nothing."""

    @property
    def target_mean(self) -> float | tuple[float, ...]:
        """Of what is forecast; a number where there is one target."""
        return self._of_targets(self.mean)

    @property
    def target_scale(self) -> float | tuple[float, ...]:
        """Its deviation."""
        return self._of_targets(self.deviation)

    def _of_targets(self, figures: tuple[float, ...]) -> float | tuple[float, ...]:
        count = len(self.roles.targets)
        return figures[0] if count == 1 else figures[:count] * self.horizon

    @property
    def columns(self) -> tuple[str, ...]:
        """What `transform` needs, by name."""
        roles = self.roles
        named = (*roles.targets, *roles.past, *roles.known, roles.time, roles.series)
        return tuple(name for name in named if name)

    def training_rows(self, dataset: Dataset, rows: Ints, *, seed: int) -> None:
        """Each training row is taken once."""

    def read(self, source: object) -> Windows:
        """The history of series, each with one row: what follows its last time.

        Args:
            source: a path, a frame or an array with the columns of the study; rows without a target at a series' end
                are times to come.

        Raises:
            DataError: a column is missing, times do not fit the study's, or a history is too short.
        """
        if isinstance(source, Windows):
            return source
        table = open_source(source)
        laid = lay(table.frame, self.roles, table.origin.place, spacing=self.spacing, horizon=self.horizon)
        ends = laid.starts + laid.lengths
        found = Windows(
            values=laid.values,
            known=laid.known,
            origins=ends,
            fits=np.zeros(len(laid.values), dtype=bool),
            times=laid.times,
            starts=laid.starts,
            lengths=laid.lengths,
            series=laid.names,
            roles=self.roles,
            spacing=self.spacing,
            horizon=self.horizon,
            lookbacks=(self.lookback,),
        )
        check_history(found, self.lookback)
        short = (
            np.flatnonzero(laid.planned < self.horizon) if self.roles.known else np.zeros(0, dtype=np.int64)
        )
        if len(short):
            name = laid.names[short[0]]
            whose = f"series '{name}'" if name else "the series"
            raise ColumnError(
                f"'{self.roles.known[0]}' must be known for the {self.horizon} steps to forecast, but {whose} has "
                f"{laid.planned[short[0]]} rows after its last target; append rows with times and what is known, and "
                "leave the target empty"
            )
        return found

    def transform(self, frame: Windows) -> Features:
        """What a network reads for rows that `read` gave, or of the data set itself.

        Raises:
            DataError: a series is too short; another network of the same model may look back less far.
        """
        check_history(frame, self.lookback)
        return self.encode(frame)

    def encode(self, frame: Windows) -> Features:
        """`transform` for rows of the data set itself."""
        numeric = np.ascontiguousarray(self._windows(frame)[frame.origins])
        return Features(numeric, np.zeros((frame.height, 0), dtype=np.int64))

    def whole(self, frame: Windows) -> Features:
        """`encode` for every place of all series: a view, which takes no more memory than the series."""
        numeric = self._windows(frame)
        return Features(numeric, np.zeros((len(numeric), 0), dtype=np.int64))

    def targets(self, frame: Windows) -> Float32s:
        """What follows every place, standardised: a view [place (h target)], or [place] of one value."""
        count = len(self.roles.targets)
        z = self._standard(frame.values[:, :count], slice(count))
        return strided(z, self.horizon, before=0) if count * self.horizon > 1 else z[:, 0].copy()

    def _windows(self, frame: Windows) -> Float32s:
        past = self.past
        known = self._standard(frame.known, slice(past, None))
        early = np.zeros_like(known)
        early[: len(known) - self.horizon] = known[self.horizon :]
        z = np.concatenate([self._standard(frame.values, slice(past)), early], axis=1)
        return strided(z, self.lookback, before=self.lookback)

    def _standard(self, cells: Floats, which: slice) -> Float32s:
        """Worked out in 64 bits."""
        z = (cells - np.array(self.mean[which])) / np.array(self.deviation[which])
        found: Float32s = np.clip(z, -LARGEST, LARGEST).astype(np.float32)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "WindowPipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        told = [
            f"Each forecast of {self.horizon} steps of {self.spacing.words} looks at the {self.lookback} before it: "
            f"{', '.join((*self.roles.targets, *self.roles.past))}.",
            "Each column was scaled to mean 0 and standard deviation 1, over the times that training rows see or "
            "forecast.",
        ]
        ahead = (*self.roles.known, *self.roles.calendar)
        if ahead:
            told.append(f"Known of the times to come: {', '.join(ahead)}.")
        return told
