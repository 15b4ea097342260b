"""Metrics on validation or test rows, for many lanes at once; every figure equals scikit-learn's where it has one."""

from cotune.engine.metrics.base import Metric as Metric
from cotune.engine.metrics.labels import LABELS
from cotune.engine.metrics.own import OWN
from cotune.engine.metrics.probabilities import PROBABILITIES
from cotune.engine.metrics.samples import SAMPLES
from cotune.engine.metrics.values import VALUES

METRICS: dict[str, Metric] = {**LABELS, **PROBABILITIES, **VALUES, **SAMPLES, **OWN}
"""By the name that recipes use; the first that fits a task and has a meaning is the default."""
