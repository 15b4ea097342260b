"""Tables larger than the memory they may take: anonymous memory, bits and speed, against the same in memory.

    python benchmarks/big_data.py --json

A table of random numbers, four times the memory its rows may take, is written as Parquet. The same short study is
trained from it with its rows in files and with its rows in memory, each in a process of its own, alternately. Its
anonymous memory (pages that belong to no file, which the system cannot give away) is read from /proc while it runs. A
study of a few rows of the same columns shows what the program takes by itself.

Then the same again under a hard limit (RLIMIT_DATA) of that program's own need plus the memory for rows: from files it
must run, in memory it must fail. And last, random rows are read from a file of which nothing is in memory, with and
without reading ahead.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from common import Bar, arguments, finish, say

SIDE = Path(__file__).parent / "sides" / "big_side.py"
TIMES = 4
"""The table's size, as a multiple of the memory its rows may take."""

COLUMNS = 512
FEW_ROWS = 4_000
BLOCK = 50_000
"""Rows made at once."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    rows: int
    rounds: int
    epochs: int

    @property
    def bytes(self) -> int:
        """Of the table, as 32-bit floats."""
        return 4 * COLUMNS * self.rows

    @property
    def budget(self) -> int:
        """Memory for rows."""
        return self.bytes // TIMES


def make_table(path: Path, rows: int) -> Path:
    """Random numbers, and a target that hangs on a few of them, written a block at a time."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=COLUMNS) * (np.arange(COLUMNS) < 20)
    parts = []
    for start in range(0, rows, BLOCK):
        x = rng.normal(size=(min(BLOCK, rows - start), COLUMNS)).astype(np.float32)
        noisy = x @ weights + rng.normal(size=len(x))
        frame = pl.DataFrame(x, schema=[f"x{i}" for i in range(COLUMNS)])
        parts.append(path.with_suffix(f".{start}"))
        frame.with_columns(y=pl.Series(np.where(noisy > 0, "yes", "no"))).write_parquet(
            parts[-1], compression="uncompressed", statistics=False
        )
    pl.scan_parquet(parts).sink_parquet(path, compression="uncompressed", statistics=False)
    for part in parts:
        part.unlink()
    return path


def run(table: Path, memory: int | str, sizes: Sizes, *, limit: int = 0) -> dict[str, Any]:
    """A study in a process: what it says, its peaks of anonymous and of private memory, and how it ended."""
    settings = {
        "trials": 2, "epochs": sizes.epochs, "width": 32, "depth": 1, "activation": "relu", "scaling": "standard",
        "batch_size": 256, "rungs": False, "search": "random",
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=table.parent) as out:
        request = {
            "table": str(table), "out": f"{out}/study", "memory": memory, "settings": settings, "data_limit": limit,
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, str(SIDE), json.dumps(request)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        peaks = {"RssAnon": 0, "VmData": 0}
        while process.poll() is None:
            for name, size in _memory(process.pid).items():
                peaks[name] = max(peaks[name], size)
            time.sleep(0.01)
        said, err = process.communicate()
    row = {"memory": memory, "limit": limit, "anonymous": peaks["RssAnon"], "private": peaks["VmData"]}
    if process.returncode:
        return {**row, "failed": (err.strip().splitlines() or [f"exit code {process.returncode}"])[-1][:200]}
    return {**row, **json.loads(said.splitlines()[-1])}


def _memory(process: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return {}
    found = (line.split(":") for line in lines if line.startswith(("RssAnon:", "VmData:")))
    return {name: int(size.split()[0]) * 1024 for name, size in found}


def cold_reading(folder: Path, sizes: Sizes) -> list[dict[str, Any]]:
    """Random rows from a file of which nothing is in memory: rows a second, and bytes read for each byte used."""
    from cotune.data.mapped import appending, open_npy
    from cotune.engine.bank import Variant, as_tensor
    from cotune.engine.prefetch import Ahead

    path = folder / "rows.npy"
    with appending(path, "<f4", (sizes.rows, COLUMNS)) as append:
        for start in range(0, sizes.rows, BLOCK):
            append(np.full((min(BLOCK, sizes.rows - start), COLUMNS), start, dtype=np.float32))
    few = torch.from_numpy(np.random.default_rng(0).permutation(sizes.rows)[: sizes.rows // 64])
    found = []
    for way in ["plain", "ahead"] * 3:
        with path.open("rb") as handle:
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        mapped = open_npy(path)
        x, empty = as_tensor(mapped.array), torch.zeros(0)
        variant = Variant(x, empty, empty, (), mapped=(mapped,) if way == "ahead" else ())
        before, began = _read_bytes(), time.perf_counter()
        ahead = Ahead(variant, few)
        for start in range(0, len(few), 256):
            ahead.of(start)
            x.index_select(0, few[start : start + 256])
        seconds, read = time.perf_counter() - began, _read_bytes() - before
        found.append({"case": "cold reading", "way": way, "rows_per_second": len(few) / seconds,
                      "read_per_byte": read / (len(few) * mapped.row_bytes)})  # fmt: skip
        del mapped, x, variant, ahead
    path.unlink()
    return found


def _read_bytes() -> int:
    """Bytes that this process has had read from disks."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split(":")[1]) for line in lines if line.startswith("read_bytes"))


def main() -> int:
    """Run all of it."""
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the table is made; needs a real disk"
    )
    asked = parser.parse_args()
    sizes = Sizes(250_000, 1, 2) if asked.quick else Sizes(500_000, 2, 3)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        return finish(*measure(Path(name), sizes), as_json=asked.json)


def measure(folder: Path, sizes: Sizes) -> tuple[list[dict[str, Any]], list[Bar]]:
    """All rows and bars."""
    say(f"making a table of {sizes.bytes >> 20} MB; rows may take {sizes.budget >> 20} MB")
    few = make_table(folder / "few.parquet", FEW_ROWS)
    table = make_table(folder / "table.parquet", sizes.rows)
    base = run(few, "auto", sizes)
    say(f"the program by itself: {base}")
    files, memory = [], []
    for _ in range(sizes.rounds):
        files.append(run(table, sizes.budget, sizes))
        say(f"rows in files: {files[-1]}")
        memory.append(run(table, "100GB", sizes))
        say(f"rows in memory: {memory[-1]}")
    limit = base["private"] + sizes.budget
    limited = [run(table, m, sizes, limit=limit) for m in (sizes.budget, "100GB")]
    say(f"under a limit of {limit >> 20} MB: {limited}")
    cold = cold_reading(folder, sizes)
    say(f"cold reading: {cold}")
    rows = [
        {"case": "a few rows", **base},
        *({"case": "in files", **row} for row in files),
        *({"case": "in memory", **row} for row in memory),
        *({"case": "under a limit", **row} for row in limited),
        *cold,
    ]
    return rows, bars(sizes, base, files, memory, limited, cold)


def bars(
    sizes: Sizes,
    base: dict[str, Any],
    files: list[dict[str, Any]],
    memory: list[dict[str, Any]],
    limited: list[dict[str, Any]],
    cold: list[dict[str, Any]],
) -> list[Bar]:
    """What the rows must amount to."""
    above = max(row["anonymous"] for row in files) - base["anonymous"]
    pairs = zip(files, memory, strict=True)
    speed = statistics.median(a["steps_per_second"] / b["steps_per_second"] for a, b in pairs)
    as_due = "failed" not in limited[0] and "failed" in limited[1]
    read = {
        way: statistics.median(r["read_per_byte"] for r in cold if r["way"] == way)
        for way in ("plain", "ahead")
    }
    return [
        Bar(
            "anonymous memory of rows in files / memory they may take",
            above / sizes.budget,
            1,
            direction="at most",
        ),
        Bar(
            "different final weights", len({r["weights"] for r in (*files, *memory)}), 1, direction="at most"
        ),
        Bar("steps a second, rows in files / in memory", speed, 0.5, goal=0.9),
        Bar("under a hard limit files run, memory does not (1 is yes)", float(as_due), 1),
        Bar(
            "cold random rows: bytes read, reading ahead / not",
            read["ahead"] / read["plain"],
            0.5,
            direction="at most",
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
