"""Contracts 1, 2, 5 and 7 over histories drawn at random: bit for bit, in populations of 2, 3, 64 and 257 lanes.

A history says who joins at which boundary, for how long, and when the engine goes through a file. Each law plays one
as it was drawn, and most of them again with something left out that must make no difference.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from contracts.histories.drawn import NUMBERS, histories
from contracts.histories.played import Life, play
from contracts.histories.values import AT_ONCE, ROW, RUINS, History, Kind, Shape, Visit
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.outcome import Way
from engine.lanes import BOTH_WAYS, SIDE_BY_SIDE, Figures, lane, population, side_by_side

EXAMPLES = {2: 6, 3: 6, 64: 3, 257: 2}
"""Histories a law is tried on, by the lanes that the main population reaches. The first few are always simple."""

MORE = 20
"""Times as many, in the slow tests."""

SUBSET = 6
"""Lanes of a history that are trained alone, too."""

Law = Callable[[History, Way], None]


def some_of(visits: Sequence[Visit]) -> list[Visit]:
    """A random subset, the same for the same lanes."""
    return random.Random(repr(visits)).sample(visits, min(SUBSET, len(visits)))


def assert_same(one: Life, other: Life, about: Visit) -> None:
    assert one.figures == other.figures, about
    assert one.fault == other.fault, about
    assert one.bits.keys() == other.bits.keys() != set(), about
    differing = [name for name, found in one.bits.items() if found != other.bits[name]]
    assert not differing, (differing, about)


def assert_as_alone(life: Life, visit: Visit, history: History, way: Way) -> None:
    assert_same(life, play(history.only([visit]).unsaved(), way).lives[visit.id], visit)


def lanes_depend_on_nothing_but_themselves(history: History, way: Way) -> None:
    """Contract 1: figures and final rows are those of the lane in an engine of its own."""
    lives = play(history, way).lives
    for visit in some_of(history.visits):
        assert_as_alone(lives[visit.id], visit, history, way)


def files_change_nothing(history: History, way: Way) -> None:
    """Contract 7: an engine that went through files, with the leaders beside it, does what it would have done."""
    saved, unsaved = play(history, way), play(history.unsaved(), way)
    for visit in history.visits:
        assert_same(saved.lives[visit.id], unsaved.lives[visit.id], visit)
    assert saved.leaders == unsaved.leaders


def divergence_stays_in_its_lane(history: History, way: Way) -> None:
    """Contract 5: the sick end with step and layer, as they would alone; the others do as if those had not been."""
    lives = play(history, way).lives
    healthy = [visit for visit in history.visits if not visit.kind.ruin]
    without = play(history.only(healthy), way).lives
    for visit in healthy:
        assert lives[visit.id].fault is None, visit
        assert_same(lives[visit.id], without[visit.id], visit)
    sick = [visit for visit in history.visits if visit.kind.ruin]
    for visit in sick:
        assert_told(visit, lives[visit.id])
    for visit in some_of(sick):
        assert_as_alone(lives[visit.id], visit, history, way)


def assert_told(visit: Visit, life: Life) -> None:
    """The fault is where the ruin says, in the epoch that has no figures."""
    if life.fault is None:
        assert visit.kind.ruin != AT_ONCE, visit
        return
    steps, finished = visit.lane().structure.steps, len(life.figures)
    step, layer = life.fault
    assert finished * steps <= step <= (finished + 1) * steps, (life.fault, visit)
    if visit.kind.ruin == AT_ONCE:
        assert finished == 0, visit
    if visit.kind.ruin == ROW:
        first = "hidden0" if visit.shape.depth else "head"
        assert layer == ("validation" if visit.kind.fold == 1 else first), (life.fault, visit)


def slots_are_freed_and_taken(history: History, way: Way) -> None:
    """Contract 2: lanes in training are those that joined, less those that left or diverged; each takes its steps."""
    played = play(history, way)
    for tally in played.tallies:
        assert tally.engine == tally.joined - tally.left - tally.diverged, tally
    assert played.tallies[-1].engine == 0
    assert max(tally.main for tally in played.tallies) == history.size
    assert all(told == counted for told, counted in played.steps), played.steps


LAWS: dict[Law, dict[str, bool]] = {
    lanes_depend_on_nothing_but_themselves: {},
    files_change_nothing: {"saved": True},
    divergence_stays_in_its_lane: {"sick": True},
    slots_are_freed_and_taken: {},
}
"""And what a history must hold for the law to say something."""

every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
every_size = pytest.mark.parametrize("size", EXAMPLES)
quick = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def hold(law: Law, size: int, way: Way, **how: Any) -> None:
    """Try a law. Histories of many lanes are not shrunk: it takes minutes, and what fails with 257 may fail with 3."""
    shrunk = [Phase.shrink] if size < 10 else []

    @settings(quick, phases=[Phase.generate, *shrunk], **how)
    @given(histories(size, **LAWS[law]))
    def one(history: History) -> None:
        law(history, way)

    one()


@pytest.mark.timeout(900)
@every_size
@every_law
def test_law(law: Law, size: int, way: Way) -> None:
    hold(law, size, way, max_examples=EXAMPLES[size], derandomize=True)


@pytest.mark.slow
@pytest.mark.timeout(0)
@every_size
@every_law
def test_law_with_any_seed(law: Law, size: int, way: Way) -> None:
    hold(law, size, way, max_examples=MORE * EXAMPLES[size], print_blob=True)


def test_histories_hold_what_the_laws_are_about() -> None:
    """The strategy draws every name and every kind of event; what it never drew, no law would be tried on."""
    drawn: list[History] = []

    @settings(quick, phases=[Phase.generate], max_examples=40, derandomize=True)
    @given(histories(3))
    def one(history: History) -> None:
        drawn.append(history)

    one()
    visits = [visit for history in drawn for visit in history.visits]
    losses = [*side_by_side(0), *side_by_side(3)]
    for name, registry in (("activation", SIDE_BY_SIDE), ("optimizer", BOTH_WAYS), ("loss", losses)):
        seen = {getattr(visit.kind, name) for visit in visits}
        assert seen <= set(registry)
        assert len(seen) > 0.7 * len(registry)
    assert {visit.shape.norm for visit in visits} > {"none", "batch", "layer"}
    assert {visit.kind.ruin for visit in visits} == {"", *RUINS}
    assert {boundary.saved for history in drawn for boundary in history.boundaries} == {"", "before", "after"}
    late = [b for history in drawn for b in history.boundaries[1:] if b.joins]
    several = [history for history in drawn if len({visit.shape for visit in history.visits}) > 1]
    assert min(len(late), len(several)) > 15


def test_companions_that_smooth_labels_leave_a_huge_loss_finite() -> None:
    """The smoothing term of a lane that does not smooth is nothing, even where its sum would overflow."""
    huge, smooth = lane(0, lr=0.0), lane(1, label_smoothing=0.1)

    def figures(*lanes: Lane) -> list[Figures]:
        made = population(lanes)
        place = [one.id for one in made.lanes].index(huge.id)
        made.layouts[0].views(made.state.weights)["head.bias"][place, 1:3] = -1e38
        return [Figures.of(record) for record in made.train_epoch().records if record.lane == huge.id]

    assert figures(huge, smooth) == figures(huge) != []


@pytest.mark.parametrize("ruin", RUINS)
def test_a_sick_lane_may_be_the_first_of_its_kind(ruin: str, way: Way) -> None:
    """How fast lanes step is measured on the first ones, which may end at their first step."""
    shape = Shape(8, 1, "none", False, 32, False, False, 3)
    numbers = tuple((name, some[0]) for name, some in NUMBERS.items())
    kind = Kind(0, 0, "relu", "sgd", "cross_entropy", "constant", "he", numbers, 0, ruin)
    for number in range(5):
        engine = Engine(metric="log_loss", ways=[way])
        engine.join([Visit(number, shape, kind, 4).lane()])
        assert any(engine.train_epoch().divergences for _ in range(4))
