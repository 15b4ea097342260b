"""A generator of handwritten digits: Fréchet distance against an untrained one, and how many digits it makes."""

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cotune

LEAST_SHARE = 0.02
"""A digit counts where the judge sees it in so many of the samples; a tenth of them is its share among real ones."""


@cache
def mnist(seconds: float, seed: int) -> dict[str, Any]:
    """{frechet, untrained, share, digits}: of the best generator, against the test images.

    Args:
        seconds: time limit of the study.
        seed: of split, search and training.
    """
    with tempfile.TemporaryDirectory() as folder:
        study = cotune.tune(
            Path(os.environ["COTUNE_DATA"]) / "mnist.npz",
            task="generation",
            time_limit=seconds,
            seed=seed,
            out=Path(folder) / "mnist",
        )
        found = study.view().meta["result"]["generation"]
    frechet, untrained = found["test"]["frechet"], found["untrained"]["frechet"]
    return {
        "frechet": frechet,
        "untrained": untrained,
        "share": frechet / untrained,
        "digits": sum(share >= LEAST_SHARE for share in found["modes"]["made"]),
    }


digits = mnist
"""The same study, for the other bar."""
