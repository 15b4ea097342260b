"""The prepared rows that lanes train on.

A variant is the table as one preparation sees it: fitted on one fold's training rows with one set of preparation
settings. Compiled loops read each lane's own variant. Lanes of different variants that step as a batch read a stack,
which lays variants one under the other; a lane adds its variant's start to its row numbers.

| symbol  | meaning                     | shape            |
|---------|-----------------------------|------------------|
| numeric | features of every row       | row feature      |
| codes   | category codes of every row | row column       |
| target  | class, or standardised value; of several values one for each | row (value) |
"""

import warnings
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from cotune.data.mapped import Mapped
from cotune.engine.overlapping import placed, under
from cotune.errors import DeviceError


@dataclass(frozen=True, eq=False)
class Variant:
    """One prepared table.

    Args:
        numeric, codes, target: see the table above; they may be memory-mapped, and are never written to.
        cardinalities: of the code columns.
        class_weights: [class], or `None`.
        mean, scale: target = (raw − mean) / scale; a number for each value where they differ.
        mapped: the files behind them, where they are not in memory.
        shape: of an example as its kind of data has it, (height, width, channel) or (time, channel); () for a table.
        classes: how many there are; 0 for a regression, or where a network has an output for each.
        world: what all rows share, such as a graph; it has a method `to` that lays it on a device, and lanes of one
            population have the same object.
        judge: of generated rows, see `cotune.engine.goals.judging`; `None` where nothing is generated.
    """

    numeric: Tensor
    codes: Tensor
    target: Tensor
    cardinalities: tuple[int, ...]
    class_weights: Tensor | None = None
    mean: float | tuple[float, ...] = 0.0
    scale: float | tuple[float, ...] = 1.0
    mapped: tuple[Mapped, ...] = ()
    shape: tuple[int, ...] = ()
    classes: int = 0
    world: Any = None
    judge: Any = None

    @property
    def variation(self) -> float:
        """scale / mean of a target that counts something; 0 where its mean is not above 0, or there are several."""
        if isinstance(self.mean, tuple) or isinstance(self.scale, tuple):
            return 0.0
        return self.scale / self.mean if self.mean > 0 else 0.0

    @property
    def values(self) -> int:
        """Values to be predicted of a row; classes count as one."""
        return self.target.shape[1] if self.target.dim() == 2 else 1


def as_tensor(array: NDArray[Any]) -> Tensor:
    """A tensor over the memory of an array, or over the pages of its file; not to be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


class Stack:
    """Variants of one shape, one under the other; grows, never forgets. They are laid there when they are first read.

    Args:
        device: where they lie; each is copied there once.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self._rows: dict[int, tuple[Tensor, Tensor]] = {}
        self._worlds: dict[int, tuple[Any, Any]] = {}
        # By identity; the variant is kept, so it stays unique.
        self._starts: dict[int, tuple[Variant, int]] = {}
        self._count = 0
        self._laid: list[Tensor] = []
        self._laid_variants = 0
        self._lock = Lock()

    def start_of(self, variant: Variant) -> int:
        """Number of the variant's first row, after adding it where it is new."""
        with self._lock:
            if id(variant) not in self._starts:
                self._starts[id(variant)] = (variant, self._count)
                self._count += len(variant.target)
            return self._starts[id(variant)][1]

    def world(self, variant: Variant) -> Any:
        """What the variant's rows share, on the device."""
        own = variant.world
        if own is None:
            return None
        with self._lock:
            if id(own) not in self._worlds:  # by identity, as above
                self._worlds[id(own)] = (own, own.to(self.device))
            return self._worlds[id(own)][1]

    @property
    def numeric(self) -> Tensor:
        """Features of all rows [row feature]."""
        return self._read()[0]

    @property
    def codes(self) -> Tensor:
        """Category codes of all rows [row column]."""
        return self._read()[1]

    @property
    def target(self) -> Tensor:
        """Targets of all rows [row]."""
        return self._read()[2]

    def inputs(self, variant: Variant, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Features and codes of some of the variant's rows, by their numbers [row]."""
        if self.device.type == "cpu":
            return variant.numeric.index_select(0, rows), variant.codes.index_select(0, rows)
        start = self.start_of(variant)
        if id(rows) not in self._rows:  # by identity, as above: a fold's rows are the same object every epoch
            self._rows[id(rows)] = (rows, rows.to(self.device))
        index = self._rows[id(rows)][1] + start
        return self.numeric.index_select(0, index), self.codes.index_select(0, index)

    def _read(self) -> list[Tensor]:
        with self._lock:
            for variant, _ in list(self._starts.values())[self._laid_variants :]:
                try:
                    self._lay(variant)
                except torch.OutOfMemoryError:
                    raise self._no_room(variant) from None
            return self._laid

    def _lay(self, variant: Variant) -> None:
        parts = [placed(part, self.device) for part in (variant.numeric, variant.codes, variant.target)]
        held = self._laid
        self._laid = [under(*pair) for pair in zip(held, parts, strict=True)] if held else parts
        self._laid_variants += 1

    def _no_room(self, variant: Variant) -> DeviceError:
        """A GPU's memory is full; fewer lanes at once would not help."""
        size = sum(p.numel() * p.element_size() for p in (variant.numeric, variant.codes, variant.target))
        law = f"prepared rows must fit into the memory of {self.device}, beside those prepared otherwise"
        said = f"{law}, but there is no room for {size / 1e9:.2f} GB more"
        return DeviceError(f"{said}; set training.device: cpu, or search fewer settings of prepare")
