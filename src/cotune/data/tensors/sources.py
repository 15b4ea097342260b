"""Where tensors come from: arrays and tensors, data sets and loaders of torch, and the file that a study keeps.

A loader is read through once. Of what it yields, the last member is the target and the others are inputs; a batch
that is a single tensor has no target.

| source                                         | rows                                                       |
|------------------------------------------------|------------------------------------------------------------|
| (X, y), X; X a tuple for several inputs        | arrays or tensors of any shape                             |
| a data set of torch, a loader                  | what it yields                                             |
| (train, validation), (train, validation, test) | of two or three of them: their rows are divided as given   |
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import Ints
from cotune.data.tensors.rows import Part
from cotune.errors import SourceError

FILE = "tensors.npz"
"""What a study calls its copy."""

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Handed:
    """Tensors that a user handed over with a network of their own.

    Args:
        inputs: what the network reads, [row …] each.
        target: [row …], or `None`.
        validation, test: rows that are given for these ends.
    """

    inputs: tuple[NDArray[Any], ...]
    target: NDArray[Any] | None
    validation: Ints | None = None
    test: Ints | None = None


def handed(source: object) -> Handed | None:
    """The tensors in `source`; `None` where it is something else (a path, a frame).

    Raises:
        SourceError: they cannot be used as they are.
    """
    if isinstance(source, Handed):
        return source
    if _is_loader(source):
        return _of_loaders([source])
    if isinstance(source, tuple | list) and source and all(map(_is_loader, source)):
        return _of_loaders(list(source))
    if isinstance(source, dict) and source and all(map(_is_loader, source.values())):
        if not set(source) <= set(PARTS) or "train" not in source:
            law = f"loaders are named {', '.join(PARTS)}"
            raise SourceError(f"{law}, but got {', '.join(map(str, source))}")
        return _of_loaders(
            [source[part] for part in PARTS if part in source], [part for part in PARTS if part in source]
        )
    if isinstance(source, tuple) and len(source) == 2 and _are_arrays(source[0]):
        target = source[1]
        if target is not None and not _is_array(target) and not isinstance(target, list):
            return None
        return _whole(_arrays(source[0], "X"), None if target is None else _array(target, "y"))
    if _is_array(source):
        return _whole(_arrays(source, "X"), None)
    return None


def _is_array(value: Any) -> bool:
    """An array of numpy or a tensor of torch; frames and sparse matrices are tables."""
    return isinstance(value, np.ndarray) or (
        type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")
    )


def _are_arrays(value: object) -> bool:
    return _is_array(value) or (
        isinstance(value, tuple | list) and bool(value) and all(map(_is_array, value))
    )


def _is_loader(value: object) -> bool:
    """A loader or a data set of torch, told by what it has: torch need not be imported for that."""
    if _is_array(value) or isinstance(value, str | bytes | dict | list | tuple | Path):
        return False
    bases = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(value).__mro__}
    return bool(bases & {"torch.DataLoader", "torch.Dataset", "torch.IterableDataset"})


def _array(value: Any, name: str) -> NDArray[Any]:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.is_floating_point else value
        value = value.numpy()
    found = np.asarray(value)
    if found.dtype.kind not in "fiubUSO":
        raise SourceError(
            f"{name} must hold numbers, but holds {found.dtype}; turn it into float32 or int64 first"
        )
    return found


def _arrays(value: Any, name: str) -> tuple[NDArray[Any], ...]:
    if _is_array(value):
        return (_array(value, name),)
    return tuple(_array(each, f"{name}[{i}]") for i, each in enumerate(value))


def _whole(inputs: tuple[NDArray[Any], ...], target: NDArray[Any] | None) -> Handed:
    every = [*inputs, *([] if target is None else [target])]
    counts = [len(each) if each.ndim else 0 for each in every]
    if len(set(counts)) > 1:
        raise SourceError(f"X and y must have equally many rows, but have {', '.join(map(str, counts))}")
    return Handed(tuple(as_part(each, "X") for each in inputs), target)


def as_part(value: NDArray[Any], name: str) -> Part:
    """Floats as float32, whole numbers and booleans as int64.

    Raises:
        SourceError: it holds something else, or a number that is not finite.
    """
    if value.dtype.kind in "iub":
        return value.astype(np.int64)
    if value.dtype.kind != "f":
        law = f"{name} must hold numbers, but holds {value.dtype}"
        raise SourceError(f"{law}; number its words, or pass a frame, whose columns cotune prepares")
    found = value.astype(np.float32)
    strange = ~np.isfinite(found.reshape(len(found), -1)).all(axis=1)
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        raise SourceError(
            f"row {row} (counted from 0) of {name} holds a number that is not finite; mend it first"
        )
    return found


def _of_loaders(loaders: Sequence[Any], names: Sequence[str] = PARTS) -> Handed:
    if len(loaders) > len(PARTS):
        raise SourceError(f"there are at most three loaders, {', '.join(PARTS)}, but got {len(loaders)}")
    found = [_read(loader, part) for loader, part in zip(loaders, names, strict=False)]
    first = found[0]
    for part, other in zip(names, found, strict=False):
        shapes = [[each.shape[1:] for each in one.inputs] for one in (first, other)]
        if shapes[0] != shapes[1] or (first.target is None) != (other.target is None):
            raise SourceError(
                f"loaders must yield rows of one shape, but those of {part} differ from the first's"
            )
    ends = np.cumsum([0, *(len(one.inputs[0]) for one in found)])
    ranges = {part: np.arange(ends[i], ends[i + 1]) for i, part in enumerate(names) if i < len(found)}
    inputs = tuple(np.concatenate(parts) for parts in zip(*(one.inputs for one in found), strict=True))
    targets = [one.target for one in found if one.target is not None]
    return Handed(
        inputs, np.concatenate(targets) if targets else None, ranges.get("validation"), ranges.get("test")
    )


def _read(source: Any, part: str) -> Handed:
    """A loader read through once; a data set likewise, in its own order."""
    rows: list[tuple[list[NDArray[Any]], NDArray[Any] | None]] = [
        _members(batch, part) for batch in _batches(source)
    ]
    if not rows:
        raise SourceError(f"the loader of {part} yields nothing")
    inputs = [np.concatenate(each) for each in zip(*(row[0] for row in rows), strict=True)]
    targets = [row[1] for row in rows if row[1] is not None]
    return _whole(tuple(inputs), np.concatenate(targets) if targets else None)


def _batches(source: Any) -> Iterable[Any]:
    if hasattr(source, "dataset") and hasattr(source, "batch_size"):
        return source  # type: ignore[no-any-return]
    from torch.utils.data import DataLoader

    found: Iterable[Any] = DataLoader(source, batch_size=256)
    return found


def _members(batch: Any, part: str) -> tuple[list[NDArray[Any]], NDArray[Any] | None]:
    if _is_array(batch):
        return [_array(batch, part)], None
    if not isinstance(batch, tuple | list) or not batch:
        law = "a loader must yield tensors, or tuples of them with the target last"
        raise SourceError(f"{law}, but that of {part} yields a {type(batch).__name__}; give it a collate_fn")
    *inputs, target = batch
    if not inputs:
        return [_array(target, part)], None
    if len(inputs) == 1 and isinstance(inputs[0], tuple | list):
        inputs = list(inputs[0])
    for each in (*inputs, target):
        if not _is_array(each):
            raise SourceError(
                f"a loader must yield tensors, but that of {part} yields a {type(each).__name__} among them; give it a "
                "collate_fn"
            )
    return [_array(each, part) for each in inputs], _array(target, part)


def write(found: Handed, path: Path) -> None:
    """Into the file of a study, from which `read` takes it."""
    arrays = {f"input{i}": each for i, each in enumerate(found.inputs)}
    for name in ("target", "validation", "test"):
        value = getattr(found, name)
        if value is not None:
            arrays[name] = value.astype(str) if value.dtype.kind == "O" else value
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(path: Path) -> Handed:
    """What `write` wrote.

    Raises:
        SourceError: it is damaged.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            inputs = [file[f"input{i}"] for i in range(sum(name.startswith("input") for name in file.files))]
            others = {n: file[n] if n in file.files else None for n in ("target", "validation", "test")}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise SourceError(f"{path} cannot be read ({error}); bring it back from a backup") from None
    return Handed(tuple(inputs), **others)
