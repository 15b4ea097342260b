"""A contest does what a plain PyTorch loop with two optimizers does."""

import pytest
import torch

from cotune.engine.first_weights import first_rows
from cotune.engine.goals.contest import BALANCES, gradient_penalty
from cotune.engine.goals.contest_losses import CONTEST_LOSSES
from cotune.nets.gan.pair import GAN
from cotune.nets.layout import Layout
from cotune.recipe import names
from cotune.recipe.generation import GenerationSection
from engine.contests import contender
from engine.lanes import population
from generation import plain

SGD = {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9, "gradient_penalty": 1.0}
"""Its steps are as long as gradients are: they show a wrong factor, which Adam's hide."""

CASES = {
    **{f"images, {loss}": {"loss": loss, **SGD} for loss in CONTEST_LOSSES},
    **{f"tables, {loss}": {"loss": loss, "table": True, **SGD} for loss in CONTEST_LOSSES},
    "images, adam": {},
    "images, layer norm, heads, noise": {
        "discriminator_norm": "layer", "deep_supervision": 0.4, "instance_noise": 0.3, "loss": "wasserstein", **SGD,
    },
    "tables, three rounds, heads": {
        "table": True, "rounds": 3, "deep_supervision": 0.4, "loss": "least_squares", **SGD,
    },
    "tables, waiting": {"table": True, "balance": "waiting", **SGD, "lr": 0.1, "generator_lr": 0.01},
    "tables, slowed": {"table": True, "balance": "slowed", **SGD, "lr": 0.1, "generator_lr": 0.01, "loss": "hinge"},
}  # fmt: skip
EPOCHS = 2


@pytest.mark.parametrize("case", CASES)
def test_weights_are_those_of_the_plain_loop(case: str) -> None:
    long = {"steps": 30, "batch_size": 4} if "waiting" in case or "slowed" in case else {}
    one = contender(**{"steps": 4, "batch_size": 8, "epochs": 5, **CASES[case], **long})
    made = population([one], metric="frechet", way="batched")
    losses = [made.train_epoch().records[0].train_loss for _ in range(EPOCHS)]
    truth, plainly = plain.train(one, EPOCHS)
    assert losses == pytest.approx(plainly, rel=2e-3, abs=2e-3)
    start = plain.shaped(one, first_rows(one, made.layouts)[0])
    for name, weight in plain.shaped(one, made.state.weights[0]).items():
        # A constant that is added to all scores moves nothing in `wasserstein`.
        assert not torch.equal(weight, start[name]) or name.startswith("discriminator_head"), name
        far = (weight - truth[name]).abs() > 1e-5 + 0.01 * (truth[name] - start[name]).abs()
        # Adam makes whole steps of gradients that are all but zero: some weights may part.
        few = 0.02 if one.optimizer == "sgd" else 0.35
        assert far.float().mean() <= few, f"{name}: {far.float().mean():.1%} of the weights differ"


def test_waiting_and_slowing_happen_in_these_cases() -> None:
    for balance in ("waiting", "slowed"):
        one = contender(batch_size=4, steps=1, epochs=90, **CASES[f"tables, {balance}"])
        made = population([one], metric="frechet", way="batched")
        paces = []
        for _ in range(60):
            made.train_epoch()
            paces.append(float(made.layouts[1].views(made.state.statistics)["turn.discriminator"]))
        assert min(paces) < 1 == max(paces), balance


def test_the_gradient_penalty_is_autograds() -> None:
    """Against the Jacobian of each row by itself."""
    one = contender(table=True)
    gan = one.structure.network
    assert isinstance(gan, GAN)
    layouts = Layout.of(gan.weights()), Layout.of(gan.statistics())
    weights = layouts[0].views(first_rows(one, layouts)[0].unsqueeze(0))
    x, fake, keys = one.variant.numeric[None, :8], one.variant.numeric[None, 8:16], torch.tensor([11])
    from cotune.engine import rng
    from cotune.engine.goals.contest import MIX

    u = rng.uniforms(rng.mix(keys + MIX), 8).view(1, 8, 1)
    norms = []
    for row in (u * x + (1 - u) * fake)[0]:
        slope = torch.autograd.functional.jacobian(
            lambda r: gan.scores(r.view(1, 1, -1), weights)[0, 0, 0], row
        )
        norms.append(slope.norm())
    truth = (torch.stack(norms) - 1).square().mean()
    torch.testing.assert_close(gradient_penalty(gan, weights, x, fake, keys), truth.view(1))


def test_the_recipe_and_the_registries_agree() -> None:
    fields = GenerationSection.model_fields
    assert tuple(CONTEST_LOSSES) == names.CONTEST_LOSSES
    assert fields["gan_balance"].metadata[0].options == BALANCES
