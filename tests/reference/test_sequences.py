"""Networks of sequences against torch's own layers: weights, losses and outputs after several epochs."""

from dataclasses import replace

import pytest

from cotune.nets.sequence.base import SequenceNetwork
from engine import places
from engine.lanes import lane
from engine.series import NETWORKS, data_of
from reference.test_twin import compare

# There are no compiled loops for any of them.
PLACES = [each for each in places.WITH_GPU if each != "compiled"]

every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


@every_network
def test_every_network(network: SequenceNetwork) -> None:
    some = {"network": network, "variant": data_of(network), "init": "glorot"}
    compare(lane(**some, lr=0.01), epochs=3)
    compare(lane(**some, optimizer="nesterov", lr=0.05, weight_decay=0.1, clip_norm=0.5), epochs=2)


@pytest.mark.parametrize("dropping", ["unit", "spatial"])
@every_network
def test_dropout(network: SequenceNetwork, dropping: str) -> None:
    shape = replace(network, dropping=dropping)
    compare(lane(network=shape, variant=data_of(shape), dropout=0.3, lr=0.005, init="glorot"), epochs=2)
