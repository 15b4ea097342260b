"""How a study ends: by itself, at the last epoch of its limit, and all the same after a crash or on fewer cores."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cotune
from cotune.engine.parallel import cores
from cotune.recipe import make
from cotune.study.directory import Directory
from cotune.study.session import Sitting, begin
from cotune.types import Progress, Status
from study.tiny import FAST, csv, lasting, tune, view_of

PLAIN: dict[str, Any] = {
    "weight_decay": 0.0, "label_smoothing": 0.0, "dropout": 0.0, "lr": {"low": 0.01, "high": 0.1, "log": True},
}  # fmt: skip
"""One parameter, and no large effect: little can be gained by search."""

SETTLED = {
    **PLAIN,
    "stop": "auto",
    "trials": 400,
    "seeds": 2,
    "rungs": False,
    "patience": 0,
    "epochs": 2,
    "lanes": 16,
}
SPENT = {"trials": None, "epochs": 9, "lane_epochs": 131, "lanes": 6, "first_rung": 1, "width": [8, 16]}
GROWN = {"trials": 40, "epochs": 9, "lanes": 8, "first_rung": 1, "width": [8, 16]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return csv(tmp_path_factory.mktemp("ends"), rows=200)


class Crashed(Exception):
    """Whatever ends a process in the middle."""


def broken_off(data: Path, out: Path, at: int, **settings: Any) -> None:
    """Start a study that crashes once so many boundaries were acknowledged, and resume it."""
    shown = 0

    def show(_: Progress) -> None:
        nonlocal shown
        shown += 1
        if shown == at:
            raise Crashed

    recipe = make(**{**FAST, "target": "y", **settings})
    sitting = Sitting(show=show, say=lambda _: None, interrupted=lambda: False)
    with pytest.raises(Crashed):
        begin(str(data), recipe, Directory(out), sitting, version=cotune.__version__)
    cotune.resume(out)


@pytest.fixture(scope="module")
def settled(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that ended by itself."""
    return tune(data, tmp_path_factory.mktemp("settled") / "study", **SETTLED).path


def test_a_study_ends_when_no_more_can_be_gained(settled: Path) -> None:
    view = view_of(settled)
    reason = view.meta["finished"]
    assert reason.startswith("the remaining regret (about ")
    assert "is below seed noise (" in reason
    assert 48 <= len(view.trials) < 400
    left = [t for t in view.trials if t.reason == reason]
    assert all(t.status is Status.STOPPED for t in left), "those in training end with it"
    assert all(trial.status.is_over for trial in view.trials)
    assert cotune.load(settled).show()["best"]["test_score"] is not None


def test_by_default_it_goes_on_to_its_limit(data: Path, tmp_path: Path) -> None:
    view = tune(data, tmp_path / "study", **{**SETTLED, "stop": "never", "trials": 100, "seeds": 1}).view()
    assert view.meta["finished"] == "all trials done"


def test_a_crash_does_not_change_when_it_ends(settled: Path, data: Path, tmp_path: Path) -> None:
    boundaries = len(view_of(settled).boundaries)
    for at in (3, boundaries - 1):  # the last but one: the verdict is due at once after the resume
        broken_off(data, tmp_path / f"{at}", at, **SETTLED)
        assert lasting(tmp_path / f"{at}") == lasting(settled)


def test_epochs_are_spent_to_the_last_and_never_twice(data: Path, tmp_path: Path) -> None:
    whole = tune(data, tmp_path / "whole", **SPENT)
    assert sum(map(len, whole.view().records.values())) == 131
    assert whole.view().meta["finished"] == "epoch limit"
    boundaries = len(whole.view().boundaries)
    for at in (2, boundaries - 1):
        broken_off(data, tmp_path / f"{at}", at, **SPENT)
        assert lasting(tmp_path / f"{at}") == lasting(whole.path)


def test_the_last_epochs_go_to_the_best(data: Path, tmp_path: Path) -> None:
    view = tune(
        data, tmp_path / "study", trials=4, epochs=9, lanes=4, lane_epochs=22, rungs=False, patience=0
    )
    view = view.view()
    assert sum(map(len, view.records.values())) == 22
    # 5 epochs of all four; one more for the two that lead then.
    assert sorted(trial.epochs for trial in view.trials) == [5, 5, 6, 6]
    after_five = {t.number: max(figure for e, _, figure in t.curve if e <= 5) for t in view.trials}
    longer = [t.number for t in view.trials if t.epochs == 6]
    best = sorted(after_five, key=lambda n: (-after_five[n], n))[:2]
    assert sorted(longer) == sorted(best)
    assert {t.reason for t in view.trials} == {"epoch limit"}


def two_cores() -> list[int]:
    """The cores that this process may use, where there are two."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    return sorted(os.sched_getaffinity(0))


def same_trials(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Trials, figures and the stored order are the same bits."""
    assert one == two
    numbers = [number for number, *_ in one["trials"]]
    assert numbers == list(range(GROWN["trials"])), "eight at once, so that slots were taken again"
    assert len({(epochs, status) for _, _, status, _, epochs, _ in one["trials"]}) > 2


@pytest.mark.parametrize("strategy", ["auto", "tpe", "genetic"])
def test_the_number_of_cores_does_not_matter(
    strategy: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked and judged goes by boundaries."""
    allowed = two_cores()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    try:
        for count in (1, 2):
            os.sched_setaffinity(0, allowed[:count])
            cores.cache_clear()
            assert cores() == count
            tune(data, tmp_path / str(count), search=strategy, **GROWN)
    finally:
        os.sched_setaffinity(0, allowed)
        cores.cache_clear()
    same_trials(lasting(tmp_path / "1"), lasting(tmp_path / "2"))


ON_CORES = """
import json, os, sys
count, data, out, settings = int(sys.argv[1]), *sys.argv[2:4], json.loads(sys.argv[4])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
import cotune
from cotune.engine.parallel import cores
assert cores() == count
for strategy in ("auto", "tpe", "genetic"):
    cotune.tune(data, target="y", out=f"{out}/{strategy}", quiet=True, search=strategy, **settings)
"""
"""Studies by three strategies on so many cores."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_number_of_cores_does_not_matter_to_a_process(data: Path, tmp_path: Path) -> None:
    """As above, where the pools of threads too are as large as the machine seems to be."""
    two_cores()
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    for count in (1, 2):
        words = [count, data, tmp_path / str(count), json.dumps({**FAST, **GROWN})]
        subprocess.run([sys.executable, "-c", ON_CORES, *map(str, words)], env=environment, check=True)
    for strategy in ("auto", "tpe", "genetic"):
        same_trials(lasting(tmp_path / "1" / strategy), lasting(tmp_path / "2" / strategy))
