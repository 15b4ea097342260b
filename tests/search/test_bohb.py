"""What BOHB's model is shown, and which trials go without it."""

from toys import CONDITIONAL, SMOOTH, bowl, play

from cotune.search import make_sampler
from cotune.search.history import History
from cotune.search.samplers.bohb import EVERY, _study_of_one_budget
from cotune.search.samplers.tpe import _make
from cotune.search.strategies import STRATEGIES
from cotune.types import Status, Trial, TrialResult


def known(ends: list[int]) -> History:
    """Trials whose figure at epoch e is 100·e + number, stopped at these epochs; the full training has ten."""
    history = History(maximize=True)
    for number, epochs in enumerate(ends):
        params = SMOOTH.from_unit([0.01 * (number + 1)] * 5)
        curve = tuple((e, 0.0, 100.0 * e + number) for e in range(1, epochs + 1))
        status = Status.COMPLETE if epochs == 10 else Status.STOPPED
        history.tell(TrialResult(number, params, status, curve[-1][2], epochs, 1.0, curve=curve))
    return history


def test_the_model_sees_one_budget_the_deepest_with_enough_results() -> None:
    history = known([3] * 8 + [9] * 5 + [10] * 2)
    history.add(Trial(15, SMOOTH.from_unit([0.5] * 5)))
    found = _study_of_one_budget(history, SMOOTH, _make(0), enough=7)
    assert found is not None
    values = [trial.value for trial in found.trials]
    assert values == [*(900.0 + n for n in range(8, 15)), None], "at epoch nine, and the one that runs"
    deeper = _study_of_one_budget(history, SMOOTH, _make(0), enough=2)
    assert deeper is not None
    assert [trial.value for trial in deeper.trials] == [1013.0, 1014.0, None]
    assert _study_of_one_budget(history, SMOOTH, _make(0), enough=16) is None


def test_a_third_of_the_trials_goes_without_the_model() -> None:
    sampler, start = (make_sampler("bohb", SMOOTH, maximize=False, seed=1) for _ in range(2))
    play(sampler, SMOOTH, trials=40, batch=8)
    plain = start.ask(40, 30)
    same = [n for n, (a, b) in enumerate(zip(sampler.ask(40, 30), plain, strict=True), 40) if a == b]
    assert same == [n for n in range(40, 70) if n % EVERY == EVERY - 1]


def test_the_model_knows_names_ordered_choices_and_conditions() -> None:
    sampler = make_sampler("bohb", CONDITIONAL, maximize=False, seed=1)
    proposed, _ = play(sampler, CONDITIONAL, trials=60, batch=10)
    assert len(proposed) == 60
    assert all(map(CONDITIONAL.contains, proposed))


def test_learning_beats_chance() -> None:
    best: dict[str, list[float]] = {"bohb": [], "random": []}
    for name, losses in best.items():
        for seed in range(5):
            proposed, _ = play(
                make_sampler(name, SMOOTH, maximize=False, seed=seed), SMOOTH, trials=96, batch=16
            )
            losses.append(min(bowl(SMOOTH, p) for p in proposed))
    assert sorted(best["bohb"])[2] < 0.6 * sorted(best["random"])[2]


def test_the_rows_of_the_table_say_how_trials_are_stopped() -> None:
    assert {name: STRATEGIES[name].rungs for name in ("asha", "hyperband", "bohb")} == {
        "asha": "asha",
        "hyperband": "hyperband",
        "bohb": "hyperband",
    }
