"""The demonstration: the digits that come with scikit-learn, as a table."""

from pathlib import Path

import polars as pl

from cotune.api import TunedStudy, build_recipe, run
from cotune.study import Directory

SECONDS = 30.0


def run_demo(out: Path | None, *, quiet: bool, began: float) -> TunedStudy:
    """Tune on digits for half a minute, every trial under 5-fold cross-validation; a copy of the data stays with it.

    Args:
        out: directory of the study; the first free one of runs/demo, runs/demo-2 … by default.
        began: on `time.monotonic()`'s clock.
    """
    path = Directory.free("demo").path if out is None else out
    recipe = build_recipe(target="digit", time_limit=SECONDS, cv=5)
    return run(digits(), recipe, out=path, quiet=quiet, began=began)


def digits() -> pl.DataFrame:
    """1,797 handwritten digits: 64 pixels in 0…16, named pixel_ROW_COLUMN, and `digit`.

    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI 1998; shipped with scikit-learn.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    names = [f"pixel_{i // 8}_{i % 8}" for i in range(images.shape[1])]
    return pl.DataFrame(images, schema=names).with_columns(pl.Series("digit", labels))
