"""Losses: one number per lane, the mean over its batch.

| symbol  | meaning                                | shape              |
|---------|----------------------------------------|--------------------|
| logits  | a network's outputs, padded            | lane batch head    |
| y       | class index, or standardised target    | lane batch         |
| ε       | label smoothing                        | lane               |
| weights | of the classes, or `None`              | lane class         |
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class LossInputs:
    """What a loss may use beside logits and targets, each for the lanes at hand.

    Args:
        label_smoothing: ε of the table above.
        class_weights: the weights of the table above.
        classes: columns of the logits that are no padding.
        smooths: whether any ε is above 0, said here so that no step has to look.
    """

    label_smoothing: Tensor
    class_weights: Tensor | None
    classes: int
    smooths: bool


def cross_entropy(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """(1−ε) Σ w_y (−log p_y) / Σ w_y + (ε/C) Σ Σ_c w_c (−log p_c) / Σ w_y, as torch's cross_entropy.

    Source: label smoothing, Szegedy et al., CVPR 2016.
    """
    found: Tensor = _CrossEntropy.apply(logits, y, inputs)  # type: ignore[no-untyped-call]
    return found


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy with its gradient worked out: with row weights q over the classes, dL/dz = p Σq − q.

    q_c = ((1−ε) w_y [c = y] + (ε/C) w_c) / Σ w_y.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
        log_p = log_softmax(logits, inputs.classes)
        weights = inputs.class_weights
        w_y = torch.ones(y.shape, device=y.device) if weights is None else weights.gather(1, y)
        total = w_y.sum(1, keepdim=True)
        epsilon = inputs.label_smoothing.unsqueeze(1)
        hard = (1 - epsilon) * w_y / total
        soft = epsilon / inputs.classes / total
        ctx.save_for_backward(log_p, y, hard, soft)
        ctx.inputs = inputs
        loss = -(hard * log_p.gather(-1, y.unsqueeze(-1)).squeeze(-1)).sum(1)
        if inputs.smooths:
            real = log_p[..., : inputs.classes]
            spread = real.sum((1, 2)) if weights is None else (real * weights.unsqueeze(1)).sum((1, 2))
            # A lane that does not smooth has no such term, not even 0 · ∞.
            loss -= torch.where(inputs.label_smoothing > 0, soft.squeeze(1) * spread, 0.0)
        return loss

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        log_p, y, hard, soft = ctx.saved_tensors
        inputs: LossInputs = ctx.inputs
        weights = inputs.class_weights
        sum_w = inputs.classes if weights is None else weights.sum(1, keepdim=True)
        d = log_p.exp().mul_((hard + soft * sum_w).unsqueeze(-1))
        if inputs.smooths:
            q = soft.unsqueeze(-1) * (1.0 if weights is None else weights.unsqueeze(1))
            d[..., : inputs.classes] -= q
        d.scatter_add_(-1, y.unsqueeze(-1), -hard.unsqueeze(-1))
        return d.mul_(g.view(-1, 1, 1)), None, None


def log_softmax(logits: Tensor, classes: int) -> Tensor:
    """Log-probabilities over the first `classes` columns; −∞ in the padding, shape as `logits`."""
    return F.log_softmax(logits + _padding(logits.shape[-1], classes, logits.device), dim=-1)


@cache
def _padding(columns: int, classes: int, device: torch.device) -> Tensor:
    return torch.tensor([0.0] * classes + [-torch.inf] * (columns - classes), device=device)


def mse(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of (f − y)²."""
    return (logits[..., 0] - y).square().mean(1)


def mae(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of |f − y|."""
    return (logits[..., 0] - y).abs().mean(1)


def huber(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of ½ r² where |r| ≤ 1, else |r| − ½, with r = f − y. Source: Huber 1964."""
    r = (logits[..., 0] - y).abs()
    return torch.where(r <= 1, 0.5 * r * r, r - 0.5).mean(1)


LOSSES: dict[str, Callable[[Tensor, Tensor, LossInputs], Tensor]] = {
    "cross_entropy": cross_entropy,
    "mse": mse,
    "mae": mae,
    "huber": huber,
}
"""By the name that recipes use."""
