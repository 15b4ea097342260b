"""What the two sides of a contest lose by the discriminator's scores.

| symbol | meaning                                    | shape         |
|--------|--------------------------------------------|---------------|
| r, f   | scores of real rows, and of generated ones | lane head row |
| a      | the label of real rows, 1 or a bit less    | lane          |

Each gives a number for every row, lane head row; its mean is the loss. The label is softened on one side alone:
softened generated ones would pull the generator to where it is (Salimans et al., Improved Techniques for Training GANs,
NeurIPS 2016).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class ContestLoss:
    """A pair of losses.

    Args:
        discriminator: (r, f, a) → lane head row.
        generator: f → lane head row.
        source: where it was published.
        penalised: whether it needs the discriminator's gradient to be held near 1.
    """

    discriminator: Callable[[Tensor, Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    source: str
    penalised: bool = False


def cross_entropy(r: Tensor, f: Tensor, a: Tensor) -> Tensor:
    """−a log σ(r) − (1 − a) log(1 − σ(r)) − log(1 − σ(f))."""
    label = a.view(-1, 1, 1)
    return F.softplus(r) - label * r + F.softplus(f)


def non_saturating(f: Tensor) -> Tensor:
    """−log σ(f): it has a gradient where log(1 − σ(f)), the discriminator's own, has none."""
    return F.softplus(-f)


def least_squares(r: Tensor, f: Tensor, a: Tensor) -> Tensor:
    """½ (r − a)² + ½ f²."""
    return 0.5 * (r - a.view(-1, 1, 1)).square() + 0.5 * f.square()


def least_squares_generator(f: Tensor) -> Tensor:
    """½ (f − 1)²."""
    return 0.5 * (f - 1).square()


def wasserstein(r: Tensor, f: Tensor, a: Tensor) -> Tensor:  # noqa: ARG001
    """f − r; there are no labels."""
    return f - r


def raised(f: Tensor) -> Tensor:
    """−f."""
    return -f


def hinge(r: Tensor, f: Tensor, a: Tensor) -> Tensor:  # noqa: ARG001
    """max(0, 1 − r) + max(0, 1 + f); there are no labels."""
    return F.relu(1 - r) + F.relu(1 + f)


CONTEST_LOSSES: dict[str, ContestLoss] = {
    "cross_entropy": ContestLoss(cross_entropy, non_saturating, "Goodfellow et al. 2014"),
    "least_squares": ContestLoss(least_squares, least_squares_generator, "Mao et al. 2017"),
    "wasserstein": ContestLoss(
        wasserstein, raised, "Arjovsky et al. 2017; Gulrajani et al. 2017", penalised=True
    ),
    "hinge": ContestLoss(hinge, raised, "Lim & Ye 2017; Miyato et al. 2018"),
}
"""By the name that recipes use."""
