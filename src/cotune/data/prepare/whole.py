"""All rows of a data set, prepared some at a time: into memory, or into files where they do not fit."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from cotune.data.dataset import Dataset
from cotune.data.forecasts.windows import Windows
from cotune.data.mapped import Mapped, appending, open_npy
from cotune.data.prepare.features import Features
from cotune.data.prepare.fitting import Fitted
from cotune.data.prepare.windowed import WindowPipeline
from cotune.data.tables.stored import slices

FORMAT = 1


def prepared(pipeline: Fitted, dataset: Dataset) -> Features:
    """What a network reads for every row of `dataset`, the same wherever it lies.

    Files are kept under what they follow from, so that a study that is resumed finds them again.

    Raises:
        OSError: the files cannot be written.
    """
    if isinstance(pipeline, WindowPipeline):
        assert isinstance(dataset.frame, Windows)
        return pipeline.whole(dataset.frame)
    shapes = (dataset.rows, len(pipeline.features)), (dataset.rows, len(pipeline.cardinalities))
    size = 4 * shapes[0][0] * shapes[0][1] + 8 * shapes[1][0] * shapes[1][1]
    if dataset.room is not None and not dataset.room.take(size):
        return _in_files(pipeline, dataset, shapes)
    numeric, codes = np.empty(shapes[0], dtype=np.float32), np.empty(shapes[1], dtype=np.int64)
    for rows, some in _blocks(pipeline, dataset):
        numeric[rows], codes[rows] = some.numeric, some.codes
    return Features(numeric, codes)


def _blocks(pipeline: Fitted, dataset: Dataset) -> Iterator[tuple[slice, Features]]:
    for rows in slices(dataset.rows, len(pipeline.features) + len(pipeline.columns)):
        yield rows, pipeline.encode(dataset.frame[rows])


def _in_files(pipeline: Fitted, dataset: Dataset, shapes: tuple[tuple[int, int], ...]) -> Features:
    assert dataset.room is not None
    source = [FORMAT, dataset.fingerprint, pipeline.to_json()["checksum"]]
    key = hashlib.sha256(json.dumps(source).encode()).hexdigest()[:32]
    folder = dataset.room.made("prepared")
    places = {
        folder / f"{key}.numeric.npy": ("<f4", shapes[0]),
        folder / f"{key}.codes.npy": ("<i8", shapes[1]),
    }
    found = [_open(path, *about) for path, about in places.items()]
    if None in found:
        with ExitStack() as open_files:
            append = [open_files.enter_context(appending(path, *about)) for path, about in places.items()]
            for _, some in _blocks(pipeline, dataset):
                append[0](some.numeric)
                append[1](some.codes)
        found = [_open(path, *about) for path, about in places.items()]
    whole = [each for each in found if each is not None]
    return Features(whole[0].array, whole[1].array, tuple(each for each in whole if each.array.size))


def _open(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> Mapped | None:
    """A file that was written to its end, or `None`."""
    try:
        found = open_npy(path)
    except (OSError, ValueError):
        return None
    return found if found.array.dtype == dtype and found.array.shape == shape else None
