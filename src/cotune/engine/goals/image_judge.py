"""A small convolutional classifier whose last hidden layer is the space in which generated images are judged.

    h = relu(conv(relu(conv(relu(conv(2u − 1))))));  f = relu(h W + b) / scale;  logits = f V + c

Convolutions are 3 by 3 at every second pixel, of 16, 32 and 64 filters. `scale` makes the mean variance of f over
training rows 1. It learns the labels of the rows; where there are none, which of four ways an image was mirrored.

Sources: Heusel et al. 2017 judge by Inception's features; networks of the domain's own: Gretton et al., 2020, and for
labels made of turned images Gidaris, Singh & Komodakis, ICLR 2018.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine import rng
from cotune.engine.bank import Variant
from cotune.engine.parallel import one_thread_a_kernel

FILTERS = (16, 32, 64)
FEATURES = 64
STEPS, BATCH, RATE = 320, 128, 2e-3
ROWS = 512
"""Images looked at at once."""
MIRRORS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
"""Axes along which an image [row height width channel] is turned round, for each label made up."""


@dataclass(frozen=True, eq=False)
class ImageJudge:
    """A trained classifier.

    Args:
        shape: height, width and channels.
        tensors: its weights by name, and `scale`.
        labelled: whether its classes are those of the data.
    """

    shape: tuple[int, ...]
    tensors: Mapping[str, Tensor]
    labelled: bool

    def features(self, x: Tensor) -> Tensor:
        """f of images with pixels in [0, 1], float64 [row feature]."""
        with torch.no_grad(), one_thread_a_kernel():
            parts = [_features(self.tensors, part, self.shape) for part in torch.split(x, ROWS)]
        found: Tensor = torch.cat(parts).double() / self.tensors["scale"].double()
        return found

    def real(self, variant: Variant, rows: Tensor) -> Tensor:
        """f of rows of the data set, by their numbers."""
        return self.features(variant.numeric.index_select(0, rows))

    def classes(self, x: Tensor) -> Tensor:
        """The likeliest class of each image [row]."""
        with torch.no_grad(), one_thread_a_kernel():
            parts = [_logits(self.tensors, part, self.shape).argmax(1) for part in torch.split(x, ROWS)]
        return torch.cat(parts)


def train_judge(
    x: Tensor, y: Tensor | None, classes: int, shape: tuple[int, ...], *, seed: int
) -> ImageJudge:
    """A judge taught by these rows; the same rows and seed give the same, to the bit.

    Args:
        x: pixels in [0, 1], row feature.
        y: class of each row; `None` where there are no labels.
        classes: how many.
    """
    generator = torch.Generator().manual_seed(rng.seed_of("judge", seed))
    outputs = classes if y is not None else len(MIRRORS)
    weights = {
        name: (torch.randn(size, generator=generator) * math.sqrt(2 / fan)).requires_grad_()
        if fan
        else torch.zeros(size, requires_grad=True)
        for name, size, fan in _shapes(shape, outputs)
    }
    optimizer = torch.optim.Adam(weights.values(), lr=RATE)
    with one_thread_a_kernel():
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
            rows = torch.randint(len(x), (BATCH,), generator=generator)
            images, labels = (x[rows], y[rows]) if y is not None else _mirrored(x[rows], shape, generator)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(_logits(weights, images, shape), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    tensors = {name: w.detach() for name, w in weights.items()}
    tensors["scale"] = torch.ones(1)
    judge = ImageJudge(shape, tensors, y is not None)
    spread = judge.features(x[: 16 * ROWS]).var(0).mean().sqrt().float()
    tensors["scale"] = spread.clamp(min=1e-6).view(1)
    return judge


def _mirrored(x: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    labels = torch.randint(len(MIRRORS), (len(x),), generator=generator)
    images = x.view(-1, *shape)
    turned = torch.stack([images.flip(axes) if axes else images for axes in MIRRORS])
    return turned[labels, torch.arange(len(x))].flatten(1), labels


def _shapes(shape: tuple[int, ...], outputs: int) -> list[tuple[str, tuple[int, ...], int]]:
    """(name, shape, inputs of a unit; 0 for biases) of every weight."""
    height, across, channels = shape
    found: list[tuple[str, tuple[int, ...], int]] = []
    for layer, units in enumerate(FILTERS):
        found.append((f"conv{layer}.weight", (units, channels, 3, 3), 9 * channels))
        found.append((f"conv{layer}.bias", (units,), 0))
        height, across, channels = (height + 1) // 2, (across + 1) // 2, units
    flat = height * across * channels
    found += [("dense.weight", (flat, FEATURES), flat), ("dense.bias", (FEATURES,), 0)]
    return [*found, ("head.weight", (FEATURES, outputs), FEATURES), ("head.bias", (outputs,), 0)]


def _features(w: Mapping[str, Tensor], x: Tensor, shape: tuple[int, ...]) -> Tensor:
    h = (2 * x - 1).view(-1, *shape).permute(0, 3, 1, 2)
    for layer in range(len(FILTERS)):
        h = F.relu(F.conv2d(h, w[f"conv{layer}.weight"], w[f"conv{layer}.bias"], stride=2, padding=1))
    return F.relu(h.flatten(1) @ w["dense.weight"] + w["dense.bias"])


def _logits(w: Mapping[str, Tensor], x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return _features(w, x, shape) @ w["head.weight"] + w["head.bias"]
