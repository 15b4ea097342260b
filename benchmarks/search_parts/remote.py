"""Peers in another environment: a worker process that speaks JSON, a line each way.

| line to the worker                                       | its answer                                |
|----------------------------------------------------------|-------------------------------------------|
| {"begin": {peer, seed, epochs, slots, maximize, top, …}} | {"ready": "class of the peer"}            |
| {"start": free slots}                                    | {"start": [[number, params], …], seconds} |
| {"show": [[number, epoch, figure or null], …]}           | {"leave": [numbers], seconds}             |

Beside these `begin` has `space`, a list of {name, kind, low, high, log}, and `rows`, the only configurations there are,
or null. `seconds` is what the worker was thinking for, without the way there and back. A worker that fails answers
{"error": "…"}.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from search_parts.simulator import SLOTS
from search_parts.slots import Shown, Start
from search_parts.tasks import Task, TaskSet

PYTHONS: dict[str, str] = {}
"""Peer → the Python of its environment; "" is for all that have no row. Filled by `--peer-python`."""


@dataclass(frozen=True)
class Peer:
    """A row of the table.

    Args:
        module: of `search_parts.peers`, in the worker.
        package: what its environment needs: the name to install.
        words: what it is, for the reader.
        adapter: raised when the adapter changes what it does.
    """

    module: str
    package: str
    words: str
    adapter: int = 1

    def release(self) -> str:
        """The installed release, with the adapter's number; "absent" where there is none."""
        return f"{_release(python_of(self.package), self.package)}-{self.adapter}"

    @property
    def present(self) -> bool:
        """Whether it can take part."""
        return _release(python_of(self.package), self.package) != "absent"


PEERS: dict[str, Peer] = {
    "HEBO": Peer("hebo", "HEBO", "asked for all free slots at once, every trial in full"),
    "SMAC3": Peer("smac", "smac", "MultiFidelityFacade: Hyperband with random forests"),
    "BOHB": Peer("bohb", "hpbandster", "Hyperband with kernel densities"),
    "DEHB": Peer("dehb", "dehb", "Hyperband with differential evolution"),
    "NePS PriorBand": Peer("neps", "neural-pipeline-search", "Hyperband around a prior at the centre"),
}


def python_of(package: str) -> str:
    """The Python that `package` is to be found in."""
    return PYTHONS.get(package, PYTHONS.get("", sys.executable))


@cache
def _release(python: str, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return "absent"
    return done.stdout.strip() if done.returncode == 0 else "absent"


def described(task: Task) -> list[dict[str, Any]]:
    """A task's space in plain words. LCBench and TaskSet have numbers only."""
    rows = []
    for p in task.space.parameters:
        setting: Any = p.setting
        rows.append(
            {"name": p.name, "kind": p.kind, "low": setting.low, "high": setting.high, "log": setting.log}
        )
    return rows


class Remote:
    """A peer in a worker.

    Args:
        task: what is searched.
        seed: of the peer.
        name: a key of `PEERS`.
        slots: trials at once.
        command: the worker; by default that of this file's folder, with the peer's Python.
    """

    def __init__(
        self, task: Task, seed: int, *, name: str, slots: int = SLOTS, command: Sequence[str] | None = None
    ) -> None:
        peer = PEERS[name]
        self._name = name
        self._folder = tempfile.TemporaryDirectory(prefix="cotune-peer-")
        root = Path(__file__).resolve().parents[1]
        # Behind the environment's own packages: ours must not stand in for theirs.
        code = f"import sys; sys.path.append({str(root)!r}); from search_parts.worker import main; main()"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(
            command or [python_of(peer.package), "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder.name,  # peers write logs where they stand
            env={**environment, "PYTHONHASHSEED": str(seed)},
        )
        self.proposing = 0.0
        rows = task.rows if isinstance(task, TaskSet) else None
        about = {"peer": peer.module, "seed": seed, "epochs": task.epochs, "slots": slots}
        top = 100.0 if task.maximize else 0.0  # per cent
        self.ready = self._say(
            {
                "begin": {
                    **about,
                    "maximize": task.maximize,
                    "top": top,
                    "space": described(task),
                    "rows": rows,
                }
            }
        )["ready"]

    def start(self, free: int) -> list[Start]:
        """Ask the worker."""
        return [(number, params) for number, params in self._say({"start": free})["start"]]

    def show(self, figures: Sequence[Shown]) -> list[int]:
        """Tell the worker."""
        plain = [[n, epoch, None if math.isnan(figure) else figure] for n, epoch, figure in figures]
        leaving: list[int] = self._say({"show": plain})["leave"]
        return leaving

    def _say(self, line: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(line), file=self._process.stdin, flush=True)
            answered = self._process.stdout.readline()
        except BrokenPipeError:
            answered = ""
        answer = json.loads(answered) if answered else {"error": f"exit code {self._process.wait()}"}
        if "error" in answer:
            self.close()
            raise RuntimeError(f"{self._name} failed: {answer['error']}")
        self.proposing += answer.get("seconds", 0.0)
        found: dict[str, Any] = answer
        return found

    def close(self) -> None:
        """End the worker: it goes when nobody speaks to it any more."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()
