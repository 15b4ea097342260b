"""Benchmarks that cannot run here say why."""

import os
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


@pytest.mark.slow
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


def run_here(code: str, *words: str) -> list[str]:
    """What a piece of code prints that runs beside the benchmarks."""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT / "benchmarks")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_benchmark_of_whole_searches_says_what_it_needs(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "time_to_target.py"), "--json"]
    for words, environment, law in (
        (
            ["--task", "cora,corn"],
            {},
            "there is no corn; choose among adult, letter, california, mnist, cora, vowels",
        ),
        ([], {"COTUNE_DATA": str(tmp_path)}, "adult.csv, letter.csv"),
    ):
        done = subprocess.run(
            [*command, *words], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
        )
        assert done.returncode == 2
        assert not done.stdout
        assert law in done.stderr


def test_speed_up_is_the_peers_own_time_to_its_best_by_ours() -> None:
    code = """
from target_parts.figures import bars_of, compared, table
def row(side, trace, loss): return {"side": side, "trace": trace, "test": {"log_loss": loss, "accuracy": 0.5}}
slow, fast = row("ray", [[10, -3], [50, -2]], 2.0), row("optuna-tpe", [[10, -3], [100, -1]], 1.0)
ahead = compared([row("cotune", [[5, -4], [20, -1], [90, -0.5]], 0.5), slow, fast])
print(ahead["best_peer"], ahead["speed_up"], ahead["speed_ups"], ahead["lead"], ahead["leads_on_the_way"]["30"])
tied = compared([row("cotune", [[5, -1]], 0.5), row("ray", [[60, -1]], 2.0), fast])
print(tied["best_peer"], tied["speed_up"])
behind = compared([row("cotune", [[5, -4], [110, -1.5]], 1.5), slow, fast])
print(behind["speed_up"], behind["lead"], behind["test"]["cotune"] - behind["test"]["optuna-tpe"])
print(compared([slow, fast]), compared([row("cotune", [[1, -1]], 1.0), row("ray", [], 0.0)]))
for bar in bars_of({"a": [ahead, ahead, behind], "b": [behind]}): print(bar.value, bar.holds)
print(bars_of({"a": [ahead], "b": [{}]})[-1].value, table({"a": [ahead, behind]})[0]["lost"])
"""
    assert run_here(code) == [
        "optuna-tpe 5.0 {'ray': 2.5, 'optuna-tpe': 5.0} 0.5 2",
        "ray 12.0",
        "0.0 -0.5 -0.5",
        "{} {}",
        "5.0 True", "0.5 True", "0.0 False", "-0.5 False", "2.5 False",
        "None 1",
    ]  # fmt: skip


def test_peers_learning_rates_are_those_of_a_study() -> None:
    code = """
import sys
sys.path.insert(0, "sides/target")
import torch
from training import rates
from cotune.engine.schedules import factors
fixed = {"warmup": 0.05, "final_lr": 0.01, "schedule": "cosine"}
numbers = {name: torch.tensor([fixed[name]]) for name in ("warmup", "final_lr")}
ours = factors(["cosine"], torch.arange(200).unsqueeze(0), total=torch.tensor([200]), numbers=numbers)[0]
print(float((torch.tensor(rates(1.0, 200, fixed)).double() - ours).abs().max()) < 1e-6)
"""
    assert run_here(code) == ["True"]


DATA = Path(os.environ.get("COTUNE_DATA", ROOT.parent / "shared" / "data"))


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets that COTUNE_DATA names")
@pytest.mark.slow
def test_peers_train_the_networks_of_a_study_on_its_rows(tmp_path: Path) -> None:
    code = """
import sys, time
from collections import Counter
sys.path.insert(0, "sides/target")
from pathlib import Path
from target_parts.arrays import middle_lane, ready
from training import Task, Training
for name in ("california", "mnist", "cora", "vowels"):
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    made = ready(name, folder, seed=1)
    lane, _ = middle_lane(made.task, made.source, seed=1)
    config = {key: lane.numbers.get(key) for key in made.task.space}
    config |= {"width": lane.width, "activation": lane.activation, "depth": 2, "filters": 0, "kernel": 0}
    if name == "mnist":
        config |= {"filters": lane.structure.network.filters[0], "kernel": lane.structure.network.kernel}
    task = Task({"arrays": str(made.arrays), "facts": made.facts, "began": time.time(), "seconds": 100.0})
    training = Training(task, config, seed=0)
    theirs = Counter(p.numel() for p in training.network.parameters())
    ours = Counter(w.size for w in lane.structure.network.weights() if not w.name.startswith("head"))
    same = (training.steps, training.batch) == (lane.structure.steps, lane.structure.batch_size)
    print(name, sum((theirs - ours).values()), sum((ours - theirs).values()), same, training.advance() > -50)
"""
    for line in run_here(code, str(tmp_path)):
        # all weights are the same but the head's two, which cotune pads to a multiple of 16 columns
        assert line.split()[1:] == ["2", "0", "True", "True"], line
