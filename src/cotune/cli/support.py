"""What several commands do: read a recipe or a study, print, say how it went."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import typer

from cotune.errors import RecipeError

BEGAN = time.monotonic()
"""A time limit counts from here: loading PyTorch takes seconds of the user's time too."""


def view_of(study: Path) -> Any:
    from cotune.records import Store, read_view
    from cotune.study.directory import Directory

    directory = Directory(study)
    directory.must_hold_a_study()
    with Store.open(directory.store) as store:
        return read_view(store)


def recipe_of(file: Path | None, words: list[str] | None, settings: dict[str, Any]) -> Any:
    from cotune.recipe import make, read

    return make(None if file is None else read(file), words=words or (), **settings)


def with_preset(recipe: Any) -> Any:
    """The recipe with its preset applied to its data; without data, as it is."""
    if recipe.data.source is not None:
        from cotune.study.session import chosen_by_preset

        return chosen_by_preset(recipe.data.source, recipe)
    from cotune.recipe.presets.by_kind import is_open

    if "preset" in recipe.search.model_fields_set and is_open(recipe):
        law = f"what the preset {recipe.search.preset} sets depends on the data"
        raise RecipeError(f"{law}: name them, as in `cotune tune data.csv --target COL --print-recipe`")
    return recipe


def conclude(study: Any, *, quiet: bool) -> None:
    """Say how it went; an interrupted study ends with the shell's code for that."""
    view = study.view()
    if not quiet:
        from cotune.listing.summary import print_conclusion

        print_conclusion(view, study.path, study.report)
    if not view.meta.get("finished"):
        raise typer.Exit(130)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
