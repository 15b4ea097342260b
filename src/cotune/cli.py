"""The command line: one command per verb. Data commands print to standard output, progress to standard error."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from cotune.errors import CotuneError, RecipeError, TrainingError
from cotune.version import VERSION

_BEGAN = time.monotonic()
"""A time limit counts from here: loading PyTorch takes seconds of the user's time too."""

app = typer.Typer(
    name="cotune",
    help="Trains and tunes many neural networks as one computation.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

StudyDir = Annotated[Path, typer.Argument(metavar="DIR", help="Directory of the study.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def _epilog(*lines: str) -> str:
    return "Example: " + "   ".join(lines)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"cotune {VERSION}")
        raise typer.Exit


@app.callback()
def _program(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    pass


@app.command(epilog=_epilog("cotune tune adult.csv --target income --time-limit 3m --out runs/adult"))
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
    built = _recipe(recipe, settings, request)
    if print_recipe:
        print(as_yaml(_with_preset(built)), end="")
        return
    if built.data.source is None:
        raise RecipeError("there is no data: name a file, as in `cotune tune data.csv --target COL`")
    if not quiet:
        _say(f"cotune: tuning {built.data.source}")
    from cotune.api import run

    study = run(built.data.source, built, out=out, quiet=quiet, began=_BEGAN)
    _conclude(study, quiet=quiet)


@app.command("lr-find", epilog=_epilog("cotune lr-find adult.csv --target income --set optimizer=sgd"))
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
    built = _recipe(recipe, settings, {"source": data, "target": target, "task": task, "seed": seed})
    if built.data.source is None:
        raise RecipeError("there is no data: name a file, as in `cotune lr-find data.csv --target COL`")
    from cotune.api import find_rates
    from cotune.listing.rates import print_rates

    found = find_rates(built.data.source, built)
    _print_json(found.as_dict()) if as_json else print_rates(found)


@app.command(epilog=_epilog("cotune demo", "cotune demo --out runs/digits"))
def demo(
    out: Annotated[Path | None, typer.Option(help="Directory of the study; runs/demo by default.")] = None,
    quiet: Quiet = False,
) -> None:
    """Tune a network that reads handwritten digits (the data is inside scikit-learn)."""
    if not quiet:
        _say("cotune: tuning a reader of handwritten digits")
    from cotune.demo import run_demo

    _conclude(run_demo(out, quiet=quiet, began=_BEGAN), quiet=quiet)


@app.command(epilog=_epilog("cotune techniques --kind optimizer"))
def techniques(
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as optimizer or loss.")] = None,
    as_json: Json = False,
) -> None:
    """Every technique that a study can use, what turns it on, and where it comes from."""
    from cotune.catalogue import of_kind, rows

    if as_json:
        _print_json(rows(kind))
        return
    from cotune.listing.techniques import print_techniques

    print_techniques(of_kind(kind))


@app.command(
    epilog=_epilog(
        "cotune resume runs/adult", "cotune resume runs/adult --trials 200 --set 'width=[64, 128, 512]'"
    )
)
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
        _say(f"cotune: resuming {study}")
    from cotune.api import resume as run

    words = tuple(settings or ())
    found = run(study, data=data, quiet=quiet, words=words, trials=trials, time_limit=time_limit)
    _conclude(found, quiet=quiet)


@app.command(epilog=_epilog("cotune leaderboard runs/adult --json"))
def leaderboard(
    study: StudyDir,
    top: Annotated[int, typer.Option(min=0, help="Rows to print; 0 for all.")] = 20,
    as_json: Json = False,
) -> None:
    """The trials of a study, best first."""
    rows = _view(study).leaderboard()
    if as_json:
        _print_json(rows)
        return
    from cotune.listing.ranking import print_leaderboard

    print_leaderboard(rows[:top] if top else rows, total=len(rows))


@app.command(epilog=_epilog("cotune pareto runs/adult", "cotune predict runs/adult new.csv --pick knee"))
def pareto(study: StudyDir, as_json: Json = False) -> None:
    """The trials that no other dominates, of a study with several objectives (--objectives)."""
    from cotune.report.front import rows

    found = rows(_view(study))
    if as_json:
        _print_json(found)
        return
    from cotune.listing.ranking import print_front

    print_front(found, study)


@app.command(epilog=_epilog("cotune show runs/adult"))
def show(study: StudyDir, as_json: Json = False) -> None:
    """How a study stands: its best trial, test score, trials by status, time."""
    view = _view(study)
    if as_json:
        _print_json(view.summary())
        return
    from cotune.listing.summary import print_summary

    print_summary(view)


@app.command(epilog=_epilog("cotune explain runs/adult 17"))
def explain(
    study: StudyDir,
    trial: Annotated[
        int | None, typer.Argument(metavar="TRIAL", help="Number of the trial; none: how trials are trained.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What one trial was, how it went, why it ended; without TRIAL, how the machine is used and why so."""
    from cotune.listing.explaining import explain_trial, print_explanation
    from cotune.listing.plan import explain_plan, print_plan

    if trial is None:
        facts = explain_plan(_view(study))
        _print_json(facts) if as_json else print_plan(facts)
        return
    facts = explain_trial(_view(study), trial)
    _print_json(facts) if as_json else print_explanation(facts)


@app.command(
    epilog=_epilog("cotune ablate runs/adult", "cotune ablate runs/adult --kind optimizer --seeds 10")
)
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
        _say(f"cotune: ablating {study}")
    limit = _recipe(None, None, {"time_limit": time_limit}).search.time_limit
    from cotune.api import load
    from cotune.listing.worths import print_ablation

    tuned = load(study)
    kinds = [one.strip() for several in kind or () for one in several.split(",")]
    try:
        found = tuned.ablate(seeds=seeds, add=add, kinds=kinds, time_limit=limit, data=data, quiet=quiet)
    except KeyboardInterrupt:  # no seed was complete, and there is nothing that `resume` could go on with
        raise typer.Exit(130) from None
    _print_json(found.as_json()) if as_json else print_ablation(found, tuned.report)
    if found.ended == "interrupted":
        raise typer.Exit(130)


@app.command(epilog=_epilog("cotune predict runs/adult new.csv -o predictions.csv"))
def predict(
    study: StudyDir,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Rows with the columns the study was given; or images.")
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="CSV or Parquet file.")] = None,
    pick: Annotated[
        str | None, typer.Option(help="Trial of the front to predict by: best, knee or its number.")
    ] = None,
) -> None:
    """Labels and probabilities, or values, for new rows; CSV on standard output unless -o is given."""
    from cotune.api import load
    from cotune.writing import write_predictions

    tuned = load(study)
    write_predictions(tuned.best if pick is None else tuned.model(pick), data, output)


@app.command(
    epilog=_epilog(
        "cotune sample runs/mnist -n 100 -o samples.npz", "cotune sample runs/adult -n 1000 -o new.csv"
    )
)
def sample(
    study: StudyDir,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="CSV or Parquet; of images .npz, .npy or a folder.")
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Rows to make.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same rows.")] = 0,
) -> None:
    """Make new rows by the generator of a study (of `cotune tune --task generation`)."""
    from cotune.api import load
    from cotune.errors import ModelError
    from cotune.product.generator import Generator
    from cotune.writing import write_samples

    best = load(study).best
    if not isinstance(best, Generator):
        raise ModelError(f"the model of {study} predicts and makes no rows; use `cotune predict {study} NEW`")
    write_samples(best, count, seed, output)


@app.command(epilog=_epilog("cotune report runs/adult"))
def report(study: StudyDir) -> None:
    """Write the report page anew, and say where it is."""
    from cotune.records.ablation import read_ablation
    from cotune.report import write
    from cotune.study.directory import Directory

    directory = Directory(study)
    view = _view(study)
    with directory.writing():
        write(view, directory.report, ablation=read_ablation(directory.ablation))
    print(directory.report)


def _view(study: Path) -> Any:
    from cotune.records import Store, read_view
    from cotune.study.directory import Directory

    directory = Directory(study)
    directory.must_hold_a_study()
    with Store.open(directory.store) as store:
        return read_view(store)


def _recipe(file: Path | None, words: list[str] | None, settings: dict[str, Any]) -> Any:
    from cotune.recipe import make, read

    return make(None if file is None else read(file), words=words or (), **settings)


def _with_preset(recipe: Any) -> Any:
    """The recipe with its preset applied to its data; without data, as it is."""
    if recipe.data.source is not None:
        from cotune.study.session import chosen_by_preset

        return chosen_by_preset(recipe.data.source, recipe)
    from cotune.recipe.presets.by_kind import is_open

    if "preset" in recipe.search.model_fields_set and is_open(recipe):
        law = f"what the preset {recipe.search.preset} sets depends on the data"
        raise RecipeError(f"{law}: name them, as in `cotune tune data.csv --target COL --print-recipe`")
    return recipe


def _conclude(study: Any, *, quiet: bool) -> None:
    """Say how it went; an interrupted study ends with the shell's code for that."""
    view = study.view()
    if not quiet:
        from cotune.listing.summary import print_conclusion

        print_conclusion(view, study.path, study.report)
    if not view.meta.get("finished"):
        raise typer.Exit(130)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _leave(_: int, __: FrameType | None) -> None:
    """Ctrl-C outside training: nothing is under way that an end could harm.

    At once, because an exception inside the import of a large library may be caught there, or come out as another.
    """
    _say("stopped; `cotune resume DIR` goes on from the last boundary")
    os._exit(130)


@contextmanager
def _leaving_at_once() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def main() -> None:
    """Run the command line. A `CotuneError` is one message and exit code 2, or 1 if training itself failed."""
    try:
        with _leaving_at_once():
            app()
    except TrainingError as error:
        _say(f"error: {error}")
        sys.exit(1)
    except CotuneError as error:
        _say(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("stopped; `cotune resume DIR` goes on from the last boundary")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        sys.exit(1)
