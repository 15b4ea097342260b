"""Search alone: who finds good configurations soonest on an engine of 64 slots that trains in no time.

    python benchmarks/search.py --json                        everything: a day, because of Optuna's GPSampler
    python benchmarks/search.py --cache FOLDER                the same, to be interrupted and taken up again
    python benchmarks/search.py --quick                       ten minutes: three tasks, two seeds, without what is slow
    python benchmarks/search.py --cache FOLDER --only-kept    what the folder has, and nothing new
    python benchmarks/search.py --peer-python smac=/envs/smac/bin/python    a peer from an environment of its own

Learning curves come from LCBench's surrogate (the tasks at even positions) and TaskSet's tables, in the folder that
COTUNE_DATA names; LCBench needs `pip install onnxruntime`. All contenders have the same slots, seeds and boundaries,
and pause and resume trials at no cost; regret is 0 for the best of many random configurations and 1 for a median one.
"""

import os
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import Bar, arguments, finish, say
from search_parts.contenders import CONTENDERS, GP, OURS
from search_parts.kept import kept, run, task_names, task_of
from search_parts.proposing import seconds_for_64
from search_parts.remote import PEERS, PYTHONS
from search_parts.simulator import BUDGETS, Run
from search_parts.statistics import Paired, by_task, mean_ranks, paired

TOLERANCE = 0.005
"""Of normalised regret, half a per cent of the way from a median configuration to the best: what a median difference to
the GPSampler may amount to."""
LEAST = 20
"""Places that a verdict on the GPSampler needs: with a few, nothing would ever be significant."""
SHARE = 0.1
"""Of the GPSampler's seconds of proposing."""
PROPOSING = {1_000: 100.0, 10_000: 300.0}
"""Milliseconds that 64 proposals may take, by trials before them."""
SLOW = (GP, "Optuna TPE + ASHA", "Optuna TPE + Hyperband", *(name for name in PEERS if name != "DEHB"))
QUICK_TASKS, QUICK_SEEDS, SEEDS = 3, 2, 5

Place = tuple[str, int]
"""(task, seed)."""
Found = dict[str, dict[Place, Run]]


def search_all(
    names: Sequence[str],
    places: Sequence[Place],
    *,
    folder: Path,
    processes: int,
    trainings: float,
    only_kept: bool,
) -> Found:
    """Every contender at every place; those that are slow come last, so that an interruption costs the least."""
    found: Found = {name: {} for name in names}
    left = []
    for name in sorted(names, key=lambda n: n in SLOW):
        for place in places:
            old = kept(folder, name, *place, trainings)
            if old is not None:
                found[name][place] = old
            elif not only_kept:
                left.append((name, place))
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # a process a core; processes that are spawned read it
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(PYTHONS,)) as pool:
        jobs = {pool.submit(run, folder, name, *place, trainings): (name, place) for name, place in left}
        for job in as_completed(jobs):
            name, place = jobs[job]
            try:
                found[name][place] = job.result()
            except Exception as error:  # one peer's fault is no reason to lose the others
                say(f"{name}, {place[0]}, seed {place[1]}: {error}")
                continue
            say(f"{name}, {place[0]}, seed {place[1]}: {found[name][place].proposing:.1f} s of proposing")
    return found


def _begin(pythons: dict[str, str]) -> None:
    os.nice(5)
    PYTHONS.update(pythons)


def regrets_of(found: Found, places: Sequence[Place]) -> dict[str, dict[float, dict[Place, float]]]:
    """Contender → budget → place → normalised regret."""
    tasks = {name: task_of(name) for name, _ in places}
    return {
        name: {
            budget: {
                (task, seed): tasks[task].regret(one.at(budget, tasks[task].epochs))
                for (task, seed), one in runs.items()
            }
            for budget in BUDGETS
        }
        for name, runs in found.items()
    }


def rows_of(found: Found, regrets: dict[str, Any], whole: Sequence[Place]) -> list[dict[str, Any]]:
    """A row a contender: regret and rank by budget, trials, seconds of proposing.

    Args:
        found: the runs.
        regrets: of `regrets_of`.
        whole: places at which every contender was run; ranks are over these.
    """
    ranks = (
        {
            budget: mean_ranks({name: [regrets[name][budget][place] for place in whole] for name in found})
            for budget in BUDGETS
        }
        if whole
        else {}
    )
    rows = []
    for name, runs in found.items():
        if not runs:
            continue
        rows.append(
            {
                "contender": name,
                "what": CONTENDERS[name].words,
                "version": CONTENDERS[name].version(),
                "places": len(runs),
                "median_regret": {
                    str(budget): statistics.median(regrets[name][budget][p] for p in (whole or runs))
                    for budget in BUDGETS
                },
                "mean_rank": {str(budget): ranks[budget][name] for budget in ranks},
                "trials": statistics.median(one.trials for one in runs.values()),
                "proposing_seconds": statistics.median(one.proposing for one in runs.values()),
            }
        )
    return rows


def pairs_of(regrets: dict[str, Any], found: Found) -> list[dict[str, Any]]:
    """cotune against each other contender at each budget, over the places that both have."""
    rows = []
    for name in found:
        places = sorted(set(found[OURS]) & set(found[name])) if OURS in found else []
        if name == OURS or not places:
            continue
        for budget in BUDGETS:
            ours, theirs = ([regrets[n][budget][p] for p in places] for n in (OURS, name))
            tasks = paired(by_task(places, ours), by_task(places, theirs))
            rows.append(
                {
                    "pair": f"{OURS} − {name}",
                    "against": name,
                    "trainings": budget,
                    **vars(paired(ours, theirs)),
                    "tasks": tasks.count,
                    "p_over_tasks": tasks.p,
                }
            )
    return rows


def bars_of(rows: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]]) -> list[Bar]:
    """First by mean rank at every budget; at four not worse than the GPSampler, in a tenth of its time."""
    ours = next((row for row in rows if row["contender"] == OURS), None)
    bars = []
    for budget in map(str, BUDGETS):
        ranks = [row["mean_rank"].get(budget) for row in rows]
        place = None
        if ours is not None and ours["mean_rank"] and None not in ranks:
            place = 1 + sum(rank < ours["mean_rank"][budget] for rank in ranks)
        bars.append(
            Bar(f"place of {OURS} by mean rank at {budget} full trainings", place, 1, direction="at most")
        )
    last = next((p for p in pairs if p["against"] == GP and p["trainings"] == BUDGETS[-1]), None)
    if last is not None and last["count"] < LEAST:
        last = None
    test = last and Paired(**{key: last[key] for key in Paired.__dataclass_fields__})
    bars += [
        Bar(
            f"{OURS} is significantly worse than {GP} at four trainings (1: yes)",
            None if test is None else float(test.worse),
            0,
            direction="at most",
        ),
        Bar(
            f"median difference to {GP} at four trainings, in normalised regret",
            None if test is None else test.median,
            TOLERANCE,
            direction="at most",
        ),
    ]
    peer = next((row for row in rows if row["contender"] == GP), None)
    share = ours["proposing_seconds"] / peer["proposing_seconds"] if ours and peer else None
    bars.append(Bar(f"seconds of proposing / those of {GP}", share, SHARE, direction="at most"))
    return bars


def proposing_bars() -> list[Bar]:
    """What 64 proposals take after a long history."""
    return [
        Bar(
            f"milliseconds of CPU for 64 proposals after {trials:,} trials",
            1000 * seconds_for_64("auto", trials),
            most,
            direction="at most",
        )
        for trials, most in PROPOSING.items()
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code is 0 if every bar holds."""
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--tasks", help='comma-separated, as "lcbench 3945"; all by default')
    parser.add_argument("--seeds", type=int, help=f"of each task; {SEEDS} by default")
    parser.add_argument(
        "--peers", help=f"comma-separated, among {', '.join(CONTENDERS)}; all that are there by default"
    )
    parser.add_argument(
        "--peer-python",
        action="append",
        default=[],
        metavar="[PACKAGE=]PATH",
        help=f"a Python that has a peer ({', '.join(p.package for p in PEERS.values())}); without PACKAGE for all",
    )
    parser.add_argument("--cache", type=Path, help="keeps runs, to be taken up again")
    parser.add_argument("--only-kept", action="store_true", help="no new runs: figures of what --cache has")
    parser.add_argument("--processes", type=int, default=2, help="runs at once; 2 by default")
    given = parser.parse_args(words)
    for pair in given.peer_python:
        package, _, path = pair.rpartition("=")
        PYTHONS[package] = path
    try:
        everything = task_names()
    except OSError as error:
        parser.error(
            f"the learning curves are not there: {error}; COTUNE_DATA must name the folder that has hpo/lcbench"
        )
    names = given.peers.split(",") if given.peers else _usual(quick=given.quick)
    tasks = given.tasks.split(",") if given.tasks else everything[: QUICK_TASKS if given.quick else None]
    for word, known, what in ((names, CONTENDERS, "contender"), (tasks, everything, "task")):
        wrong = [each for each in word if each not in known]
        if wrong:
            parser.error(f"there is no {what} {wrong[0]!r}; choose among {', '.join(known)}")
    absent = [name for name in names if name in PEERS and not PEERS[name].present]
    for name in absent:
        say(f"{name} is left out: no environment has {PEERS[name].package} (--peer-python)")
    names = [name for name in names if name not in absent]
    seeds = given.seeds or (QUICK_SEEDS if given.quick else SEEDS)
    places = [(task, seed) for seed in range(seeds) for task in tasks]
    with TemporaryDirectory() as folder:
        found = search_all(
            names,
            places,
            folder=given.cache or Path(folder),
            processes=given.processes,
            trainings=BUDGETS[-1],
            only_kept=given.only_kept,
        )
    regrets = regrets_of(found, places)
    whole = [place for place in places if all(place in found[name] for name in found)]
    rows = rows_of(found, regrets, whole)
    pairs = pairs_of(regrets, found)
    if not given.json:
        _table(rows, pairs, len(whole))
    return finish([*rows, *pairs], [*bars_of(rows, pairs), *proposing_bars()], as_json=given.json)


def _usual(*, quick: bool) -> list[str]:
    return [name for name in CONTENDERS if not (quick and name in SLOW)]


def _table(rows: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]], whole: int) -> None:
    print(
        f"median regret and mean rank at {', '.join(map(str, BUDGETS))} full trainings, over {whole} places"
    )
    for row in rows:
        regret = "  ".join(f"{row['median_regret'][str(b)]:7.4f}" for b in BUDGETS)
        rank = "  ".join(f"{row['mean_rank'].get(str(b), float('nan')):5.2f}" for b in BUDGETS)
        print(
            f"{row['contender']:24} {regret}   {rank}   {row['trials']:6.0f} trials {row['proposing_seconds']:8.1f} s"
        )
    for pair in pairs:
        print(
            f"{pair['pair']} at {pair['trainings']}: {pair['median']:+.4f}, shift {pair['shift']:+.4f} "
            f"[{pair['low']:+.4f}, {pair['high']:+.4f}], p {pair['p']:.2g} ({pair['count']} places), "
            f"{pair['p_over_tasks']:.2g} ({pair['tasks']} tasks)"
        )


if __name__ == "__main__":
    sys.exit(main())
