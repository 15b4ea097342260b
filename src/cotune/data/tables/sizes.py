"""How much memory a table takes, from what is known before it is read."""

from pathlib import Path

from cotune.data.tables.npy import cells, is_array
from cotune.data.tables.parts import Parts

TEXT = 6
"""Reading a text file takes so many times its size: its bytes, its cells as words, and these as numbers."""

PACKED = 5
"""A compressed file unpacks to about so many times its size."""

CELL = 8
"""Bytes of a typed cell."""


def typed_bytes(rows: int, columns: int) -> int:
    """Memory of typed columns."""
    return rows * columns * CELL


def working_bytes(path: Path) -> int:
    """Memory that a file's raw and typed columns take together."""
    if is_array(path):
        count, size = cells(path)
        return count * (size + CELL)
    if path.name.lower().endswith(".parquet"):
        table = Parts.of(path)
        return 2 * typed_bytes(table.height, len(table.columns))
    packed = path.name.lower().endswith(".gz")
    return path.stat().st_size * TEXT * (PACKED if packed else 1)
