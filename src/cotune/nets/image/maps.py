"""Networks of feature maps, with the maps of several lanes side by side.

| symbol | meaning                                             | shape                             |
|--------|-----------------------------------------------------|-----------------------------------|
| x, z   | maps: the channels of all lanes of a team together   | batch (lane channel) height width |
| w      | filters                                             | lane (down across channel) unit   |

A team is what goes through a network as one: on a GPU all lanes, as convolutions in as many groups; on a CPU one lane,
since kernels round differently by the count of groups. So every operation here is one of PyTorch's own, and for a
single lane exactly what an ordinary module would do, channels last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.nets.activations import ACTIVATIONS
from cotune.nets.context import Aside, Context
from cotune.nets.dropout import Factors
from cotune.nets.image.convolve import convolve_each, convolve_maps, fold, unfold
from cotune.nets.layers import BATCH_NORM_MOMENTUM, EPSILON
from cotune.nets.layout import Weight
from cotune.nets.norms import GROUP, OF_WEIGHTS, kept, learned, normed_weight, rms_norm

POOLINGS = ("flatten", "average", "max")
"""What becomes of the last maps: each of their numbers is a feature, or the mean or the largest of each map.

Source of the mean: Lin, Chen & Yan, Network in network, ICLR 2014."""

CENTRING = ("batch", "instance")
"""Norms that subtract each map's mean: a bias before them has no effect, and rounding noise for a gradient."""


@dataclass(frozen=True)
class Team:
    """Lanes that go through a network together.

    Args:
        lanes: how many.
        norm: see `cotune.nets.norms`.
        weights, statistics: theirs, lane first.
        context: theirs.
    """

    lanes: int
    norm: str
    weights: Mapping[str, Tensor]
    statistics: Mapping[str, Tensor]
    context: Context

    def convolve(
        self,
        layer: str,
        x: Tensor,
        *,
        kernel: int = 1,
        stride: int = 1,
        each: bool = False,
        factors: Tensor | None = None,
    ) -> Tensor:
        """x ∗ w + b.

        Args:
            each: whether it is depthwise: each map has a filter of its own.
            factors: what dropout leaves of w, as w.
        """
        w = normed_weight(self.norm, layer, self.weights, self.statistics, self.context)
        w = w if factors is None else w * factors
        one = convolve_each if each else convolve_maps
        z = one(x, w, self.weights.get(f"{layer}.bias"), kernel, stride)
        if self.context.gauge is not None:
            z = fold(self.context.gauged(layer, unfold(z, self.lanes)))
        return self.context.seen(layer, z)

    def ready(self, layer: str, x: Tensor) -> Tensor:
        """Norm and activation, which stand before a layer."""
        return self.activate(layer, self.normalise(layer, x))

    def normalise(self, layer: str, x: Tensor) -> Tensor:
        """x as the norm before a layer makes it."""
        if self.norm == "none" or self.norm in OF_WEIGHTS:
            return x
        scale = self.weights[f"{layer}.norm.weight"]
        if self.norm == "rms":
            lanes = unfold(x, self.lanes)
            return fold(rms_norm(lanes.flatten(2, 3), scale, None).view(lanes.shape))
        shift = self.weights[f"{layer}.norm.bias"].reshape(-1)
        if self.norm == "batch":
            return self._batch_norm(layer, x, scale.reshape(-1), shift)
        units = scale.shape[1]
        groups = {"layer": 1, "group": units // GROUP, "instance": units}[self.norm]
        return F.group_norm(x, self.lanes * groups, scale.reshape(-1), shift, EPSILON)

    def _batch_norm(self, layer: str, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        kept_ones = [self.statistics[f"{layer}.norm.{name}"] for name in ("mean", "variance")]
        training = self.context.training
        copied = training and self.lanes > 1
        mean, variance = (one.flatten().clone() if copied else one.reshape(-1) for one in kept_ones)
        found = F.batch_norm(x, mean, variance, scale, shift, training, BATCH_NORM_MOMENTUM, EPSILON)
        if copied:
            for one, now in zip(kept_ones, (mean, variance), strict=True):
                one.copy_(now.view(one.shape))
        return found

    def activate(self, layer: str, x: Tensor) -> Tensor:
        """Each lane's own activation."""
        slope, segments = self.weights.get(f"{layer}.slope"), self.context.activations
        if slope is not None:
            return F.prelu(x, slope.reshape(-1))
        if len(segments) == 1:
            return ACTIVATIONS[segments[0][0]](x)
        units = x.shape[1] // self.lanes
        acted = [ACTIVATIONS[name](x[:, start * units : stop * units]) for name, start, stop in segments]
        return torch.cat(acted, 1)

    def pooled(self, how: str, x: Tensor) -> Tensor:
        """Features lane batch unit; how is one of `POOLINGS`."""
        if how == "flatten":
            return unfold(x, self.lanes).flatten(2)
        found = x.mean((2, 3)) if how == "average" else F.adaptive_max_pool2d(x, 1).flatten(1)
        return found.view(len(x), self.lanes, -1).transpose(0, 1)

    def spread(self, factors: Tensor) -> Tensor:
        """Numbers for maps [lane batch unit] as batch (lane unit) 1 1."""
        return factors.transpose(0, 1).reshape(factors.shape[1], -1, 1, 1)


def parted(
    norm: str,
    weights: Mapping[str, Tensor],
    statistics: Mapping[str, Tensor],
    x: Tensor,
    context: Context,
) -> list[tuple[Team, Tensor]]:
    """The teams, each with its maps.

    Args:
        x: images lane batch height width channel.
    """
    lanes = len(x)
    if x.device.type != "cpu":
        return [(Team(lanes, norm, weights, statistics, context), fold(x))]
    own = {name: w.chunk(lanes) for name, w in weights.items()}  # their gradient is one tensor again
    found = []
    for i in range(lanes):
        one = slice(i, i + 1)
        mine = {name: parts[i] for name, parts in own.items()}
        moments = {name: part[one] for name, part in statistics.items()}
        found.append((Team(1, norm, mine, moments, _alone(context, i)), fold(x[one])))
    return found


def _alone(context: Context, lane: int) -> Context:
    """What holds for one of the lanes."""
    name = next(name for name, start, stop in context.activations if start <= lane < stop)
    drop, one = context.dropout, slice(lane, lane + 1)
    return replace(
        context,
        activations=((name, 0, 1),),
        dropout=None if drop is None else Factors(drop.values[one], drop.rate[one]),
        aside=None if context.aside is None else Aside(),
    )


def gather(teams: list[Team], context: Context) -> None:
    """Lay the teams' penalties aside for all lanes; those of a team of all lanes are there."""
    if context.aside is None or teams[0].context is context:
        return
    asides = [team.context.aside.penalties for team in teams if team.context.aside is not None]
    context.aside.penalties.extend(torch.cat(parts) for parts in zip(*asides, strict=True))


def biased(norm: str) -> bool:
    """Whether a convolution beside this norm has a bias that does something."""
    return norm not in CENTRING


def convolution(
    norm: str, layer: str, inputs: int, units: int, kernel: int, *, each: bool = False
) -> list[Weight]:
    """The weights of a convolution."""
    fan = kernel**2 * (1 if each else inputs)
    found = [Weight(f"{layer}.weight", (fan, units), "fan", decay=True, places=kernel**2, each=each)]
    if biased(norm):
        found.append(Weight(f"{layer}.bias", (units,)))
    return found + (learned(norm, layer, units) if norm in OF_WEIGHTS else [])


def readying(norm: str, layer: str, units: int, *, slopes: bool) -> list[Weight]:
    """The weights of the norm and the activation before a layer that reads so many maps."""
    found = [] if norm in OF_WEIGHTS else learned(norm, layer, units)
    return [*found, Weight(f"{layer}.slope", (units,), "slope")] if slopes else found


def convolution_statistics(
    norm: str, layer: str, inputs: int, units: int, kernel: int, *, each: bool = False
) -> list[Weight]:
    """What a norm of weights keeps for a convolution."""
    return kept(norm, layer, kernel**2 * (1 if each else inputs), units) if norm in OF_WEIGHTS else []


def readying_statistics(norm: str, layer: str, units: int) -> list[Weight]:
    """What the norm before a layer keeps."""
    return [] if norm in OF_WEIGHTS else kept(norm, layer, 0, units)
