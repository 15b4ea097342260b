"""Weights that a study's networks begin with: read from an earlier study or a file, and kept beside the new one."""

from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cotune.data import Dataset
from cotune.engine.lanes import Lane
from cotune.engine.start import Start, layers_taken, shared
from cotune.errors import ModelError, RecipeError, StudyCorrupt
from cotune.files import replacing
from cotune.product import Model
from cotune.recipe import Recipe
from cotune.space import Space
from cotune.study.lanes import LaneFactory
from cotune.study.starting import words
from cotune.types import LaneId, Params, Value

KEY = "network.pretrained"

PREFIX = "network0."
"""What stands before the names of a saved model's first network."""

SHAPING = (
    "family",
    "width",
    "depth",
    "norm",
    "filters",
    "convolutions",
    "kernel",
    "embedding_width",
    "windows",
)
"""Keys that change the shapes of weights, but for those of the preparation."""

SHOWN = 3
"""Tensors that do not fit, named in a message."""

MOST = 500
"""Shapes of a space that are looked at."""


def read_start(named: str | None, classes: tuple[str, ...] | None = None) -> Start | None:
    """The tensors of the first network in a study's directory, or of a safetensors file, by the engine's names.

    Args:
        classes: of the data; the head of a study of others is left out.

    Raises:
        RecipeError: there are none, or they are not numbers.
    """
    if named is None:
        return None
    path = Path(named)
    if not path.exists():
        law = f"{KEY} must name the directory of a study, or a .safetensors file, but there is no {path}"
        raise RecipeError(f"{law}; mind where the command is run, or leave the key out")
    found = _of_study(path, classes) if path.is_dir() else _of_file(path)
    strange = next((name for name, tensor in found.items() if not bool(torch.isfinite(tensor).all())), None)
    if strange is not None:
        law = f"{KEY}: the tensor {strange} in {path} holds a number that is not finite"
        raise RecipeError(f"{law}; name weights of a training that did not diverge")
    return found


def start_of(recipe: Recipe, dataset: Dataset) -> Start | None:
    """What a study's networks begin with, by `network.pretrained` or `network.embeddings`.

    Of an earlier study of other classes the head is left out: it would say what these are not.

    Raises:
        RecipeError, SourceError: it cannot be used.
    """
    named, vectors = recipe.network.pretrained, recipe.network.embeddings
    if vectors is not None and named is not None:
        law = f"{KEY} and network.embeddings both say what embeddings begin with"
        raise RecipeError(f"{law}; leave one of them out")
    return read_start(named, dataset.classes) if vectors is None else words.of_file(recipe, dataset)


def _of_study(path: Path, classes: tuple[str, ...] | None) -> dict[str, Tensor]:
    home = path / "best" if (path / "best").is_dir() else path
    try:
        model = Model.load(home)
    except ModelError as error:
        raise RecipeError(f"{KEY}: {path} is no study with a model to begin with: {error}") from None
    network = model.networks[0]
    kept = classes is None or model.classes == classes
    tensors = {
        name: tensor.float().contiguous()
        for name, tensor in network.tensors.items()
        if kept or not name.startswith("head.")
    }
    return words.with_words(tensors, network.pipeline)


def _of_file(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        law = f"{KEY}: {path} cannot be read as safetensors ({error})"
        raise RecipeError(f"{law}; name a .safetensors file, or the directory of a study") from None
    first = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    found = {name: t.float().contiguous() for name, t in (first or tensors).items() if t.is_floating_point()}
    if not found:
        raise RecipeError(f"{KEY}: {path} holds no weights; name a file whose tensors are numbers")
    return found


def keep_start(start: Start, path: Path) -> None:
    """Copy the tensors into the study: it is resumed with the same weights whatever becomes of their source."""
    with replacing(path) as partial:
        save_file(dict(start), partial)


def kept_start(path: Path) -> dict[str, Tensor]:
    """What `keep_start` wrote.

    Raises:
        StudyCorrupt: it is gone or damaged.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        law = f"the weights that the study began with cannot be read from {path} ({error})"
        raise StudyCorrupt(f"{law}; restore the file from a backup, or tune again") from None


def with_whole_path(recipe: Recipe) -> Recipe:
    """The recipe with the weights' absolute path, so that it can be used from anywhere."""
    given = {"pretrained": recipe.network.pretrained, "embeddings": recipe.network.embeddings}
    whole = {key: str(Path(path).resolve()) for key, path in given.items() if path is not None}
    return recipe.model_copy(update={"network": recipe.network.model_copy(update=whole)})


def words_of_start(start: Start, factory: LaneFactory, space: Space, named: str | None) -> str:
    """Which layers are taken and which drawn, in a sentence; of the searched shapes, for those that fit best.

    Raises:
        RecipeError: no layer fits in any shape.
    """
    lanes = [factory.lane(LaneId(-1, 0), params) for params in islice(_shapes(space), MOST)]
    taken = [layers_taken(lane.structure.network, lane.width, lane.start or start) for lane in lanes]
    most = max(map(len, taken))
    best = [place for place, layers in enumerate(taken) if len(layers) == most]
    lane, layers = lanes[best[0]], taken[best[0]]
    if not layers:
        raise RecipeError(_no_layer(lane, lane.start or start, named))
    others = [
        layer
        for layer in shared(lane.structure.network, lane.width, lane.start or start)
        if layer not in layers
    ]
    drawn = f"; {', '.join(others)} drawn anew" if others else ""
    some = f" (in {len(best)} of the {len(lanes)} shapes to be searched)" if len(best) < len(lanes) else ""
    return f"networks begin with {', '.join(layers)} of {named}{drawn}{some}"


def _no_layer(lane: Lane, start: Start, named: str | None) -> str:
    both = shared(lane.structure.network, lane.width, start)
    off = [
        f"{name} is {_size(there)} there and {_size(here)} here"
        for names in both.values()
        for name, (there, here) in names.items()
        if there != here
    ]
    if not off:
        known = ", ".join(list(start)[:4])
        law = f"{KEY}: no tensor in {named} has a name that these networks know ({known}, …)"
        return f"{law}; names are such as hidden0.weight and head.bias"
    more = f"; and {len(off) - SHOWN} more" if len(off) > SHOWN else ""
    law = f"{KEY}: no layer of {named} fits: {'; '.join(off[:SHOWN])}{more}"
    return f"{law}; set what the network is built of (family, width, depth, filters, stages …) and prepare as there"


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _shapes(space: Space) -> Iterator[Params]:
    """Configurations with every combination of the keys that shape a network, all else in the middle."""
    middle = {p.name: p.from_unit(p.middle) for p in space.parameters}
    varied = [p for p in space.parameters if p.name in SHAPING and p.points is not None]
    for values in product(*(p.points or () for p in varied)):
        chosen: Mapping[str, Value] = {**middle, **{p.name: v for p, v in zip(varied, values, strict=True)}}
        params: dict[str, Value] = {}
        for p in space.parameters:
            if p.active(params):
                params[p.name] = chosen[p.name]
        yield params
