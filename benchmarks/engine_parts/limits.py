"""What this machine can do at most, and what a step would cost if it did.

| limit      | formula                                                                                  |
|------------|------------------------------------------------------------------------------------------|
| arithmetic | useful operations of a step (`networks.operations`) ÷ rate of float32 matrix products     |
| memory     | (24 bytes a weight + 4 bytes a number of the batch's rows) ÷ rate of copying; 0 where the |
|            | lanes' state, 12 bytes a weight, fits in the last-level cache                             |

Both rates are the best found with all cores at work. Weights and AdamW's two moments are read and written in a step.
An engine that trains a lane for many steps before it turns to the next moves that lane's weights far less often,
so that the memory limit is not strict; the arithmetic one is.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from engine_parts.cases import Case
from engine_parts.crew import Crew
from engine_parts.networks import operations, weights
from engine_parts.spec import Spec

CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
USUAL_CACHE = 32 << 20
RATES = [Spec("rate", "each", form=form) for form in ("product", "chunk", "copy")]
SECONDS = 0.1
"""That a measurement takes at least."""


class Rate:
    """How fast one thread computes or copies: a thousand million operations, or bytes, a second.

    Args:
        spec: the form "product" is a product of 2048×2048 matrices, "chunk" eight of 64×64 that stay in the
            cache, "copy" a copy of 128 MiB, read and written.
    """

    def __init__(self, _case: Case, spec: Spec, _lane: int) -> None:
        torch.set_num_threads(1)
        if spec.form == "copy":
            self._a = torch.ones(128 << 18)
            self._work = 2.0 * self._a.nbytes
        else:
            shape = (1, 2048, 2048) if spec.form == "product" else (8, 64, 64)
            self._a = torch.randn(shape)
            self._work = 2.0 * math.prod(shape) * shape[-1]
        self._copy, self._out = spec.form == "copy", torch.empty_like(self._a)

    def _once(self) -> None:
        if self._copy:
            self._out.copy_(self._a)
        elif len(self._a) == 1:
            torch.mm(self._a[0], self._a[0], out=self._out[0])
        else:
            torch.bmm(self._a, self._a, out=self._out)

    def measure(self, steps: int) -> float:
        """The rate, over at least so many times."""
        done, began = 0, time.perf_counter()
        while done < steps or time.perf_counter() - began < SECONDS:
            self._once()
            done += 1
        return self._work * done / (time.perf_counter() - began) / 1e9

    def loss(self) -> float:
        """Nothing is learned."""
        return math.nan


def cache_bytes() -> int:
    """The last-level cache; a usual one where the system does not say."""
    try:
        text = CACHE.read_text().strip()
    except OSError:
        return USUAL_CACHE
    return int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]]


@dataclass
class Machine:
    """The best rates of the whole run, all cores together.

    Args:
        gflops: 10⁹ float32 operations of a matrix product a second.
        gbytes: 10⁹ bytes read or written in copying a second.
    """

    gflops: float = 0.0
    gbytes: float = 0.0

    def measure(self, crew: Crew) -> None:
        """Measure once more; cases do so in each of their rounds, for the clock of a machine is not steady."""
        for spec in RATES:
            rate = sum(crew.ask("measure", spec, steps=1))
            if spec.form == "copy":
                self.gbytes = max(self.gbytes, rate)
            else:
                self.gflops = max(self.gflops, rate)


@dataclass(frozen=True)
class Limit:
    """Microseconds of the whole machine that a step of one network takes at least."""

    arithmetic: float
    memory: float

    @property
    def microseconds(self) -> float:
        """The larger."""
        return max(self.arithmetic, self.memory)

    @property
    def kind(self) -> str:
        """Which is the larger."""
        return "arithmetic" if self.arithmetic >= self.memory else "memory"


def limit(case: Case, machine: Machine, lanes: int) -> Limit:
    """See the table at the top of this file."""
    numbers = weights(case)
    moved = 24 * numbers + 4 * case.batch * math.prod(case.network.inputs)
    fits = 12 * numbers * lanes <= cache_bytes()
    return Limit(operations(case) / machine.gflops / 1e3, 0.0 if fits else moved / machine.gbytes / 1e3)
