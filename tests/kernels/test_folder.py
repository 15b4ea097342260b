"""The folder of compiled functions: where it is, who shares it, and what is swept out of it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cotune.kernels import folder

PROGRAM = """
import sys, time
import numpy as np
from cotune.kernels import fields, machine, orders, rows
from cotune.kernels.loading import loaded
while time.time() < float(sys.argv[1]):
    pass
x, y = np.arange(4, dtype=np.float32), np.ones(4, np.float32)
loaded(rows.add).ctypes(y.ctypes.data, x.ctypes.data, 4)
loaded(orders.shuffle)
numbers, order = np.arange(9), np.zeros(9, np.int64)
at, size = np.zeros(len(fields.PLACES), np.int64), np.zeros(len(fields.SIZES), np.int64)
at[fields.TRAIN], at[fields.ORDER] = numbers.ctypes.data, order.ctypes.data
size[fields.TRAIN_ROWS] = size[fields.STEPS] = 9
size[fields.BATCH] = 1
machine.shuffle(at, size)
print(y.tolist(), order.tolist(), [sum(machine.shuffle.stats.cache_hits.values())])
"""


def start(cwd: Path, *, begin: float = 0.0, **environment: str) -> "subprocess.Popen[str]":
    """A process that compiles a leaf, and calls another from compiled code."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(begin)],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def found(process: "subprocess.Popen[str]") -> str:
    """What it printed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith("[1.0, 2.0, 3.0, 4.0] ")
    return out


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty home for caches, and an empty temporary folder beside it."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    folder.cache_directory.cache_clear()
    yield tmp_path
    folder.cache_directory.cache_clear()


def test_processes_that_start_together_on_an_empty_cache(tmp_path: Path) -> None:
    home, cwd = tmp_path / "home", tmp_path / "cwd"
    cwd.mkdir()
    sources = Path(folder.__file__).parent
    before = set(sources.rglob("*.nb*"))
    begin = time.time() + 3.0
    processes = [start(cwd, begin=begin, XDG_CACHE_HOME=str(home)) for _ in range(3)]
    one, *others = [found(process) for process in processes]
    assert all(other.split("[")[2] == one.split("[")[2] for other in others)
    later = found(start(cwd, XDG_CACHE_HOME=str(home)))
    assert later.endswith("[1]\n"), "a later process should find what the first ones compiled"
    assert not list(cwd.iterdir())
    assert set(sources.rglob("*.nb*")) == before
    (kept,) = (home / "cotune").iterdir()
    assert any(kept.rglob("*.nbc"))
    assert not list(kept.rglob("*.tmp.*"))


def test_without_any_folder_functions_are_compiled_for_this_process_alone(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    script = PROGRAM.replace(
        "import sys, time\n", f"import sys, time, tempfile\ntempfile.tempdir = {str(blocked)!r}\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, "0"],
        cwd=tmp_path,
        env=os.environ | {"XDG_CACHE_HOME": str(blocked)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.stdout.startswith("[1.0, 2.0, 3.0, 4.0] "), process.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]


def test_the_home_comes_first(fresh: Path) -> None:
    assert folder.cache_directory().parent == fresh / "home" / "cotune"


@pytest.mark.parametrize("home", ["a file", "a folder of the kernel's"])
def test_a_home_that_cannot_be_written_is_passed_over(
    home: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fresh / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh / "file") if home == "a file" else "/proc/self")
    made = folder.cache_directory()
    assert made.parent.parent == fresh / "tmp"
    assert made.parent.stat().st_mode & 0o077 == 0


def test_an_account_without_a_home(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", missing)
    assert folder.cache_directory().parent.parent == fresh / "tmp"


@pytest.mark.parametrize("trap", ["open to all", "a link"])
def test_what_others_could_write_to_is_not_used(
    trap: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can write there could have us run their code."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/self")
    planted = fresh / "tmp" / f"cotune-{os.getuid()}"
    if trap == "a link":
        (fresh / "elsewhere").mkdir()
        planted.symlink_to(fresh / "elsewhere")
    else:
        planted.mkdir()
        planted.chmod(0o777)
    assert folder.cache_directory() is None


@pytest.mark.usefixtures("fresh")
def test_a_full_disk_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.cache_directory() is not None
    monkeypatch.setattr(folder, "ROOM", 1 << 60)
    folder.cache_directory.cache_clear()
    assert folder.cache_directory() is None


def test_old_folders_are_swept_out_when_a_new_one_is_made(fresh: Path) -> None:
    cotune = fresh / "home" / "cotune"
    ages = {"kernels-old": 31, "kernels-young": 29, "something-else": 400}
    for name, days in ages.items():
        (cotune / name / "inner").mkdir(parents=True)
        (cotune / name / "inner" / "file.nbc").write_text("compiled")
        at = time.time() - days * 86_400
        os.utime(cotune / name, (at, at))
    made = folder.cache_directory()
    assert {path.name for path in cotune.iterdir()} == {made.name, "kernels-young", "something-else"}
    os.utime(cotune / "kernels-young", (0, 0))
    folder.cache_directory.cache_clear()
    folder.cache_directory()
    assert (cotune / "kernels-young").exists(), "only a new folder sweeps"


@pytest.mark.usefixtures("fresh")
def test_using_a_folder_keeps_it_young() -> None:
    made = folder.cache_directory()
    os.utime(made, (0, 0))
    folder.cache_directory.cache_clear()
    assert time.time() - folder.cache_directory().stat().st_mtime < 60


@pytest.mark.usefixtures("fresh")
def test_files_that_a_loss_of_power_left_empty_are_deleted() -> None:
    inner = folder.cache_directory() / "kernels_x"
    inner.mkdir()
    (inner / "rows.add.nbi").write_text("")
    (inner / "rows.add.1.nbc").write_text("whole")
    folder.cache_directory.cache_clear()
    folder.cache_directory()
    assert [path.name for path in inner.iterdir()] == ["rows.add.1.nbc"]
