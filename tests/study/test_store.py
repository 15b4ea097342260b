"""What was committed comes back: all of it, any range of it, and boundary by boundary."""

from dataclasses import replace
from pathlib import Path

import pytest

from cotune.errors import StudyCorrupt
from cotune.records import Boundary, Store
from cotune.types import LaneId, Record, Status, Trial, TrialResult


def made_up(number: int) -> Boundary:
    """Boundary `number`: trial `number` starts with two lanes, and from the third on the one before the last ends.

    Every fourth boundary starts, records and ends nothing.
    """
    if number % 4 == 0:
        return Boundary(number, 1.5 * number, 0, 10)
    records = [
        Record(LaneId(number, lane), 1, 7, 0.1 * lane, {"accuracy": number / 100, "loss": 0.5}, 0.25)
        for lane in range(2)
    ]
    ended = (
        (TrialResult(number - 2, {"lr": float(number - 2)}, Status.STOPPED, 0.5, 1, 0.5, "rung"),)
        if number > 2 and (number - 2) % 4
        else ()
    )
    started = (Trial(number, {"lr": float(number)}),)
    return Boundary(number, 1.5 * number, 14, 16, started, tuple(records), ended)


BOUNDARIES = [made_up(number) for number in range(1, 31)]


@pytest.fixture
def store(tmp_path: Path):
    with Store.create(tmp_path / "study.sqlite", {"name": "made up"}) as made:
        for boundary in BOUNDARIES:
            assert made.commit(boundary)
        yield made


def test_boundaries_come_back_as_they_were(store: Store) -> None:
    assert list(store.boundaries(1, 30)) == BOUNDARIES
    assert store.last_boundary() == 30
    assert store.elapsed() == 45.0
    assert store.trials() == sum(len(boundary.started) for boundary in BOUNDARIES) > 20


@pytest.mark.parametrize(("first", "last"), [(1, 1), (4, 4), (5, 12), (29, 99), (40, 50), (3, 2)])
def test_any_range_comes_back(first: int, last: int, store: Store) -> None:
    assert list(store.boundaries(first, last)) == BOUNDARIES[first - 1 : last]


def test_one_by_one_is_the_same_as_all_at_once(store: Store) -> None:
    assert [next(store.boundaries(n, n)) for n in range(1, 31)] == list(store.boundaries(1, 30))


def test_a_boundary_can_be_committed_while_others_are_read(store: Store) -> None:
    reading = store.boundaries(1, 30)
    assert next(reading) == BOUNDARIES[0]
    assert store.commit(Boundary(31, 99.0, 1, 1))
    assert list(reading) == BOUNDARIES[1:]


def test_committing_again_changes_nothing(store: Store) -> None:
    assert not store.commit(replace(BOUNDARIES[6], elapsed=0.0, records=()))
    assert list(store.boundaries(7, 7)) == [BOUNDARIES[6]]


def test_damage_is_told_while_reading(store: Store) -> None:
    with store._connection as connection:
        connection.execute("UPDATE records SET metrics = '{' WHERE boundary = 9")
    with pytest.raises(StudyCorrupt, match="damaged"):
        list(store.boundaries(1, 30))
