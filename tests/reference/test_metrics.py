"""Every metric equals scikit-learn's, with ties, absent classes, one class and constant targets."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from cotune.engine.metrics import METRICS as EVERY
from cotune.engine.metrics.probabilities import BINS
from cotune.engine.parallel import one_thread_a_kernel
from engine.places import on_gpu

LANES = 3
PLACES = ["compiled"]  # metrics know nothing of how lanes step


def labels(p: np.ndarray) -> np.ndarray:
    return p.argmax(1)


def one_versus_rest(score: Callable[..., float]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Scikit-learn's binary figure; its mean over the classes that occur, as it refuses absent ones."""

    def of(y: np.ndarray, p: np.ndarray) -> float:
        if p.shape[1] == 2:
            return float(score(y, p[:, 1]))
        return float(np.mean([score(y == c, p[:, c]) for c in sorted(set(y))]))

    return of


def averaged(score: Callable[..., float], average: str) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda y, p: score(y, labels(p), average=average, zero_division=0)


def calibration_error(y: np.ndarray, p: np.ndarray) -> float:
    """From scikit-learn's reliability diagram, which leaves out empty bins and does not tell their sizes."""
    confidence = p.max(1)
    right, sure = calibration_curve(labels(p) == y, confidence, n_bins=BINS)
    rows = np.bincount(np.ceil(confidence * BINS).astype(int), minlength=BINS + 1)
    return float(rows[rows > 0] @ np.abs(right - sure) / len(y))


KNOWN = {
    "accuracy": lambda y, p: sk.accuracy_score(y, labels(p)),
    "balanced_accuracy": lambda y, p: np.mean(  # its own warns when a predicted class is absent
        sk.recall_score(y, labels(p), labels=sorted(set(y)), average=None)
    ),
    **{f"precision_{a}": averaged(sk.precision_score, a) for a in ("macro", "micro", "weighted")},
    **{f"recall_{a}": averaged(sk.recall_score, a) for a in ("macro", "micro", "weighted")},
    **{f"f1_{a}": averaged(sk.f1_score, a) for a in ("macro", "micro", "weighted")},
    "mcc": lambda y, p: sk.matthews_corrcoef(y, labels(p)),
    "roc_auc": one_versus_rest(sk.roc_auc_score),
    "pr_auc": one_versus_rest(sk.average_precision_score),
    "log_loss": lambda y, p: sk.log_loss(y, p, labels=range(p.shape[1])),
    "brier": lambda y, p: sk.brier_score_loss(y, p[:, 1] if p.shape[1] == 2 else p, labels=range(p.shape[1])),
    "calibration_error": calibration_error,
    "r2": sk.r2_score,
    "rmse": sk.root_mean_squared_error,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
}
METRICS = {name: metric for name, metric in EVERY.items() if not (metric.own or metric.generation)}
"""Those of predictions: what a loss of the user's own says is no function of them."""
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


@pytest.mark.parametrize("seed", range(40))
def test_classification_at_random(seed: int) -> None:
    """Any share of the classes among the rows and the predictions; half of the cases with ties."""
    rng = np.random.default_rng(seed)
    classes, rows = int(rng.integers(2, 7)), int(rng.integers(2, 90))
    y = rng.choice(classes, rows, p=rng.dirichlet(np.full(classes, 0.4)))
    y[:2] = rng.permutation(classes)[:2]  # what scikit-learn's curves need
    logits = rng.choice([0.3, 3, 10]) * rng.normal(size=(LANES, rows, classes))
    logits[:, :, rng.integers(classes)] -= rng.choice([0, 10])  # scikit-learn's log loss cuts off at 2e-16
    logits = logits.clip(-15, 15)
    if seed % 2:
        logits = logits.round()
    f = torch.from_numpy(logits).log_softmax(-1)
    p = f.softmax(-1).numpy()
    for name in CLASSIFIERS:
        found = METRICS[name].compute(f, torch.from_numpy(y))
        expected = [KNOWN[name](y, p[lane]) for lane in range(LANES)]
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("rows", [2, 63, 256, 1001])
def test_a_lanes_figure_is_its_own(name: str, rows: int) -> None:
    """To the bit, whichever lanes are beside it."""
    g = torch.Generator().manual_seed(rows)
    classes = 5
    if METRICS[name].classification:
        f = (3 * torch.randn(33, rows, classes, generator=g)).log_softmax(-1)
        y = torch.randint(classes, (rows,), generator=g)
    else:
        f = torch.randn(33, rows, generator=g, dtype=torch.float64)
        y = torch.randn(rows, generator=g, dtype=torch.float64)
    compute = METRICS[name].compute
    with one_thread_a_kernel():
        together = compute(f, y)
        cut = {size: torch.cat([compute(some, y) for some in f.split(size)]) for size in (1, 2, 3, 8)}
    assert together.isfinite().all()
    assert together.unique().numel() > 1
    assert [size for size, figures in cut.items() if not torch.equal(together, figures)] == []


@on_gpu
@pytest.mark.parametrize("name", METRICS)
def test_a_gpu_finds_the_same(name: str) -> None:
    g = torch.Generator().manual_seed(1)
    if METRICS[name].classification:
        f, y = torch.randn(9, 300, 4, generator=g).log_softmax(-1), torch.randint(4, (300,), generator=g)
    else:
        f, y = torch.randn(9, 300, generator=g).double(), torch.randn(300, generator=g).double()
    found = METRICS[name].compute(f.cuda(), y.cuda())
    assert (found.device.type, found.dtype) == ("cuda", torch.float64)
    torch.testing.assert_close(found.cpu(), METRICS[name].compute(f, y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc"])
def test_where_the_class_does_not_occur_there_is_no_area(name: str) -> None:
    f = torch.randn(LANES, 9, 2).log_softmax(-1)
    assert METRICS[name].compute(f, torch.zeros(9, dtype=torch.int64)).isnan().all()


def test_areas_of_ties() -> None:
    """Half for ROC; the share of the class for precision and recall."""
    f, y = torch.zeros(1, 10, 2).log_softmax(-1), (torch.arange(10) % 5 == 0).long()
    assert METRICS["roc_auc"].compute(f, y).tolist() == [0.5]
    assert METRICS["pr_auc"].compute(f, y).tolist() == [0.2]


def test_confidence_at_an_edge_is_of_the_bin_below() -> None:
    """0.6 is the upper edge of bin 8; a row just above it is in another bin, where its error counts by itself."""
    p = torch.tensor([[0.6, 0.4], [0.6 + 1e-9, 0.4 - 1e-9]], dtype=torch.float64)
    found = METRICS["calibration_error"].compute(p.log().unsqueeze(0), torch.tensor([0, 1]))
    assert found.tolist() == pytest.approx([(0.4 + 0.6) / 2], abs=1e-6)


def test_one_class_everywhere_has_no_correlation() -> None:
    f = torch.randn(LANES, 9, 3).log_softmax(-1)
    assert METRICS["mcc"].compute(f, torch.ones(9, dtype=torch.int64)).tolist() == [0.0] * LANES


@pytest.mark.parametrize("kind", ["usual", "large offset", "constant", "zeros"])
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
    if kind == "zeros":
        y[::7] = 0
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


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is_and_whence(name: str) -> None:
    """The generated pages print both."""
    assert len(METRICS[name].compute.__doc__ or "") > 10
    assert METRICS[name].source


def test_metrics_of_probabilities_see_more_than_the_order_of_classes() -> None:
    """Marked are those, and only those, that change when every lane is made less sure of the same labels."""
    g = torch.Generator().manual_seed(5)
    y = torch.randint(3, (60,), generator=g)
    logits = 4 * torch.randn(1, 60, 3, generator=g)
    sure, unsure = (scale.log_softmax(-1) for scale in (logits, logits / 8))
    for name in CLASSIFIERS:
        compute = METRICS[name].compute
        changed = not torch.equal(compute(sure, y), compute(unsure, y))
        assert changed == METRICS[name].needs_probabilities, name
