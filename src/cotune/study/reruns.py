"""When the best are trained again, and which: once, after the search and before the study ends."""

from collections.abc import Sequence
from typing import Any

from cotune.recipe import Recipe
from cotune.records import Boundary, Store
from cotune.study.budget import Speed
from cotune.study.confirming import BEST, Confirming, Reserve
from cotune.study.lanes import LaneFactory
from cotune.types import TrialResult


class Reruns:
    """The reruns of a study: none yet, then in training.

    Args:
        recipe: resolved.
        factory: makes lanes.
        store: keeps after which boundary they begin, of which trials, and why the search was over.
        speed: how fast lanes train here.
        maximize: whether larger scores are better.
    """

    def __init__(
        self, recipe: Recipe, factory: LaneFactory, store: Store, speed: Speed, *, maximize: bool
    ) -> None:
        self._recipe, self._factory, self._store, self._maximize = recipe, factory, store, maximize
        self._kept_back = Reserve.of(recipe, factory.stages, speed)
        self._chosen: dict[str, Any] = store.meta().get("confirming", {})
        self.confirming: Confirming | None = None
        """Once they have begun."""

    @property
    def reserve(self) -> Reserve:
        """What is kept back for them; nothing any more once they have begun."""
        return self._kept_back if self.confirming is None else Reserve(0.0, 0)

    @property
    def reason(self) -> str:
        """Why the search was over."""
        return str(self._chosen["reason"])

    @property
    def are_due(self) -> bool:
        """Whether they come after a search that is over now."""
        seeds = self._recipe.search.confirm  # "auto" in studies from before there were reruns
        return seeds not in ("auto", 0) and self.confirming is None

    def choose(self, leaders: Sequence[TrialResult], *, boundary: int, reason: str) -> None:
        """They begin after this boundary, of the best of these trials that have all folds; written down at once."""
        best = [result.number for result in leaders if result.share == 1][:BEST]
        self._chosen = {"boundary": boundary, "reason": reason, "trials": best}
        self._store.set_meta(confirming=self._chosen)

    def begin_after(self, boundary: Boundary) -> Confirming | None:
        """They begin, if it was chosen that they do after this boundary."""
        if boundary.capacity_steps or self._chosen.get("boundary") != boundary.number:
            return None
        search, training = self._recipe.search, self._recipe.training
        assert isinstance(training.epochs, int)
        self.confirming = Confirming(
            self._chosen["trials"],
            self._factory,
            metric=search.metric,
            maximize=self._maximize,
            epochs=training.epochs,
            patience=training.patience,
            seeds=int(search.confirm),
        )
        return self.confirming
