"""Draws of rows: scikit-learn's own, to the bit."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from cotune.data.draws import drawn


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("rows", "held", "classes"), [(20, 7, 2), (100, 21, 3), (1_001, 200, 26), (57, 30, 5)]
)
@pytest.mark.parametrize("stratified", [True, False])
def test_a_draw_is_that_of_scikit_learn(
    rows: int, held: int, classes: int, stratified: bool, seed: int
) -> None:
    g = np.random.default_rng(seed)
    numbers = np.sort(g.permutation(3 * rows)[:rows])
    labels = np.concatenate([np.repeat(np.arange(classes), 2), g.integers(0, classes, rows - 2 * classes)])
    labels = labels[g.permutation(rows)] if stratified else None
    expected = train_test_split(numbers, test_size=held, stratify=labels, random_state=seed)
    found = drawn(numbers, held, labels, seed=seed)
    assert [part.tolist() for part in found] == [part.tolist() for part in expected]


def test_equal_remainders_are_broken_by_lot_as_there() -> None:
    numbers, labels = np.arange(40), np.repeat(np.arange(10), 4)
    expected = [train_test_split(numbers, test_size=15, stratify=labels, random_state=s)[1] for s in range(9)]
    found = [drawn(numbers, 15, labels, seed=s)[1] for s in range(9)]
    assert [part.tolist() for part in found] == [part.tolist() for part in expected]
    assert len({tuple(np.bincount(labels[part], minlength=10)) for part in found}) > 1
