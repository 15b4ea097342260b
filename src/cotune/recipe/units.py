"""Values with a form of their own: durations, sizes of memory and of images, devices, fractions, paths."""

import re
from datetime import date, datetime
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def _seconds(raw: object) -> object:
    if isinstance(raw, str):
        digits = raw.strip().rstrip("dhimns")
        unit = raw.strip()[len(digits) :]
        try:
            return float(digits) * _UNITS[unit]
        except (ValueError, KeyError):
            law = f"must be seconds or a number with a unit (90, 90s, 5m, 2h), but got {raw!r}"
            raise PydanticCustomError("duration", "{law}", {"law": law}) from None
    return raw


Seconds = Annotated[
    float, BeforeValidator(_seconds, json_schema_input_type=float | str), Field(gt=0, allow_inf_nan=False)
]
Fraction = Annotated[float, Field(gt=0, lt=1)]


def _part(raw: object) -> object:
    """A fraction, or a date as ISO 8601 has it."""
    if isinstance(raw, date):
        return raw.isoformat(" ") if isinstance(raw, datetime) else raw.isoformat()
    if isinstance(raw, str):
        try:
            return float(raw)
        except ValueError:
            pass
        try:
            datetime.fromisoformat(raw)
        except ValueError:
            law = f"must be a fraction between 0 and 1, or a date such as 2017-10-24, but got {raw!r}"
            raise PydanticCustomError("setting", "{law}", {"law": law}) from None
    return raw


Part = Annotated[Fraction | str, BeforeValidator(_part, json_schema_input_type=Fraction | str)]
"""How much of the rows, or from when on."""


def _names(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


Names = Annotated[str | tuple[str, ...], BeforeValidator(_names, json_schema_input_type=str | list[str])]
"""One name, or several."""


def _listed(raw: object) -> object:
    """A list, or its names with commas between, as a command line has them."""
    return [name.strip() for name in raw.split(",") if name.strip()] if isinstance(raw, str) else raw


Listed = BeforeValidator(_listed)


def _limits(raw: object) -> object:
    """A mapping from names to numbers, or words such as `size=1e5,latency=2`."""
    if isinstance(raw, str):
        raw = [word.strip() for word in raw.split(",") if word.strip()]
    if not isinstance(raw, list):
        return raw
    found: dict[str, object] = {}
    for word in raw:
        name, equals, number = str(word).partition("=")
        if not equals:
            law = f"takes name=number, such as size=100000, but got {word!r}"
            raise PydanticCustomError("setting", "{law}", {"law": law})
        found[name.strip()] = number.strip()
    return found


Limits = BeforeValidator(_limits)


def _size(raw: object) -> object:
    if raw == "auto":
        return raw
    text = str(raw).strip().lower()
    digits = text.rstrip("bgkmt")
    try:
        found = float(digits) * _SIZES[text[len(digits) :]]
        if not isinstance(raw, bool) and 1 <= found < 2**63:
            return int(found)
    except (ValueError, KeyError):
        pass
    law = f"must be auto, or a size above 0 in bytes or with a unit (500MB, 2GB), but got {raw!r}"
    raise PydanticCustomError("setting", "{law}", {"law": law})


Memory = Annotated[
    Literal["auto"] | int, BeforeValidator(_size, json_schema_input_type=Literal["auto"] | int | str)
]


_DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"


def _device(raw: object) -> object:
    if isinstance(raw, str) and re.match(_DEVICE, raw):
        return raw
    law = f"must be auto, cpu, cuda or cuda:N with the number of a GPU, but got {raw!r}"
    raise PydanticCustomError("device", "{law}", {"law": law})


Device = Annotated[
    str, BeforeValidator(_device, json_schema_input_type=Annotated[str, Field(pattern=_DEVICE)])
]


SIDES = (4, 512)
"""Pixels that a side of the images a network reads may have."""


def _image_size(raw: object) -> object:
    if raw == "auto":
        return raw
    sides = [raw, raw] if isinstance(raw, int) else raw
    if isinstance(sides, list | tuple) and len(sides) == 2:
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
        if whole and all(SIDES[0] <= side <= SIDES[1] for side in sides):
            return tuple(sides)
    law = f"must be auto, a side in pixels, or [height, width], each from {SIDES[0]} to {SIDES[1]}, but got {raw!r}"
    raise PydanticCustomError("setting", "{law}", {"law": law})


Side = Annotated[int, Field(ge=SIDES[0], le=SIDES[1])]
ImageSize = Annotated[
    Literal["auto"] | tuple[Side, Side],
    BeforeValidator(
        _image_size,
        json_schema_input_type=Literal["auto"]
        | Side
        | Annotated[list[Side], Field(min_length=2, max_length=2)],
    ),
]


def as_path(raw: object) -> object:
    return str(raw) if isinstance(raw, PurePath) else raw
