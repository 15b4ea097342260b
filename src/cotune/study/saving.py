"""When the engine is saved, and where."""

import time
from collections.abc import Sequence
from pathlib import Path

from cotune.engine import snapshot
from cotune.engine.loop import Engine, LaneWeights
from cotune.engine.moving import LaneState
from cotune.files import replacing

SHARE = 0.05
"""Snapshots may take this fraction of the time; between them a crash costs training again, never results."""


class Snapshots:
    """Snapshots of one study.

    Args:
        folder: where they lie, the last two kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._due = 0.0

    def newest(self, *, last: int) -> snapshot.Snapshot | None:
        """The newest whole one of at most boundary `last`."""
        return snapshot.newest(self._folder, last=last) if last else None

    def save(
        self,
        engine: Engine,
        leaders: Sequence[LaneWeights],
        *,
        boundary: int,
        paused: Sequence[LaneState] = (),
    ) -> None:
        """Write one, if it is time."""
        began = time.monotonic()
        if began < self._due:
            return
        taken = snapshot.take(engine, leaders, boundary=boundary, paused=paused)
        with replacing(self._folder / f"{boundary:08d}.safetensors") as partial:
            snapshot.write(taken, partial)
        for old in sorted(self._folder.glob("*.safetensors"))[: -snapshot.GENERATIONS]:
            old.unlink()
        now = time.monotonic()
        self._due = now + (now - began) / SHARE
