"""The study: ask → join → train an epoch → record → judge → tell → leave, until a limit is met.

Every decision is a function of the stored boundaries, so a study that was killed is rebuilt by showing them to the
ledger and the sampler again, restoring the newest snapshot, and training on from there. Boundaries that were
acknowledged after that snapshot are trained again for their weights; their records stand as they were acknowledged.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine, LaneWeights
from cotune.engine.metrics import METRICS
from cotune.engine.outcome import Halted, Outcome
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.plan import Plan
from cotune.errors import TrainingError
from cotune.recipe import Recipe
from cotune.records import Boundary, Store
from cotune.search import STOPS, Limits, Sampler, Watcher
from cotune.space import Space
from cotune.study.budget import Pace, Speed
from cotune.study.checkpoints import Checkpoints, cycle_ends
from cotune.study.clock import Clock
from cotune.study.confirming import BEST, Confirming, Reserve
from cotune.study.directory import Directory
from cotune.study.families import Families
from cotune.study.lanes import LaneFactory
from cotune.study.leaders import MOST, Leader, Leaders
from cotune.study.ledger import EPOCH_LIMIT, Ledger
from cotune.study.parked import Parked
from cotune.study.proposals import Proposals
from cotune.study.resting import Resting
from cotune.study.saving import Snapshots
from cotune.study.several.wiring import Several
from cotune.study.slots import Lengths, course_of, judge_of
from cotune.study.widening import restarts
from cotune.types import LaneId, Progress, Status, Trial, TrialResult

FIRST_EPOCH = 1.0
"""Seconds that the first epoch may take though the limit has passed: some network is better than none."""


@dataclass(frozen=True)
class Ending:
    """How training ended: why, and the best trials with their networks, best first (none where none has a score)."""

    reason: str
    interrupted: bool
    leaders: tuple[Leader, ...]
    confirmed: dict[str, Any] | None = None
    """What came of the best when they were trained again; see `cotune.study.confirming`."""

    @property
    def winner(self) -> TrialResult | None:
        """The best trial."""
        return self.leaders[0].result if self.leaders else None


class Study:
    """A study in training.

    Args:
        recipe: resolved.
        space: of the recipe.
        factory: makes lanes.
        engine: trains them; without lanes yet.
        store: open; its acknowledged boundaries are taken up.
        directory: for snapshots.
        speed: how fast lanes train here.
        show: called with the progress at every boundary.
        interrupted: asked at every step; `True` ends training cleanly.
        began: when this sitting began, on `time.monotonic()`'s clock.
    """

    def __init__(
        self,
        *,
        recipe: Recipe,
        space: Space,
        factory: LaneFactory,
        engine: Engine,
        store: Store,
        directory: Directory,
        speed: Speed,
        show: Callable[[Progress], None],
        interrupted: Callable[[], bool],
        began: float,
    ) -> None:
        search, training = recipe.search, recipe.training
        assert isinstance(training.epochs, int)
        self._metric = search.metric
        self._maximize = METRICS[search.metric].maximize
        self._epochs = training.epochs
        self._factory, self._store = factory, store
        self._snapshots = Snapshots(directory.snapshots)
        self._show, self._interrupted = show, interrupted
        self._limits = Limits(search.trials, search.time_limit, search.lane_epochs)
        course = course_of(recipe, lanes_per_trial=factory.lanes_per_trial, stages=factory.stages)
        self._several = Several(recipe, space, factory, store, course)
        self._sampler: Sampler = self._several.sampler
        make_stop = STOPS[search.stop]
        self._stop = make_stop and make_stop(
            space,
            metric=self._metric,
            maximize=self._maximize,
            rows=factory.validation_rows,
            seed=search.seed,
        )
        self._ledger = Ledger(
            metric=self._metric,
            maximize=self._maximize,
            epochs=self._epochs,
            rungs=judge_of(recipe, course, maximize=self._maximize, stages=factory.stages),
            patience=training.patience,
            beside=self._several.standing,
            pauses=search.pause,
            stages=factory.stages,
        )
        self._engine = engine
        self._resting = Resting(engine, self._ledger, lanes=factory.lanes_per_trial, maximize=self._maximize)
        self._plans: dict[str, Any] = store.meta().get("plans", {})
        self._engine.plans.update({kind: Plan(**saved) for kind, saved in self._plans.items()})
        assert isinstance(search.lanes, int)
        self._slots = search.lanes
        self._joining = len(factory.stages.lanes(0))
        """Lanes of a new trial."""
        self._parked = Parked(factory.stages)
        self._proposals = Proposals(
            self._sampler,
            at_once=self._slots // self._joining,
            trials=search.trials,
            started=store.trials(),
            restarts=restarts(store.meta()),
        )
        self._length = self._epochs * factory.stages.stretch(search.reduction)[0]
        """Epochs of all rows that a trial takes whom nobody stops."""
        self._pace = Pace(speed, share=Lengths.of(recipe, factory.stages).held / self._length)
        self._clock = Clock(search.time_limit, before=store.elapsed(), began=began)
        self._recipe = recipe
        self._kept_back = Reserve.of(recipe, factory.stages, speed)
        self._confirming: Confirming | None = None
        self._confirms: dict[str, Any] = store.meta().get("confirming", {})
        self._acknowledged = store.last_boundary()
        self._boundary = 0
        self._trials: dict[int, Trial] = {}
        self._results: dict[int, TrialResult] = {}
        self._ended = dict.fromkeys(Status, 0)
        after = recipe.after
        self._leaders = Leaders(
            maximize=self._maximize,
            most=MOST if after.one_trial else after.members,
            objectives=self._several.objectives,
        )
        self._checkpoints = Checkpoints(cycle_ends(self._epochs) if after.epochs_matter else frozenset())
        self._lane_epochs = 0
        self._exhausted = False
        self._first_asked: float | None = None
        self._families = Families(
            self._sampler, factory, self._ledger, trials=self._trials, every=search.first_rung
        )
        self._rebuild()

    # ------------------------------------------------------------------ the loop

    def train(self) -> Ending:
        """Train until a limit is met, the space is exhausted, or the user interrupts.

        Kernels use one thread here too: to move some weights, threads would have to wait for each other.
        """
        with one_thread_a_kernel():
            return self._train()

    def _train(self) -> Ending:
        while True:
            reason = self._reason_to_end()
            known = self._known_boundary()
            if reason is None:
                thawed, started = (known.thawed, self._again(known)) if known else self._ask()
                self._resting.thaw(thawed)
                self._start(started)
                if not self._engine.lanes:
                    reason = self._why_nothing_trains()
            if known and not known.capacity_steps:  # how an earlier sitting ended: no epoch was trained
                self._boundary += 1
                self._close(known.ended)
                self._go_on_confirming(known)
            elif reason is None:
                began = time.monotonic()
                try:
                    outcome = self._engine.train_epoch(halt=self._must_halt)
                except Halted:
                    reason = self._reason_to_end() or "time limit"
                    if self._confirms_before(reason, started, thawed):
                        continue
                    return self._finish(reason, started, thawed)
                if self._limits.seconds is not None:
                    self._pace.measured(lanes=self._lanes_of_all_rows(), seconds=time.monotonic() - began)
                self._end_boundary(started, thawed, outcome, known)
            elif not self._confirms_before(reason, (), ()):
                return self._finish(reason, (), ())

    def _ask(self) -> tuple[tuple[int, ...], tuple[Trial, ...]]:
        """For the free slots, as far as the limits go: paused trials that go on, and new ones."""
        if self._confirming is not None:
            return (), ()
        free, left = self._free(), self._limits.trials_left(len(self._trials))
        most = free if left is None else min(free, left)
        children = self._families.children(self._ledger.births()[:most])
        room = self._in_time(free - len(children))
        thawed = self._ledger.promoted()[:room]
        count = min(room - len(thawed), most - len(children))
        if count <= 0 or self._exhausted:
            return thawed, children
        number = len(self._trials) + len(children)
        found = self._proposals.take(number, count)
        self._exhausted = len(found) < count
        return thawed, (*children, *(Trial(number + i, params) for i, params in enumerate(found)))

    def _free(self) -> int:
        """How many trials may join by the slots and the epochs that are left."""
        per_trial = self._joining
        free = (self._slots - self._engine.lanes) // per_trial
        if not self._engine.lanes:
            free = max(free, 1)  # a trial of more lanes than slots runs all the same
        count = free
        limit = self._epoch_limit()
        if limit is not None:
            room = limit - self._lane_epochs - self._engine.lanes
            count = min(count, max(room // per_trial, 0 if self._trials else 1))
        return max(count, 0)

    def _in_time(self, count: int) -> int:
        """How many of so many that train from the start may join by the time that is left."""
        if self._limits.seconds is not None and self._trials:
            more = self._pace.new_lanes(
                epochs=self._length, training=self._engine.lanes, seconds_left=self._time_left()
            )
            count = min(count, more // self._joining)
        return max(count, 0)

    def _again(self, known: Boundary) -> tuple[Trial, ...]:
        """The trials that a stored boundary started; what was asked for then is asked for again."""
        fresh = [trial.number for trial in known.started if trial.parent is None]
        if fresh:
            self._proposals.take(fresh[0], len(fresh))
        return known.started

    def _start(self, trials: tuple[Trial, ...]) -> None:
        self._take_up(trials)
        fresh = [trial for trial in trials if trial.parent is None]
        self._engine.join([lane for t in fresh for lane in self._factory.lanes(t.number, t.params)])
        self._families.bear([trial for trial in trials if trial.parent is not None], self._engine)
        plans = {kind: asdict(plan) for kind, plan in self._engine.plans.items()}
        if plans != self._plans:  # kept at once: after a crash lanes must step as they did, to the bit
            self._plans = plans
            self._store.set_meta(plans=plans)

    def _end_boundary(
        self, started: tuple[Trial, ...], thawed: tuple[int, ...], outcome: Outcome, known: Boundary | None
    ) -> None:
        self._boundary += 1
        if self._confirming is None:
            self._checkpoints.take(self._engine, outcome.records)
        if known is None:
            verdict = self._ledger.judge(outcome.records, outcome.divergences, outcome.failed)
            idle = self._idle_steps(outcome)
            self._pause(verdict.paused)
            over = self._resting.give_up()
            gone = {result.number for result in over}
            ended = sorted(
                (*verdict.ended, *over, *self._beyond(len(outcome.records))), key=lambda result: result.number
            )
            capacity = outcome.steps + idle
            boundary = Boundary(
                self._boundary,
                self._clock.elapsed(),
                outcome.steps,
                capacity,
                started,
                outcome.records,
                tuple(ended),
                paused=tuple(number for number in verdict.paused if number not in gone),
                thawed=thawed,
            )
        else:
            self._ledger.judge(known.records, outcome.divergences, outcome.failed)
            self._pause(known.paused)
            boundary = known
        self._lane_epochs += len(boundary.records)
        self._close(boundary.ended)
        self._begin_stages()
        if self._confirming is not None:
            self._engine.leave(self._confirming.take(boundary.records))
        if known is None:
            self._store.commit(boundary)
            kept = [*self._leaders.all_weights(), *self._checkpoints.all(), *self._parked.all()]
            paused = self._resting.all()
            self._snapshots.save(self._engine, kept, boundary=self._boundary, paused=paused)
        self._show(self.progress())

    def _lanes_of_all_rows(self) -> float:
        """The lanes in training; those that have a share of the rows are as much of a lane."""
        stages = self._factory.stages
        if stages.by != "rows":
            return self._engine.lanes
        levels = (stages.level(lane.id.index) for p in self._engine.populations for lane in p.lanes)
        return sum(float(stages.reduction) ** -level for level in levels)

    def _begin_stages(self) -> None:
        """Exchange the lanes of trials that have come to another stage; the earlier ones' networks are kept."""
        lanes = []
        for number, stage in self._ledger.next_stages.items():
            self._parked.put(self._engine.best(number), stage=stage - 1)
            if not self._factory.stages.joins:
                self._checkpoints.forget(number)
            self._engine.leave([LaneId(number, i) for i in self._factory.stages.lanes(stage - 1)])
            lanes += self._factory.lanes(number, self._trials[number].params, stage=stage)
        self._engine.join(lanes)

    def _beyond(self, spent: int) -> list[TrialResult]:
        """Of the trials in training, those for whose lanes not one more epoch is left; so the limit is used up."""
        limit = self._epoch_limit()
        if limit is None or self._confirming is not None:
            return []
        return self._ledger.surplus(limit - self._lane_epochs - spent)

    def _idle_steps(self, outcome: Outcome) -> int:
        """Steps that free slots could have trained meanwhile."""
        free = max(0, self._slots - self._engine.lanes)
        return round(free * outcome.steps / self._engine.lanes)

    def _close(self, ended: tuple[TrialResult, ...]) -> None:
        """Take leave of trials that are over; keep the weights of the leaders."""
        for known in ended:
            counted = self._ledger.counted(known.number)
            result = self._ledger.forget(known)
            self._note(result)
            checkpoints = self._checkpoints.forget(result.number)
            if self._leaders.would_keep(result):
                self._leaders.keep(Leader(result, self._best_of(result.number, counted), checkpoints))
            self._resting.pop(result.number)
            self._parked.forget(result.number)
        self._watch()
        gone = {result.number for result in ended}
        self._engine.leave(self._engine.names(gone))
        if self._stop is not None:
            self._stop.boundary()

    def _best_of(self, trial: int, counted: frozenset[LaneId]) -> list[LaneWeights]:
        """The best weights of a trial's lanes: of earlier stages, in training or paused; those that count."""
        lanes = [*self._parked.of(trial), *self._resting.best(trial)]
        return [item for item in lanes if not counted or item.lane.id in counted]

    def _pause(self, trials: tuple[int, ...]) -> None:
        for result in self._resting.pause(trials):
            self._sampler.tell(result)

    def _watch(self) -> None:
        """What trials have shown that go on from a rung, to samplers that look at it."""
        if isinstance(self._sampler, Watcher):
            for result in self._ledger.passed():
                self._sampler.watch(result)

    def _note(self, result: TrialResult) -> None:
        self._results[result.number] = result
        self._ended[result.status] += 1
        self._sampler.tell(result)
        if self._stop is not None:
            self._stop.tell(result)

    # ------------------------------------------------------------------ ending

    def _reason_to_end(self) -> str | None:
        if self._boundary < self._acknowledged:
            return "interrupted" if self._interrupted() else None
        if self._interrupted():
            return "interrupted"
        if self._limits.seconds is not None and self._trials and self._time_left() <= 0:
            return "time limit"
        limit = self._epoch_limit()
        if limit is not None and self._lane_epochs and self._lane_epochs + self._engine.lanes > limit:
            return EPOCH_LIMIT
        return None if self._stop is None else self._stop.reason()

    def _time_left(self) -> float:
        """Seconds left to search, or to train the best again."""
        return self._clock.left() - (self._kept_back.seconds if self._confirming is None else 0.0)

    def _epoch_limit(self) -> int | None:
        """The same for lane-epochs, those trained so far included."""
        limit = self._limits.lane_epochs
        return (
            None
            if limit is None
            else limit - (self._kept_back.lane_epochs if self._confirming is None else 0)
        )

    def _confirms_before(self, reason: str, started: tuple[Trial, ...], thawed: tuple[int, ...]) -> bool:
        """Whether the best are trained again before the study ends; if so they begin, and all others are over."""
        seeds = self._recipe.search.confirm  # "auto" in studies from before there were reruns
        if seeds in ("auto", 0) or self._confirming is not None or reason == "interrupted":
            return False
        standing = self._standing()
        shown = [*self._leaders.results(), *standing.values()]
        if not any(
            result.share == 1 and self._results.get(result.number, result).score is not None
            for result in shown
        ):
            return False
        steps = self._engine.unfinished_steps()
        closed = tuple(replace(r, score=standing.get(r.number, r).score) for r in self._ledger.close(reason))
        self._boundary += 1
        self._close(closed)
        best = [result.number for result in self._leaders.results() if result.share == 1][:BEST]
        self._confirms = {"boundary": self._boundary, "reason": reason, "trials": best}
        self._store.set_meta(confirming=self._confirms)
        end = Boundary(self._boundary, self._clock.elapsed(), steps, 0, started, (), closed, (), thawed)
        self._store.commit(end)
        self._acknowledged = max(self._acknowledged, self._boundary)
        self._go_on_confirming(end)
        return True

    def _go_on_confirming(self, boundary: Boundary, *, join: bool = True) -> None:
        """If the best were to be trained again after this boundary, that begins."""
        if boundary.capacity_steps or self._confirms.get("boundary") != boundary.number:
            return
        self._confirming = Confirming(
            self._confirms["trials"],
            self._factory,
            metric=self._metric,
            maximize=self._maximize,
            epochs=self._epochs,
            patience=self._recipe.training.patience,
            seeds=int(self._recipe.search.confirm),
        )
        if join:
            params = {number: trial.params for number, trial in self._trials.items()}
            self._engine.join(self._confirming.lanes(params))

    def _why_nothing_trains(self) -> str:
        if self._confirming is not None:
            return str(self._confirms["reason"])
        if self._exhausted:
            return "every configuration of the space has been tried"
        cut = any(result.reason == EPOCH_LIMIT for result in self._results.values())
        if not cut and self._limits.trials_left(len(self._trials)) == 0:
            return "all trials done"
        return EPOCH_LIMIT

    def _must_halt(self) -> bool:
        if self._interrupted():
            return True
        if self._limits.seconds is None or self._boundary < self._acknowledged:
            return False
        left = self._time_left()
        if not self._boundary:
            now = time.monotonic()
            self._first_asked = now if self._first_asked is None else self._first_asked
            left = max(left, self._first_asked + FIRST_EPOCH - now)
        return left <= 0

    def _finish(self, reason: str, started: tuple[Trial, ...], thawed: tuple[int, ...]) -> Ending:
        """End trials in training and paused ones (unless interrupted: they go on at resume); name the winner."""
        interrupted = reason == "interrupted"
        if not self._results and not any(run.score() is not None for run in self._ledger.running.values()):
            for population in self._engine.populations:
                population.evaluate_unfinished()
        standing = self._standing()
        if not interrupted:
            closed = tuple(
                replace(r, score=standing.get(r.number, r).score) for r in self._ledger.close(reason)
            )
            if closed or started:
                self._boundary += 1
                steps = self._engine.unfinished_steps()
                self._store.commit(
                    Boundary(self._boundary, self._clock.elapsed(), steps, 0, started, (), closed, (), thawed)
                )
        training = [
            Leader(result, self._best_of(number, self._ledger.counted(number)), self._checkpoints.of(number))
            for number, result in standing.items()
        ]
        leaders = self._leaders.best([*self._leaders.all(), *training])
        if self._confirming is None:
            return Ending(reason, interrupted, tuple(leaders))
        order = self._confirming.ranked([leader.result for leader in leaders])
        leaders.sort(key=lambda leader: order.index(leader.result.number))
        return Ending(reason, interrupted, tuple(leaders), self._confirming.facts())

    def _standing(self) -> dict[int, TrialResult]:
        """Trials in training, or paused, whose every lane has a figure, as if they ended now."""
        found = {}
        for number, run in self._ledger.alive():
            lanes = self._best_of(number, run.counted)
            if len(lanes) == (len(run.done) or run.lanes):
                score = run.score()
                score = sum(lane.score for lane in lanes) / len(lanes) if score is None else score
                found[number] = TrialResult(
                    number,
                    run.trial.params,
                    Status.STOPPED,
                    score,
                    run.epoch,
                    run.seconds,
                    "in training",
                    values=self._several.values(number),
                    share=self._ledger.share(number),
                )
        return found

    # ------------------------------------------------------------------ rebuilding

    def _known_boundary(self) -> Boundary | None:
        number = self._boundary + 1
        if number > self._acknowledged:
            return None
        return next(self._store.boundaries(number, number))

    def _rebuild(self) -> None:
        """Take up an existing study: history up to the newest snapshot, then the snapshot."""
        saved = self._snapshots.newest(last=self._acknowledged)
        if saved is None:
            return
        for boundary in self._store.boundaries(1, saved.boundary):
            self._take_up(self._again(boundary))
            for number in boundary.thawed:
                self._ledger.thaw(number)
            self._ledger.judge(boundary.records)
            for number in boundary.paused:
                self._sampler.tell(self._ledger.pause(number))
            self._lane_epochs += len(boundary.records)
            for result in map(self._ledger.forget, boundary.ended):
                self._note(result)
            if self._confirming is not None:
                self._confirming.take(boundary.records)
            self._go_on_confirming(boundary, join=False)
            self._watch()
            if self._stop is not None:
                self._stop.boundary()
        self._boundary = saved.boundary
        kept = snapshot.restore(saved, self._engine, self._lane)
        self._resting.put(snapshot.paused(saved, self._lane))
        for number in dict.fromkeys(item.lane.id.trial for item in kept):
            own = [item for item in kept if item.lane.id.trial == number]
            if number in self._results:
                best, further = (
                    [w for w in own if (w.epoch is None) == is_best] for is_best in (True, False)
                )
                self._leaders.keep(Leader(self._results[number], best, further))
            else:
                self._parked.put([item for item in own if item.epoch is None])
                self._checkpoints.put([item for item in own if item.epoch is not None])

    def _lane(self, name: LaneId) -> Lane:
        return self._factory.lane(name, self._trials[name.trial].params)

    def _take_up(self, trials: tuple[Trial, ...]) -> None:
        self._several.costs.note(trials)
        for trial in trials:
            self._trials[trial.number] = trial
            self._sampler.add(trial)
            if self._stop is not None:
                self._stop.add(trial)
            self._ledger.start(trial, self._joining)

    # ------------------------------------------------------------------ figures

    def progress(self) -> Progress:
        """How the study stands."""
        best = self._best()
        elapsed = self._clock.elapsed()
        resting = len(self._ledger.paused)
        ended = len(self._results) + resting
        used = self._limits.used(ended=ended, lane_epochs=self._lane_epochs, seconds=elapsed)
        return Progress(
            metric=self._metric,
            best=best[1] if best else None,
            best_trial=best[0] if best else None,
            started=len(self._trials),
            ended=self._ended.copy(),
            lanes=self._engine.lanes,
            paused=resting,
            elapsed=elapsed,
            used=used,
            seconds_left=elapsed * (1 - used) / used if used > 0 else None,
        )

    def _best(self) -> tuple[int, float] | None:
        """Number and score of the best trial so far, ended or not."""
        ended = [(leader.share, leader.number, leader.score) for leader in self._leaders.results()[:1]]
        running = [(self._ledger.share(n), n, run.score()) for n, run in self._ledger.alive()]
        scored = [(share, number, score) for share, number, score in (*ended, *running) if score is not None]
        sign = -1.0 if self._maximize else 1.0
        best = min(scored, key=lambda each: (-each[0], sign * each[2], each[1]), default=None)
        return best and best[1:]


def no_network(reason: str) -> TrainingError:
    """The error of a study that ended without a usable network."""
    return TrainingError(
        f"no trial produced a usable network ({reason}); give it more time (--time-limit, --epochs), "
        "or lower the learning rates (--set 'lr={low: 1e-5, high: 1e-3, log: true}')"
    )
