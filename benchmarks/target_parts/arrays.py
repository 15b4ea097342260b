"""A task's rows, as networks read them: written once for all peers, by cotune's own split and preparation.

| symbol   | meaning                                            | shape                   |
|----------|----------------------------------------------------|-------------------------|
| numeric  | what networks read of a row                        | row feature             |
| codes    | of series, their lengths; of nodes, their numbers  | row 1                   |
| y        | class, or standardised value                       | row                     |
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from family_parts.folder import DATA

from cotune.api import build_recipe
from cotune.data import load, split
from cotune.engine.lanes import Lane
from cotune.space import from_recipe
from cotune.study.lanes import LaneFactory
from cotune.study.rules.mending import settled
from cotune.study.rules.rule import Given
from cotune.study.settling.resolve import division, preset, resolve
from cotune.types import LaneId
from target_parts.tasks import TASKS, Task


@dataclass(frozen=True)
class Ready:
    """A task for one seed, on disk.

    Args:
        task: which.
        source: what cotune reads.
        arrays: what peers read, an npz file.
        facts: rows of each part, and the rest of a peer's request.
    """

    task: Task
    source: Path
    arrays: Path
    facts: dict[str, Any] = field(default_factory=dict)


def ready(name: str, folder: Path, *, seed: int) -> Ready:
    """Write the file that cotune reads, where it is not the source, and the arrays of peers."""
    task = TASKS[name]
    path = DATA / task.source
    source = path if task.cut is None else task.cut(path, folder, seed)
    lane, test = middle_lane(task, source, seed=seed)
    parts = {"train": lane.train.numpy(), "validation": lane.validation.numpy(), "test": test}
    variant = lane.variant
    arrays: dict[str, Any] = {}
    for part, rows in parts.items():
        arrays[f"{part}_x"] = variant.numeric[rows].numpy()
        arrays[f"{part}_codes"] = variant.codes[rows].numpy()
        arrays[f"{part}_y"] = variant.target[rows].numpy()
    if variant.world is not None:
        world = variant.world
        arrays |= {
            "edges": np.stack([world.looped.rows.numpy(), world.looped.columns.numpy()]),
            "feature_rows": world.sparse.rows.numpy(),
            "feature_columns": world.sparse.columns.numpy(),
            "feature_values": world.sparse.factors.numpy(),
            "graph_shape": np.array([world.padded, world.inputs]),
        }
    out = folder / "arrays.npz"
    np.savez(out, **arrays)
    facts = {
        "family": task.fixed["family"], "classes": variant.classes, "shape": list(variant.shape),
        "fixed": dict(task.fixed), "space": dict(task.space), "epochs": task.epochs, "batch": task.batch,
        "metric": task.metric, "every": task.every, "rows": {part: len(rows) for part, rows in parts.items()},
    }  # fmt: skip
    return Ready(task, source, out, facts)


def middle_lane(task: Task, source: Path, *, seed: int) -> tuple[Lane, np.ndarray]:
    """A lane in the middle of the space, as a study of the task would make it, and the numbers of the test rows."""
    recipe = build_recipe({"data": {"target": task.target}, "search": {"seed": seed}}, **task.keys())
    dataset = load(str(source), target=task.target)
    divided = division(recipe, dataset)
    splits = split(dataset, divided, seed=seed)
    chosen = preset(recipe, dataset, splits).model_copy(update={"split": divided})
    resolved = resolve(chosen, dataset, splits)
    resolved, _ = settled(resolved, Given.of(resolved, dataset, splits))
    space = from_recipe(resolved)
    searched = {parameter.name for parameter in space.parameters}
    assert searched == set(task.space), f"cotune would search {searched}, the peers {set(task.space)}"
    lane = LaneFactory(resolved, space, dataset, splits).lane(
        LaneId(-1, 0), space.from_unit([0.5] * len(space.parameters))
    )
    return lane, splits.test
