"""Networks of words: from a configuration to their shapes, and the keys that hang on them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cotune.data.texts.vectors import width_of
from cotune.engine.bank import Variant
from cotune.errors import RecipeError
from cotune.nets.network import Network
from cotune.nets.text.bag import Bag
from cotune.nets.text.cnn import TextCNN
from cotune.recipe.names import OF_WORDS
from cotune.recipe.schema import NetworkSection
from cotune.recipe.settings import Choice, Setting
from cotune.types import Value

Config = Mapping[str, Value]

WITHOUT: Mapping[str, Mapping[str, Value]] = {
    "textcnn": {"norm": "none"},
    "bag": {"norm": "none", "dropout_kind": "unit", "activation": "identity"},
}
"""What other families call so these have not."""

DROPOUTS = ("unit", "alpha")
"""Kinds of dropout that a TextCNN knows."""

WIDTH, FILTERS = 64, 64
"""Units of a word, and filters of each size, where the recipe leaves them open; Kim 2014 has 300 and 100."""

EMBEDDING_INITS = {"uniform": "words", "normal": "normal"}
"""Recipe's name → the engine's, see `cotune.nets.layout.Weight`."""


def _textcnn(config: Config, variant: Variant, _: int, outputs: int, __: int) -> tuple[Network, int]:
    network = TextCNN(
        words=variant.cardinalities[0],
        length=variant.shape[0],
        embedding_width=_int(config["embedding_width"]),
        filters=_int(config["filters"]),
        sizes=tuple(int(size) for size in str(config["windows"]).split("-")),
        outputs=outputs,
        embedding_init=EMBEDDING_INITS[str(config["embedding_init"])],
        dropping=str(config["dropout_kind"]),
        slopes=config["activation"] == "prelu",
    )
    return network, network.width


def _bag(config: Config, variant: Variant, _: int, outputs: int, __: int) -> tuple[Network, int]:
    network = Bag(
        words=variant.cardinalities[0],
        length=variant.shape[0],
        embedding_width=_int(config["embedding_width"]),
        outputs=outputs,
        embedding_init=EMBEDDING_INITS[str(config["embedding_init"])],
    )
    return network, network.width


TEXTS: dict[str, Callable[[Config, Variant, int, int, int], tuple[Network, int]]] = {
    "textcnn": _textcnn,
    "bag": _bag,
}
"""Builders by family; see `cotune.study.settling.networks.BUILDERS`."""


def of_texts(network: NetworkSection, families: Sequence[Value], words: str) -> dict[str, Setting]:
    """The keys that hang on texts, settled; several families keep what any of them knows.

    Args:
        words: what the families are called in messages.

    Raises:
        RecipeError, SourceError: a key is set to what none of them has, or the file of embeddings cannot be used.
    """
    changes: dict[str, Setting] = {"embedding_width": _width(network)}
    names = [str(family) for family in families]
    if not set(names) <= set(OF_WORDS):
        return changes
    for key, value in WITHOUT[names[0]].items():
        if any(key not in WITHOUT[name] for name in names):
            continue
        if getattr(network, key) not in (value, NetworkSection.model_fields[key].default):
            raise RecipeError(f"network.{key} has no meaning for {words}; leave it out")
        changes[key] = value
    kinds = network.dropout_kind
    if not set(kinds.choices if isinstance(kinds, Choice) else (kinds,)) <= set(DROPOUTS):
        law = f"network.dropout_kind must be among {', '.join(DROPOUTS)} for {words}"
        raise RecipeError(f"{law}; choose one of these")
    if network.filters == "auto" and "textcnn" in names:
        changes["filters"] = FILTERS
    return changes


def _width(network: NetworkSection) -> Setting:
    """Units of a word: those of the file of embeddings, where there is one."""
    asked = network.embedding_width
    if network.embeddings is None:
        return WIDTH if asked == "auto" else asked
    width = width_of(Path(network.embeddings))
    if asked not in ("auto", width):
        law = f"network.embedding_width must be that of network.embeddings, {width}"
        raise RecipeError(f"{law}, but is {asked}; leave it out")
    return width


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
