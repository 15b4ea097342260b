"""Classes of sentences, with random embeddings: MR, SST-2, TREC.

TREC and SST-2 have test rows of their own, SST-2 validation rows too. MR has neither: a tenth of its rows, drawn by the
seed, is for the test.
"""

import tempfile
from pathlib import Path
from typing import Any

import cotune
from family_parts.folder import DATA

SOURCES = {"mr": "rt-polarity.all", "sst2": "stsa.binary.train", "trec": "TREC.train.all"}

KEYS: dict[str, dict[str, Any]] = {
    "mr": {"test": 0.1, "validation": 0.1},
    "sst2": {},
    "trec": {"validation": 0.1},
}
"""Beside the defaults."""


def classify(name: str, seconds: float, seed: int) -> float:
    """Accuracy on the test rows of a study of so many seconds.

    Args:
        name: "mr", "sst2" or "trec".
    """
    source = DATA / "text" / SOURCES[name]
    with tempfile.TemporaryDirectory() as folder:
        study = cotune.tune(
            source, out=Path(folder) / name, time_limit=seconds, seed=seed, metric="accuracy", **KEYS[name]
        )
        return float(study.show()["best"]["test_score"])
