"""cotune against scikit-learn's random search over its own MLPs, on three real tables.

Both sides get the same training rows, the same wall-clock time and the same cores, one after the other, each in a
process of its own, and are scored by the same code on test rows that neither has seen. Who goes first alternates.

The peer does what RandomizedSearchCV does (draw from distributions, clone the pipeline, fit, score), but with one
hold-out split instead of several folds, and until the clock says stop: within a wall-clock limit that gives it
several times more candidates than RandomizedSearchCV itself, which knows no clock. It refits its best candidate on
all training rows, within the time. cotune keeps its validation rows to the end: it refits nothing.

    python benchmarks/tables.py                         three tables, three minutes a side
    python benchmarks/tables.py --data adult --seeds 3  one table, three seeds
    python benchmarks/tables.py --quick                 three tables, one minute a side
    python benchmarks/tables.py --preset best --peer-python PATH   five minutes; against RealMLP-TD and TabM

The last is another comparison: see `table_parts/peers.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from common import Bar, arguments, finish, say
from table_parts import peers

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Table:
    """A data set of the benchmark.

    Args:
        file: name in the data folder.
        target: column to predict.
        metric: accuracy or R².
        bar: what cotune's test score must reach.
        first_train: the first so many rows train and the rest test, by custom; `None` draws a fifth for the test.
    """

    file: str
    target: str
    metric: str
    bar: float
    first_train: int | None = None


TABLES = {
    "adult": Table("adult.csv", "income", "accuracy", 0.852),
    "california": Table("california_housing.csv", "median_house_value", "r2", 0.80),
    "letter": Table("letter.csv", "class", "accuracy", 0.965, first_train=16_000),
}
QUICK_TABLE, QUICK_ROWS = "california", 1_000
"""The table, and its training and validation rows, of `--preset best --quick`: TabM has no time limit."""
SIDES = ("cotune", "scikit-learn")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""scikit-learn's side works with a process for every core, so that each is to use one thread."""
SCRIPTS = {"cotune": HERE / "sides" / "cotune_side.py", "scikit-learn": HERE / "sides" / "sklearn_side.py"}


def data_folder() -> Path:
    """Where the tables are: COTUNE_DATA, or shared/data beside the project."""
    return Path(os.environ.get("COTUNE_DATA", HERE.parents[1] / "shared" / "data"))


def cut(table: Table, folder: Path, *, seed: int) -> tuple[Path, Path]:
    """Write train.csv and test.csv, the lines as they are in the source."""
    import numpy as np

    header, *lines = (data_folder() / table.file).read_text(encoding="utf-8").splitlines()
    order = np.arange(len(lines))
    count = table.first_train
    if count is None:
        order = np.random.default_rng(seed).permutation(len(lines))
        count = round(0.8 * len(lines))
    paths = folder / "train.csv", folder / "test.csv"
    for path, rows in zip(paths, (order[:count], order[count:]), strict=True):
        path.write_text("\n".join([header, *(lines[i] for i in rows)]) + "\n", encoding="utf-8")
    return paths


def measure(
    side: str, table: Table, folder: Path, *, seconds: float, cores: int, seed: int
) -> dict[str, Any]:
    """One side's row: score, seconds, candidates."""
    request = {
        "train": str(folder / "train.csv"),
        "test": str(folder / "test.csv"),
        "target": table.target,
        "metric": table.metric,
        "seconds": seconds,
        "cores": cores,
        "seed": seed,
        "out": str(folder / "study"),
    }
    command = [sys.executable, str(SCRIPTS[side]), json.dumps(request)]
    environment = {**os.environ, **(ONE_THREAD if side == "scikit-learn" else {})}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=3 * seconds + 300, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{side} failed on {table.file}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(names: list[str], *, seconds: float, seeds: int, cores: int) -> list[dict[str, Any]]:
    """A row for every table, seed and side."""
    rows: list[dict[str, Any]] = []
    for place, (name, seed) in enumerate((name, seed) for name in names for seed in range(seeds)):
        with tempfile.TemporaryDirectory(prefix="cotune-bench-") as scratch:
            cut(TABLES[name], Path(scratch), seed=seed)
            for side in SIDES if place % 2 == 0 else SIDES[::-1]:
                found = measure(side, TABLES[name], Path(scratch), seconds=seconds, cores=cores, seed=seed)
                row = {"data": name, "seed": seed, "side": side, "metric": TABLES[name].metric, **found}
                say(f"{name} seed {seed} {side}: {row['score']:.4f} in {row['seconds']:.1f} s")
                rows.append(row)
    return rows


def bars_of(rows: list[dict[str, Any]]) -> list[Bar]:
    """Medians over seeds: against the fixed bar of each table, and against the peer."""
    bars = []
    for name in dict.fromkeys(row["data"] for row in rows):
        ours, peer = (
            median(row["score"] for row in rows if row["data"] == name and row["side"] == side)
            for side in SIDES
        )
        words = f"{name}: test {TABLES[name].metric}"
        bars.append(Bar(words, ours, TABLES[name].bar))
        bars.append(Bar(f"{words} against scikit-learn's", ours, peer))
    return bars


def against_tuned_defaults(parser: ArgumentParser, asked: Namespace, names: list[str]) -> int:
    """`--preset best` against RealMLP-TD and TabM, on the tables that are there."""
    if asked.peer_python is None or not asked.peer_python.exists():
        parser.error("--preset best needs --peer-python, a Python with pytabkit: see docs/benchmarks.md")
    if asked.quick and not asked.data:
        names = [QUICK_TABLE]
    there = [name for name in names if (data_folder() / TABLES[name].file).is_file()]
    for name in set(names) - set(there):
        say(
            f"{name} is skipped: {TABLES[name].file} is not in {data_folder()} (COTUNE_DATA names the folder)"
        )
    settings = peers.Asked(
        seconds=asked.seconds or (40.0 if asked.quick else 300.0),
        seeds=asked.seeds,
        cores=asked.cores,
        python=asked.peer_python.absolute(),
        rows=QUICK_ROWS if asked.quick else None,
        peers=tuple(asked.peer or peers.PEERS),
        to_the_end=asked.to_the_end,
    )
    rows, bars = peers.run({name: TABLES[name] for name in there}, cut, settings)
    return finish(rows, bars, as_json=asked.json)


def main() -> int:
    """Run what the command line asks for."""
    parser = arguments("cotune against scikit-learn's random search over MLPs, in equal time.")
    parser.add_argument("--data", action="append", choices=sorted(TABLES), help="a table; all by default")
    parser.add_argument("--seconds", type=float, help="wall-clock time a side: 180, or 60 with --quick")
    parser.add_argument("--seeds", type=int, default=1, help="repetitions with other seeds")
    parser.add_argument("--cores", type=int, default=2, help="cores a side may use")
    parser.add_argument("--preset", choices=("balanced", "best"), default="balanced", help="of cotune's side")
    parser.add_argument("--peer-python", type=Path, help="Python with pytabkit, for --preset best")
    parser.add_argument("--peer", action="append", choices=peers.PEERS, help="a peer; both by default")
    parser.add_argument("--to-the-end", action="store_true", help="RealMLP may take longer than the others")
    asked = parser.parse_args()
    names = asked.data or list(TABLES)
    if asked.preset == "best":
        return against_tuned_defaults(parser, asked, names)
    missing = [TABLES[name].file for name in names if not (data_folder() / TABLES[name].file).is_file()]
    if missing:
        parser.error(
            f"{', '.join(missing)} is not in {data_folder()}; set COTUNE_DATA to the folder with the data"
        )
    seconds = asked.seconds or (60.0 if asked.quick else 180.0)
    rows = run(names, seconds=seconds, seeds=asked.seeds, cores=asked.cores)
    return finish(rows, bars_of(rows), as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
