"""Scales from values to pixels, and the ticks that stand on them.

| symbol        | meaning                                        |
|---------------|------------------------------------------------|
| low, high     | ends of the values, low < high                 |
| start, stop   | pixels at which `low` and `high` are drawn     |
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from cotune.report.words import power


@dataclass(frozen=True)
class Tick:
    """A marked value and how it is written."""

    at: float
    label: str


class Scale(Protocol):
    """Values to pixels."""

    def __call__(self, value: float) -> float:
        """The pixel of `value`; values outside are drawn at the nearer end."""
        ...

    def ticks(self, count: int) -> tuple[Tick, ...]:
        """About `count` round values between the ends."""
        ...


@dataclass(frozen=True)
class Linear:
    """Equal differences, equal distances."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self, count: int) -> tuple[Tick, ...]:
        values = nice_values(self.low, self.high, count)
        return tuple(Tick(v, label) for v, label in zip(values, _labels(values), strict=True))


@dataclass(frozen=True)
class Log:
    """Equal ratios, equal distances; `low` must be above 0."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        held = min(max(value, self.low), self.high)
        share = math.log(held / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self, count: int) -> tuple[Tick, ...]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for leads in ((1,), (1, 3), (1, 2, 5)):
            grid = [lead * 10.0**e for e in range(first, last + 1) for lead in leads]
            inside = [v for v in grid if self.low * (1 - 1e-9) <= v <= self.high * (1 + 1e-9)]
            if len(inside) >= min(count, 4):
                every = math.ceil(len(inside) / (count + 1))
                return tuple(Tick(v, ratio_label(v)) for v in inside[::every])
        values = nice_values(self.low, self.high, count)
        return tuple(Tick(v, label) for v, label in zip(values, _labels(values), strict=True))


@dataclass(frozen=True)
class Band:
    """Categories side by side, each with a band of its own."""

    categories: tuple[str, ...]
    start: float
    stop: float

    @property
    def step(self) -> float:
        """Width of one band, in pixels."""
        return (self.stop - self.start) / max(1, len(self.categories))

    def middle(self, index: int) -> float:
        """The pixel at the middle of a band."""
        return self.start + (index + 0.5) * self.step


def nice_values(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within [low, high], about `count` of them."""
    raw = (high - low) / max(1, count)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = min((unit * m for m in (1, 2, 5, 10)), key=lambda s: abs(math.log(s / raw)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [min(max(i * step, low), high) for i in range(first, last + 1)]


def _labels(values: Sequence[float]) -> list[str]:
    if not values:
        return []
    step = min((b - a for a, b in pairwise(values)), default=abs(values[0]) or 1.0)
    largest = max(abs(v) for v in values)
    if step >= 1e3 and largest >= 1e4:
        unit, suffix = (1e9, "G") if largest >= 1e10 else (1e6, "M") if largest >= 1e7 else (1e3, "k")
        if largest >= 1e13:
            return [_scientific(v, step) for v in values]
        return [_minus(f"{v / unit:.{_decimals(step / unit)}f}{suffix if v else ''}") for v in values]
    if step < 1e-5:
        return [_scientific(v, step) for v in values]
    return [_minus(f"{v:.{_decimals(step)}f}") for v in values]


def _scientific(value: float, step: float) -> str:
    """Scientific notation with as many digits as tell neighbours apart."""
    if abs(value) < step / 2:
        return "0"
    digits = math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9)
    return power(value, max(0, digits))


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _minus(text: str) -> str:
    return text.replace("-", "−")


def ratio_label(value: float) -> str:
    """A round value on a log scale: plain where that is short, a power of ten elsewhere."""
    return f"{value:g}" if 1e-3 <= value < 1e5 else power(value, 0)


def padded(values: Iterable[float], *, share: float = 0.05) -> tuple[float, float]:
    """Ends that hold all values with a margin; never equal."""
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    margin = (high - low) * share
    # Ends must stay apart by more than rounding, also for 1e9 and 1e9 + tiny.
    if not margin > abs(high) * 1e-9:
        margin = abs(high) * 0.05 or 0.5
    return low - margin, high + margin


def score_ends(scores: Sequence[float], *, maximize: bool) -> tuple[float, float]:
    """Ends for an axis of scores: all good ones, and bad ones as far as Tukey's fences.

    A few hopeless trials would otherwise press all others together at one end.
    """
    ranked = sorted(scores)
    if len(ranked) < 8:
        return padded(ranked)
    lower, upper = ranked[len(ranked) // 4], ranked[(3 * len(ranked)) // 4]
    reach = 1.5 * (upper - lower)
    worst = lower - reach if maximize else upper + reach
    kept = [s for s in ranked if (s >= worst if maximize else s <= worst)]
    return padded(kept)
