"""A data set whose columns lie in files, and its description, by which it is found again."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Ints
from cotune.data.dataset import Column, Dataset
from cotune.data.mapped import write_npy
from cotune.data.room import Room
from cotune.data.tables.stored import Frame, StoredColumn, StoredFrame, reopen, store
from cotune.files import write_text
from cotune.types import Task

FORMAT = 1
ABOUT = "table.json"
ARRAYS = ("y", "groups", "times")


def key_of(source: object, asked: Mapping[str, object]) -> str:
    """What tells a file, and what is asked of it, from others: its size, its time, and the words of the request."""
    if not isinstance(source, str | os.PathLike):
        return ""
    path = Path(source)
    files = sorted(path.glob("*.npy")) if path.is_dir() else [path]
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.exists()]
    return hashlib.sha256(json.dumps([FORMAT, stamps, dict(asked)], sort_keys=True).encode()).hexdigest()


class Typed:
    """Takes the typed columns of a table one by one, into memory or into files.

    Args:
        folder: where the files shall lie; `None` for memory.
    """

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            shutil.rmtree(folder)
            folder.mkdir()
        self._folder = folder
        self._series: list[pl.Series] = []
        self._stored: dict[str, StoredColumn] = {}

    def add(self, series: pl.Series, source: pl.DataType) -> None:
        """Take the next column, whose cells had the type `source`."""
        if self._folder is None:
            self._series.append(series)
        else:
            self._stored[series.name] = store(self._folder, len(self._stored), series, source)

    def frame(self) -> Frame:
        """All columns."""
        if self._folder is None:
            return pl.DataFrame(self._series)
        return StoredFrame(self._stored, next((len(c.values) for c in self._stored.values()), 0))


def save(dataset: Dataset, folder: Path, key: str) -> None:
    """Complete a folder of columns with their description; from now on it is valid."""
    assert isinstance(dataset.frame, StoredFrame)
    for name in ARRAYS:
        values: Ints | None = getattr(dataset, name)
        if values is not None:
            write_npy(folder / f"{name}.npy", values)
    about = {
        "key": key,
        "kinds": {name: column.kind for name, column in dataset.frame.stored.items()},
        "columns": [asdict(column) for column in dataset.columns],
        "target": dataset.target,
        "task": dataset.task.value,
        "classes": dataset.classes,
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "notes": dataset.notes,
        "label_type": dataset.label_type,
        "targets": dataset.targets,
    }
    write_text(folder / ABOUT, json.dumps(about) + "\n")


def find(room: Room, key: str) -> Dataset | None:
    """The data set under a key, if it was stored whole."""
    try:
        about: Mapping[str, Any] = json.loads((room.table / ABOUT).read_text(encoding="utf-8"))
        if not key or about["key"] != key:
            return None
        stored = {name: reopen(room.table, i, kind) for i, (name, kind) in enumerate(about["kinds"].items())}
        arrays = {n: np.load(p) for n in ARRAYS if (p := room.table / f"{n}.npy").exists()}
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None  # it is cut, or of another version: the source is read again
    return Dataset(
        frame=StoredFrame(stored, len(arrays["y"])),
        columns=tuple(Column(**column) for column in about["columns"]),
        target=about["target"],
        task=Task(about["task"]),
        classes=tuple(about["classes"]),
        y=arrays["y"],
        groups=arrays.get("groups"),
        times=arrays.get("times"),
        name=about["name"],
        fingerprint=about["fingerprint"],
        notes=tuple(about["notes"]),
        label_type=about["label_type"],
        targets=tuple(about["targets"]),
        room=room,
    )
