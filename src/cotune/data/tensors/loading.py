"""From tensors to a data set: which parts there are, and what the target is."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

from cotune.data.dataset import Column, Dataset
from cotune.data.request import Request
from cotune.data.tables.frames import series_from_numpy
from cotune.data.target import label_type, read_target
from cotune.data.targets import one_name
from cotune.data.tensors.rows import PartShape, Tensors
from cotune.data.tensors.sources import FILE, Handed, as_part, read, write
from cotune.errors import SourceError
from cotune.files import replacing
from cotune.types import Task


def find(request: Request) -> Dataset | None:
    """The data set of tensors that came with a network of the user's own; `None` where the source is something else."""
    source = request.source
    if isinstance(source, str | Path) and Path(source).name == FILE and Path(source).exists():
        source = read(Path(source))
    return dataset(source, request) if isinstance(source, Handed) else None


def keep(source: object, target: str, path: Path) -> bool:  # noqa: ARG001
    """Write tensors from memory where `find` finds them again; whether they are tensors."""
    if not isinstance(source, Handed):
        return False
    with replacing(path) as partial:
        write(source, Path(partial))
    return True


def dataset(source: Handed, request: Request) -> Dataset:
    """The data set; a target that has no single class or value of a row becomes a part, for a loss of the user's own.

    Raises:
        SourceError, TargetError: it cannot be used.
    """
    asked = request.asked
    name = one_name(asked.target) or "target"
    parts = [*source.inputs]
    shapes = [PartShape(each.dtype.kind == "i", each.shape[1:]) for each in parts]
    y, target = source.target, None
    if y is not None and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y is not None and y.ndim == 1 and asked.task != "own":
        series = series_from_numpy(name, y)
        target = read_target(series, asked.task, lambda row: f"row {row} (counted from 0) of y")
        if len(target.kept) < len(y):
            raise SourceError(
                f"y must have a value in every row, but {len(y) - len(target.kept)} are missing"
            )
    elif y is not None:
        parts.append(as_part(y, "y"))
        shapes.append(PartShape(parts[-1].dtype.kind == "i", parts[-1].shape[1:], "target"))
    if len(parts[0]) == 0:
        raise SourceError("X must have rows, but has none")
    rows = Tensors(tuple(parts), tuple(shapes))
    values = np.zeros(rows.height) if target is None else target.y
    digest = hashlib.sha256(name.encode())
    for part, shape in zip(parts, shapes, strict=True):
        digest.update(f"{part.dtype}\0{shape}\0".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    for given in (source.validation, source.test):
        digest.update(b"\0" if given is None else given.tobytes())
    columns = [
        Column(f"input {i}", "numeric", 0, 0, True, " × ".join(map(str, shape.shape)) or "1")
        for i, shape in enumerate(shapes)
        if shape.use == "input"
    ]
    classes = () if target is None else target.classes
    return Dataset(
        frame=rows,
        columns=(*columns, Column(name, "target", 0, 0 if target is None else target.distinct, True, "")),
        target=name,
        task=Task.OWN if target is None else target.task,
        classes=classes,
        y=values,
        groups=None,
        times=None,
        name="tensors",
        fingerprint=digest.hexdigest(),
        label_type="str" if target is None else label_type(_dtype(y), classes, from_text=False),
        test=source.test,
        validation=source.validation,
    )


def _dtype(y: object) -> pl.DataType:
    return series_from_numpy("y", y).dtype  # type: ignore[arg-type]
