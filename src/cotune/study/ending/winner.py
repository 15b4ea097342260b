"""The winner: a study's model and its figures on the test rows."""

from typing import Any

import numpy as np
import torch

from cotune.data.forecasts.windows import Windows
from cotune.data.tables.stored import slices
from cotune.engine.goals.own import LOSS, OwnGoal
from cotune.nets.layout import Layout
from cotune.product import Model
from cotune.study.ending.after import Made
from cotune.study.prepared import Prepared
from cotune.study.settling.forecasts import forecast_facts
from cotune.types import LaneId, Task, TrialResult

SCATTER = 2000
"""Test rows kept for the report's plot of predictions."""


def tested(prepared: Prepared, winner: TrialResult, made: Made) -> dict[str, Any]:
    """Test figures of the model, and of the best trial alone; the only place where the test rows are looked at."""
    dataset, rows = prepared.dataset, prepared.splits.test
    if dataset.task is Task.OWN:
        return _by_own_loss(prepared, winner, made)
    y, model = dataset.y[rows], made.model

    def raw_of(asked: Model) -> Any:
        return asked.outputs(dataset.frame[rows[some]] for some in slices(len(rows), dataset.frame.width))

    def figures(asked: Model, raw: Any) -> dict[str, float | None]:
        found = asked.figures(raw, y)
        return {name: value if np.isfinite(value) else None for name, value in found.items()}

    raw = raw_of(model)
    found: dict[str, Any] = {
        "trial": winner.number,
        "score": winner.score,
        "test": figures(model, raw),
        "lanes": len(model.networks),
        "parameters": model.size,
        "after": made.facts,
    }
    if model is not made.single:
        single = made.single
        found["single"] = {
            "test": figures(single, raw_of(single)),
            "lanes": len(single.networks),
            "parameters": single.size,
        }
    if dataset.task is Task.REGRESSION:
        some = np.linspace(0, len(rows) - 1, min(SCATTER, len(rows))).astype(int)
        one = len(dataset.targets) < 2
        if one or isinstance(dataset.frame, Windows):  # of several targets each has a unit of its own
            drawn = np.linspace(0, y[some].size - 1, min(SCATTER, y[some].size)).astype(int)
            pairs = y[some].ravel()[drawn], raw[some].flatten()[drawn]
            found["scatter"] = {"actual": pairs[0].tolist(), "predicted": pairs[1].tolist()}
        if isinstance(dataset.frame, Windows):
            found |= forecast_facts(dataset.frame, rows, raw.numpy())
    else:
        said = model.decide(raw).numpy()
        table = np.zeros((len(dataset.classes), len(dataset.classes)), dtype=int)
        np.add.at(table, (np.asarray(y, dtype=np.int64), said), 1)
        found["confusion"] = table.tolist()
    return found


def _by_own_loss(prepared: Prepared, winner: TrialResult, made: Made) -> dict[str, Any]:
    """The same where all that is known of the test rows is what the user's own loss says of them."""
    rows, losses = torch.from_numpy(prepared.splits.test), []
    for index, network in enumerate(made.model.networks):
        lane = prepared.factory.lane(LaneId(winner.number, index), winner.params)
        goal, shape = lane.structure.goal, lane.structure.network
        assert isinstance(goal, OwnGoal)
        layouts = Layout.of(shape.weights()), Layout.of(shape.statistics())
        flat = []
        for layout in layouts:
            row = torch.zeros(1, layout.size)
            for name, view in layout.views(row).items():
                view[0] = network.tensors[name]
            flat.append(row)
        losses.append(goal.loss_on(lane, rows, flat[0], flat[1], layouts))
    return {
        "trial": winner.number,
        "score": winner.score,
        "test": {LOSS: float(np.mean(losses))},
        "lanes": len(made.model.networks),
        "parameters": made.model.size,
        "after": made.facts,
    }
