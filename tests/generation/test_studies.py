"""Studies that generate, from end to end: images and tables, samples, files, resuming, and what is refused."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.errors import ModelError, RecipeError, StudyError
from cotune.product.generator import Generator
from cotune.study.session import Sitting
from generation.test_tables import frame
from study.tiny import command

FAST = {
    "task": "generation", "trials": 2, "epochs": 2, "rungs": False, "gan_width": 16, "latent": 8, "batch_size": 16,
    "lr": [1e-3, 2e-3], "generator_lr": 1.0, "discriminator_norm": "none", "also": ["coverage"], "seed": 3,
}  # fmt: skip


def blobs(rows: int = 150, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Grey images of 8 by 8 pixels: a bar at one of three places."""
    random = np.random.default_rng(0)
    label = np.arange(rows) % classes
    x = random.integers(0, 60, (rows, 8, 8))
    x[np.arange(rows), :, 2 * label + 1] += 180
    return x.astype(np.uint8), label


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> cotune.TunedStudy:
    return cotune.tune(blobs(), out=tmp_path_factory.mktemp("images") / "s", gan_depth=1, **FAST)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> cotune.TunedStudy:
    settings = {
        **FAST,
        "scaling": ["standard", "quantile"],
        "lr": 1e-3,
        "strategy": "grid",
        "gradient_penalty": 5.0,
    }
    return cotune.tune(frame(150), out=tmp_path_factory.mktemp("table") / "s", **settings)


def test_images_are_made_in_the_data_s_own_scale(images: cotune.TunedStudy) -> None:
    made = images.best.sample(7, seed=1)
    assert (made.shape, made.dtype) == ((7, 8, 8), np.uint8)
    assert (images.best.sample(3, seed=1) == made[:3]).all()
    assert (images.best.sample(7, seed=2) != made).any()
    assert len(images.best.sample(0)) == 0
    again = cotune.load(images.path).best
    assert isinstance(again, Generator)
    assert (again.sample(7, seed=1) == made).all()


def test_rows_are_those_of_the_users_table(table: cotune.TunedStudy) -> None:
    made, truth = table.best.sample(40, seed=1), frame(150)
    assert isinstance(made, pl.DataFrame)
    assert made.columns == truth.columns
    assert [made[name].dtype for name in ("age", "city", "member", "day")] == [
        truth[name].dtype for name in ("age", "city", "member", "day")
    ]
    assert made.equals(cotune.load(table.path).best.sample(40, seed=1))
    assert made[:5].drop("rank").equals(table.best.sample(5, seed=1).drop("rank"))


@pytest.mark.parametrize("kind", ["images", "table"])
def test_the_result_says_what_was_generated(kind: str, request: pytest.FixtureRequest) -> None:
    study = request.getfixturevalue(kind)
    shown, result = study.show(), study.view().meta["result"]
    assert (shown["task"], shown["metric"], shown["direction"]) == ("generation", "frechet", "minimize")
    assert shown["best"]["test_score"] == result["test"]["frechet"]
    assert shown["findings"] == result["generation"]["findings"]
    assert (
        set(result["test"])
        == {"frechet", "kernel_distance", "coverage"}
        == set(result["generation"]["untrained"])
    )
    assert sum(result["generation"]["modes"]["made"]) == pytest.approx(1)
    assert all(row["also"]["coverage"] is not None for row in study.leaderboard())
    page = study.report.read_text()
    assert "What the generator makes" in page
    assert ("data:image/png;base64," in page) == (kind == "images")
    assert "cotune sample DIR" in page
    assert "cotune predict" not in page
    for sentence in shown["findings"]:
        assert sentence[1:30] in page


def test_trials_of_other_preparations_are_judged_in_one_space(table: cotune.TunedStudy) -> None:
    """Untrained generators of both scalings: the same kind of nonsense, at distances of one size."""
    scores = [row["score"] for row in table.leaderboard()]
    assert {row["params"]["scaling"] for row in table.leaderboard()} == {"standard", "quantile"}
    assert max(scores) < 20 * min(scores)


def test_samples_go_to_files(images: cotune.TunedStudy, table: cotune.TunedStudy, tmp_path: Path) -> None:
    for study, name in ((images, "x.npz"), (images, "pictures"), (table, "x.csv"), (table, "x.parquet")):
        said = command("sample", str(study.path), "-n", "5", "--seed", "1", "-o", str(tmp_path / name))
        assert said.code == 0, said.err
    assert (np.load(tmp_path / "x.npz")["X"] == images.best.sample(5, seed=1)).all()
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 5
    assert pl.read_parquet(tmp_path / "x.parquet").equals(table.best.sample(5, seed=1))
    assert pl.read_csv(tmp_path / "x.csv").height == 5


@pytest.mark.parametrize(
    ("name", "law"), [("x.csv", "go to .npz"), ("no/x.npz", "no directory"), ("x.png", "go to .npz")]
)
def test_files_of_another_kind_are_refused(
    images: cotune.TunedStudy, tmp_path: Path, name: str, law: str
) -> None:
    said = command("sample", str(images.path), "-o", str(tmp_path / name))
    assert said.code == 2
    assert law in said.err


def test_what_has_no_meaning_is_refused(images: cotune.TunedStudy, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="predicts nothing"):
        images.best.predict(blobs()[0])
    with pytest.raises(ModelError, match="0 or more"):
        images.best.sample(-1)
    with pytest.raises(StudyError, match="generates rows"):
        images.ablate()
    assert "predicts nothing" in command("predict", str(images.path), str(images.path)).err
    for settings, law in (
        ({"ensemble": "greedy"}, "after.ensemble has no meaning"),
        ({"calibration": "temperature"}, "after.calibration has no meaning"),
        ({"mixup": 0.2}, "augment.mixup has no meaning"),
        ({"loss": "mse"}, "training.loss has no meaning"),
        ({"family": "cnn"}, "learned by family gan"),
        ({"metric": "accuracy"}, "choose among frechet"),
        ({"gan_depth": 5}, "have room for 3"),
        ({"dropout": 0.3}, "network.dropout has no meaning"),
    ):
        with pytest.raises(RecipeError, match=law):
            cotune.tune(blobs(), out=tmp_path / "s", **{**FAST, **settings})
    x, y = blobs()
    with pytest.raises(RecipeError, match="predicts nothing"):
        cotune.tune((x, y), family="gan", trials=1, out=tmp_path / "s")
    with pytest.raises(RecipeError, match=r"generation\.latent has no meaning"):
        cotune.tune((x, y), latent=3, trials=1, out=tmp_path / "s")
    with pytest.raises(RecipeError, match="range test"):
        cotune.lr_find((x, y), task="generation")


def test_images_need_no_labels(tmp_path: Path) -> None:
    study = cotune.tune(
        blobs()[0] / 255.0, out=tmp_path / "s", gan_depth=1, **{**FAST, "trials": 1, "lr": 1e-3}
    )
    result = study.view().meta["result"]["generation"]
    assert result["modes"]["kind"] == "cluster"
    made = study.best.sample(4)
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1
    assert json.dumps(study.show())


def test_a_resumed_study_is_the_same_to_the_bit(images: cotune.TunedStudy, tmp_path: Path) -> None:
    from cotune.recipe import make
    from cotune.study.directory import Directory
    from cotune.study.session import begin, resume

    asked, out = make(gan_depth=1, **FAST), Directory(tmp_path / "s")
    calls = iter(range(10**9))
    begin(
        blobs(), asked, out, Sitting(lambda _: None, lambda _: None, lambda: next(calls) > 12), version="test"
    )
    kept = out.judge.read_bytes()
    assert not cotune.load(out.path).view().meta.get("finished")
    resume(out, Sitting(lambda _: None, lambda _: None, lambda: False))
    again = cotune.load(out.path)
    assert out.judge.read_bytes() == kept == (images.path / "judge.safetensors").read_bytes()
    assert again.view().meta["finished"]
    assert [row["score"] for row in again.leaderboard()] == [row["score"] for row in images.leaderboard()]
    assert (again.best.sample(20) == images.best.sample(20)).all()


def test_a_damaged_generator_is_refused(images: cotune.TunedStudy, tmp_path: Path) -> None:
    images.best.save(tmp_path)
    tree = json.loads((tmp_path / "pipeline.json").read_text())
    for change, law in (({"format": 99}, "upgrade"), ({"shape": {**tree["shape"], "width": 24}}, "damaged")):
        (tmp_path / "pipeline.json").write_text(json.dumps({**tree, **change}))
        with pytest.raises(ModelError, match=law):
            Generator.load(tmp_path)
