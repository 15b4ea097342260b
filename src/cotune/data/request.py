"""What is asked of a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cotune.data.room import Room
from cotune.data.tables.columns import Asked


@dataclass(frozen=True)
class Request:
    """A source, and what the user says about it.

    Args:
        source: path, frame, array or whatever else was handed over.
        asked: what is said of columns.
        options: further keys of the recipe's data section, by name.
        room: how much memory the rows may take, and where the others go; without it all are in memory.
    """

    source: object
    asked: Asked
    options: Mapping[str, Any] = field(default_factory=dict)
    room: Room | None = None
