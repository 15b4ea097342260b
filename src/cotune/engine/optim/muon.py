"""Muon: hidden matrices step along their momentum with all singular values brought near 1; AdamW for the rest.

| symbol | meaning                                        | shape                       |
|--------|------------------------------------------------|-----------------------------|
| X      | a hidden matrix' step                          | lane input unit             |
| A      | X Xᵀ, or Xᵀ X where that is the smaller product | lane side side              |
| m, v   | momentum (slot 0), mean squares (slot 1)       | lane weight                 |
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from cotune.engine.optim.base import Matrix, Optimizer, Rates
from cotune.engine.optim.moments import adam_step, moments

QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
LEAST_NORM = 1e-7
GRAIN = 16
SCALE = 0.2
"""Root mean square of AdamW's usual step, over its rate."""


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """Adam's four, 1 − lr λ, 1 − μ, μ², −0.2 lr."""
    shrink, scale = 1 - rates.lr * rates.weight_decay, -SCALE * rates.lr
    return *moments(rates), shrink, *rates.each_step(1 - rates.momentum, rates.momentum**2), scale


def muon(
    w: Tensor,
    g: Tensor,
    memory: Sequence[Tensor],
    s: Tensor,
    c: Sequence[Tensor],
    decayed: int,
    *,
    matrices: Sequence[Matrix],
) -> None:
    """m ← μ m + (1−μ) g;  X = orthogonal(μ m + (1−μ) g);  w ← (1 − lr λ) w − 0.2 lr √max(inputs, units) X.

    Embeddings, the head, biases and norms take AdamW's step, with β₁ and β₂. Weight decay is decoupled. As the root
    mean square of X is 1/√max(inputs, units), one rate and one λ serve both kinds of step.

    Source: Jordan et al., Muon, 2024, in float32; the scale is that of Liu et al., Muon is Scalable for LLM Training,
    2025. Jordan et al. leave the first layer to AdamW too; here it is a hidden matrix as the others are.
    """
    # What asks for memory comes first, and writes scratch only: a step that runs out of it is taken again.
    steps = []
    for matrix in matrices:
        ahead = torch.lerp(g[:, matrix.span], memory[0][:, matrix.span], c[6], out=s[:, matrix.span])
        found = orthogonal(_view(ahead, matrix), ahead).mul_(c[7].unsqueeze(2) * matrix.longer)
        steps.append((_view(w, matrix, matrix.start), found))
    w[:, :decayed].mul_(c[4])
    for matrix, (target, found) in zip(matrices, steps, strict=True):
        memory[0][:, matrix.span].lerp_(g[:, matrix.span], c[5])
        target.add_(found)
    for rest in _between(matrices, w.shape[1]):
        adam_step(w[:, rest], g[:, rest], [slot[:, rest] for slot in memory], s[:, rest], c[:4])


def orthogonal(x: Tensor, padded: Tensor) -> Tensor:
    """Newton and Schulz's iteration towards U Vᵀ, X being U S Vᵀ: five times X ← a X + (b A + c A²) X.

    The quintic is steep at zero rather than exact at one: singular values end between 0.7 and 1.2.

    Args:
        x: lane input unit.
        padded: the same numbers in rows that are aligned, with zeros behind them [lane number].
    """
    a, b, c = QUINTIC
    norm = padded.square().sum(1).sqrt().clamp(min=LEAST_NORM)
    rows, columns = x.shape[1:]
    # Products of odd sizes are rounded by where a lane lies in memory; zeros around a matrix change nothing else.
    x = functional.pad(x / norm.view(-1, 1, 1), (0, -columns % GRAIN, 0, -rows % GRAIN))
    flat = x.shape[1] <= x.shape[2]
    for _ in range(ITERATIONS):
        turned = x.transpose(1, 2)
        gram = torch.bmm(x, turned) if flat else torch.bmm(turned, x)
        gram = b * gram + c * torch.bmm(gram, gram)
        x = a * x + (torch.bmm(gram, x) if flat else torch.bmm(x, gram))
    return x[:, :rows, :columns]


def _view(flat: Tensor, matrix: Matrix, start: int = 0) -> Tensor:
    """The matrix in rows that hold it from `start` on [lane input unit]."""
    inputs, units = matrix.shape
    place = flat.storage_offset() + start
    return torch.as_strided(flat, (flat.shape[0], inputs, units), (flat.stride(0), units, 1), place)


def _between(matrices: Sequence[Matrix], size: int) -> list[slice]:
    """The stretches of a row outside the matrices."""
    ends = [0, *(end for m in matrices for end in (m.span.start, m.span.stop)), size]
    return [slice(start, stop) for start, stop in list(pairwise(ends))[::2] if start < stop]


MUON = Optimizer(
    "muon", 2, _coefficients, muon, "Jordan et al. 2024; scaled as in Liu et al. 2025", matrices=True
)
