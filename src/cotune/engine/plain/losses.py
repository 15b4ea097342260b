"""The lanes' losses for the plain twin: torch's own where it has one, else the paper's formula, row by row."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.lanes import Lane


def loss_of(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    """The lane's loss on a batch.

    Args:
        logits: batch output.
        y: classes, or values of the standardised target [batch].
    """
    if lane.loss not in LOSSES:
        raise ValueError(
            f"the plain twin knows no loss {lane.loss!r}; give it one in LOSSES of plain/losses.py"
        )
    if y.dim() == 2:  # several values: each is a row of its own
        logits, y = logits.reshape(y.numel(), -1), y.flatten()
    return LOSSES[lane.loss](lane, logits, y)


def _weights(lane: Lane) -> Tensor | None:
    return lane.variant.class_weights if lane.structure.weighted else None


def _mean(lane: Lane, each: Tensor, y: Tensor) -> Tensor:
    """The mean over rows [batch], weighted by their classes."""
    weights = _weights(lane)
    w = torch.ones_like(each) if weights is None else weights[y]
    return (w * each).sum() / w.sum()


def _cross_entropy(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    epsilon = lane.number("label_smoothing")
    return F.cross_entropy(logits, y, weight=_weights(lane), label_smoothing=epsilon)


def _binary_cross_entropy(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    epsilon, classes = lane.number("label_smoothing"), logits.shape[1]
    t = F.one_hot(y, classes) * (1 - epsilon) + epsilon / classes
    each = F.binary_cross_entropy_with_logits(logits, t.to(logits.dtype), reduction="none")
    return _mean(lane, each.mean(1), y)


def _focal(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    surprise = F.cross_entropy(logits, y, reduction="none")
    return _mean(lane, (1 - torch.exp(-surprise)) ** lane.number("focal_gamma") * surprise, y)


def _hinge(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    each = []
    for z, c in zip(logits, y.tolist(), strict=True):
        others = torch.cat([z[:c], z[c + 1 :]])
        each.append(F.relu(1 + others.max() - z[c]))
    return _mean(lane, torch.stack(each), y)


def _log_cosh(_: Lane, logits: Tensor, y: Tensor) -> Tensor:
    r = logits[:, 0] - y
    return (torch.logaddexp(r, -r) - math.log(2)).mean()


def _quantile(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    short, level = y - logits[:, 0], lane.number("quantile")
    return torch.maximum(level * short, (level - 1) * short).mean()


def _poisson(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    mean, scale = lane.variant.mean, lane.variant.scale
    if isinstance(mean, tuple) or isinstance(scale, tuple):
        raise ValueError("a Poisson likelihood is of one target")
    counts = y * scale + mean
    return F.poisson_nll_loss(logits[:, 0], counts / mean)


def _gaussian(_: Lane, logits: Tensor, y: Tensor) -> Tensor:
    return F.gaussian_nll_loss(logits[:, 0], y, logits[:, 1].exp())


def _contrastive(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    i, j = torch.triu_indices(len(y), len(y), 1)
    d = F.pdist(logits)
    return torch.where(y[i] == y[j], d**2 / 2, F.relu(lane.number("margin") - d) ** 2 / 2).mean()


def _triplet(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    found = []
    for i, c in enumerate(y.tolist()):
        rows = torch.arange(len(y))
        partners, others = rows[(y == c) & (rows != i)], rows[y != c]
        if len(partners) and len(others):
            far = F.pairwise_distance(logits[i], logits[partners], eps=0.0).max()
            near = F.pairwise_distance(logits[i], logits[others], eps=0.0).min()
            found.append(F.relu(lane.number("margin") + far - near))
    return torch.stack(found).mean() if found else logits.sum() * 0


def _supervised_contrastive(lane: Lane, logits: Tensor, y: Tensor) -> Tensor:
    u = torch.stack([z / z.norm() if z.norm() > 1e-6 else 0 * z for z in logits])
    found = []
    for i, c in enumerate(y.tolist()):
        rows = torch.arange(len(y))
        rest = rows[rows != i]
        scores = (u[rest] * u[i]).sum(1) / lane.number("contrast_temperature")
        own = y[rest] == c
        if own.any():
            found.append(scores.logsumexp(0) - scores[own].mean())
    return torch.stack(found).mean() if found else logits.sum() * 0


LOSSES: dict[str, Callable[[Lane, Tensor, Tensor], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "mse": lambda _, logits, y: F.mse_loss(logits[:, 0], y),
    "mae": lambda _, logits, y: F.l1_loss(logits[:, 0], y),
    "huber": lambda _, logits, y: F.huber_loss(logits[:, 0], y),
    "log_cosh": _log_cosh,
    "quantile": _quantile,
    "poisson": _poisson,
    "gaussian": _gaussian,
    "binary_cross_entropy": _binary_cross_entropy,
    "focal": _focal,
    "hinge": _hinge,
    "contrastive": _contrastive,
    "triplet": _triplet,
    "supervised_contrastive": _supervised_contrastive,
}
"""By the name that recipes use."""
