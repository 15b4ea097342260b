"""Commands that train a study: tune, demo, resume."""

from pathlib import Path
from typing import Annotated

import typer

from cotune.cli.options import Quiet, StudyDir
from cotune.cli.support import BEGAN, conclude, recipe_of, say, with_preset
from cotune.errors import RecipeError


def tune(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="CSV, TSV, Parquet or NumPy file, a folder of images, .ts series, a file of texts, or a graph (.npz).",
        ),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict; several numbers as a,b,c.")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="regression, binary, multiclass, forecast or generation; else inferred."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What steers the search, e.g. accuracy, roc_auc, rmse.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Directory of the study; runs/NAME by default.")] = None,
    trials: Annotated[int | None, typer.Option(help="Trials to start, at most.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs a trial may take.")] = None,
    time_limit: Annotated[str | None, typer.Option(help="Wall-clock time: 90s, 5m, 2h.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Where to search what is not set: fast, balanced or best.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(help="Strategy: auto, tpe, gp, bayesian, cmaes, genetic, grid …; see docs/search.md."),
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(help="What counts beside the metric: size, multiplications, latency, metrics; a,b,c."),
    ] = None,
    at_most: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER", help="Limit of the model: size=100000, latency=2 (milliseconds)."
        ),
    ] = None,
    warm: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="DIR", help="Earlier study to learn from; may be given several times."
        ),
    ] = None,
    stop: Annotated[
        str | None, typer.Option(help="auto: end when the remaining regret is below seed noise; never.")
    ] = None,
    cv: Annotated[int | None, typer.Option(help="Cross-validate with so many folds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of splits, search and training.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="YAML file to start from.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any recipe key: lr=0.01, 'lr={low: 1e-4, high: 0.1}'."
        ),
    ] = None,
    print_recipe: Annotated[
        bool, typer.Option("--print-recipe", help="Print the whole recipe and stop.")
    ] = False,
    print_schema: Annotated[
        bool, typer.Option("--print-schema", help="Print its JSON Schema and stop.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best network for a table or for images, and train it."""
    from cotune.recipe import as_yaml, json_schema

    if print_schema:
        print(json_schema(), end="")
        return
    request = {
        "source": data, "target": target, "task": task, "metric": metric, "trials": trials, "epochs": epochs,
        "time_limit": time_limit, "preset": preset, "strategy": search, "stop": stop, "seed": seed, "folds": cv,
        "method": None if cv is None else "kfold", "objectives": objectives, "at_most": at_most or None,
        "warm": warm or None,
    }  # fmt: skip
    built = recipe_of(recipe, settings, request)
    if print_recipe:
        print(as_yaml(with_preset(built)), end="")
        return
    if built.data.source is None:
        raise RecipeError("there is no data: name a file, as in `cotune tune data.csv --target COL`")
    if not quiet:
        say(f"cotune: tuning {built.data.source}")
    from cotune.api import run

    study = run(built.data.source, built, out=out, quiet=quiet, began=BEGAN)
    conclude(study, quiet=quiet)


def demo(
    out: Annotated[Path | None, typer.Option(help="Directory of the study; runs/demo by default.")] = None,
    quiet: Quiet = False,
) -> None:
    """Tune a network that reads handwritten digits (the data is inside scikit-learn)."""
    if not quiet:
        say("cotune: tuning a reader of handwritten digits")
    from cotune.demo import run_demo

    conclude(run_demo(out, quiet=quiet, began=BEGAN), quiet=quiet)


def resume(
    study: StudyDir,
    data: Annotated[Path | None, typer.Option(help="Where the study's data is now, if it was moved.")] = None,
    trials: Annotated[int | None, typer.Option(help="Trials to start in all; may be raised.")] = None,
    time_limit: Annotated[
        str | None, typer.Option(help="Wall-clock time of all sittings together; may be raised.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A wider range, or more choices, for a parameter."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Go on with a study that was killed or interrupted, or with a wider space or higher limits."""
    if not quiet:
        say(f"cotune: resuming {study}")
    from cotune.api import resume as run

    words = tuple(settings or ())
    found = run(study, data=data, quiet=quiet, words=words, trials=trials, time_limit=time_limit)
    conclude(found, quiet=quiet)
