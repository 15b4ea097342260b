"""The goal of a generator and a discriminator: each learns against the other, in one backward pass.

| symbol | meaning                                                         | shape            |
|--------|-----------------------------------------------------------------|------------------|
| x, g   | real rows, generated ones                                       | lane batch feature |
| D      | the discriminator; D̄ the same with weights held                 |                  |
| t, T   | steps taken, steps of the whole training                        | lane             |
| ρ      | running share of pairs (x, g) with D(x) > D(g)                  | lane             |

    L = L_D(D(x + ε), D(stop g + ε)) + λ (‖∇D(x̂)‖ − 1)² + L_G(D̄(g + ε))
    ε ~ N(0, (σ (1 − t/T))²),  x̂ = u x + (1 − u) g

Weights of D get gradients from L_D alone, those of the generator from L_G alone. Heads on the discriminator's stages
add their losses, times `deep_supervision` (mean over them).

*Turns.* ρ is a running mean, of which 0.9 stays at every step. The generator steps once in `rounds` steps. Balance
`waiting`: a side that is far ahead waits (D where ρ > 0.85, the generator where ρ < 0.6). `slowed`: D's steps get
shorter from ρ = 0.75 on, down to a twentieth. A side that waits keeps its weights and its optimizer's memory; an
optimizer's own count of steps goes on.

Sources: Goodfellow et al. 2014; Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017 (penalty);
Sønderby et al., ICLR 2017 (instance noise); Heusel et al., NeurIPS 2017 (two time scales); Berthelot et al., BEGAN,
2017 (balance by control); Lee et al., Deeply-Supervised Nets, AISTATS 2015 (heads).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine import rng
from cotune.engine.goals.contest_losses import CONTEST_LOSSES
from cotune.engine.goals.judging import figures_of
from cotune.nets.context import Context
from cotune.nets.gan import tables as gan_tables
from cotune.nets.gan.pair import GAN
from cotune.nets.layout import ALIGN, Layout

if TYPE_CHECKING:
    from cotune.engine.lanes import Lane
    from cotune.engine.perturb import Batch

BALANCES = ("none", "waiting", "slowed")

AHEAD, BEHIND = 0.85, 0.6
"""ρ above which the discriminator waits, and below which the generator does."""

FAIR, SLOWEST = 0.75, 0.05
"""ρ up to which the discriminator learns at full pace, and the pace it keeps where it tells all pairs."""

MEMORY = 0.9
"""Of ρ: how much of it stays from step to step."""

NOISE, MIX, REAL, FAKE, CHANCE = range(1, 6)
"""What draws of a step are for."""


@dataclass(frozen=True)
class Contest:
    """The goal of lanes that contend.

    Args:
        network: theirs.
        loss: a name of `CONTEST_LOSSES`.
        rounds: steps of the discriminator for one of the generator.
        balance: one of `BALANCES`.
        steps: T; instance noise fades until then.
    """

    network: GAN
    loss: str
    rounds: int
    balance: str
    steps: int

    def losses(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        batch: "Batch",
        context: Context,
        keys: Tensor,
    ) -> Tensor:
        """See the formula above [lane]."""
        gan, pair, numbers = self.network, CONTEST_LOSSES[self.loss], context.numbers
        x, rows = batch.numeric, batch.numeric.shape[1]
        due = self._due(statistics)
        judges = gan.judges(weights, statistics, context)
        held = {name: w.detach() for name, w in judges.items()}
        with torch.set_grad_enabled(bool(due.any())):  # nobody asks the generator where it waits
            fake = gan.generated(noise(gan, keys, rows), weights, None, chances(gan, keys, rows))
        blur = self._blur(statistics, numbers)
        real_seen, fake_seen = self._seen(x, blur, keys, REAL), self._seen(fake, blur, keys, FAKE)
        scores = gan.scores(torch.cat([real_seen, fake_seen.detach()], dim=1), judges)
        r, f = _aligned(scores[:, :rows]), _aligned(scores[:, rows:])
        loss = _of_heads(pair.discriminator(r, f, numbers["real_label"]), rows, numbers)
        strength = numbers["gradient_penalty"]
        if pair.penalised and bool((strength > 0).any()):
            loss = loss + strength * gradient_penalty(gan, judges, x, fake.detach(), keys)
        if bool(due.any()):
            theirs = _of_heads(pair.generator(_aligned(gan.scores(fake_seen, held))), rows, numbers)
            loss = loss + torch.where(due, theirs, 0.0)
        told = scores.detach()[..., 0]
        self._take_turns(statistics, context, due, told[:, :rows], told[:, rows:])
        return loss

    def figures(
        self,
        lanes: "Sequence[Lane]",
        metrics: Sequence[str],
        weights: Tensor,
        statistics: Tensor,  # noqa: ARG002
        layouts: tuple[Layout, Layout],
    ) -> dict[str, Tensor]:
        """The metrics of what lanes generate, against their own validation rows; the loss is the first of them."""
        return figures_of(self.network, lanes, metrics, layouts[0].views(weights))

    def _due(self, statistics: Mapping[str, Tensor]) -> Tensor:
        """Whether the generator of each lane may step [lane]."""
        count = statistics["turn.count"].squeeze(1)
        return (count + 1) % self.rounds == 0

    def _blur(self, statistics: Mapping[str, Tensor], numbers: Mapping[str, Tensor]) -> Tensor | None:
        """σ (1 − t/T) [lane]; `None` where no lane is noisy."""
        sigma = numbers["instance_noise"]
        if not bool((sigma > 0).any()):
            return None
        left = 1 - statistics["turn.count"].squeeze(1) / self.steps
        return sigma * left.clamp(min=0)

    def _seen(self, x: Tensor, blur: Tensor | None, keys: Tensor, purpose: int) -> Tensor:
        """Rows as the discriminator sees them."""
        if blur is None:
            return x
        drawn = rng.normals(_keys(keys, purpose), x.shape[1] * x.shape[2]).view(x.shape)
        return x + blur.view(-1, 1, 1) * drawn

    def _take_turns(
        self, statistics: Mapping[str, Tensor], context: Context, due: Tensor, r: Tensor, f: Tensor
    ) -> None:
        """Count the step, and say how far each side may go in it."""
        with torch.no_grad():
            told = (r > f).float().mean(1) + (r == f).float().mean(1) / 2
            share = MEMORY * statistics["turn.share"].squeeze(1) + (1 - MEMORY) * (told - 0.5)
            generator, discriminator = due.float(), torch.ones_like(share)
            if self.balance == "waiting":
                discriminator = (share + 0.5 <= AHEAD).float()
                generator = generator * (share + 0.5 >= BEHIND).float()
                # At first nobody knows who is ahead.
                early = statistics["turn.count"].squeeze(1) < 1 / (1 - MEMORY)
                generator = torch.where(early, due.float(), generator)
            elif self.balance == "slowed":
                over = (share + 0.5 - FAIR).clamp(min=0) / (1 - FAIR)
                discriminator = (1 - over).clamp(min=SLOWEST)
            statistics["turn.share"].copy_(share.unsqueeze(1))
            statistics["turn.count"].add_(1)
            statistics["turn.generator"].copy_(generator.unsqueeze(1))
            statistics["turn.discriminator"].copy_(discriminator.unsqueeze(1))
            if context.aside is not None and (self.rounds > 1 or self.balance != "none"):
                own = generators(self.network).to(r.device)
                pace = torch.where(own, generator.unsqueeze(1), discriminator.unsqueeze(1))
                context.aside.turn.append(pace)


def _aligned(scores: Tensor) -> Tensor:
    """Scores [lane row head] as lane head row, with zeros after them, such that each lane has whole vectors."""
    return F.pad(scores.transpose(1, 2), (0, -scores.shape[1] % ALIGN))


def _of_heads(values: Tensor, rows: int, numbers: Mapping[str, Tensor]) -> Tensor:
    """The mean loss of the last layer's head and, times their weight, the mean of the others' [lane].

    Args:
        values: lane head row, of which the first so many rows count.
    """
    losses = values[..., :rows].mean(2)
    if losses.shape[1] == 1:
        return losses[:, 0]
    return losses[:, 0] + numbers["deep_supervision"] * losses[:, 1:].mean(1)


def gradient_penalty(gan: GAN, judges: Mapping[str, Tensor], x: Tensor, fake: Tensor, keys: Tensor) -> Tensor:
    """The mean of (‖∇D(x̂)‖ − 1)², x̂ anywhere between a real row and a generated one [lane].

    Source: Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017, eq. 3.
    """
    share = rng.uniforms(_keys(keys, MIX), x.shape[1]).unsqueeze(2)
    between = (share * x + (1 - share) * fake).requires_grad_()
    score = gan.scores(between, judges)[..., 0].sum()
    (slope,) = torch.autograd.grad(score, between, create_graph=True)
    norm = (slope.square().sum(2) + TINY).sqrt()
    return (norm - 1).square().mean(1)


TINY = 1e-12
"""Under the root, which has no gradient at 0."""


def noise(gan: GAN, keys: Tensor, rows: int) -> Tensor:
    """What rows are made of, nearly normal [lane row latent]."""
    return rng.normals(_keys(keys, NOISE), rows * gan.latent).view(len(keys), rows, gan.latent)


def chances(gan: GAN, keys: Tensor, rows: int) -> Tensor | None:
    """What a table's flags and categories are moved by [lane row draw]; `None` of images."""
    if gan.shape:
        return None
    own = _keys(keys, CHANCE)
    return gan_tables.chance_of(gan, lambda count: rng.uniforms(own, count), rows)


def _keys(keys: Tensor, purpose: int) -> Tensor:
    """Keys of another purpose."""
    return rng.mix(keys + purpose)


@cache
def generators(gan: GAN) -> Tensor:
    """Which of a row's weights are the generator's, boolean [weight]."""
    layout = Layout.of(gan.weights())
    found = torch.zeros(1, layout.size)
    for weight in layout.weights:
        layout.view(found, weight).fill_(float(weight.name.startswith("generator")))
    return found[0] > 0
