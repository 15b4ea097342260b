"""The store: `study.sqlite`, in WAL mode with full sync, one writer, one transaction per boundary.

A boundary is acknowledged once its transaction has returned. Committing a boundary that is acknowledged
already changes nothing, so replaying from an older snapshot counts nothing twice.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

from cotune.errors import StudyCorrupt, StudyError, StudyExists, StudyNotFound
from cotune.files import replacing
from cotune.records.boundary import Boundary
from cotune.records.opening import connect, fill, format_of, open_mode
from cotune.records.tables import COSTS, FORMAT
from cotune.records.upgrades import upgrade
from cotune.types import LaneId, Params, Parent, Record, Status, Trial, TrialResult


class Store:
    """The open store of one study. Use as a context manager."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, Any]) -> Self:
        """A new store that holds `meta` (JSON values) and no trial; whole or absent, whenever the process dies.

        Raises:
            StudyExists: there is a store already.
            StudyError: the file cannot be written.
        """
        if path.exists():
            raise StudyExists(f"there is a study at {path.parent} already; choose another place with --out")
        try:
            with replacing(path) as partial:
                partial.unlink(missing_ok=True)
                partial.with_name(f"{partial.name}-journal").unlink(missing_ok=True)
                fill(partial, {"format": FORMAT, **meta})
            return cls(path, connect(path, mode="rw"))
        except (OSError, sqlite3.Error) as error:
            raise StudyError(f"{path} cannot be written ({error}); choose another place with --out") from None

    @classmethod
    def open(cls, path: Path) -> Self:
        """The store of an existing study.

        Raises:
            StudyNotFound: there is no such file.
            StudyCorrupt: it is not a store, or is damaged, or was written by a later version.
            StudyError: it was left open by a killed process, in a place where it cannot be mended.
        """
        if not path.is_file():
            raise StudyNotFound(
                f"no study at {path.parent}: it has no {path.name}; `cotune tune --out DIR` makes one"
            )
        connection = None
        try:
            mode = open_mode(path)
            connection = connect(path, mode=mode)
            upgrade(connection, format_of(path, connection), FORMAT, writable=mode == "rw")
            return cls(path, connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.Error):
                raise
            remedy = "restore it from a backup, or tune again with another --out"
            raise StudyCorrupt(f"{path} is not a readable study store ({error}); {remedy}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def meta(self) -> dict[str, Any]:
        """All facts of the study, by key."""
        return {key: self._decoded(value) for key, value in self._rows("SELECT key, value FROM meta")}

    def set_meta(self, **facts: Any) -> None:
        """Add or replace facts (JSON values), in one transaction."""
        rows = [(key, json.dumps(value)) for key, value in facts.items()]
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def costs(self, kind: str) -> dict[str, dict[str, float]]:
        """What is known of networks before they are trained, by name.

        Args:
            kind: "shape": measured, by shape of network; "trial": of trials, by number.
        """
        if not self._rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'costs'"):
            return {}  # the table is made where there is something to keep
        rows = self._rows("SELECT name, figures FROM costs WHERE kind = ?", (kind,))
        return {name: self._decoded(figures) for name, figures in rows}

    def keep_costs(self, kind: str, found: Mapping[str, Mapping[str, float]]) -> None:
        """Keep such figures; those that are there already stay."""
        rows = [(kind, name, json.dumps(dict(figures))) for name, figures in found.items()]
        if not rows:
            return
        try:
            self._connection.execute(COSTS)
        except sqlite3.Error as error:
            raise StudyError(f"{self.path} cannot be written ({error})") from None
        self._write("INSERT OR IGNORE INTO costs VALUES (?, ?, ?)", rows)

    def change(self, facts: Mapping[str, Any], params: Mapping[int, Params]) -> None:
        """Replace facts, and configurations of trials by number, in one transaction."""
        rows = [(key, json.dumps(value)) for key, value in facts.items()]
        try:
            with self._connection as connection:
                connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
                connection.executemany(
                    "UPDATE trials SET params = ? WHERE number = ?",
                    [(json.dumps(dict(own)), number) for number, own in params.items()],
                )
        except sqlite3.Error as error:
            raise StudyError(f"{self.path} cannot be written ({error})") from None

    def last_boundary(self) -> int:
        """Number of the last acknowledged boundary, 0 before the first."""
        return int(self._rows("SELECT coalesce(max(number), 0) FROM boundaries")[0][0])

    def elapsed(self) -> float:
        """Seconds the study has run so far."""
        return float(self._rows("SELECT coalesce(max(elapsed), 0.0) FROM boundaries")[0][0])

    def trials(self) -> int:
        """How many trials have started."""
        return int(self._rows("SELECT count(*) FROM trials")[0][0])

    def lane_epochs(self) -> int:
        """Epochs trained so far, summed over lanes."""
        return int(self._rows("SELECT count(*) FROM records")[0][0])

    def started(self) -> list[Trial]:
        """Every trial that has started, by number."""
        return [self._trial(*row) for row in self._rows("SELECT number, params FROM trials ORDER BY number")]

    def commit(self, boundary: Boundary) -> bool:
        """Acknowledge `boundary`; returns whether it was new.

        Raises:
            StudyError: it could not be written (disk full, directory gone); nothing of it is kept.
        """
        if boundary.number <= self.last_boundary():
            return False
        n = boundary.number
        try:
            with self._connection as connection:
                connection.execute(
                    "INSERT INTO boundaries VALUES (?, ?, ?, ?)",
                    (n, boundary.elapsed, boundary.lane_steps, boundary.capacity_steps),
                )
                connection.executemany(
                    "INSERT INTO trials VALUES (?, ?, ?, NULL, 'running', NULL, 0, 0.0, '')",
                    [(t.number, json.dumps(dict(t.params)), n) for t in boundary.started],
                )
                connection.executemany(
                    "INSERT INTO parents VALUES (?, ?, ?)",
                    [(t.number, t.parent.trial, t.parent.epoch) for t in boundary.started if t.parent],
                )
                connection.executemany(
                    "INSERT INTO rests VALUES (?, ?, ?)",
                    [
                        (n, t, going)
                        for going, ts in enumerate((boundary.paused, boundary.thawed))
                        for t in ts
                    ],
                )
                connection.executemany(
                    "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            r.lane.trial,
                            r.lane.index,
                            r.epoch,
                            r.step,
                            r.train_loss,
                            json.dumps(dict(r.metrics)),
                            r.seconds,
                            n,
                        )
                        for r in boundary.records
                    ],
                )
                connection.executemany(
                    "UPDATE trials SET ended = ?, status = ?, score = ?, epochs = ?, seconds = ?, reason = ?"
                    " WHERE number = ?",
                    [
                        (n, t.status.value, t.score, t.epochs, t.seconds, t.reason, t.number)
                        for t in boundary.ended
                    ],
                )
        except sqlite3.Error as error:
            raise StudyError(
                f"{self.path} cannot be written ({error}); free the disk, then `cotune resume`"
            ) from None
        return True

    def boundaries(self, first: int, last: int) -> Iterator[Boundary]:
        """The acknowledged boundaries `first` … `last`, as they were committed (curves left out).

        However many there are, each table is gone through once.
        """
        between = (first, last)
        started = _by_boundary(
            self._each(
                "SELECT started, number, params, parent, epoch FROM trials LEFT JOIN parents ON trial = number"
                " WHERE started BETWEEN ? AND ? ORDER BY started, number",
                between,
            )
        )
        rests = _by_boundary(
            self._each(
                "SELECT boundary, trial, goes_on FROM rests WHERE boundary BETWEEN ? AND ?"
                " ORDER BY boundary, trial",
                between,
            )
        )
        records = _by_boundary(
            self._each(
                "SELECT boundary, trial, lane, epoch, step, train_loss, metrics, seconds FROM records"
                " WHERE boundary BETWEEN ? AND ? ORDER BY boundary, trial, lane, epoch",
                between,
            )
        )
        ended = _by_boundary(
            self._each(
                "SELECT ended, number, params, status, score, epochs, seconds, reason FROM trials"
                " WHERE ended BETWEEN ? AND ? ORDER BY ended, number",
                between,
            )
        )
        for number, elapsed, lane_steps, capacity in self._each(
            "SELECT number, elapsed, lane_steps, capacity_steps FROM boundaries"
            " WHERE number BETWEEN ? AND ? ORDER BY number",
            between,
        ):
            resting = rests(number)
            yield Boundary(
                number,
                elapsed,
                lane_steps,
                capacity,
                tuple(self._trial(*row) for row in started(number)),
                tuple(self._record(*row) for row in records(number)),
                tuple(self._result(*row) for row in ended(number)),
                tuple(trial for trial, goes_on in resting if not goes_on),
                tuple(trial for trial, goes_on in resting if goes_on),
            )

    def _trial(self, number: int, params: str, parent: int | None = None, epoch: int | None = None) -> Trial:
        begun = None if parent is None or epoch is None else Parent(parent, epoch)
        return Trial(number, self._decoded(params), begun)

    def _record(
        self, trial: int, lane: int, epoch: int, step: int, loss: float, metrics: str, seconds: float
    ) -> Record:
        return Record(LaneId(trial, lane), epoch, step, loss, self._decoded(metrics), seconds)

    def _result(
        self,
        number: int,
        params: str,
        status: str,
        score: float | None,
        epochs: int,
        seconds: float,
        reason: str,
    ) -> TrialResult:
        return TrialResult(number, self._decoded(params), Status(status), score, epochs, seconds, reason)

    def _each(self, query: str, values: tuple[object, ...]) -> Iterator[tuple[Any, ...]]:
        """Rows one by one: a long study's records would fill memory twice."""
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(error) from None

    def _decoded(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> StudyCorrupt:
        return StudyCorrupt(f"{self.path} is damaged ({error}); restore it from a backup, or tune again")

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        try:
            with self._connection as connection:
                connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise StudyError(f"{self.path} cannot be written ({error})") from None


def _by_boundary(rows: Iterator[tuple[Any, ...]]) -> Callable[[int], list[tuple[Any, ...]]]:
    """From rows in order of their first column, a boundary's number: what follows it, asked for in that order."""
    groups = groupby(rows, key=itemgetter(0))
    ahead = next(groups, None)

    def of(number: int) -> list[tuple[Any, ...]]:
        nonlocal ahead
        if ahead is None or ahead[0] != number:
            return []
        found = [row[1:] for row in ahead[1]]
        ahead = next(groups, None)
        return found

    return of
