"""Preparation: from raw cells to what a network reads."""

from collections.abc import Iterator

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import CLASSES, DATA, NEUTRAL, TASKS, options, stand_in, technique

KIND = "preparation"

Facts = dict[str, tuple[str, str, str]]
"""Option → name of the technique, reference, summary."""

CHOICES: dict[str, Facts] = {
    "scaling": {
        "standard": ("standard", "LeCun et al. 1998", "(x − mean) / standard deviation"),
        "minmax": ("minmax", "Han & Kamber 2000", "(x − min) / (max − min)"),
        "maxabs": ("maxabs", "scikit-learn: MaxAbsScaler", "x / max |x|"),
        "robust": ("robust", "Huber 1981", "(x − median) / (Q3 − Q1)"),
        "robust_clip": ("robust_clip", "Holzmüller et al. 2024", "z / √(1 + (z/3)²), z as by `robust`"),
        "quantile": ("quantile", "van der Waerden 1952", "Φ⁻¹(F(x)), F the training distribution"),
    },
    "outliers": {
        "clip": ("outlier_clipping", "Tukey 1977", "numbers are moved onto Q1 − 3 IQR and Q3 + 3 IQR"),
        "remove": ("outlier_removal", "Tukey 1977", "training rows beyond Q1 − 3 IQR or Q3 + 3 IQR are left out"),
    },
    "missing": {
        "mean": ("impute_mean", "Little & Rubin 1987", "a missing number becomes its column's mean"),
        "median": ("impute_median", "Little & Rubin 1987", "a missing number becomes its column's median"),
        "most_frequent": (
            "impute_most_frequent",
            "scikit-learn: SimpleImputer",
            "a missing number becomes the commonest of its column",
        ),
        "constant": ("impute_constant", "scikit-learn: SimpleImputer", "a missing number becomes 0"),
    },
    "numbers": {
        "piecewise": (
            "piecewise_linear",
            "Gorishniy et al. 2022",
            "a number becomes one for each of its column's quantile bins: 0 below, 1 above, a share inside",
        ),
        "periodic": (
            "periodic",
            "Gorishniy et al. 2022",
            "a number becomes sin(2π c x) and cos(2π c x) with learned frequencies c",
        ),
    },
    "categories": {
        "onehot": ("onehot", "Suits 1957", "a 0/1 column for each category"),
        "embedding": ("embedding", "Guo & Berkhahn 2016", "a learned vector for each category"),
    },
    "select": {
        "variance": ("select_variance", "scikit-learn: VarianceThreshold", "features that vary stay"),
        "mutual_information": (
            "select_mutual_information",
            "Kraskov et al. 2004",
            "features with the most mutual information with the target stay",
        ),
        "l1": ("select_l1", "Tibshirani 1996", "features with the largest weights of a lasso stay"),
        "importance": ("select_importance", "Geurts et al. 2006", "features that trees split on most stay"),
    },
    "balance": {
        "weights": ("class_weights", "King & Zeng 2001", "a row counts n / (classes · n of its class)"),
        "oversample": ("oversampling", "He & Garcia 2009", "rows of rare classes are repeated"),
        "undersample": ("undersampling", "He & Garcia 2009", "rows of common classes are left out"),
    },
    "channel_scaling": {
        "standard": ("channels_standard", "LeCun et al. 1998", "(x − mean) / standard deviation of each channel"),
        "minmax": ("channels_minmax", "Han & Kamber 2000", "(x − min) / (max − min) of each channel"),
        "robust": ("channels_robust", "Huber 1981", "(x − median) / (Q3 − Q1) of each channel"),
    },
    "gaps": {
        "interpolate": ("gaps_interpolated", "Lepot et al. 2017", "a missing number lies on a line between others"),
        "zero": ("gaps_zeroed", "Lipton et al. 2016", "a missing number becomes 0"),
    },
    "pixels": {
        "standard": ("pixels_standard", "Krizhevsky et al. 2012", "(x − mean) / standard deviation of each channel"),
        "unit": ("pixels_unit", "LeCun et al. 1998", "pixels between 0 and 1"),
    },
}  # fmt: skip
"""By recipe key."""


def _chosen() -> Iterator[Technique]:
    for key, facts in CHOICES.items():
        for option in options(key):
            if option in NEUTRAL:
                continue
            name, reference, summary = facts[option]
            yield technique(
                KIND, name, {key: option}, {key: stand_in(key, option)},
                reference=reference, summary=summary, tasks=CLASSES if key == "balance" else TASKS,
            )  # fmt: skip


MARKED = technique(
    KIND, "missing_indicators", {"indicators": True}, {"indicators": False},
    reference="Little & Rubin 1987", summary="a 0/1 column beside each numeric one with missing cells",
)  # fmt: skip

GAPS = technique(
    KIND, "gap_channels", {"gap_channels": True}, {"gap_channels": False},
    reference="Lipton et al. 2016; Che et al. 2018", summary="a 0/1 channel that says where numbers of one are missing",
)  # fmt: skip

EACH = technique(
    KIND, "each_series", {"each_series": True}, {"each_series": False},
    reference="Rakthanmanon et al. 2012", summary="each series is brought to mean 0 and deviation 1 by itself",
)  # fmt: skip

FOCAL = technique(
    KIND, "focal_loss", {"loss": "focal"}, {"loss": "cross_entropy"}, tasks=CLASSES,
    reference="Lin et al. 2017", summary="rows that are told right already count less: (1 − p)^γ (−log p)",
)  # fmt: skip

NOISE = technique(
    KIND, "noise_injection", {"input_noise": 0.1}, {"input_noise": 0.0}, parameters=["input_noise"],
    reference="Bishop 1995", summary="x + σ n, n normal and drawn anew in each step",
    data=[kind for kind in DATA if kind not in ("graph", "text")],
)  # fmt: skip

PREPARATION_ROWS = (*_chosen(), MARKED, GAPS, EACH, FOCAL, NOISE)
