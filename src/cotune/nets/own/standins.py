"""What takes the place of some of torch's layers inside a user's module, so that their numbers can be a lane's own.

A stand-in is the layer itself under another class: its weights and their names stay. Its numbers are tensors without
an axis, of which vmap makes one for each lane.

| layer                            | its own numbers     | why                                              |
|----------------------------------|---------------------|--------------------------------------------------|
| Dropout, 1d, 2d, 3d              | p                   | draws are hashes of the lane's key and the step   |
| AlphaDropout                     | p                   | the same                                         |
| Linear                           |                     | its gradient is summed alike alone and in groups  |
| LeakyReLU                        | negative_slope      |                                                  |
| ELU                              | alpha               |                                                  |
| LayerNorm                        | eps                 | torch's kernel rounds otherwise in groups         |
| BatchNorm 1d, 2d, 3d             | eps, momentum       | the same                                         |
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cotune.nets.dropout import SATURATED

COLUMNS = 16
"""Outputs of a matrix product are filled up to a multiple of this."""

LEVELS = 1 << 16
"""Draws of dropout have 16 bits."""


class Draws:
    """The draws of one forward pass, dealt out in the order in which layers ask.

    `count` says how many numbers of 8 bits were asked for: without any at hand they are only counted.
    """

    def __init__(self) -> None:
        self.values: Tensor | None = None
        self.count = 0

    def begin(self, values: Tensor | None) -> None:
        """Deal from these 8-bit draws [draw] from now on."""
        self.values, self.count = values, 0

    def take(self, shape: tuple[int, ...]) -> Tensor | None:
        """16 bits for each place, float32 in [−32768, 32767]; `None` where there are none at hand."""
        count = torch.Size(shape).numel()
        first = self.count
        self.count += 2 * count
        if self.values is None:
            return None
        low, high = self.values[first : first + 2 * count].view(2, *shape).float()
        found: Tensor = high * 256 + (low + 128)
        return found


class LaneDropout(nn.Module):
    """x · [draw ≥ p] / (1 − p), elementwise or a whole channel at a time; p = 1 leaves nothing."""

    p: Tensor
    draws: Draws
    whole: int | None = None
    """Axes of a batch from which on channels are dropped as a whole."""

    def forward(self, x: Tensor) -> Tensor:
        """x with some places left out, in training."""
        if not self.training:
            return x
        shape = tuple(x.shape)
        if self.whole is not None and x.dim() == self.whole:
            shape = (*shape[:2], *(1,) * (x.dim() - 2))
        draw = self.draws.take(shape)
        if draw is None:
            return x * 1.0
        level = (self.p * LEVELS).round()
        kept = (draw + (LEVELS // 2) >= level).to(x.dtype)
        return self.apply_mask(x, kept, torch.where(level < LEVELS, LEVELS / (LEVELS - level), 0.0))

    def apply_mask(self, x: Tensor, kept: Tensor, scale: Tensor) -> Tensor:
        """The mask on x."""
        return x * (kept * scale)


class LaneAlphaDropout(LaneDropout):
    """Left-out places become selu's saturation; mean and variance stay. Source: Klambauer et al. 2017."""

    def apply_mask(self, x: Tensor, kept: Tensor, scale: Tensor) -> Tensor:  # noqa: ARG002
        """a (x · kept + α′(1 − kept)) + b."""
        q = 1 - self.p
        a = (q * (1 + self.p * SATURATED**2)).clamp(min=1e-12).rsqrt()
        return a * (x * kept + SATURATED * (1 - kept)) - a * self.p * SATURATED


class LaneLinear(nn.Module):
    """x Wᵀ + b, as the product of two matrices whichever way lanes step: so the gradients' bits agree.

    Columns are filled up to a multiple, since kernels for a few odd ones are slower, and round differently.
    """

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """Over the last axis."""
        units = self.weight.shape[0]
        more = -units % COLUMNS
        w = F.pad(self.weight, (0, 0, 0, more)) if more else self.weight
        found = (x.reshape(-1, x.shape[-1]) @ w.t())[:, :units]
        found = found if self.bias is None else found + self.bias
        return found.reshape(*x.shape[:-1], units)


class LaneLeakyReLU(nn.Module):
    """x where it is positive, else slope · x."""

    negative_slope: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return torch.where(x > 0, x, self.negative_slope * x)


class LaneELU(nn.Module):
    """x where it is positive, else α (eˣ − 1)."""

    alpha: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return torch.where(x > 0, x, self.alpha * torch.expm1(x.clamp(max=0)))


class LaneLayerNorm(nn.Module):
    """(x − mean) / √(variance + ε), times weight, plus bias."""

    eps: Tensor
    normalized_shape: tuple[int, ...]
    weight: Tensor | None
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """Over the last axes."""
        axes = tuple(range(-len(self.normalized_shape), 0))
        centred = x - x.mean(axes, keepdim=True)
        found = centred * (centred.square().mean(axes, keepdim=True) + self.eps).rsqrt()
        found = found if self.weight is None else found * self.weight
        return found if self.bias is None else found + self.bias


class LaneBatchNorm(nn.Module):
    """As torch's, by its formula; statistics are changed in place."""

    eps: Tensor
    momentum: Tensor
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """Over all axes but that of channels."""
        axes = [0, *range(2, x.dim())]
        shape = (1, -1, *(1,) * (x.dim() - 2))
        if self.training or self.running_mean is None or self.running_var is None:
            mean = x.mean(axes)
            variance = (x - mean.view(shape)).square().mean(axes)
            if self.training and self.running_mean is not None and self.running_var is not None:
                count = x.numel() / x.shape[1]
                with torch.no_grad():
                    fair = variance.detach() * (count / max(1.0, count - 1))
                    for kept, now in ((self.running_mean, mean.detach()), (self.running_var, fair)):
                        kept.copy_(kept + self.momentum * (now - kept))
        else:
            mean, variance = self.running_mean, self.running_var
        found = (x - mean.view(shape)) * (variance + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            found = found * self.weight.view(shape)
        return found if self.bias is None else found + self.bias.view(shape)


@dataclass(frozen=True)
class StandIn:
    """A row of the table above.

    Args:
        kind: the class that takes the place.
        numbers: attributes that become a lane's own.
        whole: of dropout, see `LaneDropout`.
    """

    kind: type[nn.Module]
    numbers: tuple[str, ...]
    whole: int | None = None


STAND_INS: dict[Callable[..., nn.Module], StandIn] = {
    nn.Linear: StandIn(LaneLinear, ()),
    nn.Dropout: StandIn(LaneDropout, ("p",)),
    nn.Dropout1d: StandIn(LaneDropout, ("p",), whole=3),
    nn.Dropout2d: StandIn(LaneDropout, ("p",), whole=4),
    nn.Dropout3d: StandIn(LaneDropout, ("p",), whole=5),
    nn.AlphaDropout: StandIn(LaneAlphaDropout, ("p",)),
    nn.LeakyReLU: StandIn(LaneLeakyReLU, ("negative_slope",)),
    nn.ELU: StandIn(LaneELU, ("alpha",)),
    nn.LayerNorm: StandIn(LaneLayerNorm, ("eps",)),
    nn.BatchNorm1d: StandIn(LaneBatchNorm, ("eps", "momentum")),
    nn.BatchNorm2d: StandIn(LaneBatchNorm, ("eps", "momentum")),
    nn.BatchNorm3d: StandIn(LaneBatchNorm, ("eps", "momentum")),
}
"""By the very class: a class of the user's that inherits from one is the user's own."""


def of(layer: nn.Module) -> StandIn | None:
    """What takes a layer's place; `None` where it stays."""
    found = STAND_INS.get(type(layer))
    if found is None:
        return None
    values = tuple(getattr(layer, name) for name in found.numbers)
    if any(not isinstance(value, int | float) or isinstance(value, bool) for value in values):
        return None  # BatchNorm without a momentum averages all it has seen
    return found


def put(layer: nn.Module, draws: Draws) -> None:
    """Let a layer be its stand-in; its numbers are still to be set."""
    found = of(layer)
    if found is None:
        return
    layer.__class__ = found.kind
    if isinstance(layer, LaneDropout):
        layer.draws, layer.whole = draws, found.whole
