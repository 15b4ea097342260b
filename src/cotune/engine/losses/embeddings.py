"""Losses of embeddings: rows of one class near each other, rows of others far off.

Outputs are places in a space, not classes; who predicts looks at a row's neighbours (`cotune.engine.neighbours`). All
pairs of a batch's rows are compared. Class weights do not act here.

| symbol | meaning                                           | shape            |
|--------|---------------------------------------------------|------------------|
| z      | embeddings: a network's outputs, padded with 0    | lane batch head  |
| y      | class index                                       | lane batch       |
| d      | Euclidean distances                               | lane batch batch |
| m      | margin                                            | lane             |
| τ      | contrast_temperature                              | lane             |
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.losses.inputs import LossInputs

LEAST_LENGTH = 1e-6
"""Shorter embeddings count as 0."""


def contrastive(z: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Mean over pairs of ½ d² where classes are equal, else ½ max(0, m − d)².

    Source: Hadsell, Chopra & LeCun, CVPR 2006, eq. 4.
    """
    d, same = _distances(z), _same(y)
    margin = inputs.numbers["margin"].view(-1, 1, 1)
    each = torch.where(same, d.square(), F.relu(margin - d).square())
    pairs = max(1, y.shape[1] * (y.shape[1] - 1))
    return 0.5 * each.masked_fill(_diagonal(y), 0.0).sum((1, 2)) / pairs


def triplet(z: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Mean over rows of max(0, m + farthest d to a row of its class − nearest d to a row of another).

    Rows that have not both in their batch are left out. Batches are drawn at random, not by class as in the paper.
    Source: Hermans, Beyer & Leibe, In Defense of the Triplet Loss, 2017, eq. 5 ("batch hard").
    """
    d, same = _distances(z), _same(y)
    partners = same & ~_diagonal(y)
    usable = partners.any(2) & ~same.all(2)
    far = d.masked_fill(~partners, -torch.inf).max(2).values
    near = d.masked_fill(same, torch.inf).min(2).values
    gap = torch.where(usable, inputs.numbers["margin"].unsqueeze(1) + far - near, 0.0)
    return F.relu(gap).sum(1) / usable.sum(1).clamp(min=1) + _watched(z)


def supervised_contrastive(z: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Mean over rows i of −(1/|P|) Σ over p in P of log(e^(u_i·u_p/τ) / Σ over a ≠ i of e^(u_i·u_a/τ)), u = z/|z|.

    P: the batch's other rows of i's class; rows without one are left out. A row has one view, itself, where the paper
    has two random crops of an image. One at the origin, where all units of the layer below may be off, has no
    direction: its u is 0, and has no gradient. Source: Khosla et al., NeurIPS 2020, eq. 2.
    """
    length = z.norm(dim=2, keepdim=True)
    u = torch.where(length < LEAST_LENGTH, 0.0, z / length.clamp(min=LEAST_LENGTH))
    diagonal = _diagonal(y)
    partners = _same(y) & ~diagonal
    cosines = torch.bmm(u, u.transpose(1, 2)) / inputs.numbers["contrast_temperature"].view(-1, 1, 1)
    log_p = F.log_softmax(cosines.masked_fill(diagonal, -torch.inf), dim=2)
    count = partners.sum(2)
    each = log_p.masked_fill(~partners, 0.0).sum(2) / count.clamp(min=1)
    return -each.sum(1) / (count > 0).sum(1).clamp(min=1) + _watched(z)


def _distances(z: Tensor) -> Tensor:
    """Without the detour over products, which would cancel between near rows; the gradient at distance 0 is 0."""
    return torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")


def _same(y: Tensor) -> Tensor:
    return y.unsqueeze(1) == y.unsqueeze(2)


def _diagonal(y: Tensor) -> Tensor:
    return torch.eye(y.shape[1], dtype=torch.bool, device=y.device)


def _watched(z: Tensor) -> Tensor:
    """0, or NaN where an embedding is not finite: a row that is left out must not hide that [lane]."""
    return (0 * z.detach()).sum((1, 2))
