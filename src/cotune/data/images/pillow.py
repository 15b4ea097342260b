"""Image files to arrays, by Pillow, which is an extra: all that knows it is here.

Every file goes through the same steps, at training and at prediction: turned upright as its EXIF tag says,
transparent pixels on white, palettes and other colour models to grey or RGB, then scaled to the size asked for.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cotune.data.images.rows import Size
from cotune.errors import SourceError

T = TypeVar("T")

GREY = ("1", "L", "LA", "La", "I", "F")
ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)
"""EXIF orientations whose height and width are exchanged."""


@cache
def _pillow() -> ModuleType:
    try:
        import PIL.ExifTags
        import PIL.Image
        import PIL.ImageOps
    except ImportError:
        raise SourceError(
            "reading or resizing images takes Pillow, which is not installed; install it with "
            "`pip install 'cotune[images]'`"
        ) from None
    return PIL


@dataclass(frozen=True)
class Header:
    """What a file says of its image before it is decoded."""

    size: Size
    grey: bool


def header(path: Path) -> Header | str:
    """The size and colours of an image file, or why it cannot be read."""
    return _readable(path, _header)


def decode(path: Path, size: Size, channels: int) -> NDArray[np.uint8] | str:
    """The pixels of a file [height width channel], or why it cannot be read.

    Args:
        size: what it is scaled to.
        channels: 1 for grey, 3 for red, green, blue.
    """
    return _readable(path, lambda image: _decoded(image, size, channels))


def resized(image: NDArray[Any], size: Size) -> NDArray[Any]:
    """An array [height width channel] of uint8 or float32 at another size, each channel for itself."""
    from PIL.Image import Resampling

    make, height, width = _pillow().Image.fromarray, *size
    planes = [
        make(np.ascontiguousarray(image[:, :, channel])).resize((width, height), Resampling.BILINEAR)
        for channel in range(image.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


@contextmanager
def quietly() -> Iterator[None]:
    """Without warnings of odd metadata: what matters is whether pixels come out. Not from within a thread.

    Raises:
        SourceError: Pillow is missing; the message has the command that installs it.
    """
    _pillow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _readable(path: Path, use: Callable[[Any], T]) -> T | str:
    pillow = _pillow()
    try:
        with pillow.Image.open(io.BytesIO(path.read_bytes())) as image:
            return use(image)
    except pillow.UnidentifiedImageError:
        return "it is no image"
    except Exception as error:  # damaged files make decoders raise whatever they like
        if isinstance(error, MemoryError):
            raise
        return str(error) or type(error).__name__


def _header(image: Any) -> Header:
    width, height = image.size
    if image.getexif().get(ORIENTATION) in TURNED:
        width, height = height, width
    grey = image.mode in GREY or image.mode.startswith("I;16")
    return Header((height, width), grey)


def _decoded(image: Any, size: Size, channels: int) -> NDArray[np.uint8]:
    from PIL.Image import Resampling

    pillow, (height, width) = _pillow(), size
    image.draft(
        None, (max(size), max(size))
    )  # a JPEG far larger than needed is decoded at a fraction of its size
    image = pillow.ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits a pixel
        image = pillow.Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = pillow.Image.new("RGBA", image.size, "white")
        image = pillow.Image.alpha_composite(paper, image)
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Resampling.BILINEAR)
    return np.array(image, dtype=np.uint8).reshape(height, width, channels)
