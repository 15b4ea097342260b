"""What a technique was worth: a paired comparison over seeds, and what may be concluded from many of them at once.

| symbol | meaning                                                                     |
|--------|-----------------------------------------------------------------------------|
| n      | seeds with a score on both sides                                             |
| d      | score with the technique − score without, by seed; turned so that > 0 is better |
| m, s   | mean of d, and its standard deviation (n − 1)                                |
| t      | m / (s / √n), Student's with n − 1 degrees of freedom where the truth is 0   |
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from scipy import stats

from cotune.records.ablation import HELPS, HURTS, UNSEEN, Worth

LEVEL = 0.05
"""Of a verdict; intervals hold 1 − LEVEL."""

SAME = 1e-9
"""Differences that vary by less than this share of the largest are equal but for rounding."""


ALONE = f"p < {LEVEL:g} by itself, which"
"""Begins the remark on what Holm's correction leaves unsaid."""


@dataclass(frozen=True)
class Paired:
    """m, its interval, and the p-value of m = 0; `None` what so few seeds cannot say."""

    mean: float
    low: float | None = None
    high: float | None = None
    p: float | None = None


def paired(differences: Sequence[float]) -> Paired:
    """The mean of d, with its 95 % interval and p-value.

    interval = m ± t₀.₉₇₅(n − 1) · s / √n,    p = 2 · P(T > |t|)

    Differences that are all equal (accuracies are fractions of few rows) have s = 0 and no t. Then p is the sign
    test's, 2 · 2⁻ⁿ, and 1 where they are all 0; there is no interval: equal steps are not the absence of chance.

    Source: Student 1908; the sign test, Arbuthnott 1710.
    """
    n, mean = len(differences), fmean(differences)
    if not any(differences):
        return Paired(0.0, p=1.0) if n > 1 else Paired(0.0)
    if n < 2:
        return Paired(mean)
    spread = stdev(differences)
    if spread <= SAME * max(map(abs, differences)):
        return Paired(mean, p=2 * 0.5**n)
    error = spread / math.sqrt(n)
    if abs(mean) <= SAME * spread:
        mean = 0.0
    reach = float(stats.t.ppf(1 - LEVEL / 2, n - 1)) * error
    return Paired(mean, mean - reach, mean + reach, 2 * float(stats.t.sf(abs(mean) / error, n - 1)))


def holm(ps: Sequence[float]) -> list[float]:
    """p-values after Holm's correction: the chance of even one false finding among all stays below a level.

    The k-th smallest of m becomes max over j ≤ k of min(1, (m − j + 1) · p₍ⱼ₎).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = highest
    return corrected


def judged(worth: Worth, winner: Sequence[float | None], *, maximize: bool, differs: bool = True) -> Worth:
    """A worth with its mean, interval and p-value.

    Args:
        worth: with the counterpart's scores.
        winner: the winner's scores, by seed.
        maximize: whether larger scores are better.
        differs: whether any figure of any epoch differed between the two. Where none did, the worth is 0 for certain.
    """
    sign = (1.0 if maximize else -1.0) * (-1.0 if worth.added else 1.0)
    pairs = [(a, b) for a, b in zip(winner, worth.scores, strict=True) if a is not None]
    found = [sign * (a - b) for a, b in pairs if b is not None]
    lost = len(pairs) - len(found)
    if pairs and not found:
        word = "with" if worth.added else "without"
        note = f"{word} it no network could be trained: a number was not finite, or memory short"
        return replace(worth, direction=HURTS if worth.added else HELPS, note=_joined(worth.note, note))
    if not found:
        return worth
    notes = [worth.note]
    if lost:
        notes.append(f"{lost} of {len(pairs)} seeds could not be trained; the figure is of the others")
    if not differs:
        notes.append("it changed nothing, in no epoch")
    if len(found) == 1:
        notes.append("one seed says nothing of chance")
    result = paired(found)
    if not differs and result.p is not None:
        result = Paired(0.0, 0.0, 0.0, 1.0)
    if result.p is not None and result.low is None:
        notes.append("the difference is the same for every seed, so the p-value is the sign test's")
    return replace(
        worth,
        worth=result.mean,
        low=result.low,
        high=result.high,
        p=result.p,
        note=_joined(*notes),
        differs=differs,
    )


def ranked(worths: Sequence[Worth]) -> tuple[Worth, ...]:
    """Worths with Holm's p-value and what follows from it: those taken out, then those put in, highest first.

    What mattered, and what the search has missed, are two questions: each has a correction of its own. What changed
    nothing in any epoch was no test, and does not count; what trained otherwise and came to the same scores was one.
    Worths that were ranked before, among others, may be ranked again.
    """
    concluded = [*_family([w for w in worths if not w.added]), *_family([w for w in worths if w.added])]
    return tuple(sorted(concluded, key=lambda w: (w.added, -_height(w), w.kind, w.technique)))


def _family(worths: Sequence[Worth]) -> list[Worth]:
    tested = [w.p for w in worths if w.p is not None and w.differs]
    corrected = iter(holm(tested))
    return [
        w if w.p is None else _concluded(w, next(corrected) if w.differs else 1.0, len(tested))
        for w in worths
    ]


def _concluded(worth: Worth, corrected: float, among: int) -> Worth:
    assert worth.worth is not None
    assert worth.p is not None
    direction = UNSEEN
    note = _joined(*(part for part in worth.note.split("; ") if not part.startswith(ALONE)))
    if corrected < LEVEL:
        direction = HELPS if worth.worth > 0 else HURTS
    elif worth.p < LEVEL:
        note = _joined(note, f"{ALONE} among {among} may be chance")
    return replace(worth, p_holm=corrected, direction=direction, note=note)


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _height(worth: Worth) -> float:
    if worth.worth is not None:
        return worth.worth
    return {HELPS: math.inf, HURTS: -math.inf}.get(worth.direction, 0.0)
