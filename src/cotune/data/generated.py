"""Rows to learn to generate: there is no target, and every column is one to be made."""

from pathlib import Path

import numpy as np
import polars as pl

from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.images.sources import ImageSource, find_images, images_in, new_images
from cotune.data.origin import Place
from cotune.data.room import Room
from cotune.data.tables.cells import PARSERS
from cotune.data.tables.columns import Asked, check_columns, check_features, describe, groups_of, times_of
from cotune.data.tables.saved import Typed
from cotune.data.tables.stored import cells as cells_of
from cotune.data.tables.table import Columns, Table
from cotune.data.target import Target, read_target
from cotune.data.targets import targets_of
from cotune.errors import ColumnError, DataError, SplitError, did_you_mean
from cotune.types import Task

GENERATION = Task.GENERATION.value
LEAST_ROWS = 20


def generated_goal(rows: int) -> Target:
    """What is learned of rows without labels: nothing is predicted."""
    _check_rows(rows)
    return Target(Task.GENERATION, (), np.zeros(rows), np.arange(rows), 0)


def labelled_goal(labels: pl.Series | None, rows: int, place: Place) -> Target:
    """The same where rows may have labels: those serve the network that judges what is generated.

    Labels that are no classes, or that some rows lack, are left alone.
    """
    _check_rows(rows)
    if labels is None or labels.null_count():
        return generated_goal(rows)
    try:
        told = read_target(labels, "auto", place)
    except DataError:
        return generated_goal(rows)
    if not told.classes or len(told.kept) < rows:
        return generated_goal(rows)
    return Target(Task.GENERATION, told.classes, told.y, told.kept, told.distinct)


def _check_rows(rows: int) -> None:
    if rows < LEAST_ROWS:
        raise SplitError(
            f"at least {LEAST_ROWS} rows are needed to learn to make more, but there are {rows}; bring more rows"
        )


def images_to_generate(source: object, target: str | None) -> ImageSource | None:
    """The images of a folder that need no sub-folders, as no class is learned; `None` where it is something else."""
    if not isinstance(source, str | Path) or not Path(source).is_dir():
        return None
    path = Path(source)
    deeper = any(images_in(each) for each in path.iterdir() if each.is_dir())
    if deeper:
        return find_images(source, target)
    return new_images(source, "") if images_in(path) else None


def table_to_generate(table: Table[Columns], asked: Asked, room: Room | None) -> Dataset:
    """The data set of a table, every usable column of which is to be made.

    Raises:
        ColumnError: a column that is named is not there, holds what its kind forbids, or none is usable.
    """
    frame, place = table.frame, table.origin.place
    for name in targets_of(asked.target, frame.columns):
        if name not in frame.columns and table.target is None:
            hint = did_you_mean(name, frame.columns)
            raise ColumnError(f"there is no column '{name}' in {table.origin.words}{hint}")
    check_columns(frame.columns, "", asked)
    if any(kind == "image" for kind in asked.columns.values()):
        raise ColumnError(
            "images to be generated cannot be listed in a table; name the folder that holds them, or pass an array"
        )
    goal = generated_goal(frame.height)
    typed = Typed(None if table.fits or room is None else room.made(room.table.name))
    described: list[Column] = []
    for each in frame.columns:
        series = frame[each]
        described.append(describe(series, "", goal, asked, place))
        if described[-1].is_feature:
            typed.add(PARSERS[described[-1].kind](series, place), series.dtype)
    check_features(described, "")
    features = typed.frame()
    groups = None if asked.group is None else groups_of(frame[asked.group], goal.kept, place)
    times = None if asked.time is None else times_of(frame[asked.time], goal.kept, place)
    whole = (cells_of(features, each, slice(None)) for each in features.columns)
    left_out = [each for each in described if each.kind in ("identifier", "constant", "ignore")]
    return Dataset(
        frame=features,
        columns=tuple(described),
        target="",
        task=Task.GENERATION,
        classes=(),
        y=goal.y,
        groups=groups,
        times=times,
        name=table.origin.name,
        fingerprint=fingerprint(whole, "", (), goal.y, groups, times),
        notes=tuple(f"column '{c.name}' is not generated: {c.note}" for c in left_out),
        room=room,
    )
