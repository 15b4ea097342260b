"""The fused path against the plain twin: weights and losses after several epochs, for every registry member."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
import torch
from torch import nn

from cotune.engine import slots
from cotune.engine.bank import Variant
from cotune.engine.evaluate import outputs
from cotune.engine.lanes import Lane
from cotune.engine.loss import LOSSES
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.plain import reference
from cotune.engine.plain.graphs import PlainGraph
from cotune.engine.plain.networks import PlainCNN, PlainRNN, true_weights
from cotune.engine.plain.norms import stored
from cotune.engine.plain.resnet import PlainResNet
from cotune.engine.plain.sequences import PlainSequence
from cotune.engine.plain.text import PlainBag, PlainTextCNN
from cotune.engine.schedules import SCHEDULES
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.nets.initialisers import INITIALISERS
from cotune.nets.rnn import RNN
from cotune.recipe.names import DROPOUTS, NORMS, WITH_MOMENTUM, WITH_SQUARES
from cotune.types import Task
from engine import lanes as made_of
from engine import places
from engine.lanes import lane, population, started, suited, table

PLACES = places.WITH_GPU
MLP_NORMS = [norm for norm in NORMS if norm != "instance"]
EPOCHS = 4
REGRESSION = table(classes=0)
EMBEDDED = table(cardinalities=(4, 3))
# Sigmoids and plain descent learn slowly: without more speed a wrong update would hide under the tolerance.
LR = {"sgd": 0.1, "nesterov": 0.1, "adagrad": 0.05, "adadelta": 1.0, "rmsprop": 0.005, "lion": 0.005}
GPU_ROUNDING = 5
"""A GPU sums in another order than a CPU, and its exponentials have other last bits."""


def compare(
    one: Lane, *companions: Lane, epochs: int = EPOCHS, tolerance: float = 2e-4, frozen: bool = False
) -> None:
    """Train `one` both ways; losses, weights, running statistics and validation logits must agree."""
    made = population([one, *companions])
    tolerance *= GPU_ROUNDING if made.compute.device.type == "cuda" else 1
    losses = []
    for _ in range(epochs):
        outcome = made.train_epoch()
        losses += [r.train_loss for r in outcome.records if r.lane == one.id]
    plain = reference.train(one, epochs=epochs)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(plain.losses), rtol=tolerance, atol=1e-5)

    place = [other.id for other in made.lanes].index(one.id)
    fused = true_weights(one, made.state.weights[place].cpu())
    first = true_weights(one, population([one]).state.weights[0].cpu())
    for name, tensor in plain_weights(plain.network).items():
        torch.testing.assert_close(
            fused[name], tensor, rtol=tolerance, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )
        if name.endswith("weight") and "norm" not in name and not (frozen and name.startswith("hidden0")):
            assert not torch.equal(first[name], fused[name]), f"{name} has not been trained at all"

    rows = one.validation
    numeric, codes = one.variant.numeric[rows], one.variant.codes[rows]
    index = slice(place, place + 1)
    state, device = made.state, made.compute.device
    judged = slots.judged_weights([one], state.weights, state.memory, [place])
    logits = outputs(
        [one],
        judged,
        state.statistics[index],
        made.layouts,
        numeric.to(device),
        codes.to(device),
        None if one.variant.world is None else one.variant.world.to(device),
    )
    with torch.no_grad():
        expected = plain.judged.eval()(numeric, codes)
    torch.testing.assert_close(logits[0].cpu(), expected, rtol=10 * tolerance, atol=10 * tolerance)


def plain_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """The twin's weights under the names and in the shapes of the fused path."""
    if isinstance(network, PlainGraph):
        return {name: p.detach() for name, (p, _) in network.by_name().items()}
    if isinstance(network, PlainResNet):
        return {name: tensor.detach() for name, tensor in network.by_name().items()}
    found = {"head.weight": network.head.weight.T, "head.bias": network.head.bias}
    if isinstance(network, PlainCNN):
        for i, (layer, norm) in enumerate(zip(network.convolutions, network.norms, strict=True)):
            for part, tensor in stored(layer).items():
                turned = tensor.permute(2, 3, 1, 0).flatten(0, 2) if part == "weight" else tensor
                found[f"convolution{i}.{part}"] = turned
            for part, tensor in norm.named_parameters():
                found[f"convolution{i}.norm.{part.split('.')[-1]}"] = tensor
            slopes = network.activations[i].parameters()
            found |= {f"convolution{i}.slope": slope for slope in slopes}
    elif isinstance(network, PlainRNN):
        for ours, theirs in (("input", "ih"), ("state", "hh")):
            found[f"{ours}.weight"] = getattr(network.gru, f"weight_{theirs}_l0").T
            found[f"{ours}.bias"] = getattr(network.gru, f"bias_{theirs}_l0")
    elif isinstance(network, PlainSequence):
        for name, (p, turned) in network.by_name().items():
            filters = p.permute(2, 1, 0).flatten(0, 1) if p.ndim == 3 else p.mT if turned else p
            found[name] = filters
    elif isinstance(network, PlainTextCNN | PlainBag):
        found = network.by_name()
    else:
        if len(network.embeddings):
            found["embedding"] = torch.cat([table.weight for table in network.embeddings])
        found |= {name: p.T if turned else p for name, (p, turned) in network.by_name().items()}
    return {name: tensor.detach() for name, tensor in found.items()}


@pytest.mark.parametrize("norm", MLP_NORMS)
def test_first_weights_of_an_earlier_network(norm: str) -> None:
    """Taken but for the head, which has other classes there; half of them in padding, the first layer frozen."""
    one = started(lane(width=6, norm=norm, variant=EMBEDDED, freeze=2), head__weight=torch.ones(6, 5))
    compare(one, epochs=2, frozen=True)


def pairs(some: Sequence[str], others: Sequence[str]) -> list[tuple[str, str]]:
    """Every one of `some` beside two of the others, in turn; so every one of the others stands beside several."""
    turn = cycle(others)
    return [(one, next(turn)) for one in some for _ in range(2)]


@pytest.mark.parametrize(("activation", "norm"), pairs(list(ACTIVATIONS), MLP_NORMS))
def test_every_activation_and_norm(activation: str, norm: str) -> None:
    # Plain descent: where a gradient is truly zero (a shift before another batch norm), Adam amplifies rounding.
    compare(lane(activation=activation, norm=norm, optimizer="nesterov", lr=0.1))


def skip_unless_it_steps_here(optimizer: str) -> None:
    if made_of.WAY == "compiled" and not OPTIMIZERS[optimizer].compiled:
        pytest.skip(f"{optimizer} has no compiled form; its lanes step in batches")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_every_optimizer(optimizer: str, weight_decay: float) -> None:
    skip_unless_it_steps_here(optimizer)
    lr = LR.get(optimizer, 0.02)
    compare(lane(optimizer=optimizer, weight_decay=weight_decay, lr=lr, norm="layer"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_for_longer(optimizer: str) -> None:
    """44 steps with a warmup, a smooth network and other betas: past RAdam's turn, and all bias corrections at work."""
    skip_unless_it_steps_here(optimizer)
    lr = LR.get(optimizer, 0.02) / 2
    numbers = {"weight_decay": 0.1, "warmup": 0.2, "beta1": 0.8, "beta2": 0.95}
    compare(lane(optimizer=optimizer, lr=lr, activation="tanh", batch_size=8, **numbers))


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_mean_of_schedule_free_descent(weight_decay: float) -> None:
    """What is judged: the mean in its slot of memory, through a warmup, against the twin's."""
    one = lane(optimizer="schedule_free", weight_decay=weight_decay, warmup=0.4, schedule="constant")
    made, judged = population([one]), OPTIMIZERS["schedule_free"].judged
    first = made.state.weights[0].cpu().clone()
    for _ in range(EPOCHS):
        made.train_epoch()
    trained, found = (
        true_weights(one, row.cpu()) for row in (made.state.weights[0], made.state.memory[0, judged])
    )
    plain = reference.train(one, epochs=EPOCHS)
    for name, tensor in plain_weights(plain.judged).items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=2e-4)
        assert not torch.allclose(found[name], trained[name], atol=1e-3)
    assert not torch.equal(first, made.state.memory[0, judged].cpu())


@pytest.mark.parametrize(("depth", "variant"), [(0, EMBEDDED), (1, EMBEDDED), (3, table(features=1))])
def test_muon_on_every_sort_of_weight(depth: int, variant: Variant) -> None:
    """Embeddings, a head alone, a first layer of one feature; each lane beside one of another true width."""
    skip_unless_it_steps_here("muon")
    one = lane(optimizer="muon", depth=depth, variant=variant, width=5, padded=16, weight_decay=0.2)
    compare(one, lane(1, optimizer="muon", depth=depth, variant=variant, width=16, padded=16))


@pytest.mark.parametrize("norm", ["batch", "weight", "spectral"])
def test_muon_beside_norms(norm: str) -> None:
    skip_unless_it_steps_here("muon")
    compare(lane(optimizer="muon", norm=norm, activation="tanh", weight_decay=0.2))


@pytest.mark.parametrize("optimizer", WITH_MOMENTUM)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_momentum(optimizer: str, momentum: float) -> None:
    skip_unless_it_steps_here(optimizer)
    compare(lane(optimizer=optimizer, momentum=momentum, lr=0.1))


@pytest.mark.parametrize(("beta1", "beta2"), [(0.0, 0.9), (0.95, 0.9999)])
@pytest.mark.parametrize("optimizer", WITH_SQUARES)
def test_betas(optimizer: str, beta1: float, beta2: float) -> None:
    skip_unless_it_steps_here(optimizer)
    # RMSProp corrects no bias: its first step is lr / √(1 − β₂), in which β₂'s rounding to float32 is seen.
    lr = 0.0005 if optimizer == "rmsprop" else 0.005
    compare(lane(optimizer=optimizer, beta1=beta1, beta2=beta2, lr=lr))


def tame(loss: str) -> dict[str, Any]:
    """Plain descent for embeddings: distances do not see a shift, and Adam amplifies the rounding of no gradient."""
    return {"optimizer": "nesterov", "lr": 0.05} if LOSSES[loss].embeds else {}


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss: str) -> None:
    compare(lane(loss=loss, variant=suited(loss), **tame(loss)))


@pytest.mark.parametrize(
    "numbers",
    [{"loss": "quantile", "quantile": 0.9}, {"loss": "focal", "focal_gamma": 0.5},
     {"loss": "focal", "focal_gamma": 0.0},
     {"loss": "binary_cross_entropy", "label_smoothing": 0.2}, {"loss": "triplet", "margin": 0.2},
     {"loss": "contrastive", "margin": 3.0}, {"loss": "supervised_contrastive", "contrast_temperature": 0.5}],
    ids=str,
)  # fmt: skip
def test_numbers_of_losses(numbers: dict[str, Any]) -> None:
    compare(lane(variant=suited(numbers["loss"]), **numbers, **tame(numbers["loss"])))


@pytest.mark.parametrize("loss", [n for n, loss in LOSSES.items() if Task.BINARY in loss.tasks])
def test_losses_of_two_classes_and_of_weighted_ones(loss: str) -> None:
    compare(lane(loss=loss, variant=table(classes=2), **tame(loss)))
    compare(lane(loss=loss, variant=table(weighted=True), **tame(loss)))


@pytest.mark.parametrize(
    ("schedule", "warmup"), [*((name, 0.3) for name in SCHEDULES), ("cosine", 0.0), ("step", 0.0)]
)
def test_every_schedule(schedule: str, warmup: float) -> None:
    compare(lane(schedule=schedule, warmup=warmup, lr=0.05))


@pytest.mark.parametrize("patience", [1, 2])
def test_a_plateau_reduces_the_rate(patience: int) -> None:
    some = {"schedule": "reduce_on_plateau", "plateau_patience": patience, "optimizer": "nesterov"}
    fast, slow = lane(lr=0.3, **some), lane(1, lr=1e-4, **some)
    compare(fast, slow, epochs=11)
    made = population([fast, slow])
    for _ in range(11):
        made.train_epoch()
    assert made.state.factor[0] < 1
    assert made.state.factor[1] == 1


@pytest.mark.parametrize("init", INITIALISERS)
def test_every_initialiser(init: str) -> None:
    linear = init == "zeros"  # hidden layers of zeros never learn
    compare(lane(init=init, depth=0 if linear else 2))


@pytest.mark.parametrize(("norm", "dropout"), list(zip(MLP_NORMS, cycle([0.1, 0.5]), strict=False)))
def test_dropout(norm: str, dropout: float) -> None:
    compare(lane(dropout=dropout, norm=norm, width=12))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dropping", [kind for kind in DROPOUTS if kind != "spatial"])
def test_kinds_of_dropout(dropping: str, residual: bool) -> None:
    compare(lane(dropout=0.3, dropping=dropping, residual=residual, depth=3, width=12, activation="selu"))


OPTIONS: dict[str, dict[str, Any]] = {
    "residual": {"residual": True, "depth": 3},
    "residual, batch norm, dropout": {"residual": True, "depth": 3, "norm": "batch", "dropout": 0.3},
    "linear": {"depth": 0},
    "linear, embedded": {"depth": 0, "variant": EMBEDDED},
    "one layer": {"depth": 1},
    "embedded": {"variant": EMBEDDED, "norm": "batch"},
    "only embedded": {"variant": table(features=0, cardinalities=(4, 3)), "weight_decay": 0.3},
    "one feature": {"variant": table(features=1)},
    "two classes": {"variant": table(classes=2)},
    "nine classes": {"variant": table(classes=9)},
    "seventeen classes": {"variant": table(classes=17, rows=200)},
    "l1": {"l1": 0.01},
    "l1 and clip": {"l1": 0.01, "clip_norm": 0.3},
    "label smoothing": {"label_smoothing": 0.2},
    "clip": {"clip_norm": 0.2},
    "class weights": {"variant": table(weighted=True)},
    "class weights, smoothing": {"variant": table(weighted=True), "label_smoothing": 0.2},
    "odd batch": {"batch_size": 7, "norm": "batch"},
    "batch of 33": {"batch_size": 33, "norm": "layer"},
}


WAVES: dict[str, dict[str, Any]] = {
    "all": {"waved": 5},
    "some, embedded": {"waved": 3, "variant": EMBEDDED, "norm": "batch"},
    "fast, linear": {"waved": 5, "depth": 0, "frequency_scale": 3.0},
    "padded": {"waved": 2, "width": 5, "padded": 16, "l1": 0.001, "weight_decay": 0.1},
}


@pytest.mark.parametrize("options", WAVES.values(), ids=WAVES.keys())
def test_numbers_as_waves(options: dict[str, Any]) -> None:
    compare(lane(optimizer="nesterov", lr=0.1, **options))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_options(options: dict[str, Any]) -> None:
    compare(lane(**options))


METHODS: dict[str, dict[str, Any]] = {
    "l2": {"l2": 0.1},
    "elastic net": {"l1": 0.01, "l2": 0.05},
    "clip by value": {"clip_value": 0.02},
    "gradient noise": {"gradient_noise": 0.1},
    "max norm": {"max_norm": 0.8},
    "sharpness": {"sam_rho": 0.1},
    "sharpness, batch norm": {"sam_rho": 0.1, "norm": "batch"},
    "lookahead": {"lookahead": 3, "lookahead_share": 0.4},
    "exponential average": {"ema_decay": 0.95},
    "stochastic average": {"swa_start": 0.4},
    "two batches a step": {"accumulate": 2},
    "all batches a step": {"accumulate": 100},
    "growing batch": {"batch_growth": 4},
    "frozen": {"freeze": 1},
    "thawing": {"freeze": 2, "unfreeze": 1, "norm": "layer"},
    "slower layers": {"layer_lr": 0.5},
    "frozen, sharpness, clip": {"freeze": 1, "sam_rho": 0.1, "clip_norm": 0.1, "l2": 0.1},
    "all at once": {
        "l1": 0.01, "l2": 0.05, "clip_value": 0.05, "clip_norm": 0.3, "gradient_noise": 0.05, "max_norm": 1.0,
        "sam_rho": 0.05, "lookahead": 2, "ema_decay": 0.9, "accumulate": 2, "layer_lr": 0.7,
    },
}  # fmt: skip


CHANGES: dict[str, dict[str, Any]] = {
    "input noise": {"input_noise": 0.3},
    "label noise": {"label_noise": 0.3},
    "label noise, regression": {"label_noise": 0.3, "variant": REGRESSION},
    "feature mask": {"feature_mask": 0.3},
    "mixup": {"mixup": 0.4},
    "mixup, regression": {"mixup": 0.4, "variant": REGRESSION},
    "mixup half of the time": {"mixup": 0.4, "augment_probability": 0.5},
    "embedded, noise": {"variant": EMBEDDED, "input_noise": 0.1},
    "several": {"input_noise": 0.1, "label_noise": 0.1, "feature_mask": 0.1, "sam_rho": 0.05},
}


@pytest.mark.parametrize("options", CHANGES.values(), ids=CHANGES.keys())
def test_changed_batches(options: dict[str, Any]) -> None:
    compare(lane(batch_size=16, **options))


IMAGE_CHANGES = {
    **dict.fromkeys(("flip", "translate", "zoom", "shear", "brightness", "contrast", "erase"), 0.4),
    "rotate": 20.0,
    "crop": 2.0,
    "cutmix": 1.0,
}


@pytest.mark.parametrize("name", IMAGE_CHANGES)
def test_augmented_images(name: str) -> None:
    shape = CNN(8, 8, 1, (8,), 3, 3)
    images = replace(table(features=64), shape=(8, 8, 1))
    changes = {name: IMAGE_CHANGES[name], "augment_probability": 0.7}
    compare(lane(network=shape, variant=images, batch_size=16, lr=0.003, **changes), epochs=2)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("options", METHODS.values(), ids=METHODS.keys())
def test_methods(options: dict[str, Any], optimizer: str) -> None:
    frozen = options.get("freeze", 0) > 0 and not options.get("unfreeze")
    compare(lane(optimizer=optimizer, lr=LR.get(optimizer, 0.01), batch_size=16, **options), frozen=frozen)


CNNS = {
    "8 by 8": CNN(8, 8, 1, (8, 16), 3, 3),
    "odd sides, three channels": CNN(7, 5, 3, (8,), 3, 3),
    "kernel of 5": CNN(8, 6, 2, (16, 8), 5, 3),
    "mean of maps": CNN(8, 6, 2, (8, 16), 3, 3, pooling="average"),
    "large enough to be unfolded in parts": CNN(28, 28, 1, (16, 32), 3, 3),
}


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("shape", CNNS.values(), ids=CNNS.keys())
def test_convolutional_networks(shape: CNN, dropout: float) -> None:
    images = table(features=shape.features)
    compare(lane(network=shape, variant=images, dropout=dropout, activation="gelu", lr=0.003), epochs=2)
    compare(lane(network=shape, variant=images, optimizer="nesterov", activation="tanh", lr=0.05), epochs=2)


def test_the_largest_of_maps() -> None:
    """By plain descent: most pixels get no gradient, and Adam amplifies its rounding."""
    shape = CNN(8, 6, 2, (8, 16), 3, 3, pooling="max")
    compare(lane(network=shape, variant=table(features=96), optimizer="nesterov", lr=0.05), epochs=2)


@pytest.mark.parametrize("norm", NORMS)
def test_norms_of_images(norm: str) -> None:
    shape = CNN(6, 5, 2, (8, 16), 3, 3, norm=norm)
    compare(lane(network=shape, variant=table(features=60), optimizer="nesterov", lr=0.02), epochs=2)


@pytest.mark.parametrize("dropping", [kind for kind in DROPOUTS if kind != "depth"])
def test_kinds_of_dropout_of_images(dropping: str) -> None:
    shape = CNN(6, 5, 2, (8, 16), 3, 3, dropping=dropping)
    compare(lane(network=shape, variant=table(features=60), dropout=0.3, lr=0.003), epochs=2)


RESNETS = {
    "two stages": ResNet(8, 8, 1, 8, 2, 1, 3, 3),
    "odd sides, three channels, two blocks": ResNet(7, 5, 3, 8, 2, 2, 3, 3),
    "bottleneck": ResNet(6, 6, 1, 16, 2, 1, 3, 3, block="bottleneck"),
    "separable, kernel of 5": ResNet(8, 6, 2, 8, 2, 1, 5, 3, block="separable"),
    "excitation": ResNet(6, 6, 1, 8, 2, 1, 3, 3, excitation=True),
    "experts": ResNet(6, 6, 1, 8, 2, 1, 3, 3, experts=3),
    "separable experts, excitation": ResNet(
        4, 6, 1, 8, 1, 2, 3, 3, block="separable", experts=2, excitation=True
    ),
    "supervision": ResNet(8, 8, 1, 8, 3, 1, 3, 3, supervision=0.4),
    "early exit": ResNet(8, 8, 1, 8, 3, 1, 3, 3, supervision=0.4, exit_at=0.5),
    "largest of maps": ResNet(6, 6, 1, 8, 2, 1, 3, 3, pooling="max"),
    "flat": ResNet(6, 5, 1, 8, 2, 1, 3, 3, pooling="flatten"),
    "nine classes": ResNet(6, 6, 1, 8, 1, 1, 3, 9),
    "stem of two pixels": ResNet(9, 8, 1, 8, 2, 1, 3, 3, stem=2),
}


@pytest.mark.parametrize("shape", RESNETS.values(), ids=RESNETS.keys())
def test_residual_networks(shape: ResNet) -> None:
    """Beside another lane with another activation; plain descent, since Adam amplifies the rounding of no gradient."""
    images = table(features=shape.features, classes=shape.outputs)
    some: dict[str, Any] = {"network": shape, "variant": images, "optimizer": "nesterov", "lr": 0.02}
    compare(lane(**some, weight_decay=0.1), lane(1, **some, activation="silu"), epochs=2, tolerance=1e-3)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("block", ["basic", "separable"])
def test_norms_of_residual_networks(norm: str, block: str) -> None:
    shape = ResNet(6, 5, 2, 8, 2, 1, 3, 3, norm=norm, block=block)
    compare(
        lane(network=shape, variant=table(features=60), optimizer="nesterov", lr=0.01, activation="tanh"),
        epochs=2,
        tolerance=1e-3,
    )


@pytest.mark.parametrize("dropping", DROPOUTS)
def test_kinds_of_dropout_of_residual_networks(dropping: str) -> None:
    shape = ResNet(6, 5, 2, 8, 2, 1, 3, 3, norm="group", dropping=dropping, supervision=0.3)
    one = lane(network=shape, variant=table(features=60), dropout=0.3, lr=0.003, activation="selu")
    compare(one, lane(1, network=shape, variant=table(features=60), dropout=0.1), epochs=2, tolerance=1e-3)


@pytest.mark.parametrize("shape", [CNNS["odd sides, three channels"], RNN(6, 3, 8, 3)], ids=str)
def test_muon_on_filters_and_on_gates(shape: CNN | RNN) -> None:
    skip_unless_it_steps_here("muon")
    compare(lane(network=shape, variant=table(features=shape.features), optimizer="muon", activation="tanh"))


@pytest.mark.parametrize("shape", [RNN(6, 3, 8, 3), RNN(24, 8, 32, 3), RNN(2, 5, 16, 3)], ids=str)
def test_recurrent_networks(shape: RNN) -> None:
    series = table(features=shape.features)
    compare(lane(network=shape, variant=series, lr=0.01))
    compare(lane(network=shape, variant=series, optimizer="nesterov", lr=0.1, clip_norm=0.3))


@pytest.mark.parametrize("norm", MLP_NORMS)
@pytest.mark.parametrize(("width", "activation"), [(1, "sigmoid"), (5, "sigmoid"), (8, "relu")])
def test_padding_is_exact(width: int, activation: str, norm: str) -> None:
    """A lane padded to 16 beside a full one is the twin at the true width (sigmoid: a padded unit is not zero)."""
    width += norm == "rms" and width == 1  # one unit by its own size is 1 or -1: its gradient is rounding
    one = lane(
        width=width,
        padded=16,
        activation=activation,
        norm=norm,
        residual=True,
        l1=1e-3,
        dropout=0.2,
        weight_decay=0.1,
        optimizer="nesterov",
        lr=0.1,
    )
    compare(one, lane(1, width=16, padded=16, norm=norm, residual=True))


def test_the_comparison_can_fail() -> None:
    """A rate one percent off is seen."""
    one = lane()
    made = population([lane(lr=0.0202)])
    for _ in range(EPOCHS):
        outcome = made.train_epoch()
    plain = reference.train(one, epochs=EPOCHS)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(outcome.records[0].train_loss, plain.losses[-1], rtol=2e-4, atol=1e-5)
