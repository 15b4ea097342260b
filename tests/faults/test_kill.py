"""SIGKILL at any moment: nothing is lost or counted twice, and the end is bit for bit as it would have been."""

import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faults.process import STUDY, kill, launch, run, tune_words, undisturbed, wait_for
from study.tiny import command, lasting


def acknowledged(study: Path, scratch: Path) -> dict[str, dict[Any, Any]]:
    """Every row of records and boundaries by its key; read from a copy, so that the killed store stays as it is."""
    copy = scratch / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in study.glob("study.sqlite*"):
        shutil.copy(file, copy / file.name)
    if not (copy / "study.sqlite").exists():
        return {"records": {}, "boundaries": {}, "ended": {}}
    connection = sqlite3.connect(copy / "study.sqlite")
    queries = {
        "records": ("SELECT * FROM records", 3),
        "boundaries": ("SELECT * FROM boundaries", 1),
        "ended": ("SELECT * FROM trials WHERE ended IS NOT NULL", 1),
    }
    found = {name: {row[:n]: row for row in connection.execute(q)} for name, (q, n) in queries.items()}
    connection.close()
    return found


def boundaries(study: Path) -> int:
    """Acknowledged boundaries, as another process sees them; 0 before the store is there."""
    try:
        connection = sqlite3.connect(f"file:{study / 'study.sqlite'}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM boundaries").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def check_nothing_lost(before: dict[str, dict[Any, Any]], after: dict[str, dict[Any, Any]]) -> None:
    """All that was acknowledged is still there, unchanged to the last bit, its times included."""
    for name, rows in before.items():
        assert rows.items() <= after[name].items(), f"{name} were lost or changed"


def survive(data: Path, out: Path, words: tuple[str, ...], *, kills: int, seed: int) -> int:
    """Train with kills at random moments; the count of kills that hit a training process."""
    luck = random.Random(seed)
    known = acknowledged(out, out.parent)
    hits = 0
    for number in range(kills):
        begun = (out / "study.sqlite").exists()
        process = launch("resume", out) if begun else launch(*tune_words(data, out, words))
        if number % 5 == 4:  # any moment: importing, reading, rebuilding
            time.sleep(luck.uniform(0.0, 3.0))
        else:  # a moment of training
            goal = boundaries(out) + luck.randint(1, 8)
            wait_for(lambda goal=goal: boundaries(out) >= goal, process)
            time.sleep(luck.uniform(0.0, 0.02))
        training = process.poll() is None
        kill(process)
        now = acknowledged(out, out.parent)
        check_nothing_lost(known, now)
        hits += training and len(now["boundaries"]) > len(known["boundaries"])
        known = now
    code, _, err = (
        run("resume", out) if (out / "study.sqlite").exists() else run(*tune_words(data, out, words))
    )
    assert code == 0, err
    check_nothing_lost(known, acknowledged(out, out.parent))
    return hits


def test_three_kills(data: Path, uninterrupted: dict[str, Any], tmp_path: Path) -> None:
    hits = survive(data, tmp_path / "killed", STUDY, kills=3, seed=1)
    assert hits == 3
    assert lasting(tmp_path / "killed") == uninterrupted


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_thirty_kills_of_one_study(data: Path, tmp_path: Path) -> None:
    words = (*STUDY, "--trials", "120", "--epochs", "27")
    whole = undisturbed(data, tmp_path, words)
    hits = survive(data, tmp_path / "killed", words, kills=30, seed=7)
    assert hits >= 20
    assert lasting(tmp_path / "killed") == whole


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("more", [
    ("--search", "tpe"), ("--search", "gp", "--trials", "20"), ("--search", "random", "--cv", "3"),
    ("--cv", "5", "--set", "rung_by=folds"), ("--set", "confirm=2"),
    ("--search", "cmaes"), ("--search", "genetic"), ("--set", "lane_epochs=150", "--set", "lanes=7"),
    ("--stop", "auto", "--trials", "200", "--set", "seeds=2", "--set", "rungs=false", "--epochs", "3"),
    ("--set", "seeds=2"), ("--set", "rungs=false", "--set", "patience=2"),
    ("--objectives", "size,log_loss", "--set", "width=[8, 16, 32]", "--at-most", "size=1200"),
    ("--set", "pause=true", "--set", "lanes=3"), ("--search", "pbt"), ("--search", "pb2", "--cv", "2"),
    ("--set", "norm=batch", "--set", "optimizer=sgd", "--set", "lr={low: 0.1, high: 1e6, log: true}"),
], ids=" ".join)  # fmt: skip
def test_every_kind_of_study_survives(more: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    words = (*STUDY, *more)
    whole = undisturbed(data, tmp_path, words)
    assert survive(data, tmp_path / "killed", words, kills=4, seed=3) >= 2
    assert lasting(tmp_path / "killed") == whole


def killed_at(data: Path, out: Path, moment: Callable[[], bool]) -> bool:
    """Start the study and kill it at a moment; `False` when it ended before."""
    process = launch(*tune_words(data, out, STUDY))
    hit = wait_for(moment, process, pause=0.0)
    kill(process)
    return hit


def test_killed_while_a_snapshot_is_written(
    data: Path, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:
    for attempt in range(5):
        out = tmp_path / f"killed{attempt}"
        snapshots = out / "snapshots"
        seen = killed_at(data, out, lambda snapshots=snapshots: any(snapshots.glob(".*.partial")))
        if seen and list(snapshots.glob(".*.partial")):
            break
    assert list(snapshots.glob(".*.partial")), "no kill met a half-written snapshot"
    assert run("resume", out)[0] == 0
    assert lasting(out) == uninterrupted


@pytest.mark.parametrize(
    "damage", ["flipped", *(pytest.param(how, marks=pytest.mark.slow) for how in ("cut", "all gone"))]
)
def test_damaged_snapshots_cost_training_again_and_nothing_else(
    damage: str, data: Path, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:
    for attempt in range(5):  # a quick machine may be done before there are two
        out = tmp_path / f"killed{attempt}"
        if killed_at(data, out, lambda out=out: boundaries(out) >= 10 and len(files(out)) == 2):
            break
    assert len(files(out)) == 2, "no kill met two snapshots"
    newest = files(out)[-1]
    content = newest.read_bytes()
    if damage == "cut":
        newest.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        newest.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    else:
        for file in files(out):
            file.unlink()
    before = acknowledged(out, tmp_path)
    assert run("resume", out)[0] == 0
    check_nothing_lost(before, acknowledged(out, tmp_path))
    assert lasting(out) == uninterrupted


def files(study: Path) -> list[Path]:
    return sorted((study / "snapshots").glob("*.safetensors"))


def test_killed_before_the_store_is_made_the_same_command_starts_anew(
    data: Path, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    assert killed_at(data, out, lambda: (out / "lock").exists())
    assert not (out / "study.sqlite").exists()
    code, _, err = run("resume", out)
    assert code == 2
    assert "no study" in err
    assert run(*tune_words(data, out, STUDY))[0] == 0
    assert lasting(out) == uninterrupted


def test_a_second_resume_of_a_finished_study_changes_nothing(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "done"
    assert command(*tune_words(data, out, (*STUDY, "--trials", "4", "--epochs", "2"))).code == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    said = command("resume", out)
    assert said.code == 0
    assert "nothing to resume" in said.err
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
