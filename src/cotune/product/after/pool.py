"""The linear opinion pool: members' probabilities, or values, are averaged with weights.

p(c) = Σᵢ wᵢ pᵢ(c);  for numbers g = Σᵢ wᵢ fᵢ

Source: Stone, The opinion pool, Annals of Mathematical Statistics 1961.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def pool(f: Tensor, weights: Sequence[float], *, classification: bool) -> Tensor:
    """What an ensemble says.

    Args:
        f: log-probabilities [member row class], or values [member row].
        weights: of the members, none negative, their sum is 1.

    Returns:
        log-probabilities [row class], or values [row].

    Example:
        >>> pool(torch.tensor([[1.0], [3.0]]), [0.25, 0.75], classification=False)
        tensor([2.5000])
    """
    if len(f) == 1:
        return f[0]
    if len(set(weights)) == 1:
        return f.logsumexp(0) - math.log(len(f)) if classification else f.mean(0)
    present = [i for i, weight in enumerate(weights) if weight > 0]
    if len(present) == 1:
        return f[present[0]]
    some, w = f[present], torch.tensor([weights[i] for i in present], dtype=f.dtype)
    w = w.view(-1, *[1] * (f.dim() - 1))
    return (some + w.log()).logsumexp(0) if classification else (w * some).sum(0)
