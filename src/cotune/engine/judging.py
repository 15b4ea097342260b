"""What a population's lanes say of their validation rows, in figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from cotune.engine import slots
from cotune.engine.bank import Stack
from cotune.engine.compiled import Bound
from cotune.engine.devices import Compute
from cotune.engine.evaluate import figures, in_units, outputs, predictions
from cotune.engine.lanes import Lane
from cotune.engine.metrics import METRICS
from cotune.engine.state import State
from cotune.nets.layout import Layout


@dataclass(frozen=True, eq=False)
class Judging:
    """Works out the figures of some lanes.

    Args:
        lanes: of a population, those from `start` on.
        state: of the whole population.
        start: the row of the first of them.
        layouts: of weights and of statistics.
        stack: the rows of their variants.
        metrics: names; the first decides a lane's best epoch.
        compute: where it is done.
        bound: the compiled loops, if lanes step through these.
    """

    lanes: Sequence[Lane]
    state: State
    start: int
    layouts: tuple[Layout, Layout]
    stack: Stack
    metrics: Sequence[str]
    compute: Compute
    bound: Bound | None

    def figures(self) -> dict[str, torch.Tensor]:
        """Metrics and loss by name, [lane]."""
        goal = self.lanes[0].structure.goal
        if goal is None:
            return figures(self.lanes, self.metrics, self.predicted)
        weights, statistics = self._weights(range(len(self.lanes)))
        with self.compute.exact.switched():
            return goal.figures(self.lanes, self.metrics, weights, statistics, self.layouts)

    def _weights(self, places: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and statistics to be judged, of lanes by their places."""
        rows, lanes = [self.start + place for place in places], [self.lanes[place] for place in places]
        weights = slots.judged_weights(lanes, self.state.weights, self.state.memory, rows)
        return weights, self.state.statistics.index_select(0, torch.tensor(rows).to(self.compute.device))

    def predicted(self, places: list[int]) -> torch.Tensor:
        """What lanes, given by their places, say of the validation rows they share."""
        first = self.lanes[places[0]]
        variant, classification = first.variant, METRICS[self.metrics[0]].classification
        if self.bound is not None:
            found = self.bound.predictions([self.start + place for place in places])
            return found if classification else in_units(found, variant)
        numeric, codes = self.stack.inputs(variant, first.validation)
        world = self.stack.world(variant)
        lanes = [self.lanes[place] for place in places]
        weights, statistics = self._weights(places)
        with self.compute.exact.switched():
            logits = outputs(lanes, weights, statistics, self.layouts, numeric, codes, world)

        def trained(i: int) -> torch.Tensor:
            rows, one = self.stack.inputs(variant, lanes[i].train), slice(i, i + 1)
            with self.compute.exact.switched():
                return outputs(lanes[one], weights[one], statistics[one], self.layouts, *rows, world)[0]

        return predictions(logits, lanes, trained, classification=classification)
