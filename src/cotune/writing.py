"""What commands write for others to read: predictions and samples."""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from cotune.errors import ModelError
from cotune.files import replacing
from cotune.product import Model
from cotune.product.generator import Generator
from cotune.study.generation.pictures import png


def write_samples(generator: Generator, count: int, seed: int, output: Path) -> None:
    """Generate rows into a file: a table as CSV or Parquet, images as .npz (X), .npy, or a folder of PNG files.

    Raises:
        ModelError: `output` is of another kind, or cannot be written.
    """
    law = f"cannot write {output}"
    if not output.parent.is_dir():
        raise ModelError(f"{law}: there is no directory {output.parent}; make it first, or choose another -o")
    suffixes = (".npz", ".npy", "") if generator.is_of_images else (".csv", ".parquet")
    if output.suffix not in suffixes:
        known = ".npz, .npy or a folder" if generator.is_of_images else ".csv or .parquet"
        raise ModelError(
            f"{law}: these samples go to {known}, but -o ends with '{output.suffix}'; choose another -o"
        )
    rows = generator.sample(count, seed=seed)
    try:
        if isinstance(rows, pl.DataFrame):
            with replacing(output) as partial:
                rows.write_parquet(partial) if output.suffix == ".parquet" else rows.write_csv(partial)
        elif output.suffix:
            with replacing(output) as partial, partial.open("wb") as handle:
                np.savez(handle, X=rows) if output.suffix == ".npz" else np.save(handle, rows)
        else:
            _write_pictures(generator, count, seed, output)
    except OSError as error:
        raise ModelError(f"{law} ({error.strerror}); choose another -o") from None
    print(f"{count} samples → {output}", file=sys.stderr)


def _write_pictures(generator: Generator, count: int, seed: int, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    pixels = generator.features(count, seed=seed).double().numpy().reshape(-1, *generator.shape.shape)
    channels = 3 if pixels.shape[3] >= 3 else 1
    for number, image in enumerate((pixels[..., :channels] * 255).round().astype(np.uint8)):
        with replacing(folder / f"{number:05d}.png") as partial:
            partial.write_bytes(png(image))


def write_predictions(model: Model | Generator, data: Path, output: Path | None) -> None:
    """Predict `data` to `output` (CSV, or Parquet by its suffix) or to standard output.

    Raises:
        ModelError: `output` cannot be written.
    """
    if isinstance(model, Generator):
        model.predict(data)
    assert isinstance(model, Model)
    if output is not None and output.exists() and data.exists() and output.samefile(data):
        raise ModelError(f"-o {output} would overwrite the rows to predict; choose another file")
    if output is not None and not output.parent.is_dir():
        law = f"cannot write {output}: there is no directory {output.parent}"
        raise ModelError(f"{law}; make it first, or choose another -o")
    table = model.table(data)
    if output is None:
        sys.stdout.write(table.write_csv())
        return
    try:
        with replacing(output) as partial:
            if output.suffix == ".parquet":
                table.write_parquet(partial)
            else:
                table.write_csv(partial)
    except OSError as error:
        raise ModelError(f"cannot write {output} ({error.strerror}); choose another -o") from None
    print(f"{table.height} predictions → {output}", file=sys.stderr)
