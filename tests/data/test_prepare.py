"""Each technique by itself: against scikit-learn where it has the same one, against its law elsewhere."""

import json
import math

import numpy as np
import polars as pl
import pytest
from sklearn import preprocessing
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_class_weight

from cotune.data import Pipeline, load
from cotune.data.arrays import Floats
from cotune.data.prepare import balance, categories, dates, impute, lasso, outliers, scale, select, trees
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
    "maxabs": preprocessing.MaxAbsScaler(),
    "robust": preprocessing.RobustScaler(),
    "robust_clip": make_pipeline(
        preprocessing.RobustScaler(),
        preprocessing.FunctionTransformer(lambda z: z / np.sqrt(1 + (z / 3) ** 2)),
    ),
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
        assert np.abs(scaled).max() <= 1


def realmlp(x: Floats, new: Floats) -> Floats:
    """RealMLP's preprocessing of one column, as the paper writes it."""
    low, median, high = np.quantile(x, [0.25, 0.5, 0.75])
    spread = high - low or (x.max() - x.min()) / 2
    factor = 1 / spread if spread else 0.0
    z = factor * (new - median)
    return z / np.sqrt(1 + (z / 3) ** 2)


@pytest.mark.parametrize("x", [TRAIN[:, 1], np.r_[np.zeros(90), 1.0, 5.0, -3.0], np.full(9, 4.0)], ids=len)
def test_robust_clip_is_that_of_realmlp(x: Floats) -> None:
    new = np.r_[x[:50], -1e30, 1e30, 4.0, 4.5]
    scaled = scale.apply(scale.fit(x[:, None], method="robust_clip"), new[:, None])[:, 0]
    np.testing.assert_allclose(scaled, realmlp(x, new), rtol=1e-12, atol=1e-12)
    assert np.abs(scaled).max() <= 3
    huge = scale.apply(scale.fit(x[:, None], method="robust_clip"), np.array([[1e300]]))
    assert huge.item() in (0.0, 3.0)


def test_every_scaler_has_a_peer() -> None:
    assert {*scale.LINEAR, "none", "quantile"} == set(PEERS)


def test_quantiles_of_few_rows_and_far_values() -> None:
    x = np.arange(5.0)[:, None]
    scaled = scale.apply(scale.fit(x, method="quantile"), np.array([[-1e9], [2.0], [1e9]]))[:, 0]
    assert scaled.tolist() == pytest.approx([-5.1993, 0.0, 5.1993], abs=1e-4)


@pytest.mark.parametrize(("method", "expected"), [("mean", 14 / 3), ("median", 3.0), ("most_frequent", 1.0)])
def test_imputation(method: str, expected: float) -> None:
    x = np.array([[1.0, 5.0], [np.nan, 5.0], [3.0, 5.0], [10.0, 5.0]])
    state = impute.fit(x, method=method, markable=[0, 1])
    assert state == impute.Imputation((pytest.approx(expected), 5.0), (0,))
    filled, marks = impute.apply(state, np.array([[np.nan, np.nan], [7.0, 6.0]]))
    assert filled.tolist() == [[pytest.approx(expected), 5.0], [7.0, 6.0]]
    assert marks.tolist() == [[1.0], [0.0]]
    assert impute.fit(x, method=method, markable=[]).marked == ()


@pytest.mark.parametrize("method", [*impute.LEARNED, "constant"])
def test_imputation_agrees_with_scikit_learn(method: str) -> None:
    x = RNG.integers(0, 6, (200, 5)).astype(float)
    x[RNG.random(x.shape) < 0.3] = np.nan
    found = impute.apply(impute.fit(x, method=method, markable=[]), x)[0]
    fill = {"fill_value": 0.0} if method == "constant" else {}
    np.testing.assert_allclose(found, SimpleImputer(strategy=method, **fill).fit_transform(x), rtol=1e-14)


@pytest.mark.parametrize("method", [*impute.LEARNED, "constant"])
def test_a_column_without_values_becomes_zero(method: str) -> None:
    x = np.full((4, 1), np.nan)
    assert impute.apply(impute.fit(x, method=method, markable=[]), x)[0].tolist() == [[0.0]] * 4


def test_zero_of_a_date_is_the_day_from_which_days_are_counted() -> None:
    frame = pl.DataFrame({"t": ["2024-05-01", None] * 20, "y": ["a", "b"] * 20})
    chosen = {"missing": "constant", "scaling": "none"}
    pipeline = Pipeline.fit(load(frame, target="y"), np.arange(40), chosen)
    filled = dict(zip(pipeline.features, pipeline.transform(frame).numeric[1].tolist(), strict=True))
    assert (filled["t.days"], filled["t.year"], filled["t is missing"]) == (0.0, 1970.0, 1.0)


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
@pytest.mark.parametrize("method", select.SCORES)
def test_selection_finds_the_informative(method: str, classify: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 6)).astype(np.float32)
    x[:, 5] = x[:, 5] > 0
    y = (x[:, 2] > 0) * 2 + x[:, 5]
    y = y.astype(np.int64) if classify else y + 0.01 * x[:, 0]
    discrete = np.array([False] * 5 + [True])

    def chosen(keep: float) -> tuple[int, ...]:
        return select.highest(method, x, y, discrete=discrete, keep=keep, classify=classify)

    assert chosen(0.3) == (2, 5)
    assert len(chosen(0.01)) == 1
    if method not in select.SPARSE:
        assert chosen(1.0) == (0, 1, 2, 3, 4, 5)
    elif classify:
        assert chosen(1.0) == (2, 5), "what tells nothing is left out, however many may stay"


@pytest.mark.parametrize("method", select.SCORES)
@pytest.mark.parametrize("classify", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 30])
def test_selection_survives_features_and_targets_without_variation(
    method: str, classify: bool, rows: int
) -> None:
    y = np.zeros(rows, dtype=np.int64 if classify else np.float64)
    for x in (np.zeros((rows, 3)), RNG.normal(size=(rows, 3)), np.full((rows, 3), 3e38)):
        found = select.highest(
            method, x.astype(np.float32), y, discrete=np.zeros(3, dtype=bool), keep=0.5, classify=classify
        )
        assert 1 <= len(found) <= 2
    empty = np.zeros((rows, 0), dtype=np.float32)
    assert select.highest(method, empty, y, discrete=np.zeros(0, bool), keep=0.5, classify=classify) == ()


@pytest.mark.parametrize("rows", [40, 500])
def test_l1_scores_are_coefficients_of_scikit_learn(rows: int) -> None:
    """For regressions, two and three classes; with more features than rows too."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(rows, 60)) * rng.uniform(0.1, 9, 60) + 5).astype(np.float32)
    value = x[:, 0] * 3 / x[:, 0].std() + x[:, 7] / x[:, 7].std() + 0.1 * rng.normal(size=rows)
    z = preprocessing.StandardScaler().fit_transform(x.astype(np.float64))
    penalty = np.sqrt(2 * np.log(120) / rows)
    for cuts in (None, [0.5], [0.3, 0.6]):
        y = value if cuts is None else np.digitize(value, np.quantile(value, cuts))
        expected = np.zeros(60)
        for t in [y] if cuts is None else [y == c for c in range(len(cuts) + 1)]:
            model = Lasso(alpha=np.std(t) * penalty).fit(z, t)
            expected = np.maximum(expected, np.abs(model.coef_))
        found = lasso.scores(x, y, discrete=np.zeros(60, bool), classify=cuts is not None)
        np.testing.assert_allclose(found, expected, atol=2e-4)
        assert 0 < (found > 0).sum() < 20


def test_l1_keeps_the_best_where_all_would_go() -> None:
    x = np.array([[0, 1], [1, 0], [0, 0], [1, 1.5]], dtype=np.float32)
    y = np.array([0.0, 0.1, 0.0, -0.3])
    assert lasso.scores(x, y, discrete=np.zeros(2, bool), classify=False).tolist() == [0.0, 1.0]


def test_importance_is_that_of_scikit_learn() -> None:
    x = RNG.normal(size=(300, 4)).astype(np.float32)
    y = (x[:, 1] > 0).astype(np.int64)
    forest = ExtraTreesClassifier(100, max_features="sqrt", min_samples_leaf=5, random_state=0).fit(x, y)
    found = trees.scores(x, y, discrete=np.zeros(4, bool), classify=True)
    assert found.tolist() == forest.feature_importances_.tolist()


def test_selection_takes_booleans_filled_with_fractions() -> None:
    x = np.array([[0.0], [1.0], [0.4]] * 10, dtype=np.float32)
    y = np.array([0, 1, 1] * 10)
    chosen = select.highest("mutual_information", x, y, discrete=np.array([True]), keep=1.0, classify=True)
    assert chosen == (0,)


@pytest.mark.parametrize("method", ["mutual_information", "l1"])
def test_selection_reads_a_sample_of_many_rows(method: str) -> None:
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
    chosen = {"select": method, "keep": 0.5}
    assert Pipeline.fit(data, np.arange(rows), chosen).features == ("x1",)


def test_class_weights_agree_with_scikit_learn() -> None:
    y = np.array([0] * 7 + [1] * 2 + [2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    assert balance.weights(y, 3) == pytest.approx(tuple(expected))
    assert balance.weights(y, 4)[3] == 1.0


def test_codec_keeps_every_bit() -> None:
    state = scale.fit(TRAIN, method="quantile")
    assert decode(scale.Scaling, json.loads(json.dumps(encode(state)))) == state
