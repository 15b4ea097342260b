"""The benchmark of search: its engine, its statistics, the worker that speaks JSON."""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))

from search_parts import kept, optunas, sequences, tasks  # noqa: E402
from search_parts.peers.base import Peer, Proposal, Subject, Table  # noqa: E402
from search_parts.remote import PEERS, Remote, described  # noqa: E402
from search_parts.sequences import Hyperband, Sobol, brackets  # noqa: E402
from search_parts.simulator import Ours, Run, simulate  # noqa: E402
from search_parts.slots import Judged, play  # noqa: E402
from search_parts.statistics import by_task, mean_ranks, paired  # noqa: E402
from search_parts.worker import serve  # noqa: E402

from cotune.recipe.settings import Domain, Range  # noqa: E402
from cotune.space import Parameter, Space  # noqa: E402

SPACE = Space(
    (
        Parameter("lr", Range(1e-4, 1e-1, log=True), Domain("float", 1e-4, 1e-1, fusable=True)),
        Parameter("width", Range(16, 256, log=True), Domain("int", 16, 256, fusable=True)),
    ),
    {},
)
SLOTS = 16


@dataclass
class Bowl:
    """Best at lr 0.01; falls with every epoch; beyond lr 0.08 it diverges at its second epoch."""

    name: str = "bowl"
    space: Space = SPACE
    epochs: int = 27
    maximize: bool = False

    def nearest(self, params: dict, tried: set[int]) -> tuple[int, dict]:
        return len(tried), params

    def figures(self, params: list[dict], epochs: list[int]) -> np.ndarray:
        found = [
            math.nan if p["lr"] > 0.08 and e > 1 else (math.log10(p["lr"]) + 2) ** 2 + 1 / e
            for p, e in zip(params, epochs, strict=True)
        ]
        return np.array(found)

    def regret(self, figure: float) -> float:
        return figure


# ------------------------------------------------------------------------------------------------ statistics


def test_a_paired_test_of_six_equal_signs_is_exact() -> None:
    found = paired([1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12])
    assert found.p == pytest.approx(2 / 2**6)
    assert (found.median, found.shift, found.low, found.high) == (-3.5, -3.5, -6, -1)
    assert (found.wins, found.losses, found.better, found.worse) == (6, 0, True, False)


def test_a_paired_test_agrees_with_the_tables() -> None:
    # Hollander & Wolfe, Nonparametric Statistical Methods, example 3.1: T+ = 5, n = 9, two-sided p = 0.0391.
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = paired(after, before)
    assert found.p == pytest.approx(0.0391, abs=5e-5)
    assert found.shift == pytest.approx(-0.46)
    assert (found.low, found.high) == pytest.approx((-0.786, -0.01), abs=1e-9)


def test_equal_regrets_do_not_differ() -> None:
    found = paired([0.5, 0.25], [0.5, 0.25])
    assert (found.p, found.shift, found.better, found.worse) == (1, 0, False, False)
    with pytest.raises(ValueError, match="as many figures on both sides, but got 1 and 2"):
        paired([1], [1, 2])


def test_ranks_are_shared_and_what_is_missing_is_last() -> None:
    ranks = mean_ranks({"a": [0.1, 0.2], "b": [0.3, 0.2], "c": [0.2, math.nan]})
    assert ranks == {"a": 1.25, "b": 2.25, "c": 2.5}
    assert by_task([("x", 0), ("y", 0), ("x", 1)], [1, 5, 2]) == [1.5, 5]


# ------------------------------------------------------------------------------------------------ engine


@pytest.mark.parametrize("name", ["auto", "quasi-random"])
def test_the_engine_of_slots_does_what_the_simulator_does(name: str) -> None:
    task = Bowl()
    theirs = simulate(task, Ours(task, name, seed=1, slots=SLOTS), trainings=2, slots=SLOTS)
    ours = play(task, Judged(task, Ours(task, name, seed=1, slots=SLOTS)), trainings=2, slots=SLOTS)
    assert ours.best == theirs.best
    assert (ours.trials, ours.diverged) == (theirs.trials, theirs.diverged)
    assert ours.diverged


def test_brackets_are_hyperbands() -> None:
    # Li et al. 2018, table 1: R = 81, η = 3.
    assert brackets(81, least=1) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]


class Counted(Bowl):
    """Keeps which epochs were computed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[tuple, list[int]] = {}

    def figures(self, params: list[dict], epochs: list[int]) -> np.ndarray:
        assert len(params) <= SLOTS
        for p, e in zip(params, epochs, strict=True):
            self.seen.setdefault(tuple(p.values()), []).append(e)
        return super().figures(params, epochs)


@pytest.mark.parametrize(
    "make",
    [
        lambda task: Judged(task, Sobol(task, seed=3)),
        lambda task: Judged(task, Sobol(task, seed=3, judge=sequences.one_epoch(task))),
        lambda task: Judged(task, Sobol(task, seed=3, judge=sequences.asha(task))),
        lambda task: Hyperband(task, seed=3),
        lambda task: optunas.Optuna(task, seed=3, sampler=optunas.tpe, pruner=optunas.asha),
        lambda task: optunas.Optuna(task, seed=3, sampler=optunas.tpe, pruner=optunas.hyperband),
    ],
    ids=["sobol", "one epoch", "asha", "hyperband", "tpe + asha", "tpe + hyperband"],
)
def test_a_contender_keeps_its_slots_busy_and_never_trains_an_epoch_twice(make) -> None:
    task = Counted()
    found = play(task, make(task), trainings=1, slots=SLOTS)
    assert all(epochs == list(range(1, len(epochs) + 1)) for epochs in task.seen.values())
    assert sum(map(len, task.seen.values())) == SLOTS * task.epochs
    assert found.trials == len(task.seen)
    assert found.best[-1] == min(figure for figure in found.best if not math.isnan(figure))


def test_hyperband_promotes_the_best() -> None:
    task = Counted()
    play(task, Hyperband(task, seed=3), trainings=2, slots=SLOTS)
    full = [params for params, epochs in task.seen.items() if len(epochs) == task.epochs]
    first = list(task.seen)[: brackets(task.epochs)[0][0][0]]
    best = min(first, key=lambda params: (math.log10(params[0]) + 2) ** 2)
    assert best in full


# ------------------------------------------------------------------------------------------------ worker


class Ladder(Peer):
    """Proposes a new point to 2 epochs, and each second point told of again to 4."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._drawn = 0
        self._again: list[Proposal] = []
        self.heard: list[tuple[int, float | None]] = []

    def propose(self, count: int) -> list[Proposal]:
        found = self._again[:count]
        del self._again[:count]
        while len(found) < count:
            self._drawn += 1
            params = self.table.nearest(self.plain({"lr": 10 ** -(1.0 + self._drawn / 10), "width": 20.4}))
            found.append(Proposal(params, 2, self._drawn))
        return found

    def told(self, proposal: Proposal, cost: float | None) -> None:
        self.heard.append((proposal.epochs, cost))
        if proposal.epochs == 2 and proposal.token % 2 == 0:
            self._again.append(Proposal(proposal.params, 4, proposal.token))


def subject(**also: object) -> Subject:
    about = {"seed": 0, "epochs": 27, "slots": 2, "maximize": True, "space": described(Bowl())}
    return Subject(**{**about, **also})


def test_a_peer_goes_on_where_it_paused() -> None:
    peer = Ladder(subject())
    (first, params), (second, _) = peer.start(2)
    assert params == {"lr": pytest.approx(10**-1.1), "width": 20}
    assert peer.show([(first, 1, 0.5), (second, 1, 0.6)]) == []
    assert peer.show([(first, 2, 0.4), (second, 2, 0.7)]) == [first, second]
    assert peer.heard == [(2, -0.5), (2, -0.7)]
    again, new = peer.start(2)
    assert (again[0], new[0]) == (second, 2)
    assert peer.show([(second, 3, 0.1), (2, 1, None)]) == [2]
    assert peer.heard[-1] == (2, -0.1)  # a divergence counts as the worst so far
    assert peer.show([(second, 4, 0.9)]) == [second]
    assert peer.heard[-1] == (4, -0.9)


def test_what_is_known_needs_no_slot() -> None:
    peer = Ladder(subject(rows=[{"lr": 1e-3, "width": 32}, {"lr": 1e-2, "width": 32}]))
    assert [number for number, _ in peer.start(2)] == [0, 1]
    peer.show([(0, 1, 0.5), (1, 1, 0.6)])
    peer.show([(0, 2, 0.5), (1, 2, 0.6)])
    before = len(peer.heard)
    started = peer.start(2)
    assert {number for number, _ in started} <= {0, 1}
    assert len(peer.heard) > before


def test_the_worker_says_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("search_parts.peers.ladder")
    module.make = Ladder
    monkeypatch.setitem(sys.modules, "search_parts.peers.ladder", module)
    lines = [
        {"start": 1},
        {"begin": {"peer": "ladder", **vars(subject())}},
        {"start": 2},
        {"show": [[0, 1, 0.5], [1, 1, None]]},
        {"show": [[7, 1, 0.5]]},
    ]
    sink = StringIO()
    serve(StringIO("".join(json.dumps(line) + "\n" for line in lines)), sink)
    wrong, ready, started, left, lost = map(json.loads, sink.getvalue().splitlines())
    assert "the first line must be begin" in wrong["error"]
    assert ready["ready"] == "Ladder"
    assert [number for number, _ in started["start"]] == [0, 1]
    assert started["seconds"] >= 0
    assert left["leave"] == [1]
    assert "IndexError" in lost["error"]


WORKER = """
import sys, types
sys.path[:0] = [{root!r}, {tests!r}]
sys.modules["search_parts.peers.smac"] = module = types.ModuleType("smac")
from search_parts.peers.base import Peer, Proposal
class Halves(Peer):
    def __init__(self, subject):
        super().__init__(subject)
        self.drawn = 0
    def propose(self, count):
        self.drawn += 1
        if self.drawn > {last}:
            raise RuntimeError("nothing comes to mind")
        return [Proposal({{"lr": 1e-3 * self.drawn, "width": 32}}, 3, None)]
    def told(self, proposal, cost):
        assert cost > 0
module.make = Halves
print("chatter", file=sys.stderr)
from search_parts.worker import main
main()
"""


@pytest.fixture
def worker() -> Iterator[list[Remote]]:
    opened: list[Remote] = []
    yield opened
    for remote in opened:
        remote.close()


def test_a_peer_in_another_process_takes_part(worker: list[Remote]) -> None:
    code = WORKER.format(root=str(ROOT / "benchmarks"), tests=str(ROOT / "tests"), last=1000)
    task = Counted()
    remote = Remote(task, 0, name="SMAC3", slots=4, command=[sys.executable, "-c", code])
    worker.append(remote)
    found = play(task, remote, trainings=0.5, slots=4)
    assert {tuple(epochs) for epochs in task.seen.values()} >= {(1, 2, 3)}
    assert found.trials == 4 * 5
    assert 0 < found.proposing < 5


def test_a_peer_that_fails_is_named_with_its_fault(worker: list[Remote]) -> None:
    code = WORKER.format(root=str(ROOT / "benchmarks"), tests=str(ROOT / "tests"), last=2)
    remote = Remote(Bowl(), 0, name="SMAC3", slots=4, command=[sys.executable, "-c", code])
    worker.append(remote)
    with pytest.raises(RuntimeError, match=r"SMAC3 failed: (?s:.)*nothing comes to mind"):
        play(Bowl(), remote, trainings=0.5, slots=4)
    with pytest.raises(RuntimeError, match="HEBO failed: exit code 3"):
        Remote(Bowl(), 0, name="HEBO", command=[sys.executable, "-c", "raise SystemExit(3)"])


def test_the_workers_table_is_the_tasks_own() -> None:
    rng = np.random.default_rng(0)
    rows = [SPACE.from_unit(place.tolist()) for place in rng.random((40, 2))]
    places = np.array([SPACE.to_unit(row) for row in rows])
    table = Table(described(Bowl()), rows)
    tried: set[int] = set()
    for place in rng.random((40, 2)):
        params = SPACE.from_unit(place.tolist())
        apart = ((places - np.array(SPACE.to_unit(params))) ** 2).sum(axis=1)
        apart[list(tried)] = np.inf
        tried.add(int(apart.argmin()))
        assert table.nearest(params) == rows[int(apart.argmin())]
    assert table.nearest(rows[7]) == rows[7]  # all were tried


# ------------------------------------------------------------------------------------------------ the whole


def test_the_benchmark_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tasks, "FOLDER", tmp_path)
    with pytest.raises(SystemExit) as left:
        benchmark().main(["--json"])
    assert left.value.code == 2
    said = capsys.readouterr()
    assert not said.out
    assert "COTUNE_DATA must name the folder that has hpo/lcbench" in said.err


def test_unknown_names_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    search = benchmark()
    monkeypatch.setattr(search, "task_names", lambda: ["lcbench 1"])
    for words, said in (
        (["--peers", "Sobol,Sobel"], "there is no contender 'Sobel'; choose among cotune auto, Sobol"),
        (["--tasks", "lcbench 2"], "there is no task 'lcbench 2'; choose among lcbench 1"),
    ):
        with pytest.raises(SystemExit):
            search.main(words)
        assert said in capsys.readouterr().err


def test_absent_peers_have_no_environment() -> None:
    assert {name: peer.present for name, peer in PEERS.items()}.keys() == PEERS.keys()
    assert not any(peer.release().startswith("absent") == peer.present for peer in PEERS.values())


def benchmark():
    spec = spec_from_file_location("benchmark_of_search", ROOT / "benchmarks" / "search.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_up(by: float, seconds: float) -> dict[tuple[str, int], Run]:
    """Runs on three LCBench tasks × 2 seeds with accuracies `by` per cent below ninety, and a little more each."""
    places = [(task, seed) for task in ("a", "b", "c") for seed in range(2)]
    return {
        place: Run((90.0 - by * (1 + i / 10),) * 108, 256, 0, 256, seconds) for i, place in enumerate(places)
    }


class Made(Bowl):
    def regret(self, figure: float) -> float:
        return (90 - figure) / 10


@pytest.mark.parametrize(
    ("gp", "seconds", "holds"),
    [(1.0, 50.0, [1] * 4 + [1, 1, 1]), (0.1, 50.0, [0] * 4 + [0, 0, 1]), (1.0, 5.0, [1] * 4 + [1, 1, 0])],
)
def test_bars_follow_from_runs(
    gp: float, seconds: float, holds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = benchmark()
    monkeypatch.setattr(search, "task_of", lambda _: Made())
    monkeypatch.setattr(search, "LEAST", 6)
    found = {
        "cotune auto": made_up(0.5, 1.0),
        "Optuna GP": made_up(gp, seconds),
        "Sobol": made_up(2.0, 0.1),
    }
    places = sorted(found["Sobol"])
    regrets = search.regrets_of(found, places)
    rows = search.rows_of(found, regrets, places)
    pairs = search.pairs_of(regrets, found)
    assert [bar.holds for bar in search.bars_of(rows, pairs)] == [bool(each) for each in holds]
    monkeypatch.setattr(search, "LEAST", 7)  # too few places for a verdict
    assert [bar.holds for bar in search.bars_of(rows, pairs)][4:6] == [False, False]
    assert rows[2]["mean_rank"]["4.0"] == 3
    assert rows[2]["median_regret"]["0.5"] == pytest.approx(0.25)
    last = next(pair for pair in pairs if pair["against"] == "Sobol" and pair["trainings"] == 4)
    assert last["median"] == pytest.approx(-0.1875)
    assert (last["p"], last["tasks"], last["p_over_tasks"]) == (1 / 32, 3, 1 / 4)


def test_without_the_peer_its_bars_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    search = benchmark()
    monkeypatch.setattr(search, "task_of", lambda _: Made())
    found = {"cotune auto": made_up(0.5, 1.0), "Sobol": made_up(2.0, 0.1)}
    regrets = search.regrets_of(found, sorted(found["Sobol"]))
    rows = search.rows_of(found, regrets, sorted(found["Sobol"]))
    bars = search.bars_of(rows, search.pairs_of(regrets, found))
    assert [bar.holds for bar in bars] == [True] * 4 + [False] * 3


def test_runs_are_kept_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    entry = kept.CONTENDERS["Sobol"]

    def make(task, seed):
        made.append(seed)
        return entry.make(task, seed)

    monkeypatch.setitem(kept.CONTENDERS, "Sobol", replace(entry, make=make))
    monkeypatch.setattr(kept, "task_of", lambda _: Bowl())
    assert kept.kept(tmp_path, "Sobol", "bowl", 4, 0.5) is None
    first = kept.run(tmp_path, "Sobol", "bowl", 4, 0.5)
    assert (
        kept.run(tmp_path, "Sobol", "bowl", 4, 0.5) == kept.kept(tmp_path, "Sobol", "bowl", 4, 0.5) == first
    )
    assert made == [4]
    kept.run(tmp_path, "Sobol", "bowl", 5, 0.5)
    monkeypatch.setitem(kept.CONTENDERS, "Sobol", replace(entry, make=make, version=lambda: "newer"))
    kept.run(tmp_path, "Sobol", "bowl", 4, 0.5)
    assert made == [4, 5, 4]
    assert not list(tmp_path.rglob("*.part"))
