"""Frozen dataclasses to plain JSON trees and back, bit for bit, without running anything that a tree says."""

import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from cotune.errors import ModelError

T = TypeVar("T")

GRAPH_FORMAT = "cotune graph 1"
"""Of `cotune.data.prepare.graph`, which is loaded when it is needed."""


def seal(form: str, state: object) -> dict[str, Any]:
    """`state` as a tree of plain JSON types with its format's name and a checksum."""
    tree = encode(state)
    return {"format": form, "checksum": _checksum(tree), "state": tree}


def unseal(form: str, kind: type[T], tree: object) -> T:
    """What `seal` put there.

    Raises:
        ModelError: the tree is foreign or damaged.
    """
    if not isinstance(tree, dict) or tree.get("format") != form:
        found = tree.get("format") if isinstance(tree, dict) else type(tree).__name__
        raise ModelError(
            f"a pipeline must say format '{form}', but says {found!r}; "
            "it is from another program or another version: tune again, or use that version"
        )
    if _checksum(tree.get("state")) != tree.get("checksum"):
        raise ModelError(
            "the pipeline's checksum does not fit its content: the file was damaged or edited; "
            "copy it again from the study, or tune again"
        )
    return decode(kind, tree["state"])


def _checksum(state: object) -> str:
    try:
        text = json.dumps(state, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        return "not JSON"
    return hashlib.sha256(text.encode()).hexdigest()


def encode(state: object) -> Any:
    """`state` as dicts, lists, numbers, words and None."""
    if is_dataclass(state):
        return {field.name: encode(getattr(state, field.name)) for field in fields(state)}
    if isinstance(state, tuple):
        return [encode(each) for each in state]
    return state


def decode(kind: type[T], tree: object, at: str = "pipeline") -> T:
    """The value of type `kind` in `tree`.

    Raises:
        ModelError: a key is missing or foreign, or a value has another type; the message names the place.
    """
    return _decode(kind, tree, at)  # type: ignore[no-any-return]


def _decode(kind: Any, tree: Any, at: str) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return _decode_dataclass(kind, tree, at)
    if isinstance(kind, UnionType):  # X | None, or a number and several
        kinds = [each for each in get_args(kind) if each is not NoneType]
        if tree is None and len(kinds) < len(get_args(kind)):
            return None
        fitting = [each for each in kinds if (get_origin(each) is tuple) == isinstance(tree, list)]
        return _decode((fitting or kinds)[0], tree, at)
    if get_origin(kind) is tuple:
        if not isinstance(tree, list):
            raise _fault(at, "a list", tree)
        return tuple(_decode(get_args(kind)[0], each, f"{at}[{i}]") for i, each in enumerate(tree))
    if kind is float and type(tree) is int:
        tree = float(tree)
    if type(tree) is not kind or (kind is float and not math.isfinite(tree)):
        raise _fault(at, f"a {kind.__name__}", tree)
    return tree


def _decode_dataclass(kind: Any, tree: Any, at: str) -> Any:
    if not isinstance(tree, dict):
        raise _fault(at, "a mapping", tree)
    hints = get_type_hints(kind)
    if set(tree) != set(hints):
        wrong = sorted(map(str, set(tree) ^ set(hints)))
        raise ModelError(
            f"{at} must have the keys {', '.join(hints)}, but {', '.join(wrong)} is missing or foreign; "
            "the saved model is damaged or from another program: save it again"
        )
    return kind(**{name: _decode(hint, tree[name], f"{at}.{name}") for name, hint in hints.items()})


def _fault(at: str, law: str, value: object) -> ModelError:
    shown = repr(value)
    return ModelError(f"{at} must be {law}, but is {shown[:60]}; the saved model is damaged: save it again")
