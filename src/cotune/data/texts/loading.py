"""From texts to a data set: labels read, rows that the source gives for validation and test kept apart."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.request import Request
from cotune.data.tables.cells import cleaned
from cotune.data.tables.columns import Asked, groups_of, times_of
from cotune.data.tables.kinds import infer
from cotune.data.tables.parts import Parts
from cotune.data.tables.table import Columns, Table
from cotune.data.target import Target, label_type, read_target
from cotune.data.targets import one_name
from cotune.data.texts.rows import Texts
from cotune.data.texts.sources import COLUMN, find_texts, save_texts
from cotune.errors import ColumnError
from cotune.files import replacing

LEAST_WORDS = 4.0
"""Words of a cell, on average, from which on a column looks like text."""

DISTINCT = 0.8
"""Share of its cells that differ."""

LOOKED_AT = 1000
"""Cells that are looked at."""

USELESS = ("identifier", "constant", "ignore")
"""Kinds of columns that nothing can be learned from."""


def find(request: Request) -> Dataset | None:
    """The data set of a file of lines, or of strings with labels; `None` where the source is something else.

    Raises:
        TargetError, ColumnError: there are no labels to learn, or columns are asked for where there are none.
    """
    asked = request.asked
    source = find_texts(request.source, one_name(asked.target))
    if source is None:
        return None
    for role, name in (
        ("group", asked.group),
        ("time", asked.time),
        ("columns", next(iter(asked.columns), None)),
    ):
        if name is not None:
            law = f"{role} names the column '{name}', but {source.words} has no columns"
            raise ColumnError(f"{law}; bring the texts as a column of a table with further columns")
    assert source.labels is not None
    task = "multiclass" if source.in_lines and asked.task == "auto" else asked.task
    goal = read_target(source.labels, task, source.place)
    labels = goal.classes if source.in_lines else ()
    frame = Texts(source.texts.gather(goal.kept), labels=labels)
    test, validation = (_among(rows, goal) for rows in (source.test, source.validation))
    return _dataset(
        frame,
        goal=goal,
        target=source.labels,
        columns=[_described(COLUMN, frame, inferred=True)],
        name=source.name,
        notes=source.notes,
        from_text=source.in_lines,
        test=test,
        validation=validation,
    )


def keep(source: object, target: str, path: Path) -> bool:
    """Write texts that came from memory where `find` finds them again; whether they are texts."""
    texts = find_texts(source, target)
    if texts is None:
        return False
    with replacing(path) as partial:
        save_texts(texts, partial)
    return True


def text_column(table: Table[Columns], asked: Asked, target: str) -> str | None:
    """The column of texts: the one that is said to be it, or else one that looks like it, if nothing could be learned
    from any other; `None` where there is none."""
    frame = table.frame
    named = [name for name in frame.columns if asked.columns.get(name) == "text"]
    if named:
        return named[0]
    taken = {target, asked.group, asked.time}
    others = [name for name in frame.columns if name not in taken]
    first = frame.first() if isinstance(frame, Parts) else frame
    texts = [name for name in others if name not in asked.columns and looks_like_text(first[name])]
    if len(texts) != 1:
        return None
    place = table.origin.place
    useful = [
        name
        for name in others
        if name != texts[0] and (asked.columns.get(name) or infer(frame[name], place).kind) not in USELESS
    ]
    return None if useful else texts[0]


def looks_like_text(series: pl.Series) -> bool:
    """Whether cells are strings of several words that nearly all differ."""
    if series.dtype != pl.String:
        return False
    some = cleaned(series.head(LOOKED_AT)).drop_nulls()
    if not some.len() or some.dtype != pl.String or some.n_unique() < DISTINCT * some.len():
        return False
    return float(some.str.count_matches(r"\S+").mean() or 0) >= LEAST_WORDS  # type: ignore[arg-type]


def texts_in_table(table: Table[Columns], name: str, *, goal: Target, target: str, asked: Asked) -> Dataset:
    """The data set of a table with a column of texts; its other columns serve the split, or are left out.

    Args:
        name: of the column.
    """
    frame, place = table.frame, table.origin.place
    others = [each for each in frame.columns if each not in (name, target, asked.group, asked.time)]
    clash = [each for each in others if asked.columns.get(each) == "text"]
    if clash:
        law = f"one column must hold the texts, but '{name}' and '{clash[0]}' do"
        raise ColumnError(f"{law}; leave one out with `--set 'columns={{{clash[0]}: ignore}}'`")
    if frame[name].dtype != pl.String:
        law = f"a column of texts must hold strings, but '{name}' holds {frame[name].dtype}"
        raise ColumnError(f"{law}; leave its kind out")
    texts = Texts(frame[name].gather(goal.kept).fill_null(""), name)
    columns = [_described(name, texts, inferred=name not in asked.columns)]
    for role, chosen in (("group", asked.group), ("time", asked.time)):
        if chosen is not None:
            cells = frame[chosen]
            distinct = cells.drop_nulls().n_unique()
            columns.append(Column(chosen, role, cells.null_count(), distinct, False, f"{role} of the split"))
    columns += [Column(each, "ignore", 0, 0, True, "texts are learned from alone") for each in others]
    return _dataset(
        texts,
        goal=goal,
        target=frame[target],
        columns=columns,
        name=table.origin.name,
        notes=[f"column '{each}' was left out: texts are learned from alone" for each in others],
        from_text=table.origin.records is not None,
        groups=None if asked.group is None else groups_of(frame[asked.group], goal.kept, place),
        times=None if asked.time is None else times_of(frame[asked.time], goal.kept, place),
    )


def _among(rows: Ints | None, goal: Target) -> Ints | None:
    """Numbers of rows among those that have a target."""
    return None if rows is None else np.flatnonzero(np.isin(goal.kept, rows))


def _described(name: str, texts: Texts, *, inferred: bool) -> Column:
    empty = int((texts.texts.str.strip_chars() == "").sum())
    return Column(name, "text", empty, texts.texts.n_unique(), inferred, texts.words())


def _dataset(
    frame: Texts,
    *,
    goal: Target,
    target: pl.Series,
    columns: Sequence[Column],
    name: str,
    notes: Sequence[str],
    from_text: bool,
    test: Ints | None = None,
    validation: Ints | None = None,
    groups: Ints | None = None,
    times: Floats | None = None,
) -> Dataset:
    gone = target.len() - len(goal.kept)
    lost = [f"{gone} rows without a target were left out"] if gone else []
    described = Column(target.name, "target", gone, goal.distinct, True, f"to be predicted: {goal.task}")
    arrays = (goal.y, groups, times, test, validation)
    return Dataset(
        frame=frame,
        columns=(*columns, described),
        target=target.name,
        task=goal.task,
        classes=goal.classes,
        y=goal.y,
        groups=groups,
        times=times,
        name=name,
        fingerprint=fingerprint((frame.texts,), target.name, goal.classes, *arrays),
        notes=(*lost, *notes),
        label_type=label_type(target.dtype, goal.classes, from_text=from_text),
        test=test,
        validation=validation,
    )
