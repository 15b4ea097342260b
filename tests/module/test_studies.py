"""Studies of users' modules: tuned, used as plain modules, loaded, broken off and resumed; and faults."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import cotune
from cotune.api import build_recipe
from cotune.errors import DataError, ModelError, RecipeError, StudyError
from cotune.study.directory import Directory
from cotune.study.own.request import of_your_own, suits
from cotune.study.session import Sitting, begin
from cotune.types import Progress
from study.tiny import lasting, view_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 6)).astype(np.float32)
SCORES = X @ RNG.normal(size=(6, 3)).astype(np.float32)
Y = SCORES.argmax(1)
FAST: dict[str, Any] = {"trials": 3, "epochs": 2, "batch_size": 32, "lanes": 4}


def classifier(trial: Any) -> nn.Module:
    """As a user of Optuna has it."""
    width = trial.suggest_int("width", 4, 16, log=True)
    layers: list[nn.Module] = [nn.Linear(6, width), nn.ReLU(), nn.Dropout(trial.suggest_float("p", 0.0, 0.5))]
    if trial.suggest_categorical("deep", [False, True]):
        layers += [nn.Linear(width, width), nn.LeakyReLU(trial.suggest_float("slope", 0.01, 0.3))]
    return nn.Sequential(*layers, nn.Linear(width, 3))


def one_output(trial: Any) -> nn.Module:
    """A value, or the logit of one of two classes."""
    return nn.Sequential(nn.Linear(6, trial.suggest_int("width", 4, 8)), nn.Tanh(), nn.LazyLinear(1))


class Autoencoder(nn.Module):
    """Has its own step, and no target."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(6, width), nn.Linear(width, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The rows again."""
        return self.decoder(torch.tanh(self.encoder(x)))

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        """How far they are off."""
        return F.mse_loss(self(batch), batch)


def autoencoder(trial: Any) -> nn.Module:
    """As it is."""
    return Autoencoder(trial.suggest_int("width", 2, 5))


def test_from_tuning_to_a_plain_module_in_another_process(tmp_path: Path) -> None:
    study = cotune.tune((X, Y), build=classifier, out=tmp_path / "s", **FAST)
    best = study.show()["best"]
    params = study.leaderboard()[0]["params"]
    assert {"module.width", "module.p", "module.deep", "lr"} <= set(params)
    assert ("module.slope" in params) == params["module.deep"]
    assert best["test_score"] > 0.3
    module = study.best.module()
    assert not module.training
    said = module(torch.from_numpy(X)).argmax(1).numpy()
    assert (study.best.predict(X) == said).all()
    probabilities = F.softmax(module(torch.from_numpy(X)), 1).detach().numpy()
    np.testing.assert_allclose(study.best.predict_proba(X), probabilities, rtol=1e-4, atol=1e-6)

    again = cotune.load(study.path, build=classifier)
    assert (again.best.predict(X) == said).all()
    with pytest.raises(ModelError, match="pass the function that built it"):
        _ = cotune.load(study.path).best
    about = json.loads((study.path / "best" / "pipeline.json").read_text())
    assert about["networks"][0]["family"] == "module"
    assert "Sequential" in study.report.read_text()


def test_a_study_that_is_broken_off_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole = cotune.tune((X, Y), build=classifier, out=tmp_path / "whole", seed=3, **FAST)
    own, _, data = of_your_own(classifier, None, None, (X, Y))
    assert own is not None
    recipe = suits(build_recipe(None, seed=3, **FAST), own)
    boundaries = threading.Event()
    shown: list[Progress] = []

    def show(progress: Progress) -> None:
        shown.append(progress)
        boundaries.set()

    sitting = Sitting(show, lambda _: None, boundaries.is_set)
    begin(data, recipe, Directory(tmp_path / "cut"), sitting, version="0", own=own)
    assert not view_of(tmp_path / "cut").meta.get("finished")
    with pytest.raises(StudyError, match=r"built by a function of yours, .*classifier; pass it"):
        cotune.resume(tmp_path / "cut")
    cotune.resume(tmp_path / "cut", build=classifier)
    assert lasting(tmp_path / "cut") == lasting(whole.path)


def loaders(parts: int) -> Any:
    """Of torch, in up to three parts."""
    cuts = [slice(0, 100), slice(100, 130), slice(130, 160)][:parts]
    sets = [TensorDataset(torch.from_numpy(X[cut]), torch.from_numpy(Y[cut])) for cut in cuts]
    made = [DataLoader(each, batch_size=16, shuffle=place == 0) for place, each in enumerate(sets)]
    return made[0] if parts == 1 else tuple(made)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (lambda: loaders(1), {"train": 64, "validation": 16, "test": 20}),
        (lambda: loaders(2), {"train": 80, "validation": 30, "test": 20}),
        (lambda: loaders(3), {"train": 100, "validation": 30, "test": 30}),
        (lambda: dict(zip(("train", "validation"), loaders(2), strict=True)),
         {"train": 80, "validation": 30, "test": 20}),
        (lambda: TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),
         {"train": 102, "validation": 26, "test": 32}),
    ],
)  # fmt: skip
def test_loaders_and_data_sets_of_torch(
    tmp_path: Path, data: Callable[[], Any], parts: dict[str, int]
) -> None:
    study = cotune.tune(data(), build=classifier, out=tmp_path / "s", **{**FAST, "trials": 1})
    found = study.view().meta["data"]["parts"]
    assert {name: found[name] for name in parts} == parts


class TwoInputs(nn.Module):
    """Numbers and words."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(9, 4), nn.Linear(10, 1)

    def forward(self, x: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """One logit for two classes."""
        assert words.dtype == torch.int64
        return self.head(torch.cat([x, self.words(words).mean(1)], 1)).squeeze(1)


def test_several_inputs_and_one_logit_for_two_classes(tmp_path: Path) -> None:
    words = RNG.integers(0, 9, size=(160, 5))
    study = cotune.tune(
        ((X, words), SCORES[:, 0] > 0), build=lambda _: TwoInputs(), out=tmp_path / "s", **FAST
    )
    said = study.best.module()(torch.from_numpy(X), torch.from_numpy(words)) > 0
    assert (study.best.predict((X, words)) == said.numpy()).all()


def test_images_and_values(tmp_path: Path) -> None:
    pictures = RNG.normal(size=(80, 2, 6, 6)).astype(np.float32)

    def build(_: Any) -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 1))

    study = cotune.tune((pictures, pictures.mean((1, 2, 3)) * 10), build=build, out=tmp_path / "s", **FAST)
    module = study.best.module()
    np.testing.assert_allclose(
        study.best.predict(pictures),
        module(torch.from_numpy(pictures)).detach().numpy()[:, 0],
        rtol=1e-4,
        atol=1e-5,
    )
    assert any("one after the other" in line for line in study.view().meta["plan"])


def test_a_table_is_prepared_as_ever(tmp_path: Path) -> None:
    frame = pl.DataFrame({f"c{i}": X[:, i] for i in range(6)}).with_columns(y=pl.Series([f"k{i}" for i in Y]))
    study = cotune.tune(frame, target="y", build=classifier, out=tmp_path / "s", scaling="standard", **FAST)
    assert set(study.best.predict(frame)) <= {"k0", "k1", "k2"}


def test_a_loss_of_the_users_own_and_several_outputs(tmp_path: Path) -> None:
    study = cotune.tune((X, SCORES), build=classifier, loss=F.mse_loss, out=tmp_path / "s", **FAST)
    assert study.show()["metric"] == "loss"
    said = study.best.predict(X)
    assert said.shape == (160, 3)
    np.testing.assert_allclose(
        said, study.best.module()(torch.from_numpy(X)).detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_a_training_step_alone(tmp_path: Path) -> None:
    study = cotune.tune(X, build=autoencoder, out=tmp_path / "s", **FAST)
    (row, *_) = study.leaderboard()
    assert row["metric"] == "loss"
    assert study.best.predict(X).shape == X.shape
    test = study.view().meta["result"]["test"]["loss"]
    assert 0 < test < 2


def test_a_training_step_with_a_target_is_judged_by_what_forward_predicts(tmp_path: Path) -> None:
    class Stepping(nn.Linear):
        def training_step(self, batch: Any, _: int) -> dict[str, torch.Tensor]:
            x, y = batch
            return {"loss": F.cross_entropy(self(x), y)}

    study = cotune.tune((X, Y), build=lambda _: Stepping(6, 3), out=tmp_path / "s", **FAST)
    assert study.show()["metric"] == "accuracy"


def test_a_key_of_training_that_build_asks_for_is_that_key(tmp_path: Path) -> None:
    asked = []

    def build(trial: Any) -> nn.Module:
        asked.append(trial.suggest_float("lr", 1e-3, 1e-2, log=True))
        trial.suggest_categorical("optimizer", ["adamw", "sgd"])
        return nn.Linear(6, 3)

    study = cotune.tune((X, Y), build=build, out=tmp_path / "s", **FAST)
    params = study.leaderboard()[0]["params"]
    assert 1e-3 <= params["lr"] <= 1e-2
    assert params["lr"] in asked
    assert params["optimizer"] in ("adamw", "sgd")


def test_spaces_of_other_tools(tmp_path: Path) -> None:
    """A grid's names are keys of the recipe, or arguments of build; a builder of KerasTuner's is a build."""
    grid = {"width": [4, 8], "lr": [0.01, 0.02]}

    def by_name(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 3))

    study = cotune.tune((X, Y), build=by_name, space=grid, out=tmp_path / "grid", **FAST)
    assert study.leaderboard()[0]["params"]["module.width"] in (4, 8)
    assert study.leaderboard()[0]["params"]["lr"] in (0.01, 0.02)

    def keras_like(hp: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(6, hp.Int("units", 4, 8)), nn.ReLU(), nn.LazyLinear(3))

    with pytest.raises(RecipeError, match="lazy"):
        cotune.tune((X, Y), build=keras_like, out=tmp_path / "lazy", **FAST)
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})
    plain = cotune.tune(frame, target="y", space={**grid, "depth": [1]}, out=tmp_path / "plain", **FAST)
    assert plain.leaderboard()[0]["params"]["width"] in (4, 8)


def raising(_: Any) -> nn.Module:
    """A fault of the user's."""
    raise KeyError("oops")


@pytest.mark.parametrize(
    ("settings", "fault", "said"),
    [
        ({"build": raising}, RecipeError, "raises KeyError: 'oops'"),
        ({"build": lambda _: 3}, RecipeError, "must return a torch.nn.Module, but returns a int"),
        ({"build": lambda _: nn.ReLU()}, RecipeError, "must have parameters"),
        ({"build": lambda _: nn.LazyLinear(3)}, RecipeError, "is lazy"),
        ({"build": lambda _: nn.Linear(6, 3).double()}, RecipeError, "must be float32"),
        ({"build": lambda _: nn.Linear(6, 4)}, RecipeError, r"return \[batch, 3\].*returns \[32, 4\]"),
        ({"build": lambda _: nn.Linear(5, 3)}, RecipeError, r"take a batch of shape \[32, 6\]"),
        ({"build": lambda _: nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3, momentum=None))}, RecipeError,
         "need a momentum"),
        ({"build": classifier, "width": 8}, RecipeError, "network.width has no meaning"),
        ({"build": classifier, "loss": lambda o, _: o}, RecipeError, r"must return one number.*\[32, 3\]"),
        ({"loss": F.mse_loss}, RecipeError, "pass build="),
        ({"build": 3}, RecipeError, "build must be a function"),
        ({"family": "module"}, RecipeError, "pass build="),
        ({"build": classifier, "data": (X, SCORES)}, RecipeError, "pass loss="),
        ({"build": classifier, "data": (X[:5], Y)}, DataError, "equally many rows"),
        ({"build": classifier, "data": (X * np.nan, Y)}, DataError, "not finite"),
    ],
)  # fmt: skip
def test_faults_are_told_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any], fault: type[Exception], said: str
) -> None:
    data = settings.pop("data", (X, Y))
    with pytest.raises(fault, match=said):
        cotune.tune(data, out=tmp_path / "s", **{**FAST, **settings})
    assert not (tmp_path / "s").exists()
