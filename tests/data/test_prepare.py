"""Each technique by itself: against scikit-learn where it has the same one, against its law elsewhere."""

import json
import math

import numpy as np
import polars as pl
import pytest
from sklearn import preprocessing
from sklearn.utils.class_weight import compute_class_weight

from cotune.data import Pipeline, load
from cotune.data.arrays import Floats
from cotune.data.prepare import balance, categories, dates, impute, outliers, scale, select
from cotune.data.prepare.codec import decode, encode

RNG = np.random.default_rng(0)
TRAIN = np.column_stack(
    [RNG.normal(3, 2, 1500), RNG.exponential(5, 1500), RNG.integers(0, 6, 1500), RNG.uniform(-1e6, 1e6, 1500)]
).astype(float)
NEW = np.concatenate(
    [TRAIN[:100], TRAIN.max(axis=0, keepdims=True) * 2, TRAIN.min(axis=0, keepdims=True) - 5]
)

PEERS = {
    "none": preprocessing.FunctionTransformer(),
    "standard": preprocessing.StandardScaler(),
    "minmax": preprocessing.MinMaxScaler(),
    "robust": preprocessing.RobustScaler(),
    "quantile": preprocessing.QuantileTransformer(
        n_quantiles=1000, output_distribution="normal", subsample=None
    ),
}


@pytest.mark.parametrize("method", PEERS)
def test_scalers_agree_with_scikit_learn(method: str) -> None:
    state = scale.fit(TRAIN, method=method)
    expected = PEERS[method].fit(TRAIN).transform(NEW)
    np.testing.assert_allclose(scale.apply(state, NEW), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", PEERS)
@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e12])
def test_constant_columns_stay_finite(method: str, value: float) -> None:
    x = np.full((30, 1), value)
    scaled = scale.apply(scale.fit(x, method=method), x)
    assert np.isfinite(scaled).all()
    if method != "none":
        assert np.abs(scaled).max() < 1


def test_quantiles_of_few_rows_and_far_values() -> None:
    x = np.arange(5.0)[:, None]
    scaled = scale.apply(scale.fit(x, method="quantile"), np.array([[-1e9], [2.0], [1e9]]))[:, 0]
    assert scaled.tolist() == pytest.approx([-5.1993, 0.0, 5.1993], abs=1e-4)


@pytest.mark.parametrize(("method", "expected"), [("mean", 14 / 3), ("median", 3.0)])
def test_imputation(method: str, expected: float) -> None:
    x = np.array([[1.0, 5.0], [np.nan, 5.0], [3.0, 5.0], [10.0, 5.0]])
    state = impute.fit(x, method=method, markable=[0, 1])
    assert state == impute.Imputation((pytest.approx(expected), 5.0), (0,))
    filled, marks = impute.apply(state, np.array([[np.nan, np.nan], [7.0, 6.0]]))
    assert filled.tolist() == [[pytest.approx(expected), 5.0], [7.0, 6.0]]
    assert marks.tolist() == [[1.0], [0.0]]
    assert impute.fit(x, method=method, markable=[]).marked == ()


def test_a_column_without_values_becomes_zero() -> None:
    x = np.full((4, 1), np.nan)
    assert impute.apply(impute.fit(x, method="mean", markable=[]), x)[0].tolist() == [[0.0]] * 4


def test_far_fences() -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [np.nan]])  # Q1 = 1, Q3 = 3, IQR = 2
    state = outliers.fit(x)
    assert (state.low, state.high) == ((-5.0,), (9.0,))
    clipped = outliers.apply(state, np.array([[-100.0], [100.0], [9.0], [np.nan]]))[:, 0]
    assert clipped[:3].tolist() == [-5.0, 9.0, 9.0]
    assert math.isnan(clipped[3])


@pytest.mark.parametrize("x", [np.r_[np.zeros(9), 50.0], np.full(10, np.nan)])
def test_fences_never_flatten_a_column(x: Floats) -> None:
    state = outliers.fit(x[:, None])
    assert outliers.apply(state, np.array([[50.0]])).item() == 50.0


def test_categories_unseen_missing_and_rare_share_code_zero() -> None:
    training = pl.Series(
        "c", [f"c{i:03}" for i in range(120)] * 2 + [f"c{i:03}" for i in range(30, 120)] + [None]
    )
    state = categories.fit(training)
    assert len(state.known) == 100
    assert state.left_out == 20
    assert state.known == tuple(
        sorted([*(f"c{i:03}" for i in range(10)), *(f"c{i:03}" for i in range(30, 120))])
    )
    codes = categories.codes(state, pl.Series("c", ["c000", "c010", "new", None, "c119"]))
    assert codes.tolist() == [1, 0, 0, 0, 100]
    hot = categories.onehot(codes, 100)
    assert hot.sum(axis=1).tolist() == [1, 0, 0, 0, 1]
    assert (hot[0, 0], hot[4, 99]) == (1, 1)


def test_no_category_at_all() -> None:
    state = categories.fit(pl.Series("c", [None, None], dtype=pl.String))
    assert categories.codes(state, pl.Series("c", ["a"])).tolist() == [0]
    assert categories.onehot(np.zeros(1, dtype=np.int64), 0).shape == (1, 0)


def test_calendar() -> None:
    moments = pl.Series("t", ["1970-01-02T06:00:00", "2024-04-01T00:00:00", None]).str.to_datetime(
        time_unit="us"
    )
    state = dates.fit(moments)
    assert state.timed
    assert not dates.fit(moments[1:]).timed
    np.testing.assert_array_equal(dates.linear(moments), [[1.25, 1970], [19814, 2024], [np.nan, np.nan]])
    found = dates.circular(state, moments)
    assert found.shape == (3, 8)
    assert np.isnan(found[2]).all()
    april = 2 * np.pi * 3 / 12  # 2024-04-01 was a Monday
    np.testing.assert_allclose(found[1], [math.sin(april), math.cos(april), 0, 1, 0, 1, 0, 1], atol=1e-12)
    np.testing.assert_allclose(found[0, 6:], [1, 0], atol=1e-12)  # six o'clock is a quarter of the day
    assert dates.circular(dates.Calendar(timed=False), moments).shape == (3, 6)


def test_selection_by_variance() -> None:
    x = np.array([[1, 2, 3], [1, 5, 3]], dtype=np.float32)
    assert select.varying([x]) == (1,)
    assert select.varying([x[:1], x[1:]]) == (1,), "one row does not vary, two blocks do"
    assert select.varying([x[:, :1]]) == (0,)


@pytest.mark.parametrize("classify", [True, False])
def test_selection_finds_the_informative(classify: bool) -> None:
    x = RNG.normal(size=(800, 6)).astype(np.float32)
    x[:, 5] = x[:, 5] > 0
    y = (x[:, 2] > 0) * 2 + x[:, 5]
    y = y.astype(np.int64) if classify else y + 0.01 * x[:, 0]
    discrete = np.array([False] * 5 + [True])
    found = select.informative(x, y, discrete=discrete, keep=0.3, classify=classify)
    assert found == (2, 5)
    assert select.informative(x, y, discrete=discrete, keep=1.0, classify=classify) == (0, 1, 2, 3, 4, 5)
    assert len(select.informative(x, y, discrete=discrete, keep=0.01, classify=classify)) == 1


def test_selection_takes_booleans_filled_with_fractions() -> None:
    x = np.array([[0.0], [1.0], [0.4]] * 10, dtype=np.float32)
    y = np.array([0, 1, 1] * 10)
    assert select.informative(x, y, discrete=np.array([True]), keep=1.0, classify=True) == (0,)


def test_selection_reads_a_sample_of_many_rows() -> None:
    rows = 3 * select.MOST_ROWS
    sample = select.sample(rows)
    assert select.sample(select.MOST_ROWS) is None
    assert sample is not None
    assert len(set(sample.tolist())) == select.MOST_ROWS
    y = RNG.integers(0, 2, rows)
    x = RNG.normal(size=(rows, 2))
    outside = np.setdiff1d(np.arange(rows), sample)
    x[outside, 0] += 9 * y[outside]
    x[:, 1] += y  # weaker, but the only one inside the sample
    data = load((x, y), target=None)
    chosen = {"select": "mutual_information", "keep": 0.5}
    assert Pipeline.fit(data, np.arange(rows), chosen).features == ("x1",)


def test_class_weights_agree_with_scikit_learn() -> None:
    y = np.array([0] * 7 + [1] * 2 + [2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    assert balance.weights(y, 3) == pytest.approx(tuple(expected))
    assert balance.weights(y, 4)[3] == 1.0


def test_codec_keeps_every_bit() -> None:
    state = scale.fit(TRAIN, method="quantile")
    assert decode(scale.Scaling, json.loads(json.dumps(encode(state)))) == state
