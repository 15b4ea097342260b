"""The plain twin of a contest: ordinary modules, `torch.optim`, two losses, and a loop.

It takes from the engine only what defines a lane's chance: first weights, the order of rows, noise and draws.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cotune.engine import rng
from cotune.engine.first_weights import first_rows
from cotune.engine.goals.contest import FAKE, MIX, REAL, Contest, chances, noise
from cotune.engine.lanes import Lane
from cotune.nets.gan.pair import GAN
from cotune.nets.layout import Layout

Pairs = Sequence[tuple[str, nn.Parameter, Callable[[Tensor], Tensor]]]
"""Name of an engine's weight, the module's own, and how the first becomes the second."""


class Blocks(nn.Module):
    """A table's last layer as columns."""

    def __init__(self, gan: GAN) -> None:
        super().__init__()
        self.gan, self.chance = gan, torch.zeros(0)

    def forward(self, h: Tensor) -> Tensor:
        parts, at, drawn = [], 0, 0
        for kind, size in zip(self.gan.kinds, self.gan.sizes, strict=True):
            wide = size + (kind == "category")
            block = h[:, at : at + wide]
            at += wide
            if kind == "number":
                parts.append(block)
                continue
            moved = (block + self.chance[:, drawn : drawn + wide]) / 0.5
            drawn += wide
            parts.append(moved.sigmoid() if kind == "flag" else moved.softmax(1)[:, wide - size :])
        return torch.cat(parts, dim=1)


class Heads(nn.Module):
    """A discriminator's stages; each may have a head."""

    def __init__(self, stages: Sequence[nn.Module], head: nn.Module, further: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages, self.head, self.further = nn.ModuleList(stages), head, nn.ModuleList(further)

    def forward(self, x: Tensor) -> list[Tensor]:
        found, h = [], x
        for place, stage in enumerate(self.stages):
            h = stage(h)
            if place < len(self.further):
                pooled = h.mean((2, 3)) if h.dim() == 4 else h
                found.append(self.further[place](pooled)[:, 0])
        return [self.head(h.flatten(1))[:, 0], *found]


def _same(w: Tensor) -> Tensor:
    return w


def _turned(w: Tensor) -> Tensor:
    return w.T


def _filters(side: int, inputs: int, *, transposed: bool) -> Callable[[Tensor], Tensor]:
    order = (2, 3, 0, 1) if transposed else (3, 2, 0, 1)
    return lambda w: w.view(side, side, inputs, -1).permute(order)


def of_images(gan: GAN) -> tuple[nn.Module, nn.Module, Pairs]:
    """Modules for images of two halvings, and where their weights come from."""
    side, wide = gan.shape[0] // 4, gan.width
    first = nn.Linear(gan.latent, 2 * wide * side * side, bias=False)
    norms = [nn.BatchNorm2d(2 * wide), nn.BatchNorm2d(wide)]
    ups = [nn.ConvTranspose2d(2 * wide, wide, 4, 2, 1, bias=False), nn.ConvTranspose2d(wide, 1, 4, 2, 1)]
    generator = nn.Sequential(
        first, nn.Unflatten(1, (2 * wide, side, side)), norms[0], nn.ReLU(), ups[0], norms[1], nn.ReLU(), ups[1],
        nn.Tanh(), nn.Flatten(),
    )  # fmt: skip
    downs = [nn.Conv2d(1, wide, 4, 2, 1), nn.Conv2d(wide, 2 * wide, 4, 2, 1)]
    middle = nn.GroupNorm(1, 2 * wide) if gan.discriminator_norm == "layer" else nn.Identity()
    stages = [nn.Sequential(downs[0], nn.LeakyReLU(0.2)), nn.Sequential(downs[1], middle, nn.LeakyReLU(0.2))]
    head = nn.Linear(2 * wide * side * side, 1)
    further = [nn.Linear(wide, 1)] if gan.heads else []
    pairs = [
        ("generator0.weight", first.weight, _turned),
        ("generator0.norm.weight", norms[0].weight, _same),
        ("generator0.norm.bias", norms[0].bias, _same),
        ("generator1.weight", ups[0].weight, _filters(4, 2 * wide, transposed=True)),
        ("generator1.norm.weight", norms[1].weight, _same),
        ("generator1.norm.bias", norms[1].bias, _same),
        ("generator2.weight", ups[1].weight, _filters(4, wide, transposed=True)),
        ("generator2.bias", ups[1].bias, _same),
        ("discriminator0.weight", downs[0].weight, _filters(4, 1, transposed=False)),
        ("discriminator0.bias", downs[0].bias, _same),
        ("discriminator1.weight", downs[1].weight, _filters(4, wide, transposed=False)),
        ("discriminator1.bias", downs[1].bias, _same),
        ("discriminator_head.weight", head.weight, _turned),
        ("discriminator_head.bias", head.bias, _same),
    ]
    if isinstance(middle, nn.GroupNorm):
        pairs += [
            ("discriminator1.norm.weight", middle.weight, _same),
            ("discriminator1.norm.bias", middle.bias, _same),
        ]
    if further:
        pairs += [
            ("discriminator_head0.weight", further[0].weight, _turned),
            ("discriminator_head0.bias", further[0].bias, _same),
        ]
    shown = nn.Sequential(generator, Unit())
    return shown, nn.Sequential(Signed(side * 4), Heads(stages, head, further)), pairs


class Unit(nn.Module):
    """From −1 … 1 to 0 … 1."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + 1) / 2


class Signed(nn.Module):
    """Pixels in 0 … 1 as an image in −1 … 1."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return (2 * x - 1).view(-1, 1, self.side, self.side)


def of_tables(gan: GAN) -> tuple[nn.Module, nn.Module, Pairs]:
    """Modules for a table with two hidden layers on each side."""
    hidden = [nn.Linear(gan.latent, gan.width, bias=False), nn.Linear(gan.width, gan.width, bias=False)]
    norms = [nn.BatchNorm1d(gan.width), nn.BatchNorm1d(gan.width)]
    wide = sum(size + (kind == "category") for kind, size in zip(gan.kinds, gan.sizes, strict=True))
    padded = -(-wide // 16) * 16
    last = nn.Linear(gan.width, padded)
    generator = nn.Sequential(
        hidden[0], norms[0], nn.ReLU(), hidden[1], norms[1], nn.ReLU(), last, Blocks(gan)
    )
    layers = [nn.Linear(gan.features, gan.width), nn.Linear(gan.width, gan.width)]
    head = nn.Linear(gan.width, 16)
    further = [nn.Linear(gan.width, 16)] if gan.heads else []
    stages = [nn.Sequential(layer, nn.LeakyReLU(0.2)) for layer in layers]
    pairs = [("generator2.weight", last.weight, _turned), ("generator2.bias", last.bias, _same)]
    for place in range(2):
        pairs += [
            (f"generator{place}.weight", hidden[place].weight, _turned),
            (f"generator{place}.norm.weight", norms[place].weight, _same),
            (f"generator{place}.norm.bias", norms[place].bias, _same),
            (f"discriminator{place}.weight", layers[place].weight, _turned),
            (f"discriminator{place}.bias", layers[place].bias, _same),
        ]
    for name, module in (
        ("discriminator_head", head),
        *((f"discriminator_head{i}", m) for i, m in enumerate(further)),
    ):
        pairs += [(f"{name}.weight", module.weight, _turned), (f"{name}.bias", module.bias, _same)]
    return generator, Heads(stages, head, further), pairs


def discriminator_loss(name: str, r: Tensor, f: Tensor, label: float) -> Tensor:
    if name == "cross_entropy":
        bce = F.binary_cross_entropy_with_logits
        return bce(r, torch.full_like(r, label)) + bce(f, torch.zeros_like(f))
    if name == "least_squares":
        return (F.mse_loss(r, torch.full_like(r, label)) + F.mse_loss(f, torch.zeros_like(f))) / 2
    if name == "hinge":
        return (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean()
    return f.mean() - r.mean()


def generator_loss(name: str, f: Tensor) -> Tensor:
    if name == "cross_entropy":
        return F.binary_cross_entropy_with_logits(f, torch.ones_like(f))
    if name == "least_squares":
        return F.mse_loss(f, torch.ones_like(f)) / 2
    return -f.mean()


def together(losses: Sequence[Tensor], weight: float) -> Tensor:
    own = losses[0]
    return own if len(losses) == 1 else own + weight * torch.stack(list(losses[1:])).mean()


def train(lane: Lane, epochs: int) -> tuple[dict[str, Tensor], list[float]]:
    """Weights by the engine's names, in the modules' shapes, and the mean loss of each epoch."""
    goal, gan = lane.structure.goal, lane.structure.network
    assert isinstance(goal, Contest)
    assert isinstance(gan, GAN)
    layouts = Layout.of(gan.weights()), Layout.of(gan.statistics())
    first = layouts[0].views(first_rows(lane, layouts)[0].unsqueeze(0))
    generator, discriminator, pairs = (of_images if gan.shape else of_tables)(gan)
    assert {name for name, _, _ in pairs} == set(first)
    with torch.no_grad():
        for name, parameter, shaped in pairs:
            parameter.copy_(shaped(first[name][0]))
    betas = lane.number("beta1"), lane.number("beta2")
    rates = lane.number("lr") * lane.number("generator_lr"), lane.number("lr")
    sides = generator, discriminator
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.SGD(module.parameters(), lr=rate, momentum=lane.number("momentum"))
        if lane.optimizer == "sgd"
        else torch.optim.Adam(module.parameters(), lr=rate, betas=betas)
        for module, rate in zip(sides, rates, strict=True)
    ]
    share, count, batch, found = 0.5, 0, lane.structure.batch_size, []
    for epoch in range(epochs):
        order = lane.train[rng.permutation(lane.seed, epoch, len(lane.train))]
        total = 0.0
        for step in range(lane.structure.steps):
            x = lane.variant.numeric[order[step * batch : (step + 1) * batch]]
            key = rng.keys(torch.tensor([rng.seed_of(lane.seed, "goal")]), torch.tensor([count]))
            chance = chances(gan, key, batch)
            if chance is not None:
                generator[-1].chance = chance[0]
            fake = generator(noise(gan, key, batch)[0])
            sigma = lane.number("instance_noise") * max(0.0, 1 - count / goal.steps)
            blur = [
                sigma * rng.normals(rng.mix(key + purpose), x.numel()).view(x.shape)
                for purpose in (REAL, FAKE)
            ]
            real, made = discriminator(x + blur[0]), discriminator((fake + blur[1]).detach())
            label = lane.number("real_label")
            loss = together(
                [discriminator_loss(goal.loss, r, f, label) for r, f in zip(real, made, strict=True)],
                lane.number("deep_supervision"),
            )
            if goal.loss == "wasserstein":
                u = rng.uniforms(rng.mix(key + MIX), batch).view(-1, 1)
                between = (u * x + (1 - u) * fake.detach()).requires_grad_()
                (slope,) = torch.autograd.grad(discriminator(between)[0].sum(), between, create_graph=True)
                loss = loss + lane.number("gradient_penalty") * (slope.norm(dim=1) - 1).square().mean()
            theirs = together(
                [generator_loss(goal.loss, f) for f in discriminator(fake + blur[1])],
                lane.number("deep_supervision"),
            )
            due = (count + 1) % goal.rounds == 0
            total += loss.item() + (theirs.item() if due else 0.0)
            told = (real[0] > made[0]).float().mean().item() + (real[0] == made[0]).float().mean().item() / 2
            share = 0.9 * share + 0.1 * told
            may = [due, True]
            if goal.balance == "waiting":
                may = [due and (count < 10 or share >= 0.6), share <= 0.85]
            for module, own, gain in ((discriminator, 1, loss), (generator, 0, theirs)):
                gradients = torch.autograd.grad(
                    gain, list(module.parameters()), retain_graph=True, allow_unused=True
                )
                for parameter, gradient in zip(module.parameters(), gradients, strict=True):
                    parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient
                if not may[own]:
                    _skip(optimizers[own])
            if goal.balance == "slowed":
                over = max(0.0, share - 0.75) / 0.25
                optimizers[1].param_groups[0]["lr"] = rates[1] * max(0.05, 1 - over)
            for own in (0, 1):
                if may[own]:
                    optimizers[own].step()
            count += 1
        found.append(total / lane.structure.steps)
    return {name: parameter.detach().clone() for name, parameter, _ in pairs}, found


def _skip(optimizer: torch.optim.Optimizer) -> None:
    """Adam's own count goes on, its memory does not; SGD counts nothing."""
    if isinstance(optimizer, torch.optim.SGD):
        return
    for parameter in optimizer.param_groups[0]["params"]:
        state = optimizer.state[parameter]
        if not state:
            zero = torch.zeros_like
            state.update(step=torch.tensor(0.0), exp_avg=zero(parameter), exp_avg_sq=zero(parameter))
        state["step"] += 1


def shaped(lane: Lane, weights: Tensor) -> dict[str, Tensor]:
    """A row of the engine's weights in the modules' shapes."""
    gan = lane.structure.network
    assert isinstance(gan, GAN)
    views = Layout.of(gan.weights()).views(weights.unsqueeze(0))
    _, _, pairs = (of_images if gan.shape else of_tables)(gan)
    return {name: turn(views[name][0]) for name, _, turn in pairs}
