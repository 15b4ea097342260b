"""Metrics: the figure that steers the search, or stands beside it."""

from cotune.catalogue.derive import CLASSES, VALUES, technique, told
from cotune.engine.metrics import METRICS

METRIC_ROWS = tuple(
    technique(
        "metric", name, {"metric": name}, {"metric": "auto"}, reference=metric.source, summary=told(metric.compute),
        tasks=CLASSES if metric.classification else VALUES,
    )
    for name, metric in METRICS.items()
    if not metric.own
)  # fmt: skip
