"""Classes from embeddings: the nearest training rows vote.

| symbol | meaning                                                         | shape     |
|--------|-----------------------------------------------------------------|-----------|
| e      | embeddings of the rows asked about                              | row d     |
| t      | embeddings of the training rows                                 | train d   |
| s      | similarities: −|e − t|², or cosines                             | row train |
| w      | votes of the k most similar rows, the most similar has 1        | row k     |
"""

import torch
import torch.nn.functional as F
from torch import Tensor

NEIGHBOURS = 10
"""Rows that vote, unless there are fewer."""

COSINE_SPREAD = 0.1
"""A neighbour whose cosine is so much below that of the nearest has 1/e of its vote, see Wu et al., CVPR 2018."""

SIMILARITIES = 1 << 24
"""Similarities held at once; rows beyond them wait."""


def knn_log_probabilities(
    train_embeddings: Tensor,
    train_classes: Tensor,
    embeddings: Tensor,
    classes: int,
    k: int = NEIGHBOURS,
    *,
    cosine: bool = False,
) -> Tensor:
    """log p of every class, p_c = (Σ w over neighbours of class c + 1/C) / (Σ w + 1): one vote is dealt to all alike.

    w = e^((s − s₁)/τ), s₁ the nearest's. τ is `COSINE_SPREAD`; for distances, which have no scale, it is the mean of
    the k squared distances. Rows are taken in chunks whose size depends on the count of training rows alone.

    Args:
        train_embeddings: train d, finite.
        train_classes: class indices [train].
        embeddings: row d; a row that is not finite gets NaN.
        classes: how many there are.
        k: neighbours; all training rows vote where there are fewer.
        cosine: whether rows are compared by angle, as supervised_contrastive trains them, or by distance.

    Returns:
        float32 [row class].

    Source: Cover & Hart 1967; votes by distance, Dudani 1976.
    """
    t, k = train_embeddings.float(), min(k, len(train_embeddings))
    if cosine:
        t = F.normalize(t, dim=1)
    parts = [torch.zeros(0, classes, device=embeddings.device)]
    for e in torch.split(embeddings.float(), max(1, SIMILARITIES // max(1, len(t)))):
        bad = ~torch.isfinite(e).all(1)
        clean = e.masked_fill(bad.unsqueeze(1), 0.0)
        s = _cosines(clean, t) if cosine else -_squared_distances(clean, t)
        best, rows = s.topk(k, dim=1)
        spread = COSINE_SPREAD if cosine else (-best).mean(1, keepdim=True).clamp(min=1e-30)
        w = torch.exp((best - best[:, :1]) / spread)
        votes = torch.zeros(len(e), classes, device=e.device).scatter_add_(1, train_classes[rows], w)
        found = torch.log((votes + 1 / classes) / (w.sum(1, keepdim=True) + 1))
        parts.append(found.masked_fill(bad.unsqueeze(1), torch.nan))
    return torch.cat(parts)


def _cosines(e: Tensor, t: Tensor) -> Tensor:
    return F.normalize(e, dim=1) @ t.T


def _squared_distances(e: Tensor, t: Tensor) -> Tensor:
    """Directly: by way of products, distances between near rows would cancel away."""
    return torch.cdist(e, t, compute_mode="donot_use_mm_for_euclid_dist").square()
