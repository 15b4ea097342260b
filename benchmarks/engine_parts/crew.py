"""The processes of a case, and what the parent asks of them."""

import json
import os
import select
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


class Ended(Unavailable):
    """A side took too long; the processes of its place were ended and started anew, empty."""


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

    def hear(self, patience: float | None = None) -> Any:
        """The answer.

        Args:
            patience: seconds to wait for it; for ever if `None`.

        Raises:
            Unavailable: it is an error.
            TimeoutError: there is none yet.
        """
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience)[0]:
            raise TimeoutError
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f"a process of the benchmark ended with code {code}; what it printed says why")
        found = json.loads(line)
        if "error" in found:
            raise Unavailable(found["error"])
        return found["answer"]

    def close(self) -> None:
        """End the process when it has answered."""
        self._process.communicate("")

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.communicate()


class Crew:
    """A process for all cores, one for each core, and one for our engine; started for a case, ended after it."""

    def __init__(self, case: str) -> None:
        self._case = case
        self._seats = {place: self._start(place) for place in ("wide", "each", "ours")}

    def _start(self, place: str) -> list[Seat]:
        if place == "each":
            return [Seat(number, ONE_THREAD) for number in range(cores())]
        return [Seat(0, {})]

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

    def ask(self, do: str, spec: Spec, patience: float | None = None, **more: Any) -> list[Any]:
        """The answers of all processes of the side's place, at work at once.

        Args:
            do: what `serve.Server` knows.
            spec: the side.
            patience: seconds for each answer.

        Raises:
            Unavailable: a process says why.
            Ended: an answer took too long.
        """
        seats = self._seats[spec.place]
        for seat in seats:
            seat.tell(do=do, spec=spec.key, case=self._case, **more)
        try:
            heard = [_heard(seat, patience) for seat in seats]
        except TimeoutError:
            for seat in seats:
                seat.kill()
            self._seats[spec.place] = self._start(spec.place)
            raise Ended(f"not ready after {patience:.0f} seconds") from None
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


def _heard(seat: Seat, patience: float | None) -> Any:
    """The answer, or the reason why there is none: the other processes are to be heard first."""
    try:
        return seat.hear(patience)
    except Unavailable as error:
        return error
