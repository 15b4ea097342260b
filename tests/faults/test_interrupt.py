"""Ctrl-C, full and read-only disks, two processes at one study."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from faults.process import STUDY, end, kill, launch, run, tune_words, wait_for
from faults.test_kill import acknowledged, boundaries, check_nothing_lost
from study.tiny import command, lasting, view_of


def interrupt(data: Path, out: Path, *, times: int, at: int = 20) -> tuple[int, str, str]:
    """Start the study and press Ctrl-C in training."""
    process = launch(*tune_words(data, out, STUDY))
    assert wait_for(lambda: boundaries(out) >= at, process)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    return end(process)


def test_ctrl_c_ends_with_the_best_so_far_and_resume_goes_on(
    data: Path, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "study"
    code, said, err = interrupt(data, out, times=1)
    assert code == 130
    assert "stopping with the best so far" in err
    assert "Traceback" not in err
    assert "resume" in said
    view = view_of(out)
    assert view.meta.get("finished") is None
    assert command("predict", out, data).code == 0
    assert view.summary()["best"]["test_score"] is None, "the test rows wait for the end"
    before = acknowledged(out, tmp_path)
    assert run("resume", out)[0] == 0
    check_nothing_lost(before, acknowledged(out, tmp_path))
    assert lasting(out) == uninterrupted


def test_a_second_ctrl_c_ends_at_once(data: Path, uninterrupted: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "study"
    process = launch(*tune_words(data, out, STUDY))
    assert wait_for(lambda: boundaries(out) >= 20, process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "stopping with the best so far" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    code, said, err = end(process)
    assert said == "", "it has not waited for the clean ending of the first"
    assert code == 130
    assert "Traceback" not in err
    assert run("resume", out)[0] == 0
    assert lasting(out) == uninterrupted


def test_a_ctrl_c_while_starting_is_no_traceback(data: Path, tmp_path: Path) -> None:
    process = launch(*tune_words(data, tmp_path / "study", STUDY))
    assert process.stderr is not None
    assert "tuning" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert code == 130
    assert "Traceback" not in err


def test_a_ctrl_c_in_an_ablation_leaves_the_study_as_it_was(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    assert command(*tune_words(data, out, STUDY)).code == 0
    before = lasting(out)
    process = launch("ablate", out, "--seeds", 50)
    assert process.stderr is not None
    while "networks of" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    code, said, err = end(process)
    assert code == 130
    assert "stopping with the seeds that are complete" in err
    assert "Traceback" not in err
    assert "resume" not in err
    assert (out / "ablation.json").exists() is ("worth:" in said)
    assert lasting(out) == before


def test_two_processes_cannot_train_one_study(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    first = launch(*tune_words(data, out, STUDY))
    assert wait_for(lambda: boundaries(out) >= 1, first)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        for words in (("resume", out), tune_words(data, out, STUDY)):
            said = command(*words)
            assert said.code == 2
            assert str(out) in said.err
        assert "another process is training" in command("resume", out).err
        assert command("leaderboard", out, "--json").code == 0, "a running study can be read"
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert end(first)[0] == 0


def fill(disk: Path, *, leave: int = 0) -> Path:
    """Take all the space that is left, but for some bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as handle:
        try:
            while True:
                handle.write(b"\0" * 4096)
        except OSError:
            os.truncate(ballast, max(0, handle.tell() - leave))
            return ballast


@pytest.mark.parametrize(
    "leave",
    [pytest.param(0, marks=pytest.mark.slow, id="for a record"), pytest.param(60_000, id="for a snapshot")],
)
def test_a_full_disk_is_an_error_and_resume_goes_on_after_freeing(
    leave: int, data: Path, uninterrupted: dict[str, Any], small_disk: Path, tmp_path: Path
) -> None:
    out = small_disk / "study"
    process = launch(*tune_words(data, out, STUDY))
    assert wait_for(lambda: boundaries(out) >= 20, process)
    os.kill(process.pid, signal.SIGSTOP)
    ballast = fill(small_disk, leave=leave)
    os.kill(process.pid, signal.SIGCONT)
    code, _, err = end(process)
    assert code == 2
    assert "Traceback" not in err
    assert "error: " in err
    assert "resume" in err
    before = acknowledged(out, tmp_path)
    code, _, err = run("resume", out)  # still full
    assert code == 2
    assert "Traceback" not in err
    ballast.unlink()
    assert run("resume", out)[0] == 0
    check_nothing_lost(before, acknowledged(out, tmp_path))
    assert lasting(out) == uninterrupted


def test_a_disk_full_from_the_start_is_an_error(data: Path, small_disk: Path) -> None:
    fill(small_disk)
    said = command(*tune_words(data, small_disk / "study", STUDY))
    assert said.code == 2
    assert str(small_disk) in said.err
    assert "--out" in said.err


def test_a_read_only_study_can_be_read_and_not_resumed(data: Path, small_disk: Path) -> None:
    out = small_disk / "study"
    process = launch(*tune_words(data, out, STUDY))
    assert wait_for(lambda: boundaries(out) >= 20, process)
    kill(process)
    shutil.copytree(out, small_disk / "done")
    assert run("resume", small_disk / "done")[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    said = command("resume", out)
    assert said.code == 2
    assert "cannot write to" in said.err
    for words in (("leaderboard",), ("show",)):
        assert command(*words, small_disk / "done", "--json").code == 0
    said = command("report", small_disk / "done")
    assert said.code == 2
    assert "report.html" in said.err
    said = command(*tune_words(data, small_disk / "new", STUDY))
    assert said.code == 2
    assert "choose another --out" in said.err
