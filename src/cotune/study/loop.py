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
from cotune.engine.loop import Engine
from cotune.engine.metrics import METRICS
from cotune.engine.outcome import Halted, Outcome
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.plan import Plan
from cotune.errors import TrainingError
from cotune.recipe import Recipe
from cotune.records import Boundary, Store
from cotune.search import STOPS, Limits, Sampler, make_judge, make_sampler
from cotune.space import Space
from cotune.study.budget import Pace, Speed
from cotune.study.checkpoints import Checkpoints, cycle_ends
from cotune.study.clock import Clock
from cotune.study.directory import Directory
from cotune.study.lanes import LaneFactory
from cotune.study.leaders import MOST, Leader, Leaders
from cotune.study.ledger import EPOCH_LIMIT, Ledger
from cotune.study.proposals import Proposals
from cotune.study.saving import Snapshots
from cotune.study.slots import Lengths
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
        self._sampler: Sampler = make_sampler(
            search.strategy, space, maximize=self._maximize, seed=search.seed
        )
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
            rungs=make_judge(
                search.rungs,
                epochs=self._epochs,
                first=search.first_rung,
                reduction=search.reduction,
                maximize=self._maximize,
            ),
            patience=training.patience,
        )
        self._engine = engine
        self._plans: dict[str, Any] = store.meta().get("plans", {})
        self._engine.plans.update({kind: Plan(**saved) for kind, saved in self._plans.items()})
        assert isinstance(search.lanes, int)
        self._slots = search.lanes
        self._proposals = Proposals(
            self._sampler,
            at_once=self._slots // factory.lanes_per_trial,
            trials=search.trials,
            started=store.trials(),
            restarts=restarts(store.meta()),
        )
        self._pace = Pace(speed, share=Lengths.of(recipe).mean / self._epochs)
        self._clock = Clock(search.time_limit, before=store.elapsed(), began=began)
        self._acknowledged = store.last_boundary()
        self._boundary = 0
        self._trials: dict[int, Trial] = {}
        self._results: dict[int, TrialResult] = {}
        self._ended = dict.fromkeys(Status, 0)
        after = recipe.after
        self._leaders = Leaders(maximize=self._maximize, most=MOST if after.one_trial else after.members)
        self._checkpoints = Checkpoints(cycle_ends(self._epochs) if after.epochs_matter else frozenset())
        self._lane_epochs = 0
        self._exhausted = False
        self._first_asked: float | None = None
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
                started = self._again(known) if known else self._ask()
                self._start(started)
                if not self._engine.lanes:
                    reason = self._why_nothing_trains()
            if known and not known.capacity_steps:  # how an earlier sitting ended: no epoch was trained
                self._boundary += 1
                self._close(known.ended)
            elif reason is None:
                began = time.monotonic()
                try:
                    outcome = self._engine.train_epoch(halt=self._must_halt)
                except Halted:
                    return self._finish(self._reason_to_end() or "time limit", started)
                if self._limits.seconds is not None:
                    self._pace.measured(lanes=self._engine.lanes, seconds=time.monotonic() - began)
                self._end_boundary(started, outcome, known)
            else:
                return self._finish(reason, ())

    def _ask(self) -> tuple[Trial, ...]:
        """New trials for the free slots, as far as the limits go."""
        per_trial = self._factory.lanes_per_trial
        free = (self._slots - self._engine.lanes) // per_trial
        if not self._engine.lanes:
            free = max(free, 1)  # a trial of more lanes than slots runs all the same
        left = self._limits.trials_left(len(self._trials))
        count = free if left is None else min(free, left)
        if self._limits.lane_epochs is not None:
            room = self._limits.lane_epochs - self._lane_epochs - self._engine.lanes
            count = min(count, max(room // per_trial, 0 if self._trials else 1))
        if self._limits.seconds is not None and self._trials:
            more = self._pace.new_lanes(
                epochs=self._epochs, training=self._engine.lanes, seconds_left=self._clock.left()
            )
            count = min(count, more // per_trial)
        if count <= 0 or self._exhausted:
            return ()
        number = len(self._trials)
        found = self._proposals.take(number, count)
        self._exhausted = len(found) < count
        return tuple(Trial(number + i, params) for i, params in enumerate(found))

    def _again(self, known: Boundary) -> tuple[Trial, ...]:
        """The trials that a stored boundary started; what was asked for then is asked for again."""
        self._proposals.take(len(self._trials), len(known.started))
        return known.started

    def _start(self, trials: tuple[Trial, ...]) -> None:
        self._take_up(trials)
        self._engine.join([lane for t in trials for lane in self._factory.lanes(t.number, t.params)])
        plans = {kind: asdict(plan) for kind, plan in self._engine.plans.items()}
        if plans != self._plans:  # kept at once: after a crash lanes must step as they did, to the bit
            self._plans = plans
            self._store.set_meta(plans=plans)

    def _end_boundary(self, started: tuple[Trial, ...], outcome: Outcome, known: Boundary | None) -> None:
        self._boundary += 1
        if known is None:
            ended = self._ledger.judge(outcome.records, outcome.divergences, outcome.failed)
            ended += self._beyond(len(outcome.records))
            capacity = outcome.steps + self._idle_steps(outcome)
            boundary = Boundary(
                self._boundary,
                self._clock.elapsed(),
                outcome.steps,
                capacity,
                started,
                outcome.records,
                tuple(ended),
            )
        else:
            self._ledger.judge(known.records, outcome.divergences, outcome.failed)
            boundary = known
        self._lane_epochs += len(boundary.records)
        self._checkpoints.take(self._engine, outcome.records)
        self._close(boundary.ended)
        if known is None:
            self._store.commit(boundary)
            kept = [*self._leaders.all_weights(), *self._checkpoints.all()]
            self._snapshots.save(self._engine, kept, boundary=self._boundary)
        self._show(self.progress())

    def _beyond(self, spent: int) -> list[TrialResult]:
        """Of the trials in training, those for whose lanes not one more epoch is left; so the limit is used up."""
        if self._limits.lane_epochs is None:
            return []
        return self._ledger.surplus(self._limits.lane_epochs - self._lane_epochs - spent)

    def _idle_steps(self, outcome: Outcome) -> int:
        """Steps that free slots could have trained meanwhile."""
        free = max(0, self._slots - self._engine.lanes)
        return round(free * outcome.steps / self._engine.lanes)

    def _close(self, ended: tuple[TrialResult, ...]) -> None:
        """Take leave of trials that are over; keep the weights of the leaders."""
        for result in map(self._ledger.forget, ended):
            self._note(result)
            checkpoints = self._checkpoints.forget(result.number)
            if self._leaders.would_keep(result):
                self._leaders.keep(Leader(result, self._engine.best(result.number), checkpoints))
        gone = {result.number for result in ended}
        self._engine.leave([LaneId(n, i) for n in gone for i in range(self._factory.lanes_per_trial)])
        if self._stop is not None:
            self._stop.boundary()

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
        if self._limits.seconds is not None and self._trials and self._clock.left() <= 0:
            return "time limit"
        limit = self._limits.lane_epochs
        if limit is not None and self._lane_epochs and self._lane_epochs + self._engine.lanes > limit:
            return EPOCH_LIMIT
        return None if self._stop is None else self._stop.reason()

    def _why_nothing_trains(self) -> str:
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
        left = self._clock.left()
        if not self._boundary:
            now = time.monotonic()
            self._first_asked = now if self._first_asked is None else self._first_asked
            left = max(left, self._first_asked + FIRST_EPOCH - now)
        return left <= 0

    def _finish(self, reason: str, started: tuple[Trial, ...]) -> Ending:
        """End the trials in training (unless interrupted: they go on at resume) and name the winner."""
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
                    Boundary(self._boundary, self._clock.elapsed(), steps, 0, started, (), closed)
                )
        training = [
            Leader(result, self._engine.best(number), self._checkpoints.of(number))
            for number, result in standing.items()
        ]
        return Ending(reason, interrupted, tuple(self._leaders.best([*self._leaders.all(), *training])))

    def _standing(self) -> dict[int, TrialResult]:
        """Trials in training whose every lane has a figure, as if they ended now."""
        found = {}
        for number, run in self._ledger.running.items():
            lanes = self._engine.best(number)
            if len(lanes) == run.lanes:
                score = run.score()
                score = sum(lane.score for lane in lanes) / len(lanes) if score is None else score
                found[number] = TrialResult(
                    number,
                    run.trial.params,
                    Status.STOPPED,
                    score,
                    len(run.curve),
                    run.seconds,
                    "in training",
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
            self._ledger.judge(boundary.records)
            self._lane_epochs += len(boundary.records)
            for result in map(self._ledger.forget, boundary.ended):
                self._note(result)
            if self._stop is not None:
                self._stop.boundary()
        self._boundary = saved.boundary
        kept = snapshot.restore(saved, self._engine, self._lane)
        for number in dict.fromkeys(item.lane.id.trial for item in kept):
            own = [item for item in kept if item.lane.id.trial == number]
            if number in self._results:
                best, further = (
                    [w for w in own if (w.epoch is None) == is_best] for is_best in (True, False)
                )
                self._leaders.keep(Leader(self._results[number], best, further))
            else:
                self._checkpoints.put(own)

    def _lane(self, name: LaneId) -> Lane:
        return self._factory.lane(name, self._trials[name.trial].params)

    def _take_up(self, trials: tuple[Trial, ...]) -> None:
        for trial in trials:
            self._trials[trial.number] = trial
            self._sampler.add(trial)
            if self._stop is not None:
                self._stop.add(trial)
            self._ledger.start(trial, self._factory.lanes_per_trial)

    # ------------------------------------------------------------------ figures

    def progress(self) -> Progress:
        """How the study stands."""
        best = self._best()
        elapsed = self._clock.elapsed()
        used = self._limits.used(ended=len(self._results), lane_epochs=self._lane_epochs, seconds=elapsed)
        return Progress(
            metric=self._metric,
            best=best[1] if best else None,
            best_trial=best[0] if best else None,
            started=len(self._trials),
            ended=self._ended.copy(),
            lanes=self._engine.lanes,
            elapsed=elapsed,
            used=used,
            seconds_left=elapsed * (1 - used) / used if used > 0 else None,
        )

    def _best(self) -> tuple[int, float] | None:
        """Number and score of the best trial so far, ended or not."""
        ended = [(leader.number, leader.score) for leader in self._leaders.results()[:1]]
        running = [(number, run.score()) for number, run in self._ledger.running.items()]
        scored = [(number, score) for number, score in (*ended, *running) if score is not None]
        sign = -1.0 if self._maximize else 1.0
        return min(scored, key=lambda pair: (sign * pair[1], pair[0]), default=None)


def no_network(reason: str) -> TrainingError:
    """The error of a study that ended without a usable network."""
    return TrainingError(
        f"no trial produced a usable network ({reason}); give it more time (--time-limit, --epochs), "
        "or lower the learning rates (--set 'lr={low: 1e-5, high: 1e-3, log: true}')"
    )
