"""How many lanes train at once: enough to fill the machine, and no more than the study can keep busy.

| symbol | meaning                                                          | unit        |
|--------|------------------------------------------------------------------|-------------|
| S      | slots                                                            | lanes       |
| E      | epochs of a lane that nobody stops                               | epochs      |
| L      | epochs of a lane on average: rungs stop most of them soon        | epochs      |
| W      | work of the whole study: L for each lane                         | lane-epochs |

As long as there are trials to start, a slot that is freed is filled at the same boundary. After the last has started
the slots empty one by one, for as long as the longest training takes: at most `EMPTY`·E·S lane-epochs go unused, and

    capacity used = W / (W + EMPTY·E·S) ≥ BUSY   ⇔   S ≤ W (1/BUSY − 1) / (EMPTY·E)

More slots than that would not end a study sooner where a lane-step takes as long in a small population as in a large
one; and fewer lanes at once means that more results are known when the next trial is chosen.
"""

from dataclasses import dataclass

from cotune.engine.parallel import cores
from cotune.recipe import Recipe
from cotune.recipe.stages import Stages
from cotune.search import (
    BREEDING,
    GROUP,
    Bracket,
    Breeder,
    Course,
    Groups,
    Judge,
    exempting,
    make_judge,
    strategy,
)
from cotune.search.rungs.truncation import SHARE, replaced

BUSY = 0.92
"""Capacity that a study with a known amount of work is to use."""

EMPTY = 0.75
"""Of the slots' time after the last trial has started, at most this fraction is unused (measured: 0.7 of it)."""

TIRED = 3
"""A lane that nobody stops trains for about so many times the patience: most gain for a while and then no more."""

LANES_PER_CORE = 4
"""Fewer lanes than this leave a core waiting for the other at the end of an epoch: they take different times."""

ROUND_SECONDS = 0.06
"""Asking, judging and writing down take some milliseconds a boundary: an epoch of all lanes should take this long."""


@dataclass(frozen=True)
class Lengths:
    """E and L of the table above, in epochs."""

    longest: float
    mean: float
    held: float
    """Epochs for which a trial that began at the start, and its children after it, hold a slot on average."""

    @classmethod
    def of(cls, recipe: Recipe, stages: Stages | None = None) -> "Lengths":
        """What a recipe's rungs, patience and epochs make of them.

        Args:
            stages: of a trial, where rungs go by folds or rows; lengths are then in epochs of all rows, and for each
                lane that a trial begins with.
        """
        training, search = recipe.training, recipe.search
        assert isinstance(training.epochs, int)
        longest = min(training.epochs, TIRED * training.patience or training.epochs)
        if stages is not None and stages.last:
            most, mean = stages.stretch(search.reduction)
            return cls(most * longest, mean * longest, mean * longest)
        judge = make_judge(
            search.rungs,
            epochs=training.epochs,
            first=search.first_rung,
            reduction=search.reduction,
            maximize=True,
        )
        brackets = judge.brackets if judge else (Bracket(1.0, ()),)
        if isinstance(judge, Breeder):
            rounds = len(brackets[0].levels)
            return cls(longest, training.epochs / (1 + rounds / SHARE), training.epochs)
        mean = sum(each.share * each.mean(longest, reduction=search.reduction) for each in brackets)
        return cls(longest, mean, mean)


def family(trials: int, rounds: int) -> int:
    """How many trials begin together, if so many may start in all and a fifth is replaced in each of `rounds` rounds.

    Example:
        >>> family(100, 9), family(12, 9), family(5, 0)
        (37, 8, 5)
    """
    least = next(n for n in range(1, trials + 1) if n + rounds * replaced(n) >= trials)
    return max(least, min(trials, SMALL_FAMILY))


SMALL_FAMILY = 8
"""Fewer trials than this leave nothing to select."""


def course_of(recipe: Recipe, *, lanes_per_trial: int, stages: Stages | None = None) -> Course:
    """What a resolved recipe says of the course of its study."""
    search, lengths = recipe.search, Lengths.of(recipe, stages)
    assert isinstance(search.lanes, int)
    return Course(
        groups=Groups(GROUP if search.structure_group == "auto" else search.structure_group),
        at_once=max(1, search.lanes // lanes_per_trial) if strategy(search.strategy).full else None,
        epochs=lengths.longest,
        mean=lengths.mean,
    )


def judge_of(recipe: Recipe, course: Course, *, maximize: bool, stages: Stages | None = None) -> Judge | None:
    """Who stops the weak trials of a study; those in full are exempt."""
    search = recipe.search
    assert isinstance(recipe.training.epochs, int)
    judge = make_judge(
        search.rungs,
        epochs=stages.resources[-1] if stages and stages.last else recipe.training.epochs,
        first=1 if stages and stages.last else search.first_rung,
        reduction=search.reduction,
        maximize=maximize,
        several=bool(search.objectives),
    )
    return exempting(judge, course.is_full) if judge is not None and course.at_once is not None else judge


def kept_busy(recipe: Recipe, *, lanes_per_trial: int, stages: Stages | None = None) -> float:
    """The most slots that the work of a study keeps busy; infinite where nobody knows how much work it has."""
    search, lengths = recipe.search, Lengths.of(recipe, stages)
    if search.rungs == BREEDING:  # they begin together, and end together
        rounds = len(range(search.first_rung, round(lengths.held), search.first_rung))
        together = [search.lane_epochs / lengths.held] if search.lane_epochs else []
        together += [float(family(search.trials, rounds) * lanes_per_trial)] if search.trials else []
        return min(together, default=float("inf"))
    work = [float(search.lane_epochs)] if search.lane_epochs else []
    work += [search.trials * lanes_per_trial * lengths.mean] if search.trials else []
    return min(work, default=float("inf")) * (1 / BUSY - 1) / (EMPTY * lengths.longest)


LANES_ON_GPU = 64
"""Fewer lanes than this leave a GPU waiting for the host: a step's kernels take as long to launch for one lane."""


def worth_having(
    recipe: Recipe,
    *,
    most: int,
    lanes_per_trial: int,
    lane_seconds: float | None,
    on_host: bool = True,
    stages: Stages | None = None,
) -> int:
    """Slots for a study: whole trials, at least one of them.

    Args:
        recipe: resolved.
        most: lanes that memory and the machine have room for.
        lanes_per_trial: folds × seeds, or those that a trial begins with.
        lane_seconds: core-seconds of one lane's epoch, or its share of a GPU's, where the study has a time limit.
        on_host: whether the CPU trains them.
        stages: of a trial.
    """
    workers, least = (cores(), LANES_PER_CORE * cores()) if on_host else (1, LANES_ON_GPU)
    wanted = kept_busy(recipe, lanes_per_trial=lanes_per_trial, stages=stages)
    if lane_seconds is not None:
        wanted = min(wanted, ROUND_SECONDS * workers / lane_seconds)
    trials = round(min(most, max(wanted, least)) / lanes_per_trial)
    return max(1, min(trials, most // lanes_per_trial)) * lanes_per_trial
