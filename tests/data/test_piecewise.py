"""Laws of piecewise linear codes: exact at the edges, monotone, continuous, and nothing of the number is lost."""

import itertools

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.data import Pipeline, load
from cotune.data.arrays import Floats
from cotune.data.prepare import piecewise

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(3, 2, 500),
    "skewed": RNG.exponential(5, 500),
    "few values": RNG.integers(0, 4, 500).astype(float),
    "mostly one value": np.r_[np.zeros(450), RNG.normal(size=50)],
    "large": RNG.uniform(-1e30, 1e30, 500),
}


def paper(x: Floats, new: Floats, bins: int) -> Floats:
    """Equation 1 of Gorishniy et al. 2022 over quantile bins, number by number, as their package lays it out."""
    levels = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    edges = torch.quantile(torch.from_numpy(x), levels).unique().tolist()
    last = len(edges) - 2
    codes = []
    for value in new:
        code = []
        for t, (low, high) in enumerate(itertools.pairwise(edges)):
            part = (value - low) / (high - low)
            if t > 0 and part < 0:
                part = 0.0
            if t < last and part > 1:
                part = 1.0
            code.append(part)
        codes.append(code)
    return np.array(codes)


@pytest.mark.parametrize("bins", [2, 3, 16, 256])
@pytest.mark.parametrize("name", COLUMNS)
def test_codes_are_those_of_the_paper(name: str, bins: int) -> None:
    x = COLUMNS[name]
    new = np.r_[x, 2 * x.max() + 1, 2 * x.min() - 1]
    found = piecewise.apply(piecewise.fit(x[:, None], bins=bins), new[:, None])
    np.testing.assert_allclose(found, paper(x, new, bins), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", COLUMNS)
def test_bins_of_a_continuous_column_hold_equally_many_rows(name: str) -> None:
    x = COLUMNS[name]
    edges = np.array(piecewise.fit(x[:, None], bins=10).edges[0])
    assert (np.diff(edges) > 0).all(), "equal edges were not merged"
    if name in ("normal", "skewed", "large"):
        assert np.histogram(x, edges)[0].tolist() == [50] * 10
    if name == "few values":
        assert edges.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("name", COLUMNS)
def test_exact_at_the_edges(name: str) -> None:
    state = piecewise.fit(COLUMNS[name][:, None], bins=8)
    edges = np.array(state.edges[0])
    found = piecewise.apply(state, edges[:, None])
    steps = np.arange(len(edges))[:, None] > np.arange(len(edges) - 1)
    assert found.tolist() == steps.astype(float).tolist()


@settings(max_examples=200, deadline=None)
@given(
    x=st.lists(st.integers(-(10**6), 10**6).map(lambda n: n / 7), min_size=1, max_size=30),
    new=st.lists(st.floats(-1e7, 1e7), min_size=2, max_size=10),
    bins=st.integers(2, 20),
)
def test_monotone_and_without_loss(x: list[float], new: list[float], bins: int) -> None:
    state = piecewise.fit(np.array(x)[:, None], bins=bins)
    edges = np.array(state.edges[0])
    values = np.sort(np.array(new))
    codes = piecewise.apply(state, values[:, None])
    assert (np.diff(codes, axis=0) >= 0).all(), "a larger number has a smaller code"
    back = edges[0] + codes @ np.diff(edges)  # the bins it fills, by their widths
    np.testing.assert_allclose(back, values, rtol=1e-7, atol=1e-7)


def test_continuous() -> None:
    x = COLUMNS["skewed"]
    state = piecewise.fit(x[:, None], bins=8)
    edges = np.array(state.edges[0])
    beside = np.concatenate([np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    jump = np.abs(
        piecewise.apply(state, beside[:, None]) - piecewise.apply(state, np.tile(edges, 2)[:, None])
    )
    assert jump.max() < 1e-9


@pytest.mark.parametrize("value", [0.0, -2.5, 1e300, -1e300])
def test_a_constant_column_is_shifted(value: float) -> None:
    state = piecewise.fit(np.full((9, 1), value), bins=16)
    found = piecewise.apply(state, np.array([[value], [value + 0.25]]))
    assert found[0].tolist() == [0.0]
    if abs(value) < 1e16:
        assert found[1].tolist() == [0.25]


def test_every_column_has_its_bins_in_a_prepared_table() -> None:
    x = RNG.exponential(size=80)
    frame = pl.DataFrame(
        {
            "x": x,
            "n": [int(i % 3 == 0) for i in range(80)],
            "k": [float(i % 3) if i % 5 else None for i in range(80)],
            "flag": ["true", "false"] * 40,
            "y": ["a", "b", "b", "a"] * 20,
        }
    )
    data = load(frame, target="y", columns={"n": "numeric", "k": "numeric"})
    chosen = {"numbers": "piecewise", "bins": 4, "scaling": "minmax", "missing": "most_frequent"}
    pipeline = Pipeline.fit(data, np.arange(60), chosen)
    codes = [f"x in bin {t} of 4" for t in (1, 2, 3, 4)]
    assert pipeline.features[:5] == (*codes, "n")
    assert {"flag", "k is missing"} < set(pipeline.features)
    found = pipeline.transform(frame).numeric
    np.testing.assert_allclose(found[:, :4], paper(x[:60], x, 4), atol=1e-6)
    training = found[:60]
    assert training.min() == 0.0
    assert training.max() == 1.0
    plain = Pipeline.fit(data, np.arange(60), chosen | {"numbers": "plain"})
    bins_of_k = sum(name.startswith("k in bin") for name in pipeline.features)
    assert bins_of_k > 1
    assert len(plain.features) == len(pipeline.features) - 3 - (bins_of_k - 1)
