"""Optimizers that torch.optim lacks, for the plain twin: each by its paper's formula, a tensor at a time.

They are `torch.optim.Optimizer`s, so that a loop need not know which it has. Groups hold lr, weight_decay and betas.
"""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

Groups = Iterable[dict[str, Any]]


class Plain(torch.optim.Optimizer):
    """Goes through the parameters that have a gradient; `rule` says what becomes of one."""

    def __init__(
        self, groups: Groups, rule: Callable[[Tensor, dict[str, Any], dict[str, Any]], None]
    ) -> None:
        super().__init__(groups, {})
        self._rule = rule

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One step; there is no closure."""
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["t"] = state.get("t", 0) + 1
                self._rule(p, group, state)


def _zeros(state: dict[str, Any], name: str, like: Tensor) -> Tensor:
    return cast(Tensor, state.setdefault(name, torch.zeros_like(like)))


def lion(groups: Groups, *, lr: float, betas: tuple[float, float]) -> Plain:
    """Chen et al. 2023, algorithm 2."""

    def rule(p: Tensor, group: dict[str, Any], state: dict[str, Any]) -> None:
        assert p.grad is not None
        m = _zeros(state, "m", p)
        direction = torch.sign(betas[0] * m + (1 - betas[0]) * p.grad)
        p.sub_(group["lr"] * (direction + group["weight_decay"] * p))
        m.copy_(betas[1] * m + (1 - betas[1]) * p.grad)

    return Plain([{**group, "lr": lr} for group in groups], rule)


def schedule_free(groups: Groups, *, lr: float, betas: tuple[float, float], warmup: int) -> Plain:
    """Defazio et al. 2024, algorithm 1, with AdamW's step; the mean is kept as `x` in the state.

    Args:
        warmup: steps in which the rate rises; the loop sets the rate, these are for the weights of the mean.
    """

    def rule(p: Tensor, group: dict[str, Any], state: dict[str, Any]) -> None:
        assert p.grad is not None
        t, v = state["t"], _zeros(state, "v", p)
        z, x = (state.setdefault(name, p.clone()) for name in "zx")
        v.copy_(betas[1] * v + (1 - betas[1]) * p.grad**2)
        root = (v / (1 - betas[1] ** t)).sqrt() + 1e-8
        z.sub_(group["lr"] * (p.grad / root + group["weight_decay"] * p))
        weight = min(1.0, t / max(1, warmup)) ** 2
        state["sum"] = state.get("sum", 0.0) + weight
        newest = weight / state["sum"]
        x.copy_((1 - newest) * x + newest * z)
        p.copy_((1 - betas[0]) * z + betas[0] * x)

    return Plain([{**group, "lr": lr} for group in groups], rule)


def with_means(network: nn.Module, optimizer: torch.optim.Optimizer) -> nn.Module:
    """A copy of the network with the means that `schedule_free` has kept for weights."""
    found = copy.deepcopy(network)
    with torch.no_grad():
        for mean, p in zip(found.parameters(), network.parameters(), strict=True):
            mean.copy_(optimizer.state[p]["x"])
    return found


def muon(
    hidden: Groups, others: Groups, *, lr: float, momentum: float, betas: tuple[float, float]
) -> torch.optim.Optimizer:
    """Jordan et al. 2024 for the groups `hidden`, scaled as in Liu et al. 2025, and AdamW for the others."""

    def rule(p: Tensor, group: dict[str, Any], state: dict[str, Any]) -> None:
        assert p.grad is not None
        m = _zeros(state, "m", p)
        if not group["hidden"]:
            v, t = _zeros(state, "v", p), state["t"]
            m.copy_(betas[0] * m + (1 - betas[0]) * p.grad)
            v.copy_(betas[1] * v + (1 - betas[1]) * p.grad**2)
            root = (v / (1 - betas[1] ** t)).sqrt() + 1e-8
            step = m / (1 - betas[0] ** t) / root
        else:
            m.copy_(momentum * m + (1 - momentum) * p.grad)
            matrix = (momentum * m + (1 - momentum) * p.grad).flatten(1)
            step = (0.2 * math.sqrt(max(matrix.shape)) * orthogonal(matrix)).view_as(p)
        p.sub_(group["lr"] * (step + group["weight_decay"] * p))

    return Plain(
        [
            {**group, "lr": lr, "hidden": which}
            for groups, which in ((hidden, True), (others, False))
            for group in groups
        ],
        rule,
    )


def orthogonal(x: Tensor) -> Tensor:
    """Newton and Schulz's iteration, as in the code of Jordan et al., at the precision of `x` [unit input]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    if len(x) > x.shape[1]:
        return orthogonal(x.T).T
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def hidden_matrices(network: nn.Module) -> list[nn.Parameter]:
    """The weights from units to units: all but embeddings, heads, depthwise filters and norms' scales."""
    named, apart = network.named_parameters(), ("embeddings.", "head.", "heads.", "each.")
    found = [(name, p) for name, p in named if p.ndim >= 2 and not name.startswith(apart)]
    return [p for name, p in found if not name.endswith("original0")]
