"""What several objectives and limits add to a study in training."""

from functools import partial

from cotune.engine.metrics import METRICS
from cotune.recipe import Recipe
from cotune.records import Store
from cotune.search import Course, make_sampler
from cotune.space import Space
from cotune.study.lanes import LaneFactory
from cotune.study.several.costs import Costs, Figures, TrialCosts
from cotune.study.several.limits import CostLimits
from cotune.study.several.settling import cost_names, objectives_of
from cotune.study.several.standing import Standing


class Several:
    """The sampler, and what trials are compared by; without objectives and limits all is as for one score.

    Args:
        recipe: settled.
        space, factory: of the study.
        course: of the study.
        store: has what was measured before, and gets what is measured now.
    """

    def __init__(
        self, recipe: Recipe, space: Space, factory: LaneFactory, store: Store, course: Course
    ) -> None:
        search, names = recipe.search, cost_names(recipe)
        costs = Costs(
            factory,
            space,
            names,
            known=store.costs("shape") if names else {},
            keep=lambda shape, figures: store.keep_costs("shape", {shape: figures}),
        )
        self.costs = TrialCosts(
            costs,
            known=store.costs("trial") if names else {},
            keep=partial(store.keep_costs, "trial"),
            wanted=bool(names),
        )
        self.objectives = objectives_of(recipe) if search.objectives else None
        sampler = make_sampler(
            search.strategy,
            space,
            maximize=METRICS[search.metric].maximize,
            seed=search.seed,
            course=course,
            objectives=self.objectives,
        )
        self.sampler = CostLimits(space, costs, search.at_most).keeping(
            sampler, seed=search.seed, groups=course.groups
        )
        self.standing = (
            None
            if self.objectives is None
            else Standing(search.metric, search.objectives, self.objectives, costs=self.costs.of)
        )

    def values(self, trial: int) -> tuple[float, ...]:
        """Of the further objectives, what a trial in training has shown."""
        return () if self.standing is None else self.standing.values(trial)


def check_limits(recipe: Recipe, space: Space, factory: LaneFactory) -> dict[str, Figures]:
    """What was measured to see that some configuration keeps the limits, by shape of network.

    Raises:
        RecipeError: none does.
    """
    if not recipe.search.at_most:
        return {}
    costs = Costs(factory, space, cost_names(recipe))
    CostLimits(space, costs, recipe.search.at_most).one()
    return costs.known
