"""Reading ahead asks for the right pages, once and in time; and rows in files are stacked like others."""

import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cotune.data.mapped import Mapped, open_npy, write_npy
from cotune.engine import prefetch
from cotune.engine.bank import Stack, Variant, as_tensor
from cotune.engine.prefetch import PAGE, Ahead


def variant(mapped: Mapped | None = None, *, first: float = 0.0, rows: int = 8) -> Variant:
    numeric = (
        torch.arange(first, first + rows * 3).view(rows, 3) if mapped is None else as_tensor(mapped.array)
    )
    codes = torch.zeros(len(numeric), 0, dtype=torch.int64)
    return Variant(numeric, codes, torch.arange(len(numeric)), (), mapped=() if mapped is None else (mapped,))


def stored(folder: Path, rows: int, columns: int) -> Mapped:
    array = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    write_npy(folder / "rows.npy", array)
    return open_npy(folder / "rows.npy")


def in_memory(mapped: Mapped, row: int) -> bool:
    """Whether a row's first page can be read without the disk."""
    try:
        return (
            os.preadv(
                mapped.descriptor, [bytearray(1)], mapped.offset + row * mapped.row_bytes, os.RWF_NOWAIT
            )
            == 1
        )
    except BlockingIOError:
        return False


def test_asked_rows_come_into_memory(tmp_path: Path) -> None:
    mapped = stored(tmp_path, 20_000, 1024)
    del mapped  # pages that are in use cannot be let go
    with (tmp_path / "rows.npy").open("rb") as handle:
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    mapped = open_npy(tmp_path / "rows.npy")
    rows = torch.randperm(20_000)[:200]
    try:
        before = [in_memory(mapped, row) for row in rows.tolist()]
    except OSError:
        pytest.skip("this file system lies in memory")
    if all(before):
        pytest.skip("this system keeps the file in memory")
    prefetch.prefetch(variant(mapped), rows)
    until = time.monotonic() + 60
    while not all(in_memory(mapped, row) for row in rows.tolist()):
        assert time.monotonic() < until, "rows that were asked for never came"
        time.sleep(0.01)


def test_rows_in_memory_cost_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *words: asked.append(words))
    prefetch.prefetch(variant(), torch.arange(8))
    Ahead(variant(), torch.arange(8)).of(0)
    mapped = stored(tmp_path, 50, 4)
    mapped.array.sum()  # now its pages are in memory
    prefetch.prefetch(variant(mapped), torch.arange(50))
    prefetch.prefetch(variant(mapped), torch.arange(0))
    assert not asked


@given(
    rows=st.lists(st.integers(0, 300), min_size=1, max_size=40),
    size=st.integers(1, 3 * PAGE),
    offset=st.integers(0, 500),
)
def test_runs_are_the_pages_of_the_rows(rows: list[int], size: int, offset: int) -> None:
    starts = offset + np.array(rows) * size
    due = {page for start in starts for page in range(start // PAGE, (start + size - 1) // PAGE + 1)}
    runs = list(prefetch._runs(starts, size))
    assert {page for begin, end in runs for page in range(begin // PAGE, end // PAGE)} == due
    assert all(a[1] < b[0] for a, b in pairwise(runs)), "runs that touch are one"


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize("first", [0, 130])
def test_every_row_is_asked_for_once_and_in_time(
    block: int, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(prefetch, "prefetch", lambda _, rows: asked.extend(rows.tolist()))
    monkeypatch.setattr(prefetch, "AHEAD", 3 * PAGE * 100)
    rows = torch.randperm(1000)
    ahead = Ahead(variant(stored(tmp_path, 1000, 4)), rows, first)
    for place in range(first, 1000, block):
        ahead.of(place)
        assert set(rows[place : min(place + 50, 1000)].tolist()) <= set(asked)
        assert len(asked) <= place - first + 150, "not so far ahead that memory would run out"
    assert sorted(asked) == sorted(set(asked))
    if block < 100:
        assert set(asked) == set(rows[first:].tolist())


def test_tensors_share_the_pages_of_the_file(tmp_path: Path) -> None:
    mapped = stored(tmp_path, 30, 5)
    x = as_tensor(mapped.array)
    assert x.data_ptr() == mapped.array.ctypes.data
    assert torch.equal(x, torch.tensor(mapped.array))


def test_a_stack_of_one_is_no_copy_and_of_several_is_made_when_it_is_read(tmp_path: Path) -> None:
    stack, one, two = Stack(), variant(stored(tmp_path, 8, 3)), variant(first=5.0)
    assert stack.start_of(one) == 0
    assert stack.numeric.data_ptr() == one.numeric.data_ptr()
    assert [stack.start_of(two), stack.start_of(one), stack.start_of(two)] == [8, 0, 8]
    for name in ("numeric", "codes", "target"):
        assert torch.equal(getattr(stack, name), torch.cat([getattr(one, name), getattr(two, name)]))
