"""The plan: how the lanes of a structure step, chosen by measuring them.

On a CPU there are three ways: compiled loops, a lane at a time; PyTorch's batched kernels over many lanes; and the same
over one lane, which is what a plain training loop does. On a GPU it is the batched kernels, over more lanes or fewer.
Networks of about the same size do the same work, so one measurement, some hundredths of a second a way, serves them
all, and is remembered with the study: a resumed study steps as before, to the bit.
"""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from cotune.engine.bank import Stack
from cotune.engine.compiled import operations
from cotune.engine.course import WINDOW
from cotune.engine.devices import ON_HOST, Compute
from cotune.engine.lanes import Lane, Structure
from cotune.engine.outcome import Halted, Way
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.population import Population
from cotune.types import LaneId

PROBE_SECONDS = 0.02
"""Measured for at least so long, each way."""

WINDOWS = 4
"""The best of so many windows counts: another program may have had the core in the others."""

PROBED_LANES = 8
"""Lanes that are tried together."""

HEAVY_OPERATIONS = 2e9
"""Lanes with so many operations a step gain nothing from stepping together, and a trial of it would take seconds."""

CHUNKS = (16, 32, 64, 128, 256, 512)
"""Lanes that are tried together on a GPU. More share the cost of launching kernels, but batched products of matrices
can become several times slower when there are many of them: which count is best, only measuring tells."""

MARGIN = 1.25
"""Another way must be so many times as fast as compiled loops to be taken: ways of about the same speed must not change
places from run to run when another program disturbs the measurement, for they differ in the last bits."""


@dataclass(frozen=True)
class Plan:
    """What was chosen for structures of one kind, and why.

    Args:
        way: how their lanes step.
        alone: whether only one lane at a time.
        microseconds: a lane-step on one core, by what was tried: "compiled", "batched", "alone"; on a GPU "batched"
            with the best count of lanes, and with each that was tried.
        chunk: lanes that step together where it was measured.
    """

    way: Way
    alone: bool
    microseconds: Mapping[str, float]
    chunk: int | None = None

    @property
    def seconds(self) -> float:
        """A lane-step on one core, the chosen way."""
        return self.microseconds["alone" if self.alone else self.way] / 1e6


def kind_of(structure: Structure) -> str:
    """Structures of one kind share a plan: the same sort of network, and work within a factor of two.

    Example:
        "MLP, norm none, 2^21 operations a step"
    """
    network = structure.network
    exponent = round(math.log2(max(1.0, operations(structure))))
    alone = "" if structure.method.loops else ", not compiled"
    return f"{network.kind}{structure.method.words}{alone}, 2^{exponent} operations a step"


def choose(
    lanes: Sequence[Lane], *, chunk: int, metric: str, ways: Sequence[Way], compute: Compute = ON_HOST
) -> Plan:
    """Measure every way that is open to these lanes of one structure, by copies of the first, and choose.

    Args:
        chunk: lanes that the batched way may step together.
        ways: those that are open; with a single one there is nothing to try but its speed.
        compute: where lanes step; on a GPU the count of lanes that step together is what is chosen.
    """
    if not compute.on_host:
        return sweep(lanes[0], most=chunk, metric=metric, compute=compute)
    found: dict[str, float] = {}
    some = [replace(_short(lanes[0]), id=LaneId(-1 - number, 0)) for number in range(PROBED_LANES)]
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


def sweep(lane: Lane, *, most: int, metric: str, compute: Compute) -> Plan:
    """Measure the batched way with more and more lanes together, and take the count with the cheapest lane-step.

    Args:
        lane: tried beside copies of itself.
        most: lanes that there is memory for.
    """
    sizes = [size for size in CHUNKS if size <= most] or [most]
    stack = Stack(compute.device)
    lane = _short(lane)
    found = {}
    for size in sizes:
        some = [replace(lane, id=LaneId(-1 - number, 0)) for number in range(size)]
        found[size] = _microseconds(some, "batched", size, metric, compute, stack)
    best = min(found, key=lambda size: found[size])
    tried = {f"batched, {size} together": value for size, value in found.items()}
    return Plan("batched", False, {"batched": found[best], **tried}, best)


def _short(lane: Lane) -> Lane:
    """The lane with a few of its rows: drawing the orders of hundreds of long epochs would be what is measured."""
    structure = replace(lane.structure, steps=min(lane.structure.steps, WINDOW))
    return replace(lane, structure=structure, train=lane.train[: structure.steps * structure.batch_size])


def _microseconds(
    lanes: Sequence[Lane],
    way: Way,
    chunk: int,
    metric: str,
    compute: Compute = ON_HOST,
    stack: Stack | None = None,
) -> float:
    """A lane-step on this core, or on the GPU; the first steps are left out, for they pay for set-up."""
    stack = Stack() if stack is None else stack
    population = Population(lanes[0].structure, stack, metric=metric, chunk=chunk, way=way, compute=compute)
    population.join(lanes)
    _train(population, seconds=0.0)
    rates: list[float] = []
    spent = 0.0
    while spent < PROBE_SECONDS or len(rates) < WINDOWS:
        steps, seconds = _train(population, seconds=PROBE_SECONDS / WINDOWS)
        rates.append(
            seconds / steps if steps else math.inf
        )  # lanes that diverge at their first step take none
        spent += seconds
    return min(rates) * 1e6


def _train(population: Population, *, seconds: float) -> tuple[int, float]:
    """Train for some time, an epoch at most, on this core; returns lane-steps and seconds."""
    before, began, asked = population.lane_steps, time.perf_counter(), 0

    def halt() -> bool:
        nonlocal asked, began
        asked += 1
        if asked == 1 and not population.compute.on_host:
            began = time.perf_counter()
        return asked > 1 and time.perf_counter() - began > seconds

    # A GPU's clock begins with the first step: what is laid there for an epoch is much for a few steps of it.
    with one_thread_a_kernel(), population.compute.switched(), suppress(Halted):
        for job in population.training(len(population.lanes), halt):
            job.do()
    return population.lane_steps - before, time.perf_counter() - began
