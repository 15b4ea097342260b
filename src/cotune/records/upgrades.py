"""From stores of earlier versions to the tables of this one.

Where nothing can be written, tables that an earlier version did not have are temporary ones, empty: a study of that
version has nothing to put into them, and whoever reads does not see the difference.
"""

import sqlite3

LINEAGE = """
CREATE TABLE parents (trial INTEGER PRIMARY KEY, parent INTEGER NOT NULL, epoch INTEGER NOT NULL);
CREATE TABLE rests (
    boundary INTEGER NOT NULL, trial INTEGER NOT NULL, goes_on INTEGER NOT NULL,
    PRIMARY KEY (boundary, trial)) WITHOUT ROWID;
"""
"""Since format 2: whom trials began as copies of; when they were paused (`goes_on` 0), and thawed (1)."""

UPGRADES: dict[int, str] = {1: LINEAGE}
"""What makes format n + 1 of format n: statements that create tables."""


def upgrade(connection: sqlite3.Connection, found: int, wanted: int, *, writable: bool) -> None:
    """Bring a store from format `found` to `wanted`, in one transaction."""
    if found >= wanted:
        return
    script = "".join(UPGRADES[n] for n in range(found, wanted))
    if not writable:
        connection.executescript(script.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        return
    script = script.replace(
        "CREATE TABLE", "CREATE TABLE IF NOT EXISTS"
    )  # another process may be doing the same
    stamp = f"UPDATE meta SET value = '{wanted}' WHERE key = 'format';"
    connection.executescript(f"BEGIN IMMEDIATE;{script}{stamp}COMMIT;")
