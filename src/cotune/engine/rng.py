"""Randomness without streams: every draw is a hash of (lane seed, purpose, step, layer, index).

A stream shared by lanes would make a lane's noise depend on who trains beside it. A counter does not: lane 7 draws
the same numbers alone, in a crowd, and after a restart. The hash is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).

| symbol | meaning                                   | shape       |
|--------|-------------------------------------------|-------------|
| key    | a lane's hash for one purpose and step    | lane        |
| draw   | signed 16-bit numbers, uniform            | lane count  |
"""

import hashlib
import json

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_M1 = 0xBF58476D1CE4E5B9
_M2 = 0x94D049BB133111EB
_MASK = (1 << 64) - 1

LEVELS = 1 << 16
"""Draws have 16 bits: probabilities are multiples of 1/65536."""


def seed_of(*parts: object) -> int:
    """A seed in [0, 2⁶³) from JSON values, the same on every machine and Python.

    Example:
        >>> seed_of(0, "trial", 3) == seed_of(0, "trial", 3)
        True
    """
    digest = hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _signed(x: int) -> int:
    x &= _MASK
    return x - (1 << 64) if x >> 63 else x


def _shifted(x: Tensor, by: int) -> Tensor:
    return (x >> by) & ((1 << (64 - by)) - 1)  # torch shifts int64 arithmetically; the hash needs zeros


def mix(x: Tensor) -> Tensor:
    """SplitMix64's finaliser, elementwise on int64; a bijection."""
    x = (x ^ _shifted(x, 30)) * _signed(_M1)
    x = (x ^ _shifted(x, 27)) * _signed(_M2)
    return x ^ _shifted(x, 31)


def keys(seeds: Tensor, steps: Tensor, layer: int) -> Tensor:
    """One key per lane.

    Args:
        seeds: lane seeds [lane], int64.
        steps: each lane's own step counter [lane], int64.
        layer: which of the network's random layers.
    """
    return mix(mix(seeds + _signed(_GOLDEN) * (steps + 1)) + _signed(_GOLDEN * (layer + 1)))


def draws(key: Tensor, count: int) -> Tensor:
    """`count` signed 16-bit draws per lane, int16 [lane count]; uniform over all 65,536 values.

    Draw i of a lane depends on its key and on i alone: four draws share a hash.
    """
    hashes = -(-count // 4)
    index = torch.arange(1, hashes + 1, device=key.device) * _signed(_GOLDEN)
    x = key.unsqueeze(1) + index
    scratch = x >> 30
    for by, factor in ((30, _M1), (27, _M2), (31, None)):
        torch.bitwise_right_shift(x, by, out=scratch)
        scratch &= (1 << (64 - by)) - 1
        x ^= scratch
        if factor is not None:
            x *= _signed(factor)
    return x.view(torch.int16)[:, :count]


def keep_mask(key: Tensor, p: Tensor, rows: int, units: int) -> Tensor:
    """Dropout's mask: 0 with probability p, else 1/(1 − p), so that the mean stays 1.

    Args:
        key: lane keys [lane].
        p: drop probability per lane [lane], in [0, 1); rounded to a multiple of 1/65536.

    Returns:
        float32 [lane rows units].

    Source: Srivastava et al., Dropout, JMLR 2014 (inverted, as is usual now).
    """
    level = (p.double() * LEVELS).round()
    threshold = (level - LEVELS // 2).to(torch.int32)
    scale = (LEVELS / (LEVELS - level)).float()
    kept = draws(key, rows * units) >= threshold.unsqueeze(1)
    return (kept * scale.unsqueeze(1)).view(-1, rows, units)


def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """A lane's row order in an epoch: a permutation of `count`, int64."""
    generator = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    return torch.randperm(count, generator=generator)
