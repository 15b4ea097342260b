"""Where to search for tables.

Sources: Holzmüller, Grinsztajn & Steinwart, Better by default, NeurIPS 2024 (RealMLP); Gorishniy, Kotelnikov &
Babenko, TabM, ICLR 2025; Gorishniy, Rubachev & Babenko, On embeddings for numerical features, NeurIPS 2022.
"""

from cotune.recipe.presets.base import CLASSES, Row, Where
from cotune.recipe.settings import Choice, Range

WITH_NUMBERS = Where(numeric=(1, None))
FEW_NUMBERS = Where(numeric=(1, 64))
"""Each becomes four inputs, or one for each bin."""
WITHOUT_NUMBERS = Where(numeric=(0, 0))
WITH_CATEGORIES = Where(categorical=(1, None))
SMALL, LARGE = Where(rows=(0, 4_999)), Where(rows=(5_000, None))
LARGE_WITH_NUMBERS = Where(rows=(5_000, None), numeric=(1, 64))

FAST_TABLE = (
    Row("scaling", "quantile", "measured", WITH_NUMBERS),
    Row("scaling", "standard", "nothing to scale", WITHOUT_NUMBERS),
    Row("numbers", "periodic", "Holzmüller et al. 2024 (PBLD); measured", LARGE_WITH_NUMBERS),
    Row("frequency_scale", Range(0.1, 3.0, log=True), "measured", LARGE_WITH_NUMBERS),
    Row("width", 128, "one structure: all trials train together"),
    Row("depth", 2, "one structure"),
    Row("activation", Choice(("gelu", "mish")), "measured"),
    Row("dropout", Range(0.0, 0.3), "Holzmüller et al. 2024: 0.15"),
    Row("lr", Range(3e-3, 2e-2, log=True), "measured"),
    Row("weight_decay", Range(1e-4, 0.1, log=True), "Holzmüller et al. 2024: 0.02"),
    Row("members", 8, "less to predict with"),
)

BALANCED_TABLE = (
    Row("scaling", "standard", "nothing to scale", WITHOUT_NUMBERS),
    Row("numbers", "periodic", "Holzmüller et al. 2024 (PBLD); measured", LARGE_WITH_NUMBERS),
    Row("frequency_scale", Range(0.03, 5.0, log=True), "measured", LARGE_WITH_NUMBERS),
)

BEST_TABLE = (
    Row(
        "scaling",
        Choice(("quantile", "robust_clip")),
        "Gorishniy et al. 2024; Holzmüller et al. 2024",
        WITH_NUMBERS,
    ),
    Row("scaling", "standard", "nothing to scale", WITHOUT_NUMBERS),
    Row(
        "numbers",
        Choice(("periodic", "piecewise")),
        "Gorishniy et al. 2022; Holzmüller et al. 2024 (PBLD); measured",
        LARGE_WITH_NUMBERS,
    ),
    Row("numbers", Choice(("plain", "periodic")), "Holzmüller et al. 2024 (PBLD)", FEW_NUMBERS),
    Row("frequency_scale", Range(0.05, 4.0, log=True), "Gorishniy et al. 2022; measured", FEW_NUMBERS),
    Row("bins", 48, "Gorishniy et al. 2024", LARGE_WITH_NUMBERS),
    Row("categories", "embedding", "Holzmüller et al. 2024; measured", WITH_CATEGORIES),
    Row("embedding_width", 8, "Holzmüller et al. 2024", WITH_CATEGORIES),
    Row(
        "width", Choice((64, 128, 256, 512)), "Holzmüller et al. 2024: 256; Gorishniy et al. 2024: 512", SMALL
    ),
    Row("width", Choice((128, 256)), "Holzmüller et al. 2024: 256; 512 leaves time for few trials", LARGE),
    Row("depth", Choice((1, 2, 3, 4)), "Gorishniy et al. 2024: 1 to 5", SMALL),
    Row("depth", Choice((2, 3)), "Holzmüller et al. 2024: 3", LARGE),
    Row(
        "activation",
        Choice(("mish", "gelu", "silu", "relu")),
        "Holzmüller et al. 2024: mish; selu was measured to do worse",
    ),
    Row("residual", Choice((False, True)), "Gorishniy et al. 2021", SMALL),
    Row("dropout", Range(0.0, 0.3), "Holzmüller et al. 2024: 0.15; Gorishniy et al. 2024: 0.1"),
    Row("lr", Range(1e-3, 2e-2, log=True), "Gorishniy et al. 2024: 2e-3", SMALL),
    Row("lr", Range(2e-3, 3e-2, log=True), "measured", LARGE),
    Row("weight_decay", Range(1e-4, 0.3, log=True), "Holzmüller et al. 2024: 0.02"),
    Row("beta2", Choice((0.95, 0.999)), "Holzmüller et al. 2024: 0.95"),
    Row("schedule", Choice(("cosine", "coslog4")), "Loshchilov & Hutter 2017; Holzmüller et al. 2024"),
    Row("averaging", "ema", "Polyak & Juditsky 1992; measured"),
    Row("label_smoothing", Range(0.0, 0.1), "Holzmüller et al. 2024: 0.1", CLASSES),
    Row("members", 32, "Gorishniy et al. 2024: 32 networks are averaged"),
)
