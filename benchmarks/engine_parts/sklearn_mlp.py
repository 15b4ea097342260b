"""scikit-learn's MLPClassifier: Adam, batches, an epoch a call of `partial_fit`.

It knows no dropout, and its penalty is part of the gradient where AdamW's decay is not: it has less to do.
"""

import time

from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from engine_parts.cases import CLASSES, Case, Perceptron, settings
from engine_parts.data import row_sets, rows
from engine_parts.plain import PROBE
from engine_parts.spec import Spec


class Sklearn:
    """One MLPClassifier."""

    def __init__(self, case: Case, spec: Spec, lane: int) -> None:
        if not isinstance(case.network, Perceptron):
            raise ValueError(f"scikit-learn has multi-layer perceptrons alone, but the case is {case.words}")
        (setting,) = settings(case, 1, first=lane)
        x, y = (part[row_sets(case, setting.fold)[0]].numpy() for part in rows(case))
        self._x, self._y = x, y
        self._batch, self._threads = case.batch, spec.threads
        self._model = MLPClassifier(
            (case.network.width,) * case.network.depth,
            batch_size=case.batch,
            learning_rate_init=setting.rate,
            random_state=lane,
        )
        self._model.partial_fit(x[: case.batch], y[: case.batch], classes=list(range(CLASSES)))

    def measure(self, steps: int) -> float:
        """Microseconds a step."""
        count = steps * self._batch
        with threadpool_limits(self._threads):
            began = time.perf_counter()
            self._model.partial_fit(self._x[:count], self._y[:count])
            return (time.perf_counter() - began) / steps * 1e6

    def loss(self) -> float:
        """On the first training rows."""
        found = self._model.predict_proba(self._x[:PROBE])
        return float(log_loss(self._y[:PROBE], found, labels=list(range(CLASSES))))
