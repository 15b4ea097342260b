"""Losses of lanes that step as a batch, one by one: against the plain twin, at huge logits, and with NaN next door."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from cotune.engine.links import LINKS, link_of
from cotune.engine.loss import LOSSES, LossInputs
from cotune.engine.losses.inputs import NUMBERS
from cotune.engine.plain.losses import loss_of
from engine.lanes import lane, suited, table

CLASSES = [name for name, loss in LOSSES.items() if loss.outputs(3, 0) == 3]
HUGE = 1e4


def inputs_of(name: str, lanes: int, *, weights: Tensor | None = None) -> LossInputs:
    """For so many equal lanes."""
    one = lane(loss=name, variant=suited(name))
    numbers = {n: torch.full((lanes,), one.number(n)) for n in NUMBERS}
    variation = torch.full((lanes,), one.variant.variation)
    return LossInputs(numbers, weights, one.structure.network.outputs, False, variation)


def batch(name: str, *, rows: int = 33, lanes: int = 3, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """Logits [lane row head], whose padding is zero, and targets [lane row]."""
    one = lane(loss=name, variant=suited(name))
    g = torch.Generator().manual_seed(rows)
    logits = torch.randn(lanes, rows, one.structure.network.head, generator=g) * spread
    logits[..., one.structure.network.outputs :] = 0
    return logits, one.variant.target[torch.randint(len(one.variant.target), (lanes, rows), generator=g)]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("rows", [1, 2, 33])
@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_value_and_gradient(name: str, rows: int, spread: float) -> None:
    one = lane(loss=name, variant=suited(name))
    logits, y = batch(name, rows=rows, spread=spread)
    logits.requires_grad_()
    losses = LOSSES[name].compute(logits, y, inputs_of(name, 3))
    losses.sum().backward()
    assert losses.shape == (3,)
    for i in range(3):
        if name == "contrastive" and rows == 1:  # torch has no mean over no pairs
            assert losses[i] == 0
            continue
        alone = logits[i, :, : one.structure.network.outputs].detach().requires_grad_()
        twin = loss_of(one, alone, y[i])
        twin.backward()
        torch.testing.assert_close(losses[i], twin, rtol=2e-5, atol=2e-6)
        found = logits.grad[i]
        torch.testing.assert_close(found[:, : alone.shape[1]], alone.grad, rtol=1e-4, atol=2e-6)
        assert not found[:, alone.shape[1] :].any()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("sign", [1, -1])
def test_huge_logits_have_a_finite_loss_and_gradient(name: str, sign: int) -> None:
    """But for a rate, which is eᶠ."""
    logits, y = batch(name)
    outputs = lane(loss=name, variant=suited(name)).structure.network.outputs
    for column in range(outputs):
        z = logits.clone()
        z[..., column] = sign * HUGE
        z.requires_grad_()
        loss = LOSSES[name].compute(z, y, inputs_of(name, 3))
        loss.sum().backward()
        if name == "poisson" and sign > 0:
            assert not torch.isfinite(loss).any()
            continue
        assert torch.isfinite(loss).all()
        assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_stays_in_its_lane(name: str, bad: float) -> None:
    logits, y = batch(name)
    sound = logits.clone().requires_grad_()
    expected = LOSSES[name].compute(sound, y, inputs_of(name, 3))
    expected.sum().backward()
    sick = logits.clone()
    sick[1, 5, 0] = bad
    sick.requires_grad_()
    found = LOSSES[name].compute(sick, y, inputs_of(name, 3))
    found.sum().backward()
    assert not torch.isfinite(found[1])
    for i in (0, 2):
        assert torch.equal(found[i], expected[i])
        assert torch.equal(sick.grad[i], sound.grad[i])


@pytest.mark.parametrize("name", CLASSES)
def test_class_weights_count_rows(name: str) -> None:
    """A class of weight 0 is not there, one of weight 2 is there twice."""
    logits, y = batch(name)
    inputs = inputs_of(name, 3, weights=torch.tensor([[0.0, 1.0, 2.0]]).repeat(3, 1))
    found = LOSSES[name].compute(logits, y, inputs)
    for i in range(3):
        rows = torch.tensor([r for r, c in enumerate(y[i].tolist()) for _ in range(c)])
        one = LOSSES[name].compute(logits[i : i + 1, rows], y[i : i + 1, rows], inputs_of(name, 1))
        torch.testing.assert_close(found[i], one[0], rtol=1e-5, atol=1e-6)


def test_embeddings_of_one_class_are_no_fault() -> None:
    """No row has a row of another class, or all have: what there is to learn is learned."""
    for name in ("contrastive", "triplet", "supervised_contrastive"):
        logits, y = batch(name, rows=8)
        for truth in (torch.zeros_like(y), torch.arange(8).repeat(3, 1)):
            z = logits.clone().requires_grad_()
            loss = LOSSES[name].compute(z, truth, inputs_of(name, 3))
            loss.sum().backward()
            assert torch.isfinite(loss).all()
            assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("name", ["contrastive", "triplet", "supervised_contrastive"])
def test_embeddings_that_coincide_have_a_finite_gradient(name: str) -> None:
    logits, y = batch(name, rows=8)
    for z in (torch.zeros_like(logits), logits[:, :1].repeat(1, 8, 1)):
        z.requires_grad_()
        LOSSES[name].compute(z, y, inputs_of(name, 3)).sum().backward()
        assert torch.isfinite(z.grad).all()


def test_the_floor_of_a_variance() -> None:
    """A row that is hit exactly cannot buy any likelihood it likes."""
    logits, y = torch.zeros(1, 2, 16), torch.zeros(1, 2)
    logits[..., 1] = -50
    found = LOSSES["gaussian"].compute(logits, y, inputs_of("gaussian", 1))
    assert found.item() == pytest.approx(0.5 * math.log(1e-6))


@pytest.mark.parametrize("name", ["softmax", "sigmoids"])
@pytest.mark.parametrize("spread", [1.0, HUGE])
def test_links_to_classes_give_log_probabilities(name: str, spread: float) -> None:
    z = torch.randn(2, 19, 3, generator=torch.Generator().manual_seed(0)) * spread
    found = LINKS[name](z, 0.0)
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 19))
    likeliest = found.gather(-1, z.argmax(-1, keepdim=True)).squeeze(-1)
    assert torch.equal(likeliest, found.max(-1).values), (
        "only where sigmoids have no more digits do classes tie"
    )
    if name == "sigmoids" and spread == 1.0:
        chances = torch.sigmoid(z)
        torch.testing.assert_close(found.exp(), chances / chances.sum(-1, keepdim=True))
    torch.testing.assert_close(LINKS[name](z[1:, 4:5], 0.0)[0, 0], found[1, 4])


def test_the_link_of_a_rate() -> None:
    """What poisson calls f is a rate of mean · eᶠ in the target's units."""
    counts = table(classes=0, counts=True)
    f = torch.tensor([[[0.3], [-2.0], [0.0]]])
    values = LINKS["exponential"](f, counts.variation) * counts.scale + counts.mean
    torch.testing.assert_close(values, counts.mean * f.exp())


def test_an_unknown_link_is_named() -> None:
    with pytest.raises(ValueError, match="'logit'"):
        link_of("logit")


def test_a_target_without_a_positive_mean_has_no_variation() -> None:
    assert replace(table(classes=0, counts=True), mean=-1.0).variation == 0.0
