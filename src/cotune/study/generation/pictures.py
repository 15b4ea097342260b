"""Images as a picture for a page: a grid, written as PNG by hand, since that takes twenty lines."""

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR = 0, 2
"""PNG's numbers for kinds of pixels."""


def grid(images: NDArray[Any], *, across: int = 10) -> str:
    """Images side by side as a data URI.

    Args:
        images: pixels in [0, 1], row height width channel; of channels one or the first three are shown.
        across: images of a line.
    """
    channels = 3 if images.shape[3] >= 3 else 1
    pixels = (np.clip(images[..., :channels], 0, 1) * 255).round().astype(np.uint8)
    rows = -(-len(pixels) // across)
    height, width = pixels.shape[1:3]
    sheet = np.zeros((rows * height, across * width, channels), dtype=np.uint8)
    for place, image in enumerate(pixels):
        top, left = height * (place // across), width * (place % across)
        sheet[top : top + height, left : left + width] = image
    return "data:image/png;base64," + base64.b64encode(png(sheet)).decode()


def png(sheet: NDArray[np.uint8]) -> bytes:
    """A PNG file of pixels [height width channel], one channel or three.

    Source: W3C, Portable Network Graphics (Second Edition), 2003.
    """
    height, width, channels = sheet.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), sheet.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, COLOUR if channels == 3 else GREY, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
