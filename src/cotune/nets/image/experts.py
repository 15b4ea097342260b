"""A mixture of experts: a gate chooses, for each image, the branches that work on it.

| symbol | meaning                                             | shape             |
|--------|-----------------------------------------------------|-------------------|
| m      | the mean of each map that enters                    | lane batch unit   |
| g      | gates: 0 but for the `CHOSEN` largest, their sum 1   | lane batch expert |
| I      | importance of an expert: Σ g over the batch         | lane expert       |

g = softmax(the largest of m W);   y = Σₑ gₑ Fₑ;   loss += `BALANCE` · Var(I) / mean(I)², which keeps all in use.

While training, all experts see all images, so that norms of batches do not hang on the gate; in prediction an expert
sees only the images that chose it. The paper's noise on the gate is left out: the penalty alone balances.

Source: Shazeer et al., Outrageously large neural networks: the sparsely-gated mixture-of-experts layer, ICLR 2017.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cotune.nets.image.maps import Team
from cotune.nets.layers import linear
from cotune.nets.layout import Weight

CHOSEN = 2
"""With a single one the gate would be 1 whatever it says, and learn nothing."""

BALANCE = 0.1
"""The paper's."""

Expert = Callable[[Tensor], Tensor]


def weights(block: str, units: int, experts: int) -> list[Weight]:
    """Learned weights of a block's gate."""
    return [Weight(f"{block}.gate.weight", (units, experts), "fan", decay=True)]


def mixed(team: Team, block: str, h: Tensor, experts: Sequence[Expert]) -> Tensor:
    """y for maps h; the penalty is laid aside."""
    gates = gates_of(linear(team.pooled("average", h), team.weights[f"{block}.gate.weight"], None))
    if team.context.aside is not None:
        team.context.aside.penalties.append(BALANCE * imbalance(gates))
    if not team.context.training and team.lanes == 1:
        return _by_choice(h, gates[0], experts)
    y: Tensor | None = None
    for e, expert in enumerate(experts):
        z = expert(h)
        units = z.shape[1] // team.lanes
        z = z * team.spread(gates[..., e : e + 1].expand(-1, -1, units))
        y = z if y is None else y + z
    assert y is not None
    return y


def gates_of(scores: Tensor) -> Tensor:
    """g of scores [lane batch expert]."""
    best, places = scores.topk(min(CHOSEN, scores.shape[-1]), -1)
    return torch.zeros_like(scores).scatter(-1, places, torch.softmax(best, -1))


def imbalance(gates: Tensor) -> Tensor:
    """Var(I) / mean(I)² [lane]."""
    importance = gates.sum(1)
    return importance.var(1, correction=0) / importance.mean(1).square()


def _by_choice(h: Tensor, gates: Tensor, experts: Sequence[Expert]) -> Tensor:
    """y of a single lane, each expert on the rows that chose it; gates [batch expert]."""
    y: Tensor | None = None
    for e, expert in enumerate(experts):
        rows = gates[:, e].nonzero()[:, 0]
        if not len(rows):
            continue
        z = expert(h.index_select(0, rows)) * gates[rows, e].view(-1, 1, 1, 1)
        if y is None:
            y = torch.zeros(len(h), *z.shape[1:], dtype=z.dtype, device=z.device)
            y = y.contiguous(memory_format=torch.channels_last)
        y.index_add_(0, rows, z)
    assert y is not None
    return y
