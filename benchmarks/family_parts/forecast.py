"""ETTh1: the oil temperature of a transformer, 24 hours ahead, on the customary months."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl

import cotune
from family_parts.folder import DATA

TRAIN, VALIDATION, TEST = 8640, 2880, 2880
"""Hours: the first 12 months, the next 4 and the next 4, of 30 days each; later ones are not used."""


def etth1(seconds: float, seed: int) -> dict[str, Any]:
    """Squared and absolute errors of the test part: of the model, and of repeating the last day."""
    hours = TRAIN + VALIDATION + TEST
    table = pl.read_csv(DATA / "series" / "ETTh1.csv")[:hours]
    with tempfile.TemporaryDirectory() as folder:
        study = cotune.tune(
            table,
            target="OT",
            task="forecast",
            horizon=24,
            test=TEST / hours,
            validation=VALIDATION / (TRAIN + VALIDATION),
            time_limit=seconds,
            seed=seed,
            out=Path(folder) / "study",
        )
        result = study.view().meta["result"]
    repeated = {baseline["name"]: baseline["test"] for baseline in result["baselines"]}
    own, day = result["test"], repeated["repeat_season"]
    return {
        "model_mse": own["mse"],
        "model_mae": own["mae"],
        "repeat_mse": day["mse"],
        "repeat_mae": day["mae"],
        "repeat_last_mse": repeated["repeat_last"]["mse"],
        "ratio": own["mse"] / day["mse"],
        "mae_ratio": own["mae"] / day["mae"],
    }
