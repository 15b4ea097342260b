"""The folder of compiled functions.

It is named after the text of every file of this package: a compiled function holds those it calls, whose changes Numba
does not notice. So each version has a folder of its own, and the old ones are swept out.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import numba

PREFIX = "kernels-"
FORGOTTEN = 30 * 86_400.0
"""Seconds after which a folder that nobody has used is deleted."""

ROOM = 16 << 20
"""Bytes that must be free, many times what the functions take."""


@cache
def cache_directory() -> Path | None:
    """Where compiled functions are kept: below XDG_CACHE_HOME or ~/.cache, else a temporary folder; None if nowhere."""
    name = PREFIX + _digest()
    for home in _homes():
        found = home / name
        try:
            new = not found.exists()
            found.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=found):
                os.utime(found)
            if shutil.disk_usage(found).free < ROOM:
                continue
            _clean(found)
            if new:
                _sweep(found)
        except OSError:
            continue
        return found
    return None


def _digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _homes() -> Iterator[Path]:
    given = os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # an account without a home
        yield (Path(given) if given else Path.home() / ".cache") / "cotune"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    found = Path(tempfile.gettempdir()) / f"cotune-{user}"
    if _private(found):
        yield found


def _private(path: Path) -> bool:
    """Make a folder that nobody else can write to; others' files would be run as ours."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):  # temporary folders are a user's own
        return True
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _clean(folder: Path) -> None:
    """Delete files that a loss of power has left empty."""
    for path in folder.rglob("*.nb[ci]"):
        if not path.stat().st_size:
            path.unlink(missing_ok=True)


def _sweep(kept: Path) -> None:
    """Delete the folders beside `kept` that nobody has used for long."""
    for path in kept.parent.glob(PREFIX + "*"):
        if path != kept and time.time() - path.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(path, ignore_errors=True)
