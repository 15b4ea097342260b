"""In which order a trial's lanes are trained: all at once, or stage by stage where rungs go by folds or rows.

| word  | meaning                                                                                       |
|-------|-----------------------------------------------------------------------------------------------|
| whole | lanes of a trial that lacks nothing: folds × seeds                                             |
| stage | lanes that begin together and train to their end, by epochs or patience; then the trial is judged |
| level | which share of the training rows a lane has: 1 / reductionˡᵉᵛᵉˡ                                 |

A lane's index says its fold, its seed, and its level: level · whole + fold · seeds + seed. So lanes of another level
have names of their own, and what was recorded of one is never taken for the other.
"""

from dataclasses import dataclass

from cotune.errors import RecipeError
from cotune.recipe.schema import Recipe

MOST_LEVELS = 2
"""Shares of the rows below all of them, at most."""

LEAST_ROWS = 60
"""Training rows of the smallest share, at least."""

FRESH = 16
"""From this level on lanes have all rows, and seeds that no search has seen."""


@dataclass(frozen=True)
class Stages:
    """The stages of every trial of a study.

    Args:
        by: "epochs" (a single stage), "folds" or "rows".
        folds, seeds: of a trial.
        reduction: how many times larger each stage is.
        levels: shares of the rows below all of them.
    """

    by: str
    folds: int
    seeds: int
    reduction: int = 3
    levels: int = 0

    @classmethod
    def of(cls, recipe: Recipe, *, folds: int, rows: int) -> "Stages":
        """What a recipe asks for.

        Args:
            recipe: resolved.
            folds: of the split.
            rows: training rows of the shortest fold.

        Raises:
            RecipeError: there are too few folds, or too few rows.
        """
        search = recipe.search
        by, reduction = search.rung_by, search.reduction
        if by != "epochs" and search.rungs not in ("asha", "hyperband"):
            why = "stops no trial" if search.rungs == "none" else "judges them by their epochs"
            law = f"search.rung_by {by} needs rungs, but search.rungs {search.rungs} {why}"
            raise RecipeError(f"{law}; set rungs: asha, or rung_by: epochs")
        if by == "folds" and folds < 2:
            law = "search.rung_by folds needs at least two folds, but the split has one"
            raise RecipeError(f"{law}; ask for more with --cv 5, or set rung_by: epochs")
        levels = 0
        while by == "rows" and levels < MOST_LEVELS and rows >= LEAST_ROWS * reduction ** (levels + 1):
            levels += 1
        if by == "rows" and not levels:
            law = f"search.rung_by rows needs {LEAST_ROWS * reduction} training rows, but there are {rows}"
            raise RecipeError(f"{law}; set rung_by: epochs")
        return cls(by, folds, search.seeds, reduction, levels)

    @property
    def whole(self) -> int:
        """Lanes of a trial that lacks nothing."""
        return self.folds * self.seeds

    @property
    def resources(self) -> tuple[int, ...]:
        """What a trial has had after each stage: folds, or the share of the rows in units of the smallest one.

        Example:
            >>> Stages("folds", folds=5, seeds=1).resources, Stages("rows", folds=1, seeds=1, levels=2).resources
            ((1, 3, 5), (1, 3, 9))
        """
        if self.by == "rows":
            return tuple(self.reduction**stage for stage in range(self.levels + 1))
        found = [1]
        while self.by == "folds" and found[-1] < self.folds:
            found.append(min(self.folds, found[-1] * self.reduction))
        return tuple(found)

    @property
    def joins(self) -> bool:
        """Whether a stage's lanes join those of earlier stages; else they take their place."""
        return self.by == "folds"

    @property
    def last(self) -> int:
        """The last stage."""
        return len(self.resources) - 1

    def lanes(self, stage: int) -> range:
        """The indices of the lanes of a stage."""
        if self.by == "folds":
            before = self.resources[stage - 1] if stage else 0
            return range(before * self.seeds, self.resources[stage] * self.seeds)
        level = self.levels - stage
        return range(level * self.whole, (level + 1) * self.whole)

    def counted(self, stage: int) -> frozenset[int]:
        """The lanes whose mean is a trial's score once it is through with a stage."""
        first = 0 if self.by == "folds" else stage
        return frozenset(index for each in range(first, stage + 1) for index in self.lanes(each))

    def fold(self, index: int) -> int:
        """The fold of a lane."""
        return index % self.whole // self.seeds

    def level(self, index: int) -> int:
        """The level of a lane; 0: it has all rows."""
        level = index // self.whole
        return level if level < FRESH else 0

    def share(self, lanes: int) -> float:
        """Which part of the folds so many lanes cover; only of rungs by folds it may be less than 1."""
        return lanes / self.whole if self.by == "folds" else 1.0

    def words(self, stage: int) -> str:
        """What a trial has had after a stage."""
        if self.by == "folds":
            return f"{self.resources[stage]} of {self.folds} folds"
        return f"{self.resources[stage] / self.resources[-1]:.0%} of the rows"

    def stretch(self, reduction: int) -> tuple[float, float]:
        """Lengths of trials in lengths of one stage of all rows: of one that nobody stops, and on average.

        The average is for each lane of the first stage.
        """
        if self.by == "rows":
            shares = [resource / self.resources[-1] for resource in self.resources]
            return sum(shares), sum(share / reduction**stage for stage, share in enumerate(shares))
        sizes = [len(self.lanes(stage)) / len(self.lanes(0)) for stage in range(self.last + 1)]
        return len(sizes), sum(size / reduction**stage for stage, size in enumerate(sizes))
