"""The plan: how the lanes of a structure step, chosen by measuring them.

On a CPU there are three ways: compiled loops, a lane at a time; PyTorch's batched kernels over many lanes; and the same
over one lane, which is what a plain training loop does. Networks of about the same size do the same work, so one
measurement, some hundredths of a second a way, serves them all, and is remembered with the study: a resumed study
steps as before, to the bit.
"""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cotune.engine.bank import Stack
from cotune.engine.compiled import operations
from cotune.engine.lanes import Lane, Structure
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.population import Halted, Population, Way

PROBE_SECONDS = 0.02
"""Measured for at least so long, each way."""

PROBED_LANES = 8
"""Lanes that are tried together."""

HEAVY_OPERATIONS = 2e9
"""Lanes with so many operations a step gain nothing from stepping together, and a trial of it would take seconds."""

MARGIN = 2.0
"""Another way must be so many times as fast as compiled loops to be taken: ways of about the same speed must not change
places from run to run when another program disturbs the measurement, for they differ in the last bits."""


@dataclass(frozen=True)
class Plan:
    """What was chosen for structures of one kind, and why.

    Args:
        way: how their lanes step.
        alone: whether only one lane at a time.
        microseconds: a lane-step on one core, by what was tried: "compiled", "batched", "alone".
    """

    way: Way
    alone: bool
    microseconds: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """A lane-step on one core, the chosen way."""
        return self.microseconds["alone" if self.alone else self.way] / 1e6

    def why(self) -> str:
        """One line for a person."""
        chosen = "alone" if self.alone else self.way
        said = ", ".join(f"{name} {value:,.0f} µs" for name, value in self.microseconds.items())
        return f"{chosen} ({said} a lane-step on one core)"


def kind_of(structure: Structure) -> str:
    """Structures of one kind share a plan: the same sort of network, and work within a factor of two.

    Example:
        "MLP norm=none, 2^21 operations a step"
    """
    network = structure.network
    exponent = round(math.log2(max(1.0, operations(structure))))
    return f"{network.kind}, 2^{exponent} operations a step"


def choose(lanes: Sequence[Lane], *, chunk: int, metric: str, ways: Sequence[Way]) -> Plan:
    """Measure every way that is open to these lanes of one structure, and choose.

    Args:
        chunk: lanes that the batched way may step together.
        ways: those that are open; with a single one there is nothing to try but its speed.
    """
    found: dict[str, float] = {}
    some = list(lanes[:PROBED_LANES])
    light = operations(lanes[0].structure) * len(some) < HEAVY_OPERATIONS
    if "compiled" in ways:
        found["compiled"] = _microseconds(some if light else some[:1], "compiled", 1, metric)
    if "batched" in ways:
        if min(len(some), chunk) > 1 and light:
            found["batched"] = _microseconds(some, "batched", min(chunk, len(some)), metric)
        found["alone"] = _microseconds(some[:1], "batched", 1, metric)
    best = min(found, key=lambda name: found[name])
    if "compiled" in found and found["compiled"] <= MARGIN * found[best]:
        best = "compiled"
    return Plan("compiled" if best == "compiled" else "batched", best == "alone", found)


def _microseconds(lanes: Sequence[Lane], way: Way, chunk: int, metric: str) -> float:
    """A lane-step on this core; the first steps are left out, for they pay for set-up."""
    population = Population(lanes[0].structure, Stack(), metric=metric, chunk=chunk, way=way)
    population.join(lanes)
    _train(population, seconds=0.0)
    rates, spent = [], 0.0
    while spent < PROBE_SECONDS:
        steps, seconds = _train(population, seconds=PROBE_SECONDS)
        rates.append(seconds / steps)
        spent += seconds
    return min(rates) * 1e6


def _train(population: Population, *, seconds: float) -> tuple[int, float]:
    """Train for some time, an epoch at most, on this core; returns lane-steps, at least one, and seconds."""
    before, began, asked = population.lane_steps, time.perf_counter(), 0

    def halt() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1 and time.perf_counter() - began > seconds

    with one_thread_a_kernel(), suppress(Halted):
        for job in population.training(len(population.lanes), halt):
            job.do()
    return population.lane_steps - before, time.perf_counter() - began
