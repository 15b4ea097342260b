"""From a configuration to the shape of a network of sequences: what it reads, and how."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypedDict

from cotune.engine.bank import Variant
from cotune.errors import RecipeError
from cotune.nets.layout import ALIGN
from cotune.nets.network import Network
from cotune.nets.rnn import RNN
from cotune.nets.sequence.recurrent import Recurrent
from cotune.nets.sequence.tcn import TCN
from cotune.nets.sequence.transformer import Transformer
from cotune.recipe import Choice
from cotune.recipe.names import DROPOUTS_OF, NORMS_OF, RECURRENT
from cotune.recipe.schema import NetworkSection
from cotune.recipe.settings import Setting
from cotune.types import Value

Config = Mapping[str, Value]

POOLED = {"gru": "last", "rnn": "last", "lstm": "last", "tcn": "mean", "transformer": "mean"}
"""What `pooling: auto` means."""


class Reads(TypedDict):
    """The fields of a `cotune.nets.sequence.front.Front`."""

    times: int
    channels: int
    vocabulary: int
    embedding_width: int
    lengths: bool


def reads(config: Config, variant: Variant) -> Reads:
    """What a network sees of prepared rows.

    Numbers are series of (time, channel) by the variant's shape; a table's features are the times of one channel.
    Without numbers, codes are tokens of one vocabulary. A column of codes beyond them is the count of times in use.
    """
    features, columns = variant.numeric.shape[1], variant.codes.shape[1]
    if features:
        times, channels = variant.shape if len(variant.shape) == 2 else (features, 1)
        return Reads(times=times, channels=channels, vocabulary=0, embedding_width=0, lengths=columns > 0)
    times = variant.shape[0] if variant.shape else columns
    return Reads(
        times=times,
        channels=0,
        vocabulary=variant.cardinalities[0],
        embedding_width=_int(config.get("embedding_width", 8)),
        lengths=columns > times,
    )


def _recurrent(
    cell: str, config: Config, variant: Variant, _: int, outputs: int, batch: int
) -> tuple[Network, int]:
    """Compiled where it can be: one layer of GRU, read forwards to the common end of all rows, without dropout."""
    front, width = reads(config, variant), _aligned(_int(config["width"]), batch)
    layers, bidirectional = _int(config.get("layers", 1)), bool(config.get("bidirectional", False))
    pooling = _pooling(cell, config)
    ragged, dropout = front["lengths"] or front["vocabulary"], config.get("dropout", 0.0)
    if cell == "gru" and layers == 1 and not (bidirectional or ragged or dropout) and pooling == "last":
        return RNN(front["times"], front["channels"], width, outputs), width
    network = Recurrent(
        **front,
        width=width,
        outputs=outputs,
        pooling=pooling,
        dropping=_dropping(config),
        cell=cell,
        layers=layers,
        bidirectional=bidirectional,
    )
    return network, width


def _aligned(width: int, batch: int, heads: int = 1) -> int:
    """A width rounded up, such that each lane's states are aligned (see `cotune.nets.layout.ALIGN`)."""
    grain = math.lcm(max(8, ALIGN // math.gcd(batch, ALIGN)), heads)
    return -(-width // grain) * grain


def _pooling(family: str, config: Config) -> str:
    asked = str(config.get("pooling", "auto"))
    return POOLED[family] if asked == "auto" else asked


def _norm(family: str, config: Config) -> str:
    """A norm that the family has, where others are searched beside it."""
    asked = str(config.get("norm", "none"))
    return asked if asked in NORMS_OF[family] else NORMS_OF[family][0]


def _dropping(config: Config) -> str:
    return "spatial" if config.get("dropout_kind") == "spatial" else "unit"


def _tcn(config: Config, variant: Variant, _: int, outputs: int, batch: int) -> tuple[Network, int]:
    width = _aligned(_int(config["width"]), batch)
    network = TCN(
        **reads(config, variant),
        width=width,
        outputs=outputs,
        pooling=_pooling("tcn", config),
        dropping=_dropping(config),
        slopes=config.get("activation") == "prelu",
        levels=_int(config.get("levels", 3)),
        kernel=_int(config.get("time_kernel", 5)),
        dilation=_int(config.get("dilation", 2)),
        causal=bool(config.get("causal", False)),
        residual=bool(config.get("residual", False)),
        norm=_norm("tcn", config),
    )
    return network, width


def _transformer(config: Config, variant: Variant, _: int, outputs: int, batch: int) -> tuple[Network, int]:
    """Its width is rounded up to a multiple of the heads, too."""
    heads = _int(config.get("heads", 4))
    width = _aligned(_int(config["width"]), batch, heads)
    network = Transformer(
        **reads(config, variant),
        width=width,
        outputs=outputs,
        pooling=_pooling("transformer", config),
        dropping=_dropping(config),
        slopes=config.get("activation") == "prelu",
        layers=_int(config.get("layers", 1)),
        heads=heads,
        feedforward=_int(config.get("feedforward", 2)),
        norm=_norm("transformer", config),
    )
    return network, width


SEQUENCES: dict[str, Callable[[Config, Variant, int, int, int], tuple[Network, int]]] = {
    **{cell: partial(_recurrent, cell) for cell in RECURRENT},
    "tcn": _tcn,
    "transformer": _transformer,
}
"""Builders by family; see `cotune.study.settling.networks.BUILDERS`."""


def of_sequences(network: NetworkSection, families: Sequence[Value], kind: str) -> dict[str, Setting]:
    """The keys that hang on such a family, settled; several families keep what any of them knows.

    Raises:
        RecipeError: a key is set to what none of them has.
    """
    names = [str(family) for family in families]
    changes: dict[str, Setting] = {}
    if set(names) <= set(RECURRENT):
        changes["activation"] = _fixed(network, "activation", ("tanh",), names)
    norms = tuple(dict.fromkeys(norm for name in names for norm in NORMS_OF[name]))
    changes["norm"] = _fixed(network, "norm", norms, names)
    changes["dropout_kind"] = _fixed(network, "dropout_kind", DROPOUTS_OF, names)
    if names == ["gru"] and network.dropout == type(network).model_fields["dropout"].default:
        changes["dropout"] = 0.0  # the compiled loops of a single layer have none
    pooled = {"last" if kind == "forecast" else POOLED[name] for name in names}
    if network.pooling == "auto" and len(pooled) == 1:  # what comes next hangs on what was last
        changes["pooling"] = pooled.pop()
    return changes


def _fixed(network: NetworkSection, key: str, known: tuple[str, ...], names: Sequence[str]) -> Setting:
    """A key's setting, which must be among those known; the default becomes the first of these."""
    setting: Setting = getattr(network, key)
    values = setting.choices if isinstance(setting, Choice) else (setting,)
    if set(values) <= set(known):
        return setting
    if setting == type(network).model_fields[key].default:
        return known[0]
    if len(known) == 1:
        raise RecipeError(f"network.{key} has no meaning for family {', '.join(names)}; leave it out")
    raise RecipeError(
        f"network.{key} must be among {', '.join(known)} for family {', '.join(names)}, but is "
        f"{', '.join(map(str, values))}; choose one of these"
    )


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
