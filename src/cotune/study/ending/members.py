"""Who may be part of the model: trials, or the best trial at several epochs, with their networks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cotune.data import Features
from cotune.engine.loop import LaneWeights
from cotune.engine.loss import LOSSES
from cotune.product.after.soup import can_mix
from cotune.product.network import Network
from cotune.study.leaders import Leader
from cotune.study.prepared import Prepared
from cotune.types import Params

VOTERS = 20_000
"""Training rows that a network of embeddings keeps to predict by, at most; every n-th of more."""


@dataclass(frozen=True, eq=False)
class Member:
    """A trial at its best epoch (`epoch` is `None`) or at another.

    Args:
        trial: its number.
        epoch: which epoch.
        networks: folds × seeds.
    """

    trial: int
    epoch: int | None
    networks: Sequence[Network]


def networks_of(prepared: Prepared, params: Params, lanes: Sequence[LaneWeights]) -> list[Network]:
    """The networks of a trial's lanes, with the pipelines of their rows."""
    return [_network_of(prepared, params, item) for item in lanes]


def _network_of(prepared: Prepared, params: Params, item: LaneWeights) -> Network:
    lane, loss = item.lane, LOSSES[item.lane.loss]
    network = Network.cut(
        lane.structure.network,
        lane.width,
        lane.activation,
        loss.link,
        item.weights,
        item.statistics,
        prepared.factory.pipeline(lane.id, params),
    )
    if not loss.embeds:
        return replace(network, count=lane.variant.values)
    rows = lane.train[:: -(-len(lane.train) // VOTERS)]
    features = Features(
        lane.variant.numeric[rows].numpy(), lane.variant.codes[rows].numpy(), world=lane.variant.world
    )
    truth = lane.variant.target[rows]
    return network.with_voters(features, truth, count=lane.variant.classes, cosine=loss.cosine)


def members_of(prepared: Prepared, leaders: Sequence[Leader]) -> list[Member]:
    """Those that the recipe's ensemble may be made of; the best trial is the first."""
    after, whole = prepared.recipe.after, prepared.factory.lanes_per_trial
    best = leaders[0]
    found = [_member(prepared, best, best.lanes, None)]
    if after.epochs_matter:
        found += _at_epochs(prepared, best, whole)
    if not after.one_trial:
        others = (each for each in leaders[1 : after.members] if len(each.lanes) == whole)
        found += [_member(prepared, other, other.lanes, None) for other in others]
    if after.ensemble == "soup":
        found = [member for member in found if can_mix(member.networks, found[0].networks)]
    return found


def _member(prepared: Prepared, leader: Leader, lanes: Sequence[LaneWeights], epoch: int | None) -> Member:
    return Member(leader.result.number, epoch, networks_of(prepared, leader.result.params, lanes))


def _at_epochs(prepared: Prepared, leader: Leader, whole: int) -> list[Member]:
    """A trial at the epochs that were kept of all its lanes, the last one first."""
    by_epoch: dict[int, list[LaneWeights]] = defaultdict(list)
    for item in leader.checkpoints:
        assert item.epoch is not None
        by_epoch[item.epoch].append(item)
    return [
        _member(prepared, leader, lanes, epoch)
        for epoch, lanes in sorted(by_epoch.items(), reverse=True)
        if len(lanes) == whole
    ]
