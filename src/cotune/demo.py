"""The demonstration: the digits that come with scikit-learn, written to a CSV file and tuned."""

from pathlib import Path

from cotune.api import TunedStudy, tune
from cotune.errors import StudyError
from cotune.records.files import write_text
from cotune.study import Directory


def run_demo(out: Path | None, *, quiet: bool) -> TunedStudy:
    """Tune on digits; about half a minute on two cores. The data stays beside the study, as digits.csv.

    Raises:
        StudyError: the place cannot be written.
    """
    directory = Directory.free("demo") if out is None else Directory(out)
    data = directory.path.parent / "digits.csv"
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        if not data.exists():
            write_digits(data)
    except OSError as error:
        raise StudyError(f"cannot write {data} ({error.strerror}); choose another --out") from None
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
