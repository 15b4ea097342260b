"""Studies of images: from every source to a model that takes new ones; refused where a request has no meaning."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.api import TunedStudy, build_recipe
from cotune.data import load, split
from cotune.engine import plan
from cotune.errors import DataError, ModelError, RecipeError
from cotune.nets.image.cnn import CNN
from cotune.nets.mlp import MLP
from cotune.recipe import make
from cotune.records import StudyView
from cotune.report.answer import describe
from cotune.study import Directory
from cotune.study.session import Sitting, begin
from study.pictures import CLASSES, SMALL, archive, divided, folder, listed, pixels
from study.tiny import command, csv, lasting, view_of


@pytest.fixture(autouse=True)
def _one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes step the same way in every study, however busy the machine is while it is measured."""
    monkeypatch.setattr(plan, "MARGIN", math.inf)


def tune(data: Any, out: Path, **settings: Any) -> TunedStudy:
    return cotune.tune(data, target="y", out=out, **{**SMALL, **settings})


@pytest.mark.parametrize(("form", "channels"), [(folder, 3), (listed, 1), (archive, 3), (divided, 1)])
def test_from_a_source_to_predictions(form: Callable[..., Path], channels: int, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = form(tmp_path / "data", rows=150, channels=channels)
    study = tune(source, tmp_path / "study", epochs=5)
    shown = study.show()
    assert shown["best"]["test_score"] >= 0.9
    best = cotune.load(study.path).best
    assert isinstance(best.networks[0].shape, CNN)
    found = best.predict(source)
    dataset = load(source, target="y")
    rows = split(dataset, make(study.view().meta["resolved"]).split, seed=0).test
    if form is divided:
        assert len(found) == len(rows) == 20, "of an archive with test images those are new"
        found = np.concatenate([np.full(130, found[0]), found])
    truth = best.labels[dataset.y]
    assert np.mean(found[rows] == truth[rows]) == pytest.approx(shown["best"]["test_score"])
    page = study.report.read_text()
    assert "a CNN of" in page
    assert "8 × 8 pixels" in page
    assert "all images are 8 × 8 pixels" in page
    told = command("explain", study.path, 0)
    assert told.code == 0
    assert "kernel=3" in told.out
    assert "scaling" not in told.out
    assert "width" not in told.out
    if form is divided:
        assert shown["best"]["test_score"] == view_of(study.path).meta["result"]["test"]["accuracy"]
        assert view_of(study.path).meta["data"]["parts"]["test"] == 20


def test_the_end_of_a_run_names_what_is_predicted(tmp_path: Path) -> None:
    words = (word for key in SMALL for word in ("--set", f"{key}={json.dumps(SMALL[key])}"))
    said = command("tune", archive(tmp_path), "--target", "y", "--out", tmp_path / "study", *words)
    assert said.code == 0, said.err
    assert f"cotune predict {tmp_path / 'study'} NEW -o predictions.csv (NEW: a folder of images" in said.out
    assert "cotune predict DIR NEW -o" in (tmp_path / "study" / "report.html").read_text()


def test_the_model_s_score_is_what_the_study_measured(tmp_path: Path) -> None:
    """Files that had to be resized, with folds and seeds: each lane's own preparation is in the model."""
    source = folder(tmp_path / "d", rows=60, side=70, channels=3)
    study = tune(source, tmp_path / "study", cv=3, trials=2, image_size=12, balance="weights")
    best = cotune.load(study.path).best
    assert len(best.networks) == 3
    dataset = load(source, target="y", image_size=(12, 12))
    splits = split(dataset, make(study.view().meta["resolved"]).split, seed=0)
    new = best.networks[0].pipeline.read(source)
    for index, (network, fold) in enumerate(zip(best.networks, splits.folds, strict=True)):
        model = type(best)(best.task, best.target, best.classes, [network])
        figures = model.figures(model.outputs([new[fold.validation]]), dataset.y[fold.validation])
        records = study.view().records[study.show()["best"]["trial"]]
        assert figures["accuracy"] == max(r.metrics["accuracy"] for r in records if r.lane.index == index)
    whole, single = (best.predict_proba(each) for each in (source, source / "left" / "000.png"))
    np.testing.assert_allclose(single[0], whole[0], rtol=1e-5)


def test_a_folder_s_predictions_name_the_files(tmp_path: Path) -> None:
    study = tune(folder(tmp_path / "d"), tmp_path / "study", trials=1, epochs=1)
    said = command("predict", study.path, tmp_path / "d", "-o", tmp_path / "p.csv")
    assert said.code == 0, said.err
    table = pl.read_csv(tmp_path / "p.csv")
    assert table.columns == ["file", "prediction", *(f"probability_{name}" for name in CLASSES)]
    assert table["file"][0] == str(Path("left") / "000.png")
    assert table.height == 90
    assert "prediction" in command("predict", study.path, tmp_path / "d" / "top" / "002.png").out


def test_numbers_can_be_told_from_images(tmp_path: Path) -> None:
    x, _ = pixels(150)
    y = np.random.default_rng(1).uniform(0.2, 1, len(x))
    x = (x * y[:, None, None, None]).astype(np.uint8)
    study = tune((x, y), tmp_path / "study", epochs=12, trials=4, loss="mse")
    assert study.show()["task"] == "regression"
    assert study.show()["best"]["test_score"] > 0.5
    assert study.best.predict(x[:5]).shape == (5,)


def test_multi_layer_perceptrons_take_images_too(tmp_path: Path) -> None:
    own = dict.fromkeys(("filters", "convolutions", "kernel"))
    study = tune(archive(tmp_path), tmp_path / "study", family="mlp", width=16, depth=1, **own)
    assert isinstance(study.best.networks[0].shape, MLP)
    assert study.best.networks[0].shape.features == 64
    assert "an MLP of" in study.report.read_text()


def test_families_can_be_searched(tmp_path: Path) -> None:
    study = tune(
        archive(tmp_path), tmp_path / "study", family=["mlp", "cnn"], width=[8, 16], depth=1, filters=[8, 16],
        lr=[0.01, 0.02], trials=None, epochs=1, search="grid",
    )  # fmt: skip
    kinds = {trial.params["family"]: set(trial.params) for trial in study.view().trials}
    assert set(kinds) == {"mlp", "cnn"}
    assert "width" in kinds["mlp"]
    assert len(study.view().trials) == 8
    assert "filters" not in kinds["mlp"]
    assert "filters" in kinds["cnn"]
    assert "width" not in kinds["cnn"]


@pytest.mark.parametrize("pixels", ["standard", "unit", ["standard", "unit"]], ids=str)
def test_preparations_of_pixels(pixels: Any, tmp_path: Path) -> None:
    study = tune(
        archive(tmp_path), tmp_path / "study", pixels=pixels, lr=[0.01, 0.02], epochs=1, search="grid"
    )
    methods = {trial.params.get("pixels", pixels) for trial in study.view().trials}
    assert methods == ({"standard", "unit"} if isinstance(pixels, list) else {pixels})
    assert study.best.networks[0].pipeline.method in methods


@pytest.mark.parametrize("form", [folder, archive])
def test_images_in_files_make_the_same_study(form: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = form(tmp_path / "data", channels=3)
    studies = [tune(source, tmp_path / str(memory), memory=memory) for memory in ("auto", 1)]
    assert lasting(studies[1].path) == lasting(studies[0].path)
    assert not any((study.path / "rows").exists() for study in studies)


NETWORKS = [
    {"norm": "batch"},
    {"norm": "group"},
    {"activation": "prelu"},
    {"dropout_kind": "spatial", "dropout": 0.2},
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_what_convolutions_know_besides(network: dict[str, Any], tmp_path: Path) -> None:
    study = tune(archive(tmp_path), tmp_path / "study", trials=2, **network)
    shape = study.best.networks[0].shape
    asked = {"dropout_kind": "dropping", "norm": "norm"}
    assert all(getattr(shape, asked[k]) == v for k, v in network.items() if k in asked)
    assert shape.slopes is (network.get("activation") == "prelu")
    assert len(study.best.predict(pixels(5)[0])) == 5


@pytest.mark.parametrize("balance", ["weights", "oversample", "undersample"])
def test_rare_classes_can_be_balanced(balance: str, tmp_path: Path) -> None:
    x, y = pixels(90)
    kept = (y > 0) | (np.arange(90) % 9 == 0)
    study = tune((x[kept], y[kept]), tmp_path / "study", balance=balance, trials=2)
    pipeline = study.best.networks[0].pipeline
    assert (pipeline.class_weights is not None) is (balance == "weights")
    assert bool(pipeline.class_rows) is (balance != "weights")
    if pipeline.class_rows:
        assert len(set(pipeline.class_rows)) == 1
    steps = sum(pipeline.class_rows) // 16 if pipeline.class_rows else 44 // 16
    assert study.view().records[0][0].step == steps


# Resuming


def interrupted(source: Any, out: Path, *, boundaries: int, **settings: Any) -> None:
    """Begin a study, and break it off when so many boundaries are stored."""

    def enough() -> bool:
        return Directory(out).store.exists() and len(view_of(out).boundaries) >= boundaries

    sitting = Sitting(lambda _: None, lambda _: None, enough)
    recipe = build_recipe(target="y", **{**SMALL, **settings})
    begin(source, recipe, Directory(out), sitting, version="0")
    assert not view_of(out).meta.get("finished")


def in_memory(_: Path) -> Any:
    x, y = pixels()
    return x, np.array(CLASSES)[y].tolist()


def with_holes(_: Path) -> Any:
    """Some labels are missing."""
    x, y = pixels(channels=3)
    return x, pl.Series([None if i % 9 == 4 else int(label) for i, label in enumerate(y)])


def frame_of_paths(home: Path) -> Any:
    return pl.read_csv(listed(home))


FORMS = (folder, listed, archive, divided, in_memory, with_holes, frame_of_paths)


@pytest.mark.parametrize(
    ("form", "memory"), [*((form, "auto") for form in FORMS), (folder, 1), (archive, 1), (with_holes, 1)]
)
def test_an_interrupted_study_ends_as_if_nothing_had_been(
    form: Callable[..., Any], memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "data")  # paths of a frame are relative to it
    source = form(tmp_path / "data")
    settings = {"memory": memory, "trials": 4, "lanes": 2}
    whole = tune(source, tmp_path / "whole", **settings)
    interrupted(source, tmp_path / "cut", boundaries=2, **settings)
    monkeypatch.chdir(tmp_path / "elsewhere")
    found, expected = (lasting(path) for path in (cotune.resume(tmp_path / "cut").path, whole.path))
    assert found == expected
    assert len(expected["records"]) == 4


def test_images_that_have_changed_are_not_resumed_from(tmp_path: Path) -> None:
    home = folder(tmp_path / "d")
    interrupted(home, tmp_path / "cut", boundaries=1)
    (home / "left" / "000.png").write_bytes((home / "top" / "002.png").read_bytes())
    with pytest.raises(DataError, match="has changed"):
        cotune.resume(tmp_path / "cut")


# The saved model


def test_a_model_of_a_time_without_families_still_loads(tmp_path: Path) -> None:
    frame = pl.read_csv(csv(tmp_path))
    study = cotune.tune(tmp_path / "t.csv", target="y", out=tmp_path / "study", trials=1, epochs=1, width=8)
    path = study.path / "best" / "pipeline.json"
    tree = json.loads(path.read_text())
    expected = study.best.predict_proba(frame)
    assert tree["networks"][0].pop("family") == "mlp"
    path.write_text(json.dumps(tree))
    np.testing.assert_array_equal(cotune.load(study.path).best.predict_proba(frame), expected)


@pytest.mark.parametrize(("key", "value"), [("family", "gnn"), ("filters", [16]), ("height", "8")])
def test_a_damaged_shape_is_noticed(key: str, value: object, tmp_path: Path) -> None:
    study = tune(archive(tmp_path), tmp_path / "study", trials=1, epochs=1)
    path = study.path / "best" / "pipeline.json"
    tree = json.loads(path.read_text())
    network = tree["networks"][0]
    (network if key in network else network["shape"])[key] = value
    path.write_text(json.dumps(tree))
    with pytest.raises(ModelError):
        _ = cotune.load(study.path).best


# What has no meaning

IMAGES, TABLE = archive, csv
REFUSED = [
    (TABLE, {"family": "cnn"}, "network.family cnn learns from images"),
    (TABLE, {"family": ["mlp", "cnn"]}, "network.family cnn learns from images"),
    (TABLE, {"filters": 8}, "network.filters has no meaning for a multi-layer perceptron"),
    (TABLE, {"kernel": [3, 5]}, "network.kernel has no meaning"),
    (TABLE, {"pixels": "unit"}, "prepare.pixels has no meaning for a table"),
    (TABLE, {"image_size": 12}, "data.image_size has no meaning for a table"),
    (TABLE, {"norm": "instance"}, "only a convolutional network has them; set norm: layer"),
    (IMAGES, {"family": "mlp", "norm": "instance"}, "only a convolutional network has them; set norm: layer"),
    (TABLE, {"dropout_kind": "spatial"}, "only a convolutional network has them; set dropout_kind: unit"),
    (
        IMAGES,
        {"dropout_kind": "depth"},
        "only where a residual connection leads around it; set dropout_kind: unit",
    ),
    (IMAGES, {"numbers": "periodic"}, "prepare.numbers has no meaning for images"),
    (IMAGES, {"residual": True}, "network.residual has no meaning"),
    (IMAGES, {"width": 64}, "network.width has no meaning for a convolutional network"),
    (IMAGES, {"depth": [1, 2]}, "network.depth has no meaning"),
    (IMAGES, {"family": "mlp", "filters": 16}, "network.filters has no meaning"),
    (IMAGES, {"scaling": "quantile"}, "prepare.scaling has no meaning for images"),
    (IMAGES, {"select": "variance"}, "prepare.select has no meaning for images"),
    (IMAGES, {"convolutions": 4}, "room for 3 of them"),
    (IMAGES, {"convolutions": [1, 2, 5]}, "convolutions goes up to 5"),
    (IMAGES, {"convolutions": {"low": 1, "high": 4}}, "room for 3 of them"),
    (IMAGES, {"filters": 12}, "network.filters must be one of 8, 16, 24"),
    (IMAGES, {"filters": {"low": 8, "high": 64, "log": True}}, "write a list"),
    (IMAGES, {"filters": {"low": 8, "high": 64, "step": 4}}, "multiple of 8"),
    (IMAGES, {"kernel": 4}, "network.kernel must be one of 1, 3, 5"),
    (IMAGES, {"image_size": 3}, "from 4 to 512"),
    (IMAGES, {"image_size": [8, 8, 8]}, "[height, width]"),
    (IMAGES, {"family": "cnnn"}, "did you mean 'cnn'"),
]


@pytest.mark.parametrize(
    ("form", "settings", "says"), REFUSED, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_what_has_no_meaning_is_refused(
    form: Callable[..., Path], settings: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        cotune.tune(form(tmp_path), target="y", out=tmp_path / "study", trials=1, epochs=1, **settings)
    assert says in str(caught.value)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(("side", "stages"), [(4, 1), (8, 1), (12, 2), (20, 2), (28, [2, 3]), (64, [2, 3])])
def test_what_auto_means_for_a_size(side: int, stages: Any, tmp_path: Path) -> None:
    study = cotune.tune(
        archive(tmp_path, rows=30, side=side),
        target="y",
        out=tmp_path / "s",
        trials=1,
        epochs=1,
        device="cpu",
        family="cnn",
    )
    network = study.view().meta["resolved"]["network"]
    assert network["convolutions"] == stages
    assert network["filters"] == [8, 16]
    assert network["kernel"] == 3


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"convolutions": 1, "filters": 8, "kernel": 5}, "a CNN of 1 convolution, 8 GELU filters of 5 × 5 pixels"),
        ({"convolutions": 3, "filters": 8, "kernel": 3},
         "a CNN of 3 convolutions, 8, 16 and 32 GELU filters of 3 × 3 pixels"),
        ({"convolutions": [2, 3]}, "a CNN"),
    ],
)  # fmt: skip
def test_a_network_in_words(fixed: dict[str, Any], words: str) -> None:
    settled = {"network": {"family": "cnn", "activation": "gelu", **fixed}}
    view = StudyView({"metric": "accuracy", "maximize": True, "resolved": settled}, (), (), {})
    trial = type("Trial", (), {"params": {}})
    assert describe(view, trial).replace("\u00a0", " ") == words
