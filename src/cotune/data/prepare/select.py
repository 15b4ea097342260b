"""Which numeric features stay: those that vary, or those with the highest scores."""

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from cotune.data.arrays import Bools, Float32s, Floats, Ints
from cotune.data.prepare import information, lasso, trees

MOST_ROWS = 10_000
"""Features are scored on at most so many training rows, drawn with a fixed seed."""

SCORES: Mapping[str, Callable[..., Floats]] = {
    "mutual_information": information.scores,
    "l1": lasso.scores,
    "importance": trees.scores,
}
"""Setting → score of each feature from (x, y, discrete, classify), all of them at least 0."""

SPARSE = ("l1",)
"""Those that leave out features with the score 0, however many may stay."""


def varying(blocks: Iterable[Float32s]) -> tuple[int, ...]:
    """Features that hold more than one value; all of them when none does.

    Args:
        blocks: the rows, some at a time, shape [row, feature].
    """
    ends = [(x.min(axis=0), x.max(axis=0)) for x in blocks]
    low, high = (np.stack(each) for each in zip(*ends, strict=True))
    found = np.flatnonzero(high.max(axis=0) > low.min(axis=0))
    return tuple(found.tolist()) or tuple(range(low.shape[1]))


def sample(rows: int) -> Ints | None:
    """Which of so many rows features are scored on; `None` for all of them."""
    if rows <= MOST_ROWS:
        return None
    return np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False)


def highest(
    method: str, x: Float32s, y: Ints | Floats, *, discrete: Bools, keep: float, classify: bool
) -> tuple[int, ...]:
    """The `keep` share of columns with the highest scores, in their order; at least one.

    Args:
        method: key of `SCORES`.
        x: features of the rows in `sample`, shape [row, feature].
        y: their class indices or values, shape [row].
        discrete: which features take few values (0/1 columns), shape [feature].
        keep: share of the features to keep, in (0, 1].
        classify: whether `y` holds classes.
    """
    if x.shape[1] == 0:
        return ()
    score = SCORES[method](x, y, discrete=discrete, classify=classify)
    most = math.ceil(keep * x.shape[1])
    if method in SPARSE:
        most = min(most, int((score > 0).sum()))
    best = np.argsort(-score, kind="stable")[: max(1, most)]
    return tuple(sorted(best.tolist()))
