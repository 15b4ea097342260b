"""Families of networks by the names that recipes and saved models call them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

from cotune.nets.anchored import Anchored
from cotune.nets.gan.pair import GAN
from cotune.nets.graph.gat import GAT
from cotune.nets.graph.gcn import GCN
from cotune.nets.graph.gin import GIN
from cotune.nets.graph.sage import SAGE
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.nets.own.module import Build, Module
from cotune.nets.rnn import RNN
from cotune.nets.sequence.recurrent import Recurrent
from cotune.nets.sequence.tcn import TCN
from cotune.nets.sequence.transformer import Transformer
from cotune.nets.text.bag import Bag
from cotune.nets.text.cnn import TextCNN

FAMILIES: dict[str, Callable[..., Network]] = {
    "mlp": MLP,
    "cnn": CNN,
    "gru": RNN,  # what it cannot do is a Recurrent with that cell
    "rnn": Recurrent,
    "lstm": Recurrent,
    "tcn": TCN,
    "transformer": Transformer,
    "resnet": ResNet,
    "gcn": GCN,
    "sage": SAGE,
    "gat": GAT,
    "gin": GIN,
    "module": Module,
    "textcnn": TextCNN,
    "bag": Bag,
    "gan": GAN,
}


def at_width(network: Network, width: int) -> Network:
    """A padded shape at a lane's own width, unpadded but for the head."""
    if isinstance(network, Anchored):
        return replace(network, inner=at_width(network.inner, width))
    return replace(network, width=width) if isinstance(network, MLP) else network


def to_json(network: Network) -> dict[str, Any]:
    """A shape as plain JSON types."""
    if isinstance(network, Module):
        return {"family": "module", "shape": network.to_json()}
    if isinstance(network, Anchored):
        around = {
            field.name: getattr(network, field.name) for field in fields(network) if field.name != "inner"
        }
        return {**to_json(network.inner), "anchored": around}
    family = next((name for name, kind in FAMILIES.items() if kind is type(network)), None)
    if family is None or not is_dataclass(network):
        raise ValueError(f"{network.kind} cannot be saved; give it a name in FAMILIES")
    return {"family": family, "shape": asdict(network)}


def from_json(tree: Mapping[str, Any], build: Build | None = None) -> Network:
    """The shape that `to_json` wrote; a tree without a family is of a time when there was one.

    Args:
        build: makes a module of what the user's own function was answered, where the network is a user's.

    Raises:
        KeyError, TypeError, ValueError: the tree is damaged.
        ModelError: the network is a user's, and there is no `build`.
    """
    if tree.get("family") == "module":
        return Module.from_json(tree["shape"], build)
    family = FAMILIES[tree.get("family", "mlp")]
    network = family(**{name: tuple(v) if isinstance(v, list) else v for name, v in tree["shape"].items()})
    return Anchored(network, **tree["anchored"]) if "anchored" in tree else network
