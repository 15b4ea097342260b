"""The study: ask → join → train an epoch → record → judge → tell → leave, until a limit is met.

Every decision is a function of the stored boundaries, so a study that was killed is rebuilt by showing them to the
ledger and the sampler again, restoring the newest snapshot, and training on from there. Boundaries that were
acknowledged after that snapshot are trained again for their weights; their records stand as they were acknowledged.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.metrics import METRICS
from cotune.engine.outcome import Halted, Outcome
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.plan import Plan
from cotune.recipe import Recipe
from cotune.records import Boundary, Store
from cotune.space import Space
from cotune.study.asking import Joining
from cotune.study.budget import Speed
from cotune.study.clock import Clock
from cotune.study.directory import Directory
from cotune.study.ended import Ending
from cotune.study.exchanging import begin_stages, lanes_of_all_rows
from cotune.study.lanes import LaneFactory
from cotune.study.progress import progress
from cotune.study.rebuilding import replay
from cotune.study.saving import Snapshots
from cotune.study.wiring import parts_of
from cotune.types import EPOCH_LIMIT, LaneId, Progress, Trial, TrialResult

NOBODY: Joining = ((), ())
"""No trial joins."""


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
        self._metric, self._maximize = recipe.search.metric, METRICS[recipe.search.metric].maximize
        self._factory, self._store, self._engine = factory, store, engine
        self._snapshots = Snapshots(directory.snapshots)
        self._show, self._interrupted = show, interrupted
        self._clock = Clock(recipe.search.time_limit, before=store.elapsed(), began=began)
        self._acknowledged = store.last_boundary()
        self._boundary = 0
        self._plans: dict[str, Any] = store.meta().get("plans", {})
        engine.plans.update({kind: Plan(**saved) for kind, saved in self._plans.items()})
        parts = parts_of(recipe, space, factory, engine=engine, store=store, speed=speed, clock=self._clock)
        self._several, self._ledger, self._roll = parts.several, parts.ledger, parts.roll
        self._kept, self._reruns, self._room = parts.kept, parts.reruns, parts.room
        self._families, self._asking = parts.families, parts.asking
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
            reason, known, joining = self._reason_to_end(), self._known_boundary(), NOBODY
            if reason is None:
                joining = self._asking.again(known) if known else self._ask()
                self._join(*joining)
                if not self._engine.lanes:
                    reason = self._why_nothing_trains()
            if known and not known.capacity_steps:  # how an earlier sitting ended: no epoch was trained
                self._boundary += 1
                self._leave(known.ended)
                self._begin_reruns(known)
            elif reason is None:
                began = time.monotonic()
                try:
                    outcome = self._engine.train_epoch(halt=self._must_halt)
                except Halted:
                    reason = self._reason_to_end() or "time limit"
                    if self._reruns_before(reason, joining):
                        continue
                    return self._finish(reason, joining)
                lanes = lanes_of_all_rows(self._engine, self._factory)
                self._room.measured(lanes=lanes, seconds=time.monotonic() - began)
                self._end_boundary(joining, outcome, known)
            elif not self._reruns_before(reason, NOBODY):
                return self._finish(reason, NOBODY)

    def _ask(self) -> Joining:
        """Who joins; none while the best are trained again."""
        return NOBODY if self._reruns.confirming else self._asking.ask(training=self._engine.lanes)

    def _join(self, thawed: tuple[int, ...], started: tuple[Trial, ...]) -> None:
        self._kept.resting.thaw(thawed)
        self._roll.start(started)
        fresh = [trial for trial in started if trial.parent is None]
        self._engine.join([lane for t in fresh for lane in self._factory.lanes(t.number, t.params)])
        self._families.bear([trial for trial in started if trial.parent is not None], self._engine)
        plans = {kind: asdict(plan) for kind, plan in self._engine.plans.items()}
        if plans != self._plans:  # kept at once: after a crash lanes must step as they did, to the bit
            self._plans = plans
            self._store.set_meta(plans=plans)

    def _end_boundary(self, joining: Joining, outcome: Outcome, known: Boundary | None) -> None:
        self._boundary += 1
        confirming = self._reruns.confirming
        if confirming is None:
            self._kept.checkpoints.take(self._engine, outcome.records)
        boundary = self._judge_again(known, outcome) if known else self._judge(joining, outcome)
        self._room.lane_epochs += len(boundary.records)
        self._leave(boundary.ended)
        begin_stages(
            self._ledger.next_stages,
            self._roll.trials,
            engine=self._engine,
            factory=self._factory,
            kept=self._kept,
        )
        if confirming is not None:
            self._engine.leave(confirming.take(boundary.records))
        if known is None:
            self._store.commit(boundary)
            kept, paused = self._kept.weights(), self._kept.resting.all()
            self._snapshots.save(self._engine, kept, boundary=self._boundary, paused=paused)
        self._show(self.progress())

    def _judge(self, joining: Joining, outcome: Outcome) -> Boundary:
        """What is to be acknowledged of an epoch; trials that it pauses rest already."""
        thawed, started = joining
        verdict = self._ledger.judge(outcome.records, outcome.divergences, outcome.failed)
        idle = self._room.idle_steps(outcome.steps, training=self._engine.lanes)
        self._pause(verdict.paused)
        over = self._kept.resting.give_up()
        gone = {result.number for result in over}
        ended = (*verdict.ended, *over, *self._beyond(len(outcome.records)))
        return Boundary(
            self._boundary,
            self._clock.elapsed(),
            outcome.steps,
            outcome.steps + idle,
            started,
            outcome.records,
            tuple(sorted(ended, key=lambda result: result.number)),
            paused=tuple(number for number in verdict.paused if number not in gone),
            thawed=thawed,
        )

    def _judge_again(self, known: Boundary, outcome: Outcome) -> Boundary:
        """The same of an epoch that was acknowledged before."""
        self._ledger.judge(known.records, outcome.divergences, outcome.failed)
        self._pause(known.paused)
        return known

    def _beyond(self, spent: int) -> list[TrialResult]:
        """Of the trials in training, those for whose lanes not one more epoch is left; so the limit is used up."""
        left = self._room.lane_epochs_left()
        return [] if left is None or self._reruns.confirming else self._ledger.surplus(left - spent)

    def _pause(self, trials: tuple[int, ...]) -> None:
        for result in self._kept.resting.pause(trials):
            self._roll.rest(result)

    def _leave(self, ended: tuple[TrialResult, ...]) -> None:
        """Take leave of trials that are over; keep the weights of the leaders."""
        for known in ended:
            counted = self._ledger.counted(known.number)
            result = self._ledger.forget(known)
            self._roll.end(result)
            self._kept.end(result, counted)
        self._roll.boundary()
        self._engine.leave(self._engine.names({result.number for result in ended}))

    # ------------------------------------------------------------------ ending

    def _reason_to_end(self) -> str | None:
        if self._interrupted():
            return "interrupted"
        if self._boundary < self._acknowledged:
            return None
        reason = self._room.reason(training=self._engine.lanes, started=len(self._roll.trials))
        return reason or self._roll.reason_to_end()

    def _why_nothing_trains(self) -> str:
        if self._reruns.confirming:
            return self._reruns.reason
        if self._asking.exhausted:
            return "every configuration of the space has been tried"
        cut = any(result.reason == EPOCH_LIMIT for result in self._roll.results.values())
        if not cut and self._room.trials_left(len(self._roll.trials)) == 0:
            return "all trials done"
        return EPOCH_LIMIT

    def _must_halt(self) -> bool:
        if self._interrupted():
            return True
        return self._boundary >= self._acknowledged and self._room.is_late(first=not self._boundary)

    def _reruns_before(self, reason: str, joining: Joining) -> bool:
        """Whether the best are trained again before the study ends; if so they begin, and all others are over."""
        if reason == "interrupted" or not self._reruns.are_due:
            return False
        standing, ended = self._standing(), self._roll.results
        shown = [*self._kept.leaders.results(), *standing.values()]
        if not any(each.share == 1 and ended.get(each.number, each).score is not None for each in shown):
            return False
        last = self._closing(reason, standing, joining)
        self._boundary += 1
        self._leave(last.ended)
        self._reruns.choose(self._kept.leaders.results(), boundary=self._boundary, reason=reason)
        self._store.commit(last)
        self._acknowledged = max(self._acknowledged, self._boundary)
        self._begin_reruns(last)
        return True

    def _begin_reruns(self, boundary: Boundary) -> None:
        """If the best were to be trained again after this boundary, that begins."""
        confirming = self._reruns.begin_after(boundary)
        if confirming is not None:
            params = {number: trial.params for number, trial in self._roll.trials.items()}
            self._engine.join(confirming.lanes(params))

    def _closing(self, reason: str, standing: dict[int, TrialResult], joining: Joining) -> Boundary:
        """The boundary of an epoch that was broken off, or never begun, with which every trial is over."""
        thawed, started = joining
        closed = tuple(replace(r, score=standing.get(r.number, r).score) for r in self._ledger.close(reason))
        steps, elapsed = self._engine.unfinished_steps(), self._clock.elapsed()
        return Boundary(self._boundary + 1, elapsed, steps, 0, started, (), closed, (), thawed)

    def _finish(self, reason: str, joining: Joining) -> Ending:
        """End trials in training and paused ones (unless interrupted: they go on at resume); name the winner."""
        interrupted = reason == "interrupted"
        scored = any(run.score() is not None for run in self._ledger.running.values())
        if not self._roll.results and not scored:
            for population in self._engine.populations:
                population.evaluate_unfinished()
        standing = self._standing()
        if not interrupted:
            last = self._closing(reason, standing, joining)
            if last.ended or last.started:
                self._boundary += 1
                self._store.commit(last)
        leaders = self._kept.best_with(standing)
        if self._reruns.confirming is None:
            return Ending(reason, interrupted, tuple(leaders))
        order = self._reruns.confirming.ranked([leader.result for leader in leaders])
        leaders.sort(key=lambda leader: order.index(leader.result.number))
        return Ending(reason, interrupted, tuple(leaders), self._reruns.confirming.facts())

    def _standing(self) -> dict[int, TrialResult]:
        return self._kept.standing(self._several.values)

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
        replay(
            self._store.boundaries(1, saved.boundary),
            asking=self._asking,
            roll=self._roll,
            ledger=self._ledger,
            room=self._room,
            reruns=self._reruns,
        )
        self._boundary = saved.boundary
        kept = snapshot.restore(saved, self._engine, self._lane)
        self._kept.resting.put(snapshot.paused(saved, self._lane))
        self._kept.put_back(kept, self._roll.results)

    def _lane(self, name: LaneId) -> Lane:
        return self._factory.lane(name, self._roll.trials[name.trial].params)

    # ------------------------------------------------------------------ figures

    def progress(self) -> Progress:
        """How the study stands."""
        return progress(
            self._roll,
            self._ledger,
            self._kept,
            self._room,
            metric=self._metric,
            maximize=self._maximize,
            lanes=self._engine.lanes,
            elapsed=self._clock.elapsed(),
        )
