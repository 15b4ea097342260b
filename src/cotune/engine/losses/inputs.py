"""What a loss may use beside logits and targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

NUMBERS = ("label_smoothing", "quantile", "focal_gamma", "margin", "contrast_temperature")
"""The fusable numbers that losses read."""


@dataclass(frozen=True)
class LossInputs:
    """What a loss may use beside logits and targets, each for the lanes at hand.

    Args:
        numbers: by the names in `NUMBERS` [lane].
        class_weights: of the classes [lane class], or `None`.
        classes: columns of the logits that are no padding.
        smooths: whether any label smoothing is above 0, said here so that no step has to look.
        variation: scale / mean of the target, see `cotune.engine.bank.Variant.variation` [lane].
    """

    numbers: Mapping[str, Tensor]
    class_weights: Tensor | None
    classes: int
    smooths: bool
    variation: Tensor


@cache
def padding(columns: int, classes: int, device: torch.device) -> Tensor:
    """0 for the classes, −∞ beyond them [column]."""
    return torch.tensor([0.0] * classes + [-torch.inf] * (columns - classes), device=device)


def row_shares(y: Tensor, inputs: LossInputs) -> Tensor:
    """What each row counts: w_y / Σ w_y, or one over the count of rows [lane batch]."""
    weights = inputs.class_weights
    w_y = torch.ones(y.shape, device=y.device) if weights is None else weights.gather(1, y)
    return w_y / w_y.sum(1, keepdim=True)
