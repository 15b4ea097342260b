"""From a network's outputs to what it says: a loss's link.

| symbol | meaning                                      | shape           |
|--------|----------------------------------------------|-----------------|
| z      | outputs, padding cut off                     | ... row output  |
| k      | variation: scale / mean of the target        |                 |

A link gives log-probabilities [... row class], or values of the standardised target [... row 1].
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.nets.layout import ALIGN

Link = Callable[[Tensor, float], Tensor]


def softmax(z: Tensor, _: float) -> Tensor:
    """log of e^z_c / Σ e^z."""
    return F.log_softmax(z, dim=-1)


def sigmoids(z: Tensor, _: float) -> Tensor:
    """log of σ(z_c) / Σ σ(z): one-versus-rest probabilities, made to sum to 1."""
    return F.log_softmax(_whole(F.logsigmoid, z), dim=-1)


def identity(z: Tensor, _: float) -> Tensor:
    """The first output."""
    return z[..., :1]


def exponential(z: Tensor, k: float) -> Tensor:
    """(eᶻ − 1) / k: a rate of the target's mean times eᶻ, standardised."""
    return _whole(torch.expm1, z[..., :1]) / k


def _whole(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """An elementwise function; the count of rows is filled up to whole vectors, so that lanes do not share one."""
    rows = z.shape[-2]
    filled = F.pad(z, (0, 0, 0, -rows % ALIGN)).contiguous()
    return function(filled)[..., :rows, :]


LINKS: dict[str, Link] = {
    "softmax": softmax,
    "sigmoids": sigmoids,
    "identity": identity,
    "exponential": exponential,
}
"""By the name that losses and saved models use."""

NEIGHBOURS = "neighbours"
"""The link of losses of embeddings. It is no function of the outputs alone: see `cotune.engine.neighbours`."""


def link_of(name: str) -> Link:
    """A link by name.

    Raises:
        ValueError: there is no such link.
    """
    if name not in LINKS:
        raise ValueError(f"outputs have a link among {', '.join(LINKS)}, but this one is '{name}'")
    return LINKS[name]
