"""Benchmarks that cannot run here say why."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_the_gpu_benchmark_says_that_there_is_no_gpu() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert not done.stdout
    assert "benchmarks/gpu.py: training.device cuda needs a GPU" in done.stderr


def test_the_benchmark_of_the_best_preset_says_what_it_needs() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--preset", "best", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert not done.stdout
    assert "--preset best needs --peer-python, a Python with pytabkit: see docs/benchmarks.md" in done.stderr


def test_bars_against_tuned_defaults_are_by_table_and_by_noise() -> None:
    code = """
from table_parts.peers import bars_of
leads = {(t, p): [lead] for t, p, lead in [
    ("a", "RealMLP_TD", 0.01), ("a", "TabM_D", 0.0), ("b", "RealMLP_TD", 0.02), ("b", "TabM_D", 0.01),
    ("c", "RealMLP_TD", 0.01), ("c", "TabM_D", -0.02)]}
for noise in (0.03, 0.01):
    bars = bars_of(leads, {key: [noise] for key in leads})
    print([bar.holds for bar in bars], bars[-1].value, bars[-1].bar)
seeds = {key: [lead, lead + 0.02, lead - 0.02] for key, lead in ((k, v[0]) for k, v in leads.items())}
print([round(bar.bar, 3) for bar in bars_of(seeds, {})][:-1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT / "benchmarks"
    )
    assert done.stdout.splitlines() == [
        "[True, True, True, True, True, True, True] 2 2",
        "[True, True, True, True, True, False, True] 2 2",
        "[-0.02, -0.02, -0.02, -0.02, -0.02, -0.02]",
    ], done.stderr


def test_sides_get_the_rows_of_the_studys_own_split(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
import numpy as np, polars as pl
from table_parts.peers import parts
rng = np.random.default_rng(0)
table = pl.DataFrame({"a": rng.normal(size=300), "b": np.arange(300.0) % 7, "y": rng.choice(["u", "v"], 300)})
folder = Path(sys.argv[1])
table.write_csv(folder / "train.csv")
found = parts(folder / "train.csv", "y", seed=3)
import cotune
study = cotune.tune(folder / "train.csv", target="y", test=0.02, seed=3, trials=1, epochs=1, out=folder / "study")
rows = study.view().meta["data"]["parts"]
assert (len(found["train"]), len(found["validation"])) == (rows["train"], rows["validation"]), rows
assert not set(found["train"]) & set(found["validation"])
assert len(found["train"]) + len(found["validation"]) + rows["test"] == 300
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT / "benchmarks")
    assert done.returncode == 0, done.stderr
