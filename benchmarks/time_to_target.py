"""Time to a score: cotune against whole searches by others, each with its own training, on the same rows and cores.

    python benchmarks/time_to_target.py --peer-python PATH --json            all tasks, sides, three seeds: hours
    python benchmarks/time_to_target.py --peer-python PATH --quick           Optuna's TPE alone, 30 seconds a side
    python benchmarks/time_to_target.py --peer-python PATH --task cora,letter --seeds 1 --peers optuna-tpe,ray

Every side is a process of its own and gets the same data, split, space, metric, greatest number of epochs, cores and
seconds; the clock begins when its process is started, so that imports count, on all sides alike. Sides take turns.
Peers train with the best plain PyTorch loop that we could write (`sides/target/training.py`), one thread a process
and a process for each core, their pruner on; scikit-learn trains its own networks. cotune runs with its defaults. The
figure is defined in `target_parts/figures.py`. The last score is the best network's on rows that no search has seen.

Rows are kept in the folder of `--cache` as they come, and not measured again: a run that was broken off goes on. The
order is by value: one seed of every task with cotune and Optuna's TPE, then the other peers, then further seeds.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, finish, machine, say
from target_parts.figures import OURS, bars_of, compared, final, table
from target_parts.tasks import TASKS, missing

if TYPE_CHECKING:
    from target_parts.arrays import Ready

HERE = Path(__file__).parent / "sides" / "target"
PEERS: dict[str, str] = {
    "optuna-tpe": "optuna_peer.py",
    "optuna-gp": "optuna_peer.py",
    "ray": "ray_peer.py",
    "keras-tuner": "keras_peer.py",
    "scikit-learn": "sklearn_peer.py",
}
"""By name: its script. The first is the one that is run before the others."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
GRACE = 120.0
"""Seconds beyond the budget that a side has to test its network and to end."""


@dataclass(frozen=True)
class Asked:
    """What is the same for all rows: see `--help`."""

    seconds: float
    cores: int
    python: Path
    cache: Path


def request_of(side: str, task: "Ready", asked: Asked, *, seed: int, out: Path) -> dict[str, Any]:
    """What a side is told; `began` is set when it is started."""
    common = {"side": side, "seconds": asked.seconds, "cores": asked.cores, "seed": seed, "out": str(out)}
    if side == OURS:
        return {**common, "source": str(task.source), "target": task.task.target, "keys": task.task.keys()}
    return {**common, "arrays": str(task.arrays), "facts": task.facts}


def run_side(request: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """Run one side to its end; its row."""
    side = request["side"]
    python = sys.executable if side == OURS else str(asked.python)
    script = HERE / ("cotune_side.py" if side == OURS else PEERS[side])
    environment = {key: value for key, value in os.environ.items() if side == OURS or key != "PYTHONPATH"}
    environment |= {} if side == OURS else ONE_THREAD
    request = {**request, "began": time.time()}
    done = subprocess.run(
        [python, str(script), json.dumps(request)],
        capture_output=True, text=True, cwd=request["out"], timeout=request["seconds"] + GRACE, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{side} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def turns(names: list[str], seeds: int, peers: list[str]) -> list[tuple[str, int, tuple[str, ...]]]:
    """(task, seed, sides) in the order in which they are run; who goes first alternates."""
    found: list[tuple[str, int, tuple[str, ...]]] = []
    for seed in range(seeds):
        for place, name in enumerate(names):
            both = (OURS, *peers[:1])
            found.append((name, seed, both if (place + seed) % 2 == 0 else both[::-1]))
        found += [
            (name, seed, (peer,))
            for peer in peers[1:]
            for name in names
            if peer != "scikit-learn" or TASKS[name].scikit
        ]
    return found


def measure(name: str, seed: int, sides: tuple[str, ...], asked: Asked) -> list[dict[str, Any]]:
    """Rows of some sides, from the cache where they are there."""
    from target_parts.arrays import (
        ready,  # imports the whole of cotune, which a usage message need not wait for
    )

    rows = []
    with tempfile.TemporaryDirectory(prefix="cotune-target-") as scratch:
        task: Ready | None = None
        for side in sides:
            kept = asked.cache / f"{name}-{seed}-{side}-{asked.seconds:g}s-{asked.cores}.json"
            if not kept.is_file():
                task = ready(name, Path(scratch), seed=seed) if task is None else task
                out = Path(scratch) / side
                out.mkdir()
                row = {
                    "task": name,
                    "seed": seed,
                    "side": side,
                    "seconds": asked.seconds,
                    "load": machine()["load"],
                }
                try:
                    row |= run_side(request_of(side, task, asked, seed=seed, out=out), asked)
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    say(f"{name} seed {seed} {side}: {error}")
                    rows.append({**row, "error": str(error)[-500:]})  # not kept: to be tried again
                    continue
                partial = kept.with_suffix(".partial")
                partial.write_text(json.dumps(row), encoding="utf-8")
                partial.replace(kept)
                shutil.rmtree(out, ignore_errors=True)
            rows.append(json.loads(kept.read_text(encoding="utf-8")))
            row = rows[-1]
            say(
                f"{name} seed {seed} {side}: {final(row['trace']):.5f} at {(row['trace'] or [[0]])[-1][0]:.1f} s, "
                f"{row['trials']} trials, {row['epochs']} epochs, test {row['test']}"
            )
    return rows


def warm(names: list[str], asked: Asked) -> None:
    """A short study of each task that has no row yet: what is compiled once on a machine is no part of a search."""
    from target_parts.arrays import ready

    for name in names:
        if any(asked.cache.glob(f"{name}-*-{OURS}-{asked.seconds:g}s-*.json")):
            continue
        with tempfile.TemporaryDirectory(prefix="cotune-target-") as scratch:
            task = ready(name, Path(scratch), seed=99)
            settings = Asked(20.0, asked.cores, asked.python, asked.cache)
            run_side(request_of(OURS, task, settings, seed=99, out=Path(scratch)), settings)
            say(f"{name}: warm")


def main() -> int:
    """Run what the command line asks for."""
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--task", help=f"comma-separated, among {', '.join(TASKS)}; all by default")
    parser.add_argument("--peers", help=f"comma-separated, among {', '.join(PEERS)}; all by default")
    parser.add_argument("--seeds", type=int, help="repetitions with other seeds; 3, or 1 with --quick")
    parser.add_argument("--budget", type=float, help="seconds a side; 120, or 30 with --quick")
    parser.add_argument("--cores", type=int, default=2, help="cores a side may use")
    parser.add_argument(
        "--peer-python", type=Path, help="Python of the peers' environment: see docs/benchmarks.md"
    )
    parser.add_argument(
        "--cache", type=Path, help="folder where rows are kept, and found again; a new one by default"
    )
    given = parser.parse_args()
    names = given.task.split(",") if given.task else list(TASKS)
    peers = given.peers.split(",") if given.peers else list(PEERS)[: 1 if given.quick else None]
    for word, known in ((names, TASKS), (peers, PEERS)):
        if unknown := [one for one in word if one not in known]:
            parser.error(f"there is no {unknown[0]}; choose among {', '.join(known)}")
    if absent := missing(names):
        parser.error(f"{', '.join(absent)} is not there; set COTUNE_DATA to the folder with the data")
    if given.peer_python is None or not given.peer_python.exists():
        parser.error("--peer-python must name a Python with the peers: see docs/benchmarks.md")
    cache = given.cache or Path(tempfile.mkdtemp(prefix="cotune-target-cache-"))
    cache.mkdir(parents=True, exist_ok=True)
    say(f"rows are kept in {cache}")
    seconds = given.budget or (30.0 if given.quick else 120.0)
    asked = Asked(seconds, given.cores, given.peer_python.absolute(), cache)
    seeds = given.seeds or (1 if given.quick else 3)
    warm(names, asked)
    rows: list[dict[str, Any]] = []
    for name, seed, sides in turns(names, seeds, peers):
        rows += measure(name, seed, sides, asked)
    found = {
        name: [
            compared([r for r in rows if r["task"] == name and r["seed"] == seed and "error" not in r])
            for seed in range(seeds)
        ]
        for name in names
    }
    for line in table(found):
        say(json.dumps(line))
    whole = [*rows, *({"task": name, "compared": each} for name, each in found.items()), *table(found)]
    return finish(whole, bars_of(found), as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
