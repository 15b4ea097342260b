"""A warm start: what earlier studies are asked, what of it a study keeps, and what its space is told.

Ranks, not scores, are taken: studies of other data, with other metrics, can be compared by nothing else. A study
keeps a copy of what it took, so that it is resumed when the earlier ones are gone.

Source: Feurer, Springenberg & Hutter, Initializing Bayesian hyperparameter optimization via meta-learning, AAAI 2015;
Perrone et al., Learning search spaces for Bayesian optimization, NeurIPS 2019.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from cotune.errors import RecipeError, StudyError, StudyNotFound
from cotune.recipe import Recipe, make
from cotune.records import Store, StudyView, read_view
from cotune.search import normal_scores
from cotune.search.threads import one_thread
from cotune.search.trend import Trend
from cotune.space import Parameter, Space, from_recipe
from cotune.space.earlier import Earlier
from cotune.study.directory import Directory
from cotune.types import Params, Status, TrialResult, Value

Kept = Mapping[str, Any]
"""What is kept of an earlier study, as JSON: path, same, searched, trials: [[configuration, normal score]]."""

FIRST = 8
"""Configurations of earlier studies that are tried first, at most."""
BEST = 0.2
"""Fraction of a study's trials that are its best."""
MOST = 200
"""Trials that are kept of a study: the better half by rank, the others evenly."""


def taken_from(recipe: Recipe, space: Space, *, task: str, fingerprint: str) -> tuple[Kept, ...]:
    """What a new study takes from those that its recipe names.

    Args:
        recipe: resolved.
        space: of the new study.
        task, fingerprint: of its data.

    Raises:
        StudyNotFound: there is no study.
        StudyError: it has no trial with a score.
        RecipeError: it searched nothing that is searched now.
    """
    return tuple(
        _taken(path, space, task=task, fingerprint=fingerprint, metric=recipe.search.metric)
        for path in recipe.search.warm
    )


def _taken(path: str, space: Space, *, task: str, fingerprint: str, metric: str) -> Kept:
    directory = Directory(Path(path))
    try:
        directory.must_hold_a_study()
    except StudyNotFound as error:
        raise StudyNotFound(f"search.warm (--from): {error}") from None
    with Store.open(directory.store) as store:
        view = read_view(store)
    before = from_recipe(make(view.meta["resolved"]))
    common = _common(before, space)
    if not common:
        was, now = (", ".join(p.name for p in each.parameters) or "nothing" for each in (before, space))
        law = f"search.warm (--from): {path} searched {was}, and this study searches {now}"
        raise RecipeError(f"{law}: they have nothing in common; leave it out, or search some of the same")
    trials = _ranked(view)
    if not trials:
        raise StudyError(
            f"search.warm (--from): {path} has no trial with a score; let it train, or leave it out"
        )
    names = {p.name for p in (*before.parameters, *space.parameters)}
    asked = (view.meta["task"], view.meta["fingerprint"], view.meta["metric"])
    return {
        "path": str(directory.path.resolve()),
        "same": asked == (task, fingerprint, metric),
        "searched": [p.name for p in before.parameters],
        "trials": [
            [{n: v for n, v in before.complete(trial.params).items() if n in names}, score]
            for trial, score in trials
        ],
    }


def _common(before: Space, space: Space) -> list[str]:
    searched = {p.name for p in before.parameters}
    return [p.name for p in space.parameters if p.name in searched]


def _ranked(view: StudyView) -> list[tuple[TrialResult, float]]:
    """Trials with their normal scores, larger is better, best first; one that diverged is as bad as the worst."""
    scored = [t for t in view.ranked() if t.score is not None and t.status is not Status.FAILED]
    if not scored:
        return []
    sign = 1.0 if view.maximize else -1.0
    diverged = [t for t in view.trials if t.status is Status.DIVERGED and t not in scored]
    figures = [sign * t.score for t in scored if t.score is not None]
    figures += [min(figures)] * len(diverged)
    scores = normal_scores(figures).tolist()
    found = list(zip([*scored, *diverged], scores, strict=True))
    rest = found[MOST // 2 :]
    return found[: MOST // 2] + rest[:: max(1, -(-len(rest) // (MOST - MOST // 2)))]


def with_earlier(space: Space, kept: Sequence[Kept]) -> Space:
    """The space with what was kept of earlier studies; the same whenever it is made."""
    if not kept:
        return space
    tops = [[config for config, _ in each["trials"][: _best_of(each)]] for each in kept]
    observed = tuple(
        tuple(
            (params, score)
            for config, score in each["trials"]
            if space.contains(params := _exact(config, space))
        )
        for each in kept
    )
    best = tuple(
        _fitting(config, space, set(each["searched"]))
        for each, top in zip(kept, tops, strict=True)
        for config in top
    )
    knowing = replace(space, earlier=Earlier((), best, observed))
    with one_thread():
        peaks = Trend(knowing, lambda points: points).peaks()
    turns = [_filled(config, space) for row in zip_longest(*tops) for config in row if config is not None]
    firsts: list[Params] = []
    for wanted in (*turns[: len(kept)], *peaks, *turns[len(kept) :]):
        if wanted not in firsts and space.feasible(wanted):
            firsts.append(wanted)
    return replace(space, earlier=Earlier(tuple(firsts[:FIRST]), best, observed))


def words_of_warm(kept: Sequence[Kept], space: Space) -> tuple[str, ...]:
    """What was taken, half sentences for the plan."""
    found = []
    for each in kept:
        common = [p.name for p in space.parameters if p.name in each["searched"]]
        of = "the same data and metric" if each["same"] else "other data or another metric"
        shown = ", ".join(common[:8]) + (", …" if len(common) > 8 else "")
        found.append(f"learns from {len(each['trials'])} trials of {each['path']} ({of}), by {shown}")
    if kept and space.earlier is not None:
        found.append(
            f"the first {len(space.earlier.firsts)} trials are the best of earlier studies, or expected to be"
        )
    return tuple(found)


def _best_of(each: Kept) -> int:
    return max(3, round(BEST * len(each["trials"])))


def _exact(config: Params, space: Space) -> dict[str, Value]:
    """The part of a configuration that the space searches."""
    found: dict[str, Value] = {}
    for p in space.parameters:
        if p.active(found) and p.name in config:
            found[p.name] = config[p.name]
    return found


def _filled(config: Params, space: Space) -> dict[str, Value]:
    """The configuration brought into the space: into its ranges, and in the middle where it says nothing."""
    found: dict[str, Value] = {}
    for p in space.parameters:
        if p.active(found):
            value = near(p, config[p.name]) if p.name in config else None
            found[p.name] = p.from_unit(p.middle) if value is None else value
    return found


def _fitting(config: Params, space: Space, searched: set[str]) -> dict[str, Value]:
    """What the earlier study searched, brought into the space."""
    values = {
        p.name: near(p, config[p.name]) for p in space.parameters if p.name in config and p.name in searched
    }
    return {name: value for name, value in values.items() if value is not None}


def near(parameter: Parameter, value: Value) -> Value:
    """The value of the parameter nearest to a number; of a name itself; `None` where there is none."""
    if parameter.contains(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    points = parameter.points
    if points is None:
        low = getattr(parameter.setting, "low", value)
        return parameter.from_unit(parameter.to_unit(max(value, low)))
    numbers = [p for p in points if isinstance(p, int | float) and not isinstance(p, bool)]
    return min(numbers, key=lambda point: abs(point - value)) if len(numbers) == len(points) else None
