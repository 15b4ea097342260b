"""Commands that train nothing: techniques, and how a study stands: leaderboard, pareto, show, explain, report."""

from typing import Annotated

import typer

from cotune.cli.options import Json, StudyDir
from cotune.cli.support import print_json, view_of


def techniques(
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as optimizer or loss.")] = None,
    as_json: Json = False,
) -> None:
    """Every technique that a study can use, what turns it on, and where it comes from."""
    from cotune.catalogue import of_kind, rows

    if as_json:
        print_json(rows(kind))
        return
    from cotune.listing.techniques import print_techniques

    print_techniques(of_kind(kind))


def leaderboard(
    study: StudyDir,
    top: Annotated[int, typer.Option(min=0, help="Rows to print; 0 for all.")] = 20,
    as_json: Json = False,
) -> None:
    """The trials of a study, best first."""
    rows = view_of(study).leaderboard()
    if as_json:
        print_json(rows)
        return
    from cotune.listing.ranking import print_leaderboard

    print_leaderboard(rows[:top] if top else rows, total=len(rows))


def pareto(study: StudyDir, as_json: Json = False) -> None:
    """The trials that no other dominates, of a study with several objectives (--objectives)."""
    from cotune.report.front import rows

    found = rows(view_of(study))
    if as_json:
        print_json(found)
        return
    from cotune.listing.ranking import print_front

    print_front(found, study)


def show(study: StudyDir, as_json: Json = False) -> None:
    """How a study stands: its best trial, test score, trials by status, time."""
    view = view_of(study)
    if as_json:
        print_json(view.summary())
        return
    from cotune.listing.summary import print_summary

    print_summary(view)


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
        facts = explain_plan(view_of(study))
        print_json(facts) if as_json else print_plan(facts)
        return
    facts = explain_trial(view_of(study), trial)
    print_json(facts) if as_json else print_explanation(facts)


def report(study: StudyDir) -> None:
    """Write the report page anew, and say where it is."""
    from cotune.records.ablation import read_ablation
    from cotune.report import write
    from cotune.study.directory import Directory

    directory = Directory(study)
    view = view_of(study)
    with directory.writing():
        write(view, directory.report, ablation=read_ablation(directory.ablation))
    print(directory.report)
