"""What a study in training consists of, put together."""

from dataclasses import dataclass

from cotune.engine.loop import Engine
from cotune.engine.metrics import METRICS
from cotune.recipe import Recipe
from cotune.records import Store
from cotune.search import STOPS, Limits
from cotune.space import Space
from cotune.study.asking import Asking
from cotune.study.budget import Pace, Speed
from cotune.study.clock import Clock
from cotune.study.families import Families
from cotune.study.kept import Kept
from cotune.study.lanes import LaneFactory
from cotune.study.ledger import Ledger
from cotune.study.proposals import Proposals
from cotune.study.reruns import Reruns
from cotune.study.roll import Roll
from cotune.study.room import Room
from cotune.study.several.wiring import Several
from cotune.study.slots import Lengths, course_of, judge_of
from cotune.study.widening import restarts


@dataclass(frozen=True)
class Parts:
    """Who takes part in the loop; what each does is said where it is defined."""

    several: Several
    ledger: Ledger
    roll: Roll
    kept: Kept
    reruns: Reruns
    room: Room
    families: Families
    asking: Asking


def parts_of(
    recipe: Recipe,
    space: Space,
    factory: LaneFactory,
    *,
    engine: Engine,
    store: Store,
    speed: Speed,
    clock: Clock,
) -> Parts:
    """The parts of a study that has not trained yet; the arguments are those of `cotune.study.loop.Study`."""
    search, training, stages = recipe.search, recipe.training, factory.stages
    assert isinstance(training.epochs, int)
    assert isinstance(search.lanes, int)
    maximize, joining = METRICS[search.metric].maximize, len(stages.lanes(0))
    course = course_of(recipe, lanes_per_trial=factory.lanes_per_trial, stages=stages)
    several = Several(recipe, space, factory, store, course)
    ledger = Ledger(
        metric=search.metric,
        maximize=maximize,
        epochs=training.epochs,
        rungs=judge_of(recipe, course, maximize=maximize, stages=stages),
        patience=training.patience,
        beside=several.standing,
        pauses=search.pause,
        stages=stages,
    )
    make_stop = STOPS[search.stop]
    stop = make_stop and make_stop(
        space, metric=search.metric, maximize=maximize, rows=factory.validation_rows, seed=search.seed
    )
    roll = Roll(ledger, several.sampler, stop, cost=several.costs.note, joining=joining)
    kept = Kept(recipe, engine, ledger, factory, maximize=maximize, objectives=several.objectives)
    reruns = Reruns(recipe, factory, store, speed, maximize=maximize)
    length = training.epochs * stages.stretch(search.reduction)[0]
    room = Room(
        Limits(search.trials, search.time_limit, search.lane_epochs),
        clock,
        reruns,
        Pace(speed, share=Lengths.of(recipe, stages).held / length),
        slots=search.lanes,
        joining=joining,
        length=length,
    )
    families = Families(several.sampler, factory, ledger, trials=roll.trials, every=search.first_rung)
    proposals = Proposals(
        several.sampler,
        at_once=search.lanes // joining,
        trials=search.trials,
        started=store.trials(),
        restarts=restarts(store.meta()),
    )
    asking = Asking(room, roll, ledger, families, proposals)
    return Parts(several, ledger, roll, kept, reruns, room, families, asking)
