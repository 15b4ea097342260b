"""A loss, or a training step, of the user's own.

| symbol | meaning                                                                   |
|--------|---------------------------------------------------------------------------|
| act    | what a lane is asked in training: called with the module, inputs, targets |
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from cotune.engine.evaluate import figures, outputs, predictions
from cotune.engine.lanes import Lane
from cotune.engine.perturb import Batch
from cotune.errors import RecipeError
from cotune.nets.context import Context
from cotune.nets.layout import Layout
from cotune.nets.own.module import Module

LOSS = "loss"
"""The metric where there is no other: the goal itself, on validation rows."""

ROWS = 256
"""Rows of an evaluation at once."""


@dataclass(frozen=True)
class OwnLoss:
    """loss(outputs, targets), a scalar."""

    loss: Callable[..., Any]

    def __call__(self, module: nn.Module, *parts: Tensor) -> Any:
        return self.of(module(*parts[:-1]), parts[-1])

    def of(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch.

        Raises:
            RecipeError: it is not one number.
        """
        found = _scalar(self.loss(outputs, targets))
        if not isinstance(found, Tensor) or found.dim():
            said = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise RecipeError(
                f"loss(outputs, targets) must return one number, but returns {said}; take its mean"
            )
        return found


@dataclass(frozen=True)
class OwnStep:
    """module.training_step(batch), as Lightning has it: batch is (x, y), x a tuple where there are several inputs.

    Args:
        name: of the method.
        inputs: so many of the parts are inputs; the others are targets.
    """

    name: str
    inputs: int

    def __call__(self, module: nn.Module, *parts: Tensor) -> Any:
        step = getattr(module, self.name)
        x = parts[0] if self.inputs == 1 else tuple(parts[: self.inputs])
        targets = parts[self.inputs :]
        batch = (x, *targets) if targets else x
        wanted = [
            p for p in inspect.signature(step).parameters.values() if p.default is p.empty and p.kind < 2
        ]
        return _scalar(step(batch) if len(wanted) < 2 else step(batch, 0))


def _scalar(found: Any) -> Any:
    if isinstance(found, Mapping):
        found = found[LOSS]
    if isinstance(found, Tensor) and found.dim() == 1 and found.shape[0] == 1:
        return found[0]
    return found


@dataclass(frozen=True)
class OwnGoal:
    """Implements `cotune.engine.goals.base.Goal`.

    Args:
        network: whose module is asked.
        words: tells this goal from others.
        targets: whether it is given the classes or values of the rows; else those parts that are targets.
        judged: asked on validation rows, for the metric "loss".
        act: asked in training.
    """

    network: Module
    words: str
    targets: bool
    act: Callable[..., Any] = field(compare=False, repr=False)
    judged: Callable[..., Any] = field(compare=False, repr=False)

    def losses(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        batch: Batch,
        context: Context,
        keys: Tensor,  # noqa: ARG002
    ) -> Tensor:
        """What the user's function says of each lane's batch [lane]; of mixed examples of both their targets."""
        found = self._ask(weights, statistics, batch.numeric, batch.codes, batch.y, context)
        if batch.partner is None or batch.share is None or not self.targets:
            return found
        other = batch.y.gather(1, batch.partner)
        theirs = self._ask(weights, statistics, batch.numeric, batch.codes, other, context)
        return torch.where(batch.share < 1, batch.share * found + (1 - batch.share) * theirs, found)

    def _ask(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,
        y: Tensor,
        context: Context,
    ) -> Tensor:
        parts = self.network.split(numeric, codes, targets=True)
        asked = (*parts, y) if self.targets else parts
        if isinstance(self.act, OwnLoss):
            return self._each(self.act, weights, statistics, asked, context)
        return self.network.ask(self.act, weights, statistics, asked, context).float().view(len(numeric))

    def _each(
        self,
        act: OwnLoss,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        asked: Sequence[Tensor],
        context: Context,
    ) -> Tensor:
        """Forward together, the user's loss lane by lane: its sums may round otherwise in a group."""
        *inputs, targets = asked
        answers = self.network.ask(None, weights, statistics, inputs, context)
        losses = [act.of(answer, target) for answer, target in zip(answers, targets, strict=True)]
        return torch.stack(losses).float()

    def figures(
        self,
        lanes: Sequence[Lane],
        metrics: Sequence[str],
        weights: Tensor,
        statistics: Tensor,
        layouts: tuple[Layout, Layout],
    ) -> dict[str, Tensor]:
        """Metrics of what the module predicts, and what the function itself says, of each lane's validation rows."""
        usual = [name for name in metrics if name != LOSS]
        found: dict[str, Tensor] = {}
        if usual:
            found = figures(
                lanes,
                usual,
                lambda places: self._predicted(lanes, places, weights, statistics, layouts, usual[0]),
            )
        losses = [
            self.loss_on(lane, lane.validation, weights[i : i + 1], statistics[i : i + 1], layouts)
            for i, lane in enumerate(lanes)
        ]
        return {**found, LOSS: torch.tensor(losses, dtype=torch.float64)}

    def _predicted(
        self,
        lanes: Sequence[Lane],
        places: list[int],
        weights: Tensor,
        statistics: Tensor,
        layouts: tuple[Layout, Layout],
        metric: str,
    ) -> Tensor:
        from cotune.engine.metrics import METRICS

        some = [lanes[place] for place in places]
        variant, rows = some[0].variant, some[0].validation
        numeric, codes = (part[rows].to(weights.device) for part in (variant.numeric, variant.codes))
        logits = outputs(some, weights[places], statistics[places], layouts, numeric, codes)
        return predictions(logits, some, _none, classification=METRICS[metric].classification)

    def loss_on(
        self, lane: Lane, rows: Tensor, weights: Tensor, statistics: Tensor, layouts: tuple[Layout, Layout]
    ) -> float:
        """The mean of the user's function over rows of a lane, in evaluation, some rows at a time."""
        views, moments = layouts[0].views(weights), layouts[1].views(statistics.clone())
        alone = replace(self.network, alone="to be judged", random=True)
        goal, device, total = replace(self, network=alone, act=self.judged), weights.device, 0.0
        context = Context(False, (), draw=lambda count: torch.zeros(1, count, dtype=torch.int8))
        with torch.no_grad():
            for some in rows.split(ROWS):  # type: ignore[no-untyped-call]
                numeric, codes, y = (
                    part[some].unsqueeze(0).to(device)
                    for part in (lane.variant.numeric, lane.variant.codes, lane.variant.target)
                )
                total += float(goal._ask(views, moments, numeric, codes, y, context)) * len(some)
        return total / len(rows)


def _none(_: int) -> Tensor:
    raise AssertionError("a loss of the user's own has no neighbours")
