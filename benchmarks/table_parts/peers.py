"""cotune's `--preset best` against RealMLP-TD and TabM with their tuned defaults, on the same rows and cores.

All sides get the training rows and the validation rows of cotune's own split, and are scored by one piece of code on
test rows that none has seen. cotune stops at the time limit, RealMLP too if it gets so far; TabM runs to its end.

| symbol | meaning                                                                          |
|--------|----------------------------------------------------------------------------------|
| d      | cotune's test score less a peer's                                                 |
| noise  | standard deviation of d over seeds; of one or two seeds, over bootstraps of the test rows |
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from common import Bar, say
from sklearn.metrics import accuracy_score, r2_score

HERE = Path(__file__).parents[1]
PEERS = ("RealMLP_TD", "TabM_D")
LONGEST = 3 * 3600.0
"""Seconds after which a peer that does not end is given up."""
RESAMPLES = 500
SEEDS_FOR_NOISE = 3
TEST = 0.02
"""Share of its rows that a study keeps for a test of its own; neither side trains on them."""


@dataclass(frozen=True)
class Asked:
    """What is the same for all tables: see `tables.py --help`."""

    seconds: float
    seeds: int
    cores: int
    python: Path
    rows: int | None = None
    peers: tuple[str, ...] = PEERS
    to_the_end: bool = False
    """Whether RealMLP may take longer than the others, as TabM does."""


def parts(train: Path, target: str, *, seed: int) -> dict[str, list[int]]:
    """Row numbers of cotune's own training and validation rows."""
    from cotune.data import load, split
    from cotune.recipe.schema import SplitSection

    dataset = load(train, target=target)
    splits = split(dataset, SplitSection(test=TEST), seed=seed)
    fold = splits.folds[0]
    with train.open(encoding="utf-8") as lines:
        assert dataset.rows == sum(1 for _ in lines) - 1, "a row without a target would shift the others"
    return {"train": np.sort(fold.train).tolist(), "validation": np.sort(fold.validation).tolist()}


def fit(side: str, request: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """Run one side in a process of its own; its row without the score."""
    script = "cotune_side.py" if side == "cotune" else "pytabkit_side.py"
    python = sys.executable if side == "cotune" else str(asked.python)
    folder = Path(request["predictions"]).parent
    # The pytabkit side gets its row numbers in a file: they may be more than a command line holds.
    rest = {key: value for key, value in request.items() if key != "parts"}
    (folder / "parts.json").write_text(json.dumps(request["parts"]), encoding="utf-8")
    command = [python, str(HERE / "sides" / script), json.dumps({**rest, "model": side})]
    environment = {key: value for key, value in os.environ.items() if side == "cotune" or key != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=LONGEST, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{side} failed on {request['train']}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(
    tables: Mapping[str, Any], cut: Callable[..., tuple[Path, Path]], asked: Asked
) -> tuple[list[dict[str, Any]], list[Bar]]:
    """Rows for every table, seed and side, and the bars. Who goes first alternates."""
    rows: list[dict[str, Any]] = []
    leads: dict[tuple[str, str], list[float]] = {}
    spreads: dict[tuple[str, str], list[float]] = {}
    for place, (name, seed) in enumerate((name, seed) for name in tables for seed in range(asked.seeds)):
        table = tables[name]
        with tempfile.TemporaryDirectory(prefix="cotune-bench-") as scratch:
            train, test = cut(table, Path(scratch), seed=seed)
            if asked.rows is not None:
                _shorten(train, asked.rows, seed=seed)
            request = {
                "train": str(train), "test": str(test), "target": table.target, "metric": table.metric,
                "seconds": asked.seconds, "cores": asked.cores, "seed": seed, "preset": "best",
                "out": str(Path(scratch) / "study"), "predictions": str(Path(scratch) / "predictions.json"),
                "parts": parts(train, table.target, seed=seed), "to_the_end": asked.to_the_end,
            }  # fmt: skip
            truth = _truth(test, table)
            found: dict[str, np.ndarray] = {}
            sides = ("cotune", *asked.peers)
            turn = place % len(sides)
            for side in (*sides[turn:], *sides[:turn]):
                row = fit(side, request, asked)
                said = json.loads(Path(request["predictions"]).read_text(encoding="utf-8"))
                found[side] = np.array(said)
                row |= {"data": name, "seed": seed, "side": side, "metric": table.metric}
                row["score"] = _score(truth, found[side], table.metric)
                say(f"{name} seed {seed} {side}: {row['score']:.4f} in {row['seconds']:.1f} s")
                rows.append(row)
            for peer in asked.peers:
                lead, spread = _lead(truth, found["cotune"], found[peer], table.metric)
                leads.setdefault((name, peer), []).append(lead)
                spreads.setdefault((name, peer), []).append(spread)
    return rows, bars_of(leads, spreads)


def bars_of(
    leads: Mapping[tuple[str, str], Sequence[float]], spreads: Mapping[tuple[str, str], Sequence[float]]
) -> list[Bar]:
    """At least as good as both peers on all tables but one, and there not worse by more than noise.

    Args:
        leads: (table, peer) → d of each seed.
        spreads: (table, peer) → its standard deviation over bootstraps, of each seed.
    """
    tables = list(dict.fromkeys(name for name, _ in leads))
    worst: dict[str, float] = {}
    bars = []
    for name in tables:
        each = []
        for peer in [peer for table, peer in leads if table == name]:
            lead = leads[name, peer]
            noise = stdev(lead) if len(lead) >= SEEDS_FOR_NOISE else mean(spreads[name, peer])
            bars.append(Bar(f"{name}: test score less {peer}'s", mean(lead), -noise, goal=0.0))
            each.append(mean(lead))
        worst[name] = min(each)
    ahead = sum(lead >= 0 for lead in worst.values())
    bars.append(
        Bar("tables with a score at least both peers'", ahead, max(0, len(tables) - 1), goal=len(tables))
    )
    return bars


def _shorten(path: Path, rows: int, *, seed: int) -> None:
    """Keep so many rows of a CSV file, drawn by the seed."""
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    kept = np.sort(np.random.default_rng(seed).permutation(len(lines))[:rows])
    path.write_text("\n".join([header, *(lines[i] for i in kept)]) + "\n", encoding="utf-8")


def _truth(path: Path, table: Any) -> np.ndarray:
    import polars as pl

    column = pl.read_csv(path, infer_schema_length=None)[table.target]
    if table.metric == "accuracy":
        return column.cast(pl.String).str.strip_chars().to_numpy().astype(str)
    return column.to_numpy().astype(float)


def _score(truth: np.ndarray, found: np.ndarray, metric: str) -> float:
    return float(accuracy_score(truth, found) if metric == "accuracy" else r2_score(truth, found))


def _lead(truth: np.ndarray, ours: np.ndarray, peer: np.ndarray, metric: str) -> tuple[float, float]:
    """d, and its standard deviation over bootstraps of the test rows."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(truth), len(truth)) for _ in range(RESAMPLES)]
    leads = [_score(truth[i], ours[i], metric) - _score(truth[i], peer[i], metric) for i in drawn]
    return _score(truth, ours, metric) - _score(truth, peer, metric), float(np.std(leads))
