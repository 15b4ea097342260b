"""What studies in processes of their own share: made once for all files, since each takes seconds."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults import process


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return process.digits(tmp_path_factory.mktemp("digits") / "digits.csv", 600)


@pytest.fixture(scope="session")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the study is when nobody disturbs it."""
    return process.undisturbed(data, tmp_path_factory.mktemp("whole"), process.STUDY)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
