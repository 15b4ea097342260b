"""All augmentations: one row each, in the order in which an example undergoes them.

An augmentation works on many lanes at once, takes its chance from the draws it is handed, and leaves an example whose
strength is 0 bit for bit as it is. To add one: its function, its row, and its plain twin in the tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from cotune.engine.augment import colour, erasing, graphs, series, text
from cotune.engine.augment.geometry import GEOMETRY, Matrices, warp
from cotune.engine.augment.mixing import Mixed, cutmix, mixup

Kind = Literal["image", "series", "text", "graph", "table"]
Apply = Callable[[Tensor, Tensor, Tensor], Tensor]
Count = Callable[[Sequence[int]], int]


@dataclass(frozen=True)
class Augmentation:
    """One way to change an example.

    Args:
        name: as recipes say it.
        kinds: of data that it is for.
        apply: (x, strength, draws) → x. Strength is [lane batch], or [lane] if drawn once for a step.
        draws: how many numbers an example takes, or a step, from the shape of x.
        range: of its strength, both ends allowed. 0 is off.
        source: who proposed it.
        for_step: whether all of a lane's examples share what is drawn.
        normal: whether its draws are normal, not uniform.
    """

    name: str
    kinds: tuple[Kind, ...]
    apply: Apply
    draws: Count
    range: tuple[float, float]
    source: str
    for_step: bool = False
    normal: bool = False
    mixes: Literal[False] = False


@dataclass(frozen=True)
class Mixing:
    """One way to mix examples of a batch. Its strength is the α of the Beta(α, α) that shares come from.

    Args:
        apply: (x, quantiles, on, draws) → mixed; see `cotune.engine.augment.mixing`.
        draws: how many numbers a step takes, from the shape of x.
        name, kinds, range, source: see `Augmentation`.
    """

    name: str
    kinds: tuple[Kind, ...]
    apply: Callable[[Tensor, Tensor, Tensor, Tensor], Mixed]
    draws: Count
    range: tuple[float, float]
    source: str
    for_step: Literal[True] = True
    mixes: Literal[True] = True


def warped(matrices: Matrices) -> Apply:
    """A move of pixels by itself; `cotune.engine.augment.compose` makes one sampling of all."""

    def apply(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
        return warp(x, matrices(strength, u, x.shape[2], x.shape[3]))

    return apply


def where_on(strength: Tensor, changed: Tensor, x: Tensor) -> Tensor:
    """`changed` where strength is above 0, elsewhere x; strength has the first axes of x."""
    return torch.where(
        (strength > 0).reshape(*strength.shape, *(1,) * (x.dim() - strength.dim())), changed, x
    )


def _guarded(change: Apply) -> Apply:
    """For what strength 0 changes in the last bit: x + 0 is not x where x is −0, and reading between steps rounds."""

    def apply(x: Tensor, strength: Tensor, draws: Tensor) -> Tensor:
        return where_on(strength, change(x, strength, draws), x)

    return apply


def _fixed(count: int) -> Count:
    return lambda _: count


def _numbers(shape: Sequence[int]) -> int:
    return prod(shape[2:])


def _last(shape: Sequence[int]) -> int:
    return shape[-1]


def _two_a_position(shape: Sequence[int]) -> int:
    return 2 * shape[2]


def _move(name: str, draws: int, strongest: float, source: str) -> Augmentation:
    return Augmentation(name, ("image",), warped(GEOMETRY[name]), _fixed(draws), (0, strongest), source)


_ROWS = (
    _move("flip", 1, 1, "Krizhevsky et al. 2012"),
    _move("rotate", 1, 180, "Simard et al. 2003"),
    _move("translate", 2, 1, "Simard et al. 2003"),
    _move("zoom", 1, 0.9, "Simonyan & Zisserman 2015"),
    _move("shear", 2, 0.9, "Cubuk et al. 2019"),
    _move("crop", 2, 64, "He et al. 2016"),
    Augmentation("brightness", ("image",), colour.brightness, _fixed(1), (0, 3), "Howard 2013"),
    Augmentation("contrast", ("image",), colour.contrast, _fixed(1), (0, 1), "Howard 2013"),
    Augmentation("erase", ("image",), erasing.erase, _fixed(erasing.DRAWS), (0, 1), "Zhong et al. 2020"),
    Augmentation(
        "time_warp", ("series",), _guarded(series.time_warp), _fixed(series.KNOTS), (0, 0.9), "Um et al. 2017"
    ),
    Augmentation(
        "window", ("series",), _guarded(series.window), _fixed(2), (0, 0.9), "Le Guennec et al. 2016"
    ),
    Augmentation("amplitude", ("series",), series.amplitude, _last, (0, 1), "Um et al. 2017", normal=True),
    Augmentation(
        "jitter", ("series",), _guarded(series.jitter), _numbers, (0, 1), "Um et al. 2017", normal=True
    ),
    Augmentation("word_swap", ("text",), text.word_swap, _two_a_position, (0, 1), "Wei & Zou 2019"),
    Augmentation("word_dropout", ("text",), text.word_dropout, _last, (0, 0.9), "Iyyer et al. 2015"),
    Augmentation(
        "edge_drop",
        ("graph",),
        graphs.edge_drop,
        _last,
        (0, 0.95),
        "Rong et al. 2020",
        for_step=True,
    ),
    Augmentation(
        "feature_mask",
        ("graph", "table"),
        graphs.feature_mask,
        _last,
        (0, 0.95),
        "Zhu et al. 2020",
        for_step=True,
    ),
)

AUGMENTATIONS: dict[str, Augmentation] = {row.name: row for row in _ROWS}
"""What changes examples and leaves their targets alone, by the name that recipes use, in order."""

MIXINGS: dict[str, Mixing] = {
    "mixup": Mixing(
        "mixup", ("image", "series", "table"), mixup, lambda shape: 1 + shape[1], (0, 8), "Zhang et al. 2018"
    ),
    "cutmix": Mixing("cutmix", ("image",), cutmix, lambda shape: 3 + shape[1], (0, 8), "Yun et al. 2019"),
}
"""What mixes examples and their targets, by the name that recipes use."""
