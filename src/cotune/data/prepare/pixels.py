"""The preparation of images, fitted: from pixels to what a network reads.

| symbol | meaning                                              | shape                       |
|--------|------------------------------------------------------|-----------------------------|
| p      | pixels                                               | row height width channel    |
| u      | (p − low) / (high − low), in [0, 1] on training rows | row height width channel    |
| x      | unit: u;  standard: (u − mean) / deviation           | row (height width channel)  |

low and high are 0 and 255 where pixels are bytes, else the least and the largest of the training rows. mean and
deviation are the training rows', a pair for each channel; a channel without deviation is only shifted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import LARGEST, Float32s, Floats, Ints
from cotune.data.dataset import Dataset
from cotune.data.images.pictures import Arrays
from cotune.data.images.rows import Images, Pixels, said
from cotune.data.images.sources import new_images
from cotune.data.prepare import balance
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.common import OfExamples
from cotune.data.prepare.features import Features, Figure, target_scale
from cotune.data.prepare.settings import decided_pixels
from cotune.data.tables.stored import slices
from cotune.errors import SourceError
from cotune.types import Value

FORMAT = "cotune pixels 1"
BYTE = 255.0


@dataclass(frozen=True)
class PixelPipeline(OfExamples):
    """A fitted preparation of images; the counterpart of `Pipeline`.

    Args:
        method: "standard" or "unit".
        shape: height, width and channels of an image.
        whole: whether pixels are whole numbers from 0 to 255.
        low, high, mean, deviation: see the table above.
        column: the column that named the files; "" where no table did.
        class_weights, class_rows, target_mean, target_scale: as of `Pipeline`.
    """

    method: str
    shape: tuple[int, ...]
    whole: bool
    low: float
    high: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    column: str
    class_weights: tuple[float, ...] | None
    class_rows: tuple[int, ...]
    target_mean: Figure
    target_scale: Figure

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "PixelPipeline":
        """The preparation that `settings` describe, learned from `rows` alone.

        Args:
            dataset: of images.
            rows: indices of the training rows.
            settings: `pixels` and `balance` of the recipe's `prepare` section; absent ones take its defaults.

        Raises:
            RecipeError: an illegal setting.
        """
        method, weighing = decided_pixels(settings)
        images = dataset.frame
        assert isinstance(images, Images)
        y = dataset.y[rows]
        low, high = (0.0, BYTE) if images.whole else _extremes(images, rows)
        channels = images.shape[2]
        mean, deviation = (0.0,) * channels, (1.0,) * channels
        if method == "standard":
            moments = _moments_of_bytes if images.whole else _moments
            mean, deviation = moments(images, rows, low, high)
        center, spread = (0.0, 1.0) if dataset.task.is_classification else target_scale(y)
        classes = y.astype(np.int64) if dataset.task.is_classification else None
        kinds = len(dataset.classes)
        return cls(
            method=method,
            shape=images.shape,
            whole=images.whole,
            low=low,
            high=high,
            mean=mean,
            deviation=deviation,
            column=images.column,
            class_weights=None if classes is None else balance.class_weights(weighing, classes, kinds),
            class_rows=() if classes is None else balance.class_rows(weighing, classes, kinds),
            target_mean=center,
            target_scale=spread,
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric outputs: row, column and channel."""
        height, width, channels = self.shape
        return tuple(
            f"pixel {i}.{j}.{c}" for i in range(height) for j in range(width) for c in range(channels)
        )

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """None: images have no categories."""
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What `transform` needs, by name."""
        return (self.column,)

    def read(self, source: object) -> Images:
        """New images, brought to the size and colours of the study's.

        Args:
            source: a folder of image files (in sub-folders or not), one such file, a table with the study's column of
                paths, an array [row height width channel], or a file of such arrays: X, or else x_test.

        Raises:
            DataError: there are no images, or they are of another kind.
        """
        if isinstance(source, Images):
            return source
        found = new_images(source, self.column)
        height, width, channels = self.shape
        if isinstance(found.pictures, Arrays):
            has = found.pictures.survey().channels
            if has != channels:
                raise SourceError(
                    f"images must have {channels} channels as in the study, but {found.words} has {has}; convert them"
                )
        elif not self.whole:
            raise SourceError(
                f"the study's images were arrays of numbers from {self.low:g} to {self.high:g}, but {found.words} has "
                "image files, whose pixels run from 0 to 255; pass an array on the study's scale"
            )
        rows = np.arange(found.rows)
        blocks = list(found.pictures.blocks(rows, (height, width, channels)))
        pixels: Pixels = np.concatenate(blocks)
        self._check_scale(pixels, found.words)
        return Images(pixels, self.column, found.names)

    def _check_scale(self, pixels: Pixels, words: str) -> None:
        """Raise `SourceError` where one side has fractions up to 1 and the other bytes: a network would see noise."""
        largest = float(pixels.max())
        fractions = largest <= 1 and bool((pixels != np.floor(pixels)).any())
        law = f"pixels must be on the study's scale, which runs from {self.low:g} to {self.high:g}"
        if self.whole and fractions:
            raise SourceError(f"{law}, but those of {words} go to {largest:g}; multiply them by 255")
        if self.high <= 1 and pixels.dtype == np.uint8 and largest > 1:
            raise SourceError(f"{law}, but those of {words} go to {largest:g}; divide them by 255")

    def transform(self, frame: Images) -> Features:
        """What a network reads for images that `read` gave."""
        return self.encode(frame)

    def encode(self, frame: Images) -> Features:
        """`transform` for rows of the data set itself."""
        pixels, rows = frame.pixels, frame.height
        if frame.whole:  # 256 values a channel: worked out once
            values = np.broadcast_to(np.arange(256)[:, None], (256, self.shape[2]))
            table = self._scaled(values)
            parts = [table[:, channel][pixels[..., channel]] for channel in range(self.shape[2])]
            numeric = np.stack(parts, axis=-1)
        else:
            numeric = self._scaled(pixels)
        return Features(numeric.reshape(rows, -1), np.zeros((rows, 0), dtype=np.int64))

    def _scaled(self, pixels: NDArray[Any]) -> Float32s:
        """x of the table above, worked out in 64 bits [… channel]."""
        u = _unit(pixels, self.low, self.high)
        x = (u - np.array(self.mean)) / np.array(self.deviation)
        found: Float32s = np.clip(x, -LARGEST, LARGEST).astype(np.float32)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "PixelPipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        told = [f"Images are {said(self.shape)}: {len(self.features):,} numbers each."]
        ends = f"from 0 to 1 ({self.low:g} to {self.high:g} in the data)"
        if self.method == "unit":
            told.append(f"Pixels were scaled to run {ends}.")
        else:
            told.append("Pixels were scaled, channel by channel, to mean 0 and standard deviation 1.")
        if self.class_weights is not None:
            low, high = min(self.class_weights), max(self.class_weights)
            told.append(f"Classes weigh from {low:.3g} to {high:.3g}, rare ones more.")
        return told


def _unit(pixels: NDArray[Any], low: float, high: float) -> Floats:
    found: Floats = (pixels.astype(np.float64) - low) / (high - low)
    return found


def _extremes(images: Images, rows: Ints) -> tuple[float, float]:
    """low and high of numbers; they differ, so that they can be a scale."""
    ends = [(float(some.min()), float(some.max())) for some in _blocks(images, rows)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return low, high if high > low else low + 1.0


def _moments_of_bytes(
    images: Images, rows: Ints, low: float, high: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """mean and deviation, exactly, from how often each of the 256 values occurs."""
    channels = images.shape[2]
    counts = np.zeros((channels, 256))
    for some in _blocks(images, rows):
        counts += [np.bincount(some[..., channel].ravel(), minlength=256) for channel in range(channels)]
    u, share = _unit(np.arange(256), low, high), counts / counts.sum(axis=1, keepdims=True)
    mean = share @ u
    return _pair(mean, (share * (u - mean[:, None]) ** 2).sum(axis=1))


def _moments(
    images: Images, rows: Ints, low: float, high: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """mean and deviation, in two passes over the training rows."""
    pixels = len(rows) * images.shape[0] * images.shape[1]
    mean = sum(_unit(some, low, high).sum(axis=(0, 1, 2)) for some in _blocks(images, rows)) / pixels
    squares = (((_unit(some, low, high) - mean) ** 2).sum(axis=(0, 1, 2)) for some in _blocks(images, rows))
    return _pair(mean, sum(squares) / pixels)


def _pair(mean: Floats, variance: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # Rounding leaves a constant channel a deviation of about eps; that is none.
    deviation = np.sqrt(variance)
    deviation = np.where(deviation <= 1e-12, 1.0, deviation)
    return tuple(mean.tolist()), tuple(deviation.tolist())


def _blocks(images: Images, rows: Ints) -> Iterator[Pixels]:
    for some in slices(len(rows), images.width):
        yield images.pixels[rows[some]]
