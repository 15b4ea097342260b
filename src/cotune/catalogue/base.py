"""What a technique is to those who list, search and judge them: names of recipe keys and values of theirs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cotune.types import Params, Task, Value

PLACEHOLDERS = {"group": "COLUMN", "time": "COLUMN", "pretrained": "STUDY"}
"""What users put in for what only they know."""


@dataclass(frozen=True)
class Technique:
    """One technique of the textbook.

    Args:
        name: as users say it; unique within its kind.
        kind: what sort it is, such as "optimizer" or "augmentation".
        families: network families it applies to.
        data: kinds of data it applies to: "table", "series", "image".
        on: recipe keys and the values that turn it on at its usual strength.
        off: recipe keys and the values that turn it off, or that stand in its place.
        parameters: recipe keys that set its strength or course.
        reference: who proposed it.
        summary: what it does, in a formula or a sentence.
        tasks: those it applies to.
        asks: further keys that it needs, with values that only the user knows, such as a column.
        command: what is typed, where it is no setting.
    """

    name: str
    kind: str
    families: tuple[str, ...]
    data: tuple[str, ...]
    on: Mapping[str, Value]
    off: Mapping[str, Value]
    parameters: tuple[str, ...]
    reference: str
    summary: str
    tasks: tuple[Task, ...] = tuple(task for task in Task if task is not Task.GENERATION)
    asks: tuple[str, ...] = ()
    command: str = ""

    @property
    def typed(self) -> str:
        """What a user types to turn it on: words for `--set`, or a command."""
        words = [
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in self.on.items()
        ]
        return self.command or " ".join([*words, *(f"{key}={PLACEHOLDERS[key]}" for key in self.asks)])

    def active(self, config: Params) -> bool:
        """Whether a full configuration uses it.

        A named choice (`optimizer: lion`) is in use where the key has that name; a strength (`l1: 1e-4`) wherever it
        is not off. A number that replaces a word (`batch_size: 1` instead of `auto`) is a choice too.
        """
        given = all(config.get(key) is not None for key in self.asks)
        return given and not self.command and all(self._in_use(*item, config) for item in self.on.items())

    def _in_use(self, key: str, value: Value, config: Params) -> bool:
        off = self.off.get(key)
        found = config.get(key, off)
        is_strength = not isinstance(value, str | bool) and isinstance(off, int | float)
        return found != off if is_strength else found == value
