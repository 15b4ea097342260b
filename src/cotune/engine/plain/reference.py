"""The plain twin: what a lane means, as anybody would write it.

One ordinary `torch.nn.Module` at the lane's true width, `torch.optim`, torch's own losses, one loop over epochs and
batches. It is slow and short; the fused path is fast and long; the tests in tests/reference train a lane both
ways and compare. From the fused path it takes only what defines a lane's chance: its first weights, its row order
and its dropout masks. It shares no line with the step, the optimizers, the schedules, the losses or the layers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cotune.engine import rng
from cotune.engine.lanes import Lane
from cotune.engine.perturb import Batch, Perturbation
from cotune.engine.plain import optim as plain_optim
from cotune.engine.plain.losses import loss_of
from cotune.engine.plain.method import PlainMethod
from cotune.engine.plain.networks import plain_network
from cotune.engine.plain.rates import Plateau, rate

OF_TORCH: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda groups, lr, betas: torch.optim.Adam(groups, lr, betas),
    "adamw": lambda groups, lr, betas: torch.optim.AdamW(groups, lr, betas),
    "amsgrad": lambda groups, lr, betas: torch.optim.Adam(groups, lr, betas, amsgrad=True),
    "adamax": lambda groups, lr, betas: torch.optim.Adamax(groups, lr, betas),
    "nadam": lambda groups, lr, betas: torch.optim.NAdam(groups, lr, betas),
    "radam": lambda groups, lr, betas: torch.optim.RAdam(groups, lr, betas),
    "adagrad": lambda groups, lr, _: torch.optim.Adagrad(groups, lr),
    "adadelta": lambda groups, lr, betas: torch.optim.Adadelta(groups, lr, rho=betas[1]),
    "rmsprop": lambda groups, lr, betas: torch.optim.RMSprop(groups, lr, alpha=betas[1]),
}
"""Those that take groups, a rate and two betas; weight decay is in the groups."""


def make_optimizer(lane: Lane, network: nn.Module) -> torch.optim.Optimizer:
    """torch's own where it has one; matrices and embeddings decay, biases and norms do not."""
    number = lane.numbers
    shrinking = decayed(network)
    known = {id(p) for p in shrinking}
    groups: list[dict[str, Any]] = [
        {"params": shrinking, "weight_decay": number["weight_decay"]},
        {"params": [p for p in network.parameters() if id(p) not in known], "weight_decay": 0.0},
    ]
    lr, betas = number["lr"], (number["beta1"], number["beta2"])
    if lane.optimizer in OF_TORCH:
        return OF_TORCH[lane.optimizer](groups, lr, betas)
    match lane.optimizer:
        case "sgd" | "nesterov":
            nesterov = lane.optimizer == "nesterov"
            momentum = number["momentum"]
            # torch refuses Nesterov's step without momentum; it is the plain step then.
            return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0)
        case "lion":
            return plain_optim.lion(groups, lr=lr, betas=betas)
        case "muon":
            hidden = plain_optim.hidden_matrices(network)
            apart = {id(p) for p in hidden}
            others = [
                {**group, "params": [p for p in group["params"] if id(p) not in apart]} for group in groups
            ]
            ours = [{"params": hidden, "weight_decay": number["weight_decay"]}]
            momentum = number["momentum"]
            return plain_optim.muon(ours if hidden else [], others, lr=lr, momentum=momentum, betas=betas)
        case "schedule_free":
            warmup = round(number["warmup"] * lane.epochs * lane.structure.steps / lane.number("accumulate"))
            return plain_optim.schedule_free(groups, lr=lr, betas=betas, warmup=warmup)
    raise ValueError(f"the plain twin knows no optimizer {lane.optimizer!r}; give it one in make_optimizer")


def decayed(network: nn.Module) -> list[nn.Parameter]:
    """The matrices and embeddings: weight decay and L1 act on these, not on gains or waves."""
    return [
        p
        for name, p in network.named_parameters()
        if p.ndim >= 2 and not name.endswith("original0") and not name.startswith("waves.")
    ]


@dataclass(frozen=True, eq=False)
class PlainTraining:
    """What the loop yields: the network as it ended, each epoch's mean loss, and the network to be judged."""

    network: nn.Module
    losses: tuple[float, ...]
    judged: nn.Module


def train(lane: Lane, *, epochs: int) -> PlainTraining:
    """Train a lane the plain way.

    Args:
        lane: as the engine takes it.
        epochs: epochs to train, at most `lane.epochs` (where the schedule ends).
    """
    network = plain_network(lane).train()
    optimizer = make_optimizer(lane, network)
    method = PlainMethod(lane, network, optimizer)
    batch, steps = lane.structure.batch_size, lane.structure.steps
    plateau = Plateau(lane)
    factors: Any = getattr(network, "factors", None)
    step, losses = 0, []
    for epoch in range(epochs):
        total = 0.0
        method.begin_epoch(epoch)
        order = lane.train[rng.permutation(lane.seed, epoch, len(lane.train))]
        for t, rows in enumerate(order[: steps * batch].view(steps, batch)):
            method.set_rate(rate(lane, step) * plateau.factor)
            if (factors := getattr(network, "factors", None)) is not None:
                factors.step = step
            batch_of_step = changed(lane, rows, step)
            loss = backward(lane, network, batch_of_step)
            if lane.number("sam_rho") > 0:
                moments = {name: buffer.clone() for name, buffer in network.named_buffers()}
                before = method.climb()
                backward(lane, network, batch_of_step)
                method.descend(before)
                network.load_state_dict(moments, strict=False)
            add_penalties(lane, network)
            method.step(t, step)
            total += loss
            step += 1
        losses.append(total / steps)
        plateau.after_epoch(judged_by(lane, method, network))
    return PlainTraining(network, tuple(losses), judged_by(lane, method, network))


def judged_by(lane: Lane, method: PlainMethod, network: nn.Module) -> nn.Module:
    """The network whose figures count: an average of the weights, where there is one."""
    if method.average is None:
        free = lane.optimizer == "schedule_free"
        return plain_optim.with_means(network, method.optimizer) if free else network
    judged: nn.Module = method.average.module
    judged.load_state_dict(dict(network.named_buffers()), strict=False)
    return judged


def changed(lane: Lane, rows: Tensor, step: int) -> Batch:
    """The rows of a step as the lane sees them: what chance makes of them is taken from the engine."""
    variant = lane.variant
    batch = Batch(variant.numeric[rows][None], variant.codes[rows][None], variant.target[rows][None])
    found = Perturbation([lane], torch.device("cpu")).of_step(torch.tensor([step]), batch)
    parts = [part if part is None else part[0] for part in (found.partner, found.share)]
    return Batch(found.numeric[0], found.codes[0], found.y[0], *parts)


def backward(lane: Lane, network: nn.Module, batch: Batch) -> float:
    """Fill the gradients with those of the loss on a batch; returns the loss."""
    network.zero_grad()
    loss = _loss(lane, network(batch.numeric, batch.codes), batch)
    for weight, head in getattr(network, "further", ()):
        loss = loss + weight * _loss(lane, head, batch)
    loss = loss + getattr(network, "penalty", 0.0)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.item()


def _loss(lane: Lane, logits: Tensor, batch: Batch) -> Tensor:
    """Of one head; with mixed targets where examples were mixed."""
    loss = loss_of(lane, logits, batch.y)
    if batch.share is None or not batch.share < 1:
        return loss
    return batch.share * loss + (1 - batch.share) * loss_of(lane, logits, batch.y[batch.partner])


def add_penalties(lane: Lane, network: nn.Module) -> None:
    """Add the gradients of L1 and L2, which SAM leaves out of its ascent."""
    weights = torch.cat([w.flatten() for w in decayed(network)])
    l1, l2 = lane.number("l1") * weights.abs().sum(), lane.number("l2") * weights.square().sum() / 2
    (l1 + l2).backward()  # type: ignore[no-untyped-call]
