"""Ablation: a finished study's winner against itself without each of its techniques, and with others in addition.

The test rows are left alone. Scores are of the validation rows, which the study was steered by, under fresh seeds.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cotune.catalogue.base import Technique
from cotune.engine.loop import Engine
from cotune.engine.metrics import METRICS
from cotune.engine.pace import layers_of
from cotune.engine.plan import Plan as StepPlan
from cotune.engine.start import layers_taken
from cotune.errors import RecipeError, StudyError, TrainingError
from cotune.records import Store, read_view
from cotune.records.ablation import UNSEEN, Ablation, Worth, write_ablation
from cotune.report import write as write_report
from cotune.study.ablation.candidates import candidates, must_know, settling
from cotune.study.ablation.counterparts import Configurations, Counterpart, Lineup, Loaded, changed, lineup
from cotune.study.ablation.merging import with_earlier
from cotune.study.ablation.side_by_side import Course, Plan, complete_seeds, differ, scores, train
from cotune.study.ablation.worth import judged, ranked
from cotune.study.directory import Directory
from cotune.study.own.modules import OwnModule
from cotune.study.prepared import Prepared, compute_for
from cotune.study.rules.rule import Given
from cotune.study.session import Sitting, prepare_again
from cotune.types import LaneId, Params, Progress, Task, Value

LEAST_SEEDS = 2
"""Fewer say nothing of chance."""


def ablate(
    directory: Directory,
    sitting: Sitting,
    *,
    techniques: Sequence[Technique],
    seeds: int = 5,
    add: bool = True,
    kinds: Sequence[str] = (),
    time_limit: float | None = None,
    data: str | Path | None = None,
    own: OwnModule | None = None,
) -> Ablation:
    """Find out what each technique was worth, and keep it with the study.

    Args:
        techniques: the catalogue.
        seeds: networks of each configuration and fold.
        add: whether techniques that the winner does without are tried too.
        kinds: of techniques, see `cotune.study.ablation.counterparts.lineup`. What is kept of other kinds stays,
            where it fits.
        time_limit: seconds; the seeds that are complete by then are kept.
        data: where the study's data is now, if it was moved.
        own: the networks, where the user builds them.

    Raises:
        RecipeError: too few seeds, or an unknown kind.
        StudyNotFound, StudyCorrupt, StudyError: there is no study; it is damaged; it has not ended with a winner.
        DataError: the data is not what it was.
        TrainingError: not one seed came to its end.
    """
    if seeds < LEAST_SEEDS:
        raise RecipeError(
            f"seeds must be at least {LEAST_SEEDS}, to tell a worth from chance, but got {seeds}"
        )
    directory.must_hold_a_study()
    with directory.locked(), directory.writing(), Store.open(directory.store) as store:
        meta = store.meta()
        view = read_view(store)
        trial = _winner(meta, directory)
        params = next(t.params for t in view.trials if t.number == trial)
        sitting.say("reading the data of the study")
        try:
            prepared = prepare_again(meta, directory, data, verb="ablate", own=own)
            if prepared.dataset.task is Task.GENERATION:
                raise StudyError(
                    f"the study in {directory.path} generates rows, and techniques are ablated where networks predict; "
                    "compare settings with `cotune tune --task generation --set KEY=[A, B]`"
                )
            contest = _Contest(prepared, meta, params, techniques, seeds=seeds, add=add, kinds=kinds)
            found = contest.run(trial, sitting, time_limit)
        finally:
            shutil.rmtree(directory.rows, ignore_errors=True)  # a finished study needs no rows in files
        found = with_earlier(found, directory.ablation, kinds, say=sitting.say)
        write_ablation(found, directory.ablation)
        write_report(view, directory.report, ablation=found)
        return found


def _winner(meta: Mapping[str, Any], directory: Directory) -> int:
    if not meta.get("finished"):
        law = f"the study in {directory.path} has not ended, so nobody knows its winner"
        raise StudyError(f"{law}; go on with `cotune resume {directory.path}` first")
    trial = (meta.get("result") or {}).get("trial")
    if trial is None:
        law = f"the study in {directory.path} ended without a winner ({meta['finished']})"
        raise StudyError(f"{law}: there is nothing to ablate; tune again with more time or other settings")
    return int(trial)


class _Contest:
    """The winner and its counterparts.

    Args:
        prepared: the study, read again.
        meta: what its store says of it.
        params: of the winning trial.
    """

    def __init__(
        self,
        prepared: Prepared,
        meta: Mapping[str, Any],
        params: Params,
        techniques: Sequence[Technique],
        *,
        seeds: int,
        add: bool,
        kinds: Sequence[str],
    ) -> None:
        self._prepared, self._plans = prepared, meta.get("plans", {})
        given = Given.of(prepared.recipe, prepared.dataset, prepared.splits)
        configurations = Configurations(prepared.recipe, given)
        self._winner, _ = configurations.mended(prepared.space.complete(params))
        fitting = candidates(techniques, self._winner, prepared)
        must_know(kinds, techniques, fitting)
        self._lineup: Lineup = lineup(
            self._winner,
            fitting,
            configurations,
            add=add,
            kinds=kinds,
            settled=settling(meta["recipe"], prepared),
            loaded=_loaded(prepared, self._winner),
        )
        self._plan = Plan(
            [self._winner, *(c.config for c in self._lineup.counterparts)],
            seeds,
            len(prepared.splits.folds),
            prepared.recipe.search.seed,
            frozenset(i for i, c in enumerate(self._lineup.counterparts, start=1) if c.scratch),
        )

    def run(self, trial: int, sitting: Sitting, time_limit: float | None) -> Ablation:
        """Train everything, and conclude."""
        recipe, plan, metric = self._prepared.recipe, self._plan, self._prepared.recipe.search.metric
        maximize = METRICS[metric].maximize
        epochs = recipe.training.epochs
        assert isinstance(epochs, int)
        if not self._lineup.counterparts:
            raise RecipeError(self._nothing())
        out = sum(not c.added for c in self._lineup.counterparts)
        sitting.say(
            f"trial {trial} without {out} techniques one by one, and with {len(self._lineup.counterparts) - out} more: "
            f"{plan.lanes} networks of {epochs} epochs"
        )
        done, ended = self._train(sitting, time_limit, epochs)
        seeds = complete_seeds(plan, done)
        if not seeds and ended == "interrupted":
            sitting.say("no seed was complete: nothing is kept")
            raise KeyboardInterrupt
        if not seeds:
            raise TrainingError(
                "the time limit has passed before the first seed was complete; raise --time-limit, or train less: "
                "--no-add, or --kind for one kind of techniques"
            )
        sides = [scores(plan, done, c, seeds=seeds, maximize=maximize) for c in range(len(plan.configs))]
        if not any(score is not None for score in sides[0]):
            law = "the winner itself met a number that is not finite with every fresh seed"
            raise TrainingError(
                f"{law}: nothing can be compared with it; tune again with lower learning rates"
            )
        worths = [
            self._worth(c, sides[i], sides[0], differ(plan, done, i, 0, seeds=seeds), maximize=maximize)
            for i, c in enumerate(self._lineup.counterparts, start=1)
        ]
        return Ablation(
            trial=trial,
            metric=metric,
            maximize=maximize,
            seeds=plan.seeds,
            done=seeds,
            folds=plan.folds,
            epochs=epochs,
            networks=len(done),
            seconds=round(time.monotonic() - sitting.began, 3),
            ended=ended,
            config=self._winner,
            scores=sides[0],
            worths=ranked(worths),
            skipped=self._lineup.skipped,
            alternatives=self._lineup.alternatives,
        )

    def _worth(
        self,
        counterpart: Counterpart,
        own: tuple[float | None, ...],
        winner: tuple[float | None, ...],
        differs: bool,
        *,
        maximize: bool,
    ) -> Worth:
        technique = counterpart.technique
        blank = Worth(
            technique=technique.name,
            kind=technique.kind,
            added=counterpart.added,
            changes={**changed(self._winner, counterpart.config), **_without_start(counterpart)},
            scores=own,
            worth=None,
            low=None,
            high=None,
            p=None,
            p_holm=None,
            direction=UNSEEN,
            note=counterpart.mended,
        )
        return judged(blank, winner, maximize=maximize, differs=differs)

    def _train(
        self, sitting: Sitting, time_limit: float | None, epochs: int
    ) -> tuple[dict[LaneId, Course], str]:
        recipe, plan = self._prepared.recipe, self._plan
        compute, metric = compute_for(recipe), recipe.search.metric
        engine = Engine(metric=metric, compute=compute)
        engine.plans.update({kind: StepPlan(**saved) for kind, saved in self._plans.items()})
        search = recipe.search.model_copy(update={"seeds": plan.seeds})
        factory = self._prepared.factory.with_recipe(recipe.model_copy(update={"search": search}))

        def late() -> bool:
            return time_limit is not None and time.monotonic() - sitting.began > time_limit

        def tell(trained: int) -> None:
            used = trained / (plan.lanes * epochs)
            elapsed = time.monotonic() - sitting.began
            sitting.show(_progress(metric, engine.lanes, elapsed, used, plan))

        done = train(
            plan,
            factory,
            engine,
            metric=metric,
            compute=compute,
            halt=lambda: sitting.interrupted() or late(),
            tell=tell,
        )
        if len(done) == plan.lanes:
            return done, "complete"
        return done, "interrupted" if sitting.interrupted() else "time limit"

    def _nothing(self) -> str:
        law = "no technique is left to take out or put in"
        reasons = "; ".join(f"{s.technique}: {s.reason}" for s in self._lineup.skipped[:3])
        return f"{law}; name other kinds" + (f" ({reasons})" if reasons else "")


def _loaded(prepared: Prepared, winner: Params) -> Loaded:
    if prepared.recipe.network.pretrained is None:
        return Loaded.NOTHING
    layers, taken = 0, 0
    for fold in range(len(prepared.splits.folds)):
        lane = prepared.factory.lane(LaneId(-1, fold * prepared.recipe.search.seeds), winner)
        assert lane.start is not None
        network = lane.structure.network
        layers += len(layers_of(network))
        taken += len(layers_taken(network, lane.width, lane.start))
    if not taken:
        return Loaded.NOTHING
    return Loaded.EVERYTHING if taken == layers else Loaded.SOME


def _without_start(counterpart: Counterpart) -> dict[str, Value]:
    return {"pretrained": None} if counterpart.scratch else {}


def _progress(metric: str, lanes: int, elapsed: float, used: float, plan: Plan) -> Progress:
    return Progress(
        metric=metric,
        best=None,
        best_trial=None,
        started=0,
        ended={},
        lanes=lanes,
        elapsed=elapsed,
        used=used,
        seconds_left=elapsed * (1 - used) / used if used else None,
        note=f"what each technique is worth: {len(plan.configs)} configurations, {plan.seeds} seeds",
    )
