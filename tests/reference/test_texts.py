"""Networks of words against their plain twins."""

import pytest

from cotune.nets.activations import ACTIVATIONS
from cotune.nets.text.cnn import TextCNN
from engine import places
from engine.lanes import lane, started
from engine.texts import CLASSES, LENGTH, NETWORKS, WORDS, texts
from reference.test_twin import compare

PLACES = [each for each in places.WITH_GPU if each != "compiled"]

every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


@every_network
@pytest.mark.parametrize("optimizer", ["nesterov", "adamw", "adadelta"])
def test_every_network(network: TextCNN, optimizer: str) -> None:
    rate = {"nesterov": 0.1, "adamw": 0.02, "adadelta": 1.0}[optimizer]
    numbers = {"dropout": 0.4, "weight_decay": 0.1, "label_smoothing": 0.1}
    data = texts(classes=network.outputs, weighted=True)
    compare(lane(network=network, variant=data, optimizer=optimizer, lr=rate, **numbers))


@every_network
@pytest.mark.parametrize(
    "numbers",
    [
        {"word_dropout": 0.3, "word_swap": 0.5},
        {"l1": 1e-3, "l2": 1e-2, "clip_norm": 0.5, "max_norm": 0.5},
        {"sam_rho": 0.05, "ema_decay": 0.9},
        {"accumulate": 2, "freeze": 1, "unfreeze": 2},
    ],
    ids=lambda numbers: ", ".join(numbers),
)
def test_every_method(network: TextCNN, numbers: dict[str, float]) -> None:
    compare(lane(network=network, variant=texts(classes=network.outputs), **numbers), frozen=True)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "prelu"])
def test_every_activation(activation: str) -> None:
    compare(lane(network=NETWORKS["textcnn"], variant=texts(), activation=activation, dropout=0.3))


def test_learned_slopes() -> None:
    network = TextCNN(WORDS, LENGTH, 6, 8, (2, 3), CLASSES, slopes=True)
    compare(lane(network=network, variant=texts(), activation="prelu"))


@every_network
def test_weights_of_an_earlier_network(network: TextCNN) -> None:
    compare(started(lane(network=network, variant=texts(classes=network.outputs))))
