"""Norms and dropout of the plain twin: torch's own modules, and what torch lacks written out for one network."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from cotune.engine import rng
from cotune.engine.lanes import Lane
from cotune.nets.layers import EPSILON
from cotune.nets.norms import GROUP

ALPHA = -1.7580993408473766


class RMSNorm(nn.Module):
    """torch's RMSNorm over the channels of images, which come first there, or over the units of rows."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(units, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """As x."""
        found: Tensor = self.norm(x) if x.ndim == 2 else self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return found


class GroupNorm(nn.Module):
    """Layer norm of neighbouring units; the last group may be smaller, which torch's GroupNorm refuses."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor) -> Tensor:
        """As x."""
        parts = [F.layer_norm(part, part.shape[1:], eps=EPSILON) for part in torch.split(x, GROUP, dim=1)]
        return torch.cat(parts, dim=1) * self.weight + self.bias


def norm_of(norm: str, units: int, *, images: bool = False) -> nn.Module:
    """The module that a norm is; those of weights are none."""
    match norm:
        case "batch":
            return nn.BatchNorm2d(units) if images else nn.BatchNorm1d(units)
        case "layer":
            return nn.GroupNorm(1, units) if images else nn.LayerNorm(units)
        case "group":
            return nn.GroupNorm(units // GROUP, units) if images else GroupNorm(units)
        case "instance":
            return nn.GroupNorm(units, units)
        case "rms":
            return RMSNorm(units)
    return nn.Identity()


def with_norm(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d, norm: str, left: Tensor | None, right: Tensor | None
) -> None:
    """Let a layer's weights be normalised, if the norm is of that kind.

    Args:
        left, right: singular vectors to begin with, as `cotune.nets.norms` has them.
    """
    if norm == "weight":
        weight_norm(layer)
    if norm == "spectral":
        assert left is not None
        assert right is not None
        if isinstance(layer, nn.Conv2d):
            k = layer.kernel_size[0]
            right = right.view(k, k, -1).permute(2, 0, 1).flatten()
        if isinstance(layer, nn.Conv1d):
            right = right.view(layer.kernel_size[0], -1).T.flatten()
        spectral_norm(layer)
        state: Any = layer.parametrizations.weight[0]  # type: ignore[index, union-attr]
        state._u.copy_(left)
        state._v.copy_(right)


class Factors:
    """Dropout's factors of a lane, step by step; `step` is set by the loop."""

    def __init__(self, lane: Lane) -> None:
        self.seed = torch.tensor([rng.seed_of(lane.seed, "dropout")])
        self.p = torch.tensor([lane.number("dropout")], dtype=torch.float32)
        self.network = lane.structure.network
        self.step = 0

    def draw(self, rows: int, first: int, shape: tuple[int, ...]) -> tuple[Tensor, float]:
        """(factors from number `first` on in this shape, the share that is left out)."""
        key, total = rng.keys(self.seed, torch.tensor([self.step])), self.network.draws(rows)
        level = rng.drop_levels(key, self.p)
        draws = rng.draws(key, rng.counters(total))[:, :total]
        factors = rng.keep_mask(draws, level.unsqueeze(1))[0]
        return factors[first : first + torch.Size(shape).numel()].view(shape), float(level) / rng.LEVELS


def alpha_dropped(x: Tensor, factors: Tensor, q: float) -> Tensor:
    """Alpha dropout as Klambauer et al. write it, with given factors."""
    if q == 0:
        return x
    a = ((1 - q) * (1 + q * ALPHA**2)) ** -0.5
    found: Tensor = a * torch.where(factors > 0, x, ALPHA) - a * ALPHA * q
    return found


def linear_without(layer: nn.Linear, x: Tensor, factors: Tensor) -> Tensor:
    """A linear layer some of whose weights [input unit] are left out."""
    return F.linear(x, layer.weight * factors.T, layer.bias)


def stored(layer: nn.Linear | nn.Conv1d | nn.Conv2d) -> dict[str, Tensor]:
    """What a layer learns, by the engine's names; the weight as torch has it."""
    found: dict[str, Tensor] = {} if layer.bias is None else {"bias": layer.bias}
    own: Any = getattr(layer, "parametrizations", None)
    if own is None:
        return {"weight": layer.weight, **found}
    own = own.weight
    if hasattr(own, "original1"):
        return {"weight": own.original1, "gain": own.original0.flatten(), **found}
    return {"weight": own.original, **found}


def begin(
    name: str,
    layer: nn.Linear | nn.Conv1d | nn.Conv2d,
    norm: nn.Module,
    activation: nn.Module,
    first: Mapping[str, Tensor],
    moments: Mapping[str, Tensor],
) -> None:
    """Set what a layer learns beside its matrix and bias, and what its norm keeps, to a lane's first values.

    Args:
        name: of the layer.
        first, moments: the lane's first weights and statistics by name.
    """
    with torch.no_grad():
        for part, parameter in norm.named_parameters():
            parameter.copy_(first[f"{name}.norm.{part.split('.')[-1]}"])
        for slope in activation.parameters():
            slope.copy_(first[f"{name}.slope"])
        if "gain" in (learned := stored(layer)):
            learned["gain"].copy_(first[f"{name}.gain"])
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.copy_(moments[f"{name}.norm.mean"])
            norm.running_var.copy_(moments[f"{name}.norm.variance"])
