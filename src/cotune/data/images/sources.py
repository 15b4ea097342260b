"""Where images come from: a folder with a sub-folder for each class, a column of paths, arrays."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cotune.data.arrays import Ints
from cotune.data.images.pictures import Arrays, Files, listed
from cotune.data.tables.frames import as_numpy, is_pandas
from cotune.data.tables.handed import labels_of
from cotune.data.tables.npy import is_array, read_members, shape_of
from cotune.errors import ColumnError, SourceError, TargetError

SUFFIXES = (".png", ".jpg", ".jpeg")
COLUMN = "image"
"""What a listing calls the images where no column of a table names them."""


@dataclass(frozen=True)
class ImageSource:
    """Images, and what is known of each.

    Args:
        pictures: the images.
        labels: the target; `None` where there is none.
        name, words: what the study and messages call the source.
        test: rows that the source gives for the test; `None` where it gives none.
        names: file of each row; () where there are none.
        notes: what was left out.
        is_folder: whether labels are names of folders, which are classes whatever they look like.
    """

    pictures: Files | Arrays
    labels: pl.Series | None
    name: str
    words: str
    test: Ints | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_folder: bool = False

    @property
    def rows(self) -> int:
        """Count of images."""
        pictures = self.pictures
        return len(pictures.paths) if isinstance(pictures, Files) else sum(map(len, pictures.parts))

    def place(self, row: int) -> str:
        """The words for a row in a message."""
        return f"row {row} (counted from 0) of {self.words}"


Scratch = Callable[[int], Path | None]
"""Bytes of an array → a folder in which to unpack it; `None` where it fits into memory."""


def find_images(source: object, target: str | None, scratch: Scratch | None = None) -> ImageSource | None:
    """The images in a folder, in arrays, or in files of arrays; `None` where `source` is something else.

    Args:
        target: name that the labels get; "target", or "class" for folders, by default.
        scratch: where to unpack an archive that is too large for memory.

    Raises:
        SourceError: they are images, but cannot be used as they are.
    """
    if isinstance(source, str | PathLike):
        path = Path(source)
        if is_array(path) and path.exists():
            shape = shape_of(path)
            folder = scratch(4 * math.prod(shape)) if scratch is not None else None
            return _from_file(path, target, folder) if len(shape) in (3, 4) else None
        try:
            return _from_folder(path, target) if path.is_dir() else None
        except OSError as error:
            said = error.strerror or error
            raise SourceError(
                f"{error.filename or path} cannot be read: {said}; check its permissions"
            ) from None
    if isinstance(source, tuple) and len(source) == 2:
        X = as_numpy(source[0], "X") if isinstance(source[0], list) else source[0]
        if _axes(X) not in (3, 4):
            return None
        labels = labels_of(source[1], target or "target")
        return _of_arrays([as_numpy(X, "X")], labels, "table", "X")
    if _axes(source) not in (3, 4):
        return None
    return _of_arrays([as_numpy(source, "the array")], None, "table", "the array")


def _axes(value: object) -> int:
    """Axes of an array; 0 of anything else."""
    return 0 if is_pandas(value) or isinstance(value, pl.DataFrame) else len(getattr(value, "shape", ()))


def _of_arrays(
    parts: Sequence[NDArray[Any]], labels: pl.Series | None, name: str, words: str, test: Ints | None = None
) -> ImageSource:
    pictures = Arrays(parts, words)
    rows = sum(len(part) for part in parts)
    if labels is not None and labels.len() != rows:
        raise SourceError(
            f"X and y must have equally many rows, but {words} has {rows} images and {labels.len()} labels"
        )
    return ImageSource(pictures, labels, name, words, test)


def _from_file(path: Path, target: str | None, scratch: Path | None) -> ImageSource:
    name, words = path.name.split(".")[0], str(path)
    found = read_members(path, ("X", "y", "x_train", "y_train", "x_test", "y_test"), scratch)
    if "X" in found:
        labels = labels_of(found["y"], target or "target") if "y" in found else None
        return _of_arrays([found["X"]], labels, name, words)
    parts = [part for part in ("train", "test") if f"x_{part}" in found]
    without = [f"y_{part}" for part in parts if f"y_{part}" not in found]
    if "train" not in parts:
        return _of_arrays([found["x_test"]], None, name, words)
    if len(without) == len(parts):
        images = [found[f"x_{part}"] for part in parts]
        after = np.arange(len(images[0]), sum(map(len, images)))
        return _of_arrays(images, None, name, words, after if len(parts) > 1 else None)
    if without:
        raise SourceError(f"{path} must have labels for all its images, but lacks {' and '.join(without)}")
    labels = pl.concat([labels_of(found[f"y_{part}"], target or "target") for part in parts])
    first = len(found["x_train"])
    for part in parts:
        if len(found[f"x_{part}"]) != len(found[f"y_{part}"]):
            raise SourceError(
                f"x_{part} and y_{part} must have equally many rows, but {path} has {len(found[f'x_{part}'])} "
                f"and {len(found[f'y_{part}'])}"
            )
    test = np.arange(first, labels.len()) if "test" in parts else None
    return _of_arrays([found[f"x_{part}"] for part in parts], labels, name, words, test)


def _from_folder(path: Path, target: str | None) -> ImageSource | None:
    """A folder with a sub-folder for each class; `None` where there are no images."""
    folders = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    inside = {folder: images_in(folder) for folder in folders}
    usable = {folder: files for folder, files in inside.items() if files}
    loose = images_in(path)
    law = f"images must lie in one sub-folder for each class, but {path}"
    if not usable:
        deeper = next((f for f in folders if any(images_in(d) for d in f.iterdir() if d.is_dir())), None)
        if deeper is not None:
            raise SourceError(
                f"{law} holds folders of folders; name the folder with the classes, such as {deeper}"
            )
        if loose:
            raise SourceError(
                f"{law} holds {len(loose)} images itself; sort them into sub-folders, or list them in a CSV"
            )
        return None
    if loose:
        raise SourceError(
            f"{law} also holds {len(loose)} images itself, such as {loose[0].name}; move them into a sub-folder"
        )
    if len(usable) < 2:
        only = next(iter(usable))
        raise TargetError(
            f"at least two classes are needed, but of the sub-folders of {path} only {only.name} has images"
        )
    paths = [file for files in usable.values() for file in files]
    labels = [folder.name for folder, files in usable.items() for _ in files]
    empty = [folder.name for folder, files in inside.items() if not files]
    others = sum(_others(folder) for folder in folders)
    notes = [f"sub-folders without images were left out: {listed(empty, len(folders))}"] if empty else []
    if others:
        those = "1 file that does not end" if others == 1 else f"{others} files that do not end"
        was = "was" if others == 1 else "were"
        notes.append(f"{those} with {', '.join(SUFFIXES)} {was} left out")
    names = tuple(str(file.relative_to(path)) for file in paths)
    return ImageSource(
        Files(paths, lambda row: str(paths[row])),
        pl.Series(target or "class", labels),
        path.name,
        str(path),
        names=names,
        notes=tuple(notes),
        is_folder=True,
    )


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder itself, by name."""
    found = [f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith(".")]
    return sorted(f for f in found if f.is_file())


def _others(folder: Path) -> int:
    return sum(
        f.is_file() and not f.name.startswith(".") and f.suffix.lower() not in SUFFIXES
        for f in folder.iterdir()
    )


def new_images(source: object, column: str) -> ImageSource:
    """Images to predict: any source of images, labelled or not, a folder of files, or a single file.

    Args:
        column: column of paths, where the study was given a table of them; "" if not.

    Raises:
        SourceError, ColumnError: there are none.
    """
    if isinstance(source, pl.DataFrame):
        return from_column(source, column or _only_image_column(source), Path(), "the table")
    path = Path(source) if isinstance(source, str | PathLike) else None
    if path is not None and path.suffix.lower() in SUFFIXES and path.is_file():
        return _of_files([path], path.parent, path.name)
    if path is not None and path.is_dir() and not is_array(path):
        files = [
            f
            for folder in [path, *sorted(d for d in path.iterdir() if d.is_dir())]
            for f in images_in(folder)
        ]
        if not files:
            raise SourceError(
                f"there are no images in {path}; name a folder with files ending with {', '.join(SUFFIXES)}"
            )
        return _of_files(files, path, str(path))
    if path is not None and path.exists() and is_array(path) and len(shape_of(path)) in (3, 4):
        arrays = read_members(path, ("X", "x_test", "x_train"))
        part = next(name for name in ("X", "x_test", "x_train") if name in arrays)
        return _of_arrays([arrays[part]], None, path.name, str(path))
    found = find_images(source, None)
    if found is not None:
        return found
    return _new_of_table(source, column, path)


def _of_files(files: Sequence[Path], folder: Path, words: str) -> ImageSource:
    names = tuple(str(file.relative_to(folder)) for file in files)
    return ImageSource(Files(files, lambda row: str(files[row])), None, words, words, names=names)


def _new_of_table(source: object, column: str, path: Path | None) -> ImageSource:
    from cotune.data.tables.sources import open_source

    table = open_source(source)
    if table.is_array:
        raise SourceError(
            f"images must be an array [row height width] or [row height width channel], but {table.origin.words} "
            "is a table of numbers; reshape it"
        )
    name = column or _only_image_column(table.frame)
    return from_column(
        table.frame, name, Path() if path is None else path.parent, table.origin.words, table.origin.place
    )


def _only_image_column(frame: pl.DataFrame) -> str:
    names = [name for name in frame.columns if looks_like_paths(frame[name])]
    if len(names) != 1:
        said = f"but these do: {', '.join(names)}" if names else "but none does"
        raise ColumnError(f"one column must hold paths of images ({', '.join(SUFFIXES)}), {said}; leave one")
    return names[0]


def from_column(
    frame: pl.DataFrame, name: str, folder: Path, words: str, place: Callable[[int], str] | None = None
) -> ImageSource:
    """The images that a column of paths names, relative to `folder`."""
    if name not in frame.columns:
        raise ColumnError(f"column '{name}' with the paths of images is missing in {words}")
    files = files_of(frame[name], folder, place or (lambda row: f"row {row} (counted from 0) of {words}"))
    return ImageSource(files, None, words, words)


def is_named(series: pl.Series) -> bool:
    """Whether the first cell is the name of an image."""
    return series.dtype == pl.String and series.len() > 0 and _is_name(str(series[0]))


def looks_like_paths(series: pl.Series) -> bool:
    """Whether all cells are names of images."""
    return is_named(series) and all(_is_name(cell) for cell in series.drop_nulls())


def _is_name(cell: str) -> bool:
    return cell.strip().lower().endswith(SUFFIXES)


def files_of(series: pl.Series, folder: Path, place: Callable[[int], str]) -> Files:
    """The files of a column.

    Raises:
        ColumnError: a cell is empty, or its file is not there; the first few are named.
    """
    cells = series.cast(pl.String).to_list()
    law = f"every row must name an image file, but in column '{series.name}'"
    empty = [place(row) for row, cell in enumerate(cells) if cell is None or not cell.strip()]
    if empty:
        raise ColumnError(f"{law} {listed(empty, len(cells))} is empty; fill it in, or leave the row out")
    paths = [folder / cell.strip() for cell in cells]
    missing = [f"{cells[row]} in {place(row)}" for row, path in enumerate(paths) if not path.is_file()]
    if missing:
        raise ColumnError(
            f"{law} there is no file {listed(missing, len(cells))}; paths are relative to "
            f"{folder.resolve()}: correct them, or bring the files"
        )
    return Files(paths, lambda row: str(paths[row]))


def save_arrays(source: ImageSource, path: Path) -> None:
    """Write images, and labels where there are any, that came from memory, so that `find_images` finds them there."""
    assert isinstance(source.pictures, Arrays)
    if source.labels is None or source.labels.null_count() == source.labels.len():
        with path.open("wb") as handle:
            np.savez(handle, X=np.concatenate(source.pictures.parts))
        return
    kept, labels = source.labels.is_not_null().to_numpy(), source.labels.drop_nulls()
    numbers = labels.dtype.is_numeric() or labels.dtype == pl.Boolean
    y = labels.to_numpy() if numbers else np.array(labels.cast(pl.String).to_list(), dtype=np.str_)
    with path.open("wb") as handle:
        np.savez(handle, X=np.concatenate(source.pictures.parts)[kept], y=y)


def with_whole_paths(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """A table whose paths are good from any folder."""
    paths = [
        None if cell is None else str(Path(cell.strip()).resolve()) for cell in frame[column].cast(pl.String)
    ]
    return frame.with_columns(pl.Series(column, paths, dtype=pl.String))
