"""How one way of training is described, from the parent to the processes that do it."""

import json
from dataclasses import asdict, dataclass
from typing import Protocol


@dataclass(frozen=True)
class Spec:
    """A way of training a case.

    Args:
        kind: a name in `serve.KINDS`.
        place: "wide" for one process that may use all cores, "each" for as many one-thread processes as there are
            cores, "ours" for the engine's process.
        threads: that a process uses.
        lanes: networks that a process trains as one.
        form: a variant of the kind.
    """

    kind: str
    place: str
    threads: int = 1
    lanes: int = 1
    form: str = ""

    @property
    def key(self) -> str:
        """It, as a line of JSON."""
        return json.dumps(asdict(self))

    def words(self, processes: int) -> str:
        """It, for people.

        Args:
            processes: how many there are of "each".
        """
        parts = [NAMES.get(self.kind, self.kind)]
        parts += [self.form] if self.form else []
        parts += [f"K={self.lanes}"] if self.kind in STACKED else []
        if self.place == "each":
            parts += [f"{processes} processes"]
        elif self.place == "wide":
            parts += [f"{self.threads} threads" if self.threads > 1 else "1 thread"]
        return ", ".join(parts)


NAMES = {"packed": "packed (TabPack)", "sklearn": "scikit-learn"}
STACKED = ("packed", "vmap")


class Side(Protocol):
    """Someone who trains."""

    def measure(self, steps: int) -> float:
        """Train for so many steps; microseconds per step of one network."""

    def loss(self) -> float:
        """Mean cross-entropy on training rows."""
