"""Contract 7: snapshot → restore is bit-exact, and a damaged file is told from a whole one."""

import random
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine, LaneWeights
from cotune.errors import StudyCorrupt
from cotune.types import LaneId
from engine import lanes as made_of
from engine import places
from engine.lanes import Figures, assert_same_bits, engine, lane, row, table

PLACES = places.EVERYWHERE
EMBEDDED = table(cardinalities=(4, 3))
LANES: dict[LaneId, Lane] = {
    one.id: one
    for one in (
        lane(0, optimizer="sgd", norm="batch", dropout=0.3),
        lane(1, optimizer="adamw", norm="batch", activation="gelu"),
        lane(2, width=16, schedule="linear", warmup=0.3),
        lane(3, variant=EMBEDDED, optimizer="nesterov"),
        lane(4, norm="batch", optimizer="adam", dropout=0.1),
        lane(5, schedule="reduce_on_plateau", lr=0.3, plateau_patience=2, epochs=9),
    )
}


def started() -> Engine:
    """Six lanes in three populations, in the middle of things; lane 4 has joined late."""
    made = engine([one for name, one in LANES.items() if name.trial != 4], metric="log_loss")
    for _ in range(4):
        made.train_epoch()
    made.join([LANES[LaneId(4, 0)]])
    made.train_epoch()
    made.chunks["some structure"] = 3
    return made


def through_a_file(
    made: Engine, path: Path, leaders: list[LaneWeights], lanes: Mapping[LaneId, Lane] = LANES
) -> tuple[Engine, list[LaneWeights]]:
    snapshot.write(snapshot.take(made, leaders, boundary=5), path)
    fresh = Engine(metric="log_loss", compute=made_of.COMPUTE)
    return fresh, snapshot.restore(snapshot.read(path), fresh, lanes.__getitem__)


def assert_equal(one: Engine, other: Engine) -> None:
    assert [p.structure for p in one.populations] == [p.structure for p in other.populations]
    assert one.chunks == other.chunks
    for p, q in zip(one.populations, other.populations, strict=True):
        assert [x.id for x in p.lanes] == [x.id for x in q.lanes]
        for x in p.lanes:
            assert_same_bits(row(p, x.id), row(q, x.id), x.id, exact=True)


def test_a_restored_engine_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    made = started()
    copy, _ = through_a_file(made, tmp_path / "a", [])
    assert_equal(made, copy)
    for _ in range(4):
        ours, theirs = made.train_epoch(), copy.train_epoch()
        assert [Figures.of(r) for r in ours.records] == [Figures.of(r) for r in theirs.records]
    assert_equal(made, copy)
    again, _ = through_a_file(copy, tmp_path / "b", [])
    assert_equal(made, again)


def test_a_plateau_has_been_waited_at() -> None:
    """Else the files above hold nothing of it."""
    states = [population.state for population in started().populations]
    assert any((state.factor < 1).any() or state.waited.any() for state in states)


def test_a_file_from_before_plateaus_is_taken_up(tmp_path: Path) -> None:
    made = started()
    taken = snapshot.take(made, [], boundary=5)
    old = {n: t for n, t in taken.tensors.items() if not n.endswith((".factor", ".waited"))}
    assert len(old) < len(taken.tensors)
    snapshot.write(replace(taken, tensors=old), tmp_path / "a")
    copy = Engine(metric="log_loss", compute=made_of.COMPUTE)
    snapshot.restore(snapshot.read(tmp_path / "a"), copy, LANES.__getitem__)
    for p, q in zip(made.populations, copy.populations, strict=True):
        assert torch.equal(p.state.weights, q.state.weights)
        assert (q.state.factor == 1).all()
        assert not q.state.waited.any()


def test_a_snapshot_does_not_change_what_it_takes(tmp_path: Path) -> None:
    made, twin = started(), started()
    through_a_file(made, tmp_path / "a", [])
    made.train_epoch()
    twin.train_epoch()
    assert_equal(made, twin)


def test_leaders_come_back(tmp_path: Path) -> None:
    made = started()
    leaders = [*made.best(1), *made.best(3)]
    _, found = through_a_file(made, tmp_path / "a", leaders)
    assert [(x.lane.id, x.score) for x in found] == [(x.lane.id, x.score) for x in leaders]
    for x, y in zip(found, leaders, strict=True):
        assert torch.equal(x.weights, y.weights)
        assert torch.equal(x.statistics, y.statistics)


@pytest.fixture(scope="module")
def whole() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        made = started()
        snapshot.write(snapshot.take(made, made.best(2), boundary=5), path)
        return path.read_bytes()


def contents(path: Path) -> tuple[object, ...]:
    found = snapshot.read(path)
    tensors = {name: (t.dtype, t.shape, t.tolist()) for name, t in found.tensors.items()}
    return found.boundary, repr(found.plan), repr(tensors)


def test_every_damaged_bit_is_noticed(whole: bytes, tmp_path: Path) -> None:
    """Any one bit: the file is refused, or reads as what was written (the name of an attribute nobody reads)."""
    path = tmp_path / "a"
    path.write_bytes(whole)
    good = contents(path)
    pick = random.Random(0)
    head = 8 + int.from_bytes(whole[:8], "little")
    places = [*range(16), *pick.sample(range(head), 400), *pick.sample(range(head, len(whole)), 200)]
    refused = 0
    for place in places:
        bad = bytearray(whole)
        bad[place] ^= 1 << pick.randrange(8)
        path.write_bytes(bad)
        try:
            assert contents(path) == good, f"bit at {place} of {len(whole)} went unnoticed"
        except StudyCorrupt:
            refused += 1
    assert refused > 0.95 * len(places)


def test_a_changed_shape_of_an_empty_tensor_is_noticed(whole: bytes, tmp_path: Path) -> None:
    """It has no numbers whose checksum could tell."""
    assert b'"shape":[1,0]' in whole
    (tmp_path / "a").write_bytes(whole.replace(b'"shape":[1,0]', b'"shape":[9,0]', 1))
    with pytest.raises(StudyCorrupt, match="checksum"):
        snapshot.read(tmp_path / "a")


def test_every_cut_is_noticed(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    for length in [*range(0, 20), *random.Random(0).sample(range(len(whole)), 50), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(StudyCorrupt, match=re.escape(str(path))):
            snapshot.read(path)


def test_a_damaged_file_falls_back_a_generation(whole: bytes, tmp_path: Path) -> None:
    made = started()
    for boundary in (3, 5, 8):
        path = tmp_path / f"{boundary:08d}.safetensors"
        snapshot.write(snapshot.take(made, [], boundary=boundary), path)
    (tmp_path / "00000009.safetensors").write_bytes(whole[:1000])
    (tmp_path / "00000007.safetensors").mkdir()
    for last, expected in ((20, 8), (7, 5), (4, 3)):
        found = snapshot.newest(tmp_path, last=last)
        assert found is not None
        assert found.boundary == expected
    assert snapshot.newest(tmp_path, last=2) is None
    (tmp_path / "00000008.safetensors").write_bytes(b"")
    found = snapshot.newest(tmp_path, last=20)
    assert found is not None
    assert found.boundary == 5


def test_an_empty_engine_has_a_snapshot(tmp_path: Path) -> None:
    copy, found = through_a_file(Engine(metric="log_loss"), tmp_path / "a", [])
    assert not copy.populations
    assert not found


def test_no_pickle_is_in_the_file(whole: bytes) -> None:
    assert b"torch" not in whole
    assert not whole.startswith(b"PK")
