"""The commands under one name, and what becomes of their errors."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from cotune.cli.leaving import leaving_at_once
from cotune.cli.looking import explain, leaderboard, pareto, report, show, techniques
from cotune.cli.measuring import ablate, lr_find
from cotune.cli.support import say
from cotune.cli.tuning import demo, resume, tune
from cotune.cli.using import predict, sample
from cotune.errors import CotuneError, TrainingError
from cotune.version import VERSION

app = typer.Typer(
    name="cotune",
    help="Trains and tunes many neural networks as one computation.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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


COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    tune: ("cotune tune adult.csv --target income --time-limit 3m --out runs/adult",),
    lr_find: ("cotune lr-find adult.csv --target income --set optimizer=sgd",),
    demo: (
        "cotune demo",
        "cotune demo --out runs/digits",
    ),
    techniques: ("cotune techniques --kind optimizer",),
    resume: (
        "cotune resume runs/adult",
        "cotune resume runs/adult --trials 200 --set 'width=[64, 128, 512]'",
    ),
    leaderboard: ("cotune leaderboard runs/adult --json",),
    pareto: (
        "cotune pareto runs/adult",
        "cotune predict runs/adult new.csv --pick knee",
    ),
    show: ("cotune show runs/adult",),
    explain: ("cotune explain runs/adult 17",),
    ablate: (
        "cotune ablate runs/adult",
        "cotune ablate runs/adult --kind optimizer --seeds 10",
    ),
    predict: ("cotune predict runs/adult new.csv -o predictions.csv",),
    sample: (
        "cotune sample runs/mnist -n 100 -o samples.npz",
        "cotune sample runs/adult -n 1000 -o new.csv",
    ),
    report: ("cotune report runs/adult",),
}
"""Commands in the order of the help, with examples."""

for _command, _examples in COMMANDS.items():
    _name = _command.__name__.replace("_", "-")
    app.command(_name, epilog="Example: " + "   ".join(_examples))(_command)


def main() -> None:
    """Run the command line. A `CotuneError` is one message and exit code 2, or 1 if training itself failed."""
    try:
        with leaving_at_once():
            app()
    except TrainingError as error:
        say(f"error: {error}")
        sys.exit(1)
    except CotuneError as error:
        say(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("stopped; `cotune resume DIR` goes on from the last boundary")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        sys.exit(1)
