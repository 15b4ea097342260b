"""After training: what is made of the trained networks."""

import sys

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import CLASSES, source_of, technique, told
from cotune.product.after import ENSEMBLES, soup, temperature, threshold
from cotune.types import Task

KIND = "after"


def _ensemble(name: str, function: object, home: object) -> Technique:
    return technique(
        KIND, name, {"ensemble": name}, {"ensemble": "none"}, parameters=["members"],
        reference=source_of(home) or source_of(function), summary=told(home),
    )  # fmt: skip


TEMPERATURE = technique(
    KIND, "temperature", {"calibration": "temperature"}, {"calibration": "none"}, tasks=CLASSES,
    reference=source_of(temperature), summary=told(temperature),
)  # fmt: skip

THRESHOLD = technique(
    KIND, "threshold", {"threshold": "tune"}, {"threshold": "none"}, tasks=(Task.BINARY,),
    reference=source_of(threshold), summary=told(threshold),
)  # fmt: skip

AFTER_ROWS = (
    *(_ensemble(name, function, sys.modules[function.__module__]) for name, function in ENSEMBLES.items()),
    _ensemble("soup", soup, soup),
    TEMPERATURE,
    THRESHOLD,
)
