"""The losses by name: what they compute, what they are for, and what their outputs mean."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cotune.engine.links import NEIGHBOURS
from cotune.engine.losses.classes import binary_cross_entropy, cross_entropy, focal, hinge
from cotune.engine.losses.embeddings import contrastive, supervised_contrastive, triplet
from cotune.engine.losses.inputs import LossInputs as LossInputs
from cotune.engine.losses.values import gaussian, huber, log_cosh, mae, mse, poisson, quantile
from cotune.types import Task

CLASSES = (Task.BINARY, Task.MULTICLASS)
VALUES = (Task.REGRESSION,)


@dataclass(frozen=True)
class Loss:
    """A loss, and where it applies.

    Args:
        name: as recipes have it.
        compute: logits [lane batch head], targets [lane batch] and `LossInputs` to one number per lane [lane].
        link: what outputs mean, a name of `cotune.engine.links`.
        tasks: those it fits.
        outputs: (classes, 0 for a regression; embedding_size) to the outputs a network needs.
        compiled: whether `cotune.kernels` has it; lanes step as batches where it has not.
        probabilities: whether what the link gives can be taken for probabilities.
        cosine: of an embedding, whether rows are near by angle instead of distance.
        source: where it was published.
    """

    name: str
    compute: Callable[[Tensor, Tensor, LossInputs], Tensor]
    link: str
    tasks: tuple[Task, ...]
    outputs: Callable[[int, int], int]
    compiled: bool = True
    probabilities: bool = True
    cosine: bool = False
    source: str = ""

    @property
    def classifies(self) -> bool:
        """Whether targets are classes."""
        return any(task.is_classification for task in self.tasks)

    @property
    def embeds(self) -> bool:
        """Whether outputs are an embedding."""
        return self.link == NEIGHBOURS


def _one_a_class(classes: int, _: int) -> int:
    return classes


def _one(_: int, __: int) -> int:
    return 1


def _two(_: int, __: int) -> int:
    return 2


def _embedding(_: int, size: int) -> int:
    return size


def _table(*rows: Loss) -> dict[str, Loss]:
    return {row.name: row for row in rows}


LOSSES: dict[str, Loss] = _table(
    Loss("cross_entropy", cross_entropy, "softmax", CLASSES, _one_a_class, source="Good 1952"),
    Loss("mse", mse, "identity", VALUES, _one, source="Gauss 1809"),
    Loss("mae", mae, "identity", VALUES, _one, source="Laplace 1793"),
    Loss("huber", huber, "identity", VALUES, _one, source="Huber 1964"),
    Loss("log_cosh", log_cosh, "identity", VALUES, _one, source="Green 1990"),
    Loss("quantile", quantile, "identity", VALUES, _one, source="Koenker & Bassett 1978"),
    Loss("poisson", poisson, "exponential", VALUES, _one, source="Nelder & Wedderburn 1972"),
    Loss("gaussian", gaussian, "identity", VALUES, _two, source="Nix & Weigend 1994"),
    Loss(
        "binary_cross_entropy", binary_cross_entropy, "sigmoids", CLASSES, _one_a_class, source="Bishop 2006"
    ),
    Loss("focal", focal, "softmax", CLASSES, _one_a_class, source="Lin et al. 2017"),
    Loss(
        "hinge", hinge, "softmax", CLASSES, _one_a_class, probabilities=False, source="Crammer & Singer 2001"
    ),
    Loss(
        "contrastive", contrastive, NEIGHBOURS, CLASSES, _embedding, compiled=False,
        source="Hadsell et al. 2006",
    ),
    Loss("triplet", triplet, NEIGHBOURS, CLASSES, _embedding, compiled=False, source="Hermans et al. 2017"),
    Loss(
        "supervised_contrastive", supervised_contrastive, NEIGHBOURS, CLASSES, _embedding, compiled=False, cosine=True,
        source="Khosla et al. 2020",
    ),
)  # fmt: skip
"""By the name that recipes use; the first that fits a task is its `auto`."""
