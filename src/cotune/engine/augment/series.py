"""Series: noise, other scales, other speeds, other windows.

| symbol   | meaning                                     | shape                   |
|----------|---------------------------------------------|-------------------------|
| x        | standardised series                         | lane batch time channel |
| strength | how far at most                             | lane batch              |
| u, z     | uniform, normal draws of an example         | lane batch draw         |
| w        | times that are read, in steps               | lane batch time         |
"""

import torch
from torch import Tensor

KNOTS = 5
"""Places, evenly spread over a series, at which `time_warp` draws a speed."""


def jitter(x: Tensor, strength: Tensor, z: Tensor) -> Tensor:
    """x + strength · z: noise in every number. As many normal draws as numbers.

    Source: Um et al., ICMI 2017.
    """
    return x + strength[..., None, None] * z.view(x.shape)


def amplitude(x: Tensor, strength: Tensor, z: Tensor) -> Tensor:
    """x · (1 + strength · z): every channel of an example by a factor of its own. One normal draw a channel.

    Source: Um et al., ICMI 2017.
    """
    return x * (1 + strength.unsqueeze(-1) * z).unsqueeze(-2)


def time_warp(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """The series run through at a changing speed, from the same start to the same end. Five draws.

    w(τ) = (T − 1) ∫₀^τ s / ∫₀^1 s,  s(τ) = straight lines between the speeds 1 + (2u − 1) · strength

    Below strength 1 speeds are positive, so time never runs backwards; straight lines, where the paper has cubic
    splines, promise that.

    Source: Um et al., ICMI 2017.
    """
    speeds = 1 + (2 * u - 1) * strength.unsqueeze(-1)
    times = _integrated(speeds, x.shape[2])
    return resampled(x, times / times[..., -1:] * (x.shape[2] - 1))


def _integrated(speeds: Tensor, length: int) -> Tensor:
    """∫₀^τ s at `length` even times τ in [0, 1], up to a factor: lane batch time.

    s is a sum of hats, one a knot, as high as its speed there; the sum of their integrals needs no running sum.
    """
    at = torch.arange(length, device=speeds.device) * ((KNOTS - 1) / max(length - 1, 1))
    total = torch.zeros((), device=speeds.device)
    for knot in range(KNOTS):
        rise, fall = (at - (knot - 1)).clamp(0, 1), (at - knot).clamp(0, 1)
        before = 0.0 if knot == 0 else 0.5 * rise * rise
        after = 0.0 if knot == KNOTS - 1 else fall - 0.5 * fall * fall
        total = total + speeds[..., knot : knot + 1] * (before + after)
    return total


def window(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """A stretch of 1 − u₀ · strength of the series, anywhere in it, drawn out to its full length. Two draws.

    Source: Le Guennec, Malinowski & Tavenard, ECML/PKDD workshop AALTD 2016 (window slicing).
    """
    steps = x.shape[2]
    share = 1 - u[..., 0] * strength
    start = u[..., 1] * (1 - share)
    even = torch.arange(steps, device=x.device) / max(steps - 1, 1)
    return resampled(x, (start.unsqueeze(-1) + share.unsqueeze(-1) * even) * (steps - 1))


def resampled(x: Tensor, times: Tensor) -> Tensor:
    """x at the times w, on straight lines between its steps; times beyond its ends are moved there."""
    last = x.shape[2] - 1
    times = times.clamp(0, last)
    left = times.floor().clamp(max=max(last - 1, 0))
    right = (left + 1).clamp(max=last)
    a, b = (torch.take_along_dim(x, side.to(torch.int64).unsqueeze(-1), 2) for side in (left, right))
    return a + (b - a) * (times - left).unsqueeze(-1)
