"""The space of a `build`, found by running it: which parameters there are, and which appear only under which others.

`build` is run with everything in its middle, then, for every parameter with few values, once with each of them. A
parameter that some runs ask for and others do not hangs on an earlier one: that whose values tell the two kinds of
runs apart.

| symbol | meaning                                             |
|--------|-----------------------------------------------------|
| run    | what one run of `build` asked for, and was answered |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cotune.errors import RecipeError
from cotune.recipe.module import OwnParameter
from cotune.space.suggestions import Trial, said
from cotune.types import Value

MOST_VALUES = 33
"""Values of a whole number up to which `build` is run with each: it may count layers."""

MOST_RUNS = 200
"""Runs of `build`."""


@dataclass(frozen=True)
class Run:
    """A run of `build`: what it asked for, in order, and what it was answered."""

    asked: Mapping[str, OwnParameter]
    answered: Mapping[str, Value]


def explore(ask: Callable[[Mapping[str, Value]], Trial]) -> dict[str, OwnParameter]:
    """Every parameter by name, those first that others hang on.

    Args:
        ask: runs `build` with some values given, and returns the trial that it asked.

    Raises:
        RecipeError: a parameter has different choices in different runs.
    """
    runs: list[Run] = []
    seen: set[tuple[tuple[str, str], ...]] = set()
    waiting: list[dict[str, Value]] = [{}]
    tried: set[tuple[str, str]] = set()
    while waiting and len(runs) < MOST_RUNS:
        given = waiting.pop(0)
        key = tuple(sorted((name, repr(value)) for name, value in given.items()))
        if key in seen:
            continue
        seen.add(key)
        trial = ask(given)
        runs.append(Run(dict(trial.asked), dict(trial.answered)))
        for name, own in trial.asked.items():
            # What leads here must stay as it is, or the parameter would not be asked for.
            base = {above: trial.answered[above] for above in _before(trial, name)}
            for value in values_of(own):
                if (name, repr(value)) not in tried:
                    tried.add((name, repr(value)))
                    waiting.append({**base, name: value})
    return _conditioned(runs)


def _before(trial: Trial, name: str) -> list[str]:
    names = list(trial.asked)
    return names[: names.index(name)]


def values_of(own: OwnParameter) -> tuple[Value, ...]:
    """The values with which `build` is run: all of a few, else the ends of a range of whole numbers."""
    if own.kind == "choice":
        return own.choices
    if own.kind == "float":
        return ()
    step = int(own.step or 1)
    values = range(int(own.low), int(own.high) + 1, step)
    return tuple(values) if _few(own) else (values[0], values[-1])


def _few(own: OwnParameter) -> bool:
    """Whether `build` was run with every value."""
    return own.kind == "choice" or (
        own.kind == "int" and (own.high - own.low) / (own.step or 1) < MOST_VALUES
    )


def _conditioned(runs: list[Run]) -> dict[str, OwnParameter]:
    names = list(dict.fromkeys(name for run in _longest_first(runs) for name in run.asked))
    found: dict[str, OwnParameter] = {}
    for name in names:
        own = _merged(name, [run.asked[name] for run in runs if name in run.asked])
        found[name] = own.model_copy(update={"when": _condition(name, runs)})
    return _in_order(found)


def _longest_first(runs: list[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: -len(run.asked))


def _merged(name: str, several: list[OwnParameter]) -> OwnParameter:
    """One description of all: the widest range; choices must agree."""
    first = several[0]
    for other in several[1:]:
        if other.kind != first.kind or set(other.choices) != set(first.choices):
            raise RecipeError(
                f"'{name}' must have the same choices wherever build asks for it, but it asks {said(first)} and "
                f"{said(other)}; give one of them another name"
            )
    low, high = min(own.low for own in several), max(own.high for own in several)
    return first.model_copy(update={"low": low, "high": high})


def _condition(name: str, runs: list[Run]) -> tuple[str, tuple[Value, ...]] | None:
    """The earlier parameter, and its values, under which `name` is asked for; `None` if it always is.

    Where no single parameter tells, the one that leaves the fewest runs in which a value is drawn and not used.
    """
    having = [run for run in runs if name in run.asked]
    if len(having) == len(runs):
        return None
    above: list[str] = []
    for other in having[0].asked:
        if other == name:
            break
        above.append(other)
    best: tuple[int, tuple[str, tuple[Value, ...]]] | None = None
    for other in above:
        if not all(other in run.asked for run in having):
            continue
        own = having[0].asked[other]
        under = {repr(run.answered[other]): run.answered[other] for run in having}
        if not _few(own):
            continue
        values = tuple(value for value in values_of(own) if repr(value) in under)
        idle = sum(
            other in run.asked and repr(run.answered[other]) in under for run in runs if name not in run.asked
        )
        if len(values) < len(values_of(own)) and (best is None or idle < best[0]):
            best = idle, (other, values)
    return None if best is None else best[1]


def _in_order(found: dict[str, OwnParameter]) -> dict[str, OwnParameter]:
    placed: dict[str, OwnParameter] = {}
    waiting = dict(found)
    while waiting:
        ready = [n for n, own in waiting.items() if own.when is None or own.when[0] in placed]
        if not ready:  # cannot be, as a parameter hangs on an earlier one; if it were, it would stand alone
            return {**placed, **{n: own.model_copy(update={"when": None}) for n, own in waiting.items()}}
        for name in ready:
            placed[name] = waiting.pop(name)
    return placed
