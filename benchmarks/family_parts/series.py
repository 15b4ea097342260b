"""Classes of series on the archive's own splits: GunPoint, ItalyPowerDemand, JapaneseVowels."""

import tempfile
from pathlib import Path

import cotune
from family_parts.folder import DATA


def classify(name: str, seconds: float, seed: int) -> float:
    """Accuracy on the archive's test rows of a study of so many seconds, with nothing but defaults.

    Args:
        name: of the problem, whose files are NAME_TRAIN.ts and NAME_TEST.ts.
    """
    source = DATA / "series" / f"{name}_TRAIN.ts"
    with tempfile.TemporaryDirectory() as folder:
        study = cotune.tune(source, out=Path(folder) / name, time_limit=seconds, seed=seed, metric="accuracy")
        return float(study.show()["best"]["test_score"])
