"""How a study stands, for whoever watches it."""

from cotune.study.kept import Kept
from cotune.study.ledger import Ledger
from cotune.study.roll import Roll
from cotune.study.room import Room
from cotune.types import Progress


def progress(
    roll: Roll,
    ledger: Ledger,
    kept: Kept,
    room: Room,
    *,
    metric: str,
    maximize: bool,
    lanes: int,
    elapsed: float,
) -> Progress:
    """The figures of this moment.

    Args:
        lanes: in training.
        elapsed: seconds so far.
    """
    best = _best(ledger, kept, maximize=maximize)
    resting = len(ledger.paused)
    used = room.used(ended=len(roll.results) + resting, seconds=elapsed)
    return Progress(
        metric=metric,
        best=best[1] if best else None,
        best_trial=best[0] if best else None,
        started=len(roll.trials),
        ended=roll.ended.copy(),
        lanes=lanes,
        paused=resting,
        elapsed=elapsed,
        used=used,
        seconds_left=elapsed * (1 - used) / used if used > 0 else None,
    )


def _best(ledger: Ledger, kept: Kept, *, maximize: bool) -> tuple[int, float] | None:
    """Number and score of the best trial so far, ended or not."""
    ended = [(leader.share, leader.number, leader.score) for leader in kept.leaders.results()[:1]]
    running = [(ledger.share(n), n, run.score()) for n, run in ledger.alive()]
    scored = [(share, number, score) for share, number, score in (*ended, *running) if score is not None]
    sign = -1.0 if maximize else 1.0
    best = min(scored, key=lambda each: (-each[0], sign * each[2], each[1]), default=None)
    return best and best[1:]
