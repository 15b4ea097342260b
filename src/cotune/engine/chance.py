"""The draws that networks ask for by name: hashes of (lane seed, step, name, place). See `cotune.nets.chance`.

| symbol  | meaning                                       | shape |
|---------|-----------------------------------------------|-------|
| key     | of a lane's step, see `cotune.engine.rng`     | lane  |
| numbers | a lane's own, by name                         | lane  |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from cotune.engine import rng
from cotune.engine.lanes import Lane

NUMBERS = ("dropout", "input_dropout", "attention_dropout", "edge_drop", "feature_mask")
"""Shares that networks leave out by name."""


@dataclass(frozen=True, eq=False)
class StepChance:
    """The draws of one step.

    Args:
        keys: of the lanes' steps, on the device of the draws.
        numbers: name → share of each lane; a name is absent where all lanes have 0.
    """

    keys: Tensor
    numbers: Mapping[str, Tensor]

    def factors(self, number: str, name: str, count: int) -> Tensor | None:
        """As of `cotune.nets.chance.Chance`."""
        share = self.numbers.get(number)
        if share is None:
            return None
        keys = rng.mix(self.keys ^ _purpose(name))
        level = rng.drop_levels(keys, share).unsqueeze(1)
        return rng.keep_mask(rng.draws(keys, _counters(count, keys.device))[:, :count], level)

    def hashes(self, name: str, count: int) -> Tensor:
        """As of `cotune.nets.chance.Chance`."""
        return rng.hashes(rng.mix(self.keys ^ _purpose(name)), count) & ((1 << 63) - 1)

    def of(self, lane: int) -> "StepChance":
        """As of `cotune.nets.chance.Chance`."""
        one = slice(lane, lane + 1)
        return StepChance(self.keys[one], {name: share[one] for name, share in self.numbers.items()})


@cache
def _purpose(name: str) -> int:
    return rng.seed_of("chance", name)


@cache
def _counters(count: int, device: torch.device) -> Tensor:
    return rng.counters(count).to(device)


class Chances:
    """The chance of lanes' steps.

    Args:
        lanes: in the order of their rows.
        device: where draws are to lie.
    """

    def __init__(self, lanes: Sequence[Lane], device: torch.device) -> None:
        self._seeds = torch.tensor([rng.seed_of(lane.seed, "chance") for lane in lanes])
        self._device = device
        shares = {n: torch.tensor([lane.number(n) for lane in lanes], dtype=torch.float32) for n in NUMBERS}
        self._numbers = {n: share.to(device) for n, share in shares.items() if bool((share > 0).any())}

    def of_step(self, taken: Tensor) -> StepChance:
        """That of the next step.

        Args:
            taken: steps each lane took before, on the host [lane].
        """
        return StepChance(rng.keys(self._seeds, taken).to(self._device), self._numbers)
