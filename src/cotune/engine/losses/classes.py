"""Losses of classes: one number per lane, the mean over its batch, rows weighted by their class.

| symbol  | meaning                                      | shape              |
|---------|----------------------------------------------|--------------------|
| logits  | a network's outputs z, padded                | lane batch head    |
| y       | class index                                  | lane batch         |
| ε       | label smoothing                              | lane               |
| γ       | focal_gamma                                  | lane               |
| w       | weights of the classes, or `None` for all 1  | lane class         |

Exponentials are taken of whole padded heads: vector kernels treat the last few numbers of a tensor differently.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.losses.inputs import LossInputs, padding, row_shares


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
        epsilon = inputs.numbers["label_smoothing"].unsqueeze(1)
        hard = (1 - epsilon) * w_y / total
        soft = epsilon / inputs.classes / total
        ctx.save_for_backward(log_p, y, hard, soft)
        ctx.inputs = inputs
        loss = -(hard * log_p.gather(-1, y.unsqueeze(-1)).squeeze(-1)).sum(1)
        if inputs.smooths:
            real = log_p[..., : inputs.classes]
            spread = real.sum((1, 2)) if weights is None else (real * weights.unsqueeze(1)).sum((1, 2))
            # A lane that does not smooth has no such term, not even 0 · ∞.
            loss -= torch.where(inputs.numbers["label_smoothing"] > 0, soft.squeeze(1) * spread, 0.0)
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
    return F.log_softmax(logits + padding(logits.shape[-1], classes, logits.device), dim=-1)


def focal(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Σ w_y (1 − p_y)^γ (−log p_y) / Σ w_y, p by softmax; with γ = 0 it is the cross-entropy.

    Class weights are the paper's α. It divides by the count of objects, which rows of a table have no word for.
    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, eq. 5.
    """
    found: Tensor = _Focal.apply(logits, y, inputs)  # type: ignore[no-untyped-call]
    return found


class _Focal(torch.autograd.Function):
    """With q = 1 − p_y: dL/dz_c = w_y A (p_c − [c = y]) / Σ w_y, A = q^γ (1 − γ p_y log p_y / q).

    log p_y / q goes to −1 − q/2 as q goes to 0, where the quotient itself would be 0 / 0.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
        log_p = log_softmax(logits, inputs.classes)
        p, share = log_p.exp(), row_shares(y, inputs)
        q = 1 - p
        gamma = inputs.numbers["focal_gamma"].view(-1, 1, 1)
        power = q.pow(gamma)
        ratio = torch.where(q > 1e-3, -log_p / q, 1 + q / 2)
        slope = power * (1 + gamma * p * ratio)
        at = y.unsqueeze(-1)
        ctx.save_for_backward(p, at, share.unsqueeze(-1) * slope.gather(-1, at))
        return -(share * (power * log_p).gather(-1, at).squeeze(-1)).sum(1)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        p, at, factor = ctx.saved_tensors
        d = p * factor
        d.scatter_add_(-1, at, -factor)
        return d.mul_(g.view(-1, 1, 1)), None, None


def binary_cross_entropy(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Σ w_y ℓ / Σ w_y, ℓ = mean over classes of −t_c log σ(z_c) − (1 − t_c) log(1 − σ(z_c)).

    Each class against the rest, t_c = (1−ε) [c = y] + ε/C. As torch's binary_cross_entropy_with_logits on one-hot
    targets. Source: Bishop 2006, eq. 4.90.
    """
    epsilon = inputs.numbers["label_smoothing"].view(-1, 1, 1)
    t = torch.zeros_like(logits).scatter_(-1, y.unsqueeze(-1), 1.0) * (1 - epsilon) + epsilon / inputs.classes
    each = logits.clamp(min=0) - logits * t + torch.log1p(torch.exp(-logits.abs()))
    return (row_shares(y, inputs) * each[..., : inputs.classes].mean(-1)).sum(1)


def hinge(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Σ w_y max(0, 1 − m) / Σ w_y with the margin m = z_y − max over other classes of z_c.

    For two classes this is the ordinary hinge of the difference of their logits. A margin that is not finite makes a
    loss that is not, whichever side it is on. Source: Crammer & Singer, JMLR 2001.
    """
    at = y.unsqueeze(-1)
    others = logits + padding(logits.shape[-1], inputs.classes, logits.device)
    short = 1 + others.scatter(-1, at, -torch.inf).max(-1).values - logits.gather(-1, at).squeeze(-1)
    return (row_shares(y, inputs) * (F.relu(short) + 0 * short)).sum(1)
