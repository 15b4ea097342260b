"""A study's space made wider, and its limits higher, when it is resumed.

What was tried stays: every trial must lie in the new space, where it has coordinates of its own. A value that was
fixed, and is searched from now on, becomes part of the trials that were trained with it. The store keeps every recipe
with the boundary, and the number of trials, from which it holds; the proposals that waited at that boundary are
dropped, and asked for anew. So a study that is killed later is rebuilt as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cotune.errors import RecipeError, StudyError
from cotune.recipe import Recipe, make
from cotune.recipe.presets.by_kind import keys_set
from cotune.recipe.schema import domains, leaves
from cotune.recipe.settings import Choice, Domain, Range, Setting, to_plain
from cotune.records import Store
from cotune.space import Parameter, Space, from_recipe
from cotune.space.feasible import must_have_some
from cotune.types import Params, Value

LIMITS = ("trials", "time_limit", "lane_epochs")


@dataclass(frozen=True)
class Changes:
    """What is asked to change, as `recipe.make` takes it.

    Args:
        words: `key=value` words.
        settings: leaf name → value; `None` is ignored.
    """

    words: tuple[str, ...]
    settings: Mapping[str, Any]

    def __bool__(self) -> bool:
        return bool(self.words) or any(value is not None for value in self.settings.values())

    def to(self, tree: Mapping[str, Any]) -> Recipe:
        """The recipe with the changes."""
        return make(tree, words=self.words, **self.settings)


@dataclass(frozen=True)
class Widened:
    """A study's request, wider than before.

    Args:
        meta: the facts of the store that change.
        params: trial number → its configuration in the new space, where that differs.
        words: what has changed, in a sentence without its full stop.
    """

    meta: Mapping[str, Any]
    params: Mapping[int, Params]
    words: str


def widened(store: Store, changes: Changes) -> Widened:
    """What the store of a study becomes; nothing is written.

    Raises:
        RecipeError: a key may not change, a range or a limit gets smaller, or a trial does not lie in the new space.
        StudyError: the study would have nothing left to do.
    """
    meta = store.meta()
    old, new = make(meta["resolved"]), changes.to(meta["resolved"])
    touched = _touched(old, new)
    faults = [fault for key in touched for fault in _faults(key, old, new)]
    if faults:
        raise RecipeError(
            faults[0]
            if len(faults) == 1
            else "\n  - ".join([f"{len(faults)} faults in the changes:", *faults])
        )
    before, after = from_recipe(old), from_recipe(new)
    must_have_some(after)
    trials = {trial.number: trial.params for trial in store.started()}
    params = {number: in_space(number, own, before, after) for number, own in trials.items()}
    _must_have_work(store, new, len(trials))
    asked = changes.to(meta["recipe"])
    first = {"boundary": 0, "trials": 0, "resolved": meta["resolved"]}
    here = {
        "boundary": store.last_boundary(),
        "trials": len(trials),
        "resolved": new.model_dump(mode="json"),
    }
    words = ", ".join(f"{key} is {_said(new, key)}, was {_said(old, key)}" for key in touched)
    changed = {
        "resolved": here["resolved"],
        "recipe": asked.model_dump(mode="json"),
        "asked": list(dict.fromkeys([*meta.get("asked", []), *keys_set(_only(touched, asked))])),
        "recipes": [*meta.get("recipes", [first]), here],
        "parameters": described(after),
        "plan": [*meta["plan"], f"Since trial {len(trials)} {words}."] if touched else meta["plan"],
        "finished": None,
    }
    return Widened(changed, {n: own for n, own in params.items() if own != trials[n]}, words)


def restarts(meta: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of trials that had started whenever the recipe changed."""
    return tuple(entry["trials"] for entry in meta.get("recipes", ())[1:])


def described(space: Space) -> list[dict[str, Any]]:
    """The searched parameters as a store has them."""
    return [
        {"name": p.name, "fusable": p.fusable, "kind": p.kind, "setting": to_plain(p.setting)}
        for p in space.parameters
    ]


def in_space(number: int, params: Params, before: Space, after: Space) -> dict[str, Value]:
    """The configuration of a trial in the new space.

    Raises:
        RecipeError: it does not lie there.
    """
    config = before.complete(params)
    found: dict[str, Value] = {}
    for p in after.parameters:
        if p.active(found):
            if p.name not in config or not p.contains(config[p.name]):
                has = f"has {config[p.name]!r}" if p.name in config else "has none"
                law = f"every trial must lie in the wider space, but trial {number} {has} for {p.name}"
                raise RecipeError(f"{law}, which may be {to_plain(p.setting)}; let {p.name} hold it")
            found[p.name] = config[p.name]
    if not after.feasible(found):
        broken = next(c.text for c in after.constraints if not c.holds(after.complete(found)))
        law = f"every trial must meet search.constraints, but trial {number} does not meet '{broken}'"
        raise RecipeError(f"{law}; loosen it, or start a new study with --from")
    return found


def _touched(old: Recipe, new: Recipe) -> list[str]:
    """The keys that differ, as leaf names; of sections that hold no leaves, the name of the section."""
    return [
        name
        for name, (section, _) in leaves().items()
        if getattr(getattr(old, section), name) != getattr(getattr(new, section), name)
    ]


def _faults(key: str, old: Recipe, new: Recipe) -> list[str]:
    section = leaves()[key][0]
    was, now = (getattr(getattr(recipe, section), key) for recipe in (old, new))
    if key in LIMITS:
        if was is not None and now < was:
            return [f"search.{key} may only be raised on resume, but {now:g} is below {was:g}"]
        return []
    if key == "constraints":
        return []
    if key not in domains():
        law = f"{section}.{key} cannot change on resume: the trials so far were trained with {was!r}"
        return [f"{law}; start a new study, which may learn from this one (--from DIR)"]
    if not _holds(domains()[key][1], now, was):
        law = f"{section}.{key} may only grow on resume, but {to_plain(now)} does not hold {to_plain(was)}"
        return [f"{law}; widen it, or start a new study, which may learn from this one (--from DIR)"]
    return []


def _holds(domain: Domain, new: Setting, old: Setting) -> bool:
    """Whether every value of the old setting is one of the new."""
    if not isinstance(new, Range | Choice):
        return new == old
    wide = Parameter("", new, replace(domain, when=None))
    match old:
        case Choice(choices):
            return all(map(wide.contains, choices))
        case Range(low, high):
            if isinstance(new, Choice) or new.step is not None:
                points = Parameter("", old, domain).points
                return points is not None and all(map(wide.contains, points))
            return new.low <= low and high <= new.high
    return wide.contains(old)


def _must_have_work(store: Store, recipe: Recipe, trials: int) -> None:
    """Raise `StudyError` if a limit, as it is now, has been met already."""
    search, finished = recipe.search, store.meta().get("finished")
    if not finished:
        return
    seconds, epochs = store.elapsed(), store.lane_epochs()
    if search.trials is not None and trials >= search.trials:
        law, remedy = f"all {trials} trials are done", f"--trials {2 * trials}"
    elif search.time_limit is not None and seconds > 0.9 * search.time_limit:
        law, remedy = f"{seconds:.0f} of {search.time_limit:g} seconds are spent", "--time-limit"
        remedy = f"--time-limit {2 * search.time_limit:g}s"
    elif search.lane_epochs is not None and epochs >= 0.9 * search.lane_epochs:
        law, remedy = f"{epochs} of {search.lane_epochs} lane-epochs are spent", "--set lane_epochs=…"
    else:
        return
    raise StudyError(f"{store.path.parent} has nothing left to do: {law}; raise the limit too: {remedy}")


def _only(names: list[str], recipe: Recipe) -> Recipe:
    """A recipe that sets these keys alone."""
    tree: dict[str, dict[str, Any]] = {}
    for name in names:
        section = leaves()[name][0]
        tree.setdefault(section, {})[name] = to_plain(getattr(getattr(recipe, section), name))
    return make(tree)


def _said(recipe: Recipe, key: str) -> str:
    return str(to_plain(getattr(getattr(recipe, leaves()[key][0]), key)))
