"""The demonstration: the digits that come with scikit-learn, written to a CSV file and tuned."""

from pathlib import Path

from cotune.api import TunedStudy, tune
from cotune.records.files import write_text
from cotune.study import Directory


def run_demo(out: Path | None, *, quiet: bool) -> TunedStudy:
    """Tune on digits; about half a minute on two cores."""
    directory = Directory.free("demo") if out is None else Directory(out)
    data = directory.path.parent / "digits.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    write_digits(data)
    return tune(data, target="digit", out=directory.path, quiet=quiet, time_limit=30)


def write_digits(path: Path) -> None:
    """The 1,797 images of 8×8 pixels as a table: pixel_ROW_COLUMN in 0…16, and `digit`.

    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI 1998.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    names = [f"pixel_{i // 8}_{i % 8}" for i in range(64)]
    rows = [
        ",".join([*(f"{value:g}" for value in x), str(y)])
        for x, y in zip(digits.data, digits.target, strict=True)
    ]
    write_text(path, "\n".join([",".join([*names, "digit"]), *rows]) + "\n")
