"""Activation functions with their derivatives.

| symbol | meaning                                                     | shape |
|--------|-------------------------------------------------------------|-------|
| z      | input; replaced by the derivative there                     | n     |
| y      | output                                                      | n     |
"""

import numpy as np

from cotune.kernels.arrays import Floats, floats
from cotune.kernels.compiling import part
from cotune.kernels.exponential import exponential, log1p

NAMES = ("identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "mish",
         "hardsigmoid", "hardswish", "hardtanh")  # fmt: skip
"""An activation's code is its place here. One that learns, as prelu does, is none of these loops'."""

FLOAT = 4
F = np.float32
ZERO, HALF, ONE, TWO, THREE, FOUR = F(0), F(0.5), F(1), F(2), F(3), F(4)
FAR = F(200)
THIRD, SIXTH = F(1 / 3), F(1 / 6)
SLOPE = F(0.01)
SELU_ALPHA, SELU_SCALE = F(1.6732632423543772), F(1.0507009873554805)
ROOT_HALF, ROOT_2_PI = F(0.7071067811865476), F(0.3989422804014327)
ERF_P = F(0.3275911)
ERF_1, ERF_2, ERF_3, ERF_4, ERF_5 = (
    F(c) for c in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
)


def activate(code: int, z_at: int, y_at: int, rows: int, units: int, real: int) -> None:
    """y ← f(z), z ← f′(z) on the first `real` units of each row; the rest is padding, and becomes zero."""
    pieces, n, padding = (1, rows * units, 0) if real == units else (rows, real, units - real)
    for r in range(pieces):
        place = FLOAT * r * units
        z, y = floats(z_at + place, n), floats(y_at + place, n)
        if code < 3:
            _straight(code, z, y)
        elif code < 5:
            _elu(z, y, SELU_ALPHA if code == 4 else ONE, SELU_SCALE if code == 4 else ONE)
        elif code == 5:
            _gelu(z, y)
        elif code < 9:
            _sigmoids(code, z, y)
        elif code == 9:
            _softplus(z, y)
        elif code == 10:
            _mish(z, y)
        else:
            _hard(code, z, y)
        z, y = floats(z_at + place + FLOAT * n, padding), floats(y_at + place + FLOAT * n, padding)
        for i in range(padding):
            z[i] = ZERO
            y[i] = ZERO


@part
def _straight(code: int, z: Floats, y: Floats) -> None:
    n = len(z)
    if code == 0:
        for i in range(n):
            y[i] = z[i]
            z[i] = ONE
    elif code == 1:
        for i in range(n):
            x = z[i]
            y[i] = x if not x < ZERO else ZERO
            z[i] = ONE if x > ZERO else ZERO
    else:
        for i in range(n):
            x = z[i]
            d = ONE if x > ZERO else SLOPE
            y[i] = x * d
            z[i] = d


@part
def _elu(z: Floats, y: Floats, alpha: np.float32, scale: np.float32) -> None:
    """scale · (x if x > 0 else α (eˣ − 1)). Sources: Clevert et al. 2016; Klambauer et al. 2017."""
    for i in range(len(z)):
        x = z[i]
        power = alpha * exponential(x if not x > ZERO else ZERO)
        y[i] = scale * (x if x > ZERO else power - alpha)
        z[i] = scale * (ONE if x > ZERO else power)


@part
def _gelu(z: Floats, y: Floats) -> None:
    """x Φ(x), Φ by the error function (Hendrycks & Gimpel 2016).

    erf by formula 7.1.26 of Abramowitz & Stegun, absolute error below 1.5e-7.
    """
    for i in range(len(z)):
        x = z[i]
        u = abs(x) * ROOT_HALF
        bell = exponential(-u * u)
        t = ONE / (ONE + ERF_P * u)
        tail = HALF * t * (ERF_1 + t * (ERF_2 + t * (ERF_3 + t * (ERF_4 + t * ERF_5)))) * bell
        phi = ONE - tail if x > ZERO else tail
        y[i] = x * phi
        z[i] = phi + x * bell * ROOT_2_PI


@part
def _sigmoids(code: int, z: Floats, y: Floats) -> None:
    """silu (Elfwing et al. 2018), tanh x = 2 σ(2x) − 1, sigmoid: one loop of exponentials for all."""
    factor = -TWO if code == 7 else -ONE
    for i in range(len(z)):
        y[i] = ONE / (ONE + exponential(factor * z[i]))
    if code == 6:
        for i in range(len(z)):
            x, s = z[i], y[i]
            y[i] = x * s
            z[i] = s + x * s * (ONE - s)
    elif code == 7:
        for i in range(len(z)):
            y[i] = TWO * y[i] - ONE
            z[i] = ONE - y[i] * y[i]
    else:
        for i in range(len(z)):
            z[i] = y[i] * (ONE - y[i])


@part
def _softplus(z: Floats, y: Floats) -> None:
    """log(1 + eˣ) = max(x, 0) + log(1 + e⁻ˡˣˡ); its derivative is the sigmoid. Source: Dugas et al. 2001."""
    for i in range(len(z)):
        x = z[i]
        t = exponential(-abs(x))
        y[i] = (x if not x < ZERO else ZERO) + log1p(t)
        z[i] = (ONE if x > ZERO else t) / (ONE + t)


@part
def _mish(z: Floats, y: Floats) -> None:
    """x w with w = tanh(log(1 + eˣ)) = ((1 + eˣ)² − 1) / ((1 + eˣ)² + 1). Source: Misra 2020.

    With t = e⁻ˡˣˡ both halves are quotients of polynomials, w = a / b; w′ = 4 t (1 + t) c / b², c = t or 1.
    """
    for i in range(len(z)):
        x = z[i]
        t = exponential(-abs(x))
        above = x > ZERO
        a = ONE + TWO * t if above else t * t + TWO * t
        b = a + TWO * t * t if above else a + TWO
        w = a / b
        y[i] = x * w
        near = min(max(x, -FAR), FAR)  # beyond, t is 0, and x times 4 may be infinite
        z[i] = w + near * (FOUR * t * (ONE + t) * (t if above else ONE) / (b * b))


@part
def _hard(code: int, z: Floats, y: Floats) -> None:
    """min(max(x/6 + ½, 0), 1); x times that (Howard et al. 2019); and min(max(x, −1), 1)."""
    n = len(z)
    if code == 11:
        for i in range(n):
            x = z[i]
            s = x * SIXTH + HALF
            y[i] = ONE if x >= THREE else (ZERO if x <= -THREE else s)
            z[i] = SIXTH if abs(x) < THREE else ZERO
    elif code == 12:
        for i in range(n):
            x = z[i]
            y[i] = x if x >= THREE else (ZERO if x <= -THREE else x * (x * SIXTH + HALF))
            z[i] = ONE if x >= THREE else (ZERO if x <= -THREE else x * THIRD + HALF)
    else:
        for i in range(n):
            x = z[i]
            y[i] = ONE if x >= ONE else (-ONE if x <= -ONE else x)
            z[i] = ONE if abs(x) < ONE else ZERO
