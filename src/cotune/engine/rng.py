"""Randomness without streams: every draw is a hash of (lane seed, step, index).

A stream shared by lanes would make a lane's noise depend on who trains beside it. A counter does not: lane 7 draws
the same numbers alone, in a crowd, and after a restart. The hash is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).

| symbol | meaning                                   | shape       |
|--------|-------------------------------------------|-------------|
| key    | a lane's hash for one step                | lane        |
| draw   | signed 8-bit numbers, uniform             | lane count  |
| hash   | 64 bits for each place after a key        | lane count  |
"""

import hashlib
import json
import math

import torch
from torch import Tensor

from cotune.kernels import orders
from cotune.kernels.loading import loaded

_GOLDEN = 0x9E3779B97F4A7C15
_M1 = 0xBF58476D1CE4E5B9
_M2 = 0x94D049BB133111EB
_MASK = (1 << 64) - 1

LEVELS = 256
"""Draws have 8 bits: eight of them share a hash."""


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


def keys(seeds: Tensor, steps: Tensor) -> Tensor:
    """One key per lane and step.

    Args:
        seeds: lane seeds [lane], int64.
        steps: each lane's own step counter [lane], int64.
    """
    return mix(seeds + _signed(_GOLDEN) * (steps + 1))


def counters(count: int) -> Tensor:
    """What `draws` adds to a key for `count` draws, int64 [⌈count/8⌉]; the same for all lanes and steps."""
    return torch.arange(1, -(-count // 8) + 1) * _signed(_GOLDEN)


def draws(key: Tensor, counter: Tensor) -> Tensor:
    """Signed 8-bit draws, int8 [lane 8·hash]; uniform over all 256 values.

    Draw i of a lane depends on its key and on i alone.

    Args:
        key: [lane].
        counter: see `counters` [hash].
    """
    x = key.unsqueeze(1) + counter
    scratch = torch.empty_like(x)
    for by, factor in ((30, _M1), (27, _M2), (31, None)):
        torch.bitwise_right_shift(x, by, out=scratch)
        scratch &= (1 << (64 - by)) - 1
        x ^= scratch
        if factor is not None:
            x *= _signed(factor)
    return x.view(torch.int8)


def hashes(key: Tensor, count: int) -> Tensor:
    """One hash for each of `count` places, int64 [lane count]; number i depends on the key and on i alone.

    Args:
        key: [lane]; a key's hashes are those of which `draws` takes the bytes.
    """
    place = torch.arange(1, count + 1, device=key.device) * _signed(_GOLDEN)
    return mix(key.unsqueeze(1) + place)


def uniforms(key: Tensor, count: int) -> Tensor:
    """Uniform draws in [0, 1), float32 [lane count]: multiples of 2⁻²⁴, the highest bits of a hash each.

    Args:
        key: [lane].
    """
    highest = _shifted(hashes(key, count), 40)
    return highest.float() * 2.0**-24


_EVEN_BYTES = 0x00FF00FF00FF00FF
_FOUR_FIELDS = 0x0001000100010001
_NORMAL_SCALE = math.sqrt(12 / (8 * (LEVELS**2 - 1)))


def normals(key: Tensor, count: int) -> Tensor:
    """Draws that are nearly normal, mean 0 and variance 1, float32 [lane count].

    z = (Σ₈ byte − 1020) / √43690

    The sum of a hash's eight bytes (Irwin-Hall) is a whole number and is multiplied once, so the bits are the same on
    every device and in every implementation, which no logarithm or cosine promises. It is not the normal
    distribution: |z| ≤ 4.88, the excess kurtosis is −0.15, and there are 2041 values.

    Args:
        key: [lane].

    Source: Irwin 1927; Hall 1927.
    """
    x = hashes(key, count)
    pairs = (x & _EVEN_BYTES) + (_shifted(x, 8) & _EVEN_BYTES)
    total = _shifted(pairs * _FOUR_FIELDS, 48)
    return (total - 4 * (LEVELS - 1)).float() * _NORMAL_SCALE


def drop_levels(key: Tensor, p: Tensor) -> Tensor:
    """How many of the 256 levels of a draw mean "drop", float32, shaped as `key`.

    p is seldom a multiple of 1/256. In each step a lane drops with one of the two multiples beside it, chosen by
    the lane's key so that the mean over steps is p.

    Args:
        key: lane keys [lane …].
        p: drop probability per lane, in [0, 1), in a shape that broadcasts.
    """
    dither = (mix(key) & 0xFFFF).double() / 0x10000
    return (p.double() * LEVELS + dither).floor().clamp(max=LEVELS - 1).float()


def keep_mask(draw: Tensor, level: Tensor) -> Tensor:
    """Dropout's factors: 0 with probability q = level/256, else 1/(1 − q), so that the mean stays 1.

    Args:
        draw: see `draws` [lane count].
        level: see `drop_levels` [lane 1].

    Returns:
        float32 [lane count].

    Source: Srivastava et al., Dropout, JMLR 2014 (inverted, as is usual now).
    """
    # Draws are whole numbers, so the distance above the threshold, cut to [0, 1], is 0 or 1: comparing, and turning
    # the answer into floats, takes several times as long.
    kept = draw.float()
    kept.sub_(level - (LEVELS / 2 + 1)).clamp_(0, 1)
    return kept.mul_(LEVELS / (LEVELS - level))


def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """A lane's row order in an epoch: a permutation of `count`, int64; see `cotune.kernels.orders`."""
    numbers, found = torch.arange(count), torch.empty(count, dtype=torch.int64)
    loaded(orders.shuffle).ctypes(
        numbers.data_ptr(), count, count, seed_of(seed, "order"), epoch, found.data_ptr()
    )
    return found
