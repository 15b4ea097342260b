"""`stop: auto`: what is left to gain against what chance does to a score."""

import math
import re

import numpy as np
import pytest
from toys import SPHERE, result, space

from cotune.search import STOPS, make_sampler
from cotune.search.history import History
from cotune.search.stop.automatic import EVERY, LEAST, Stopping
from cotune.search.stop.foretold import full_scores
from cotune.search.stop.noise import LEADERS, lane_noise, standard_error
from cotune.search.stop.regret import remaining_regret
from cotune.space import Space
from cotune.types import Status, Trial, TrialResult

PLANE = space(lr={"low": 1e-4, "high": 1e-1, "log": True}, dropout={"low": 0.0, "high": 0.5})
SAID = re.compile(r"the remaining regret \(about ([\d.e-]+)\) is below (.*) \(([\d.e-]+)\)")


def valley(where: Space, params: dict) -> float:
    """Smooth, with its minimum of zero at 0.3 of every coordinate."""
    return sum((place - 0.3) ** 2 for place in where.to_unit(params))


def told(number: int, params: dict, lanes: list[float], *, start: float = 1.0) -> TrialResult:
    """A full training whose lanes ended so."""
    score = float(np.mean(lanes))
    curve = (*tuple((e, 0.0, score + start * math.exp(-e)) for e in range(1, 10)), (10, 0.0, score))
    return TrialResult(number, params, Status.COMPLETE, score, 10, 1.0, curve=curve, lanes=tuple(lanes))


def studied(
    noise: float,
    *,
    lanes: int = 3,
    trials: int = 240,
    metric: str = "rmse",
    seed: int = 0,
    where: Space = PLANE,
) -> tuple[int, float, str | None]:
    """(trials, true regret of the best, reason) of a study with noisy scores."""
    stopping = Stopping(where, metric=metric, maximize=False, rows=1000, seed=seed)
    sampler = make_sampler("auto", where, maximize=False, seed=seed)
    rng = np.random.default_rng(seed)
    best = (math.inf, math.inf)
    number = 0
    while number < trials:
        for params in sampler.ask(number, 8):
            drawn = valley(where, params) + noise * rng.standard_normal(lanes)
            ended = told(number, params, drawn.tolist())
            for learner in (sampler, stopping):
                learner.add(Trial(number, params))
                learner.tell(ended)
            best = min(best, (ended.score, valley(where, params)))
            number += 1
        stopping.boundary()
        if stopping.reason():
            break
    return number, best[1], stopping.reason()


@pytest.mark.parametrize("noise", [0.003, 0.03])
def test_a_study_ends_once_nothing_can_be_told_apart(noise: float) -> None:
    trials, regret, reason = studied(noise)
    assert reason is not None
    assert LEAST <= trials < 240
    remaining, what, said = SAID.fullmatch(reason).groups()
    assert what == "seed noise"
    assert float(remaining) <= float(said), "they are rounded"
    assert 0.5 < float(said) / (noise / 3**0.5) < 2.0
    assert regret < 4 * noise / 3**0.5, "what it gave up is of the size of the noise"


def test_more_noise_ends_it_no_later_and_none_never() -> None:
    assert studied(0.1)[0] <= studied(0.001)[0]
    _, _, reason = studied(0.0, trials=96, where=SPHERE)
    assert reason is None, "eight parameters, no noise, and far from the end"


def test_it_is_asked_only_when_sixteen_more_have_ended() -> None:
    stopping = Stopping(PLANE, metric="rmse", maximize=False, rows=100, seed=0)
    asked = []
    stopping._judge = lambda: asked.append(stopping._ended)  # type: ignore[method-assign]
    for number in range(100):
        stopping.add(Trial(number, {"lr": 0.01, "dropout": 0.1}))
        stopping.tell(told(number, {"lr": 0.01, "dropout": 0.1}, [0.5]))
        if number % 3 == 0:  # boundaries at which one, or three, ended
            stopping.boundary()
            stopping.reason()
            stopping.reason()
    assert asked == [next(n for n in range(m, 200) if n % 3 == 1) for m in range(EVERY, 100, EVERY)]


def test_a_rebuilt_one_decides_alike() -> None:
    trials, _, reason = studied(0.03)
    assert studied(0.03) == studied(0.03)
    shown = []
    original = Stopping.tell
    again = Stopping(PLANE, metric="rmse", maximize=False, rows=1000, seed=0)
    sampler = make_sampler("auto", PLANE, maximize=False, seed=0)
    rng = np.random.default_rng(0)
    for first in range(0, trials, 8):  # every boundary is shown; it is asked at the last alone
        for number, params in enumerate(sampler.ask(first, 8), first):
            ended = told(number, params, (valley(PLANE, params) + 0.03 * rng.standard_normal(3)).tolist())
            shown.append(ended)
            sampler.add(Trial(number, params))
            sampler.tell(ended)
            again.add(Trial(number, params))
            original(again, ended)
        again.boundary()
    assert again.reason() == reason is not None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_regret_is_what_is_left(sign: float) -> None:
    """On a function that was seen everywhere nothing is left; on one that was not seen at its best, much is."""
    rng = np.random.default_rng(0)
    for near, low, high in ((True, 0.0, 0.03), (False, 0.03, 1.0)):
        history = History(maximize=sign < 0)
        for number in range(60):
            point = rng.random(2)
            if not near:
                point[0] = 0.6 + 0.4 * point[0]  # the minimum lies at 0.3
            params = PLANE.from_unit(point.tolist())
            history.add(Trial(number, params))
            history.tell(told(number, params, [sign * valley(PLANE, params)], start=sign))
        assert low <= remaining_regret(PLANE, full_scores(history), seed=0).remaining < high


def test_what_was_stopped_is_foretold_by_what_the_others_gained() -> None:
    history = History(maximize=True)
    for number in range(6):
        curve = ((3, 0.0, 0.5), (9, 0.0, 0.5 + 0.1 + 0.01 * number))
        history.add(Trial(number, {"lr": 0.1}))
        history.tell(TrialResult(number, {"lr": 0.1}, Status.COMPLETE, curve[1][2], 9, 1.0, curve=curve))
    for number, status in ((6, Status.STOPPED), (7, Status.DIVERGED), (8, Status.FAILED)):
        history.add(Trial(number, {"lr": 0.2}))
        history.tell(TrialResult(number, {"lr": 0.2}, status, 0.3, 3, 1.0, curve=((3, 0.0, 0.3),)))
    scores = full_scores(history)
    gains = 0.1 + 0.01 * np.arange(6)
    assert scores.complete == 6
    assert scores.values[6] == pytest.approx(0.3 + gains.mean())
    assert scores.variances == pytest.approx([*[0.0] * 6, gains.var(ddof=1), 0.0])
    assert scores.values[7] == min(scores.values), (
        "a failed one says nothing, a diverged one is as bad as any"
    )
    assert len(scores.values) == 8


def test_folds_that_are_harder_for_all_are_no_noise() -> None:
    rng = np.random.default_rng(0)
    hard = np.array([0.0, 0.2, -0.3, 0.1, 0.0])
    lanes = 0.8 + 0.01 * rng.standard_normal((400, 1)) + hard + 0.02 * rng.standard_normal((400, 5))
    trials = [told(n, {}, row.tolist()) for n, row in enumerate(lanes)]
    found = [lane_noise(trials[i : i + LEADERS], maximize=True) or 0.0 for i in range(0, 400, LEADERS)]
    assert np.mean(np.square(found)) == pytest.approx(0.02**2 / 5, rel=0.15)
    assert lane_noise([told(n, {}, [0.5]) for n in range(9)], maximize=True) is None


def test_without_lanes_accuracy_has_its_standard_error() -> None:
    assert standard_error(0.9, 900) == pytest.approx(0.01)
    stopping = Stopping(PLANE, metric="accuracy", maximize=True, rows=900, seed=0)
    for number in range(3):
        stopping.tell(result(number, {"lr": 0.1, "dropout": 0.1}, Status.COMPLETE, 0.9))
    assert stopping._noise(0.002) == (
        "the standard error of accuracy on 900 validation rows",
        pytest.approx(0.01),
    )
    assert stopping._noise(0.02) == ("the noise of scores that no setting explains", 0.02)


@pytest.mark.parametrize("what", ["space", "scores", "complete"])
def test_where_there_is_too_little_to_go_by_it_goes_on(what: str) -> None:
    where = space() if what == "space" else PLANE
    stopping = Stopping(where, metric="accuracy", maximize=True, rows=10, seed=0)
    for number in range(LEAST + 16):
        params = where.from_unit(np.random.default_rng(number).random(len(where.parameters)).tolist())
        status = Status.STOPPED if what == "complete" else Status.COMPLETE
        stopping.tell(result(number, params, status, 0.5 if what == "scores" else 0.5 + number / 1000))
    stopping.boundary()
    assert stopping.reason() is None


def test_it_is_opt_in() -> None:
    assert {"never": None, "auto": Stopping} == STOPS
