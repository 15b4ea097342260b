"""What every benchmark shares: the machine it ran on, its bars, and the one JSON object it ends with.

A benchmark collects rows (one measurement each, plain JSON values) and bars (what the rows must amount to), and
hands both to `finish`:

    {"machine": {…}, "date": "…", "rows": [{…}, …], "bars": [{"name", "value", "bar", "goal", "direction", "holds"}, …]}
"""

import argparse
import json
import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bar:
    """A figure, and what it must reach.

    Args:
        name: what is measured, in words.
        value: the measured figure; `None` when there is none, which never holds.
        bar: what it is held against.
        goal: what it should reach beyond that; `None` where nothing is asked.
        direction: "at least" or "at most".
    """

    name: str
    value: float | None
    bar: float
    goal: float | None = None
    direction: str = "at least"

    @property
    def holds(self) -> bool:
        """Whether the figure reaches the bar."""
        if self.value is None or not math.isfinite(self.value):
            return False
        return self.value >= self.bar if self.direction == "at least" else self.value <= self.bar


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, memory, and versions of what computes."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scikit-learn", "cotune")},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def today() -> str:
    """The date in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes: `--json` and `--quick`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON object")
    parser.add_argument("--quick", action="store_true", help="less of everything: done within 10 minutes")
    return parser


def say(line: str) -> None:
    """A line of progress, on standard error."""
    print(line, file=sys.stderr, flush=True)


def finish(rows: Sequence[Mapping[str, Any]], bars: Sequence[Bar], *, as_json: bool) -> int:
    """Print the result; the exit code is 0 if every bar holds, else 1.

    Without `as_json` a table of the bars precedes the object.
    """
    if not as_json:
        for bar in bars:
            value = "none" if bar.value is None else f"{bar.value:.4f}"
            goal = "" if bar.goal is None else f", goal {bar.goal:.4f}"
            verdict = "holds" if bar.holds else "FAILS"
            print(f"{verdict}  {bar.name}: {value} ({bar.direction} {bar.bar:.4f}{goal})")
    result = {
        "machine": machine(),
        "date": today(),
        "rows": list(rows),
        "bars": [{**asdict(bar), "holds": bar.holds} for bar in bars],
    }
    print(json.dumps(result, allow_nan=False))
    return 0 if all(bar.holds for bar in bars) else 1
