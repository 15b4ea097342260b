"""Convolution over images by matrix products, and pooling; images are rows of pixels, each pixel a row of channels.

| symbol  | meaning                                                    | shape                        |
|---------|------------------------------------------------------------|------------------------------|
| x, y    | input and output; borders count as zero                     | image height width channel   |
| w       | filters                                                    | (down across channel) unit   |
| framed  | images with a border above and to the left, one after the  | image (height + border)      |
|         | other: each one's is also the border of what lies before it | (width + border) channel     |

In a framed image all that a filter sees from one row of pixels lies in one piece, `width + border` pixels after what it
sees from the row above. So y is one product of matrices with overlapping rows, without copying each pixel to the nine
places that see it; it comes out framed too, with rubbish in the border. The gradient of x is a convolution of y's, with
the filters turned round. All this is done for a few images at a time, so that it stays in the cache.
"""

import numpy as np

from cotune.kernels import matmul
from cotune.kernels.arrays import floats
from cotune.kernels.compiling import external, part
from cotune.kernels.tile import pool_8, spread_8

_matmul = external(matmul.matmul)

FLOAT = 4
ZERO = np.float32(0)
FRAMED = 1 << 14
"""Pixels times channels that are framed at a time, at least one image's."""


LINE = 512
"""Pixels of a line, where lines are made."""


@part
def _at_a_time(height: int, width: int, channels: int, units: int, border: int) -> int:
    """Images that are framed at a time."""
    return max(1, FRAMED // ((height + border) * (width + border) * max(channels, units)))


def room(height: int, width: int, channels: int, units: int, kernel: int) -> int:
    """Floats of scratch that a convolution needs: x and y framed, and the filters turned round, or lines."""
    border, most = kernel // 2, max(channels, units)
    one = (height + border) * (width + border) * most
    tail = 2 * (border * (width + border) + border) * most
    return 2 * (max(one, FRAMED) + tail) + kernel * kernel * channels * max(
        units, LINE if channels < 8 else 0
    )


@part
def _frame(
    x_at: int, target_at: int, images: int, height: int, width: int, channels: int, border: int
) -> None:
    """Copy images into their frame, with the border of the last one behind it."""
    line, framed_line = width * channels, (width + border) * channels
    lines = images * (height + border)
    x = floats(x_at, images * height * line)
    target = floats(target_at, (lines + border) * framed_line + border * channels)
    for row in range(lines):
        own = target[row * framed_line : (row + 1) * framed_line]
        inside = row % (height + border) - border
        if inside < 0:
            own[:] = ZERO
            continue
        for i in range(border * channels):
            own[i] = ZERO
        source, rest = x[(row // (height + border) * height + inside) * line :], own[border * channels :]
        for i in range(line):
            rest[i] = source[i]
    target[lines * framed_line :] = ZERO


@part
def _unframe(
    framed_at: int, y_at: int, images: int, height: int, width: int, units: int, border: int
) -> None:
    """Copy images out of their frame, whose border is behind and below them here."""
    line, framed_line = width * units, (width + border) * units
    framed, y = (
        floats(framed_at, images * (height + border) * framed_line),
        floats(y_at, images * height * line),
    )
    for row in range(images * height):
        source = framed[(row // height * (height + border) + row % height) * framed_line :]
        target = y[row * line : (row + 1) * line]
        for i in range(line):
            target[i] = source[i]


@part
def _convolve_framed(
    framed_at: int, w_at: int, b_at: int, y_at: int, images: int, height: int, width: int, channels: int, units: int,
    kernel: int,
) -> None:  # fmt: skip
    """y framed, from x framed; no bias where its address is 0."""
    across = width + kernel // 2
    run, jump = kernel * channels, (across - kernel) * channels
    pixels, start = images * (height + kernel // 2) * across, 2 if b_at != 0 else 0
    _matmul(
        framed_at, channels, 1, w_at, units, y_at, units, pixels, units, kernel * run, start, b_at, run, jump
    )


def convolve(
    x_at: int, w_at: int, b_at: int, y_at: int, images: int, height: int, width: int, channels: int, units: int,
    kernel: int, scratch: int,
) -> None:  # fmt: skip
    """y = x ∗ w + b with an odd kernel and zero borders; `units` must be a multiple of 8."""
    pixels, border = height * width, kernel // 2
    most = _at_a_time(height, width, channels, units, border)
    behind = border * (width + border) + border
    y_framed = scratch + FLOAT * (most * (height + border) * (width + border) + behind) * channels
    for first in range(0, images, most):
        some = min(most, images - first)
        _frame(x_at + FLOAT * first * pixels * channels, scratch, some, height, width, channels, border)
        _convolve_framed(scratch, w_at, b_at, y_framed, some, height, width, channels, units, kernel)
        _unframe(y_framed, y_at + FLOAT * first * pixels * units, some, height, width, units, border)


def convolve_backward(
    x_at: int, w_at: int, dy_at: int, dw_at: int, dx_at: int, images: int, height: int, width: int, channels: int,
    units: int, kernel: int, scratch: int,
) -> None:  # fmt: skip
    """dw, and dx unless its address is 0; channels must be a multiple of 8 for dx."""
    pixels, border, run = height * width, kernel // 2, kernel * channels
    across, most = width + border, _at_a_time(height, width, channels, units, border)
    framed_pixels, behind = most * (height + border) * across, border * across + border
    dy_framed = scratch + FLOAT * (framed_pixels + behind) * channels
    turned = dy_framed + FLOAT * (framed_pixels + behind) * units
    if dx_at != 0:
        _turn(w_at, turned, channels, units, kernel)
    for first in range(0, images, most):
        some, start = min(most, images - first), 1 if first else 0
        _frame(x_at + FLOAT * first * pixels * channels, scratch, some, height, width, channels, border)
        _frame(dy_at + FLOAT * first * pixels * units, dy_framed, some, height, width, units, border)
        seen = some * (height + border) * across - behind
        if channels < 8:
            _few_channels(
                scratch, dy_framed + FLOAT * behind * units, dw_at, turned, seen, across, channels, units, kernel, start
            )  # fmt: skip
        for down in range(kernel if channels >= 8 else 0):
            source, target = scratch + FLOAT * down * across * channels, dw_at + FLOAT * down * run * units
            _matmul(
                source, 1, channels, dy_framed + FLOAT * behind * units, units, target, units, run, units, seen, start,
                0, 0, 0,
            )  # fmt: skip
        if dx_at != 0:
            _convolve_framed(dy_framed, turned, 0, scratch, some, height, width, units, channels, kernel)
            _unframe(
                scratch, dx_at + FLOAT * first * pixels * channels, some, height, width, channels, border
            )


@part
def _few_channels(
    framed_at: int, dy_at: int, dw_at: int, lines_at: int, pixels: int, across: int, channels: int, units: int,
    kernel: int, start: int,
) -> None:  # fmt: skip
    """dw, all its rows in one product: what each of them sees is copied to a line of its own, some pixels at a time."""
    rows, run = kernel * kernel * channels, kernel * channels
    lines = floats(lines_at, rows * LINE)
    framed = floats(framed_at, (pixels + (kernel - 1) * (across + 1)) * channels)
    for first in range(0, pixels, LINE):
        some = min(LINE, pixels - first)
        for row in range(rows):
            source = framed[(first + row // run * across) * channels + row % run :]
            target = lines[row * LINE : row * LINE + some]
            for i in range(some):
                target[i] = source[i * channels]
        begin = start if first == 0 else 1
        dy = dy_at + FLOAT * first * units
        _matmul(lines_at, LINE, 1, dy, units, dw_at, units, rows, units, some, begin, 0, 0, 0)


@part
def _turn(w_at: int, turned_at: int, channels: int, units: int, kernel: int) -> None:
    """Filters upside down and back to front, their channels and units exchanged."""
    places = kernel * kernel
    w, turned = floats(w_at, places * channels * units), floats(turned_at, places * channels * units)
    for place in range(places):
        source = w[(places - 1 - place) * channels * units :]
        target = turned[place * channels * units :]
        for u in range(units):
            for c in range(channels):
                target[u * channels + c] = source[c * units + u]


def max_pool(x_at: int, y_at: int, images: int, height: int, width: int, channels: int) -> None:
    """The largest of each 2 by 2 pixels, per channel, of which there are a multiple of 8.

    An odd last row or column is left out.
    """
    down, across, pixel = height // 2, width // 2, FLOAT * channels
    for row in range(images * down):
        start = x_at + (row // down * height + row % down * 2) * width * pixel
        for column in range(across):
            for c in range(0, pixel, 8 * FLOAT):
                y = y_at + (row * across + column) * pixel + c
                pool_8(start + column * 2 * pixel + c, width * pixel, pixel, y)


def max_pool_backward(
    x_at: int, y_at: int, dx_at: int, dy_at: int, images: int, height: int, width: int, channels: int
) -> None:
    """The gradient goes to the first of the largest pixels, row by row, as in torch."""
    down, across, pixel = height // 2, width // 2, FLOAT * channels
    if height % 2 or width % 2:
        floats(dx_at, images * height * width * channels)[:] = ZERO
    for row in range(images * down):
        start = x_at + (row // down * height + row % down * 2) * width * pixel
        for column in range(across):
            for c in range(0, pixel, 8 * FLOAT):
                place, aside = start + column * 2 * pixel + c, (row * across + column) * pixel + c
                spread_8(place, width * pixel, pixel, y_at + aside, dy_at + aside, dx_at - x_at)
