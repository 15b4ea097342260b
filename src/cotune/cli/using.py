"""Commands that use the model of a study: predict, sample."""

from pathlib import Path
from typing import Annotated

import typer

from cotune.cli.options import StudyDir


def predict(
    study: StudyDir,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Rows with the columns the study was given; or images.")
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="CSV or Parquet file.")] = None,
    pick: Annotated[
        str | None, typer.Option(help="Trial of the front to predict by: best, knee or its number.")
    ] = None,
) -> None:
    """Labels and probabilities, or values, for new rows; CSV on standard output unless -o is given."""
    from cotune.api import load
    from cotune.writing import write_predictions

    tuned = load(study)
    write_predictions(tuned.best if pick is None else tuned.model(pick), data, output)


def sample(
    study: StudyDir,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="CSV or Parquet; of images .npz, .npy or a folder.")
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Rows to make.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same rows.")] = 0,
) -> None:
    """Make new rows by the generator of a study (of `cotune tune --task generation`)."""
    from cotune.api import load
    from cotune.errors import ModelError
    from cotune.product.generator import Generator
    from cotune.writing import write_samples

    best = load(study).best
    if not isinstance(best, Generator):
        raise ModelError(f"the model of {study} predicts and makes no rows; use `cotune predict {study} NEW`")
    write_samples(best, count, seed, output)
