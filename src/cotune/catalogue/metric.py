"""Metrics: the figure that steers the search, or stands beside it."""

from cotune.catalogue.derive import CLASSES, PREDICTING, VALUES, technique, told
from cotune.engine.metrics import METRICS
from cotune.types import Task

GENERATION = (Task.GENERATION,)

METRIC_ROWS = tuple(
    technique(
        "metric", name, {"metric": name}, {"metric": "auto"}, reference=metric.source, summary=told(metric.compute),
        tasks=GENERATION if metric.generation else CLASSES if metric.classification else VALUES,
        families=("gan",) if metric.generation else PREDICTING,
    )
    for name, metric in METRICS.items()
    if not metric.own
)  # fmt: skip
