"""From images to a data set: labels read, sizes settled, pixels laid out as rows."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.generated import GENERATION, images_to_generate, labelled_goal
from cotune.data.images.pictures import LARGEST_SIDE, Pictures, Survey
from cotune.data.images.rows import Images, Pixels, Size, said
from cotune.data.images.sources import (
    COLUMN,
    ImageSource,
    files_of,
    find_images,
    is_named,
    looks_like_paths,
    save_arrays,
)
from cotune.data.mapped import appending, open_npy
from cotune.data.request import Request
from cotune.data.room import Room
from cotune.data.tables.columns import Asked, groups_of, times_of
from cotune.data.tables.parts import Parts
from cotune.data.tables.stored import slices
from cotune.data.tables.table import Columns, Table
from cotune.data.target import Target, label_type, read_target
from cotune.data.targets import one_name
from cotune.errors import ColumnError, TargetError
from cotune.files import replacing
from cotune.types import Task


def find(request: Request) -> Dataset | None:
    """The data set of a folder of images or of arrays; `None` where the source is something else."""
    room, asked = request.room, request.asked
    with nullcontext() if room is None else room.reading() as scratch:
        limited = (
            None if room is None or scratch is None else lambda size: None if room.has(size) else scratch()
        )
        name = one_name(asked.target)
        images = images_to_generate(request.source, name) if asked.task == GENERATION else None
        images = images or find_images(request.source, name, limited)
        return None if images is None else images_of(images, asked, request.options["image_size"], room)


def keep(source: object, target: str, path: Path) -> bool:
    """Write images that came from memory where `find` finds them again; whether they are images."""
    images = find_images(source, target)
    if images is None:
        return False
    with replacing(path) as partial:
        save_arrays(images, partial)
    return True


def images_of(source: ImageSource, asked: Asked, size: str | Size, room: Room | None) -> Dataset:
    """The data set of a folder or of arrays.

    Raises:
        TargetError, ColumnError: there are no labels, or columns are asked for where there are none.
    """
    for role, name in (
        ("group", asked.group),
        ("time", asked.time),
        ("columns", next(iter(asked.columns), None)),
    ):
        if name is not None:
            raise ColumnError(
                f"{role} names the column '{name}', but {source.words} has no columns; list the images in a CSV "
                "with further columns"
            )
    if asked.task == GENERATION:
        return _to_generate(source, size, room)
    if source.labels is None:
        raise TargetError(
            f"images need labels to be learned, but {source.words} has none; pass a pair (X, y), save X and y in an "
            ".npz, or sort files into a sub-folder for each class"
        )
    task = "multiclass" if source.is_folder and asked.task == "auto" else asked.task
    goal = read_target(source.labels, task, source.place)
    survey = source.pictures.survey()
    shape = survey.shape(size)
    test = None if source.test is None else np.flatnonzero(np.isin(goal.kept, source.test))
    return _dataset(
        _laid(source.pictures, goal.kept, shape, room),
        goal=goal,
        target=source.labels.name,
        columns=[_described(COLUMN, len(goal.kept), shape, inferred=True)],
        name=source.name,
        notes=[*source.notes, *_notes(survey, shape), *_without_target(source.labels, goal)],
        label_type=label_type(source.labels.dtype, goal.classes, from_text=source.is_folder),
        room=room,
        test=test,
    )


def _to_generate(source: ImageSource, size: str | Size, room: Room | None) -> Dataset:
    """The data set of images to be generated: labels, where there are any, serve the network that judges."""
    goal = labelled_goal(source.labels, source.rows, source.place)
    survey = source.pictures.survey()
    shape = survey.shape(size)
    labels = (
        f"the labels ({len(goal.classes)} classes) serve the judge" if goal.classes else "there are no labels"
    )
    columns = [_described(COLUMN, source.rows, shape, inferred=True)]
    return _dataset(
        _laid(source.pictures, goal.kept, shape, room),
        goal=goal,
        target=source.labels.name if source.labels is not None and goal.classes else "",
        columns=columns,
        name=source.name,
        notes=[*source.notes, *_notes(survey, shape), labels],
        label_type="str",
        room=room,
        test=source.test,
    )


def images_in_table(
    table: Table[Columns],
    name: str,
    folder: Path,
    *,
    goal: Target,
    target: str,
    asked: Asked,
    size: str | Size,
    room: Room | None,
) -> Dataset:
    """The data set of a table with a column of paths; its other columns serve the split, or are left out.

    Args:
        name: of the column.
        folder: what paths are relative to.
    """
    frame, place = table.frame, table.origin.place
    series = frame[name]
    kept = series.gather(goal.kept) if len(goal.kept) < series.len() else series
    files = files_of(kept, folder, lambda row: place(int(goal.kept[row])))
    survey = files.survey()
    shape = survey.shape(size)
    others = [each for each in frame.columns if each not in (name, target, asked.group, asked.time)]
    clash = [
        each
        for each in others
        if asked.columns.get(each) == "image" or (each not in asked.columns and looks_like_paths(frame[each]))
    ]
    if clash:
        raise ColumnError(
            f"one column must name the images, but '{name}' and '{clash[0]}' do; leave one out with "
            f"`--set 'columns={{{clash[0]}: ignore}}'`"
        )
    columns = [_described(name, len(goal.kept), shape, inferred=name not in asked.columns)]
    for role, chosen in (("group", asked.group), ("time", asked.time)):
        if chosen is not None:
            cells = frame[chosen]
            columns.append(
                Column(
                    chosen,
                    role,
                    cells.null_count(),
                    cells.drop_nulls().n_unique(),
                    False,
                    f"{role} of the split",
                )
            )
    columns += [Column(each, "ignore", 0, 0, True, "images are learned from alone") for each in others]
    notes = [f"column '{each}' was left out: images are learned from alone" for each in others]
    return _dataset(
        _laid(files, np.arange(len(goal.kept)), shape, room, column=name),
        goal=goal,
        target=target,
        columns=columns,
        name=table.origin.name,
        notes=[*_notes(survey, shape), *notes, *_without_target(frame[target], goal)],
        label_type=label_type(frame[target].dtype, goal.classes, from_text=table.origin.records is not None),
        room=room,
        groups=None if asked.group is None else groups_of(frame[asked.group], goal.kept, place),
        times=None if asked.time is None else times_of(frame[asked.time], goal.kept, place),
    )


def image_column(table: Table[Columns], asked: Asked, target: str, folder: Path) -> str | None:
    """The column of paths: the one that is said to be it, or else the first whose cells all end like images and whose
    first file is there; `None` where there is none.

    Args:
        folder: what paths are relative to.

    Raises:
        ColumnError: nothing but such a column could be learned from, and its first file is not there.
    """
    frame = table.frame
    named = [name for name in frame.columns if asked.columns.get(name) == "image"]
    if named:
        return named[0]
    taken = {target, asked.group, asked.time, *asked.columns}
    first = frame.first() if isinstance(frame, Parts) else frame
    for name in frame.columns:
        if name in taken or not is_named(first[name]) or not looks_like_paths(frame[name]):
            continue
        if (folder / str(frame[name][0]).strip()).is_file():
            return name
        if set(frame.columns) <= {*taken, name}:
            files_of(frame[name], folder, table.origin.place)
    return None


def _dataset(
    frame: Images,
    *,
    goal: Target,
    target: str,
    columns: Sequence[Column],
    name: str,
    notes: Sequence[str],
    label_type: str,
    room: Room | None,
    test: Ints | None = None,
    groups: Ints | None = None,
    times: Floats | None = None,
) -> Dataset:
    purpose = "labels for the judge" if goal.task is Task.GENERATION else f"to be predicted: {goal.task}"
    described = [Column(target, "target", 0, goal.distinct, True, purpose)] if target else []
    return Dataset(
        frame=frame,
        columns=(*columns, *described),
        target=target,
        task=goal.task,
        classes=goal.classes,
        y=goal.y,
        groups=groups,
        times=times,
        name=name,
        fingerprint=_fingerprint(frame, target, goal, groups, times, test),
        notes=tuple(notes),
        label_type=label_type,
        room=room,
        test=test,
    )


def _laid(
    pictures: Pictures, rows: Ints, shape: tuple[int, int, int], room: Room | None, *, column: str = ""
) -> Images:
    """The pixels of `rows`, in memory or, where there is no room, in a file."""
    whole = (len(rows), *shape)
    blocks = pictures.blocks(rows, shape)
    if room is not None and not room.take(int(np.prod(whole)) * np.dtype(pictures.dtype).itemsize):
        path = room.made("images") / "pixels.npy"
        with appending(path, pictures.dtype, whole) as append:
            for block in blocks:
                append(block)
        return Images(open_npy(path).array, column, in_file=True)
    pixels: Pixels = np.empty(whole, dtype=pictures.dtype)
    at = 0
    for block in blocks:
        pixels[at : at + len(block)] = block
        at += len(block)
    return Images(pixels, column)


def _described(name: str, rows: int, shape: tuple[int, ...], *, inferred: bool) -> Column:
    return Column(name, "image", 0, rows, inferred, said(shape))


def _notes(survey: Survey, shape: tuple[int, int, int]) -> list[str]:
    """What became of the images' own sizes."""
    sizes, common = sorted(survey.sizes), f"{shape[0]} × {shape[1]}"
    if sizes == [shape[:2]]:
        return [f"all images are {common} pixels"]
    low, high = ((f"{side(s[0] for s in sizes)} × {side(s[1] for s in sizes)}") for side in (min, max))
    before = f"all of {low}" if len(sizes) == 1 else f"from {low} to {high}"
    larger = max(max(s) for s in sizes) > LARGEST_SIDE >= max(shape[:2])
    more = "; set data.image_size for more" if larger else ""
    return [f"images, {before} pixels, were brought to {common}{more}"]


def _without_target(labels: pl.Series, goal: Target) -> list[str]:
    gone = labels.len() - len(goal.kept)
    return [f"{gone} rows without a target were left out"] if gone else []


def _fingerprint(frame: Images, target: str, goal: Target, *arrays: Any) -> str:
    """SHA-256 of pixels and labels."""
    digest = hashlib.sha256(f"{frame.pixels.dtype.str}{frame.pixels.shape}".encode())
    for rows in slices(frame.height, frame.width):
        digest.update(np.ascontiguousarray(frame.pixels[rows]).data)
    digest.update(fingerprint((), target, goal.classes, goal.y, *arrays).encode())
    return digest.hexdigest()
