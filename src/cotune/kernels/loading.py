"""The compiled leaves of the machine, made or fetched from the cache on disk when first needed."""

import threading
from collections.abc import Mapping
from typing import Any

from cotune.kernels import machine
from cotune.kernels.compiling import load

_LOADED: dict[str, Any] = {}
_LOADING = threading.Lock()


def leaves() -> Mapping[str, Any]:
    """By name; what the machine calls can be found from now on."""
    with _LOADING:
        if not _LOADED:
            _LOADED.update(load(*machine.LEAVES))
    return _LOADED
