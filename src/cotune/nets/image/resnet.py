"""A residual network: stages of blocks that add to their maps, and a head on what the last maps hold.

| symbol | meaning                                              | shape                             |
|--------|------------------------------------------------------|-----------------------------------|
| x      | images, a pixel's channels together                  | lane batch (height width channel) |
| h      | maps                                                 | batch (lane channel) height width |
| f      | features: h normalised, activated and pooled         | lane batch feature                |

h₀ = x ∗ W₀;  hᵢ = blockᵢ(hᵢ₋₁), see `cotune.nets.image.blocks`;  logits = f W + b. From stage to stage sides halve,
rounded up, and maps double. Further heads on the stages before the last help them learn ("deep supervision"), and let
easy images out ("early exit", `cotune.nets.image.exits`).

Dropout: "unit", "alpha" of the features; "connect" of the head's weights; "spatial" of the maps that a block adds;
"depth" of whole blocks, image by image.

Sources: He et al., CVPR and ECCV 2016; Huang et al., Deep networks with stochastic depth, ECCV 2016; Lee et al.,
Deeply-supervised nets, AISTATS 2015.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.nets.batched import Batched
from cotune.nets.context import Context
from cotune.nets.image.blocks import Block
from cotune.nets.image.exits import Part, leave_early
from cotune.nets.image.maps import (
    Team,
    convolution,
    convolution_statistics,
    gather,
    parted,
    readying,
    readying_statistics,
)
from cotune.nets.layers import linear
from cotune.nets.layout import Weight


@dataclass(frozen=True)
class ResNet(Batched):
    """The shape of a residual network; hashable, so that lanes can be grouped by it.

    Args:
        height, across, channels: of the images.
        filters: maps of the first stage, a multiple of 8.
        stages: of blocks.
        blocks: of each stage.
        kernel: side of the filters, odd.
        outputs: logits.
        block: one of `cotune.nets.image.blocks.BLOCKS`.
        stem: pixels between the places of the first convolution's filters.
        norm: see `cotune.nets.norms`.
        dropping: what dropout leaves out.
        slopes: whether the activation learns a slope for each map.
        excitation: whether blocks weigh their maps.
        experts: branches of each block of the last stage; 1 is a plain block.
        pooling: one of `cotune.nets.image.maps.POOLINGS`.
        supervision: weight of the loss of heads on the stages before the last; 0 is none.
        exit_at: an image leaves at the first head that is so sure; 0 is never.
    """

    height: int
    across: int
    channels: int
    filters: int
    stages: int
    blocks: int
    kernel: int
    outputs: int
    cardinalities: tuple[int, ...] = ()
    """Images have no categories."""
    block: str = "basic"
    stem: int = 1
    norm: str = "batch"
    dropping: str = "unit"
    slopes: bool = False
    excitation: bool = False
    experts: int = 1
    pooling: str = "average"
    supervision: float = 0.0
    exit_at: float = 0.0

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        more = "" if self.dropping == "unit" else f", dropout of {self.dropping}"
        more += ", learned slopes" if self.slopes else ""
        more += ", excitation" if self.excitation else ""
        more += f", {self.experts} experts" if self.experts > 1 else ""
        more += ", further heads" if self.supervised else ""
        depth = self.stages * self.blocks
        return f"ResNet, {depth} {self.block} blocks, norm {self.norm}{more}"

    @property
    def example(self) -> tuple[int, ...]:
        """An image: height width channel."""
        return self.height, self.across, self.channels

    @property
    def features(self) -> int:
        """Numbers of an image."""
        return self.height * self.across * self.channels

    @property
    def width(self) -> int:
        """Maps of the last stage, the most."""
        return self.maps(self.stages - 1)

    @property
    def supervised(self) -> tuple[int, ...]:
        """The stages with a head of their own, the last one apart."""
        return tuple(range(self.stages - 1)) if self.supervision or self.exit_at else ()

    def maps(self, stage: int) -> int:
        """How many a stage has."""
        return self.filters << stage

    def pixels(self, stage: int) -> tuple[int, int]:
        """Height and width of a stage's maps."""
        side = self.stem << stage
        return -(-self.height // side), -(-self.across // side)

    def stage(self, number: int) -> tuple[Block, ...]:
        """Its blocks; the first halves the sides, but not that of the first stage."""
        found, units = [], self.maps(number)
        for i in range(self.blocks):
            first = i == 0 and number > 0
            found.append(
                Block(
                    name=f"block{number * self.blocks + i}",
                    kind=self.block,
                    inputs=units // 2 if first else units,
                    units=units,
                    kernel=self.kernel,
                    stride=2 if first else 1,
                    excitation=self.excitation,
                    experts=self.experts if number == self.stages - 1 else 1,
                )
            )
        return tuple(found)

    def read(self, stage: int) -> int:
        """Features that the head of a stage reads."""
        height, across = self.pixels(stage)
        return self.maps(stage) * (height * across if self.pooling == "flatten" else 1)

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        match self.dropping:
            case "spatial" | "depth":
                return sum(self._draws_of(block, rows) for s in range(self.stages) for block in self.stage(s))
            case "connect":
                return self.read(self.stages - 1) * self.head
        return rows * self.read(self.stages - 1)

    def _draws_of(self, block: Block, rows: int) -> int:
        return rows * (block.units if self.dropping == "spatial" else 1)

    @property
    def products(self) -> int:
        """Multiplications of one image's forward pass."""
        found = math.prod(self.pixels(0)) * self.kernel**2 * self.channels * self.filters
        for number in range(self.stages):
            for block in self.stage(number):
                found += block.products(*self.pixels(number - (block.stride > 1)))
        return found + sum(self.read(stage) * self.outputs for stage in (*self.supervised, self.stages - 1))

    @property
    def values(self) -> int:
        """Numbers that one image's forward pass leaves behind."""
        found = self.features + math.prod(self.pixels(0)) * self.filters
        for number in range(self.stages):
            for block in self.stage(number):
                found += block.values(*self.pixels(number - (block.stride > 1)), norm=self.norm)
        return found + 4 * self.read(self.stages - 1) + 2 * self.head

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        found = convolution(self.norm, "stem", self.channels, self.filters, self.kernel)
        for number in range(self.stages):
            for block in self.stage(number):
                found += block.weights(self.norm, slopes=self.slopes)
            if number in (*self.supervised, self.stages - 1):
                found += readying(
                    self.norm, f"top{self._mark(number)}", self.maps(number), slopes=self.slopes
                )
                head = f"head{self._mark(number)}"
                found.append(Weight(f"{head}.weight", (self.read(number), self.head), "fan", decay=True))
                found.append(Weight(f"{head}.bias", (self.head,)))
        return tuple(found)

    def _mark(self, stage: int) -> str:
        """What the names of a stage's head end with; nothing for the last."""
        return "" if stage == self.stages - 1 else str(stage)

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        found = convolution_statistics(self.norm, "stem", self.channels, self.filters, self.kernel)
        for number in range(self.stages):
            for block in self.stage(number):
                found += block.statistics(self.norm)
            if number in (*self.supervised, self.stages - 1):
                found += readying_statistics(self.norm, f"top{self._mark(number)}", self.maps(number))
        return tuple(found)

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it but the heads' padding: maps are never padded."""
        return (*weight.shape[:-1], self.outputs) if weight.name.startswith("head") else weight.shape

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,  # noqa: ARG002
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        x = numeric.reshape(*numeric.shape[:2], *self.example)
        teams = parted(self.norm, weights, statistics, x, context)
        if self.exit_at and not context.training:
            return torch.cat([self.leaving(team, maps)[0] for team, maps in teams])
        told = [self._told(team, maps) for team, maps in teams]
        gather([team for team, _ in teams], context)
        parts = {stage: torch.cat([heads[stage] for heads in told]) for stage in told[0]}
        if context.aside is not None:
            context.aside.heads.extend((self.supervision, parts[stage]) for stage in self.supervised)
        return parts[self.stages - 1]

    def leaving(self, team: Team, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the count of heads each image has passed [lane batch]."""
        h = team.convolve("stem", maps, kernel=self.kernel, stride=self.stem)
        parts = [self._part(team, number) for number in range(self.stages)]
        return leave_early(parts, h, threshold=self.exit_at, outputs=self.outputs)

    def _part(self, team: Team, number: int) -> Part:
        def part(h: Tensor) -> tuple[Tensor, Tensor]:
            for block in self.stage(number):
                h = block.forward(team, h, None)
            return h, self._logits(team, number, h)

        return part

    def _told(self, team: Team, maps: Tensor) -> dict[int, Tensor]:
        """What the heads say, by stage."""
        drop = team.context.dropout if team.context.training else None
        h, first, found = team.convolve("stem", maps, kernel=self.kernel, stride=self.stem), 0, {}
        for number in range(self.stages):
            for block in self.stage(number):
                factors = None
                if drop is not None and self.dropping in ("spatial", "depth"):
                    rows = len(h)
                    count = self._draws_of(block, rows)
                    factors = drop.part(first, (rows, count // rows))
                    first += count
                h = block.forward(team, h, factors)
            if number == self.stages - 1 or (number in self.supervised and team.context.training):
                found[number] = self._logits(team, number, h)
        return found

    def _logits(self, team: Team, stage: int, h: Tensor) -> Tensor:
        """Those of a stage's head, lane batch head."""
        mark = self._mark(stage)
        f = team.pooled(self.pooling, team.ready(f"top{mark}", h))
        w, b = (team.weights[f"head{mark}.{part}"] for part in ("weight", "bias"))
        drop = team.context.dropout if team.context.training and not mark else None
        if drop is not None:
            shape = tuple(f.shape[1:])
            match self.dropping:
                case "unit":
                    f = f * drop.part(0, shape)
                case "alpha":
                    f = drop.alpha(f, 0)
                case "connect":
                    w = w * drop.part(0, tuple(w.shape[1:]))
        logits = team.context.gauged(f"head{mark}", linear(f, w, b))
        return team.context.seen(f"head{mark}", logits)
