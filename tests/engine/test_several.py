"""Several values a row: losses, figures and noise against one value a row, the plain twin, and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics as known

from cotune.engine.evaluate import in_units, predictions, truth
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.engine.overlapping import overlap, under
from cotune.engine.perturb import Batch, Perturbation
from cotune.engine.several import folded, judged
from cotune.types import Task
from engine.lanes import lane, population, table
from reference.test_twin import compare

THREE = table(rows=76, classes=0, values=3)
OF_VALUES = [name for name, loss in LOSSES.items() if Task.REGRESSION in loss.tasks and name != "poisson"]


@pytest.mark.parametrize("loss", OF_VALUES)
@pytest.mark.parametrize("options", [{}, {"mixup": 0.4}, {"label_noise": 0.3}], ids=str)
def test_lanes_train_as_the_plain_twin(loss: str, options: dict[str, float]) -> None:
    one = lane(variant=THREE, batch_size=19, loss=loss, **options)
    compare(
        one, lane(1, variant=THREE, batch_size=19, loss=loss, width=5, padded=one.structure.network.width)
    )


@pytest.mark.parametrize("loss", OF_VALUES)
@pytest.mark.parametrize("companions", [1, 6])
def test_a_lane_has_the_same_bits_in_company(loss: str, companions: int) -> None:
    lanes = [
        lane(i, variant=THREE, batch_size=13, loss=loss, lr=0.01 * (i + 1)) for i in range(companions + 1)
    ]
    whole, single = population(lanes), population(lanes[:1])
    for _ in range(3):
        together, alone = whole.train_epoch().records[0], single.train_epoch().records[0]
        assert (together.train_loss, together.metrics) == (alone.train_loss, alone.metrics)
    assert torch.equal(whole.state.weights[0], single.state.weights[0])


@pytest.mark.parametrize("loss", OF_VALUES)
def test_a_loss_is_the_mean_of_its_values(loss: str) -> None:
    row = LOSSES[loss]
    p = row.outputs(0, 0)
    g = torch.Generator().manual_seed(1)
    logits, y = torch.randn(2, 5, 16, generator=g), torch.randn(2, 5, 3, generator=g)
    from cotune.engine.losses.inputs import LossInputs

    inputs = LossInputs({"quantile": torch.tensor([0.2, 0.7])}, None, 3 * p, False, torch.zeros(2))
    whole = row.compute(*folded(loss, p, logits, y), inputs)
    each = [row.compute(logits[..., i * p : (i + 1) * p], y[..., i], inputs) for i in range(3)]
    torch.testing.assert_close(whole, torch.stack(each).mean(0))


OF_SKLEARN = {
    "r2": known.r2_score,
    "rmse": known.root_mean_squared_error,
    "mse": known.mean_squared_error,
    "mae": known.mean_absolute_error,
    "mape": known.mean_absolute_percentage_error,
}


@pytest.mark.parametrize("metric", [name for name, metric in METRICS.items() if metric.fits(Task.REGRESSION)])
def test_figures_of_several_values_are_those_of_scikit_learn(metric: str) -> None:
    g = torch.Generator().manual_seed(2)
    y = torch.randn(40, 3, generator=g) * torch.tensor([1.0, 10.0, 100.0]) + 5
    f = y + torch.randn(2, 40, 3, generator=g)
    expected = [OF_SKLEARN[metric](y.double().numpy(), said.double().numpy()) for said in f]
    np.testing.assert_allclose(judged(metric, f, y).numpy(), expected, rtol=1e-9)


def test_values_are_told_in_their_own_units() -> None:
    one = lane(variant=THREE, loss="gaussian")
    logits = torch.randn(1, 8, one.structure.network.outputs)
    said = predictions(logits, [one], lambda _: logits, classification=False)
    mean, scale = torch.tensor(THREE.mean).double(), torch.tensor(THREE.scale).double()
    torch.testing.assert_close(said, logits[..., ::2].double() * scale + mean)
    rows = torch.arange(5)
    torch.testing.assert_close(
        truth(THREE, rows, classification=False), THREE.target[rows].double() * scale + mean
    )
    torch.testing.assert_close(in_units(THREE.target[:5], THREE), truth(THREE, rows, classification=False))


def test_lanes_learn_all_values() -> None:
    many = table(rows=400, classes=0, values=3)
    made = population([lane(variant=many, epochs=20)], metric="r2")
    found = [made.train_epoch().records[0].metrics["r2"] for _ in range(20)]
    assert found[-1] > 0.6 > found[0]


@pytest.mark.parametrize("values", [1, 7])
def test_windows_under_windows_read_the_same(values: int) -> None:
    def windows(seed: int) -> torch.Tensor:
        base = torch.randn(20 + 4, values, generator=torch.Generator().manual_seed(seed))
        return base.as_strided((20, 4 * values), (values, 1))

    one, two = windows(0), windows(1)
    assert overlap(one)
    both = under(one, two)
    assert overlap(both)
    assert both.untyped_storage().nbytes() < one.numel() * 4
    good = torch.arange(16)
    assert torch.equal(both[good], one[good])
    assert torch.equal(both[20 + good], two[good])
    assert torch.equal(under(both, one)[40 + good], one[good])


def test_noise_of_one_value_is_as_it_was_before_there_were_several() -> None:
    single = table(rows=76, classes=0)
    one = lane(variant=single, label_noise=0.5)
    y = single.target[None, :10]
    batch = Batch(single.numeric[None, :10], single.codes[None, :10], y)
    noisy = Perturbation([one], torch.device("cpu")).of_step(torch.tensor([3]), batch).y
    wide = replace(one, variant=replace(single, target=single.target[:, None]))
    again = (
        Perturbation([wide], torch.device("cpu")).of_step(torch.tensor([3]), replace(batch, y=y[..., None])).y
    )
    assert not torch.equal(noisy, y)
    assert torch.equal(noisy, again[..., 0])
