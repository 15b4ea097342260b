"""A fitted preparation in plain sentences, for the report."""

from cotune.data.prepare.encoder import Encoder
from cotune.data.prepare.layout import named
from cotune.data.prepare.removal import MOST, Removal
from cotune.data.prepare.settings import Preparation

_FILLS = {
    "mean": "the training mean",
    "median": "the training median",
    "most_frequent": "the most frequent training number",
    "constant": "0",
}

_SELECTED = {
    "mutual_information": "with the highest mutual information with the target",
    "l1": "with the largest coefficients in a linear model with L1 penalty",
    "importance": "with the highest importance in a forest of extremely randomised trees",
}

_SCALES = {
    "none": "Numbers were left on their own scales.",
    "standard": "Numbers were scaled to mean 0 and standard deviation 1.",
    "minmax": "Numbers were scaled to run from 0 to 1.",
    "maxabs": "Numbers were divided by their largest magnitude.",
    "robust": "Numbers were centred on their median and divided by their interquartile range.",
    "robust_clip": "Numbers were centred on their median, divided by their interquartile range and smoothly "
    "clipped to ±3.",
    "quantile": "Numbers were mapped by their training quantiles to a normal distribution.",
}


def sentences(
    settings: Preparation,
    encoder: Encoder,
    features: int,
    removal: Removal | None,
    class_weights: tuple[float, ...] | None,
    class_rows: tuple[int, ...],
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
    if removal is not None and removal.extreme:
        said.append(_removed(removal))
    if encoder.fences is not None:
        said.append("Numbers beyond Tukey's far fences (3 interquartile ranges) were clipped to them.")
    if encoder.imputation.fill:
        marked = len(encoder.imputation.marked)
        said.append(
            f"Missing numbers are filled with {_FILLS[settings.missing]}"
            + (f", and {_columns(marked)} with missing cells has an indicator." if marked else ".")
        )
    if encoder.scaling.center or encoder.scaling.quantiles:
        said.append(_SCALES[encoder.scaling.method])
    if encoder.pieces is not None and encoder.pieces.edges:
        said.append(
            f"Numbers became piecewise linear codes of up to {settings.bins} bins between training quantiles, "
            f"{sum(encoder.pieces.counts)} in all."
        )
    if encoder.known:
        form = "codes for embeddings" if encoder.embedded else "one 0/1 feature per category"
        rare = sum(each.left_out for each in encoder.known)
        said.append(f"Categories became {form}" + (f"; {rare} rare ones count as unseen." if rare else "."))
    if settings.select == "variance":
        said.append(f"{features} features that vary were kept.")
    elif settings.select in _SELECTED:
        said.append(f"The {features} features {_SELECTED[settings.select]} were kept.")
    if class_weights is not None:
        said.append(
            f"Classes weigh from {min(class_weights):.3g} to {max(class_weights):.3g}, rare ones more."
        )
    if class_rows:
        few, many = min(count for count in class_rows if count), max(class_rows)
        each = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        how = "repeated" if settings.balance == "oversample" else "left out by chance"
        said.append(f"Rows of classes were {how}: an epoch goes through {each} training rows of each.")
    return said


def _removed(removal: Removal) -> str:
    beyond = "hold a number beyond Tukey's far fences (3 interquartile ranges)"
    if removal.done:
        return (
            f"{removal.extreme:,} of {removal.rows:,} training rows {beyond} and were not trained on; "
            "new rows stay as they are."
        )
    why = f"more than {MOST:.0%} of them" if removal.too_many else "among them all rows of a class"
    return (
        f"{removal.extreme:,} of {removal.rows:,} training rows {beyond}: {why}, so they stayed, and their "
        "numbers were clipped."
    )


def _columns(count: int) -> str:
    return "one column" if count == 1 else f"{count} columns"
