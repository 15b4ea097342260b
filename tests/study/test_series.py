"""Studies of series: tables whose columns are times, and data sets of series."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.api import build_recipe
from cotune.errors import RecipeError
from cotune.product import Model
from cotune.study import Directory
from cotune.study.session import Sitting, begin
from study.tiny import lasting, view_of

TIMES = 12


def waves(rows: int = 240) -> pl.DataFrame:
    """Two classes of waves, the second faster."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, rows)
    angle = np.arange(TIMES) * (0.4 + 0.5 * y[:, None]) + draw.uniform(0, 6, rows)[:, None]
    columns = {f"t{i}": np.sin(angle[:, i]) for i in range(TIMES)}
    return pl.DataFrame(columns).with_columns(y=pl.Series(["slow" if fast == 0 else "fast" for fast in y]))


def test_a_recurrent_network_learns_from_augmented_series(tmp_path: Path) -> None:
    settings = {"jitter": 0.05, "amplitude": 0.1, "time_warp": 0.1, "window": 0.1, "lr": 0.02, "width": 8}
    fixed = {"family": "gru", "scaling": "none", "epochs": 30, "trials": 1, "rungs": False}
    study = cotune.tune(waves(), target="y", out=tmp_path / "study", **fixed, **settings)
    assert study.show()["best"]["test_score"] > 0.8
    rows = waves().drop("y")
    said = Model.load(tmp_path / "study" / "best").predict_proba(rows)
    assert np.array_equal(said, study.best.predict_proba(rows))


REFUSED = {"norm": "batch", "activation": "gelu", "depth": 2, "levels": 2, "heads": 2, "filters": 8}


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_nothing_to_a_state_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"network.{name} has no meaning"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family="gru", **{name: REFUSED[name]})


@pytest.mark.parametrize("family", ["gru", "tcn"])
@pytest.mark.parametrize("asked", ["periodic", "piecewise", ["plain", "piecewise"]], ids=str)
def test_what_makes_several_numbers_of_a_time_is_refused(
    asked: str | list[str], family: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=r"prepare.numbers must be plain for networks of series"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family=family, numbers=asked)
    with pytest.raises(RecipeError, match=r"prepare.categories must be onehot for networks of series"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family=family, categories="embedding")


def test_other_families_beside_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"family gru learns from series.* not searched beside mlp"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family=["gru", "mlp"])


# Data sets of series

SMALL = {"epochs": 3, "trials": 2, "lanes": 2, "width": 8, "rungs": False, "method": "holdout"}


def arrays(rows: int = 60) -> tuple[np.ndarray, list[str]]:
    """[row time channel] and labels."""
    frame = waves(rows)
    x = frame.drop("y").to_numpy()
    return np.stack([x, x[:, ::-1]], axis=2), frame["y"].to_list()


def ragged(rows: int = 60) -> tuple[list[np.ndarray], list[str]]:
    """Rows that end at different times."""
    x, y = arrays(rows)
    return [row[: TIMES - i % 3] for i, row in enumerate(x)], y


def ts_files(folder: Path) -> Path:
    """Training rows, with test rows beside them, whose labels are all of one class."""
    rows, labels = ragged(90)
    head = "@problemName Waves\n@dimensions 2\n@equalLength false\n@classLabel true slow fast\n@data\n"
    lines = [
        ":".join([*(",".join(f"{v:.4f}" for v in row[:, c]) for c in (0, 1)), label])
        for row, label in zip(rows, labels, strict=True)
    ]
    (folder / "Waves_TRAIN.ts").write_text(head + "\n".join(lines[:60]) + "\n")
    (folder / "Waves_TEST.ts").write_text(head + "\n".join(lines[60:]) + "\n")
    return folder / "Waves_TRAIN.ts"


FAMILIES: dict[str, dict[str, object]] = {
    "gru": {"bidirectional": True, "pooling": "attention"},
    "lstm": {"layers": 2, "dropout": 0.2, "dropout_kind": "spatial"},
    "rnn": {"pooling": "max"},
    "tcn": {"levels": [2, 3], "time_kernel": 3, "norm": "batch", "residual": True, "causal": True},
    "transformer": {"layers": 1, "heads": 2, "feedforward": 2},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns_from_files(family: str, tmp_path: Path) -> None:
    source = ts_files(tmp_path)
    keys = {**SMALL, **FAMILIES[family], "family": family, "jitter": 0.02}
    study = cotune.tune(source, out=tmp_path / "study", **keys)
    view = study.view()
    assert view.meta["data"]["parts"]["test"] == 30
    assert view.meta["resolved"]["network"]["pooling"] != "auto"
    said = study.best.predict_proba(tmp_path / "Waves_TEST.ts")
    assert said.shape == (30, 2)
    again = Model.load(tmp_path / "study" / "best")
    np.testing.assert_array_equal(again.predict_proba(tmp_path / "Waves_TEST.ts"), said)
    rows, _ = ragged(90)
    np.testing.assert_allclose(again.predict_proba(rows[60:]), said, atol=1e-3)  # the file has four digits
    np.testing.assert_allclose(
        again.predict_proba([rows[60]])[0], said[0], atol=1e-3
    )  # whoever stands beside it


def test_a_padded_row_is_read_to_its_own_end(tmp_path: Path) -> None:
    """What stands beyond it, and how far the longest row goes, changes nothing."""
    study = cotune.tune(ragged(), out=tmp_path / "study", family="tcn", norm="batch", **SMALL)
    rows, _ = ragged()
    short = [row[: TIMES - 4] for row in rows]
    alone, beside = study.best.predict_proba(short), study.best.predict_proba([*short, rows[0]])[:-1]
    np.testing.assert_array_equal(alone, beside)


def test_families_are_searched_side_by_side(tmp_path: Path) -> None:
    keys = {**SMALL, "trials": 4, "lr": [0.01, 0.02], "search": "grid", "activation": "relu", "dropout": 0.0}
    rest = {"weight_decay": 0.0, "label_smoothing": 0.0, "time_kernel": 3}
    study = cotune.tune(arrays(), kind="series", family=["tcn", "lstm"], out=tmp_path / "s", **keys, **rest)
    assert {trial.params["family"] for trial in study.view().trials} == {"tcn", "lstm"}


def test_few_series_are_folded_and_the_best_are_averaged(tmp_path: Path) -> None:
    keys = {key: value for key, value in SMALL.items() if key != "method"}
    study = cotune.tune(arrays(), kind="series", out=tmp_path / "s", **keys)
    resolved = study.view().meta["resolved"]
    assert (resolved["split"]["method"], resolved["network"]["family"]) == ("kfold", "tcn")
    assert (resolved["after"]["ensemble"], resolved["network"]["norm"]) == ("average", "batch")
    assert len(study.best.networks) in (5, 10), "folds of one trial, or of both"
    chosen = cotune.tune(arrays(), kind="series", out=tmp_path / "t", validation=0.3, **keys)
    assert chosen.view().meta["resolved"]["split"]["method"] == "holdout"


def test_values_of_series(tmp_path: Path) -> None:
    x, _ = arrays()
    study = cotune.tune((x, x[:, 0, 0] * 3 + 1), kind="series", out=tmp_path / "s", **SMALL)
    assert study.show()["task"] == "regression"
    assert study.best.predict(x[:7]).shape == (7,)


def long_frame(_: Path) -> pl.DataFrame:
    """A row for each time."""
    rows, labels = ragged()
    return pl.concat(
        pl.DataFrame(
            {"who": [f"s{i}"] * len(row), "at": range(len(row)), "a": row[:, 0], "b": row[:, 1]}
        ).with_columns(y=pl.lit(label))
        for i, (row, label) in enumerate(zip(rows, labels, strict=True))
    )


FORMS = {
    "ts": (ts_files, {}),
    "arrays": (lambda _: arrays(), {"kind": "series"}),
    "rows of unequal lengths": (lambda _: ragged(), {}),
    "long": (long_frame, {"series": "who", "time": "at", "target": "y"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_an_interrupted_study_ends_as_if_nothing_had_been(name: str, tmp_path: Path) -> None:
    form, keys = FORMS[name]
    source = form(tmp_path)
    settings = {**SMALL, "trials": 4, "width": 8, "time_kernel": 3, **keys}
    target = settings.pop("target", None)
    whole = cotune.tune(source, target=target, out=tmp_path / "whole", **settings)

    def enough() -> bool:
        store = tmp_path / "cut" / "study.sqlite"
        return store.exists() and len(view_of(tmp_path / "cut").boundaries) >= 2

    sitting = Sitting(lambda _: None, lambda _: None, enough)
    begin(source, build_recipe(target=target, **settings), Directory(tmp_path / "cut"), sitting, version="0")
    assert not view_of(tmp_path / "cut").meta.get("finished")
    found = lasting(cotune.resume(tmp_path / "cut").path)
    assert found == lasting(whole.path)


def test_the_predictions_of_a_table_name_its_series(tmp_path: Path) -> None:
    frame = long_frame(tmp_path)
    study = cotune.tune(frame, target="y", series="who", time="at", out=tmp_path / "s", **SMALL)
    table = study.best.table(frame.drop("y"))
    assert table["file"].to_list()[:2] == ["s0", "s1"]
    assert table.height == 60


def test_series_of_unequal_lengths_are_not_stretched(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"augment.window stretches a series"):
        cotune.tune(ragged(), out=tmp_path / "s", window=0.1, **SMALL)
    with pytest.raises(RecipeError, match=r"prepare.gaps has no meaning for a table"):
        cotune.tune(waves(), target="y", out=tmp_path / "s", gaps="zero", **SMALL)
    with pytest.raises(RecipeError, match=r"network.norm must be among layer, rms"):
        cotune.tune(ragged(), out=tmp_path / "s", family="transformer", norm="batch", **SMALL)
    with pytest.raises(RecipeError, match=r"network.dropout_kind must be among unit, spatial"):
        cotune.tune(ragged(), out=tmp_path / "s", family="lstm", dropout_kind="alpha", **SMALL)
    with pytest.raises(RecipeError, match=r"network.family cnn learns from images, but the rows are series"):
        cotune.tune(ragged(), out=tmp_path / "s", family="cnn", **SMALL)
