"""Losses: one number per lane, the mean over its batch.

| symbol  | meaning                                | shape              |
|---------|----------------------------------------|--------------------|
| logits  | a network's outputs                    | lane batch output  |
| y       | class index, or standardised target    | lane batch         |
| ε       | label smoothing                        | lane               |
| weights | of the classes, or `None`              | lane class         |
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class LossInputs:
    """What a loss may use beside logits and targets, each for the lanes at hand."""

    label_smoothing: Tensor
    class_weights: Tensor | None


def cross_entropy(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """(1−ε) Σ w_y (−log p_y) / Σ w_y + (ε/C) Σ Σ_c w_c (−log p_c) / Σ w_y, as torch's cross_entropy.

    Source: label smoothing, Szegedy et al., CVPR 2016.
    """
    log_p = F.log_softmax(logits, dim=-1)
    nll = -log_p.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    if inputs.class_weights is None:
        weight, smooth = torch.ones_like(nll), -log_p.sum(-1)
    else:
        weight = inputs.class_weights.gather(1, y)
        smooth = -(log_p * inputs.class_weights.unsqueeze(1)).sum(-1)
    total = weight.sum(1)
    epsilon = inputs.label_smoothing
    hard = (weight * nll).sum(1) / total
    return (1 - epsilon) * hard + epsilon / logits.shape[-1] * smooth.sum(1) / total


def mse(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of (f − y)²."""
    return (logits.squeeze(-1) - y).square().mean(1)


def mae(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of |f − y|."""
    return (logits.squeeze(-1) - y).abs().mean(1)


def huber(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of ½ r² where |r| ≤ 1, else |r| − ½, with r = f − y. Source: Huber 1964."""
    r = (logits.squeeze(-1) - y).abs()
    return torch.where(r <= 1, 0.5 * r * r, r - 0.5).mean(1)


LOSSES: dict[str, Callable[[Tensor, Tensor, LossInputs], Tensor]] = {
    "cross_entropy": cross_entropy,
    "mse": mse,
    "mae": mae,
    "huber": huber,
}
"""By the name that recipes use."""
