"""A view as one self-contained HTML page: no network, no script, no font but the reader's own."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from cotune.files import write_text
from cotune.records.ablation import Ablation
from cotune.records.view import StudyView
from cotune.report import answer, drawings, facts, forecasts, front, made, tables
from cotune.report.generated import generated
from cotune.report.words import count, finalize, metric, shorten
from cotune.report.worths import worths

_FACTS = ("version", "created", "name", "task", "classes", "target", "parameters", "plan", "finished")
_DATA = ("source", "rows", "notes", "preparation")


def render(view: StudyView, *, ablation: Ablation | None = None) -> str:
    """The page.

    Args:
        view: a study, finished or not.
        ablation: what its techniques were worth, where that is known.

    Example:
        >>> from cotune.records.view import StudyView
        >>> meta = {"metric": "accuracy", "maximize": True, "task": "binary", "target": "income"}
        >>> "No trial has begun yet." in render(StudyView(meta, (), (), {}))
        True
    """
    found = drawings.matrix(view)
    return _template().render(
        css=Markup(_read("style.css")),
        meta={key: view.meta.get(key) for key in _FACTS},
        data={key: (view.meta.get("data") or {}).get(key) for key in _DATA},
        title=f"{shorten(view.meta.get('name') or view.meta.get('target') or 'study', 60)}: cotune report",
        metric=metric(view.metric),
        sentence=answer.sentence(view),
        notice=answer.notice(view),
        headlines=answer.headlines(view),
        front=front.table(view),
        front_charts=front.charts(view),
        worths=None if ablation is None else worths(ablation),
        test_figures=tables.test_figures(view),
        members=made.members(view),
        made=made.sentences(view),
        leaderboard=tables.leaderboard(view),
        progress=drawings.over_time(view),
        learning=drawings.learning(view),
        parameters=drawings.parameters(view),
        confusion=drawings.confusions(found),
        mistakes=tables.mistakes(found.classes, found.counts) if found and len(found.classes) > 2 else None,
        errors=drawings.errors(view),
        forecasts=forecasts.drawn(view),
        beside=forecasts.beside_baselines(view),
        columns=tables.columns(view),
        parts=tables.parts(view),
        data_argument=facts.data_argument(view),
        new_rows=facts.new_rows(view),
        generates=facts.generates(view),
        made_rows=facts.made_rows(view),
        generated=generated(view),
        classes=count(len(view.meta.get("classes") or ()), "class", "classes"),
    )


def write(view: StudyView, path: Path, *, ablation: Ablation | None = None) -> None:
    """Write the page to `path`; a crash leaves the old page or the new one.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(path, render(view, ablation=ablation))


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_read),
    )
    return environment.get_template("page.html.j2")


def _read(name: str) -> str:
    return files("cotune.report").joinpath(name).read_text(encoding="utf-8")
