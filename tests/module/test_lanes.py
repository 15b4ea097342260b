"""Lanes of users' modules: as a plain loop trains them, whoever trains beside them, with numbers of their own."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cotune.engine import rng
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.nets.own.module import Module, engine_name
from cotune.types import LaneId
from engine.lanes import Figures, assert_same_bits, metric_of, population, row, table
from module.networks import ALONE, DRAWING, TOGETHER, Build, FunctionalDropout, Scaled, lane, mlp

EPOCHS = 3
EVERY = {
    **TOGETHER,
    **DRAWING,
    **{name: build for name, (build, _) in ALONE.items() if name != "embedding bag"},
}


def network(one: Lane) -> Module:
    """Its shape."""
    found = one.structure.network
    assert isinstance(found, Module)
    return found


class Masked(nn.Module):
    """Dropout as it is defined: 16 bits a place, of the lane's step, in the order of the layers."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p, self.bits = p, torch.zeros(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x where its bits are not below p · 2¹⁶."""
        if not self.training:
            return x
        level = round(self.p * 65536)
        return x * (self.bits.view(x.shape) >= level) * (65536 / (65536 - level))


def twin(build: Build, one: Lane, optimizer: str) -> tuple[list[float], nn.Module]:
    """The same training by an ordinary loop: mean losses of the epochs, and the module."""
    torch.manual_seed(rng.seed_of("module", one.id.trial))
    module = build(None)
    masks = []
    for path, layer in list(module.named_modules()):
        if isinstance(layer, nn.Dropout) and layer.p:
            masks.append(Masked(layer.p))
            parent, _, name = path.rpartition(".")
            setattr(module.get_submodule(parent), name, masks[-1])
    learned = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.dim() > 1], "weight_decay": one.number("weight_decay")},
        {"params": [p for p in learned if p.dim() < 2], "weight_decay": 0.0},
    ]
    lr = one.number("lr")
    descent: torch.optim.Optimizer
    if optimizer == "adamw":
        descent = torch.optim.AdamW(groups, lr=lr, betas=(one.number("beta1"), one.number("beta2")))
    else:
        descent = torch.optim.SGD(groups, lr=lr, momentum=one.number("momentum"))
    batch, taken, losses = one.structure.batch_size, 0, []
    for epoch in range(EPOCHS):
        order = one.train[rng.permutation(one.seed, epoch, len(one.train))]
        sums = 0.0
        for step in range(one.structure.steps):
            rows = order[step * batch : (step + 1) * batch]
            deal(masks, one, taken, batch)
            loss = F.cross_entropy(module(one.variant.numeric[rows]), one.variant.target[rows])
            descent.zero_grad()
            loss.backward()
            descent.step()
            taken, sums = taken + 1, sums + loss.item()
        losses.append(sums / one.structure.steps)
    return losses, module


def deal(masks: list[Masked], one: Lane, taken: int, batch: int) -> None:
    """The bits of a step: two bytes a place, the first of all places before the second."""
    key = rng.keys(torch.tensor([rng.seed_of(one.seed, "dropout")]), torch.tensor([taken]))
    count = 2 * 16 * batch * len(masks)
    bytes_ = rng.draws(key, rng.counters(count))[0, :count].int() + 128
    for place, mask in enumerate(masks):
        low, high = bytes_[place * 2 * 16 * batch : (place + 1) * 2 * 16 * batch].view(2, -1)
        mask.bits = 256 * high + low


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("name", [n for n in EVERY if n != "functional dropout"])
def test_a_lane_does_what_a_plain_loop_does(name: str, optimizer: str) -> None:
    build = EVERY[name]
    settings: dict[str, Any] = {"optimizer": optimizer, "schedule": "constant", "weight_decay": 0.01}
    one = lane(build, 0, **settings)
    made = population([one, lane(build, 1, **settings)])
    losses = [
        record.train_loss
        for _ in range(EPOCHS)
        for record in made.train_epoch().records
        if record.lane == one.id
    ]
    plain, module = twin(build, one, optimizer)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(plain), rtol=2e-4, atol=1e-5)
    place = [other.id for other in made.lanes].index(one.id)
    rows = (made.layouts[0], made.state.weights), (made.layouts[1], made.state.statistics)
    views = {k: v for layout, flat in rows for k, v in layout.views(flat[place : place + 1]).items()}
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for path, tensor in tensors.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(views[engine_name(path)][0], tensor.detach(), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", EVERY)
def test_a_lane_does_not_depend_on_its_companions(name: str) -> None:
    build = EVERY[name]
    alone = population([lane(build, 3)])
    beside = population([lane(build, n) for n in (1, 2, 3, 4, 5)], chunk=3)
    for epoch in range(2):
        ours = {r.lane: Figures.of(r) for r in alone.train_epoch().records}
        theirs = {r.lane: Figures.of(r) for r in beside.train_epoch().records}
        assert ours[LaneId(3, 0)] == theirs[LaneId(3, 0)], epoch
        if epoch == 0:
            beside.leave([LaneId(1, 0), LaneId(2, 0)])
    assert_same_bits(row(alone, LaneId(3, 0)), row(beside, LaneId(3, 0)), name)


@pytest.mark.parametrize("name", [*TOGETHER, *DRAWING])
def test_what_vmap_can_step_goes_together(name: str) -> None:
    assert network(lane({**TOGETHER, **DRAWING}[name])).alone == ""


@pytest.mark.parametrize("name", ALONE)
def test_what_it_cannot_goes_alone_and_says_why(name: str) -> None:
    build, word = ALONE[name]
    variant = table() if name != "embedding bag" else table(features=0, cardinalities=(4, 4, 4, 4))
    found = network(lane(build, variant=variant))
    assert word in found.alone
    assert found.alone in found.kind


def test_other_rates_of_dropout_are_lanes_of_one_population() -> None:
    """Also none at all, and everything."""
    rates = (0.0, 0.1, 0.5, 1.0)
    several = [lane(mlp(nn.ReLU(), nn.Dropout(p)), n) for n, p in enumerate(rates)]
    assert len({one.structure for one in several}) == 1
    made = population(several)
    made.train_epoch()
    for n, p in enumerate(rates):
        single = population([lane(mlp(nn.ReLU(), nn.Dropout(p)), n)])
        single.train_epoch()
        assert_same_bits(row(single, LaneId(n, 0)), row(made, LaneId(n, 0)), p)


def test_a_float_of_the_users_own_is_a_number_of_the_lane() -> None:
    several = [lane(lambda _, a=alpha: Scaled(a, 0.2), n) for n, alpha in enumerate((0.0, 0.5, 2.0))]
    assert len({one.structure for one in several}) == 1
    made = population(several)
    losses = {r.lane: r.train_loss for r in made.train_epoch().records}
    assert len(set(losses.values())) == 3


def test_a_float_that_decides_is_part_of_the_structure() -> None:
    class Deciding(Scaled):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x) if self.alpha > 0.4 else x)

    one, other = (lane(lambda _, a=alpha: Deciding(a, 0.2)) for alpha in (0.3, 0.5))
    assert network(one).alone == ""
    assert one.structure != other.structure


def test_classes_made_anew_share_a_structure_only_if_they_do_the_same() -> None:
    def build(power: int) -> Build:
        def inner(_: Any) -> nn.Module:
            class Net(nn.Module):
                def __init__(self) -> None:
                    super().__init__()
                    self.head = nn.Linear(5, 3)

                def forward(self, x: torch.Tensor) -> torch.Tensor:
                    return self.head(x**power)

            return Net()

        return inner

    one, same, other = (lane(build(power), n) for n, power in enumerate((1, 1, 2)))
    assert one.structure == same.structure
    assert one.structure != other.structure


def test_a_lane_begins_as_build_initialises_it_under_its_seed() -> None:
    def build(_: Any) -> nn.Module:
        module = nn.Linear(5, 3)
        nn.init.constant_(module.bias, 7.0)
        return module

    first, again, other = lane(build, 0), lane(build, 0), lane(build, 1)
    assert first.start is not None
    assert again.start is not None
    assert other.start is not None
    assert torch.equal(first.start["weight"], again.start["weight"])
    assert not torch.equal(first.start["weight"], other.start["weight"])
    made = population([first])
    assert torch.equal(made.layouts[0].views(made.state.weights)["bias"][0], torch.full((3,), 7.0))


def test_building_leaves_the_users_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    lane(lambda _: FunctionalDropout())
    population([lane(lambda _: FunctionalDropout())]).train_epoch()
    assert torch.equal(before, torch.get_rng_state())


def test_frozen_weights_stay() -> None:
    made = population([lane(TOGETHER["tied, frozen, buffer"])])
    before = made.layouts[1].views(made.state.statistics)["one.bias"].clone()
    made.train_epoch()
    assert torch.equal(before, made.layouts[1].views(made.state.statistics)["one.bias"])


def test_the_plan_measures_lanes_together_and_alone() -> None:
    made = Engine(metric="log_loss", ways=["batched"])
    one = lane(TOGETHER["mlp"])
    made.join([replace(one, id=LaneId(n, 0)) for n in range(3)])
    (kind,) = made.plans
    assert "Sequential of your own" in kind
    assert set(made.plans[kind].microseconds) == {"batched", "alone"}
    assert metric_of(one) == "log_loss"


@pytest.mark.parametrize("loss", [F.cross_entropy, lambda o, y: F.cross_entropy(o, y, label_smoothing=0.2)])
def test_a_loss_of_the_users_own(loss: Any) -> None:
    """With torch's cross-entropy it is what cotune's own is; with another it is another."""
    build = TOGETHER["mlp"]
    theirs, ours = (
        population([lane(build, 0, loss=loss), lane(build, 1, loss=loss)]),
        population([lane(build, 0)]),
    )
    own = {r.lane: r for r in theirs.train_epoch().records}[LaneId(0, 0)]
    (usual,) = ours.train_epoch().records
    same = loss is F.cross_entropy
    assert (own.train_loss == pytest.approx(usual.train_loss, rel=1e-5)) == same
    assert (own.metrics["log_loss"] == pytest.approx(usual.metrics["log_loss"], rel=1e-4)) == same
    single = population([lane(build, 0, loss=loss)])
    single.train_epoch()
    assert_same_bits(row(single, LaneId(0, 0)), row(theirs, LaneId(0, 0)))
