"""From a source to a data set: read, tell the columns' kinds, read the target, name what was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.forms import FORMS
from cotune.data.generated import GENERATION, table_to_generate
from cotune.data.images.loading import image_column, images_in_table
from cotune.data.images.rows import Size
from cotune.data.request import Request
from cotune.data.room import Room
from cotune.data.tables.cells import PARSERS
from cotune.data.tables.columns import Asked, check_columns, check_features, describe, groups_of, times_of
from cotune.data.tables.saved import Typed, find, key_of, save
from cotune.data.tables.sources import open_limited, open_source
from cotune.data.tables.stored import StoredFrame
from cotune.data.tables.stored import cells as cells_of
from cotune.data.tables.table import Columns, Table
from cotune.data.target import label_type, read_target
from cotune.data.targets import one_name, read_several, target_names
from cotune.data.texts.loading import text_column, texts_in_table
from cotune.errors import TargetError, did_you_mean

TASKS = ("auto", "regression", "binary", "multiclass", "forecast", "own", GENERATION)


def load(
    source: object,
    *,
    target: str | tuple[str, ...] | None,
    task: str = "auto",
    columns: Mapping[str, str] = {},
    group: str | None = None,
    time: str | None = None,
    room: Room | None = None,
    image_size: str | Size = "auto",
    options: Mapping[str, Any] = {},
) -> Dataset:
    """The data set in `source`.

    Args:
        source: path of a .csv, .tsv (also .gz), .parquet, .npy or .npz file, of a folder with X.npy and y.npy, or of
            one with a sub-folder of images for each class; a frame, a 2-D array, or (X, y), X with 2 axes, or with 3
            or 4 for images.
        target: name of the column to predict, or names of several numbers; for (X, y) the name that y gets (default
            "target").
        task: "regression", "binary", "multiclass", "forecast", or "auto" to tell it from the target's values;
            "generation" to learn to make rows, for which no target is needed.
        columns: column → kind, where the inferred kind is wrong.
        group: column whose equal values must not be torn apart by a split.
        time: column that orders the rows.
        room: how much memory the rows may take, and where the others go; without it all are in memory.
        image_size: height and width that images are brought to; "auto" to settle it from theirs.
        options: further keys of the recipe's data section, for what is no table.

    Raises:
        SourceError: the source cannot be read.
        ColumnError: a column is missing or holds what its kind forbids.
        TargetError: the target is missing or cannot be learned.

    Example:
        >>> load("adult.csv", target="income").classes
        ('<=50K', '>50K')
    """
    if task not in TASKS:
        raise TargetError(
            f"task must be one of {', '.join(TASKS)}, but got '{task}'{did_you_mean(task, TASKS)}"
        )
    asked = Asked(target, task, dict(columns), group, time)
    request = Request(source, asked, {"image_size": image_size, **options}, room)
    for form in FORMS.values():
        found = form.find(request)
        if found is not None:
            return found
    folder = Path(source).parent if isinstance(source, str | PathLike) else Path()
    if room is None:
        return _typed(open_source(source, one_name(target)), asked, None, folder, image_size)
    key = key_of(source, asdict(asked))
    saved = find(room, key)
    if saved is not None:
        return saved
    with room.reading() as scratch:
        dataset = _typed(
            open_limited(source, one_name(target), room, scratch), asked, room, folder, image_size
        )
    if isinstance(dataset.frame, StoredFrame):
        save(dataset, room.table, key)
    return dataset


def _typed(table: Table[Columns], asked: Asked, room: Room | None, folder: Path, size: str | Size) -> Dataset:
    """One column is looked at after the other: of a table that is not in memory, one is in memory at a time."""
    frame, place = table.frame, table.origin.place
    if asked.task == GENERATION:
        return table_to_generate(table, asked, room)
    names = target_names(table, asked.target)
    name, several = names[0], len(names) > 1
    for each in names:
        check_columns(frame.columns, each, asked)
    goal = (
        read_several(frame, names, asked.task, place)
        if several
        else read_target(frame[name], asked.task, place)
    )
    pictured = None if table.is_array or several else image_column(table, asked, name, folder)
    if pictured is not None:
        return images_in_table(
            table, pictured, folder, goal=goal, target=name, asked=asked, size=size, room=room
        )
    read = None if table.is_array else text_column(table, asked, name)
    if read is not None:
        return texts_in_table(table, read, goal=goal, target=name, asked=asked)
    every = len(goal.kept) == frame.height
    typed = Typed(None if table.fits or room is None else room.made(room.table.name))
    described: list[Column] = []
    for each in frame.columns:
        series = frame[each]
        described.append(describe(series, each if each in names else name, goal, asked, place))
        if described[-1].is_feature:
            cells = PARSERS[described[-1].kind](series, place)
            typed.add(cells if every else cells[goal.kept], series.dtype)
    check_features(described, name)
    features = typed.frame()
    groups = None if asked.group is None else groups_of(frame[asked.group], goal.kept, place)
    times = None if asked.time is None else times_of(frame[asked.time], goal.kept, place)
    whole = (cells_of(features, each, slice(None)) for each in features.columns)
    return Dataset(
        frame=features,
        columns=tuple(described),
        target=", ".join(names),
        task=goal.task,
        classes=goal.classes,
        y=goal.y,
        groups=groups,
        times=times,
        name=table.origin.name,
        fingerprint=fingerprint(whole, ", ".join(names), goal.classes, goal.y, groups, times),
        notes=tuple(_notes(described, frame.height - len(goal.kept))),
        label_type=label_type(frame[name].dtype, goal.classes, from_text=table.origin.records is not None),
        room=room,
        targets=names if several else (),
    )


def _notes(columns: Sequence[Column], without_target: int) -> list[str]:
    notes = []
    if without_target:
        notes.append(f"{without_target} rows without a target were left out")
    notes += [
        f"column '{c.name}' was left out: {c.note}"
        for c in columns
        if c.kind in ("identifier", "constant", "ignore")
    ]
    return notes
