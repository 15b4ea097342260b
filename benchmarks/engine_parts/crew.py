"""The processes of a case, and what the parent asks of them."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cotune.engine.parallel import cores
from engine_parts.spec import Spec

ENTRY = Path(__file__).parents[1] / "engine.py"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
QUIET = {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
"""The compiler starts no helper processes that would stay beside what is measured."""


class Unavailable(Exception):
    """A side cannot do the job; says why."""


class Seat:
    """One process."""

    def __init__(self, number: int, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ENTRY), "--serve", str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **QUIET, **environment},
        )

    def tell(self, **asked: Any) -> None:
        """Ask; the answer is heard later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """The answer.

        Raises:
            Unavailable: it is an error.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark died; what it printed says why")
        found = json.loads(line)
        if "error" in found:
            raise Unavailable(found["error"])
        return found["answer"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate("")


class Crew:
    """A process for all cores, one for each core, and one for our engine; started for a case, ended after it."""

    def __init__(self, case: str) -> None:
        self._case = case
        self._seats = {
            "wide": [Seat(0, {})],
            "each": [Seat(number, ONE_THREAD) for number in range(cores())],
            "ours": [Seat(0, {})],
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for seats in self._seats.values():
            for seat in seats:
                seat.close()

    def agree(self) -> list[str]:
        """Let the stacked peers be compared with the plain loop; what was left out."""
        (seat,) = self._seats["wide"]
        seat.tell(do="agree", case=self._case)
        found: list[str] = seat.hear()
        return found

    def ask(self, do: str, spec: Spec, **more: Any) -> list[Any]:
        """The answers of all processes of the side's place, at work at once."""
        seats = self._seats[spec.place]
        for seat in seats:
            seat.tell(do=do, spec=spec.key, case=self._case, **more)
        heard: list[Any] = []
        for seat in seats:
            try:
                heard.append(seat.hear())
            except Unavailable as error:
                heard.append(error)
        for answer in heard:
            if isinstance(answer, Unavailable):
                raise answer
        return heard

    def cost(self, spec: Spec, steps: int) -> float:
        """Microseconds of the whole machine for a step of one network."""
        taken = self.ask("measure", spec, steps=steps)
        return statistics.mean(taken) / len(taken)

    def loss(self, spec: Spec) -> float:
        """Mean over processes."""
        return statistics.fmean(self.ask("loss", spec))
