"""How a running study is shown: live on a terminal, as lines elsewhere, or not at all.

rich is loaded with the first live display, so that importing this module costs nothing.
"""

import os
import sys
import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from cotune.types import Progress, Status

if TYPE_CHECKING:
    from rich.console import RenderableType

Clock = Callable[[], float]

REFRESH = 0.1
"""Seconds between two redraws of the live region, at least."""
LINE = 10.0
"""Seconds between two plain lines, at most one without news."""
NEWS = 1.0
"""Seconds between two plain lines that tell of a better score, at least."""
GAIN = 0.01
"""Relative change of the best score that is worth a line of its own."""


class Display(Protocol):
    """Shows a study while it runs. A context manager: leaving it gives the terminal back."""

    def show(self, progress: Progress) -> None:
        """The study stands like this now."""
        ...

    def say(self, line: str) -> None:
        """A line that stays."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_display(*, quiet: bool, stream: TextIO | None = None, clock: Clock = time.monotonic) -> Display:
    """The display that suits `stream`.

    Args:
        quiet: show nothing.
        stream: where to, the standard error stream by default, so that standard output stays clean.
        clock: seconds, monotone.
    """
    where = sys.stderr if stream is None else stream
    if quiet:
        return QuietDisplay()
    if where.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown"):
        return LiveDisplay(where, clock)
    return PlainDisplay(where, clock)


class QuietDisplay:
    """Shows nothing."""

    def show(self, progress: Progress) -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""


class PlainDisplay:
    """A line now and then: at the start, on a new stage or a better score, every ten seconds, at the end."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._shown: Progress | None = None
        self._waiting: Progress | None = None
        self._when = 0.0

    def show(self, progress: Progress) -> None:
        """A line, if there is news or it is time for one."""
        if self._due(progress):
            self._print(progress)
        else:
            self._waiting = progress

    def _due(self, progress: Progress) -> bool:
        last, passed = self._shown, self._clock() - self._when
        if last is None or progress.stage != last.stage or passed >= LINE:
            return True
        return passed >= NEWS and _gained(last.best, progress.best)

    def _print(self, progress: Progress) -> None:
        self._shown, self._waiting, self._when = progress, None, self._clock()
        self.say(plain_line(progress))

    def say(self, line: str) -> None:
        """A line."""
        self._stream.write(clean(line) + "\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._waiting is not None:
            self._print(self._waiting)


class LiveDisplay:
    """One region at the foot of the terminal that is drawn again and again."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        from rich.console import Console
        from rich.live import Live

        self._clock = clock
        self._when = -REFRESH
        self._last: Progress | None = None
        self._console = Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)
        # Standard output may be piped to a program: only what goes to a terminal is drawn above the region.
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            get_renderable=self._region,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )

    def _region(self) -> "RenderableType":
        return region(self._last) if self._last else ""

    def show(self, progress: Progress) -> None:
        """Redraw, unless that was done a moment ago."""
        news = self._last is None or progress.stage != self._last.stage
        self._last = progress
        if news or self._clock() - self._when >= REFRESH:
            self._when = self._clock()
            self._live.refresh()

    def say(self, line: str) -> None:
        """A line above the region."""
        self._console.print(clean(line), soft_wrap=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()  # draws the last state, ends the region, and shows the cursor again


def region(progress: Progress) -> "RenderableType":
    """The live region: best score, budget, counts; three lines at any width."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    def one_line(words: str, style: str = "") -> Text:
        return Text(words, style=style, no_wrap=True, overflow="ellipsis")

    bar = Table.grid(padding=(0, 1))
    bar.add_column(width=40)
    bar.add_column(no_wrap=True, overflow="ellipsis")
    bar.add_row(
        ProgressBar(total=1.0, completed=held(progress.used), width=None), one_line(_budget(progress))
    )
    return Group(one_line(_best(progress), "bold"), bar, one_line(_counts(progress), "dim"))


def plain_line(progress: Progress) -> str:
    """A study's state in one line."""
    parts = [_best(progress), _budget(progress), _counts(progress)]
    return f"{clock_time(progress.elapsed):>7}  {' · '.join(part for part in parts if part)}"


def _best(progress: Progress) -> str:
    if progress.note:
        return progress.note
    if progress.best is None or progress.best != progress.best:
        return {"reading": "reading the data"}.get(progress.stage, f"{progress.stage}, no score yet")
    stage = "" if progress.stage == "training" else f"{progress.stage}: "
    trial = "" if progress.best_trial is None else f" (trial {progress.best_trial})"
    return f"{stage}best {progress.metric} {progress.best:.4g}{trial}"


def _budget(progress: Progress) -> str:
    parts = [f"{100 * held(progress.used):.0f} %"]
    if progress.seconds_left is not None and progress.stage == "training":
        parts.append(f"{clock_time(progress.seconds_left)} left")
    return " · ".join(parts)


def _counts(progress: Progress) -> str:
    ended = sum(progress.ended.values())
    parts = [f"{progress.lanes:,} lanes", *([] if progress.note else [f"{progress.started:,} trials begun"])]
    parts += [f"{progress.ended[s]:,} {s.value}" for s in Status if progress.ended.get(s)]
    if ended and progress.elapsed > 0:
        parts.append(f"{60 * ended / progress.elapsed:,.0f} a minute")
    return " · ".join(parts)


def _gained(before: float | None, now: float | None) -> bool:
    if now is None or before is None:
        return now is not before
    return abs(now - before) > GAIN * abs(before)


def held(fraction: float) -> float:
    """`fraction`, held within [0, 1]."""
    return min(1.0, max(0.0, fraction))


def clock_time(seconds: float) -> str:
    """`1:05`, or `2:00:07` from an hour on.

    Example:
        >>> clock_time(65.4), clock_time(7207)
        ('1:05', '2:00:07')
    """
    total = max(0, round(seconds))
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def clean(line: str) -> str:
    """`line` without characters that steer a terminal; it may hold names from the user's data."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "�" for c in line)
