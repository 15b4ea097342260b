"""The directory that one study lives in.

```
runs/adult/  study.yaml  study.sqlite  leaderboard.csv  report.html  snapshots/  best/  [data.parquet|npz]  [rows/]
             [start.safetensors]  [judge.safetensors]  [ablation.json]  [front/TRIAL/]
```
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from cotune.data.forms import FORMS
from cotune.errors import StudyError, StudyExists, StudyNotFound
from cotune.files import replacing


class Directory:
    """Where a study's files are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "study.yaml"
        self.store = path / "study.sqlite"
        self.leaderboard = path / "leaderboard.csv"
        self.report = path / "report.html"
        self.ablation = path / "ablation.json"
        self.snapshots = path / "snapshots"
        self.best = path / "best"
        self.lock = path / "lock"
        self.data = path / "data.parquet"
        """A copy of data that came from memory, so that the study can be resumed."""
        self.front = path / "front"
        """The models of the trials that no other dominates, where there are several objectives."""
        self.start = path / "start.safetensors"
        """A copy of the weights that networks begin with, where the recipe names any."""
        self.judge = path / "judge.safetensors"
        """The network that judges generated images, where images are generated."""
        self.rows = path / "rows"
        """Rows that do not fit into memory; of use until the study is finished."""

    def model(self, trial: int) -> Path:
        """Where the model of a trial of the front is."""
        return self.front / str(trial)

    @classmethod
    def free(cls, name: str, *, under: Path = Path("runs")) -> "Directory":
        """The first of runs/NAME, runs/NAME-2, … that is not taken."""
        number = 1
        while True:
            path = under / (name if number == 1 else f"{name}-{number}")
            if not path.exists() or (path.is_dir() and not any(path.iterdir())):
                return cls(path)
            number += 1

    def create(self) -> None:
        """Make the directory.

        Raises:
            StudyExists: a study, or something else, is there already.
            StudyError: it cannot be written.
        """
        if self.store.exists():
            law = f"there is a study in {self.path} already"
            raise StudyExists(f"{law}; go on with `cotune resume {self.path}`, or choose another --out")
        try:
            if self._is_taken():
                law = f"{self.path} holds other files; a study needs a directory of its own"
                raise StudyExists(f"{law}: choose another --out")
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock.touch()
            self.snapshots.mkdir(exist_ok=True)
            with replacing(self.path / ".writable") as probe:
                probe.write_text("")
            (self.path / ".writable").unlink()
        except OSError as error:
            raise StudyError(
                f"cannot write to {self.path} ({error.strerror}); choose another --out"
            ) from None

    def _is_taken(self) -> bool:
        """Whether anything is there but what a start that was killed before its store was made leaves."""
        if not self.path.is_dir():
            return False
        names = {p.name for p in self.path.iterdir() if not (p.name.startswith(".") and ".partial" in p.name)}
        ours = {
            each.name
            for each in (
                self.lock,
                self.snapshots,
                self.data,
                *(self.path / form.kept for form in FORMS.values()),
                self.start,
                self.judge,
                self.recipe,
                self.rows,
            )
        } | {".writable"}
        return bool(names) and not (self.lock.name in names and names <= ours)

    def must_hold_a_study(self) -> None:
        """Raise `StudyNotFound`, with the studies near by, unless a study is here."""
        if self.store.is_file():
            return
        if not self.path.exists():
            law = f"there is no directory {self.path}"
        elif not self.path.is_dir():
            law = f"{self.path} is a file, not the directory of a study"
        else:
            law = f"{self.path} is no study: it has no study.sqlite"
        parent = self.path.parent
        near = sorted(p.parent.name for p in parent.glob("*/study.sqlite")) if parent.is_dir() else []
        raise StudyNotFound(law + (f"; studies in {parent}: {', '.join(near[:8])}" if near else ""))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn a failure to write (disk full, directory gone) into a `StudyError`."""
        try:
            yield
        except BrokenPipeError:
            raise  # whoever read our output has gone; the files are fine
        except (OSError, SafetensorError) as error:
            again = f"then `cotune resume {self.path}`" if self.store.exists() else "or choose another --out"
            remedy = f"make room, or make it writable, {again}"
            raise StudyError(f"cannot write to {self.path} ({error}); {remedy}") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training the same study; a killed process holds no lock.

        Raises:
            StudyError: another process is at it.
        """
        try:
            import fcntl
        except ImportError:  # Windows has no flock; SQLite's own lock still guards the store
            yield
            return
        try:
            handle = self.lock.open("w")
        except OSError as error:
            law = f"cannot write to {self.path} ({error.strerror})"
            raise StudyError(f"{law}; make it writable, or copy the study elsewhere") from None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                law = f"another process is training the study in {self.path}"
                raise StudyError(f"{law}; wait for it, or stop it") from None
            yield
