"""Losses: what training minimises."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import technique, told
from cotune.engine.loss import LOSSES, Loss

KIND = "loss"


def _row(loss: Loss) -> Technique:
    others = [other.name for other in LOSSES.values() if set(other.tasks) == set(loss.tasks)]
    return technique(
        KIND, loss.name, {"loss": loss.name}, {"loss": next(name for name in others if name != loss.name)},
        reference=loss.source, summary=told(loss.compute), tasks=loss.tasks,
    )  # fmt: skip


SMOOTHING = technique(
    KIND, "label_smoothing", {"loss": "cross_entropy", "label_smoothing": 0.1}, {"label_smoothing": 0.0},
    parameters=["label_smoothing"], tasks=LOSSES["cross_entropy"].tasks, reference="Szegedy et al. 2016",
    summary="a share ε of the target's probability goes to all classes alike",
)  # fmt: skip

LOSS_ROWS = (*(_row(loss) for loss in LOSSES.values()), SMOOTHING)
