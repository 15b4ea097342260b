"""A study as read from its store: what leaderboards, reports and `show` are made of."""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cotune.errors import StudyCorrupt
from cotune.files import write_text
from cotune.recipe.stages import FRESH
from cotune.records.boundary import Boundary
from cotune.records.confirmed import confirmed, rank
from cotune.records.counted import counted, stages_of
from cotune.records.sides import at_best
from cotune.records.store import Store
from cotune.types import EPOCH_LIMIT, Parent, Record, Status, Trial, TrialResult

FACTS = (
    "version", "created", "name", "recipe", "resolved", "task", "metric", "maximize", "classes", "target",
    "epochs", "data", "parameters", "plan",
)  # fmt: skip
"""Keys that every store's meta has."""


@dataclass(frozen=True)
class StudyView:
    """Everything a store holds, at one moment.

    `meta` has the keys

    - version, created (ISO time), name, task, metric, maximize, classes, target, epochs; recipe (nested mapping) as
      the user asked, asked: [section.key] that were set in it, and resolved: the recipe that is trained;
      where further metrics are recorded also: [metric]; where there are several objectives, objectives: [{name,
      maximize}] of those beside the metric; where there are limits, at_most: {name: limit};
    - data: {source, rows, columns: [{name, kind, missing, distinct, note}], notes: [sentence],
      preparation: [sentence], parts: {train, validation, test, folds}} (numbers of rows, and of folds);
    - parameters: [{name, fusable, kind, and its setting as the recipe has it}], the searched ones; recipes, where the
      space was made wider: [{boundary, trials, resolved}]; warm: what was taken of earlier studies;
    - plan: [sentence];
    - once the study has ended, result: {trial, score, test: {metric: figure}, lanes, parameters (count of weights),
      confusion: [[count]] by true and predicted class, or scatter: {actual: […], predicted: […]}} of the test
      rows; in it after: what was done after training (see `cotune.study.ending.after.Made`), and, where the model is
      not the
      best trial as it was trained, single: {test, lanes, parameters} of that; and finished: why it ended.
    """

    meta: Mapping[str, Any]
    trials: tuple[TrialResult, ...]
    boundaries: tuple[Boundary, ...]
    """Without the trials they started and their records."""
    records: Mapping[int, tuple[Record, ...]]
    """By trial number, ordered by lane and epoch."""
    costs: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """What a trial's model costs, by trial number, where a study has asked for it."""
    parents: Mapping[int, Parent] = field(default_factory=dict)
    """By trial number, of those that began as a copy of another."""
    scored: Mapping[int, tuple[Record, ...]] = field(default_factory=dict)
    """Of each trial's records those that its score is of."""

    @property
    def metric(self) -> str:
        """Name of the figure that steers the study."""
        return str(self.meta["metric"])

    @property
    def maximize(self) -> bool:
        """Whether more of the metric is better."""
        return bool(self.meta["maximize"])

    @property
    def also(self) -> tuple[str, ...]:
        """Names of the further figures that are recorded."""
        return tuple(self.meta.get("also", ()))

    @property
    def objectives(self) -> dict[str, bool]:
        """Further objectives: name → whether more is better; empty where the score is the only one."""
        return {str(each["name"]): bool(each["maximize"]) for each in self.meta.get("objectives", ())}

    def beside(self, trial: TrialResult) -> dict[str, float]:
        """The further objectives, and the costs, of a trial's networks, each at its best epoch."""
        costs, records = self.costs.get(trial.number, {}), self.records.get(trial.number, ())
        metrics = [name for name in self.objectives if name not in costs]
        found = at_best(records, metrics, metric=self.metric, maximize=self.maximize)
        return {name: {**costs, **found}[name] for name in dict.fromkeys([*self.objectives, *costs])}

    def _beside_of(self, trial: TrialResult) -> dict[str, float | None]:
        """`beside`, with `None` for what is not known."""
        found = self.beside(trial)
        metrics = [
            n for n, v in found.items() if n in self.also and (trial.score is None or not math.isfinite(v))
        ]
        return {**found, **dict.fromkeys(metrics)}

    def _losses(self, trial: TrialResult) -> list[float]:
        """The further objectives, less is better; what is not a number is infinite."""
        found = self.beside(trial) if self.objectives else {}
        signed = [-found[name] if maximize else found[name] for name, maximize in self.objectives.items()]
        return [math.inf if math.isnan(loss) else loss for loss in signed]

    def best_epoch(self, trial: TrialResult) -> int | None:
        """The epoch at which the mean figure of the trial's lanes was best, the first of several."""
        choose = max if self.maximize else min
        return choose(trial.curve, key=lambda point: point[2])[0] if trial.curve else None

    def also_of(self, trial: TrialResult) -> dict[str, float | None]:
        """The further figures of a trial at its best epoch, mean over lanes; `None` where it has no score."""
        epoch = None if trial.score is None else self.best_epoch(trial)
        point = next((p for p in self.figures_of(trial) if p["epoch"] == epoch), {}) if self.also else {}
        return {name: point.get(name) for name in self.also}

    def figures_of(self, trial: TrialResult) -> list[dict[str, Any]]:
        """Every figure of a trial at every epoch that all its lanes finished, mean over lanes."""
        points: list[dict[str, Any]] = [
            {"epoch": e, "train_loss": loss, self.metric: figure} for e, loss, figure in trial.curve
        ]
        for name in self.also:
            means = {e: mean for e, _, mean in mean_curve(self.scored.get(trial.number, ()), name)}
            for point in points:
                mean = means.get(point["epoch"], math.nan)
                point[name] = mean if math.isfinite(mean) else None
        return points

    def ranked(self) -> list[TrialResult]:
        """Trials with a score, best first (ties: by further objectives, then the earlier), then the others by number.

        A score of some of the folds is never better than one of more of them. Trials that were trained again with fresh
        seeds come first, in the order of what came of that.
        """
        sign = -1.0 if self.maximize else 1.0

        def key(trial: TrialResult) -> tuple[object, ...]:
            known = trial.score is not None and trial.status is not Status.FAILED
            loss = sign * trial.score if known and trial.score is not None else 0.0
            losses = (loss, *(self._losses(trial) if known else ()))
            again = rank(self.meta.get("confirmed"), trial.number, maximize=self.maximize)
            return (not known, -trial.share, again is None, again or (0, 0.0), *losses, trial.number)

        return sorted(self.trials, key=key)

    def leaderboard(self) -> list[dict[str, Any]]:
        """Rows of `cotune leaderboard --json`."""
        return [
            {
                "rank": rank,
                "trial": t.number,
                "status": t.status.value,
                "score": t.score,
                "confirmed": confirmed(self.meta.get("confirmed"), t.number),
                "metric": self.metric,
                "also": {**self.also_of(t), **self._beside_of(t)},
                "params": dict(t.params),
                "epochs": t.epochs,
                "seconds": round(t.seconds, 3),
            }
            for rank, t in enumerate(self.ranked(), start=1)
        ]

    def summary(self) -> dict[str, Any]:
        """The value of `cotune show --json`.

        `test_score` is the model's; `single_test_score` is the best trial's alone. `findings` are what was noticed of
        generated rows, such as mode collapse.
        """
        result = self.meta.get("result") or {}
        leaders = self.ranked()
        best = model = single = None
        if leaders and leaders[0].score is not None:
            # A result of an earlier sitting may be of other weights than the leader has by now.
            tested = (result.get("trial"), result.get("score")) == (leaders[0].number, leaders[0].score)
            test = result["test"].get(self.metric) if tested else None
            again = confirmed(self.meta.get("confirmed"), leaders[0].number)
            best = {
                "trial": leaders[0].number,
                "score": leaders[0].score,
                "test_score": test,
                "confirmed": again,
            }
            if tested:
                model = _model(result)
                single = (result.get("single") or result)["test"].get(self.metric)
        ended = ("complete", "stopped", "diverged", "failed")
        steps = sum(b.lane_steps for b in self.boundaries)
        capacity = sum(b.capacity_steps for b in self.boundaries)
        in_slots = sum(b.lane_steps for b in self.boundaries if b.capacity_steps)
        return {
            "task": self.meta["task"],
            "metric": self.metric,
            "direction": "maximize" if self.maximize else "minimize",
            "best": best,
            "single_test_score": single,
            "model": model,
            "findings": list((result.get("generation") or {}).get("findings", ())),
            "trials": {word: sum(t.status == word for t in self.trials) for word in ended},
            "lane_steps": steps,
            "seconds": round(max((b.elapsed for b in self.boundaries), default=0.0), 3),
            "capacity_used": round(in_slots / capacity, 4) if capacity else None,
        }


def _model(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was made of the trained networks; `None` in studies of older versions."""
    after = result.get("after")
    if not after:
        return None
    calibration = after.get("calibration") or {}
    return {
        "ensemble": after["ensemble"],
        "members": after["members"],
        "networks": result["lanes"],
        "parameters": result["parameters"],
        "score": (after.get("validation") or {}).get("model"),
        "temperature": calibration.get("temperature"),
        "log_loss": calibration.get("log_loss"),
        "threshold": (after.get("threshold") or {}).get("value"),
        "notes": after["notes"],
    }


def read_view(store: Store) -> StudyView:
    """Read a whole store.

    Raises:
        StudyCorrupt: it is damaged, or a fact is missing.
    """
    started: dict[int, Trial] = {}
    ended: dict[int, TrialResult] = {}
    records: dict[int, list[Record]] = defaultdict(list)
    boundaries, meta = [], store.meta()
    fresh = FRESH * stages_of(meta).whole if "resolved" in meta else math.inf
    resting: set[int] = set()
    for boundary in store.boundaries(1, store.last_boundary()):
        started.update((trial.number, trial) for trial in boundary.started)
        ended.update((trial.number, trial) for trial in boundary.ended)
        resting = resting.difference(boundary.thawed).union(boundary.paused)
        for record in boundary.records:
            if record.lane.index < fresh:
                records[record.lane.trial].append(record)
        boundaries.append(replace(boundary, started=(), records=()))
    lacking = [key for key in FACTS if key not in meta]
    if lacking:
        raise StudyCorrupt(
            f"{store.path} lacks {', '.join(lacking)}: it is damaged; restore it from a backup, or tune again"
        )
    sorted_records = {n: tuple(sorted(rows, key=lambda r: (r.lane, r.epoch))) for n, rows in records.items()}
    trials: list[TrialResult] = []
    cut = {t.number for b in boundaries for t in b.ended if not b.capacity_steps or t.reason == EPOCH_LIMIT}
    scored = {}
    for number in sorted(started):
        over = number in ended and number not in cut
        rows, share = counted(sorted_records.get(number, ()), meta, over=over)
        found = ended.get(number) or _in_progress(started[number], rows, meta, paused=number in resting)
        trials.append(replace(found, curve=mean_curve(rows, meta["metric"]), share=share))
        scored[number] = rows
    parents = {number: trial.parent for number, trial in started.items() if trial.parent is not None}
    costs = {int(number): figures for number, figures in store.costs("trial").items()}
    return StudyView(meta, tuple(trials), tuple(boundaries), sorted_records, costs, parents, scored)


def mean_curve(records: tuple[Record, ...], metric: str) -> tuple[tuple[int, float, float], ...]:
    """(epoch, train loss, validation figure), each the mean over lanes, for epochs that all lanes have."""
    by_epoch: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        by_epoch[record.epoch].append(record)
    lanes = len({record.lane for record in records})
    return tuple(
        (epoch, sum(r.train_loss for r in rows) / lanes, sum(r.metrics[metric] for r in rows) / lanes)
        for epoch, rows in sorted(by_epoch.items())
        if len(rows) == lanes
    )


def _in_progress(
    trial: Trial, records: tuple[Record, ...], meta: Mapping[str, Any], *, paused: bool
) -> TrialResult:
    figures = [figure for _, _, figure in mean_curve(records, meta["metric"])]
    score = None if not figures else (max if meta["maximize"] else min)(figures)
    epochs = max((r.epoch for r in records), default=0)
    seconds = sum(r.seconds for r in records)
    reason = f"paused at the rung of epoch {epochs}" if paused else ""
    return TrialResult(trial.number, trial.params, Status.RUNNING, score, epochs, seconds, reason)


def write_leaderboard(view: StudyView, path: Path) -> None:
    """leaderboard.csv: one row a trial, further figures and parameters as columns."""
    rows = view.leaderboard()
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))
    fixed = ("rank", "trial", "status", "score", "metric", "epochs", "seconds")
    again = ("confirmed_mean", "confirmed_sd") if any(row["confirmed"] for row in rows) else ()
    text = io.StringIO()
    also = rows[0]["also"] if rows else view.also
    writer = csv.DictWriter(text, [*fixed, *again, *also, *names], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {key: row[key] for key in fixed}
        cells |= {key: (row["confirmed"] or {}).get(key.removeprefix("confirmed_")) for key in again}
        writer.writerow({**cells, **row["also"], **row["params"]})
    write_text(path, text.getvalue())
