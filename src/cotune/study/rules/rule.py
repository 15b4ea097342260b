"""What a rule is: a combination of settings that makes no sense, and what takes its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cotune.data import Dataset, Splits
from cotune.recipe import Recipe
from cotune.recipe.schema import as_read
from cotune.types import Task, Value

Config = Mapping[str, Value]
"""A full configuration; keys without a meaning in it may be absent."""


@dataclass(frozen=True)
class Given:
    """What rules look at beside a configuration: it is the same for all trials of a study.

    Args:
        kind: of the data, as `Dataset.kind`; a table that is read as series is "series".
        task: what is learned.
        metrics: names of all that are recorded.
        rows: training rows of the smallest fold.
        patience: epochs without a gain before a trial ends; 0 is never.
        categories: whether there are columns of categories.
    """

    kind: str = "table"
    task: str = Task.MULTICLASS.value
    metrics: tuple[str, ...] = ()
    rows: int = 1000
    patience: int = 20
    categories: bool = True

    @classmethod
    def of(cls, recipe: Recipe, dataset: Dataset, splits: Splits) -> "Given":
        """Of a resolved recipe and its data."""
        return cls(
            kind=as_read(dataset.kind, recipe.network.family),
            task=dataset.task.value,
            metrics=(recipe.search.metric, *recipe.search.also),
            rows=min(len(fold.train) for fold in splits.folds),
            patience=recipe.training.patience,
            categories=any(column.kind == "categorical" for column in dataset.columns),
        )


Broken = Callable[[Config, Given], bool]
Mend = Mapping[str, Value] | Callable[[Config, Given], Mapping[str, Value]]


@dataclass(frozen=True)
class Rule:
    """A combination that makes no sense.

    Args:
        name: the combination, in a few words.
        keys: recipe keys that `broken` looks at, and attributes of `Given`.
        broken: whether a configuration has the combination.
        mend: the values that take its place.
        why: why it makes no sense, as half a sentence.
        refused: whether a recipe that leaves no other choice is refused; else it is mended, with a note.
        becomes: what the mend is, in words, where it depends on the configuration.
    """

    name: str
    keys: tuple[str, ...]
    broken: Broken
    mend: Mend
    why: str
    refused: bool = False
    becomes: str = ""

    def mended(self, config: Config, given: Given) -> dict[str, Value]:
        """The values to change in a configuration that breaks the rule."""
        values = self.mend(config, given) if callable(self.mend) else self.mend
        return {key: value for key, value in values.items() if config.get(key) != value}
