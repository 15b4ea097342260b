"""What an ablation costs, and whether it finds what is known to help.

    python benchmarks/ablation.py                       both cases
    python benchmarks/ablation.py --quick               the same with fewer rounds and epochs
    python benchmarks/ablation.py --case cost           one of them: cost or augmentation

Cost: the winner of a study of the digits uses twelve techniques; `cotune ablate` takes each out once, with five seeds,
and trains 65 networks. The peer trains the same 65 one at a time in a plain PyTorch loop (fused AdamW, rows in memory,
its best number of threads). Ours is the whole command, from reading the data to the report; theirs is the loop alone.
Sides take turns.

Augmentation: a convolutional network on 1,000 training images of MNIST, judged on 4,000 others. `cotune ablate --kind
augmentation` puts in each augmentation of images, with five seeds. Moving images is known to help; the ablation must
say so, after Holm's correction for all that it tried. Needs `mnist.npz` in the folder that COTUNE_DATA names.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ablation_parts.cost import cost
from common import Bar, arguments, finish, say

import cotune

SHARE = 1 / 3
"""Of the time that the networks take one at a time."""

LEVEL = 0.05
ROWS = 6250
"""A fifth is the test; of the others 4,000 validate and 1,000 train."""

IMAGES: dict[str, Any] = {
    "family": "cnn", "filters": 8, "convolutions": 2, "kernel": 3, "activation": "relu", "dropout": 0.0, "lr": 0.003,
    "weight_decay": 0.01, "label_smoothing": 0.0, "batch_size": 32, "validation": 0.8, "metric": "accuracy",
    "trials": 1, "patience": 0, "pixels": "standard",
}  # fmt: skip


def augmentation(*, epochs: int, seeds: int = 5) -> dict[str, Any]:
    """Every augmentation of images put in, on a small training set."""
    folder = Path(os.environ.get("COTUNE_DATA", Path(__file__).parents[2] / "shared" / "data"))
    with np.load(folder / "mnist.npz") as file:
        x, y = file["x_train"][:ROWS], file["y_train"][:ROWS].astype(str)
    with tempfile.TemporaryDirectory(prefix="cotune-bench-") as scratch:
        study = cotune.tune((x, y), out=Path(scratch) / "study", task="multiclass", epochs=epochs, **IMAGES)
        parts = study.view().meta["data"]["parts"]
        found = study.ablate(seeds=seeds, kinds=["augmentation"])
    worths = [
        {"technique": w.technique, "worth": w.worth, "low": w.low, "high": w.high, "p": w.p, "p_holm": w.p_holm,
         "direction": w.direction}
        for w in found.worths
    ]  # fmt: skip
    for worth in worths:
        say(f"{worth['technique']}: {worth['worth']:+.4f}, p {worth['p']:.2g}, Holm {worth['p_holm']:.2g}")
    return {
        "case": "augmentation",
        "train": parts["train"],
        "validation": parts["validation"],
        "seeds": found.done,
        "epochs": epochs,
        "seconds": found.seconds,
        "winner": found.scores,
        "worths": worths,
        "p": min((w["p_holm"] for w in worths if w["worth"] and w["worth"] > 0), default=None),
    }


def bars_of(row: dict[str, Any]) -> list[Bar]:
    """What a row must amount to."""
    if row["case"] == "cost":
        words = "twelve techniques, five seeds: time of the ablation / of its networks one at a time"
        ratio = row["ratio"] if row["alike"] else None  # a side that learns less does other work
        return [Bar(words, ratio, SHARE, direction="at most")]
    return [
        Bar(
            "the best augmentation on 1,000 images: p after Holm's correction",
            row["p"],
            LEVEL,
            direction="at most",
        )
    ]


def main() -> int:
    """Measure what the command line asks for."""
    parser = arguments("What an ablation costs, and whether it finds what is known to help.")
    parser.add_argument("--case", action="append", choices=("cost", "augmentation"), help="all by default")
    asked = parser.parse_args()
    rows = []
    for name in asked.case or ("cost", "augmentation"):
        if name == "cost":
            rows.append(cost(rounds=3 if asked.quick else 7, epochs=10 if asked.quick else 30))
        else:
            rows.append(augmentation(epochs=10 if asked.quick else 30))
    return finish(rows, [bar for row in rows for bar in bars_of(row)], as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
