"""The folder of compiled functions.

It is named after the text of every file of this package: a compiled function holds those it calls, whose changes Numba
does not notice. So each version has its own, and the old ones are swept out.
"""

import hashlib
import os
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path

import numba

PREFIX = "kernels-"
FORGOTTEN = 30 * 86_400.0
"""Seconds after which a folder that nobody has used is deleted."""


@cache
def cache_directory() -> Path:
    """Where compiled functions are kept: below XDG_CACHE_HOME or ~/.cache, else a temporary folder."""
    name = PREFIX + _digest()
    for home in _homes():
        try:
            found = home / "cotune" / name
            new = not found.exists()
            found.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=found):  # which also dates the folder
                pass
        except OSError:
            continue
        if new:
            _sweep(found)
        return found
    return Path(tempfile.mkdtemp(prefix="cotune-" + PREFIX))


def _digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _homes() -> list[Path]:
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        home = [Path(given) if given else Path.home() / ".cache"]
    except RuntimeError:  # an account without a home
        home = []
    return [*home, Path(tempfile.gettempdir())]


def _sweep(kept: Path) -> None:
    """Delete the folders beside `kept` that nobody has used for long."""
    for path in kept.parent.glob(PREFIX + "*"):
        try:
            if path != kept and time.time() - path.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue
