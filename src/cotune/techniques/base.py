"""What a technique is to those who list, search and judge them: names of recipe keys and values of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass

from cotune.types import Params, Value


@dataclass(frozen=True)
class Technique:
    """One technique of the textbook.

    Args:
        name: as users say it; unique within its kind.
        kind: what sort it is, such as "optimizer" or "augmentation".
        families: network families it applies to.
        data: kinds of data it applies to: "table", "image", "series".
        on: recipe keys and the values that turn it on at its usual strength.
        off: recipe keys and the values that turn it off, or that stand in its place.
        parameters: recipe keys that set its strength or course.
        reference: who proposed it.
        summary: what it does, in a sentence.
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

    def active(self, config: Params) -> bool:
        """Whether a full configuration uses it.

        A named choice (`optimizer: lion`) is in use where the key has that name; a strength (`l1: 1e-4`) wherever it
        is not off.
        """
        return all(
            config.get(key, self.off.get(key)) == value
            if isinstance(value, str | bool)
            else self._set(config, key)
            for key, value in self.on.items()
        )

    def _set(self, config: Params, key: str) -> bool:
        return config.get(key, self.off.get(key)) != self.off.get(key)
