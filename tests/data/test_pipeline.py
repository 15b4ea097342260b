"""Laws of the fitted preparation: training rows only, exact round trips, readable faults."""

import copy
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.data import Dataset, Pipeline, load, read_frame, split
from cotune.errors import ColumnError, ModelError, RecipeError
from cotune.recipe.schema import PrepareSection, SplitSection
from cotune.recipe.settings import Domain

N = 150


def raw(task: str = "classes") -> pl.DataFrame:
    rng = np.random.default_rng(1)
    x = rng.normal(size=N)
    hole = rng.random((4, N)) < 0.1

    def holed(values: Any, i: int) -> list[Any]:
        return [None if gone else value for gone, value in zip(hole[i], values, strict=True)]

    y = np.digitize(x, [-0.5, 0.5]).astype(str) if task == "classes" else x * 3 + 1
    return pl.DataFrame(
        {
            "x": holed(x, 0),
            "full": rng.exponential(size=N),
            "flat": [0.0] * (N - 1) + [1.0],
            "c": holed([f"c{i}" for i in rng.integers(0, 5, N)], 1),
            "b": holed(rng.random(N) < 0.4, 2),
            "t": holed([f"2024-{1 + i % 12:02}-{1 + i % 28:02} {i % 24:02}:00" for i in range(N)], 3),
            "y": y,
        }
    )


DATA = {task: load(raw(task), target="y") for task in ("classes", "numbers")}
ROWS = np.arange(100)


def every_setting() -> Iterator[dict[str, Any]]:
    """The defaults, and each option of each key over them."""
    yield {}
    for name, field in PrepareSection.model_fields.items():
        domain = next(each for each in field.metadata if isinstance(each, Domain))
        numbers = {"bool": (True, False), "int": (2, 40), "float": (0.2, 1.0)}
        for option in domain.options or numbers[domain.kind]:
            parent, values = domain.when or ("", ())
            for value in values:
                yield {name: option, parent: value}
            if not values:
                yield {name: option}


def corrupted(data: Dataset, rows: np.ndarray, rng: np.random.Generator) -> Dataset:
    """The same table with other values in `rows`."""
    odd = {
        pl.Float64: [1e30, -1e30, None],
        pl.String: ["unheard of", None],
        pl.Boolean: [True, False, None],
        pl.Datetime: [None],
    }
    columns = []
    for series in data.frame:
        values = series.to_list()
        for row in rows:
            choices = odd[series.dtype.base_type()]
            values[row] = choices[rng.integers(len(choices))]
        columns.append(pl.Series(series.name, values, dtype=series.dtype))
    y = data.y.copy()
    y[rows] = 1e6 if y.dtype == np.float64 else rng.integers(0, len(data.classes), len(rows))
    return replace(data, frame=pl.DataFrame(columns), y=y)


@pytest.mark.parametrize("chosen", list(every_setting()), ids=str)
@pytest.mark.parametrize("task", DATA)
def test_fitted_on_training_rows_only(task: str, chosen: dict[str, Any]) -> None:
    data = DATA[task]
    other = corrupted(data, np.arange(100, N), np.random.default_rng(0))
    fitted = Pipeline.fit(data, ROWS, chosen)
    assert Pipeline.fit(other, ROWS, chosen).to_json() == fitted.to_json()
    mine, theirs = (fitted.training_rows(each, ROWS, seed=1) for each in (data, other))
    assert (mine is None) == (theirs is None)
    assert mine is None or mine.tobytes() == theirs.tobytes()
    unlike = Pipeline.fit(corrupted(data, ROWS[:40], np.random.default_rng(0)), ROWS, chosen)
    assert unlike.to_json() != fitted.to_json()


@settings(max_examples=25, deadline=None)
@given(chosen=st.sampled_from(list(every_setting())), seed=st.integers(0, 2**32 - 1))
def test_fitted_on_any_training_rows_only(chosen: dict[str, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(N, rng.integers(10, N), replace=False))
    data = DATA["classes"]
    other = corrupted(data, np.setdiff1d(np.arange(N), rows), rng)
    assert Pipeline.fit(other, rows, chosen).to_json() == Pipeline.fit(data, rows, chosen).to_json()


@pytest.mark.parametrize("chosen", list(every_setting()), ids=str)
@pytest.mark.parametrize("task", DATA)
def test_round_trip_is_exact(task: str, chosen: dict[str, Any]) -> None:
    pipeline = Pipeline.fit(DATA[task], ROWS, chosen)
    again = Pipeline.from_json(json.loads(json.dumps(pipeline.to_json())))
    assert again == pipeline
    draws = [str(each.training_rows(DATA[task], ROWS, seed=1)) for each in (pipeline, again)]
    assert draws[0] == draws[1]
    first, second = pipeline.transform(raw(task)), again.transform(raw(task))
    assert first.numeric.tobytes() == second.numeric.tobytes()
    assert first.codes.tobytes() == second.codes.tobytes()
    assert first.numeric.dtype == np.float32
    assert first.codes.dtype == np.int64
    assert first.numeric.shape == (N, len(pipeline.features))
    assert first.codes.shape == (N, len(pipeline.cardinalities))
    assert (first.codes < np.array(pipeline.cardinalities, dtype=int)).all()
    assert np.isfinite(first.numeric).all()
    assert len(set(pipeline.features)) == len(pipeline.features)


def test_features_are_what_their_names_say() -> None:
    chosen = {"scaling": "none", "missing": "mean"}
    pipeline = Pipeline.fit(DATA["classes"], np.arange(N), chosen)
    found = dict(zip(pipeline.features, pipeline.transform(raw()).numeric.T, strict=True))
    frame = DATA["classes"].frame
    x = frame["x"]
    np.testing.assert_allclose(found["x"], x.fill_null(x.mean()), rtol=1e-6)
    assert found["x is missing"].tolist() == x.is_null().cast(pl.Float32).to_list()
    assert "full is missing" not in found
    waves = [
        f"t.{circle}_{wave}" for circle in ("month", "day", "weekday", "hour") for wave in ("sin", "cos")
    ]
    assert [name for name in found if name.startswith("t")] == ["t.days", "t.year", *waves, "t is missing"]
    assert found["c=c3"].tolist() == (frame["c"] == "c3").fill_null(False).cast(pl.Float32).to_list()
    b = frame["b"].cast(pl.Float64)
    np.testing.assert_allclose(found["b"], b.fill_null(b.mean()), rtol=1e-6)


def test_embedding_codes() -> None:
    pipeline = Pipeline.fit(DATA["classes"], ROWS, {"categories": "embedding"})
    assert pipeline.cardinalities == (6,)
    frame = raw().with_columns(c=pl.Series(["c0", "c4", "new", None, *["c1"] * (N - 4)]))
    assert pipeline.transform(frame).codes[:5, 0].tolist() == [1, 5, 0, 0, 2]
    assert not [name for name in pipeline.features if name.startswith("c=")]


def test_holes_that_training_did_not_have_are_filled() -> None:
    pipeline = Pipeline.fit(DATA["classes"], ROWS, {"scaling": "none"})
    row = raw()[:1].with_columns(full=pl.lit("N/A"))
    place = pipeline.features.index("full")
    expected = float(np.median(DATA["classes"].frame["full"][:100].to_numpy()))
    assert pipeline.transform(row).numeric[0, place] == np.float32(expected)


def test_target_scale_and_class_weights() -> None:
    numbers = Pipeline.fit(DATA["numbers"], ROWS, {"balance": "weights"})
    y = DATA["numbers"].y[:100]
    assert (numbers.target_mean, numbers.target_scale) == (y.mean(), y.std())
    assert numbers.class_weights is None
    classes = Pipeline.fit(DATA["classes"], ROWS, {"balance": "weights"})
    assert (classes.target_mean, classes.target_scale) == (0.0, 1.0)
    assert classes.class_weights is not None
    assert sum(
        w * n for w, n in zip(classes.class_weights, np.bincount(DATA["classes"].y[:100]), strict=True)
    ) == (pytest.approx(100))
    assert Pipeline.fit(DATA["classes"], ROWS, {}).class_weights is None


def test_order_types_and_extra_columns_of_a_new_frame_do_not_matter(tmp_path: Path) -> None:
    pipeline = Pipeline.fit(DATA["classes"], ROWS, {})
    expected = pipeline.transform(DATA["classes"].frame).numeric
    frame = raw().with_columns(extra=pl.lit(1))
    frame = frame.select(reversed(frame.columns))
    frame.write_csv(tmp_path / "new.csv")
    for new in (frame, read_frame(tmp_path / "new.csv"), read_frame(frame.to_pandas())):
        assert (pipeline.transform(new).numeric == expected).all()


def test_faults_of_a_new_frame_are_named() -> None:
    pipeline = Pipeline.fit(DATA["classes"], ROWS, {})
    with pytest.raises(ColumnError, match=r"these are missing: 'full'; did you mean 'fulll'\?"):
        pipeline.transform(raw().rename({"full": "fulll"}))
    with pytest.raises(ColumnError, match="6 columns, but these are missing"):
        pipeline.transform(raw().select("y"))
    words = raw().with_columns(full=pl.Series(["1.5", "2", "much"] + ["3"] * (N - 3)))
    with pytest.raises(ColumnError, match=r"'full'.*row 2 .*line 4 .*'much'"):
        pipeline.transform(words)
    with pytest.raises(ColumnError, match=r"'b'.*row 1 .*'maybe'"):
        pipeline.transform(raw().with_columns(b=pl.Series(["yes", "maybe"] + ["no"] * (N - 2))))
    with pytest.raises(ColumnError, match=r"finite.*'x'.*row 0"):
        pipeline.transform(raw()[:1].with_columns(x=pl.lit(float("inf"))))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"scaling": "quantil"}, "quantile"),
        ({"keep": 2.0}, "0.01"),
        ({"missing": ["mean", "median"]}, "searched"),
    ],
)
def test_illegal_settings(chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Pipeline.fit(DATA["classes"], ROWS, chosen)


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:2]) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def test_every_damage_is_noticed() -> None:
    chosen = {"outliers": "remove", "numbers": "piecewise", "bins": 3, "balance": "oversample"}
    tree = json.loads(json.dumps(Pipeline.fit(DATA["classes"], ROWS, chosen).to_json()))
    Pipeline.from_json(tree)
    tried = 0
    for path, damage in itertools.product(list(places(tree))[1:], ("foreign", None, 7, [], {})):
        broken = copy.deepcopy(tree)
        home = broken
        for key in path[:-1]:
            home = home[key]
        if home[path[-1]] == damage:
            continue
        home[path[-1]] = damage
        with pytest.raises(ModelError):
            Pipeline.from_json(broken)
        tried += 1
    assert tried > 200


@pytest.mark.parametrize(
    "tree", [None, [], "pipeline", {}, {"format": "cotune pipeline 2"}, {"format": "onnx"}]
)
def test_foreign_trees(tree: object) -> None:
    with pytest.raises(ModelError):
        Pipeline.from_json(tree)


def test_a_wrong_type_under_a_right_checksum_is_noticed() -> None:
    from cotune.data.prepare.codec import _checksum

    tree = Pipeline.fit(DATA["classes"], ROWS, {}).to_json()
    for key, value in (
        ("features", "x"),
        ("target_mean", "0"),
        ("selected", [0.5]),
        ("extra", 1),
        ("encoder", []),
    ):
        state = tree["state"] | {key: value}
        with pytest.raises(ModelError, match=key):
            Pipeline.from_json({**tree, "state": state, "checksum": _checksum(state)})


def test_description_is_about_this_fit() -> None:
    chosen = {
        "scaling": "quantile",
        "outliers": "clip",
        "select": "variance",
        "balance": "weights",
        "categories": "embedding",
    }
    said = " ".join(Pipeline.fit(DATA["classes"], ROWS, chosen).describe())
    for words in (
        "3 numeric, 1 categorical, 1 boolean, 1 date",
        "and hour",
        "far fences",
        "training median",
        "normal distribution",
        "codes for embeddings",
        "that vary were kept",
        "Classes weigh",
    ):
        assert words in said, words
    chosen = {
        "scaling": "robust_clip",
        "numbers": "piecewise",
        "bins": 7,
        "missing": "most_frequent",
        "outliers": "remove",
        "balance": "oversample",
        "select": "l1",
    }
    said = " ".join(Pipeline.fit(DATA["classes"], ROWS, chosen).describe())
    for words in (
        "of 100 training rows hold a number beyond Tukey's far fences",
        "were not trained on",
        "most frequent training number",
        "smoothly clipped",
        "up to 7 bins",
        "coefficients in a linear model",
        "Rows of classes were repeated",
    ):
        assert words in said, words
    plain = " ".join(Pipeline.fit(DATA["classes"], ROWS, {"scaling": "none"}).describe())
    assert "fences" not in plain
    assert "own scales" in plain


def test_adult_is_prepared_in_well_under_a_second(shared_data: Callable[[str], Path]) -> None:
    adult = load(shared_data("adult.csv"), target="income")
    train = split(adult, SplitSection(), seed=0).folds[0].train
    for chosen in ({}, {"categories": "embedding", "outliers": "clip"}):
        start = time.perf_counter()
        features = Pipeline.fit(adult, train, chosen).transform(adult.frame)
        assert time.perf_counter() - start < 1.5
        assert features.numeric.shape == (32561, 105 if not chosen else 6)


def test_far_outliers_of_narrow_columns_stay_finite() -> None:
    frame = pl.DataFrame({"x": [1 + 1e-12 * (i % 2) for i in range(40)], "y": ["a", "b"] * 20})
    pipeline = Pipeline.fit(load(frame, target="y"), np.arange(40), {"scaling": "minmax"})
    assert np.isfinite(pipeline.transform(pl.DataFrame({"x": [1e38, -1e38]})).numeric).all()


def test_no_rows_give_no_rows() -> None:
    for chosen in every_setting():
        pipeline = Pipeline.fit(DATA["classes"], ROWS, chosen)
        assert pipeline.transform(raw().clear()).numeric.shape == (0, len(pipeline.features))


PAIRS = [
    {"numbers": "piecewise", "scaling": scaling, "missing": missing, "outliers": outliers}
    for scaling in ("none", "quantile", "robust_clip")
    for missing, outliers in (("most_frequent", "remove"), ("constant", "clip"))
]


@pytest.mark.parametrize("chosen", [*every_setting(), *PAIRS], ids=str)
def test_columns_without_variation_in_the_training_rows(chosen: dict[str, Any]) -> None:
    """One value, no value or one word in the training rows, and all sorts of them later."""
    rows = np.arange(40)
    frame = pl.DataFrame(
        {
            "constant": [3.5] * 40 + [1.0, None, 1e30, -1e30] * 5,
            "absent": [None] * 40 + [0.5, -1.0, None, 2.0] * 5,
            "word": ["only"] * 40 + ["only", "other", None, "third"] * 5,
            "flag": ["true"] * 40 + ["true", "false", None, "true"] * 5,
            "day": ["2024-02-29"] * 40 + ["2024-03-01", None, "1999-01-01", "2024-02-29"] * 5,
            "x": [float(i % 7) for i in range(60)],
            "y": ["a", "b", "b"] * 20,
        }
    )
    data = load(frame, target="y", columns={"constant": "numeric", "word": "categorical"})
    pipeline = Pipeline.fit(data, rows, chosen)
    assert pipeline.columns == ("constant", "absent", "word", "flag", "day", "x")
    found = pipeline.transform(frame)
    assert np.isfinite(found.numeric).all()
    assert found.numeric.shape == (60, len(pipeline.features))
    assert Pipeline.from_json(json.loads(json.dumps(pipeline.to_json()))) == pipeline
    assert pipeline.describe()
    places = pipeline.training_rows(data, rows, seed=0)
    assert places is None or (len(places) > 20 and places.max() < 40)
