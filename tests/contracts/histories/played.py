"""Playing a history: lanes join, train and leave, the engine goes through files, and what comes of it is kept."""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from torch import Tensor

from contracts.histories.values import Boundary, History, Visit
from cotune.engine import snapshot
from cotune.engine.loop import Engine, LaneWeights
from cotune.engine.outcome import Way
from cotune.engine.plan import Plan, kind_of
from cotune.types import LaneId
from engine.lanes import Figures

Bits = dict[str, tuple[tuple[int, ...], bytes]]
"""Tensors by name: shape and every bit."""


@dataclass
class Life:
    """What came of a lane: figures of its epochs, (step, layer) of its fault, and what was held of it at its end."""

    figures: list[Figures] = field(default_factory=list)
    fault: tuple[int, str] | None = None
    bits: Bits = field(default_factory=dict)


@dataclass(frozen=True)
class Tally:
    """Lanes that had joined, left and diverged so far, and lanes in training as the engine tells."""

    joined: int
    left: int
    diverged: int
    engine: int
    main: int
    """Those in the main population."""


@dataclass(frozen=True)
class Played:
    """What came of a history.

    Args:
        lives: of all lanes.
        tallies: before and after every epoch.
        steps: optimizer steps of every epoch, as the engine tells and as counted from the lanes present.
        leaders: (lane, score, weights and statistics) of some best networks, kept beside the engine and saved with it.
    """

    lives: dict[LaneId, Life] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)
    steps: list[tuple[int, int]] = field(default_factory=list)
    leaders: list[tuple[LaneId, float, Bits]] = field(default_factory=list)


def bits(tensors: Mapping[str, Tensor]) -> Bits:
    """Every bit of some tensors."""
    return {name: (tuple(t.shape), t.numpy().tobytes()) for name, t in tensors.items()}


def held(engine: Engine, wanted: Collection[LaneId]) -> dict[LaneId, Bits]:
    """All that a snapshot would hold of some lanes; optimizer slots that only companions use are left out."""
    found = {}
    taken = snapshot.take(engine, [], boundary=0)
    for p, population in enumerate(taken.plan["populations"]):
        start = f"population{p}."
        state = {name.removeprefix(start): t for name, t in taken.tensors.items() if name.startswith(start)}
        for place, pair in enumerate(population["lanes"]):
            if LaneId(*pair) in wanted:
                row = {name: tensor[place] for name, tensor in state.items()}
                used = [slot for slot, memory in enumerate(row["memory"]) if memory.any()]
                row["memory"] = row["memory"][: max(used, default=-1) + 1]
                found[LaneId(*pair)] = bits(row)
    return found


def play(history: History, way: Way) -> Played:
    """Play a history in an engine of its own, whose lanes step one way, whatever is the fastest."""
    player = _Player(history, way)
    for number, boundary in enumerate(history.boundaries):
        player.join(boundary)
        if player.present:
            player.train()
        player.leave(everyone=number == len(history.boundaries) - 1)
    return player.end()


class _Player:
    def __init__(self, history: History, way: Way) -> None:
        self._new = partial(Engine, metric=history.metric, ways=[way])
        self._engine = self._new()
        self._known = {visit.id: visit for visit in history.visits}
        first = {visit.shape: visit for visit in reversed(history.visits)}
        self._structures = {shape: visit.lane().structure for shape, visit in first.items()}
        self._main = self._structures.get(history.main)
        for structure in self._structures.values():
            self._engine.plans[kind_of(structure)] = Plan(way, alone=False, microseconds={way: 1.0})
        if history.chunk:
            self._engine.chunks[repr(self._main)] = history.chunk
        self._leaders: list[LaneWeights] = []
        self._left = 0
        self.present: list[Visit] = []
        self.played = Played()

    def join(self, boundary: Boundary) -> None:
        if boundary.saved == "before":
            self._through_a_file()
        self._engine.join([visit.lane() for visit in boundary.joins])
        self.present += boundary.joins
        self.played.lives.update((visit.id, Life()) for visit in boundary.joins)
        if boundary.saved == "after":
            self._through_a_file()
        self._count()

    def train(self) -> None:
        outcome = self._engine.train_epoch()
        assert not outcome.failed, outcome.failed
        for record in outcome.records:
            self.played.lives[record.lane].figures.append(Figures.of(record))
        for found in outcome.divergences:
            assert self.played.lives[found.lane].fault is None, f"{found} was found before"
            self.played.lives[found.lane].fault = (found.step, found.layer)
        counted = sum(self._taken(visit) for visit in self.present)
        self.played.steps.append((outcome.steps, counted))

    def _taken(self, visit: Visit) -> int:
        """Steps a lane took in the epoch that has just ended: up to its fault, or all."""
        steps, life = self._structures[visit.shape].steps, self.played.lives[visit.id]
        return steps if life.fault is None else life.fault[0] - len(life.figures) * steps

    def leave(self, *, everyone: bool) -> None:
        lives = self.played.lives
        over = [
            v for v in self.present if everyone or lives[v.id].fault or len(lives[v.id].figures) == v.stay
        ]
        gone = {visit.id for visit in over}
        for name, row in held(self._engine, gone).items():
            lives[name].bits = row
        if over:
            self._leaders += self._engine.best(over[0].id.trial)
        self._engine.leave(gone)
        self.present = [visit for visit in self.present if visit.id not in gone]
        self._left += sum(lives[visit.id].fault is None for visit in over)
        self._count()

    def end(self) -> Played:
        for one in self._leaders:
            row = bits({"weights": one.weights, "statistics": one.statistics})
            self.played.leaders.append((one.lane.id, one.score, row))
        return self.played

    def _through_a_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "engine.safetensors"
            snapshot.write(snapshot.take(self._engine, self._leaders, boundary=0), path)
            self._engine = self._new()
            read = snapshot.read(path)
        self._leaders = snapshot.restore(read, self._engine, lambda name: self._known[name].lane())

    def _count(self) -> None:
        lives = self.played.lives.values()
        self.played.tallies.append(
            Tally(
                joined=len(lives),
                left=self._left,
                diverged=sum(life.fault is not None for life in lives),
                engine=self._engine.lanes,
                main=sum(len(p.lanes) for p in self._engine.populations if p.structure == self._main),
            )
        )
