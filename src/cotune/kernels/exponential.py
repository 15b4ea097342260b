"""eˣ and log(1 + t) on float32 in plain arithmetic, so that loops over them become vector instructions.

eˣ = 2ⁿ eʳ with n = ⌊x log₂e + ½⌋ and |r| ≤ ½ ln 2; eʳ by the polynomial of Cephes' expf (Moshier 1989). Relative error
below 2⁻²⁰. NaN stays NaN; above 88.72 the result is infinite, below −87.3 zero.
"""

import math

import numpy as np

from cotune.kernels.compiling import part
from cotune.kernels.tile import power_of_two

F = np.float32
LOWEST, HIGHEST = F(-87.3), F(88.7228)
LOG2_E, LN2_HIGH, LN2_LOW = F(1.44269504), F(0.693359375), F(-2.12194440e-4)
HALF, ONE, ZERO, INFINITE = F(0.5), F(1), F(0), F(math.inf)
C0, C1, C2 = F(1.9875691500e-4), F(1.3981999507e-3), F(8.3334519073e-3)
TWO = F(2)
L3, L5, L7, L9, L11, L13 = (F(1 / n) for n in (3, 5, 7, 9, 11, 13))
C3, C4, C5 = F(4.1665795894e-2), F(1.6666665459e-1), F(5.0000001201e-1)


@part
def exponential(x: np.float32) -> np.float32:
    """eˣ for a float32 x."""
    cut = x if x > LOWEST else (LOWEST if x <= LOWEST else x)
    cut = cut if not cut > HIGHEST else HIGHEST
    n = np.floor(cut * LOG2_E + HALF)
    n = n if n < F(127) else F(127)
    r = cut - n * LN2_HIGH - n * LN2_LOW
    p = ((((C0 * r + C1) * r + C2) * r + C3) * r + C4) * r + C5
    found = (p * r * r + r + ONE) * power_of_two(np.int32(n))
    found = found if not x > HIGHEST else INFINITE
    return found if not x < LOWEST else ZERO


@part
def log1p(t: np.float32) -> np.float32:
    """log(1 + t) for t in [0, 1], as 2 artanh s with s = t / (2 + t), by its series; relative error below 2⁻²¹."""
    s = t / (TWO + t)
    q = s * s
    return TWO * s * (ONE + q * (L3 + q * (L5 + q * (L7 + q * (L9 + q * (L11 + q * L13))))))
