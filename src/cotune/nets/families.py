"""Families of networks by the names that recipes and saved models call them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass, replace
from typing import Any

from cotune.nets.cnn import CNN
from cotune.nets.mlp import MLP
from cotune.nets.module import Build, Module
from cotune.nets.network import Network
from cotune.nets.rnn import RNN

FAMILIES: dict[str, Callable[..., Network]] = {"mlp": MLP, "cnn": CNN, "gru": RNN, "module": Module}


def at_width(network: Network, width: int) -> Network:
    """A padded shape at a lane's own width, unpadded but for the head."""
    return replace(network, width=width) if isinstance(network, MLP) else network


def to_json(network: Network) -> dict[str, Any]:
    """A shape as plain JSON types."""
    if isinstance(network, Module):
        return {"family": "module", "shape": network.to_json()}
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
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in tree["shape"].items()}
    return family(**fields)
