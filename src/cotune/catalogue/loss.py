"""Losses: what training minimises."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import technique, told
from cotune.engine.loss import LOSSES, Loss
from cotune.engine.neighbours import NEIGHBOURS

KIND = "loss"


def _row(loss: Loss) -> Technique:
    others = [other.name for other in LOSSES.values() if set(other.tasks) == set(loss.tasks)]
    summary = told(loss.compute)
    if loss.embeds:
        summary += f". Classes are predicted by a vote of the {NEIGHBOURS} nearest training rows (k-NN)"
    return technique(
        KIND, loss.name, {"loss": loss.name}, {"loss": next(name for name in others if name != loss.name)},
        reference=loss.source, summary=summary, tasks=loss.tasks,
    )  # fmt: skip


SMOOTHING = technique(
    KIND, "label_smoothing", {"loss": "cross_entropy", "label_smoothing": 0.1}, {"label_smoothing": 0.0},
    parameters=["label_smoothing"], tasks=LOSSES["cross_entropy"].tasks, reference="Szegedy et al. 2016",
    summary="a share ε of the target's probability goes to all classes alike",
)  # fmt: skip

LOSS_ROWS = (*(_row(loss) for loss in LOSSES.values()), SMOOTHING)
