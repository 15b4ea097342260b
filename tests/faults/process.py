"""A study in a process of its own, to be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sklearn.datasets import load_digits

from study.tiny import lasting

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

PATIENT = 120.0
"""Seconds after which waiting has failed."""

STUDY = (
    "--trials", "40", "--epochs", "12", "--set", "width=[16, 32]", "--set", "depth=1",
    "--set", "activation=[relu, tanh]", "--set", "lanes=8",
)  # fmt: skip
"""Two structures, rungs at 3 and 9 epochs, refills: about two seconds of training in a hundred boundaries."""


def digits(path: Path, rows: int) -> Path:
    """So many handwritten digits as a CSV file: p0 … p63, and y."""
    data = load_digits()
    head = ",".join([*(f"p{i}" for i in range(64)), "y"])
    body = [",".join([*(f"{v:g}" for v in x), str(y)]) for x, y in zip(data.data, data.target, strict=True)]
    path.write_text("\n".join([head, *body[:rows]]) + "\n")
    return path


def launch(*words: object) -> "subprocess.Popen[str]":
    """`cotune WORDS…` in a process, one thread."""
    return subprocess.Popen(
        [sys.executable, "-c", "from cotune.cli import main; main()", *map(str, words)],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Wait for a process: its exit code and what it printed."""
    out, err = process.communicate(timeout=PATIENT)
    return process.returncode, out, err


def run(*words: object) -> tuple[int, str, str]:
    """`launch` and `end`."""
    return end(launch(*words))


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL, which no process can catch."""
    process.send_signal(signal.SIGKILL)
    end(process)


def wait_for(true: Callable[[], bool], process: "subprocess.Popen[str]", *, pause: float = 0.002) -> bool:
    """Wait until something holds; `False` when the process has ended before."""
    until = time.monotonic() + PATIENT
    while time.monotonic() < until:
        if true():
            return True
        if process.poll() is not None:
            return False
        time.sleep(pause)
    raise TimeoutError(f"waited {PATIENT:g} seconds in vain")


def tune_words(data: Path, out: Path, words: Sequence[str]) -> list[str]:
    """The command line of a study in `out`."""
    return ["tune", str(data), "--target", "y", "--out", str(out), *words]


def undisturbed(data: Path, folder: Path, words: tuple[str, ...]) -> dict[str, Any]:
    code, _, err = run(*tune_words(data, folder / "whole", words))
    assert code == 0, err
    return lasting(folder / "whole")
