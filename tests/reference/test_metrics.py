"""Every metric equals scikit-learn's, with ties, absent classes, one class and constant targets."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from cotune.engine.metrics import METRICS

LANES = 3


def labels(p: np.ndarray) -> np.ndarray:
    return p.argmax(1)


def auc(y: np.ndarray, p: np.ndarray) -> float:
    if p.shape[1] == 2:
        return float(sk.roc_auc_score(y, p[:, 1]))
    present = sorted(set(y))  # scikit-learn refuses absent classes: its mean over those that occur
    return float(np.mean([sk.roc_auc_score(y == c, p[:, c]) for c in present]))


KNOWN = {
    "accuracy": lambda y, p: sk.accuracy_score(y, labels(p)),
    "balanced_accuracy": lambda y, p: np.mean(  # its own warns when a predicted class is absent
        sk.recall_score(y, labels(p), labels=sorted(set(y)), average=None)
    ),
    "f1_macro": lambda y, p: sk.f1_score(y, labels(p), average="macro"),
    "roc_auc": auc,
    "log_loss": lambda y, p: sk.log_loss(y, p, labels=range(p.shape[1])),
    "r2": sk.r2_score,
    "rmse": sk.root_mean_squared_error,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
}
CLASSIFIERS = [name for name, metric in METRICS.items() if metric.classification]
REGRESSORS = [name for name, metric in METRICS.items() if not metric.classification]


def test_every_metric_has_its_counterpart() -> None:
    assert sorted(KNOWN) == sorted(METRICS)


def truth(kind: str, rows: int, classes: int) -> np.ndarray:
    y = np.random.default_rng(rows + classes).integers(0, classes, rows)
    y[:2] = [0, 1]
    match kind:
        case "absent class" if classes > 2:
            y[y == classes - 1] = 0
        case "rare class":
            y[:] = 0
            y[0] = 1
    return y


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", ["all classes", "absent class", "rare class"])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classification(name: str, classes: int, kind: str, ties: bool) -> None:
    y = truth(kind, 40, classes)
    logits = torch.randn(LANES, 40, classes, generator=torch.Generator().manual_seed(3))
    if ties:
        logits = logits.round()
    f = logits.double().log_softmax(-1).float()
    found = METRICS[name].compute(f, torch.from_numpy(y))
    assert found.dtype == torch.float64
    p = f.double().softmax(-1).numpy()
    expected = [KNOWN[name](y, p[lane]) for lane in range(LANES)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_one_class_has_no_auc() -> None:
    f = torch.randn(LANES, 9, 2).log_softmax(-1)
    assert METRICS["roc_auc"].compute(f, torch.zeros(9, dtype=torch.int64)).isnan().all()


def test_auc_of_ties_is_half() -> None:
    f = torch.zeros(1, 10, 2).log_softmax(-1)
    assert METRICS["roc_auc"].compute(f, torch.arange(10) % 2).tolist() == [0.5]


@pytest.mark.parametrize("kind", ["usual", "large offset", "constant"])
@pytest.mark.parametrize("name", REGRESSORS)
def test_regression(name: str, kind: str) -> None:
    g = torch.Generator().manual_seed(4)
    y = torch.randn(30, generator=g, dtype=torch.float64)
    f = y + torch.randn(LANES, 30, generator=g, dtype=torch.float64)
    if kind == "large offset":
        y, f = y + 1e6, f + 1e6
    if kind == "constant":
        y = torch.full((30,), 2.5, dtype=torch.float64)
        f[0] = 2.5
    found = METRICS[name].compute(f, y)
    expected = [KNOWN[name](y.numpy(), f[lane].numpy()) for lane in range(LANES)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_the_better_direction(name: str) -> None:
    """Perfect outputs beat poor ones in the direction the metric claims."""
    metric = METRICS[name]
    if metric.classification:
        y = torch.arange(20) % 2
        right = torch.nn.functional.one_hot(y, 2).double() * 8
        f = torch.stack([right, -right]).log_softmax(-1)
    else:
        y = torch.linspace(-1, 1, 20, dtype=torch.float64)
        f = torch.stack([y, -y])
    good, bad = metric.compute(f, y).tolist()
    assert good > bad if metric.maximize else good < bad
