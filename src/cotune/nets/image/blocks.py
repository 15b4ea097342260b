"""Residual blocks: what is added to the maps, as a list of convolutions.

| symbol | meaning                                | shape                             |
|--------|----------------------------------------|-----------------------------------|
| x      | maps that enter                        | batch (lane channel) height width |
| h      | the same, normalised and activated     | as x                              |
| F      | what the block adds                    | batch (lane unit) height width    |
| g      | gates of the experts, most of them 0   | lane batch expert                 |

    y = x + F(h),   h = activate(normalise(x));   where size or count of maps changes, y = W h + F(h), W of 1 by 1 pixel
    with excitation   y = x + s(F) ⊙ F            (`cotune.nets.image.excitation`)
    with experts      y = x + Σₑ gₑ(h) Fₑ(h)      (`cotune.nets.image.experts`)

Norm and activation stand before each convolution ("pre-activation"), so that nothing stands on the way around blocks.

Sources: He et al., Deep residual learning, CVPR 2016 (basic, bottleneck); He et al., Identity mappings in deep residual
networks, ECCV 2016 (pre-activation); Howard et al., MobileNets, 2017 (separable).
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.image import excitation, experts
from cotune.nets.image.maps import (
    Team,
    convolution,
    convolution_statistics,
    readying,
    readying_statistics,
)
from cotune.nets.layout import Weight

LEAST = 8
"""Maps of the narrow part of a bottleneck, at least; counts of maps are multiples of it."""


@dataclass(frozen=True)
class Step:
    """A convolution of a block.

    Args:
        name: of it.
        inputs, units: maps before and after.
        kernel: side of its filters.
        stride: pixels between places.
        each: whether it is depthwise.
        ready: whether norm and activation stand before it; those before the first are the block's.
    """

    name: str
    inputs: int
    units: int
    kernel: int = 1
    stride: int = 1
    each: bool = False
    ready: bool = True


Steps = tuple[Step, ...]


def basic(inputs: int, units: int, kernel: int, stride: int) -> Steps:
    """Two convolutions."""
    return Step("first", inputs, units, kernel, stride), Step("second", units, units, kernel)


def bottleneck(inputs: int, units: int, kernel: int, stride: int) -> Steps:
    """To a quarter of the maps by 1 by 1 pixel, a convolution of these, and back."""
    narrow = max(LEAST, units // 4 // LEAST * LEAST)
    return (
        Step("narrow", inputs, narrow),
        Step("middle", narrow, narrow, kernel, stride),
        Step("widen", narrow, units),
    )


def separable(inputs: int, units: int, kernel: int, stride: int) -> Steps:
    """Two convolutions, each as one within every map and one of 1 by 1 pixel across maps.

    That is 1/units + 1/kernel² of the multiplications of `basic`. Unlike in MobileNets nothing stands between the two,
    as in Chollet, Xception, CVPR 2017.
    """
    return (
        Step("first_each", inputs, inputs, kernel, stride, each=True),
        Step("first", inputs, units, ready=False),
        Step("second_each", units, units, kernel, each=True),
        Step("second", units, units, ready=False),
    )


BLOCKS: dict[str, Callable[[int, int, int, int], Steps]] = {
    "basic": basic,
    "bottleneck": bottleneck,
    "separable": separable,
}
"""By the name that recipes use: (inputs, units, kernel, stride) → steps."""


@dataclass(frozen=True)
class Block:
    """One block of a network.

    Args:
        name: of it; a layer to optimizers.
        kind: one of `BLOCKS`.
        inputs, units: maps that enter and leave.
        kernel, stride: of its convolution.
        excitation: whether maps are weighed by what is seen.
        experts: branches among which a gate chooses; 1 is a plain block.
    """

    name: str
    kind: str
    inputs: int
    units: int
    kernel: int
    stride: int
    excitation: bool
    experts: int

    @property
    def steps(self) -> Steps:
        """The convolutions of a branch."""
        return BLOCKS[self.kind](self.inputs, self.units, self.kernel, self.stride)

    @property
    def projects(self) -> bool:
        """Whether the way around it is a convolution."""
        return self.inputs != self.units or self.stride > 1

    @property
    def branches(self) -> tuple[str, ...]:
        """Prefixes of the names of its branches' layers."""
        if self.experts == 1:
            return (self.name,)
        return tuple(f"{self.name}.expert{e}" for e in range(self.experts))

    def products(self, height: int, across: int) -> int:
        """Multiplications of an image's forward pass that enters at this size."""
        found, smaller = 0, -(-height // self.stride) * -(-across // self.stride)
        pixels = height * across
        for step in self.steps:
            pixels = smaller if step.stride > 1 else pixels
            found += pixels * step.kernel**2 * step.units * (1 if step.each else step.inputs)
        return found * self.experts + (smaller * self.inputs * self.units if self.projects else 0)

    def values(self, height: int, across: int, *, norm: str) -> int:
        """Numbers that an image's forward pass leaves behind."""
        pixels, smaller = height * across, -(-height // self.stride) * -(-across // self.stride)
        before = 1 if norm == "none" else 2
        found = before * pixels * self.inputs + 2 * smaller * self.units
        for step in self.steps:
            found += self.experts * (1 + before * step.ready) * smaller * step.units
        return found

    def weights(self, norm: str, *, slopes: bool) -> list[Weight]:
        """Learned weights in order of use."""
        found = readying(norm, f"{self.name}.ready", self.inputs, slopes=slopes)
        for branch in self.branches:
            for i, step in enumerate(self.steps):
                if step.ready and i:
                    found += readying(norm, f"{branch}.{step.name}", step.inputs, slopes=slopes)
                found += convolution(
                    norm, f"{branch}.{step.name}", step.inputs, step.units, step.kernel, each=step.each
                )
        if self.experts > 1:
            found += experts.weights(self.name, self.inputs, self.experts)
        if self.excitation:
            found += excitation.weights(self.name, self.units)
        if self.projects:
            found += convolution(norm, f"{self.name}.around", self.inputs, self.units, 1)
        return found

    def statistics(self, norm: str) -> list[Weight]:
        """What norms keep."""
        found = readying_statistics(norm, f"{self.name}.ready", self.inputs)
        for branch in self.branches:
            for i, step in enumerate(self.steps):
                name = f"{branch}.{step.name}"
                if step.ready and i:
                    found += readying_statistics(norm, name, step.inputs)
                found += convolution_statistics(
                    norm, name, step.inputs, step.units, step.kernel, each=step.each
                )
        if self.projects:
            found += convolution_statistics(norm, f"{self.name}.around", self.inputs, self.units, 1)
        return found

    def forward(self, team: Team, x: Tensor, factors: Tensor | None) -> Tensor:
        """y of the formulas above.

        Args:
            factors: what dropout leaves of F, lane batch unit (or 1), or `None`.
        """
        h = team.ready(f"{self.name}.ready", x)
        if self.experts == 1:
            z = self._branch(team, self.name, h)
        else:
            z = experts.mixed(team, self.name, h, [self._expert(team, name) for name in self.branches])
        if self.excitation:
            z = excitation.excited(team, self.name, z)
        if factors is not None:
            spread = team.spread(factors.expand(-1, -1, self.units))
            z = z * spread
        around = team.convolve(f"{self.name}.around", h, stride=self.stride) if self.projects else x
        return team.context.seen(self.name, around + z)

    def _expert(self, team: Team, branch: str) -> Callable[[Tensor], Tensor]:
        return lambda h: self._branch(team, branch, h)

    def _branch(self, team: Team, branch: str, h: Tensor) -> Tensor:
        for i, step in enumerate(self.steps):
            name = f"{branch}.{step.name}"
            if step.ready and i:
                h = team.ready(name, h)
            h = team.convolve(name, h, kernel=step.kernel, stride=step.stride, each=step.each)
        return h
