"""What ensembles are chosen by: what each member says of the validation rows.

| symbol | meaning                                                                  | shape              |
|--------|--------------------------------------------------------------------------|--------------------|
| f      | log-probabilities, or values in the target's units, of each member       | member row (class) |
| y      | true class index, or value; of several targets a row has several         | row (value)        |
| w      | weights of the members, none negative, their sum is 1                    | member             |
| g      | what an ensemble says                                                    | row (class)        |

A member is a trial (or a trial at one of its epochs). Of each fold's validation rows it speaks by the networks that
did not train on them, so f is out of fold. Figures are means over folds, as the study's own scores are.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.engine.metrics import METRICS
from cotune.engine.several import judged


@dataclass(frozen=True, eq=False)
class Evidence:
    """What members say of the validation rows, and how that is judged.

    Args:
        f: member row (class), float64.
        y: row; the folds' validation rows, one fold after the other.
        folds: number of rows of each fold.
        metric: what steers the study.
    """

    f: Tensor
    y: Tensor
    folds: list[int]
    metric: str

    @property
    def members(self) -> int:
        """How many there are."""
        return self.f.shape[0]

    @property
    def classification(self) -> bool:
        """Whether the target is a class."""
        return METRICS[self.metric].classification

    def of(self, g: Tensor, metric: str) -> Tensor:
        """A metric of some ensembles, mean over folds.

        Args:
            g: ensemble row (class).

        Returns:
            float64 [ensemble].
        """
        parts = zip(torch.split(g, self.folds, dim=1), torch.split(self.y, self.folds), strict=True)
        return torch.stack([judged(metric, said, true) for said, true in parts]).mean(0)

    def keys(self, g: Tensor) -> list[tuple[float, float]]:
        """How good some ensembles are, smaller is better: the steering metric, then log loss or squared error.

        Args:
            g: ensemble row (class).
        """
        score = self.of(g, self.metric) * (-1.0 if METRICS[self.metric].maximize else 1.0)
        loss = self.of(g, "log_loss" if self.classification else "mse")
        return [(_or_worst(s), _or_worst(x)) for s, x in zip(score.tolist(), loss.tolist(), strict=True)]


def _or_worst(figure: float) -> float:
    return figure if figure == figure else float("inf")
