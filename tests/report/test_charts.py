"""Laws of scales and ticks, and of what charts keep."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cotune.report.charts.confusion import Matrix, confusion, merged
from cotune.report.charts.histogram import bins
from cotune.report.charts.parameter import Axis, Point, parameter
from cotune.report.charts.progress import Ended, best_so_far
from cotune.report.charts.scales import Band, Linear, Log, padded, score_ends
from cotune.report.charts.svg import element
from cotune.report.charts.thin import thin

numbers = st.floats(-1e12, 1e12, allow_subnormal=False)


@st.composite
def linear(draw: st.DrawFn) -> Linear:
    low = draw(numbers)
    width = draw(st.floats(1e-9, 1e12))
    assume(low + width > low + abs(low) * 1e-9)
    return Linear(low, low + width, 50.0, 450.0)


@st.composite
def logarithmic(draw: st.DrawFn) -> Log:
    low = draw(st.floats(1e-12, 1e9))
    return Log(low, low * draw(st.floats(1.01, 1e12)), 50.0, 450.0)


@settings(max_examples=150, deadline=None)
@given(st.one_of(linear(), logarithmic()), st.integers(2, 9))
def test_ticks_lie_inside_rise_and_are_told_apart(scale: Linear | Log, count: int) -> None:
    ticks = scale.ticks(count)
    slack = 1e-9 * max(abs(scale.low), abs(scale.high))
    assert 1 <= len(ticks) <= 2 * count + 2
    assert all(scale.low - slack <= t.at <= scale.high + slack for t in ticks)
    assert all(a.at < b.at for a, b in pairwise(ticks))
    assert len({t.label for t in ticks}) == len(ticks)


@settings(max_examples=150, deadline=None)
@given(st.one_of(linear(), logarithmic()), st.floats(0, 1), st.floats(0, 1))
def test_scales_are_monotone_and_stay_inside(scale: Linear | Log, a: float, b: float) -> None:
    a, b = (scale.low + s * (scale.high - scale.low) for s in sorted((a, b)))
    assert 50.0 - 1e-6 <= scale(a) <= scale(b) + 1e-6 <= 450.0 + 2e-6
    assert scale(scale.low) == pytest.approx(50.0)
    assert scale(scale.high) == pytest.approx(450.0)
    assert scale(scale.high + abs(scale.high) + 1) == pytest.approx(450.0), "held at the edge"


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (Linear(0.0, 1.0, 0, 1), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Linear(0.0, 250_000.0, 0, 1), ["0", "50k", "100k", "150k", "200k", "250k"]),
        (Linear(-2.0, 2.0, 0, 1), ["−2", "−1", "0", "1", "2"]),
        (Log(1e-5, 1.0, 0, 1), ["10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]),
        (Log(3e-4, 3e-2, 0, 1), ["3 × 10⁻⁴", "0.001", "0.003", "0.01", "0.03"]),
    ],
)
def test_ticks_are_round(scale: Linear | Log, labels: list[str]) -> None:
    assert [t.label for t in scale.ticks(5)] == labels


@given(st.lists(numbers, max_size=30))
def test_padded_ends_hold_all_values_and_differ(values: list[float]) -> None:
    low, high = padded(values)
    assert low < high
    assert all(low <= v <= high for v in values)


@pytest.mark.parametrize("maximize", [True, False])
def test_score_ends_keep_the_best_and_drop_the_hopeless(maximize: bool) -> None:
    sign = 1 if maximize else -1
    scores = [sign * s for s in (*(0.8 + i / 1000 for i in range(40)), -900.0)]
    low, high = score_ends(scores, maximize=maximize)
    assert low <= sign * 0.839 <= high
    assert not low <= sign * -900.0 <= high


def test_bands_are_equal_and_cover_the_axis() -> None:
    band = Band(("a", "b", "c", "d"), 10.0, 90.0)
    assert [band.middle(i) for i in range(4)] == [20.0, 40.0, 60.0, 80.0]


@given(st.lists(st.integers(), max_size=400), st.integers(2, 50))
def test_thinning_keeps_order_and_both_ends(items: list[int], most: int) -> None:
    kept = thin(list(enumerate(items)), most)
    assert len(kept) == min(len(items), most)
    assert kept == sorted(set(kept))
    if items:
        assert (kept[0][0], kept[-1][0]) == (0, len(items) - 1)


@pytest.mark.parametrize("maximize", [True, False])
def test_best_so_far_only_improves(maximize: bool) -> None:
    ended = [Ended(n, (n * 37) % 100, math.sin(n * 12.9898), True) for n in range(100)]
    steps = best_so_far(ended, maximize=maximize)
    assert steps[-1].score == (max if maximize else min)(t.score for t in ended)
    scores = [t.score for t in steps]
    assert scores == sorted(scores, reverse=not maximize)
    assert [t.seconds for t in steps] == sorted(t.seconds for t in steps)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.integers(1, 41))
def test_bins_count_every_value_once(values: list[float], number: int) -> None:
    low, width, counts = bins(values, number)
    assert sum(counts) == len(values)
    assert low <= min(values)
    assert low + width * number >= max(values) * (1 - 1e-9) - 1e-9


def test_merging_classes_keeps_every_row() -> None:
    size = 90
    counts = tuple(tuple((i * 7 + j * 3) % 5 for j in range(size)) for i in range(size))
    small = merged(Matrix(tuple(map(str, range(size))), counts), most=20)
    assert len(small.classes) == len(small.counts) == 20
    assert small.classes[-1] == "all others"
    assert sum(map(sum, small.counts)) == sum(map(sum, counts))


def test_a_large_matrix_stays_small() -> None:
    size = 400
    counts = tuple(tuple(1 for _ in range(size)) for _ in range(size))
    assert len(confusion(Matrix(tuple(map(str, range(size))), counts))) < 400_000


def test_strips_keep_true_apart_from_one() -> None:
    axis = Axis("residual", choices=(True, False))
    points = [Point(n, n % 2 == 0, 0.5 + n / 100, True, n == 3) for n in range(10)]
    chart = parameter(axis, points, score="accuracy", ends=(0.4, 0.7), unique="p", most=100)
    assert ">true<" in chart
    assert ">false<" in chart
    dots = re.search(r'd="(M[^"]*h0)"', chart)
    assert dots
    assert dots[1].count("h0") == 9
    assert "Trial 3, the best" in chart


def test_svg_text_and_attributes_are_escaped() -> None:
    assert element("text", "<b>&", id='"x') == '<text id="&#34;x">&lt;b&gt;&amp;</text>'
