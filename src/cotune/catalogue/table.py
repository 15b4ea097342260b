"""All techniques, and the rows in which they are listed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cotune.catalogue.activation import ACTIVATION_ROWS
from cotune.catalogue.after import AFTER_ROWS
from cotune.catalogue.architecture import ARCHITECTURE_ROWS
from cotune.catalogue.augmentation import AUGMENTATION_ROWS
from cotune.catalogue.base import Technique
from cotune.catalogue.batch import BATCH_ROWS
from cotune.catalogue.generation import GENERATION_ROWS
from cotune.catalogue.graphs import (
    GRAPH_INITIALISATION_ROWS,
    GRAPH_PREPARATION_ROWS,
    GRAPH_REGULARISATION_ROWS,
    GRAPH_ROWS,
)
from cotune.catalogue.initialisation import INITIALISATION_ROWS
from cotune.catalogue.loss import LOSS_ROWS
from cotune.catalogue.metric import METRIC_ROWS
from cotune.catalogue.normalisation import NORMALISATION_ROWS
from cotune.catalogue.optimizer import OPTIMIZER_ROWS
from cotune.catalogue.parameters import parameter
from cotune.catalogue.preparation import PREPARATION_ROWS
from cotune.catalogue.regularisation import REGULARISATION_ROWS
from cotune.catalogue.schedule import SCHEDULE_ROWS
from cotune.catalogue.sequence import SEQUENCE_ROWS
from cotune.catalogue.text import TEXT_ROWS
from cotune.catalogue.validation import VALIDATION_ROWS
from cotune.errors import RecipeError, did_you_mean

_ALL: dict[str, Sequence[Technique]] = {
    "preparation": (*PREPARATION_ROWS, *GRAPH_PREPARATION_ROWS),
    "augmentation": AUGMENTATION_ROWS,
    "architecture": ARCHITECTURE_ROWS,
    "activation": ACTIVATION_ROWS,
    "loss": LOSS_ROWS,
    "initialisation": (*INITIALISATION_ROWS, *GRAPH_INITIALISATION_ROWS),
    "normalisation": NORMALISATION_ROWS,
    "regularisation": (*REGULARISATION_ROWS, *GRAPH_REGULARISATION_ROWS),
    "sequence": SEQUENCE_ROWS,
    "graph": GRAPH_ROWS,
    "text": TEXT_ROWS,
    "optimizer": OPTIMIZER_ROWS,
    "schedule": SCHEDULE_ROWS,
    "batch": BATCH_ROWS,
    "generation": GENERATION_ROWS,
    "validation": VALIDATION_ROWS,
    "metric": METRIC_ROWS,
    "after": AFTER_ROWS,
}

KINDS: dict[str, tuple[Technique, ...]] = {
    kind: tuple(technique for technique in some if technique.families and technique.data)
    for kind, some in _ALL.items()
}
"""Techniques by kind, in the order in which a study meets them. What nothing can be trained with is left out."""

TECHNIQUES: dict[str, Technique] = {
    f"{technique.kind}/{technique.name}": technique for some in KINDS.values() for technique in some
}
"""By kind and name: "optimizer/lion"."""


def of_kind(kind: str | None = None) -> list[Technique]:
    """The techniques of a kind; all if `None`.

    Raises:
        RecipeError: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        law = f"techniques are of the kinds {', '.join(KINDS)}, but got {kind!r}"
        raise RecipeError(law + did_you_mean(kind, list(KINDS)))
    return [technique for technique in TECHNIQUES.values() if kind in (None, technique.kind)]


def rows(kind: str | None = None) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [_plain(technique) for technique in of_kind(kind)]


def _plain(technique: Technique) -> dict[str, Any]:
    return {
        "name": technique.name,
        "kind": technique.kind,
        "families": list(technique.families),
        "data": list(technique.data),
        "tasks": [task.value for task in technique.tasks],
        "parameters": [
            {**asdict(found), "range": list(found.range)} for found in map(parameter, technique.parameters)
        ],
        "reference": technique.reference,
        "on": dict(technique.on),
        "off": dict(technique.off),
        "asks": list(technique.asks),
        "command": technique.command or None,
        "summary": technique.summary,
    }
