"""Studies of texts: from every source to a model that takes new ones; begun with words of others; rare classes."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

import cotune
from cotune.api import TunedStudy, resume
from cotune.engine import plan
from cotune.errors import RecipeError
from cotune.nets.text.bag import Bag
from cotune.nets.text.cnn import TextCNN
from cotune.product import Model
from study.tiny import command

SMALL: dict[str, Any] = {
    "trials": 2, "epochs": 15, "filters": 8, "embedding_width": 8, "lr": 0.05, "word_dropout": 0.0, "dropout": 0.1,
    "weight_decay": 0.0, "ensemble": "none", "device": "cpu",
}  # fmt: skip
STILL: dict[str, Any] = {**SMALL, "trials": 1, "epochs": 1, "lr": 1e-12, "dropout": 0.0}
"""Nothing is learned."""

KINDS = {
    "good": ("fine", "moving", "great", "warm"),
    "bad": ("dull", "long", "flat", "cold"),
    "odd": ("blue", "round", "seven", "left"),
}
COMMON = ("the", "film", "is", "a", "story", "of", "two", "friends")


@pytest.fixture(autouse=True)
def _one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes step the same way in every study, however busy the machine is while it is measured."""
    monkeypatch.setattr(plan, "MARGIN", math.inf)


def made(
    *, rows: int = 90, classes: tuple[str, ...] = ("good", "bad"), seed: int = 0
) -> tuple[list[str], list[str]]:
    """Texts of some words, one or two of which speak for the class."""
    draw = np.random.default_rng(seed)
    labels = [classes[i % len(classes)] for i in range(rows)]
    texts = []
    for label in labels:
        words = [*draw.choice(COMMON, 5), *draw.choice(KINDS[label], 2)]
        texts.append(" ".join(draw.permutation(words)))
    return texts, labels


def lines(folder: Path) -> Path:
    path = folder / "films.txt"
    path.write_text("\n".join(f"{label} {text}" for text, label in zip(*made(), strict=True)))
    return path


def listed(folder: Path) -> Path:
    texts, labels = made()
    pl.DataFrame({"id": range(90), "review": texts, "y": labels}).write_csv(folder / "films.csv")
    return folder / "films.csv"


def pair(_: Path) -> tuple[list[str], list[str]]:
    return made()


def tune(data: Any, out: Path, **settings: Any) -> TunedStudy:
    asked = {**SMALL, **settings}
    if settings.get("family") == "bag":
        del asked["filters"]
    return cotune.tune(data, target="y", out=out, **asked)


def weights(study: TunedStudy) -> dict[str, torch.Tensor]:
    found = load_file(study.path / "best" / "model.safetensors")
    return {name.removeprefix("network0."): tensor for name, tensor in found.items()}


@pytest.mark.parametrize("family", ["textcnn", "bag"])
@pytest.mark.parametrize("form", [lines, listed, pair])
def test_from_a_source_to_predictions(form: Callable[[Path], Any], family: str, tmp_path: Path) -> None:
    study = tune(form(tmp_path), tmp_path / "study", family=family)
    assert study.show()["best"]["test_score"] >= 0.85
    best = cotune.load(study.path).best
    assert isinstance(best.networks[0].shape, {"textcnn": TextCNN, "bag": Bag}[family])
    texts, labels = made(rows=40, seed=5)
    assert np.mean(best.predict(texts) == np.array(labels)) >= 0.85
    assert best.predict([""]).shape == (1,)
    page = study.report.read_text()
    assert "texts of 7 words on average" in page
    assert "Texts were split into words" in page


@pytest.mark.parametrize("family", ["gru", "rnn", "lstm", "tcn", "transformer"])
def test_families_of_sequences_read_words(family: str, tmp_path: Path) -> None:
    asked = {key: value for key, value in SMALL.items() if key != "filters"}
    asked |= {"family": family, "width": 8, "trials": 1, "lr": 0.02, "pooling": "max", "target": "y"}
    study = cotune.tune(made(rows=200), out=tmp_path / "s", **asked)
    assert study.show()["best"]["score"] >= 0.75
    assert cotune.load(study.path).best.predict(["a fine film", ""]).shape == (2,)


def test_on_the_command_line(tmp_path: Path) -> None:
    words = [
        f"--set={key}={json.dumps(value)}" for key, value in SMALL.items() if key not in ("trials", "epochs")
    ]
    said = command("tune", lines(tmp_path), "--out", tmp_path / "s", "--trials", 2, "--epochs", 3, *words)
    assert said.code == 0, said.err
    (tmp_path / "new.txt").write_text("a fine moving story\nthe dull flat film\n")
    said = command("predict", tmp_path / "s", tmp_path / "new.txt")
    assert said.code == 0, said.err
    assert [line.split(",")[0] for line in said.out.splitlines()] == ["prediction", "good", "bad"]


def test_texts_of_memory_are_there_when_a_study_goes_on(tmp_path: Path) -> None:
    study = tune(made(), tmp_path / "s")
    assert (study.path / "data.texts.parquet").exists()
    assert resume(study.path).show()["best"] == study.show()["best"]


@pytest.mark.parametrize("settings", [{"method": "kfold", "folds": 3}, {"preset": "best", "trials": 3}])
def test_folds_and_ensembles(settings: dict[str, Any], tmp_path: Path) -> None:
    study = tune(made(), tmp_path / "s", **{"ensemble": "greedy", **settings})
    assert study.show()["best"]["test_score"] >= 0.9


def test_values_are_learned_too(tmp_path: Path) -> None:
    texts, labels = made()
    values = [1.5 + (label == "good") + 0.001 * i for i, label in enumerate(labels)]
    study = tune((texts, values), tmp_path / "s", task="regression", lr=0.02)
    assert study.show()["best"]["test_score"] >= 0.4, "R²"


@pytest.mark.parametrize(
    ("settings", "law"),
    [
        ({"family": "mlp"}, "mlp learns from .*, but the rows are texts; set family: textcnn"),
        ({"norm": "batch"}, "network.norm has no meaning for a convolutional network of words"),
        ({"family": "bag", "activation": "relu"}, "network.activation has no meaning for a bag of words"),
        ({"scaling": "minmax"}, "prepare.scaling has no meaning for texts"),
        ({"rotate": 10.0}, "only images can undergo"),
        ({"pretrained": "x", "embeddings": "y"}, "leave one of them out"),
    ],
)
def test_what_has_no_meaning_is_refused(settings: dict[str, Any], law: str, tmp_path: Path) -> None:
    if "embeddings" in settings:
        (tmp_path / "y").write_text("film 1 2 3 4 5 6 7 8\n")
        settings = {"pretrained": "x", "embeddings": str(tmp_path / "y")}
    with pytest.raises(RecipeError, match=law):
        tune(made(), tmp_path / "s", **settings)


def test_keys_of_texts_are_refused_elsewhere(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": np.arange(60) % 7, "y": ["a", "b"] * 30})
    for settings in ({"tokens": "character"}, {"family": "bag"}, {"word_swap": 0.1}, {"embeddings": "v.txt"}):
        with pytest.raises(RecipeError):
            cotune.tune(table, target="y", out=tmp_path / "s", trials=1, epochs=1, **settings)


@pytest.mark.parametrize("balance", ["weights", "oversample", "undersample"])
def test_rare_classes(balance: str, tmp_path: Path) -> None:
    texts, labels = made(rows=120)
    kept = [i for i, label in enumerate(labels) if label == "good" or i % 10 == 1]
    rare = [texts[i] for i in kept], [labels[i] for i in kept]
    study = tune(rare, tmp_path / "s", balance=balance, metric="balanced_accuracy", trials=1)
    pipeline = Model.load(study.path / "best").networks[0].pipeline
    assert (pipeline.class_weights is not None) == (balance == "weights")
    if balance == "weights":
        assert pipeline.class_weights[0] > 3 * pipeline.class_weights[1]
    steps = study.view().records[0][-1].step / 15
    batch = min(32, len(kept))
    rows = {"weights": 46, "oversample": 77, "undersample": 8}[balance]
    assert steps == pytest.approx(rows // min(batch, rows), abs=1)
    assert study.show()["best"]["score"] >= 0.7


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> TunedStudy:
    """A study of good and bad films."""
    return tune(made(rows=120), tmp_path_factory.mktemp("earlier") / "a", trials=1)


def test_words_keep_their_embeddings_from_study_to_study(earlier: TunedStudy, tmp_path: Path) -> None:
    """Other classes, a vocabulary in another order with words that the earlier study had not."""
    later = tune(
        made(classes=("odd", "good", "bad"), seed=3),
        tmp_path / "b",
        **{**STILL, "pretrained": str(earlier.path)},
    )
    said = " ".join(later.view().meta["plan"])
    assert f"begin with embedding, windows of {earlier.path}; head drawn anew" in said
    old, new = (Model.load(study.path / "best").networks[0] for study in (earlier, later))
    there, here = (network.pipeline.vocabulary for network in (old, new))
    assert there != here[: len(there)]
    shared = set(there) & set(here)
    assert set(KINDS["good"]) <= shared
    assert not set(KINDS["odd"]) & shared
    for word in here:
        own = new.tensors["embedding"][2 + here.index(word)]
        if word in shared:
            torch.testing.assert_close(own, old.tensors["embedding"][2 + there.index(word)])
        assert own.isfinite().all()
    unknown = [network.tensors["embedding"][1] for network in (old, new)]
    torch.testing.assert_close(*unknown)
    torch.testing.assert_close(new.tensors["windows.size3.weight"], old.tensors["windows.size3.weight"])
    again = resume(later.path)
    assert again.show()["best"] == later.show()["best"]


def test_a_head_of_other_classes_is_not_taken(earlier: TunedStudy, tmp_path: Path) -> None:
    asked = {**STILL, "pretrained": str(earlier.path)}
    same = tune(made(seed=4), tmp_path / "a", **asked)
    torch.testing.assert_close(weights(same)["head.weight"], weights(earlier)["head.weight"])
    assert same.show()["best"]["score"] >= 0.9, "nothing was learned here"
    other = tune(made(classes=("odd", "bad"), seed=4), tmp_path / "b", **asked)
    assert "head drawn anew" in " ".join(other.view().meta["plan"])
    assert not torch.equal(weights(other)["head.weight"], weights(earlier)["head.weight"])


def test_frozen_words_stay_as_they_were(earlier: TunedStudy, tmp_path: Path) -> None:
    later = tune(made(seed=4), tmp_path / "b", trials=1, pretrained=str(earlier.path), freeze=1)
    old, new = (Model.load(study.path / "best").networks[0] for study in (earlier, later))
    place = [network.pipeline.vocabulary.index("film") + 2 for network in (old, new)]
    assert torch.equal(old.tensors["embedding"][place[0]], new.tensors["embedding"][place[1]])
    assert not torch.equal(old.tensors["windows.size3.weight"], new.tensors["windows.size3.weight"])


@pytest.mark.parametrize("family", ["textcnn", "bag"])
def test_embeddings_of_a_file(family: str, tmp_path: Path) -> None:
    vectors = {word: np.full(5, i / 8) for i, word in enumerate(("film", "dull", "fine", "elsewhere"))}
    path = tmp_path / "v.vec"
    path.write_text("".join(f"{word} {' '.join(map(str, v))}\n" for word, v in vectors.items()))
    asked = {key: value for key, value in STILL.items() if key != "embedding_width"}
    if family == "bag":
        del asked["filters"]
    asked |= {"family": family, "embeddings": str(path), "target": "y", "out": tmp_path / "s"}
    study = cotune.tune(made(), **asked)
    network = Model.load(study.path / "best").networks[0]
    known = network.pipeline.vocabulary
    assert network.shape.embedding_width == 5
    for word in ("film", "dull", "fine"):
        own = network.tensors["embedding"][known.index(word) + 2]
        torch.testing.assert_close(own, torch.from_numpy(vectors[word]).float())
    drawn = network.tensors["embedding"][known.index("story") + 2]
    assert drawn.isfinite().all()
    assert drawn.std() > 0
    path.unlink()
    assert resume(study.path).show()["best"] == study.show()["best"]
