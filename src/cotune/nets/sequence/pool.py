"""From the states of all times to one vector.

| symbol | meaning                                      | shape                |
|--------|----------------------------------------------|----------------------|
| s      | states                                       | lane batch time unit |
| mask   | whether a row has such a time, or `None`     | lane batch time      |
| w, b   | of attention                                 | lane unit unit, lane unit |
| q      | of attention: what is looked for             | lane unit            |

last: the state at a row's own last time;  mean, max: over its times;
attention: Σ αₜ sₜ, α = softmax over its times of q · tanh(sₜ w + b).

Source of attention: Yang et al., Hierarchical attention networks, NAACL 2016, eqs. 5 to 7.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from cotune.nets.layers import linear
from cotune.nets.layout import Weight

POOLINGS = ("last", "mean", "max", "attention")


def pool_weights(pooling: str, units: int) -> tuple[Weight, ...]:
    """What a pooling learns."""
    if pooling != "attention":
        return ()
    return (
        Weight("attention.weight", (units, units), "fan", decay=True, accumulates=False),
        Weight("attention.bias", (units,), accumulates=False),
        Weight("attention.query", (units,), "normal"),
    )


def pool(pooling: str, s: Tensor, mask: Tensor | None, weights: Mapping[str, Tensor]) -> Tensor:
    """One vector a row [lane batch unit]."""
    match pooling:
        case "last":
            return last(s, mask)
        case "mean":
            return mean(s, mask)
        case "max":
            found: Tensor = _only(s, mask, -torch.inf).max(2).values
            return found
        case "attention":
            return attention(s, mask, weights)
    raise ValueError(f"there is no pooling {pooling!r}; choose among {', '.join(POOLINGS)}")


def last(s: Tensor, mask: Tensor | None) -> Tensor:
    """The state at each row's own last time."""
    if mask is None:
        return s[:, :, -1]
    at = mask.sum(2) - 1
    return s.gather(2, at.view(*at.shape, 1, 1).expand(-1, -1, 1, s.shape[3])).squeeze(2)


def mean(s: Tensor, mask: Tensor | None) -> Tensor:
    """Over each row's own times."""
    if mask is None:
        return s.mean(2)
    return _only(s, mask, 0.0).sum(2) / mask.sum(2, keepdim=True)


def attention(s: Tensor, mask: Tensor | None, weights: Mapping[str, Tensor]) -> Tensor:
    """See above."""
    seen = torch.tanh(linear(s.flatten(1, 2), weights["attention.weight"], weights["attention.bias"]))
    scores = (seen * weights["attention.query"].unsqueeze(1)).sum(-1).view(s.shape[:3])
    share = torch.softmax(_only(scores, mask, -torch.inf), dim=2)
    return torch.einsum("lbt,lbtu->lbu", share, s)


def _only(x: Tensor, mask: Tensor | None, other: float) -> Tensor:
    """x [lane batch time …] with `other` where the mask is false."""
    if mask is None:
        return x
    return torch.where(mask.view(*mask.shape, *(1,) * (x.dim() - 3)), x, other)
