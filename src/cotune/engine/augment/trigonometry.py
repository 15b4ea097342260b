"""Sine and cosine of additions and products alone, so that their bits depend on the angle and on nothing beside it.

A library's may depend on the angle's place in its tensor, as `torch.log1p` does: the last few numbers are not computed
by the vector instructions that compute the rest. It differs between builds, processors and devices.
"""

import math

from torch import Tensor

_SINE = [(-1) ** i / math.factorial(2 * i + 1) for i in range(6)]
_COSINE = [(-1) ** i / math.factorial(2 * i) for i in range(7)]


def _series(square: Tensor, terms: list[float]) -> Tensor:
    total = square * terms[-1] + terms[-2]
    for term in reversed(terms[:-2]):
        total = total * square + term
    return total


def sine_and_cosine(angle: Tensor) -> tuple[Tensor, Tensor]:
    """sin and cos of angles in [−π, π], within 1e-6; exactly 0 and 1 at 0.

    Taylor's series at a quarter of the angle, then sin 2a = 2 sin a cos a and cos 2a = 1 − 2 sin² a, twice.
    """
    quarter = angle * 0.25
    square = quarter * quarter
    sine, cosine = _series(square, _SINE) * quarter, _series(square, _COSINE)
    for _ in range(2):
        sine, cosine = 2 * sine * cosine, 1 - 2 * sine * sine
    return sine, cosine
