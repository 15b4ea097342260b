"""Rows that lie in files, under SIGKILL and on a full disk."""

from pathlib import Path
from typing import Any

import pytest

from faults.process import STUDY, kill, launch, run, tune_words, wait_for
from faults.test_interrupt import fill
from faults.test_kill import boundaries, survive
from study.tiny import command, lasting

IN_FILES = (*STUDY, "--set", "memory=1kB")


def written(study: Path) -> dict[str, int]:
    """When each file of rows was written, in nanoseconds."""
    return {str(p.relative_to(study)): p.stat().st_mtime_ns for p in (study / "rows").rglob("*.npy")}


@pytest.mark.slow
def test_kills_change_nothing(data: Path, uninterrupted: dict[str, Any], tmp_path: Path) -> None:
    survive(data, tmp_path / "killed", IN_FILES, kills=3, seed=2)
    assert lasting(tmp_path / "killed") == uninterrupted, "as in memory, where nobody was killed"


def test_a_resumed_study_finds_its_rows(data: Path, uninterrupted: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = launch(*tune_words(data, out, IN_FILES))
    assert wait_for(lambda: boundaries(out) >= 20, process)
    kill(process)
    before = written(out)
    assert "rows/table/y.npy" in before
    assert any(name.startswith("rows/prepared/") for name in before)
    process = launch("resume", out)
    goal = boundaries(out) + 5
    assert wait_for(lambda: boundaries(out) >= goal, process)
    kill(process)
    after = written(out)
    assert before.items() <= after.items()
    assert run("resume", out)[0] == 0
    assert lasting(out) == uninterrupted
    assert not (out / "rows").exists()


@pytest.mark.slow
def test_killed_while_reading_the_same_command_starts_anew(
    data: Path,
    uninterrupted: dict[str, Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "study"
    process = launch(*tune_words(data, out, IN_FILES))
    assert wait_for(lambda: (out / "rows" / "table" / "000003.npy").exists(), process, pause=0.0)
    kill(process)
    assert not (out / "study.sqlite").exists()
    assert run(*tune_words(data, out, IN_FILES))[0] == 0
    assert lasting(out) == uninterrupted


@pytest.mark.parametrize(
    "leave", [4_000, 200_000, 600000], ids=["for the first column", "for columns", "for rows"]
)
def test_a_full_disk_is_an_error_with_a_remedy(leave: int, data: Path, small_disk: Path) -> None:
    out = small_disk / "study"
    ballast = fill(small_disk, leave=leave)
    said = command(*tune_words(data, out, IN_FILES))
    assert said.code == 2
    assert "Traceback" not in said.err
    assert f"cannot write to {out}" in said.err
    assert "No space left" in said.err
    assert "--out" in said.err
    assert not (out / "rows").exists(), "half a table helps nobody"
    ballast.unlink()
    assert command(*tune_words(data, out, (*IN_FILES, "--trials", "2", "--epochs", "1"))).code == 0
