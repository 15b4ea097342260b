"""From traces to figures: who reached what, and when.

| symbol | meaning                                                                                   |
|--------|-------------------------------------------------------------------------------------------|
| s*     | the best score, on the validation rows, of the best peer when its budget is spent          |
| t*     | when that peer reached s*, on its own clock: not the whole budget, unless it took it       |
| t      | when cotune reached s*                                                                     |

    speed-up = t* / t,   0 where cotune did not reach s* within the same budget

Clocks begin when a side's process is started. Scores: more is better (-log_loss, R²).
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from common import Bar

Trace = Sequence[Sequence[float]]
"""(seconds, score) whenever a side had a better one; both rise."""

SPEED_UP, NEVER_SLOWER = 5.0, 1.0
OURS = "cotune"


def final(trace: Trace) -> float:
    """The score at the end; minus infinity where there is none."""
    return trace[-1][1] if trace else float("-inf")


def reached(trace: Trace, score: float) -> float | None:
    """When a score was reached first."""
    return next((seconds for seconds, found in trace if found >= score), None)


def at(trace: Trace, seconds: float) -> float | None:
    """The score at a time."""
    return max((score for t, score in trace if t <= seconds), default=None)


def speed_up(ours: Trace, peer: Trace) -> float | None:
    """t* / t of the table above; `None` where the peer found nothing."""
    theirs = reached(peer, final(peer)) if peer else None
    if theirs is None:
        return None
    own = reached(ours, final(peer))
    return 0.0 if own is None else theirs / own


def compared(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a task's rows with one seed, a row for each side, amount to; {} where one side is missing."""
    traces = {row["side"]: row["trace"] for row in rows}
    ours = traces.pop(OURS, None)
    peers = {side: trace for side, trace in traces.items() if trace}
    if ours is None or not peers:
        return {}
    best = max(
        peers, key=lambda side: (final(peers[side]), -float(reached(peers[side], final(peers[side])) or 0))
    )
    tests = {row["side"]: row["test"] for row in rows}
    lower = "log_loss" in tests[OURS] and "r2" not in tests[OURS]
    test = {
        side: None if not figures else -figures["log_loss"] if lower else figures["r2"]
        for side, figures in tests.items()
    }
    return {
        "best_peer": best,
        "peer_score": final(peers[best]),
        "peer_seconds": reached(peers[best], final(peers[best])),
        "our_seconds": reached(ours, final(peers[best])),
        "speed_up": speed_up(ours, peers[best]),
        "speed_ups": {side: speed_up(ours, trace) for side, trace in peers.items()},
        "our_score": final(ours) if ours else None,
        "lead": final(ours) - final(peers[best]) if ours else None,
        "leads_on_the_way": leads_on_the_way(ours, peers),
        "test": test,
    }


TIMES = (5, 10, 20, 30, 60, 90, 120)


def leads_on_the_way(ours: Trace, peers: Mapping[str, Trace]) -> dict[str, float | None]:
    """At some times, our score less the best that any peer had then; `None` before both have one."""
    last = max((trace[-1][0] for trace in (ours, *peers.values()) if trace), default=0.0)
    found: dict[str, float | None] = {}
    for seconds in TIMES:
        own = at(ours, seconds)
        theirs = [score for score in (at(trace, seconds) for trace in peers.values()) if score is not None]
        found[str(seconds)] = None if own is None or not theirs else own - max(theirs)
        if seconds >= last:
            break
    return found


def bars_of(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Bar]:
    """The bars.

    Args:
        found: task → what `compared` says of each seed.
    """
    bars, medians = [], []
    for name, seeds in found.items():
        ratios = [each["speed_up"] for each in seeds if each.get("speed_up") is not None]
        leads = [each["lead"] for each in seeds if each.get("lead") is not None]
        middle = median(ratios) if ratios else None
        medians.append(middle)
        words = f"{name}: the best peer's time to its best score / ours to that score"
        bars.append(Bar(words, middle, NEVER_SLOWER))
        bars.append(
            Bar(f"{name}: score at equal time, less the best peer's", median(leads) if leads else None, 0.0)
        )
    known = [value for value in medians if value is not None]
    whole = median(known) if len(known) == len(medians) and known else None
    bars.append(Bar("speed-up, median over tasks", whole, SPEED_UP))
    return bars


def spread(values: Sequence[float]) -> list[float] | None:
    """Least, median, greatest."""
    return [min(values), median(values), max(values)] if values else None


def table(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """A row for each task: intervals over seeds, and how often cotune lost."""
    rows = []
    for name, seeds in found.items():
        ratios = [each["speed_up"] for each in seeds if each.get("speed_up") is not None]
        leads = [each["lead"] for each in seeds if each.get("lead") is not None]
        tests = [
            each["test"]["cotune"] - each["test"][each["best_peer"]]
            for each in seeds
            if each and None not in (each["test"]["cotune"], each["test"][each["best_peer"]])
        ]
        rows.append(
            {
                "task": name, "seeds": len(seeds), "speed_up": spread(ratios), "lead": spread(leads),
                "test_lead": spread(tests), "lost": sum(ratio < 1 for ratio in ratios),
                "behind_at_the_end": sum(lead < 0 for lead in leads),
                "best_peers": [each.get("best_peer") for each in seeds],
            }
        )  # fmt: skip
    return rows
