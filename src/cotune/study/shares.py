"""A part of the training rows, for the first stages of rungs by rows: nested, and like the whole."""

from collections.abc import Sequence

import numpy as np

from cotune.data import Dataset
from cotune.data.arrays import Ints
from cotune.data.forecasts.windows import Windows


def order(dataset: Dataset, rows: Ints, *, by_time: bool, seed: int) -> tuple[Ints, Ints]:
    """Training rows in the order in which a growing share takes them in, and where it may end.

    In time the last rows come first. Groups come whole, one of each class to begin with. Of classes, each row is as far
    along as its place in its own class: the first row of every class comes first, and every share has the classes in
    their proportions. Everything else is drawn.

    Returns:
        The rows in that order [row], and how many of them may be taken at once, increasing [end].
    """
    drawn = np.random.default_rng(seed)
    if by_time:
        times = rows if isinstance(dataset.frame, Windows) or dataset.times is None else dataset.times[rows]
        return rows[np.argsort(times, kind="stable")[::-1]], np.arange(1, len(rows) + 1)
    shuffled = drawn.permutation(rows)
    classes = np.asarray(dataset.y)[shuffled].astype(np.int64) if dataset.task.is_classification else None
    if dataset.groups is not None:
        return _whole_groups(shuffled, dataset.groups[shuffled], classes)
    if classes is None:
        return shuffled, np.arange(1, len(rows) + 1)
    along = np.empty(len(rows))
    for label in np.unique(classes):
        places = np.flatnonzero(classes == label)
        along[places] = np.arange(len(places)) / len(places)
    return shuffled[np.argsort(along, kind="stable")], np.arange(1, len(rows) + 1)


def share(ordered: tuple[Ints, Ints], part: float, *, least: int = 1) -> Ints:
    """The first rows of an order: at least this part of them, and at least so many; sorted."""
    rows, ends = ordered
    wanted = max(least, round(part * len(rows)))
    count = int(ends[min(int(np.searchsorted(ends, wanted)), len(ends) - 1)])
    found: Ints = np.sort(rows[:count])
    return found


def _whole_groups(rows: Ints, groups: Ints, classes: Ints | None) -> tuple[Ints, Ints]:
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    names = np.argsort(first, kind="stable")  # as they were drawn
    if classes is not None:
        names = _a_group_of_each_class(names, group, classes)
    rank = np.empty(len(names), dtype=np.int64)
    rank[names] = np.arange(len(names))
    sizes = np.bincount(group, minlength=len(names))[names]
    return rows[np.argsort(rank[group], kind="stable")], np.cumsum(sizes)


def _a_group_of_each_class(names: Ints, group: Ints, classes: Ints) -> Ints:
    """The same groups; such as bring a class that none before has come first."""
    leading: list[int] = []
    missing = set(classes.tolist())
    for name in names.tolist():
        brings = missing & set(classes[group == name].tolist())
        if brings:
            leading.append(name)
            missing -= brings
        if not missing:
            break
    chosen: Sequence[int] = leading + [name for name in names.tolist() if name not in set(leading)]
    return np.asarray(chosen, dtype=np.int64)
