"""The engine: the populations that train side by side, and the lanes that come and go between epochs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from cotune.engine.allocator import keep_freed_memory
from cotune.engine.bank import Stack
from cotune.engine.lanes import Lane, Structure
from cotune.engine.memory import SHARE, free_bytes, held_bytes, step_bytes
from cotune.engine.plan import Plan, choose, kind_of
from cotune.engine.population import WAYS, Halt, Outcome, Population, Way, never, train_together
from cotune.types import LaneId

CACHE_BYTES = 48 << 20
"""On a CPU lanes step together in chunks whose weights, gradients and optimizer memory take about so much: more
lanes share the cost of launching kernels, but too many push each other out of the cache."""

MOST_LANES = 64
"""Lanes in training at once unless the recipe says otherwise: enough to fill the vector units of a few cores."""


@dataclass(frozen=True, eq=False)
class LaneWeights:
    """A lane's best network.

    Args:
        lane: which lane it was.
        weights, statistics: rows in the layouts of its structure.
        score: validation figure they reached.
    """

    lane: Lane
    weights: torch.Tensor
    statistics: torch.Tensor
    score: float


class Engine:
    """Trains lanes, each in the population of its structure.

    Args:
        metric: name of the figure that decides a lane's best epoch.
        ways: how lanes may step; where there are several, the fastest is found by measuring.
    """

    def __init__(self, *, metric: str, ways: Sequence[Way] = WAYS) -> None:
        keep_freed_memory()
        self._metric = metric
        self._ways = ways
        self._stacks: dict[tuple[int, tuple[int, ...]], Stack] = {}
        self.populations: list[Population] = []
        """In the order in which they were formed."""
        self.chunks: dict[str, int] = {}
        """Chunk sizes that memory forced, by structure; worth remembering."""
        self.plans: dict[str, Plan] = {}
        """How structures step, by kind; worth remembering."""

    @property
    def lanes(self) -> int:
        """Lanes in training."""
        return sum(len(population.lanes) for population in self.populations)

    def join(self, lanes: Sequence[Lane]) -> None:
        """Let lanes in, each into the population of its structure."""
        for structure in dict.fromkeys(lane.structure for lane in lanes):
            group = [lane for lane in lanes if lane.structure == structure]
            self.population(group).join(group)

    def population(self, lanes: Sequence[Lane]) -> Population:
        """The population of the structure of these lanes; formed where there is none."""
        structure = lanes[0].structure
        for population in self.populations:
            if population.structure == structure:
                return population
        network = structure.network
        stack = self._stacks.setdefault((network.features, network.cardinalities), Stack())
        chunk = self.chunks.get(repr(structure)) or chunk_size(structure, len(lanes[0].train))
        plan = self.plan(lanes)
        chunk = 1 if plan.alone else chunk
        population = Population(structure, stack, metric=self._metric, chunk=chunk, way=plan.way)
        self.populations.append(population)
        return population

    def plan(self, lanes: Sequence[Lane]) -> Plan:
        """How lanes of one structure step; measured where no lanes of their kind have been seen."""
        kind = kind_of(lanes[0].structure)
        if kind not in self.plans:
            chunk = chunk_size(lanes[0].structure, len(lanes[0].train))
            self.plans[kind] = choose(lanes, chunk=chunk, metric=self._metric, ways=self._ways)
        return self.plans[kind]

    def leave(self, ids: Iterable[LaneId]) -> None:
        """Let lanes go; a population without lanes is dissolved."""
        gone = set(ids)
        for population in self.populations:
            population.leave(gone)
        self.populations = [population for population in self.populations if population.lanes]

    def train_epoch(self, *, halt: Halt = never) -> Outcome:
        """Train every lane for one epoch, then evaluate it.

        Args:
            halt: asked every few steps; `True` ends the epoch at once.

        Raises:
            Halted: `halt` said so.
        """
        before = [population.chunk for population in self.populations]
        outcome = train_together(self.populations, halt=halt)
        for population, chunk in zip(self.populations, before, strict=True):
            if population.chunk != chunk:
                self.chunks[repr(population.structure)] = population.chunk
        return outcome

    def unfinished_steps(self) -> int:
        """Optimizer steps of an epoch that was broken off, summed over lanes."""
        return sum(
            int((p.state.step - p.state.epoch * p.structure.steps).clamp(min=0).sum())
            for p in self.populations
        )

    def best(self, trial: int) -> list[LaneWeights]:
        """The best weights so far of a trial's lanes in training; lanes never evaluated are left out."""
        found = []
        for population in self.populations:
            for i, lane in enumerate(population.lanes):
                score = float(population.state.best[i])
                if lane.id.trial == trial and score == score:
                    state = population.state
                    found.append(
                        LaneWeights(
                            lane, state.best_weights[i].clone(), state.best_statistics[i].clone(), score
                        )
                    )
        return sorted(found, key=lambda item: item.lane.id)


def chunk_size(structure: Structure, rows: int) -> int:
    """Lanes that step together: what the cache holds, and what memory holds.

    Args:
        rows: training rows of a lane.
    """
    weights = held_bytes(structure) // 4
    by_cache = max(4, CACHE_BYTES // (5 * weights))
    by_memory = int(free_bytes() * SHARE) // (step_bytes(structure, rows) + held_bytes(structure))
    return max(1, min(by_cache, by_memory))


def slots(structure: Structure, rows: int) -> int:
    """Lanes in training at once when the recipe leaves it open."""
    lane = held_bytes(structure) + 8 * rows
    return max(1, min(MOST_LANES, int(free_bytes() * SHARE) // max(lane, 1)))
