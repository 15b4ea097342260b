"""Small images that a network can tell apart, in every form that a study takes."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("left", "right", "top")

SMALL: dict[str, Any] = {
    "filters": 8, "convolutions": 1, "kernel": 3, "activation": "relu", "epochs": 3, "trials": 3,
    "lr": {"low": 3e-3, "high": 2e-2, "log": True}, "batch_size": 16,
    "dropout": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0,
}  # fmt: skip
"""A study of about a second."""


def pixels(
    rows: int = 90, *, side: int = 8, channels: int = 1, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Noise with a bright half at the left, the right or the top: (uint8 [row height width channel], class [row])."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % len(CLASSES)
    x = rng.integers(0, 120, (rows, side, side, channels), dtype=np.uint8)
    half = side // 2
    for row, label in enumerate(y):
        part = [np.s_[:, :half], np.s_[:, half:], np.s_[:half, :]][label]
        x[row][part] += 100
    x[0, 0, 0], x[1, 0, 0] = 0, 255
    return x, y


def save(image: NDArray[Any], path: Path) -> Path:
    """An array [height width channel] as an image file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(path)
    return path


def folder(home: Path, **how: Any) -> Path:
    """`pixels` as PNG files, a sub-folder for each class."""
    x, y = pixels(**how)
    for row, (image, label) in enumerate(zip(x, y, strict=True)):
        save(image, home / CLASSES[label] / f"{row:03d}.png")
    return home


def listed(home: Path, **how: Any) -> Path:
    """`pixels` as PNG files in one folder, and a CSV that names them: path, y, site."""
    x, y = pixels(**how)
    names = [f"files/{row:03d}.png" for row in range(len(x))]
    for name, image in zip(names, x, strict=True):
        save(image, home / name)
    labels = [CLASSES[label] for label in y]
    frame = pl.DataFrame({"path": names, "y": labels, "site": [f"s{row % 7}" for row in range(len(x))]})
    frame.write_csv(home / "list.csv")
    return home / "list.csv"


def archive(home: Path, **how: Any) -> Path:
    """`pixels` as X and y in an .npz file."""
    x, y = pixels(**how)
    np.savez(home / "images.npz", X=x, y=np.array(CLASSES)[y])
    return home / "images.npz"


def divided(home: Path, *, test: int = 20, **how: Any) -> Path:
    """`pixels` as x_train, y_train and, the last ones, x_test, y_test; grey ones without an axis for channels."""
    x, y = pixels(**how)
    train = len(x) - test
    x = x[..., 0] if x.shape[3] == 1 else x
    parts = {"x_train": x[:train], "y_train": y[:train], "x_test": x[train:], "y_test": y[train:]}
    np.savez(home / "divided.npz", **parts)
    return home / "divided.npz"
