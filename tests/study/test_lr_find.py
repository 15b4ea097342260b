"""The range test: what it reads from a curve, what it trains, and that it leaves nothing behind."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import cotune
from cotune.engine.plain.reference import train
from cotune.recipe import make
from cotune.study.lr_find import COUNT, HIGHEST, LOWEST, LrCurve, _lanes, _trained, curve_of
from engine.lanes import lane
from study.tiny import FAST, command, csv, table

SMALL = {key: FAST[key] for key in ("width", "depth", "activation", "scaling")}
RATES = np.geomspace(LOWEST, HIGHEST, COUNT)


def read(losses: NDArray[np.float64]) -> LrCurve:
    """A curve over the usual rates."""
    return curve_of(RATES, losses, steps=100, settings={"loss": "mse"})


def descending(middle: float, worse_from: float) -> NDArray[np.float64]:
    """A loss that falls from 1 to 0, nine tenths of it at 3 · `middle`; 2 from `worse_from` on, infinite from 1 on."""
    fall = 1 / (1 + (RATES / middle) ** 2)
    return np.where(RATES >= 1, np.inf, np.where(worse_from <= RATES, 2.0, fall))


@pytest.mark.parametrize("middle", [1e-4, 1e-3])
@pytest.mark.parametrize("worse_from", [0.05, 0.5, 5.0])
def test_a_curve_is_read(middle: float, worse_from: float) -> None:
    found = read(descending(middle, worse_from))
    assert found.suggested == pytest.approx(3 * middle, rel=0.4)
    stable = max(rate for rate in RATES if rate < min(worse_from, 1))
    assert found.largest_stable == found.lowest == stable
    assert [loss is None for loss in found.losses] == (RATES >= 1).tolist()


def test_what_diverges_below_a_stable_rate_does_not_count() -> None:
    """The largest stable rate is sought upwards from the lowest loss."""
    losses = descending(1e-3, 0.05)
    losses[3] = np.inf
    assert read(losses).largest_stable == read(descending(1e-3, 0.05)).largest_stable


def test_noise_does_not_move_the_suggestion_far() -> None:
    noise = 0.01 * np.random.default_rng(0).normal(size=COUNT)
    assert read(descending(1e-3, 0.5) + noise).suggested == pytest.approx(3e-3, rel=0.7)


def test_a_curve_that_never_falls_suggests_nothing() -> None:
    found = read(np.linspace(1, 2, COUNT))
    assert found.suggested is None
    assert found.largest_stable == LOWEST
    lost = read(np.full(COUNT, np.inf))
    assert (lost.suggested, lost.lowest, lost.largest_stable) == (None, None, None)
    assert set(lost.losses) == {None}


def test_lanes_differ_in_their_rate_alone() -> None:
    made = _lanes(lane(schedule="linear", warmup=0.3, dropout=0.2), RATES, seed=7)
    assert [one.numbers["lr"] for one in made] == RATES.tolist()
    assert len({one.id for one in made}) == COUNT
    same = {
        (one.seed, one.schedule, one.numbers["warmup"], one.numbers["dropout"], one.epochs) for one in made
    }
    assert same == {(7, "constant", 0.0, 0.2, 50)}
    assert made[0].structure.steps * made[0].epochs >= 100


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_has_a_rate(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = cotune.lr_find(table(task), target="y", seed=3, **SMALL)
    assert list(tmp_path.iterdir()) == []
    assert found.rates == pytest.approx(RATES.tolist())
    assert found.suggested is not None
    assert LOWEST < found.suggested <= found.lowest <= found.largest_stable
    assert found.settings["width"] == 8
    assert not {"lr", "schedule", "warmup"} & found.settings.keys()
    again = cotune.lr_find(table(task), target="y", seed=3, lr=5.0, schedule="linear", **SMALL)
    assert again == found, "it is a function of the data, the seed and what is not varied"


def test_divergence_shows() -> None:
    found = cotune.lr_find(table("regression"), target="y", optimizer="sgd", **SMALL)
    assert found.losses[-1] is None
    assert found.losses[0] is not None
    assert found.largest_stable < HIGHEST


def test_the_loss_is_that_of_a_plain_loop() -> None:
    """Half of the epochs, averaged, of the twin at the same rate."""
    one = _lanes(lane(), [1e-3], seed=5)
    found = _trained(one, make(device="cpu"), "log_loss")
    plain = train(one[0], epochs=one[0].epochs).losses
    assert found[0] == pytest.approx(math.fsum(plain[25:]) / 25, rel=1e-4)


def test_the_command_prints_a_curve_or_json(tmp_path: Path) -> None:
    path = csv(tmp_path, "regression")
    words = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
    words += ["--set", "optimizer=sgd"]
    before = sorted(tmp_path.iterdir())
    said = command("lr-find", path, "--target", "y", *words)
    assert (said.code, said.err) == (0, "")
    assert said.out.count("\n") >= COUNT + 4
    assert "diverged" in said.out
    told = command("lr-find", path, "--target", "y", *words, "--json")
    facts = json.loads(told.out)
    assert list(facts) == [
        "suggested", "lowest", "largest_stable", "steps", "loss", "settings", "curve",
    ]  # fmt: skip
    assert len(facts["curve"]) == COUNT
    assert facts["curve"][-1] == {"lr": pytest.approx(HIGHEST), "loss": None}
    assert f"suggested       {facts['suggested']:.2e}" in said.out
    assert f"largest stable  {facts['largest_stable']:.2e}" in said.out
    assert sorted(tmp_path.iterdir()) == before


def test_bad_requests_are_errors(tmp_path: Path) -> None:
    assert "there is no data" in command("lr-find", "--target", "y").err
    said = command("lr-find", csv(tmp_path), "--target", "z")
    assert said.code == 2
    assert "no target column 'z'" in said.err
    with pytest.raises(cotune.CotuneError, match="there is no data"):
        cotune.lr_find(target="y")
