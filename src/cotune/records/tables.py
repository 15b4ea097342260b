"""The tables of a store."""

from cotune.records.upgrades import LINEAGE

FORMAT = 2
"""Version of the tables; a store of a later version is refused, an earlier one is upgraded."""

TABLES = (
    """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE boundaries (
    number INTEGER PRIMARY KEY, elapsed REAL NOT NULL,
    lane_steps INTEGER NOT NULL, capacity_steps INTEGER NOT NULL);
CREATE TABLE trials (
    number INTEGER PRIMARY KEY, params TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
    status TEXT NOT NULL, score REAL, epochs INTEGER NOT NULL, seconds REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE records (
    trial INTEGER NOT NULL, lane INTEGER NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL,
    train_loss REAL NOT NULL, metrics TEXT NOT NULL, seconds REAL NOT NULL, boundary INTEGER NOT NULL,
    PRIMARY KEY (trial, lane, epoch)) WITHOUT ROWID;
CREATE INDEX records_by_boundary ON records (boundary);
"""
    + LINEAGE
)

COSTS = """
CREATE TABLE IF NOT EXISTS costs (
    kind TEXT NOT NULL, name TEXT NOT NULL, figures TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID
"""
"""Made where there is something to keep."""
