"""Images: digits, all of them; and photographs, by the usual family against the plain convolutional network.

Each study is one call of `cotune.tune` with a time limit. The images that the files set aside for testing are the test
rows; nothing looks at them before the end.
"""

import tempfile
from pathlib import Path
from typing import Any

import cotune
from family_parts.folder import DATA


def mnist(seconds: float, seed: int) -> dict[str, Any]:
    """Accuracy on the 10,000 test digits, of a study of all 60,000 others."""
    return {"accuracy": accuracy("mnist.npz", seconds, seed)}


def cifar(seconds: float, seed: int) -> dict[str, Any]:
    """Accuracy on 2,000 photographs of 10 things, by the plain network and by residual ones, and the gain."""
    plain = accuracy("cifar10_subset.npz", seconds, seed, family="cnn")
    best = accuracy("cifar10_subset.npz", seconds, seed, family="resnet")
    return {"cnn": plain, "best": best, "gain": best - plain}


def accuracy(name: str, seconds: float, seed: int, **keys: Any) -> float:
    """Of a study's model on the test rows that the file names."""
    with tempfile.TemporaryDirectory() as folder:
        study = cotune.tune(
            DATA / name, out=Path(folder) / "study", time_limit=seconds, seed=seed, metric="accuracy", **keys
        )
        return float(study.show()["best"]["test_score"])
