"""After training: laws of ensembles, temperature and threshold, on made-up members."""

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.metrics import log_loss as sklearn_log_loss
from torch import Tensor

from cotune.engine.metrics import METRICS
from cotune.nets.mlp import MLP
from cotune.product.after import ENSEMBLES, Evidence
from cotune.product.after.pool import pool
from cotune.product.after.snapshot import snapshot
from cotune.product.after.soup import can_mix, mixed, soup
from cotune.product.after.stacking import stacking
from cotune.product.after.temperature import log_loss, scaled, temperature
from cotune.product.after.threshold import by_labels, candidates, decided, threshold
from cotune.product.network import Network

LABELS = ("accuracy", "balanced_accuracy", "f1_macro")


def evidence(metric: str, *, members: int = 6, rows: int = 240, classes: int = 3, seed: int = 0) -> Evidence:
    """Members that know something each, the best first; two folds."""
    made = torch.Generator().manual_seed(seed)
    noise = torch.linspace(0.8, 2.0, members, dtype=torch.float64)
    if METRICS[metric].classification:
        y = torch.randint(0, classes, (rows,), generator=made)
        signal = 2.0 * F.one_hot(y, classes).double()
        each = torch.randn(members, rows, classes, generator=made, dtype=torch.float64)
        f = F.log_softmax(signal + noise.view(-1, 1, 1) * each, dim=-1)
    else:
        y = 5 + 3 * torch.randn(rows, generator=made, dtype=torch.float64)
        f = y + noise.view(-1, 1) * torch.randn(members, rows, generator=made, dtype=torch.float64)
    found = Evidence(f, y, [rows // 3, rows - rows // 3], metric)
    keys = found.keys(found.f)
    order = sorted(range(members), key=keys.__getitem__)
    return replace(found, f=f[order])


def said(found: Evidence, weights: Sequence[float]) -> Tensor:
    return pool(found.f, weights, classification=found.classification)


def score(found: Evidence, weights: Sequence[float]) -> float:
    return float(found.of(said(found, weights).unsqueeze(0), found.metric)[0])


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "r2", "mae"])
@pytest.mark.parametrize("name", ENSEMBLES)
def test_weights_are_none_negative_and_their_sum_is_one(name: str, metric: str) -> None:
    for seed in range(3):
        found = evidence(metric, seed=seed)
        weights = ENSEMBLES[name](found)
        assert len(weights) == found.members
        assert min(weights) >= 0
        assert sum(weights) == pytest.approx(1.0, abs=1e-12)
        alone = replace(found, f=found.f[:1])
        assert ENSEMBLES[name](alone) == [1.0]
        assert torch.equal(said(alone, [1.0]), found.f[0]), "one member speaks for itself, bit for bit"


@pytest.mark.parametrize("metric", [n for n, m in METRICS.items() if not (m.own or m.generation)])
@pytest.mark.parametrize("name", ["greedy", "snapshot"])
def test_chosen_ensembles_are_never_worse_than_the_first_member(name: str, metric: str) -> None:
    sign = 1 if METRICS[metric].maximize else -1
    gains = []
    for seed in range(4):
        found = evidence(metric, classes=2 + seed % 2, seed=seed)
        alone = float(found.of(found.f[:1], metric)[0])
        gains.append(sign * (score(found, ENSEMBLES[name](found)) - alone))
    assert min(gains) >= -1e-12
    if metric != "calibration_error":  # averages of confident members are less so
        assert max(gains) > 1e-3, "members that err independently help each other"


def test_greedy_stays_alone_where_nobody_helps() -> None:
    found = evidence("log_loss")
    wrong = F.log_softmax(-found.f[1:], dim=-1)
    assert ENSEMBLES["greedy"](replace(found, f=torch.cat([found.f[:1], wrong])))[0] == 1.0


def test_greedy_is_as_good_as_trying_each_by_hand() -> None:
    """Two rounds, each by a plain loop over members."""
    found = evidence("mse", members=4)
    values, y = found.f.numpy(), found.y.numpy()

    def error(chosen: list[int]) -> float:
        squared = (values[chosen].mean(0) - y) ** 2
        return float(np.mean([part.mean() for part in np.split(squared, [found.folds[0]])]))

    chosen = [0]
    while True:
        more = min((error([*chosen, i]), i) for i in range(4))
        if more[0] >= error(chosen) or len(chosen) > 30:
            break
        chosen.append(more[1])
    weights = ENSEMBLES["greedy"](found)
    mine = (torch.tensor(weights, dtype=torch.float64).unsqueeze(1) * found.f).sum(0).numpy()
    squared = (mine - y) ** 2
    assert np.mean([p.mean() for p in np.split(squared, [found.folds[0]])]) <= error(chosen) + 1e-12


@pytest.mark.parametrize("metric", ["accuracy", "r2"])
@pytest.mark.parametrize("name", ["weighted", "stacking"])
def test_a_better_member_counts_more(name: str, metric: str) -> None:
    found = evidence(metric, members=2, rows=2000)
    weights = ENSEMBLES[name](replace(found, f=found.f.flip(0)))
    assert weights[1] > weights[0] > 0


def test_stacking_finds_the_weights_that_made_the_target() -> None:
    found = evidence("mse", members=4, rows=600)
    f = torch.randn(4, 600, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = 0.7 * f[0] + 0.3 * f[2]
    weights = stacking(replace(found, f=f, y=y, folds=[200, 400]))
    assert weights == pytest.approx([0.7, 0.0, 0.3, 0.0], abs=0.02)


def test_stacking_is_scikit_learns_non_negative_ridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["cotune.product.after.stacking"], "PENALTIES", (0.03,))
    found = evidence("accuracy", members=5)
    x = found.f.exp().flatten(1).T.numpy()
    t = F.one_hot(found.y, 3).double().flatten().numpy()
    ridge = Ridge(alpha=0.03 * 240, positive=True, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x, t)
    assert stacking(found) == pytest.approx((ridge.coef_ / ridge.coef_.sum()).tolist(), abs=1e-4)


def test_stacking_falls_back_on_the_best_where_nothing_helps() -> None:
    found = evidence("mse", members=2, rows=100)
    y = found.y - found.y.mean()
    assert stacking(replace(found, f=torch.stack([-y, -2 * y]), y=y)) == [1.0, 0.0]


def test_a_snapshot_ensemble_takes_the_last_few() -> None:
    found = evidence("log_loss", members=4)
    spoilt = replace(found, f=torch.cat([found.f[:2], F.log_softmax(-3 * found.f[2:], dim=-1)]))
    weights = snapshot(spoilt)
    assert weights[2:] == [0.0, 0.0]
    assert weights[0] in (1.0, 0.5)


def test_a_pool_averages_probabilities() -> None:
    found = evidence("accuracy", members=3)
    weights = [0.5, 0.0, 0.5]
    p = said(found, weights).exp()
    assert p.sum(-1) == pytest.approx(1.0)
    assert torch.allclose(p, (found.f[0].exp() + found.f[2].exp()) / 2, atol=1e-14)
    equal = [1 / 3] * 3
    assert torch.allclose(said(found, equal).exp(), found.f.exp().mean(0), atol=1e-14)


# ---------------------------------------------------------------------- temperature


@pytest.mark.parametrize("boldness", [0.2, 0.7, 1.0, 1.6, 5.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_temperature_undoes_boldness_and_keeps_the_labels(boldness: float, classes: int) -> None:
    made = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(4000, classes, generator=made, dtype=torch.float64)
    y = torch.multinomial(logits.softmax(-1), 1, generator=made).squeeze(1)
    f = F.log_softmax(boldness * logits, dim=-1)
    found = temperature(f, y)
    assert found == pytest.approx(boldness, rel=0.08)
    after = scaled(f, found)
    assert torch.equal(after.argmax(-1), f.argmax(-1))
    assert log_loss(after, y) <= log_loss(f, y)
    assert log_loss(f, y) == pytest.approx(sklearn_log_loss(y.numpy(), f.exp().numpy()))
    if boldness in (0.2, 5.0):
        wrong, less = METRICS["calibration_error"].compute(torch.stack([f, after]), y).tolist()
        assert less < 0.3 * wrong


def test_temperature_never_raises_the_loss() -> None:
    for seed in range(5):
        found = evidence("log_loss", members=1, rows=60, seed=seed)
        assert log_loss(scaled(found.f[0], temperature(found.f[0], found.y)), found.y) <= log_loss(
            found.f[0], found.y
        )
    right = F.log_softmax(torch.tensor([[2.0, 0.0]] * 50, dtype=torch.float64), dim=-1)
    found, more = (temperature(right.repeat(n, 1), torch.zeros(50 * n, dtype=torch.int64)) for n in (1, 20))
    assert more < found < 1.0, "the more rows are told right, the bolder"
    assert found > 0.6, "fifty rows without a mistake are no reason to be certain"
    f = torch.full((50, 2), 0.5, dtype=torch.float64).log()
    assert temperature(f, torch.arange(50) % 2) == 1.0, "nothing to gain"
    assert scaled(f, 1.0) is f


# ---------------------------------------------------------------------- threshold


@pytest.mark.parametrize("metric", LABELS)
def test_a_threshold_is_at_least_as_good_as_one_half(metric: str) -> None:
    gains = []
    for seed in range(4):
        made = np.random.default_rng(seed)
        y = torch.from_numpy((made.random(500) < 0.15).astype(np.int64))
        z = torch.from_numpy(made.normal(size=500)) + 1.5 * y - 2
        f = F.log_softmax(torch.stack([torch.zeros_like(z), z], dim=-1), dim=-1)
        found = Evidence(f.unsqueeze(0), y, [200, 300], metric)
        t = threshold(f, lambda g, found=found: found.of(g, metric), maximize=True)
        half, tuned = (float(found.of(decided(f, x).unsqueeze(0), metric)[0]) for x in (None, t))
        gains.append(tuned - half)
        labels = (f[:, 1].exp() > t).long()
        assert torch.equal(decided(f, t).argmax(-1), labels), "p above the threshold is positive"
        parts = zip(labels.split(found.folds), y.split(found.folds), strict=True)
        by_hand = {"accuracy": accuracy_score, "f1_macro": lambda a, b: f1_score(a, b, average="macro")}
        if metric in by_hand:
            assert tuned == pytest.approx(np.mean([by_hand[metric](b, a) for a, b in parts]))
    assert min(gains) >= 0
    if metric != "accuracy":
        assert max(gains) > 0.02, "a rare class needs a lower threshold"


def test_of_equal_thresholds_the_one_nearest_to_a_half_is_taken() -> None:
    f = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]], dtype=torch.float64).log()
    found = Evidence(f.unsqueeze(0), torch.tensor([0, 0, 1]), [3], "accuracy")
    assert threshold(f, lambda g: found.of(g, "accuracy"), maximize=True) == 0.5
    assert decided(f, None) is f


def test_thresholds_tried_lie_between_probabilities() -> None:
    f = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.7, 0.3]], dtype=torch.float64).log()
    between = 1 / (1 + ((0.9 / 0.1) * (0.7 / 0.3)) ** 0.5)
    assert candidates(f) == pytest.approx([0.5, between])
    assert candidates(f[1:]) == [0.5]
    extreme = torch.tensor([[0.0, -900.0], [-900.0, 0.0], [0.0, -800.0]], dtype=torch.float64)
    assert all(0 < t < 1 for t in candidates(extreme))


def test_metrics_of_labels_are_told_from_others() -> None:
    assert {name for name in METRICS if METRICS[name].classification and by_labels(name)} >= set(LABELS)
    assert not any(by_labels(name) for name in ("roc_auc", "log_loss", "r2", "mae"))


# ---------------------------------------------------------------------- soup


class Preparation:
    """Stands for a pipeline: soups only ask whether it is the same one."""


def linear(weight: float, *, width: int = 4, pipeline: object = None) -> Network:
    shape = MLP(1, (), 0, width, 0, "none", False, 1)
    tensors = {"head.weight": torch.full((1, 1), weight), "head.bias": torch.zeros(1)}
    return Network(shape, "relu", tensors, pipeline)  # type: ignore[arg-type]


def test_a_soup_takes_only_what_helps_and_is_the_mean_of_weights() -> None:
    y = 2 * torch.linspace(-1, 1, 60, dtype=torch.float64)
    found = Evidence(y.unsqueeze(0), y, [60], "mse")

    def asked(member: Sequence[Network]) -> Tensor:
        return torch.linspace(-1, 1, 60, dtype=torch.float64) * member[0].tensors["head.weight"].double()[0]

    members = [[linear(1.5)], [linear(2.6)], [linear(-4.0)]]
    weights = soup(members, said=asked, keys=found.keys)
    assert weights == [0.5, 0.5, 0.0]
    mix = mixed([members[0], members[1]])
    assert float(mix[0].tensors["head.weight"]) == pytest.approx(2.05)
    assert found.keys(asked(mix).unsqueeze(0)) < found.keys(asked(members[0]).unsqueeze(0))
    assert soup(members[:1], said=asked, keys=found.keys) == [1.0]
    assert torch.equal(mixed([members[0]])[0].tensors["head.weight"], members[0][0].tensors["head.weight"])


def test_only_like_networks_mix() -> None:
    one, other = Preparation(), Preparation()
    net = linear(1.0, pipeline=one)
    assert can_mix([net], [linear(2.0, pipeline=one)])
    assert not can_mix([net], [linear(2.0, pipeline=other)])
    assert not can_mix([net], [linear(2.0, width=8, pipeline=one)])
    assert not can_mix([net], [replace(linear(2.0, pipeline=one), activation="tanh")])
    assert not can_mix([net], [net, net])
