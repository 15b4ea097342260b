"""Rows to test, training and validation. The test rows are set aside first and used once, at the end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.draws import drawn
from cotune.data.forecasts.split import split_windows
from cotune.data.forecasts.windows import Windows
from cotune.errors import SplitError
from cotune.recipe.schema import SplitSection

MOST_LEFT_OUT = 2000
"""Rows up to which leave-one-out is run: it trains one network per row."""


@dataclass(frozen=True)
class Fold:
    """Row indices into the data set, sorted, shape [row]."""

    train: Ints
    validation: Ints


@dataclass(frozen=True)
class Splits:
    """The test rows (sorted, shape [row]), the folds over all other rows, and what the user should know."""

    test: Ints
    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = ()


Pair = tuple[Ints, Ints]
"""(kept rows, held-out rows)"""


def split(dataset: Dataset, settings: SplitSection, *, seed: int) -> Splits:
    """Divide the rows as the recipe asks; equal arguments give equal rows.

    Args:
        dataset: the rows.
        settings: method, fractions, folds, repeats.
        seed: of the shuffles; time-ordered splits do not use it.

    Raises:
        SplitError: too few rows, groups or folds for what is asked.
    """
    if isinstance(dataset.frame, Windows):
        test, pairs, notes = split_windows(dataset.frame, settings)
    else:
        _refuse_dates(settings)
        test, pairs, notes = _METHODS[settings.method](dataset, settings, seed)
    folds = tuple(Fold(np.sort(train), np.sort(validation)) for train, validation in pairs)
    return Splits(np.sort(test), folds, tuple(dict.fromkeys(notes)))


def _refuse_dates(settings: SplitSection) -> None:
    for part in ("test", "validation"):
        asked = getattr(settings, part)
        if isinstance(asked, str):
            raise SplitError(
                f"split.{part} may be a date of a forecast alone, but is {asked}; give a fraction of the rows, or set "
                "task: forecast"
            )


Plan = tuple[Ints, list[Pair], list[str]]


def _holdout(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    if dataset.validation is not None and dataset.test is None:
        return _given(dataset, settings, seed)
    rest, test, notes = _set_test_aside(dataset, settings, seed)
    if dataset.validation is not None:
        return test, [_given_validation(dataset, rest)], [*notes, *_validation_words(dataset, settings)]
    pairs = []
    for repeat in range(settings.repeats):
        train, validation, more = _draw(dataset, rest, settings.validation, "validation", seed + 1 + repeat)
        pairs.append((train, validation))
        notes += more
    return test, pairs, notes


def _given(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    """The validation rows that the data brings; test rows, of which it brings none, are drawn from the others."""
    assert dataset.validation is not None
    others = np.setdiff1d(np.arange(dataset.rows), dataset.validation)
    train, test, notes = _draw(dataset, others, settings.test, "test", seed)
    return test, [(train, dataset.validation)], [*_validation_words(dataset, settings), *notes]


def _kfold(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    from sklearn.model_selection import KFold, StratifiedKFold

    rest, test, notes = _set_test_aside(dataset, settings, seed)
    _check_folds(settings.folds, len(rest))
    stratified = dataset.task.is_classification and _smallest_class(dataset, rest) >= settings.folds
    if dataset.task.is_classification and not stratified:
        notes.append(
            f"folds are not stratified: a class has fewer rows than there are folds ({settings.folds})"
        )
    return test, _folds(StratifiedKFold if stratified else KFold, dataset, rest, settings, seed), notes


def _stratified(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    from sklearn.model_selection import StratifiedKFold

    if not dataset.task.is_classification:
        raise SplitError(
            f"stratified folds need classes to share out, but the task is a {dataset.task}; use method: kfold"
        )
    rest, test, notes = _set_test_aside(dataset, settings, seed)
    counts = np.bincount(dataset.y[rest], minlength=len(dataset.classes))
    rarest = int(counts.argmin())
    if counts[rarest] < settings.folds:
        raise SplitError(
            f"stratified folds need a row of every class each, so at least folds={settings.folds} rows a class "
            f"besides the test rows, but class {dataset.classes[rarest]!r} has {counts[rarest]}; lower folds, "
            "or use method: kfold"
        )
    return test, _folds(StratifiedKFold, dataset, rest, settings, seed), notes


def _folds(
    kind: Callable[..., Any], dataset: Dataset, rest: Ints, settings: SplitSection, seed: int
) -> list[Pair]:
    pairs = []
    for repeat in range(settings.repeats):
        folds = kind(settings.folds, shuffle=True, random_state=_state(seed + 1 + repeat))
        pairs += _within(rest, folds.split(rest, dataset.y[rest]))
    return pairs


def _leave_one_out(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    rest, test, notes = _set_test_aside(dataset, settings, seed)
    if len(rest) > MOST_LEFT_OUT:
        raise SplitError(
            f"leave_one_out trains one network per row, so at most {MOST_LEFT_OUT} rows are allowed, but "
            f"{len(rest)} remain besides the test rows; use method: kfold"
        )
    notes += _drawn_once(settings)
    return test, [(np.delete(rest, i), rest[i : i + 1]) for i in range(len(rest))], notes


def _group(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    from sklearn.model_selection import GroupKFold

    if dataset.groups is None:
        raise SplitError("a split by group needs a group column; name it with `--set group=COLUMN`")
    _check_rows(dataset)
    groups = dataset.groups
    _refuse_given(dataset, settings)
    sizes = np.bincount(groups)
    if len(sizes) < settings.folds + 1:
        raise SplitError(
            f"a split by group needs at least folds + 1 = {settings.folds + 1} groups (one for the test "
            f"rows), but there are {len(sizes)}; lower folds, or name a finer group column"
        )
    order = np.random.default_rng(seed).permutation(len(sizes))
    # As many whole groups as come nearest to the fraction asked for, and enough left for the folds.
    covered = np.cumsum(sizes[order])
    taken = int(np.argmin(np.abs(covered - _fraction(settings.test) * dataset.rows))) + 1
    chosen = order[: min(taken, len(sizes) - settings.folds)]
    is_test = np.isin(groups, chosen)
    rest, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    pairs: list[Pair] = []
    for repeat in range(settings.repeats):
        relabel = np.random.default_rng(seed + 1 + repeat).permutation(len(sizes))
        pairs += _within(rest, GroupKFold(settings.folds).split(rest, groups=relabel[groups[rest]]))
    return test, pairs, []


def _time(dataset: Dataset, settings: SplitSection, seed: int) -> Plan:
    from sklearn.model_selection import TimeSeriesSplit

    del seed
    if dataset.times is None:
        raise SplitError("a split by time needs a time column; name it with `--set time=COLUMN`")
    _check_rows(dataset)
    _refuse_given(dataset, settings)
    order = np.argsort(dataset.times, kind="stable").astype(np.int64)
    held = _count(settings.test, dataset.rows, "test")
    rest, test = order[:-held], order[-held:]
    if len(rest) < settings.folds + 1:
        raise SplitError(
            f"{settings.folds} folds in time need at least {settings.folds + 1} rows besides the test "
            f"rows, but {len(rest)} remain; lower folds"
        )
    return test, _within(rest, TimeSeriesSplit(settings.folds).split(rest)), _drawn_once(settings)


_METHODS: dict[str, Callable[[Dataset, SplitSection, int], Plan]] = {
    "holdout": _holdout,
    "kfold": _kfold,
    "stratified": _stratified,
    "leave_one_out": _leave_one_out,
    "group": _group,
    "time": _time,
}


def _set_test_aside(dataset: Dataset, settings: SplitSection, seed: int) -> tuple[Ints, Ints, list[str]]:
    _check_rows(dataset)
    if dataset.test is not None:
        rest = np.setdiff1d(np.arange(dataset.rows), dataset.test)
        _check_given(dataset, len(rest))
        return rest, dataset.test, [f"the {len(dataset.test):,} test rows are those that the data brings"]
    return _draw(dataset, np.arange(dataset.rows), settings.test, "test", seed)


def _draw(
    dataset: Dataset, rows: Ints, fraction: float | str, part: str, seed: int
) -> tuple[Ints, Ints, list[str]]:
    held = _count(fraction, len(rows), part)
    notes, labels = [], None
    if dataset.task.is_classification:
        classes = len(np.unique(dataset.y[rows]))
        if _smallest_class(dataset, rows) >= 2 and classes <= min(held, len(rows) - held):
            labels = dataset.y[rows]
        else:
            notes.append(f"the {part} rows are not stratified: some classes have too few rows")
    kept, out = drawn(rows, held, labels, seed=_state(seed))
    return kept, out, notes


def _check_given(dataset: Dataset, rest: int) -> None:
    assert dataset.test is not None
    if not len(dataset.test) or rest < 3:
        raise SplitError(
            f"every part needs rows, but the data brings {len(dataset.test)} test rows with a target "
            f"and {rest} others; "
            "bring more of both, or leave its test rows out"
        )


def _given_validation(dataset: Dataset, rest: Ints) -> Pair:
    """The rows that are neither for the test nor for validation, and those that the data bring for that."""
    given = np.setdiff1d(np.asarray(dataset.validation), np.setdiff1d(np.arange(dataset.rows), rest))
    train = np.setdiff1d(rest, given)
    if not len(given) or len(train) < 2:
        raise SplitError(
            f"every part needs rows, but the data brings {len(given)} validation rows and leaves {len(train)} "
            f"to train on; "
            "bring more of both, or leave its validation rows out"
        )
    return train, given


def _validation_words(dataset: Dataset, settings: SplitSection) -> list[str]:
    told = [f"the {len(np.asarray(dataset.validation)):,} validation rows are those that the data brings"]
    return told + (
        [f"repeats={settings.repeats} has no effect: there is one division"] if settings.repeats > 1 else []
    )


def _refuse_given(dataset: Dataset, settings: SplitSection) -> None:
    if dataset.test is not None:
        raise SplitError(
            f"the data brings its own test rows, but a split by {settings.method} chooses them itself; "
            "use method: holdout or kfold, or leave its test rows out"
        )


def _fraction(part: float | str) -> float:
    assert isinstance(part, float)
    return part


def _count(fraction: float | str, rows: int, part: str) -> int:
    assert isinstance(fraction, float)
    held = round(fraction * rows)
    if held < 1 or rows - held < 2:
        raise SplitError(
            f"every part needs rows, but {part}={fraction:g} of {rows} rows gives {held} {part} rows and "
            f"leaves {rows - held}; choose another fraction for {part}, or bring more rows"
        )
    return held


def _check_rows(dataset: Dataset) -> None:
    if dataset.rows < 10:
        raise SplitError(
            f"at least 10 rows are needed to split, but there are {dataset.rows}; bring more rows"
        )


def _check_folds(folds: int, rows: int) -> None:
    if folds > rows:
        raise SplitError(
            f"there can be at most as many folds as rows, but folds={folds} and {rows} rows remain "
            "besides the test rows; lower folds"
        )


def _smallest_class(dataset: Dataset, rows: Ints) -> int:
    return int(np.unique(dataset.y[rows], return_counts=True)[1].min())


def _within(rest: Ints, pairs: Iterator[Pair]) -> list[Pair]:
    return [(rest[train], rest[validation]) for train, validation in pairs]


def _state(seed: int) -> int:
    return seed % 2**32


def _drawn_once(settings: SplitSection) -> list[str]:
    if settings.repeats == 1:
        return []
    return [f"repeats={settings.repeats} has no effect: {settings.method} divides the rows in one way only"]
