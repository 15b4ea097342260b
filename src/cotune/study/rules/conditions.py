"""What rules ask of a configuration, and the rows that several of them make alike."""

from collections.abc import Mapping

from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.recipe.names import GRAPHS, OF_WORDS, SEQUENTIAL
from cotune.recipe.schema import domains
from cotune.study.rules.rule import Broken, Config, Given, Rule
from cotune.types import Value

FEW_ROWS = 8
"""Moments of fewer rows than this are mostly noise (Wu & He, Group Normalization, ECCV 2018, fig. 1)."""


def turns_on(config: Config, *keys: str) -> bool:
    """Whether any of these strengths is above 0."""
    return any(number_of(config, key) > 0 for key in keys)


def number_of(config: Config, key: str, absent: float = 0.0) -> float:
    value = config.get(key, absent)
    return float(value) if isinstance(value, int | float) else absent


def is_one_of(key: str, *values: Value) -> Broken:
    return lambda config, _: config.get(key) in values


def all_hold(*parts: Broken) -> Broken:
    return lambda config, given: all(part(config, given) for part in parts)


def of_perceptrons(config: Config, _: Given | None = None) -> bool:
    """Whether the network is a multi-layer perceptron, in which a row has one place and no feature maps."""
    return config.get("family", "mlp") == "mlp"


def on_graphs(config: Config, _: Given | None = None) -> bool:
    """Whether the network goes over graphs."""
    return config.get("family") in GRAPHS


def is_residual(config: Config) -> bool:
    """Whether layers add to their input."""
    return config.get("family") == "resnet" or (of_perceptrons(config) and bool(config.get("residual")))


def has_exits(config: Config) -> bool:
    """Whether images leave a network early."""
    return config.get("family") == "resnet" and turns_on(config, "exit_at")


def hidden_layers(config: Config) -> int:
    """Hidden layers; a block is one to optimizers."""
    if on_graphs(config):
        return int(number_of(config, "depth", 2.0)) - 1
    if config.get("family") == "resnet":
        return 1 + int(number_of(config, "stages", 1.0) * number_of(config, "blocks", 1.0))
    key = "depth" if of_perceptrons(config) else "convolutions"
    return int(number_of(config, key, 1.0))


def layers_in(config: Config, given: Given) -> int:
    """Layers with weights, the head among them, at least."""
    if config.get("family") in SEQUENTIAL:
        return layers_of_time(config)
    if config.get("family") in OF_WORDS:
        return 2 if config.get("family") == "bag" else 3
    embedded = given.categories and config.get("categories") == "embedding"
    return hidden_layers(config) + 1 + embedded + (config.get("numbers") == "periodic")


def layers_of_time(config: Config) -> int:
    """Of a network of sequences; a single GRU's inputs, state and head are a layer each."""
    family, layers = config.get("family"), int(number_of(config, "layers", 1.0))
    attending = config.get("pooling") == "attention"
    if family == "tcn":
        return int(number_of(config, "levels", 1.0)) + 1 + attending
    if family == "transformer":
        return layers + 3 + attending
    ways = 2 if config.get("bidirectional") else 1
    plain = family == "gru" and layers * ways == 1 and not attending and not turns_on(config, "dropout")
    return 3 if plain else layers * ways + 1 + attending


def batch_of(config: Config, given: Given) -> int:
    """Rows a step."""
    return min(int(number_of(config, "batch_size", given.rows)), given.rows)


def needs_probabilities(_: Config, given: Given) -> bool:
    return any(METRICS[name].needs_probabilities for name in given.metrics)


def less_patient(_: Config, given: Given) -> Mapping[str, Value]:
    if given.patience == 1:
        return {"schedule": "constant"}
    return {"plateau_patience": given.patience // 2}


DATA = {"table", "series", "image", "graph", "text"}
"""Kinds of data that recipes know."""

SMOOTHED = (domains()["label_smoothing"][1].when or ("", ()))[1]
SURE = ("cross_entropy", "focal")
"""Losses whose outputs are logits of classes, of which the probabilities sum to one."""
SCORES = tuple(name for name, loss in LOSSES.items() if not loss.probabilities)
"""Losses whose outputs are scores, not probabilities."""


def only_for(*wanted: str) -> tuple[str, ...]:
    """Augmentations in the recipe that are for data of these kinds alone."""
    kinds = {name: set(row.kinds) & DATA for name, row in AUGMENTATIONS.items()}
    kinds |= {name: set(row.kinds) & DATA for name, row in MIXINGS.items()}
    return tuple(name for name, own in kinds.items() if own == set(wanted) and name in domains())


def augments_other(noun: str, *kinds: str) -> Rule:
    names = only_for(*kinds)
    return Rule(
        f"augmentation of {noun} for other data",
        (*names, "kind"),
        lambda config, given: given.kind not in kinds and turns_on(config, *names),
        dict.fromkeys(names, 0.0),
        f"only {noun} can undergo {', '.join(names)}",
        refused=True,
    )
