"""The plain twin: what a lane means, as anybody would write it.

One ordinary `torch.nn.Module` at the lane's true width, `torch.optim`, torch's own losses, one loop over epochs and
batches. It is slow and short; the fused path is fast and long; the tests in tests/reference train a lane both
ways and compare. From the fused path it takes only what defines a lane's chance: its first weights, its row order
and its dropout masks. It shares no line with the step, the optimizers, the schedules, the losses or the layers.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cotune.engine import rng
from cotune.engine.lanes import Lane
from cotune.nets.initialise import initialise
from cotune.nets.layout import Layout

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}
NORMS: dict[str, type[nn.Module]] = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class LaneDropout(nn.Module):
    """Dropout with the lane's own masks; `step` is set by the loop.

    A step's masks for all layers are drawn at once, at the padded width (a function of the lane alone), and cut.
    """

    def __init__(self, lane: Lane, layer: int) -> None:
        super().__init__()
        self.seed = torch.tensor([rng.seed_of(lane.seed, "dropout")])
        self.p = torch.tensor([lane.numbers["dropout"]], dtype=torch.float32)
        self.layer, self.step = layer, 0
        self.layers, self.padded = lane.structure.network.depth, lane.structure.network.width

    def forward(self, x: Tensor) -> Tensor:
        """Batch unit → batch unit."""
        if not self.training:
            return x
        key = rng.keys(self.seed, torch.tensor([self.step]))
        count = self.layers * len(x) * self.padded
        draws = rng.draws(key, rng.counters(count))[:, :count]
        masks = rng.keep_mask(draws, rng.drop_levels(key, self.p).unsqueeze(1))
        return x * masks.view(self.layers, len(x), self.padded)[self.layer, :, : x.shape[1]]


class Hidden(nn.Module):
    """One hidden layer: linear, norm, activation, dropout, and the residual connection around them."""

    def __init__(self, lane: Lane, layer: int, inputs: int) -> None:
        super().__init__()
        network = lane.structure.network
        self.linear = nn.Linear(inputs, lane.width, bias=network.norm != "batch")
        self.norm = NORMS[network.norm](lane.width)
        self.activation = ACTIVATIONS[lane.activation]()
        self.dropout = LaneDropout(lane, layer)
        self.residual = network.residual and layer > 0

    def forward(self, x: Tensor) -> Tensor:
        """Batch input → batch unit."""
        z: Tensor = self.dropout(self.activation(self.norm(self.linear(x))))
        return x + z if self.residual else z


class PlainMLP(nn.Module):
    """The lane's network at its true width, with its first weights."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = lane.structure.network
        self.embeddings = nn.ModuleList(
            nn.Embedding(entries, network.embedding_width) for entries in network.cardinalities
        )
        sizes = [network.inputs, *[lane.width] * network.depth]
        self.hidden = nn.ModuleList(Hidden(lane, i, sizes[i]) for i in range(network.depth))
        self.head = nn.Linear(sizes[-1], network.outputs)
        self._set_first_weights(lane)

    def forward(self, numeric: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        x = torch.cat([numeric, *(table(codes[:, i]) for i, table in enumerate(self.embeddings))], dim=1)
        for layer in self.hidden:
            x = layer(x)
        logits: Tensor = self.head(x)
        return logits

    @torch.no_grad()
    def _set_first_weights(self, lane: Lane) -> None:
        """Cut the lane's row of first weights at the true width; torch's defaults serve where it has none."""
        first = true_weights(lane, _first_row(lane))
        start = 0
        for table in self.embeddings:
            assert isinstance(table, nn.Embedding)
            table.weight.copy_(first["embedding"][start : start + table.num_embeddings])
            start += table.num_embeddings
        linears = {f"hidden{i}": layer.linear for i, layer in enumerate(self.hidden)} | {"head": self.head}
        for name, linear in linears.items():
            assert isinstance(linear, nn.Linear)
            linear.weight.copy_(first[f"{name}.weight"].T)
            if f"{name}.bias" in first:
                linear.bias.copy_(first[f"{name}.bias"])


def _first_row(lane: Lane) -> Tensor:
    layout = Layout.of(lane.structure.network.weights())
    seed = rng.seed_of(lane.seed, "weights")
    return initialise(lane.structure.network, layout, width=lane.width, init=lane.init, seed=seed)


def true_weights(lane: Lane, row: Tensor) -> dict[str, Tensor]:
    """A lane's weights by name, padding cut off, from its row [weight]."""
    network = lane.structure.network
    views = Layout.of(network.weights()).views(row.unsqueeze(0))
    corners = {w.name: tuple(slice(n) for n in network.real_shape(w, lane.width)) for w in network.weights()}
    return {name: view[0][corners[name]] for name, view in views.items()}


def make_optimizer(lane: Lane, network: PlainMLP) -> torch.optim.Optimizer:
    """torch's own; matrices and embeddings decay, biases and norms do not."""
    number = lane.numbers
    parameters = list(network.parameters())
    groups = [
        {"params": decayed(network), "weight_decay": number["weight_decay"]},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    betas = (number["beta1"], number["beta2"])
    match lane.optimizer:
        case "sgd" | "nesterov":
            nesterov = lane.optimizer == "nesterov"
            momentum = number["momentum"]
            # torch refuses Nesterov's step without momentum; it is the plain step then.
            return torch.optim.SGD(
                groups, lr=number["lr"], momentum=momentum, nesterov=nesterov and momentum > 0
            )
        case "adam":
            return torch.optim.Adam(groups, lr=number["lr"], betas=betas)
        case "adamw":
            return torch.optim.AdamW(groups, lr=number["lr"], betas=betas)
    raise ValueError(f"the plain twin knows no optimizer {lane.optimizer!r}; give it one in make_optimizer")


def decayed(network: PlainMLP) -> list[nn.Parameter]:
    """The matrices and embeddings: weight decay and L1 act on these."""
    return [p for p in network.parameters() if p.ndim == 2]


def loss_of(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    """The lane's loss on a batch, by torch's own functions."""
    match lane.loss:
        case "cross_entropy":
            weights = lane.variant.class_weights if lane.structure.weighted else None
            epsilon = lane.numbers["label_smoothing"]
            return F.cross_entropy(logits, y, weight=weights, label_smoothing=epsilon)
        case "mse":
            return F.mse_loss(logits[:, 0], y)
        case "mae":
            return F.l1_loss(logits[:, 0], y)
        case "huber":
            return F.huber_loss(logits[:, 0], y)
    raise ValueError(f"the plain twin knows no loss {lane.loss!r}; give it one in loss_of")


def rate(lane: Lane, step: int) -> float:
    """The learning rate of step 0, 1, … of a lane."""
    number, total = lane.numbers, lane.epochs * lane.structure.steps
    warmup = round(number["warmup"] * total)
    if step < warmup:
        return number["lr"] * (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    final = number["final_lr"]
    match lane.schedule:
        case "constant":
            return number["lr"]
        case "linear":
            return number["lr"] * (1 + done * (final - 1))
        case "cosine":
            return number["lr"] * (final + (1 - final) * (1 + math.cos(math.pi * done)) / 2)
    raise ValueError(f"the plain twin knows no schedule {lane.schedule!r}; give it one in rate")


@dataclass(frozen=True, eq=False)
class PlainTraining:
    """What the loop yields: the network as it ended, and each epoch's mean loss."""

    network: PlainMLP
    losses: tuple[float, ...]


def train(lane: Lane, *, epochs: int) -> PlainTraining:
    """Train a lane the plain way.

    Args:
        lane: as the engine takes it.
        epochs: epochs to train, at most `lane.epochs` (where the schedule ends).
    """
    network = PlainMLP(lane).train()
    optimizer = make_optimizer(lane, network)
    batch, steps = lane.structure.batch_size, lane.structure.steps
    step, losses = 0, []
    for epoch in range(epochs):
        total = 0.0
        order = lane.train[rng.permutation(lane.seed, epoch, len(lane.train))]
        for rows in order[: steps * batch].view(steps, batch):
            for group in optimizer.param_groups:
                group["lr"] = rate(lane, step)
            for module in network.modules():
                if isinstance(module, LaneDropout):
                    module.step = step
            optimizer.zero_grad()
            logits = network(lane.variant.numeric[rows], lane.variant.codes[rows])
            loss = loss_of(lane, logits, lane.variant.target[rows])
            penalty = lane.numbers["l1"] * torch.stack([w.abs().sum() for w in decayed(network)]).sum()
            (loss + penalty).backward()  # type: ignore[no-untyped-call]
            if lane.numbers["clip_norm"] > 0:
                nn.utils.clip_grad_norm_(network.parameters(), lane.numbers["clip_norm"])
            optimizer.step()
            total += loss.item()
            step += 1
        losses.append(total / steps)
    return PlainTraining(network, tuple(losses))
