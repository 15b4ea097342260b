"""Contract 6: memory. A real limit of the operating system, set in the middle of training, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cotune.engine.memory import free_bytes, held_bytes, is_out_of_memory, step_bytes
from engine.lanes import lane

PLACES = ["batched"]  # the tests say themselves where they train
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_DATA")

PROGRAM = """
import json, os, resource, sys, zlib
os.environ["OMP_NUM_THREADS"] = sys.argv[2]
sys.path.insert(0, sys.argv[1])
import torch
from cotune.engine import plan
from cotune.types import LaneId
from engine import lanes as made_of, places
from engine.lanes import Figures, engine, lane, table

made_of.WAY, made_of.COMPUTE = places.PLACES[sys.argv[9]]
plan.CHUNKS = (32,)  # as a GPU is used, lanes are measured by chunks first: one of them, to spare memory

megabytes, after, lanes, rows, width = (int(a) for a in sys.argv[3:8])
variant = table(rows=rows, features=4)
made = engine(
    [lane(i, variant=variant, width=width, batch_size=256, norm="batch", dropout=0.2, clip_norm=1.0, l1=1e-4)
     for i in range(lanes)], metric="accuracy")
asked, hog = 0, []

def halt():  # asked before every step: memory runs out in the middle of an epoch
    global asked
    asked += 1
    if asked == max(after, 1) and megabytes:
        line = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
        size = int(line.split()[1]) * 1024  # not the address space: threads' heaps reserve theirs in advance
        resource.setrlimit(resource.RLIMIT_DATA, (size, resource.RLIM_INFINITY))
        try:  # what earlier steps have given back to the C library counts as free, too
            while True:
                hog.append(torch.empty(1 << 18))
        except RuntimeError:
            del hog[-megabytes:]
    return False

warm = engine(
    [lane(i, variant=variant, batch_size=256, norm="batch", dropout=0.2, clip_norm=1.0, l1=1e-4) for i in range(8)])
warm.train_epoch()  # libraries load what they load, and threads start
if sys.argv[8] == "judge":  # no training: memory runs out when lanes are judged
    after = 1
    halt()
    made.populations[0].evaluate_unfinished()
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
    print(json.dumps(made.populations[0].state.best.nan_to_num(nan=-1.0).tolist()))
    sys.exit()
found = {"records": [], "failed": [], "chunks": []}
if after == 0:
    halt()
for _ in range(2):
    outcome = made.train_epoch(halt=halt)
    found["records"] += [[r.lane.trial, r.epoch, r.step, r.train_loss, r.metrics] for r in outcome.records]
    found["failed"] += [name.trial for name in outcome.failed]
    found["chunks"].append(made.populations[0].chunk if made.populations else 0)
    made.leave(outcome.failed)
    if not made.lanes:
        break
resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
if made.lanes:
    state = made.populations[0].state
    found["sums"] = [zlib.crc32(t.numpy().tobytes()) for t in state.tensors().values()]
found["remembered"] = list(made.chunks.values())
print(json.dumps(found))
"""


def train(
    what: str = "train",
    *,
    megabytes: int,
    after: int = 3,
    lanes: int = 24,
    rows: int = 1400,
    width: int = 64,
    threads: int = 1,
    place: str = "batched",
) -> Any:
    """Two epochs, or a judgement; from the step `after` on (0: before any) only so many megabytes are left.

    Args:
        megabytes: 0 is no limit.
    """
    numbers = [str(n) for n in (megabytes, after, lanes, rows, width)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[1]), str(threads), *numbers, what, place],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def unlimited() -> dict[str, Any]:
    return train(megabytes=0)


@pytest.mark.parametrize(
    ("after", "where"), [pytest.param(2, "batched", marks=pytest.mark.slow), (4, "batched"), (4, "as-gpu")]
)
def test_chunks_are_halved_and_nothing_else_changes(
    unlimited: dict[str, Any], after: int, where: str
) -> None:
    """As a GPU is used, steps are taken back to the last look and taken again by the halves."""
    limited = train(megabytes=8, after=after, place=where)
    assert limited["chunks"][-1] < unlimited["chunks"][-1], "the limit was not felt"
    assert limited["remembered"] == [limited["chunks"][-1]]
    assert not unlimited["remembered"]
    assert not limited["failed"]
    assert limited["records"] == unlimited["records"]
    assert limited["sums"] == unlimited["sums"]


def test_a_lane_that_does_not_fit_alone_has_failed_and_the_process_lives() -> None:
    found = train(megabytes=1, lanes=2, width=1024)
    assert found["failed"] == [0, 1]
    assert found["records"] == []


def test_compiled_lanes_need_next_to_nothing_beside_what_they_hold() -> None:
    """Lanes in training share one workbench a core; where not even that fits, they wait, and then fail alone."""
    unlimited, tight = (train(megabytes=n, place="compiled") for n in (0, 8))
    assert not tight["failed"]
    assert tight["records"] == unlimited["records"]
    found = train(megabytes=1, lanes=2, width=1024, place="compiled", after=0)
    assert found["failed"] == [0, 1]
    assert found["records"] == []


def test_judging_is_halved_too() -> None:
    unlimited, limited = (train("judge", megabytes=n, rows=4000) for n in (0, 6))
    assert limited == unlimited
    assert min(limited) > 0
    assert train("judge", megabytes=1, lanes=2, width=2048) == [-1.0, -1.0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_errors_of_memory_are_told_from_others(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_free_memory_is_what_the_system_says() -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < free_bytes() <= total


def test_predictions_grow_with_what_takes_memory() -> None:
    small, wide, deep, big = (
        lane(**options).structure
        for options in ({}, {"width": 64}, {"width": 64, "depth": 4}, {"width": 64, "batch_size": 64})
    )
    assert held_bytes(small) < held_bytes(wide) < held_bytes(deep)
    assert step_bytes(small, 90) < step_bytes(wide, 90) < step_bytes(deep, 90)
    assert step_bytes(wide, 90) < step_bytes(big, 90)
