"""Commands that train networks to measure something: lr-find, ablate."""

from pathlib import Path
from typing import Annotated

import typer

from cotune.cli.options import Json, Quiet, StudyDir
from cotune.cli.support import print_json, recipe_of, say
from cotune.errors import RecipeError


def lr_find(
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="CSV, TSV, Parquet or NumPy file.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    task: Annotated[str | None, typer.Option(help="regression, binary or multiclass; else inferred.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the split and the first weights.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML file to start from.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any recipe key: optimizer=sgd, width=256."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Try 64 learning rates at once for some steps, and suggest one; nothing is written."""
    built = recipe_of(recipe, settings, {"source": data, "target": target, "task": task, "seed": seed})
    if built.data.source is None:
        raise RecipeError("there is no data: name a file, as in `cotune lr-find data.csv --target COL`")
    from cotune.api import find_rates
    from cotune.listing.rates import print_rates

    found = find_rates(built.data.source, built)
    print_json(found.as_dict()) if as_json else print_rates(found)


def ablate(
    study: StudyDir,
    seeds: Annotated[int, typer.Option(help="Networks of each configuration and fold.")] = 5,
    add: Annotated[bool, typer.Option(help="Try techniques that the winner does without, too.")] = True,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Techniques of this kind alone, with all alternatives; several with commas; all for every kind."
        ),
    ] = None,
    time_limit: Annotated[str | None, typer.Option(help="Wall-clock time: 90s, 5m, 2h.")] = None,
    data: Annotated[Path | None, typer.Option(help="Where the study's data is now, if it was moved.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What each technique of the winner was worth on this data, and what others would be."""
    if not quiet:
        say(f"cotune: ablating {study}")
    limit = recipe_of(None, None, {"time_limit": time_limit}).search.time_limit
    from cotune.api import load
    from cotune.listing.worths import print_ablation

    tuned = load(study)
    kinds = [one.strip() for several in kind or () for one in several.split(",")]
    try:
        found = tuned.ablate(seeds=seeds, add=add, kinds=kinds, time_limit=limit, data=data, quiet=quiet)
    except KeyboardInterrupt:  # no seed was complete, and there is nothing that `resume` could go on with
        raise typer.Exit(130) from None
    print_json(found.as_json()) if as_json else print_ablation(found, tuned.report)
    if found.ended == "interrupted":
        raise typer.Exit(130)
