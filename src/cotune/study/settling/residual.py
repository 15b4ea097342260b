"""What suits images: when residual networks are worth their time, and how large theirs are.

| symbol | meaning                                            | unit |
|--------|----------------------------------------------------|------|
| side   | the shorter side of the images                     | pixels |
| stem   | pixels between the places of the first convolution |        |
"""

from cotune.data import Dataset, Images
from cotune.engine.devices import named
from cotune.engine.parallel import cores
from cotune.errors import RecipeError
from cotune.recipe import Choice, Recipe
from cotune.recipe.names import AUTO
from cotune.recipe.schema import NetworkSection
from cotune.recipe.settings import Range, Setting
from cotune.types import Value

LARGE = 24
"""From this side on the first convolution takes every other pixel, and a residual network is worth its time."""

LAST_SIDE = 4
"""Pixels that the side of the last stage has, where the recipe leaves the stages open."""

FILTERS = 32

SECONDS_A_PIXEL = 1.0e-6
"""What a network of the usual size takes in an epoch for a pixel of an image, on one core (measured: 0.9e-6)."""

EPOCHS = 10
"""Fewer than this, and a plain convolutional network learns more in the time."""


def usual_family(recipe: Recipe, dataset: Dataset) -> str:
    """The family where the recipe leaves it open.

    Images large enough get residual networks, where there is time for `EPOCHS` epochs of one.
    """
    images = dataset.frame if isinstance(dataset.frame, Images) else None
    if images is None:
        return AUTO[dataset.kind]
    height, across, _ = images.shape
    if min(height, across) < LARGE:
        return AUTO["image"]
    limit = recipe.search.time_limit
    if limit is None or named(recipe.training.device) != "cpu":
        return "resnet"
    needed = EPOCHS * len(dataset.y) * height * across * SECONDS_A_PIXEL / cores()
    return "resnet" if limit >= needed else AUTO["image"]


def stages(network: NetworkSection, shape: tuple[int, int, int]) -> dict[str, Setting]:
    """Stem, stages, filters and kernel, those that the recipe leaves open by the size of the images.

    Raises:
        RecipeError: the images are too small for the stages.
    """
    side = min(shape[:2])
    stem: Setting = (2 if side >= LARGE else 1) if network.stem == "auto" else network.stem
    first = -(-side // _most(stem))
    found = network.stages
    if found == "auto":
        found = max(1, min(3, (first // LAST_SIDE).bit_length()))
    elif first >> (_most(found) - 1) < 2 and _most(found) > 1:
        room = max(1, first.bit_length() - 1)
        raise RecipeError(
            f"each stage after the first halves the images, so {shape[0]} × {shape[1]} pixels have room for {room} "
            f"stages, but stages goes up to {_most(found)}; lower it, or stem, or raise data.image_size"
        )
    return {
        "stem": stem,
        "stages": found,
        "filters": FILTERS if network.filters == "auto" else network.filters,
        "kernel": 3 if network.kernel == "auto" else network.kernel,
    }


def _most(setting: Setting) -> int:
    if isinstance(setting, Range):
        return int(setting.high)
    values: tuple[Value, ...] = setting.choices if isinstance(setting, Choice) else (setting,)
    return max(value for value in values if isinstance(value, int))
