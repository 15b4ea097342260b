"""The winner: from a study's ending to a model, and to its figures on the test rows."""

from typing import Any

import numpy as np

from cotune.data.stored import slices
from cotune.engine.lanes import mlp_of
from cotune.engine.loss import LOSSES
from cotune.product import Model
from cotune.product.network import Network
from cotune.study.loop import Ending
from cotune.study.prepared import Prepared
from cotune.types import Task

SCATTER = 2000
"""Test rows kept for the report's plot of predictions."""


def model_of(prepared: Prepared, ending: Ending) -> Model:
    """The networks of the best trial's folds and seeds, with the pipelines of their rows."""
    assert ending.winner is not None
    networks = [
        Network.cut(
            mlp_of(item.lane),
            item.lane.width,
            item.lane.activation,
            LOSSES[item.lane.loss].link,
            item.weights,
            item.statistics,
            prepared.factory.pipeline(item.lane.id, ending.winner.params),
        )
        for item in ending.lanes
    ]
    data = prepared.dataset
    return Model(data.task, data.target, data.classes, networks, data.label_type)


def tested(prepared: Prepared, ending: Ending, model: Model) -> dict[str, Any]:
    """Test figures of the winner; the only place where the test rows are looked at."""
    dataset, rows = prepared.dataset, prepared.splits.test
    assert ending.winner is not None
    y = dataset.y[rows]
    raw = model.outputs(dataset.frame[rows[some]] for some in slices(len(rows), dataset.frame.width))
    found: dict[str, Any] = {
        "trial": ending.winner.number,
        "score": ending.winner.score,
        "test": {
            name: value if np.isfinite(value) else None for name, value in model.figures(raw, y).items()
        },
        "lanes": len(model.networks),
        "parameters": model.size,
    }
    if dataset.task is Task.REGRESSION:
        some = np.linspace(0, len(rows) - 1, min(SCATTER, len(rows))).astype(int)
        found["scatter"] = {"actual": y[some].tolist(), "predicted": raw[some].tolist()}
    else:
        said = raw.argmax(-1).numpy()
        table = np.zeros((len(dataset.classes), len(dataset.classes)), dtype=int)
        np.add.at(table, (np.asarray(y, dtype=np.int64), said), 1)
        found["confusion"] = table.tolist()
    return found
