"""What suits a data set by what its rows are: families of networks, preparations, and sizes of convolutions."""

from collections.abc import Iterable, Mapping

from cotune.data import Dataset, Images
from cotune.data.forecasts.windows import Windows
from cotune.data.graphs.rows import ROW, GraphRows
from cotune.data.series.rows import Series
from cotune.engine.devices import named
from cotune.errors import RecipeError
from cotune.recipe import Choice, Recipe
from cotune.recipe.names import AUTO, CONVOLVING, READS, SEQUENTIAL
from cotune.recipe.schema import (
    LOADS,
    PREPARES,
    DataSection,
    NetworkSection,
    PrepareSection,
    domains,
    foreign,
)
from cotune.recipe.section import Section
from cotune.recipe.settings import Range, Setting
from cotune.study.generation.contests import refuse_contests, suited_to_generate
from cotune.study.settling.forecasts import refuse_single, suited_to
from cotune.study.settling.residual import stages, usual_family
from cotune.study.settling.sequences import of_sequences
from cotune.study.settling.texts import of_texts
from cotune.types import Task, Value

WORDS = {
    "mlp": "a multi-layer perceptron",
    "cnn": "a convolutional network",
    "gru": "a recurrent network",
    "rnn": "a recurrent network",
    "lstm": "a recurrent network",
    "tcn": "a network of convolutions over time",
    "transformer": "a Transformer",
    "gcn": "a graph convolutional network",
    "sage": "GraphSAGE",
    "gat": "a graph attention network",
    "gin": "a graph isomorphism network",
    "textcnn": "a convolutional network of words",
    "bag": "a bag of words",
    "gan": "a generator and its discriminator",
    "module": "a network of your own",
    "resnet": "a residual network",
}

ROWS_OF = {
    "table": "a table",
    "series": "series",
    "image": "images",
    "forecast": "series to be forecast",
    "graph": "graphs",
    "tensors": "tensors",
    "text": "texts",
}
"""Kinds of data as messages call them."""

CATEGORY_WIDTH = 8
"""Units of a category, where the recipe leaves them open."""

OF_ANOTHER: Mapping[str, Value] = {
    "activation": "identity", "norm": "none", "dropout": 0.0, "dropout_kind": "unit", "init": "he",
}  # fmt: skip
"""The same for networks of the user's own."""

OF_SINGLE_TIMES: Mapping[str, Value] = {"numbers": "plain", "categories": "onehot"}
"""Preparations that a series leaves as they are: each of its times is one number."""

LEAST_SIDE = 3
"""Pixels that the shorter side of the last stage has, where the recipe leaves the stages open."""

LARGE = 24
"""From this side on several stages are worth trying."""

FILTERS, FILTERS_ON_GPU = Choice((8, 16)), Choice((16, 32, 64))
"""Filters of the first stage, where the recipe leaves them open: work grows with their square, and a GPU has more."""


def suited(recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recipe with its family, and what hangs on it, settled for the data.

    Raises:
        RecipeError: it asks for what has no meaning for these rows, or these networks.
    """
    kind = dataset.kind
    _refuse_foreign_data(recipe, kind)
    if dataset.task is Task.GENERATION:
        return suited_to_generate(recipe.model_copy(update={"prepare": _prepare(recipe, kind)}), dataset)
    recipe = suited_to(recipe, dataset.frame if isinstance(dataset.frame, Windows) else None)
    prepare = _prepare(recipe, kind)
    if dataset.targets or kind == "forecast":
        refuse_single(recipe, dataset.target)
    _refuse_stretching(recipe, dataset)
    family = recipe.network.family
    if family == "auto":
        family = usual_family(recipe, dataset)
    families = _values(family)
    _refuse_families(families, kind)
    refuse_contests(recipe, families)
    network = recipe.network.model_copy(update={"family": family})
    if set(families) & set(SEQUENTIAL):
        if not set(families) <= set(SEQUENTIAL):
            raise RecipeError(
                f"network.family {_listed(set(families) & set(SEQUENTIAL))} learns from series, the columns of a table "
                f"in their order, and is not searched beside {_listed(set(families) - set(SEQUENTIAL))}; leave one out"
            )
        network = network.model_copy(update=of_sequences(network, families, kind))
        if kind == "table":
            _refuse_several_numbers(prepare)
    if "module" in families:
        if len(families) > 1:
            raise RecipeError(
                "network.family module is a network of your own, and not searched beside others; leave the family out"
            )
        network = network.model_copy(update=OF_ANOTHER)
        return recipe.model_copy(update={"network": network, "prepare": prepare})
    if kind == "text":
        prepare = prepare.model_copy(update={"categories": "embedding"})  # words have nothing else
        own = ", ".join(WORDS[str(family)] for family in families)
        network = network.model_copy(update=of_texts(network, families, own))
    elif network.embeddings is not None:
        raise RecipeError(f"network.embeddings has no meaning for {ROWS_OF[kind]}; leave it out")
    elif network.embedding_width == "auto":
        network = network.model_copy(update={"embedding_width": CATEGORY_WIDTH})
    _refuse_foreign(network, families)
    if isinstance(dataset.frame, GraphRows):
        _refuse_of_other_rows(network, dataset.frame.task)
    images = dataset.frame if isinstance(dataset.frame, Images) else None
    if images is not None and set(CONVOLVING) & set(families):
        on_gpu = named(recipe.training.device) != "cpu"
        if "cnn" in families:
            network = network.model_copy(update=_convolutions(network, images.shape, on_gpu=on_gpu))
        if "resnet" in families:
            network = network.model_copy(update=stages(network, images.shape))
    return recipe.model_copy(update={"network": network, "prepare": prepare})


def _prepare(recipe: Recipe, kind: str) -> PrepareSection:
    """The preparation; keys that mean nothing for the data are fixed, for there is nothing to search in them."""
    given, others = recipe.prepare, foreign(kind)
    for name in others:
        if getattr(given, name) != _default(PrepareSection, name):
            own = "scaling" if kind == "table" else next(iter(PREPARES.get(kind, ("balance",))))
            raise RecipeError(
                f"prepare.{name} has no meaning for {ROWS_OF[kind]}; leave it out, and see prepare.{own}"
            )
    open_ones = [name for name in others if isinstance(getattr(given, name), Range | Choice)]
    known = domains()
    return given.model_copy(update={name: known[name][1].options[0] for name in open_ones})


def _refuse_foreign_data(recipe: Recipe, kind: str) -> None:
    """Raise `RecipeError` for a key of `data` that is for another kind of data."""
    for name in foreign(kind, LOADS):
        if getattr(recipe.data, name) != _default(DataSection, name):
            raise RecipeError(f"data.{name} has no meaning for {ROWS_OF[kind]}; leave it out")


def _refuse_stretching(recipe: Recipe, dataset: Dataset) -> None:
    """Raise `RecipeError` where augmentation would stretch series that end at different times beyond their ends."""
    if not isinstance(dataset.frame, Series) or dataset.frame.equal:
        return
    for name in ("time_warp", "window"):
        if getattr(recipe.augment, name) != 0:
            raise RecipeError(
                f"augment.{name} stretches a series to the common length, and has no meaning where series have unequal "
                "lengths; leave it out, or take jitter and amplitude"
            )


def _refuse_families(families: tuple[Value, ...], kind: str) -> None:
    """Raise `RecipeError` for a family that learns from other rows."""
    for family in families:
        reads = READS[str(family)]
        if kind in reads or (kind == "table" and family in SEQUENTIAL):
            continue
        learns = " or ".join(ROWS_OF[each] for each in reads)
        law = f"network.family {family} learns from {learns}, but the rows are {ROWS_OF[kind]}"
        other = f"set family: {AUTO[kind]}"
        if kind == "table" and "image" in reads:
            other += ", or name the images with `--set 'columns={COLUMN: image}'`"
        raise RecipeError(f"{law}; {other}")


def _refuse_several_numbers(prepare: PrepareSection) -> None:
    """Raise `RecipeError` where a column would become several numbers: each would pass for a time of the series."""
    for name, value in OF_SINGLE_TIMES.items():
        if set(_values(getattr(prepare, name))) != {value}:
            raise RecipeError(
                f"prepare.{name} must be {value} for networks of series, which read each prepared column as one time; "
                "leave it out, or set family: mlp"
            )


def _refuse_foreign(network: NetworkSection, families: tuple[Value, ...]) -> None:
    """Raise `RecipeError` for a key of another family: who sets it expects it to do something."""
    for name, (section, domain) in domains().items():
        if section != "network" or domain.when is None or domain.when[0] != "family":
            continue
        if not set(domain.when[1]) & set(families) and getattr(network, name) != _default(
            NetworkSection, name
        ):
            own = ", ".join(WORDS[str(family)] for family in families)
            raise RecipeError(
                f"network.{name} has no meaning for {own}; leave it out, or set family: {domain.when[1][0]}"
            )


OF_ROWS: Mapping[str, str] = {"readout": "graph", "decoder": "link", "neighbours": "node"}
"""Keys of networks over graphs → what a row must be."""


def _refuse_of_other_rows(network: NetworkSection, task: str) -> None:
    """Raise `RecipeError` for a key that does nothing where rows of a graph are of this kind."""
    for name, own in OF_ROWS.items():
        if task != own and getattr(network, name) != _default(NetworkSection, name):
            raise RecipeError(f"network.{name} has no meaning where {ROW[task]} are predicted; leave it out")


def _convolutions(
    network: NetworkSection, shape: tuple[int, int, int], *, on_gpu: bool
) -> dict[str, Setting]:
    """Stages, filters and kernels, those that the recipe leaves open by the size of the images."""
    side = min(shape[:2])
    most = side.bit_length() - 1  # each stage halves the sides, and the last must leave a pixel
    stages = network.convolutions
    if stages == "auto":
        fitting = max(1, (side // LEAST_SIDE).bit_length() - 1)
        stages = Choice((2, 3)) if side >= LARGE else min(2, fitting)
    elif _largest(stages) > most:
        raise RecipeError(
            f"each convolution halves the images, so {shape[0]} × {shape[1]} pixels have room for {most} of them, but "
            f"convolutions goes up to {_largest(stages)}; lower it, or raise data.image_size"
        )
    return {
        "convolutions": stages,
        "filters": (FILTERS_ON_GPU if on_gpu else FILTERS) if network.filters == "auto" else network.filters,
        "kernel": 3 if network.kernel == "auto" else network.kernel,
    }


def _listed(families: Iterable[Value]) -> str:
    return ", ".join(sorted(map(str, families)))


def _values(setting: Setting) -> tuple[Value, ...]:
    if isinstance(setting, Choice):
        return setting.choices
    return () if isinstance(setting, Range) else (setting,)


def _largest(setting: Setting) -> int:
    if isinstance(setting, Range):
        return int(setting.high)
    return max(value for value in _values(setting) if isinstance(value, int))


def _default(section: type[Section], name: str) -> object:
    return section.model_fields[name].default
