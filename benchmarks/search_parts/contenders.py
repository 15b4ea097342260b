"""Who takes part, by name. A new contender costs a row."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import cotune
from search_parts import optunas, sequences
from search_parts.remote import PEERS, Remote
from search_parts.simulator import Ours
from search_parts.slots import Judged, Player
from search_parts.tasks import Task


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Args:
        make: a player for (task, seed).
        words: what it is, for the reader.
        version: changes when its choices may change; part of the name under which a run is kept.
    """

    make: Callable[[Task, int], Player]
    words: str
    version: Callable[[], str]


OURS, GP = "cotune auto", "Optuna GP"

_SOURCES = ("search", "space", "study/ledger.py", "study/proposals.py")


@cache
def _source() -> str:
    """A hash of what a strategy of cotune's is made of."""
    root = Path(cotune.__file__).parent
    files = [file for name in _SOURCES for file in sorted((root / name).rglob("*.py")) or [root / name]]
    found = hashlib.sha256()
    for file in files:
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


def _sobol(task: Task, seed: int, *, judge: Callable[[Task], sequences.Judge] | None = None) -> Player:
    return Judged(task, sequences.Sobol(task, seed=seed, judge=judge and judge(task)))


def _optuna(task: Task, seed: int, *, sampler: Callable, pruner: Callable = optunas.never) -> Player:  # type: ignore[type-arg]
    return optunas.Optuna(task, seed=seed, sampler=sampler, pruner=pruner)


def _ours(task: Task, seed: int) -> Player:
    return Judged(task, Ours(task, seed=seed))


def _hyperband(task: Task, seed: int) -> Player:
    return sequences.Hyperband(task, seed=seed)


def _fixed(number: int) -> Callable[[], str]:
    return lambda: str(number)


def _by_optuna() -> str:
    return f"optuna-{version('optuna')}-1"


CONTENDERS: dict[str, Entry] = {
    OURS: Entry(_ours, "the default strategy with its own judge", _source),
    "Sobol": Entry(_sobol, "Sobol points, every trial in full", _fixed(1)),
    "one epoch": Entry(
        partial(_sobol, judge=sequences.one_epoch), "Sobol points, the first epoch decides", _fixed(1)
    ),
    "Sobol + ASHA": Entry(
        partial(_sobol, judge=sequences.asha), "Sobol points, rungs at 3, 9, 27", _fixed(1)
    ),
    "Hyperband": Entry(_hyperband, "Sobol points in Hyperband's brackets, resumed", _fixed(1)),
    "Optuna TPE": Entry(partial(_optuna, sampler=optunas.tpe), "every trial in full", _by_optuna),
    "Optuna TPE + ASHA": Entry(
        partial(_optuna, sampler=optunas.tpe, pruner=optunas.asha), "its SuccessiveHalvingPruner", _by_optuna
    ),
    "Optuna TPE + Hyperband": Entry(
        partial(_optuna, sampler=optunas.tpe, pruner=optunas.hyperband), "its HyperbandPruner", _by_optuna
    ),
    GP: Entry(partial(_optuna, sampler=optunas.gp), "GPSampler, every trial in full", _by_optuna),
    **{name: Entry(partial(Remote, name=name), peer.words, peer.release) for name, peer in PEERS.items()},
}
"""By the name that tables show; the peers of `remote` need an environment of their own."""
