"""What a recipe means for rows that are to be generated: which keys, which sizes, which shape of networks."""

import math
from collections.abc import Mapping

from cotune.data import Dataset
from cotune.engine.bank import Variant
from cotune.engine.goals.contest import Contest
from cotune.errors import RecipeError
from cotune.nets.gan.images import sides
from cotune.nets.gan.pair import GAN
from cotune.nets.layout import ALIGN
from cotune.recipe import Recipe
from cotune.recipe.generation import GenerationSection
from cotune.recipe.schema import AfterSection
from cotune.recipe.settings import Choice, Range, Setting
from cotune.types import Value

CONTESTS = 12
"""Trials of a study that has no limit."""

CONTEST_BATCH = 64
"""Rows a step: a generator gains by many steps more than by large ones (Radford et al. use 128)."""

CONTEST_STEPS = 200
"""Steps of an epoch, at most: an epoch is when lanes are judged, and rows come anew in any case."""

CONTEST_EPOCHS: Mapping[str, tuple[int, int]] = {"fast": (10, 15), "balanced": (20, 40), "best": (40, 100)}
"""Fewest and most epochs where the recipe leaves them open, by preset."""

LEAST_SIDE = 4
"""Pixels that a generator's first maps have, where the recipe leaves the depth open."""

WIDTHS: Mapping[str, int] = {"image": 32, "table": 128}
DEPTHS: Mapping[str, int] = {"table": 2}
LOSSES: Mapping[str, str] = {"image": "cross_entropy", "table": "wasserstein"}
"""What stands for `auto`, by kind of data."""

FIXED: Mapping[str, Mapping[str, Value]] = {
    "network": {"activation": "leaky_relu", "norm": "none", "dropout": 0.0, "dropout_kind": "unit", "residual": False},
    "augment": {"mixup": 0.0, "cutmix": 0.0, "feature_mask": 0.0},
    "training": {
        "loss": "auto", "label_smoothing": 0.0, "label_noise": 0.0, "sam_rho": 0.0, "freeze": 0, "unfreeze": 0,
        "layer_lr": 1.0,
    },
    "prepare": {"balance": "none", "numbers": "plain", "categories": "onehot", "select": "none", "pixels": "unit"},
}  # fmt: skip
"""Keys that mean nothing for a contest, by section, and the value they have in it."""


def generated_kind(kind: str) -> str:
    """The kind of data by which presets know rows that are to be generated."""
    return f"generated {kind}"


def refuse_contests(recipe: Recipe, families: tuple[Value, ...]) -> None:
    """Raise `RecipeError` where something is to be predicted by what only generates."""
    if "gan" in families:
        raise RecipeError(
            "network.family gan learns to make rows, and predicts nothing; set data.task: generation "
            "(`--task generation`), or another family"
        )
    for name, field in GenerationSection.model_fields.items():
        if getattr(recipe.generation, name) != field.default:
            raise RecipeError(
                f"generation.{name} has no meaning where something is predicted; leave it out, or set data.task: "
                "generation"
            )


def suited_to_generate(recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recipe with its family, and what hangs on it, settled for rows that are to be generated.

    Raises:
        RecipeError: it asks for what has no meaning for them.
    """
    if dataset.kind not in WIDTHS:
        known = " and ".join(WIDTHS)
        raise RecipeError(
            f"data.task generation is for the kinds of data {known}, but the rows are {dataset.kind}"
        )
    if recipe.network.family not in ("auto", "gan"):
        raise RecipeError(
            "data.task generation is learned by family gan, but network.family is "
            f"{recipe.network.family}; leave it out"
        )
    if recipe.network.pretrained is not None:
        raise RecipeError("network.pretrained has no meaning for data.task generation; leave it out")
    changed = {section: _fixed(recipe, section) for section in FIXED}
    changed["network"]["family"] = "gan"
    changed["generation"] = _sizes(recipe.generation, dataset)
    return recipe.model_copy(
        update={name: getattr(recipe, name).model_copy(update=update) for name, update in changed.items()}
    )


def _fixed(recipe: Recipe, name: str) -> dict[str, Setting]:
    """The keys of a section that mean nothing here; whoever sets one is told."""
    section = getattr(recipe, name)
    for key, value in FIXED[name].items():
        if getattr(section, key) not in (value, type(section).model_fields[key].default):
            raise RecipeError(f"{name}.{key} has no meaning for data.task generation; leave it out")
    return dict(FIXED[name])


def _sizes(given: GenerationSection, dataset: Dataset) -> dict[str, Setting]:
    kind = dataset.kind
    found: dict[str, Setting] = {}
    shape = dataset.examples.shape if dataset.examples is not None else ()
    if given.gan_width == "auto":
        found["gan_width"] = WIDTHS[kind]
    if given.gan_loss == "auto":
        found["gan_loss"] = LOSSES[kind]
    if kind == "image":
        found["gan_depth"] = _depth(given.gan_depth, min(shape[:2]))
    elif given.gan_depth == "auto":
        found["gan_depth"] = DEPTHS[kind]
    if kind != "image" and given.upsampling != "transposed":
        raise RecipeError("generation.upsampling has no meaning for a table; leave it out")
    return found


def _depth(setting: Setting, side: int) -> Setting:
    """Halvings of an image whose shorter side has so many pixels."""
    if setting == "auto":
        return max(1, (side // LEAST_SIDE).bit_length() - 1)
    most = max(1, side.bit_length() - 1)
    asked = setting.high if isinstance(setting, Range) else None
    values = setting.choices if isinstance(setting, Choice) else (setting,)
    largest = asked if asked is not None else max(value for value in values if isinstance(value, int))
    if largest > most:
        raise RecipeError(
            f"each stage halves the images, so {side} pixels have room for {most} of them, but "
            f"generation.gan_depth goes up to {largest:g}; lower it, or raise data.image_size"
        )
    return setting


def without_after(after: AfterSection) -> AfterSection:
    """The section in which nothing is made of trained networks: they predict nothing that could be put together.

    Raises:
        RecipeError: something was asked for.
    """
    for key, off in (("ensemble", "none"), ("calibration", "none"), ("threshold", "none")):
        if key in after.model_fields_set and getattr(after, key) != off:
            raise RecipeError(
                f"after.{key} has no meaning for data.task generation, as generated rows are no predictions; leave it "
                "out"
            )
    return after.model_copy(update={"ensemble": "none", "calibration": "none", "threshold": "none"})


def gan_of(config: Mapping[str, Value], variant: Variant, _: int, __: int, batch: int) -> tuple[GAN, int]:
    """The shape of a configuration's networks, and its width.

    Units of a table's layers are rounded up, such that lanes are aligned (see `cotune.nets.layout.ALIGN`).
    """
    grain = max(16, ALIGN // math.gcd(batch, ALIGN))
    image = variant.shape
    blocks = () if image else variant.judge.renderer.blocks
    numbers = {key: config[key] for key in ("latent", "gan_width", "gan_depth")}
    latent, width, depth = (value for value in numbers.values() if isinstance(value, int))
    supervised = config.get("deep_supervision", 0.0)
    network = GAN(
        shape=image,
        kinds=tuple(kind for kind, _ in blocks),
        sizes=tuple(size for _, size in blocks),
        latent=latent,
        width=width if image else -(-width // grain) * grain,
        depth=depth,
        generator_norm=str(config["generator_norm"]),
        discriminator_norm=str(config["discriminator_norm"]),
        upsampling=str(config["upsampling"]),
        heads=isinstance(supervised, float) and supervised > 0 and depth > 1,
    )
    assert not image or all(side for pair in sides(network) for side in pair)
    return network, network.width


def contest_of(config: Mapping[str, Value], network: object, *, steps: int) -> Contest:
    """The goal of a configuration's lanes.

    Args:
        steps: of the whole training.
    """
    assert isinstance(network, GAN)
    rounds = config["update_ratio"]
    assert isinstance(rounds, int)
    return Contest(network, str(config["gan_loss"]), rounds, str(config["gan_balance"]), steps)
