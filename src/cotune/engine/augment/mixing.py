"""Examples mixed with others of their batch, and their targets with them.

| symbol    | meaning                                                | shape          |
|-----------|--------------------------------------------------------|----------------|
| x         | examples                                               | lane batch …   |
| α         | of the Beta(α, α) that shares come from; 0 is no mix   | lane           |
| quantiles | where Beta(α, α) reaches 0, 1/CELLS, …, 1              | lane CELLS + 1 |
| on        | lanes that mix in this step                            | lane           |
| u         | uniform draws of a step: share, what is said, order    | lane draw      |
"""

from dataclasses import dataclass

import torch
from scipy.special import betaincinv
from torch import Tensor

CELLS = 1024


@dataclass(frozen=True)
class Mixed:
    """What a mix makes of a batch. The loss of an example is share · L(own target) + (1 − share) · L(partner's).

    Args:
        x: the examples, mixed; those of lanes that are off bit for bit as they were.
        partner: place in the batch of whom an example is mixed with, int64 [lane batch]; its own where off.
        share: how much of an example is its own, float32 [lane batch]; 1 where off.
    """

    x: Tensor
    partner: Tensor
    share: Tensor


def quantiles(alphas: list[float]) -> Tensor:
    """The table of quantiles, float32 on the CPU; made once, before the first step.

    A row for α = 0 is all 1: who does not mix is wholly its own.
    """
    grid = torch.arange(CELLS + 1, dtype=torch.float64) / CELLS
    rows = [
        torch.from_numpy(betaincinv(a, a, grid.numpy())) if a > 0 else torch.ones_like(grid) for a in alphas
    ]
    return torch.stack(rows).float()


def shares(table: Tensor, u: Tensor) -> Tensor:
    """Draws from Beta(α, α) by inversion, float32 [lane]: straight lines between quantiles, off by 1/CELLS at most.

    A uniform draw is all it takes, where rejection would take a number of them that nobody knows beforehand.

    Args:
        table: see `quantiles` [lane CELLS + 1].
        u: [lane].
    """
    at = (u * CELLS).unsqueeze(1)
    cell = at.floor()
    low, high = (table.gather(1, cell.to(torch.int64) + side) for side in (0, 1))
    return (low + (high - low) * (at - cell)).squeeze(1)


def partners(on: Tensor, u: Tensor) -> Tensor:
    """Whom each example is mixed with: a permutation of the lane's batch, int64 [lane batch].

    Args:
        on: [lane].
        u: one draw an example [lane batch].
    """
    own = torch.arange(u.shape[1], device=u.device)
    return torch.where(on.unsqueeze(1), u.argsort(dim=1, stable=True), own)


def _of(x: Tensor, partner: Tensor) -> Tensor:
    """The partners' examples, shape as x."""
    lanes, batch = partner.shape
    first = torch.arange(lanes, device=x.device).unsqueeze(1) * batch
    return x.reshape(lanes * batch, -1).index_select(0, (partner + first).flatten()).view(x.shape)


def _like(lanewise: Tensor, x: Tensor) -> Tensor:
    return lanewise.view(-1, *(1,) * (x.dim() - 1))


def mixup(x: Tensor, table: Tensor, on: Tensor, u: Tensor) -> Mixed:
    """λ x + (1 − λ) x of the partner, one λ for a lane's batch. 1 + batch draws.

    Source: Zhang et al., mixup, ICLR 2018; one λ a batch, as in its code.
    """
    share = torch.where(on, shares(table, u[:, 0]), 1.0)
    partner = partners(on, u[:, 1:])
    part = _like(share, x)
    mixed = torch.where(_like(on, x), part * x + (1 - part) * _of(x, partner), x)
    return Mixed(mixed, partner, share.unsqueeze(1).expand(partner.shape))


def cutmix(x: Tensor, table: Tensor, on: Tensor, u: Tensor) -> Mixed:
    """A rectangle of about 1 − λ of the area is the partner's, one rectangle for a lane's batch. 3 + batch draws.

    Its middle is anywhere in the image, so it may be cut at the border; the share is that of the area left.

    Args:
        x: lane batch height width channel.

    Source: Yun et al., CutMix, ICCV 2019, algorithm 1.
    """
    height, width, channels = x.shape[2:]
    side = (1 - torch.where(on, shares(table, u[:, 0]), 1.0)).sqrt()
    rows, columns = _around(u[:, 1], side, height), _around(u[:, 2], side, width)
    partner = partners(on, u[:, 3:])
    box = rows.unsqueeze(2) & columns.repeat_interleave(channels, 1).unsqueeze(1)
    share = 1 - rows.sum(1) * columns.sum(1) / (height * width)
    mixed = torch.where(box.view(-1, 1, height, width, channels), _of(x, partner), x)
    return Mixed(mixed, partner, share.unsqueeze(1).expand(partner.shape))


def _around(u: Tensor, side: Tensor, length: int) -> Tensor:
    """Which of `length` places lie within ⌊side · length⌋ of them about a middle at u, bool [lane length]."""
    middle, half = (u * length).floor(), ((side * length).floor() / 2).floor()
    place = torch.arange(length, device=u.device)
    return (place >= (middle - half).unsqueeze(1)) & (place < (middle + half).unsqueeze(1))
