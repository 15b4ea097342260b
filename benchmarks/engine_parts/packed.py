"""A pack of multi-layer perceptrons, after TabPack.

Source: Gorishniy, Kotelnikov, Rubachev & Babenko, TabPack, ICML 2026, and its
description of the pack: parameters of K networks lie in one tensor each, a layer is one batched product over
[lane batch feature], losses are summed over lanes, one optimizer updates all. Written anew here.

Two things are faster than there: AdamW is PyTorch's fused kernel, and dropout compares uniform numbers with each
lane's own share, in place, instead of drawing Bernoulli numbers.
"""

import torch
from torch import Tensor, nn

from engine_parts.cases import Case, Perceptron, settings
from engine_parts.spec import Spec
from engine_parts.stacked import Stacked, first_weights


def packed(case: Case, spec: Spec, first: int) -> Stacked:
    """A pack of the case's networks."""
    if not isinstance(case.network, Perceptron):
        raise ValueError(f"packs are of multi-layer perceptrons, but the case is {case.words}")
    lanes = settings(case, spec.lanes, first=first)
    parameters = first_weights(case, lanes, first)
    tensors = list(parameters.values())
    layers = list(zip(tensors[::2], tensors[1::2], strict=True))
    keep = torch.tensor([1.0 - lane.dropout for lane in lanes]).view(-1, 1, 1)

    def gradients(x: Tensor, y: Tensor) -> Tensor:
        losses = _losses(layers, None if case.dropout == 0 else keep, x, y)
        losses.sum().backward()
        return losses.detach()

    return Stacked(case, spec, first, parameters, gradients)


def _losses(
    layers: list[tuple[nn.Parameter, nn.Parameter]], keep: Tensor | None, h: Tensor, y: Tensor
) -> Tensor:
    """Loss per lane.

    Args:
        layers: weight [lane out in] and bias [lane out] of each.
        keep: share of units that dropout keeps [lane 1 1].
        h, y: rows [lane batch feature] and their classes [lane batch].
    """
    for place, (weight, bias) in enumerate(layers):
        h = torch.baddbmm(bias.unsqueeze(1), h, weight.transpose(1, 2))
        if place < len(layers) - 1:
            h = nn.functional.relu(h)
            if keep is not None:
                h = h * torch.rand_like(h).lt_(keep).div_(keep)
    losses = nn.functional.cross_entropy(h.flatten(0, 1), y.flatten(), reduction="none")
    return losses.view_as(y).mean(1)
