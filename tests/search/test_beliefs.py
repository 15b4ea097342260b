"""Priors: where a search begins, what part of it follows them, and that a wrong one is got over."""

import numpy as np
import pytest
from scipy.stats import kstest
from toys import bowl, play, space

from cotune.search import make_sampler
from cotune.search.beliefs import HALVED, SHARE, SPREADS, share
from cotune.search.samplers.sequence import start
from cotune.space import Space

LOG = {"low": 1e-4, "high": 1e-1, "log": True}


def believed(at: float | None, confidence: str = "medium") -> Space:
    """Five numbers whose best is believed at a place in [0, 1] of each."""

    def setting(low: float, high: float, *, log: bool) -> dict[str, object]:
        found: dict[str, object] = {"low": low, "high": high, "log": log}
        if at is not None:
            prior = low * (high / low) ** at if log else low + at * (high - low)
            found |= {"prior": prior, "confidence": confidence}
        return found

    return space(
        lr=setting(1e-4, 1e-1, log=True),
        dropout=setting(0.0, 0.5, log=False),
        weight_decay=setting(1e-5, 1.0, log=True),
        l1=setting(0.0, 0.1, log=False),
        warmup=setting(0.0, 0.5, log=False),
    )


@pytest.mark.parametrize("name", ["auto", "tpe"])
def test_the_first_trial_is_the_prior(name: str) -> None:
    where = space(lr={**LOG, "prior": 3e-3}, activation={"choices": ["relu", "gelu", "silu"], "prior": "gelu"},
                  width={"choices": [16, 64, 256], "prior": 256}, dropout={"low": 0.0, "high": 0.4})  # fmt: skip
    (first,) = make_sampler(name, where, maximize=False, seed=1).ask(0, 1)
    assert first == pytest.approx({"lr": 3e-3, "activation": "gelu", "width": 256, "dropout": 0.2})


@pytest.mark.parametrize("confidence", SPREADS)
def test_a_share_of_the_points_follows_the_prior_and_the_others_stay_even(confidence: str) -> None:
    plain, bent = (start(believed(at, confidence), seed=4) for at in (None, 0.2))
    moved, kept = [], []
    for number in range(1, 2000):
        one, other = plain.configuration(number)["dropout"], bent.configuration(number)["dropout"]
        (kept if one == other else moved).append((number, other))
    expected = sum(map(share, range(1, 2000)))
    assert len(moved) == pytest.approx(expected, rel=0.15)
    early = sum(number < HALVED for number, _ in moved)
    assert early == pytest.approx(sum(map(share, range(1, HALVED))), rel=0.35)
    places = np.array([value for _, value in moved]) / 0.5  # type: ignore[operator]
    spread = SPREADS[confidence]
    assert np.median(places) == pytest.approx(0.2 if confidence == "high" else 0.3, abs=0.15)
    assert np.mean(np.abs(places - 0.2) < spread) > 0.6
    evenly = kstest(np.array([value for _, value in kept]) / 0.5, "uniform")  # type: ignore[operator]
    assert evenly.statistic < 0.06


def test_of_names_the_prior_is_drawn_more_often_and_the_others_still_are() -> None:
    where = space(activation={"choices": ["relu", "gelu", "silu"], "prior": "silu", "confidence": "high"},
                  lr=LOG)  # fmt: skip
    first = start(where, seed=2)
    drawn = [first.configuration(number)["activation"] for number in range(1, 65)]
    assert drawn.count("silu") > 1.4 * 64 / 3
    assert min(map(drawn.count, ("relu", "gelu"))) > 6


def test_a_group_follows_its_leaders_lot() -> None:
    where = space(width={"low": 16, "high": 512, "log": True, "prior": 32, "confidence": "high"}, lr=LOG)
    first = start(where, seed=3)
    for group in range(12):
        assert len({first.configuration(16 * group + i)["width"] for i in range(16)}) == 1
    groups = [first.configuration(16 * group)["width"] for group in range(200)]
    assert sum(16 <= w <= 64 for w in groups) > sum(128 < w <= 512 for w in groups) * 0.8  # type: ignore[operator]
    assert groups[0] == 32


def best(where: Space, name: str, trials: int) -> float:
    """Median over seeds of the best loss; its minimum is at 0.3 of each coordinate."""
    found = []
    for seed in range(5):
        proposed, _ = play(
            make_sampler(name, where, maximize=False, seed=seed), where, trials=trials, batch=16
        )
        found.append(min(bowl(where, params) for params in proposed))
    return float(np.median(found))


def test_a_prior_that_is_nearly_right_is_worth_many_trials() -> None:
    assert best(believed(0.35), "tpe", 16) < 0.25 * best(believed(None), "tpe", 16)


@pytest.mark.parametrize("confidence", ["medium", "high"])
def test_a_prior_that_is_wrong_is_got_over(confidence: str) -> None:
    cold = best(believed(None), "auto", 128)
    assert best(believed(0.95, confidence), "auto", 128) < 2 * cold + 0.002


def test_half_of_the_first_points_at_most_follow() -> None:
    assert share(0) == SHARE == 0.5
    assert share(HALVED) == SHARE / 2
    assert share(10_000) < 0.01


def test_the_usual_rate_of_an_optimizer_is_believed_unless_the_recipe_says_another() -> None:
    wide = {"low": 1e-5, "high": 1.0, "log": True}
    for optimizer, rate in (("sgd", 0.1), ("lion", 3e-4), ("adamw", 10**-2.5)):
        first = start(space(optimizer=optimizer, lr=wide), seed=1)
        assert first.configuration(0)["lr"] == pytest.approx(rate)
    assert start(space(optimizer="sgd", lr={**wide, "prior": 0.5}), seed=1).configuration(0)[
        "lr"
    ] == pytest.approx(0.5)
    narrow = start(space(optimizer="sgd", lr={"low": 1e-4, "high": 1e-2, "log": True}), seed=1)
    assert narrow.configuration(0)["lr"] == pytest.approx(1e-3), "of a range without it the centre"
    plain, bent = (start(space(optimizer=["adamw", other], lr=wide), seed=1) for other in ("nadam", "sgd"))
    moved = []
    for number in range(1, 200):
        one, other = plain.configuration(number), bent.configuration(number)
        if one["lr"] != other["lr"]:
            assert other["optimizer"] == "sgd", "rates of adamw stay as even as they were"
            moved.append(float(other["lr"]))  # type: ignore[arg-type]
    assert len(moved) > 10
    assert np.median(moved) == pytest.approx(0.06, rel=0.7)
