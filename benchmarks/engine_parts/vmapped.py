"""The same lanes under plain `torch.func`: stacked parameters, `vmap` over lanes, fused AdamW on the stack.

Two forms, as one or the other is faster or alone possible: "sum" maps the forward computation and runs one
ordinary backward of the summed losses; "grad" maps the gradient itself.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from engine_parts.cases import Case, settings
from engine_parts.networks import module
from engine_parts.spec import Spec
from engine_parts.stacked import Stacked, first_weights

FORMS = ("sum", "grad")


class LaneDropout(nn.Module):
    """Dropout whose share is a buffer, so that it can differ between lanes; `nn.Dropout` takes one number."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.register_buffer("keep", torch.tensor(1.0 - dropout))

    def forward(self, x: Tensor) -> Tensor:
        """x, with some units zero and the others larger."""
        return x * torch.rand_like(x).add_(self.keep).floor_().div_(self.keep)


def vmapped(case: Case, spec: Spec, first: int) -> Stacked:
    """The case's networks under vmap."""
    lanes = settings(case, spec.lanes, first=first)
    parameters = first_weights(case, lanes, first)
    template = module(case, 0, dropout=case.dropout, layer=LaneDropout)
    names = dict(template.named_parameters())
    parameters = dict(
        zip(names, parameters.values(), strict=True)
    )  # dropout layers shift the numbers in names
    keep = torch.tensor([1.0 - lane.dropout for lane in lanes])
    buffers = {name: keep for name, _ in template.named_buffers()}

    def loss(own: dict[str, Tensor], shares: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        logits = functional_call(template, {**own, **shares}, (x,))
        return nn.functional.cross_entropy(logits, y)

    forward = vmap(loss, randomness="different")
    both: Any = vmap(grad_and_value(loss), randomness="different")

    def gradients(x: Tensor, y: Tensor) -> Tensor:
        if spec.form == "sum":
            losses = forward(parameters, buffers, x, y)
            losses.sum().backward()
            return losses.detach()
        found, losses = both(dict(parameters), buffers, x, y)
        for name, parameter in parameters.items():
            parameter.grad = found[name]
        return losses.detach()

    return Stacked(case, spec, first, parameters, gradients)
