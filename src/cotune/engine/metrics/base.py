"""What a metric is.

| symbol | meaning                                                       | shape            |
|--------|---------------------------------------------------------------|------------------|
| f      | log-probabilities, or predicted values in the target's units  | lane row (class) |
| y      | true class index, or value                                    | row              |
| p      | probabilities: the softmax of f                               | lane row class   |
| ŷ      | the most probable class                                       | lane row         |

Every figure is float64, shape [lane], on the device of f. A lane's figure does not depend on the other lanes, to the
bit: sums run along the last axis, since along the first their order depends on the count of lanes; and no function is
called whose last bits depend on a tensor's length.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cotune.types import Task


@dataclass(frozen=True)
class Metric:
    """A metric, which way is better, and where it applies.

    Args:
        compute: (f, y) → figures [lane]; its docstring is the formula.
        maximize: whether more is better.
        classification: whether it judges classes; else values.
        source: where it was published, and its name in scikit-learn.
        needs_probabilities: whether it means something only if f are log-probabilities, not mere scores.
        needs_rows: rows under which it has no meaning.
        needs_classes: classes that must occur among the rows.
        generation: whether it judges generated rows, by features of these (f) and of real ones (y).
        own: whether it is what a loss of the user's own says; see `cotune.engine.goals.own`.
    """

    compute: Callable[[Tensor, Tensor], Tensor]
    maximize: bool
    classification: bool
    source: str
    needs_probabilities: bool = False
    needs_rows: int = 1
    needs_classes: int = 1
    generation: bool = False
    own: bool = False

    def fits(self, task: Task) -> bool:
        """Whether it judges what is learned in a task."""
        if task is Task.GENERATION:
            return self.generation
        if task is Task.OWN:
            return self.own
        return not (self.generation or self.own) and self.classification == task.is_classification
