"""Recipes from YAML, `key=value` words and keyword arguments; all faults collected and raised once."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cotune.errors import RecipeError, did_you_mean
from cotune.recipe.schema import Recipe, leaves

Tree = dict[str, Any]


def read(path: Path) -> Tree:
    """The mapping in a YAML file, unchecked.

    Raises:
        RecipeError: the file is missing, is not YAML, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(
            f"no recipe at {path}; `cotune tune DATA --target COL --print-recipe` writes one"
        ) from None
    except IsADirectoryError:
        raise RecipeError(f"{path} is a directory; name the YAML file in it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error}") from None
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise RecipeError(
            f"{path} must hold a mapping (section: key: value), but holds a {type(tree).__name__}"
        )
    return tree


def make(tree: Mapping[str, Any] | None = None, *, words: Iterable[str] = (), **settings: Any) -> Recipe:
    """A checked recipe.

    Args:
        tree: nested mapping as YAML gives it; `None` for the defaults.
        words: `key=value` words, the value in YAML; they win over `tree`.
        settings: leaf name → value; `None` is ignored; they win over both.

    Raises:
        RecipeError: every fault of the request, in one message.

    Example:
        >>> make({"training": {"epochs": 5}}, words=["lr=0.01"], width=32).training.lr
        0.01
    """
    merged: Tree = {k: dict(v) if isinstance(v, Mapping) else v for k, v in (tree or {}).items()}
    faults: list[str] = []
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            faults.append(f"--set takes key=value, but got '{word}'")
            continue
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            faults.append(f"the value of {key} is not YAML: '{text}'")
            continue
        _place(merged, key.strip(), value, faults)
    for key, value in settings.items():
        if value is not None:
            _place(merged, key, value, faults)
    try:
        recipe = Recipe.model_validate(merged)
    except ValidationError as error:
        faults += [_say(detail) for detail in error.errors()]
        recipe = None
    if recipe is None or faults:
        raise RecipeError(_one_message(faults))
    return recipe


def _place(tree: Tree, key: str, value: object, faults: list[str]) -> None:
    known = leaves()
    section, dot, leaf = key.rpartition(".")
    leaf = leaf.replace("-", "_")
    if leaf not in known or (dot and known[leaf][0] != section):
        near = [*known, *(f"{known[name][0]}.{name}" for name in known)] if dot else list(known)
        faults.append(f"unknown recipe key '{key}'{did_you_mean(key, near)}")
        return
    home = tree.setdefault(known[leaf][0], {})
    if isinstance(home, dict):
        home[leaf] = value


def _say(detail: ErrorDetails) -> str:
    place = [str(part) for part in detail["loc"]]
    path = ".".join(place[:2])
    if detail["type"] == "extra_forbidden":
        sections = list(Recipe.model_fields)
        if len(place) == 1:
            word = place[0]
            known = leaves()
            if word in known:
                return f"recipe key '{word}' belongs into the section '{known[word][0]}'"
            return f"unknown recipe section '{word}'{did_you_mean(word, sections)}"
        siblings = [name for name, (section, _) in leaves().items() if section == place[0]]
        return f"unknown recipe key '{path}'{did_you_mean(place[1], siblings)}"
    if detail["type"] == "setting" or detail["type"] == "duration":
        return f"{path} {detail['msg']}"
    if detail["type"] == "tuple_type":
        return f"{path} must be a list, such as [{detail['input']}], but got {detail['input']!r}"
    if detail["type"] == "model_type":
        return f"{path} must be a mapping (key: value), but got {detail['input']!r}"
    if detail["type"] == "literal_error":
        expected = detail.get("ctx", {}).get("expected", "")
        options = [w.strip("' ") for part in expected.split(" or ") for w in part.split(",")]
        return f"{path} must be {expected}, but got {detail['input']!r}" + _near(detail["input"], options)
    law = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{path}: {law}, but got {detail['input']!r}"


def _near(word: object, options: list[str]) -> str:
    hint = did_you_mean(str(word), options)
    return hint if "did you mean" in hint else ""


def _one_message(faults: list[str]) -> str:
    unique = list(dict.fromkeys(faults))
    if len(unique) == 1:
        return unique[0]
    return f"{len(unique)} faults in the recipe:\n" + "\n".join(f"  - {fault}" for fault in unique)


def as_yaml(recipe: Recipe) -> str:
    """The whole recipe as YAML, every key written out; `read` takes it back."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def json_schema() -> str:
    """The JSON Schema of a recipe, for editors and validators."""
    return json.dumps(Recipe.model_json_schema(), indent=2) + "\n"
