"""Augmentation: training examples changed on their way into a network, anew in every step."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import DATA, technique, told
from cotune.engine.augment import colour, erasing, graphs, mixing, series, text
from cotune.engine.augment.geometry import GEOMETRY
from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS, Augmentation, Mixing

KIND = "augmentation"

USUAL = {
    "flip": 0.5, "rotate": 15.0, "translate": 0.1, "zoom": 0.1, "shear": 0.1, "crop": 2.0, "brightness": 0.2,
    "contrast": 0.2, "erase": 0.4, "time_warp": 0.2, "window": 0.2, "amplitude": 0.1, "jitter": 0.1, "word_swap": 0.1,
    "word_dropout": 0.1, "edge_drop": 0.2, "feature_mask": 0.2, "mixup": 0.2, "cutmix": 1.0,
}  # fmt: skip
"""Strength at which each is turned on."""

IN_BOOKS = {"zoom": "scale", "erase": "cutout, random erasing", "amplitude": "scaling of a series"}
"""What others call those whose name here is another."""

HOMES = (GEOMETRY, *(vars(module) for module in (colour, erasing, series, text, graphs, mixing)))
"""Where functions of their names are; their docstrings are the summaries."""


def _row(found: Augmentation | Mixing) -> Technique:
    function = next(home[found.name] for home in HOMES if found.name in home)
    summary = _without_draws(told(function))
    if found.name in IN_BOOKS:
        summary += f" (in books: {IN_BOOKS[found.name]})"
    return technique(
        KIND, found.name, {found.name: USUAL[found.name]}, {found.name: 0.0}, data=found.kinds,
        parameters=[found.name, "augment_probability"], reference=found.source, summary=summary,
    )  # fmt: skip


def _without_draws(summary: str) -> str:
    """Without the last sentence, which says how many numbers an example takes."""
    before, _, last = summary.rpartition(". ")
    return before if "draw" in last and before else summary


ALL: tuple[Augmentation | Mixing, ...] = (*AUGMENTATIONS.values(), *MIXINGS.values())

AUGMENTATION_ROWS = tuple(_row(found) for found in ALL if set(found.kinds) & set(DATA))
"""Those of kinds of data that studies can be made of."""
