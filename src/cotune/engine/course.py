"""A run's course through an epoch, and how it is noticed that a loss is not finite.

On a CPU every step's losses are looked at before weights move by them. On a GPU a look waits for all that the device
has been given to do, so steps are taken in windows: what steps change is kept, the window is taken without a look,
and its sums of losses tell whether all was well. If not, it is taken back, and taken again step by step, each looked
at. Faults are the same either way, and so is all that follows.

A window is also what could be recorded once and replayed as a CUDA graph: it has no branch on a number of the device.
It is not, for steps find their rows, keys and coefficients by the host's step number, which a graph would freeze.
"""

from collections.abc import Callable

from cotune.engine.faults import Fault
from cotune.engine.step import Kept, Run

WINDOW = 64
"""Steps between two looks on a GPU: the wait is spread over so many, and a fault costs so many steps again."""


class Course:
    """Takes a run through steps; what it has come to can be read at any time.

    Args:
        run: to be taken.
        first: step of the epoch to begin with.
        window: steps between two looks.
    """

    def __init__(self, run: Run, first: int, *, window: int) -> None:
        self.at = first
        """The step to be taken next."""
        self.faults: list[Fault] = []
        self._run = run
        self._window = window
        self._kept: tuple[int, Kept] | None = None
        # An earlier run may have taken the epoch's first steps, and lost lanes in them.
        self._known = run.not_finite() if first and window > 1 else set()

    def go(self, stop: int, halt: Callable[[], bool]) -> bool:
        """Take the steps up to `stop`; whether `halt`, which is asked before each, let it come so far."""
        while self.at < stop:
            if self._window == 1:
                if halt():
                    return False
                self._looked_at()
            elif not self._go_window(min(self.at + self._window, stop), halt):
                return False
        return True

    def rewind(self) -> int:
        """After an error: undo what is half done; returns the step to go on from."""
        if self._kept is None:
            self._run.rewind()
        else:
            self.at, kept = self._kept
            self._run.put_back(kept)
        return self.at

    def _go_window(self, stop: int, halt: Callable[[], bool]) -> bool:
        begun, kept = self.at, self._run.keep()
        self._kept = begun, kept
        while self.at < stop and not halt():
            self._run.gradients(self.at, look=False)
            self._run.update(self.at)
            self.at += 1
        reached = self.at
        if not self._run.not_finite() <= self._known:
            self._run.put_back(kept)
            self.at = begun
            while self.at < reached:
                self._looked_at()
            self._known = self._run.not_finite()
        self._kept = None
        return reached == stop

    def _looked_at(self) -> None:
        self.faults += self._run.gradients(self.at)
        self._run.update(self.at)
        self.at += 1
