"""A Hyperopt space: a structure of dicts, lists and `hp.…` expressions.

The expressions are a graph of nodes that name themselves; it is read by those names, so that Hyperopt need not be
installed. Its parameters are asked for by their labels, those inside an option of `hp.choice` only where that option
is taken.

| node           | becomes                                                                  |
|----------------|--------------------------------------------------------------------------|
| hp.choice      | a choice of option 0, 1, … unless all options are plain values            |
| hp.randint     | a whole number                                                            |
| hp.uniform     | a number                                                                  |
| hp.loguniform  | a number by ratio, whose ends are e^low and e^high                        |
| hp.quniform    | a number by steps; with int around it, or hp.uniformint, a whole number   |
| hp.qloguniform | a number by ratio, rounded to steps                                       |

Source: Bergstra, Yamins & Cox, Making a science of model search, ICML 2013; hyperopt.pyll.
"""

import math
from collections.abc import Mapping
from typing import Any

from cotune.errors import RecipeError
from cotune.recipe.module import OwnParameter
from cotune.space.suggestions import PLAIN, Asking, Trial, of_choices


def fits(space: object) -> bool:
    """Whether a node of Hyperopt's stands anywhere in it."""
    if isinstance(space, Mapping):
        return any(map(fits, space.values()))
    if isinstance(space, list | tuple):
        return any(map(fits, space))
    return _is_node(space)


def asking(space: Any) -> Asking:
    """The space as questions to a trial."""

    def ask(trial: Trial) -> Mapping[str, Any]:
        found = _value(space, trial)
        if isinstance(found, Mapping):
            return found
        return {"space": found}

    return ask


def _is_node(value: object) -> bool:
    return all(hasattr(value, name) for name in ("name", "pos_args", "named_args"))


def _value(node: Any, trial: Trial) -> Any:
    if isinstance(node, Mapping):
        return {key: _value(value, trial) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return type(node)(_value(each, trial) for each in node)
    if not _is_node(node):
        return node
    match node.name:
        case "literal":
            return node.obj
        case "pos_args":
            return tuple(_value(each, trial) for each in node.pos_args)
        case "dict":
            return {key: _value(value, trial) for key, value in node.named_args}
        case "switch":
            return _option(node, trial)
        case "float":
            return float(_value(node.pos_args[0], trial))
        case "int":
            return int(_whole(node.pos_args[0], trial))
        case "hyperopt_param":
            return _parameter(node, trial, whole=False)
    raise _unknown(node.name)


def _option(node: Any, trial: Trial) -> Any:
    """hp.choice is switch(hyperopt_param(label, randint(n)), option, …), hp.pchoice the same with chances."""
    index, options = node.pos_args[0], node.pos_args[1:]
    label, drawn = _label(index), index.pos_args[1]
    if drawn.name not in ("randint", "categorical"):
        raise _unknown(drawn.name)
    plain = [option.obj if _is_node(option) and option.name == "literal" else option for option in options]
    if all(isinstance(value, PLAIN) for value in plain):
        return trial.ask(label, of_choices(label, plain))
    return _value(options[trial.ask(label, of_choices(label, range(len(options))))], trial)


def _whole(node: Any, trial: Trial) -> Any:
    """What stands inside int(…)."""
    if _is_node(node) and node.name == "float":
        node = node.pos_args[0]
    if _is_node(node) and node.name == "hyperopt_param":
        return _parameter(node, trial, whole=True)
    return _value(node, trial)


def _label(node: Any) -> str:
    return str(node.pos_args[0].obj)


def _parameter(node: Any, trial: Trial, *, whole: bool) -> Any:
    label, drawn = _label(node), node.pos_args[1]
    named = {key: _constant(value, label) for key, value in drawn.named_args}
    given = [_constant(value, label) for value in drawn.pos_args]
    named |= dict(zip(("low", "high", "q"), given, strict=False))
    match drawn.name:
        case "randint":
            low, high = (0, named["low"]) if named.get("high") is None else (named["low"], named["high"])
            return trial.ask(label, OwnParameter(kind="int", low=low, high=high - 1))
        case "uniform":
            return trial.ask(label, OwnParameter(kind="float", low=named["low"], high=named["high"]))
        case "loguniform":
            low, high = math.exp(named["low"]), math.exp(named["high"])
            return trial.ask(label, OwnParameter(kind="float", low=low, high=high, log=True))
        case "quniform" | "uniformint":
            return _stepped(label, named["low"], named["high"], named.get("q") or 1, trial, whole=whole)
        case "qloguniform":
            low, high, q = math.exp(named["low"]), math.exp(named["high"]), named["q"]
            found = trial.ask(label, OwnParameter(kind="float", low=low, high=high, log=True))
            stepped = round(found / q) * q
            return round(stepped) if whole else float(stepped)
    raise _unknown(drawn.name)


def _stepped(label: str, low: float, high: float, q: float, trial: Trial, *, whole: bool) -> Any:
    """round(x / q) q: multiples of q, from the nearest to low to the nearest to high."""
    low, high = round(low / q) * q, round(high / q) * q
    if whole and q == int(q):
        step = None if q == 1 else q
        return trial.ask(label, OwnParameter(kind="int", low=low, high=high, step=step))
    return trial.ask(label, OwnParameter(kind="float", low=low, high=high, step=q))


def _constant(node: Any, label: str) -> Any:
    if _is_node(node) and node.name == "literal":
        return node.obj
    if _is_node(node):
        raise RecipeError(
            f"the range of '{label}' must be of numbers, but hangs on another value; write it out"
        )
    return node


def _unknown(name: str) -> RecipeError:
    known = "choice, randint, uniform, loguniform, quniform, qloguniform and uniformint"
    return RecipeError(
        f"a space of Hyperopt's may have hp.{known}, but has '{name}'; give it ends, such as "
        "hp.uniform(label, mean - 2 * deviation, mean + 2 * deviation)"
    )
