"""A fitted preparation in plain sentences, for the report."""

from cotune.data.prepare.encoder import Encoder
from cotune.data.prepare.layout import named
from cotune.data.prepare.settings import Preparation

_SCALES = {
    "none": "Numbers were left on their own scales.",
    "standard": "Numbers were scaled to mean 0 and standard deviation 1.",
    "minmax": "Numbers were scaled to run from 0 to 1.",
    "robust": "Numbers were centred on their median and divided by their interquartile range.",
    "quantile": "Numbers were mapped by their training quantiles to a normal distribution.",
}


def sentences(
    settings: Preparation, encoder: Encoder, features: int, class_weights: tuple[float, ...] | None
) -> list[str]:
    """One sentence per step that did something."""
    kinds = [
        (kind, len(named(encoder.inputs, kind))) for kind in ("numeric", "categorical", "boolean", "date")
    ]
    said = ["Columns in use: " + ", ".join(f"{count} {kind}" for kind, count in kinds if count) + "."]
    if encoder.calendars:
        said.append(
            "Dates became days, year, and sine and cosine of month, day, weekday"
            + (" and hour." if any(each.timed for each in encoder.calendars) else ".")
        )
    if encoder.fences is not None:
        said.append("Numbers beyond Tukey's far fences (3 interquartile ranges) were clipped to them.")
    if encoder.imputation.fill:
        marked = len(encoder.imputation.marked)
        said.append(
            f"Missing numbers are filled with the training {settings.missing}"
            + (f", and {_columns(marked)} with missing cells has an indicator." if marked else ".")
        )
    if encoder.scaling.center or encoder.scaling.quantiles:
        said.append(_SCALES[encoder.scaling.method])
    if encoder.known:
        form = "codes for embeddings" if encoder.embedded else "one 0/1 feature per category"
        rare = sum(each.left_out for each in encoder.known)
        said.append(f"Categories became {form}" + (f"; {rare} rare ones count as unseen." if rare else "."))
    if settings.select == "variance":
        said.append(f"{features} features that vary were kept.")
    elif settings.select == "mutual_information":
        said.append(f"The {features} features with the highest mutual information with the target were kept.")
    if class_weights is not None:
        said.append(
            f"Classes weigh from {min(class_weights):.3g} to {max(class_weights):.3g}, rare ones more."
        )
    return said


def _columns(count: int) -> str:
    return "one column" if count == 1 else f"{count} columns"
