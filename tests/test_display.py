"""A running study on a terminal, in a log, and in silence."""

import io
import re
import subprocess
import sys

import pytest

from cotune.display import LiveDisplay, PlainDisplay, QuietDisplay, clock_time, make_display, plain_line
from cotune.types import Progress, Status


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def at(best: float | None = 0.861, *, stage: str = "training", **changes: object) -> Progress:
    facts: dict[str, object] = {
        "metric": "accuracy",
        "best": best,
        "best_trial": None if best is None else 37,
        "started": 212,
        "ended": {Status.COMPLETE: 41, Status.STOPPED: 104, Status.DIVERGED: 3},
        "lanes": 64,
        "elapsed": 74.0,
        "used": 0.41,
        "seconds_left": 106.0,
        "stage": stage,
        **changes,
    }
    return Progress(**facts)  # type: ignore[arg-type]


def plain(clock: Clock) -> tuple[io.StringIO, PlainDisplay]:
    stream = io.StringIO()
    display = make_display(quiet=False, stream=stream, clock=clock)
    assert isinstance(display, PlainDisplay)
    return stream, display


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def test_the_stream_decides_how_a_study_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_display(quiet=True, stream=Terminal()), QuietDisplay)
    assert isinstance(make_display(quiet=False, stream=io.StringIO()), PlainDisplay)
    assert isinstance(make_display(quiet=False, stream=Terminal()), LiveDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_display(quiet=False, stream=Terminal()), PlainDisplay)


def test_quiet_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with make_display(quiet=True) as display:
        display.show(at())
        display.say("hello")
    assert capfd.readouterr() == ("", "")


def test_a_plain_line_holds_every_figure() -> None:
    line = plain_line(at())
    for part in ("1:14", "accuracy 0.861", "trial 37", "41 %", "1:46 left", "64 lanes", "212 trials"):
        assert part in line
    for part in ("41 complete", "104 stopped", "3 diverged", "120 a minute"):
        assert part in line
    assert "failed" not in line


def test_plain_lines_come_every_ten_seconds_at_most() -> None:
    clock = Clock()
    stream, display = plain(clock)
    with display:
        for tenth in range(250):
            clock.now = tenth / 10
            display.show(at(elapsed=clock.now))
        assert stream.getvalue().count("\n") == 3
    assert stream.getvalue().count("\n") == 4, "the last state is told at the end"
    assert "0:25" in stream.getvalue().splitlines()[-1]


def test_a_better_score_is_news_but_does_not_flood() -> None:
    clock = Clock()
    stream, display = plain(clock)
    with display:
        display.show(at(0.5))
        clock.now = 2.0
        display.show(at(0.5001))
        assert stream.getvalue().count("\n") == 1, "0.02 % better is no news"
        display.show(at(0.6))
        assert "0.6" in stream.getvalue().splitlines()[-1]
        clock.now = 2.1
        display.show(at(0.7))
        assert stream.getvalue().count("\n") == 2, "at most one line of news a second"


def test_a_new_stage_is_news_and_the_end_is_told_once() -> None:
    stream, display = plain(Clock())
    with display:
        display.show(at(None, stage="reading", used=0.0, started=0, ended={}, lanes=0))
        display.show(at())
        display.show(at(stage="testing"))
        display.show(at(stage="finished", used=1.0))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert "reading the data" in lines[0]
    assert "finished: best accuracy 0.861" in lines[-1]
    assert "100 %" in lines[-1]


def test_a_name_cannot_steer_the_terminal() -> None:
    for stream in (io.StringIO(), Terminal()):
        with make_display(quiet=False, stream=stream) as display:
            display.say("column \x1b[2J\x9b31m [bold]x[/bold] \u202e")
        said = stream.getvalue()
        assert "\x1b[2J" not in said
        assert "\x9b" not in said
        assert "\u202e" not in said
        assert "[bold]x[/bold]" in said


def test_the_live_region_is_one_region_with_all_figures() -> None:
    stream, clock = Terminal(), Clock()
    with make_display(quiet=False, stream=stream, clock=clock) as display:
        display.show(at(0.5))
        display.say("a permanent line")
        clock.now = 1.0
        display.show(at())
    drawn = stream.getvalue()
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.split("\x1b[2K")[-1] + drawn[-2000:])
    for part in (
        "accuracy 0.861",
        "trial 37",
        "41 %",
        "1:46 left",
        "64 lanes",
        "120 a minute",
        "104 stopped",
    ):
        assert part in last
    assert "a permanent line" in drawn
    assert "\x1b[1A" in drawn, "the region is drawn over itself"


def test_live_redraws_are_held_back() -> None:
    stream, clock = Terminal(), Clock()
    with make_display(quiet=False, stream=stream, clock=clock) as display:
        display.show(at())
        before = stream.getvalue()
        clock.now = 0.01
        display.show(at(0.9))
        assert stream.getvalue() == before
    assert "0.9" in stream.getvalue(), "the last state is drawn at the end"


@pytest.mark.parametrize("columns", ["20", "40", "100"])
def test_the_live_region_keeps_its_height(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stream = Terminal()
    with make_display(quiet=False, stream=stream) as display:
        display.show(at())
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue().split("\x1b[2K")[-1])
    lines = last.splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= int(columns)
    assert "41 %" in lines[1]


def test_an_interrupt_gives_the_terminal_back() -> None:
    stream = Terminal()
    out, err = sys.stdout, sys.stderr

    def interrupted() -> None:
        with make_display(quiet=False, stream=stream) as display:
            display.show(at())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    drawn = stream.getvalue()
    assert "\x1b[?25l" in drawn, "the cursor was hidden"
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert (sys.stdout, sys.stderr) == (out, err)


def test_no_figure_is_ever_none_or_nan() -> None:
    bare = at(None, seconds_left=None, ended={}, elapsed=0.0, used=float("nan"))
    for progress in (bare, at(float("nan"))):
        assert not re.search(r"none|nan", plain_line(progress), re.IGNORECASE)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (3600, "1:00:00"), (-3, "0:00")])
def test_clock_time(seconds: float, shown: str) -> None:
    assert clock_time(seconds) == shown


def test_importing_loads_neither_rich_nor_torch() -> None:
    code = "import cotune.display, sys; print([m for m in ('rich', 'torch', 'jinja2') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
