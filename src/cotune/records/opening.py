"""The file of a store: how it is made, and how it is opened."""

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cotune.errors import StudyCorrupt, StudyError
from cotune.records.tables import FORMAT, TABLES


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """With full sync; `mode` is SQLite's."""
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level="IMMEDIATE")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def open_mode(path: Path) -> str:
    """Read and write; only read where nothing can be written, which SQLite must be told for a file in WAL mode."""
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        return "rw"
    if path.with_name(f"{path.name}-wal").exists():
        law = f"{path} was left open by a killed process and cannot be read where nothing can be written"
        raise StudyError(f"{law}; copy the whole study to a writable place")
    return "ro&immutable=1"


def format_of(path: Path, connection: sqlite3.Connection) -> int:
    """The format of a store, if it can be read."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    word = "" if row is None else str(row[0])
    if not word.isdecimal():
        raise StudyCorrupt(f"{path} has no format number; it is not a cotune store: name another directory")
    if int(word) > FORMAT:
        law = f"{path} has format {word}, this cotune reads up to {FORMAT}"
        raise StudyCorrupt(f"{law}; upgrade with `pip install -U cotune`")
    return int(word)


def fill(path: Path, meta: Mapping[str, Any]) -> None:
    """Make the tables of a new store, with these facts and no trial."""
    connection = connect(path, mode="rwc")
    try:
        with connection:
            connection.executescript("BEGIN;" + TABLES)
            rows = [(key, json.dumps(value)) for key, value in meta.items()]
            connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        connection.execute("PRAGMA journal_mode = WAL")  # the file remembers it
    finally:
        connection.close()
