"""From a configuration to the shape of its network, and the width that is its own."""

from collections.abc import Callable, Mapping

from cotune.data import Fitted
from cotune.data.prepare.windowed import WindowPipeline
from cotune.engine.bank import Variant
from cotune.engine.lanes import padded_width
from cotune.errors import RecipeError
from cotune.nets.anchored import ANCHORS, Anchored
from cotune.nets.families import FAMILIES
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.recipe.names import GRAPHS
from cotune.study.generation.contests import gan_of
from cotune.study.settling.sequences import SEQUENCES
from cotune.study.settling.texts import TEXTS
from cotune.types import Value

Config = Mapping[str, Value]
"""A full configuration: every tunable key with its value."""


def network_of(
    config: Config, variant: Variant, *, scaled: int, outputs: int, batch: int
) -> tuple[Network, int]:
    """The padded shape of a configuration's network, and its true width.

    Args:
        variant: the rows it will see.
        scaled: so many of its first features are scaled numbers.
        outputs: logits.
        batch: rows a step.
    """
    return BUILDERS[str(config["family"])](config, variant, scaled, outputs, batch)


def anchored(network: Network, pipeline: Fitted, anchor: str) -> Network:
    """The network around a window's own level, where it forecasts and is asked to."""
    if not isinstance(pipeline, WindowPipeline) or anchor not in ANCHORS:
        return network
    times, channels = pipeline.shape
    targets = len(pipeline.roles.targets)
    return Anchored(network, times, channels, pipeline.past, targets, pipeline.horizon, anchor)


def _mlp(config: Config, variant: Variant, scaled: int, outputs: int, batch: int) -> tuple[Network, int]:
    width = _int(config["width"])
    network = MLP(
        features=variant.numeric.shape[1],
        cardinalities=variant.cardinalities,
        embedding_width=_int(config.get("embedding_width")) if variant.cardinalities else 0,
        width=padded_width(width, batch),
        depth=_int(config["depth"]),
        norm=str(config["norm"]),
        residual=bool(config["residual"]),
        outputs=outputs,
        dropping=str(config["dropout_kind"]),
        waved=scaled if config["numbers"] == "periodic" else 0,
        slopes=config["activation"] == "prelu",
    )
    return network, width


def _cnn(config: Config, variant: Variant, _: int, outputs: int, __: int) -> tuple[Network, int]:
    """Each stage has twice the filters of the one before, as its images have a quarter of the pixels."""
    height, across, channels = variant.shape
    first = _int(config["filters"])
    network = CNN(
        height=height,
        across=across,
        channels=channels,
        filters=tuple(first << stage for stage in range(_int(config["convolutions"]))),
        kernel=_int(config["kernel"]),
        outputs=outputs,
        norm=str(config["norm"]),
        dropping=str(config["dropout_kind"]),
        slopes=config["activation"] == "prelu",
        pooling=_pooling(config, "flatten"),
    )
    return network, network.width


def _resnet(config: Config, variant: Variant, _: int, outputs: int, __: int) -> tuple[Network, int]:
    height, across, channels = variant.shape
    network = ResNet(
        height=height,
        across=across,
        channels=channels,
        filters=_int(config["filters"]),
        stages=_int(config["stages"]),
        blocks=_int(config["blocks"]),
        kernel=_int(config["kernel"]),
        outputs=outputs,
        block=str(config["block"]),
        stem=_int(config["stem"]),
        norm=str(config["norm"]),
        dropping=str(config["dropout_kind"]),
        slopes=config["activation"] == "prelu",
        excitation=bool(config["excitation"]),
        experts=_int(config["experts"]),
        pooling=_pooling(config, "average"),
        supervision=_float(config["supervision"]),
        exit_at=_float(config["exit_at"]),
    )
    return network, network.width


def _pooling(config: Config, usual: str) -> str:
    """What becomes of the last maps; `auto` is what is usual in the family."""
    return usual if config["map_pooling"] == "auto" else str(config["map_pooling"])


def _graph(config: Config, variant: Variant, _: int, outputs: int, batch: int) -> tuple[Network, int]:
    """What a row is follows from what it has: one of many graphs, two nodes, or one."""
    world, family = variant.world, str(config["family"])
    task = "graph" if world.bounds is not None else "link" if variant.codes.shape[1] == 2 else "node"
    entries = world.dense.numel() if world.sparse is None else world.sparse.count
    share = batch / (len(world.bounds) - 1) if task == "graph" else 1.0
    size = (*(int(share * count) for count in (world.padded, world.edges.count, entries)), batch)
    heads = _int(config["heads"]) if family == "gat" else 1
    width = heads * -(-_int(config["width"]) // (8 * heads)) * 8
    own: dict[str, Value] = {"heads": heads} if family == "gat" else {}
    own |= {name: config[name] for name in ("aggregate", "neighbours")} if family == "sage" else {}
    network = FAMILIES[family](
        inputs=world.inputs,
        width=width,
        depth=max(1, _int(config["depth"])),
        outputs=outputs,
        task=task,
        norm=str(config["norm"]),
        residual=bool(config["residual"]),
        readout=str(config["readout"]),
        decoder=str(config["decoder"]),
        size=size,
        slopes=config["activation"] == "prelu",
        **own,
    )
    return network, width


def _module(_: Config, __: Variant, ___: int, ____: int, _____: int) -> tuple[Network, int]:
    """That is for the user's own function to do, see `cotune.study.own.modules`."""
    raise RecipeError(
        "network.family module trains a network of your own: pass build=function to cotune.tune"
    )


BUILDERS: dict[str, Callable[[Config, Variant, int, int, int], tuple[Network, int]]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    **SEQUENCES,
    "module": _module,
    **dict.fromkeys(GRAPHS, _graph),
    **TEXTS,
    "gan": gan_of,
    "resnet": _resnet,
}


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _float(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)
