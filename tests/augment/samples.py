"""Batches for every technique, and what "bit for bit" means."""

import torch
from torch import Tensor

from cotune.engine import rng
from cotune.engine.augment.table import AUGMENTATIONS

TYPICAL = {
    "flip": 0.5,
    "rotate": 40.0,
    "translate": 0.2,
    "zoom": 0.3,
    "shear": 0.3,
    "crop": 4.0,
    "brightness": 0.7,
    "contrast": 0.8,
    "erase": 0.5,
    "time_warp": 0.8,
    "window": 0.5,
    "amplitude": 0.3,
    "jitter": 0.2,
    "word_swap": 0.5,
    "word_dropout": 0.3,
    "edge_drop": 0.4,
    "feature_mask": 0.4,
}
"""A strength of each technique, at which it does something to nearly every example."""

IMAGES = [name for name, row in AUGMENTATIONS.items() if "image" in row.kinds]


def batch_for(name: str, lanes: int, batch: int = 7) -> Tensor:
    """Something that the technique applies to, with zeros of both signs in it; lane i is the same in any number."""
    kind = AUGMENTATIONS[name].kinds[0] if name in AUGMENTATIONS else "image"
    made = torch.Generator()
    rows = []
    for lane in range(lanes):
        made.manual_seed(lane)
        if kind == "image":
            x = torch.randn(batch, 9, 12, 3, generator=made)
        elif kind == "series":
            x = torch.randn(batch, 21, 3, generator=made)
        elif kind == "text":
            x = torch.randint(0, 50, (batch, 13), generator=made) * (torch.arange(13) < 10)
        elif name == "edge_drop":
            x = torch.rand(31, generator=made) < 0.9
        else:
            x = torch.randn(batch, 19, generator=made)
        if x.is_floating_point():
            x.view(-1)[3::11] = -0.0
            x.view(-1)[5::17] = 0.0
        rows.append(x)
    return torch.stack(rows)


def keys(lanes: int, step: int = 0) -> Tensor:
    return rng.keys(torch.arange(100, 100 + lanes), torch.full((lanes,), step))


def full(lanes: int, value: float) -> Tensor:
    return torch.full((lanes,), value)


def bits(x: Tensor) -> Tensor:
    """What `torch.equal` is to compare, since for it −0 is 0."""
    return x.contiguous().view(torch.int32) if x.dtype == torch.float32 else x


def same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(bits(a), bits(b))
