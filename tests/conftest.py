"""What all tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.lanes import engine, lane

# The suite has a process for each core: threads that split small kernels only wait for each other, and cost four
# times the work. The engine's own threads are left as they are; tests of kernels that are split say so themselves.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("adult.csv")`: the path of a real data set, or a skip where it is not at hand."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("COTUNE_DATA", default))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"{name} is not in {folder}; set COTUNE_DATA to the folder with the real data")
        return path

    return find


@pytest.fixture(scope="session", autouse=True)
def _compile_once() -> None:
    """Compile the loops before tests that watch a clock; on a fresh machine it takes some seconds."""
    made = engine([lane()], way="compiled")
    made.train_epoch()
