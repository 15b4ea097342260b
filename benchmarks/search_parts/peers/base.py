"""What all peers share: trials by number, curves, pausing, and the table of configurations where there is one.

A peer proposes (configuration, epochs) and is told the cost there. From that follow who starts, who leaves, who goes on
from where it paused, and what is known already and needs no slot: a configuration that was trained that far before.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Params = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is searched.

    Args:
        seed: of the peer.
        epochs: of a full training.
        slots: trials at once.
        maximize: whether larger figures are better; peers see costs, of which smaller ones are.
        space: {name, kind ("float" or "int"), low, high, log} of every parameter.
        rows: the only configurations there are; `None` where all have a curve.
        top: the best figure there can be: from there costs are counted, so that they are errors, and not negative.
    """

    seed: int
    epochs: int
    slots: int
    maximize: bool
    space: list[dict[str, Any]]
    rows: list[Params] | None = None
    top: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """A configuration, how many epochs of it the peer wants to see, and the peer's own name for that."""

    params: Params
    epochs: int
    token: Any


@dataclass
class _Lane:
    number: int
    params: Params
    curve: list[float] = field(default_factory=list)
    """Costs by epoch."""
    lost: bool = False
    wanted: list[Proposal] = field(default_factory=list)


class Table:
    """The nearest configuration that has a curve and was not tried, as `search_parts.tasks.TaskSet` has it."""

    def __init__(self, space: list[dict[str, Any]], rows: list[Params] | None) -> None:
        self._space = space
        self._rows = rows
        self._places = np.array([self._place(row) for row in rows]) if rows else None
        self._tried: set[int] = set()

    def _place(self, params: Params) -> list[float]:
        found = []
        for p in self._space:
            low, high, value = float(p["low"]), float(p["high"]), float(params[p["name"]])
            if p["kind"] == "int":
                low, high = low - 0.5, high + 0.5
            if p["log"]:
                low, high, value = np.log(low), np.log(high), np.log(value)
            found.append(float(min(max((value - low) / (high - low), 0.0), 1.0)))
        return found

    def nearest(self, params: Params) -> Params:
        """What is trained instead; once all was tried, the nearest of all."""
        if self._rows is None:
            return params
        apart = self._apart(params)
        if len(self._tried) < len(self._rows):
            apart[list(self._tried)] = np.inf
        row = int(apart.argmin())
        self._tried.add(row)
        return self._rows[row]

    def closest(self, params: Params) -> Params:
        """The nearest of all: where a peer's arithmetic has cost a configuration its last bits."""
        assert self._rows is not None
        return self._rows[int(self._apart(params).argmin())]

    def _apart(self, params: Params) -> np.ndarray:
        assert self._places is not None
        apart: np.ndarray = ((self._places - np.array(self._place(params))) ** 2).sum(axis=1)
        return apart


class Peer:
    """A peer; its file says what it proposes and how it is told.

    Args:
        subject: what is searched.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.table = Table(subject.space, subject.rows)
        self._lanes: list[_Lane] = []
        self._by_params: dict[tuple[tuple[str, Any], ...], _Lane] = {}
        self._running: set[int] = set()
        self._worst: float | None = None

    # -------------------------------------------------------------- what a peer's file says

    def propose(self, count: int) -> list[Proposal]:
        """Up to `count` proposals; none where the peer waits for results."""
        raise NotImplementedError

    def told(self, proposal: Proposal, cost: float | None) -> None:
        """The cost at the proposal's epochs; `None` where it diverged and nothing better is known."""
        raise NotImplementedError

    # -------------------------------------------------------------- what follows from it

    def start(self, free: int) -> list[tuple[int, Params]]:
        """Lanes for free slots."""
        started: list[tuple[int, Params]] = []
        tries = 0
        while len(started) < free and tries < 10 * free:
            found = self.propose(free - len(started))
            tries += max(1, len(found))
            if not found:
                break
            for proposal in found:
                lane = self._lane(proposal.params)
                if self._known(lane, proposal):
                    self._tell(lane, proposal)
                    continue
                lane.wanted.append(proposal)
                if lane.number not in self._running:
                    self._running.add(lane.number)
                    started.append((lane.number, lane.params))
        return started

    def show(self, figures: list[tuple[int, int, float | None]]) -> list[int]:
        """Figures of one boundary: all are written down before the peer is told of any."""
        for number, _, figure in figures:
            lane = self._lanes[number]
            if figure is None or not np.isfinite(figure):
                lane.lost = True
            else:
                cost = self.subject.top - figure if self.subject.maximize else figure
                lane.curve.append(cost)
                self._worst = cost if self._worst is None else max(cost, self._worst)
        leaving = []
        for number, _, _ in figures:
            lane = self._lanes[number]
            done = [proposal for proposal in lane.wanted if self._known(lane, proposal)]
            lane.wanted = [proposal for proposal in lane.wanted if not self._known(lane, proposal)]
            for proposal in done:
                self._tell(lane, proposal)
            if not lane.wanted:
                self._running.discard(number)
                leaving.append(number)
        return leaving

    def _lane(self, params: Params) -> _Lane:
        key = tuple(sorted(params.items()))
        if key not in self._by_params:
            lane = _Lane(len(self._lanes), params)
            self._lanes.append(lane)
            self._by_params[key] = lane
        return self._by_params[key]

    @staticmethod
    def _known(lane: _Lane, proposal: Proposal) -> bool:
        return lane.lost or len(lane.curve) >= proposal.epochs

    def _tell(self, lane: _Lane, proposal: Proposal) -> None:
        """A divergence costs as much as the worst so far; else the best figure up to the asked epoch counts."""
        lost = len(lane.curve) < proposal.epochs
        self.told(proposal, self._worst if lost else min(lane.curve[: proposal.epochs]))

    def plain(self, params: Any) -> Params:
        """Numbers as JSON and tables have them, inside their ranges."""
        found: Params = {}
        for p in self.subject.space:
            value = float(params[p["name"]])
            value = min(max(value, p["low"]), p["high"])
            found[p["name"]] = round(value) if p["kind"] == "int" else value
        return found
