"""The page: whole, honest, safe, small; for finished, running and empty studies."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pytest
from made_up_studies import PARAMETERS, build

from cotune.records.view import StudyView
from cotune.report import front, render, write
from cotune.types import LaneId, Record, Status

SECTIONS = (
    "answer",
    "progress",
    "leaderboard",
    "model",
    "curves",
    "parameters",
    "errors",
    "data",
    "training",
    "use",
)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Checks that elements nest, and keeps what stands in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"<{tag}> has an attribute twice"
        self.attributes.append((tag, found))
        if "id" in found:
            self.ids.append(str(found["id"]))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


LETTERS = [chr(65 + i) for i in range(26)]
STUDIES: dict[str, dict[str, Any]] = {
    "binary": {},
    "regression": {"task": "regression"},
    "26 classes": {"task": "multiclass", "classes": LETTERS},
    "300 classes": {"task": "multiclass", "classes": [f"species {i}" for i in range(300)]},
    "running": {"finished": False, "trials": 40},
    "empty": {"finished": False, "trials": 0},
    "one trial": {"trials": 1},
    "one parameter": {"trials": 30, "parameters": PARAMETERS[:1]},
    "no parameter": {"trials": 3, "parameters": []},
    "several objectives": {"several": True},
    "several objectives, running": {"several": True, "finished": False, "trials": 40},
    "several objectives, empty": {"several": True, "finished": False, "trials": 0},
    "several objectives, one trial": {"several": True, "trials": 1},
    "one epoch": {"trials": 10, "epochs": 1},
}


@pytest.fixture(params=STUDIES, scope="module")
def study(request: pytest.FixtureRequest) -> StudyView:
    return build(**STUDIES[request.param])


def test_every_study_makes_a_whole_page(study: StudyView) -> None:
    page = Page(render(study))
    assert [i for i in page.ids if i in SECTIONS] == list(SECTIONS)
    assert len(set(page.ids)) == len(page.ids)
    for tag, attributes in page.attributes:
        for key in ("aria-labelledby", "href"):
            for target in (attributes.get(key) or "").split():
                assert target.removeprefix("#") in page.ids, (tag, key, target)


def test_nothing_is_fetched(study: StudyView) -> None:
    html = render(study)
    assert not re.search(
        r"https?://|\bsrc\s*=|@import|url\(|<link|<script|<iframe|<object", html, re.IGNORECASE
    )


def test_no_figure_is_none_or_nan(study: StudyView) -> None:
    assert not re.search(r"\b(None|nan|inf|undefined)\b", Page(render(study)).text)
    assert not re.search(r'="[^"]*\b(nan|inf|None)\b', render(study))


def test_charts_and_tables_can_be_read_without_eyes(study: StudyView) -> None:
    html = render(study)
    page = Page(html)
    charts = re.findall(r"<svg\b.*?</svg>", html, re.DOTALL)
    assert all("<title " in c and "<desc " in c and 'role="img"' in c for c in charts)
    assert html.count("<caption>") == len(page.tables)
    heads = [a for tag, a in page.attributes if tag == "th"]
    assert all(a.get("scope") in ("col", "row") for a in heads)
    scrolling = [a for _, a in page.attributes if "scroll" in (a.get("class") or "").split()]
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolling)
    assert 'class="skip" href="#answer"' in html


def test_a_study_with_data_shows_every_chart() -> None:
    ids = Page(render(build())).ids
    for name in ("progress-wide", "progress-narrow", "train-loss", "validation", "confusion"):
        assert f"{name}-title" in ids
    assert sum(bool(re.fullmatch(r"parameter-\d+-title", i)) for i in ids) == len(PARAMETERS)
    assert {"scatter-title", "residuals-title"} <= set(Page(render(build(task="regression"))).ids)


def test_the_sentence_holds_the_answer() -> None:
    view = build()
    best, result = view.ranked()[0], view.meta["result"]
    heading = re.search(r"<h1.*?>(.*?)</h1>", render(view), re.DOTALL)
    assert heading
    said = re.sub("<.*?>", "", heading[1]).replace("\u00a0", " ")
    assert said.startswith(
        f"Trial {best.number} predicts income with test accuracy {result['test']['accuracy']:.3f}"
    )
    assert f"(validation {best.score:.3f})" in said
    params = best.params
    assert f"MLP of {params['depth']} × {params['width']} " in said
    assert "picked from 212 trials in 3 min" in said or "picked from 212 trials in 2 min" in said


def test_the_leaderboard_shows_the_views_figures() -> None:
    view = build()
    rows = Page(render(view)).tables[0]
    assert rows[0][:6] == ["rank", "trial", "accuracy", "status", "epochs", "time"]
    assert len(rows) == 21
    for row, trial in zip(rows[1:], view.ranked(), strict=False):
        assert (int(row[1]), row[3], int(row[4])) == (trial.number, trial.status.value, trial.epochs)
        assert float(row[2]) == pytest.approx(trial.score, abs=5e-5)
        shown = dict(zip(rows[0][6:], row[6:], strict=True))
        assert float(shown["dropout"]) == pytest.approx(trial.params["dropout"], rel=5e-3)
        assert shown["activation"] == trial.params["activation"]


def test_the_leaderboard_has_a_column_for_each_metric_beside() -> None:
    view = build(trials=12)
    view = replace(view, meta={**view.meta, "also": ["roc_auc", "brier"]}, records={})
    known, *rest = view.ranked()
    records = [
        Record(
            LaneId(known.number, lane),
            e,
            e,
            loss,
            {"accuracy": figure, "roc_auc": figure / (2 + lane), "brier": nan},
        )
        for lane in range(2)
        for e, loss, figure in known.curve
    ]
    rows = Page(
        render(replace(view, records={known.number: tuple(records)}, scored={known.number: tuple(records)}))
    ).tables[0]
    assert rows[0][:8] == ["rank", "trial", "accuracy", "ROC AUC", "Brier score", "status", "epochs", "time"]
    assert rows[1][1] == str(known.number)
    assert float(rows[1][3]) == pytest.approx(known.score * (1 / 2 + 1 / 3) / 2, abs=5e-5)
    assert rows[1][4] == "–", "a figure that is no number"
    assert {tuple(row[3:5]) for row in rows[2:]} == {("–", "–")}
    assert len(rows) == 2 + sum(trial.score is not None for trial in rest)
    assert [row[rows[0].index("status")] for row in rows[1:2]] == [known.status.value]


def test_headlines_show_the_views_figures() -> None:
    view = build()
    text = Page(render(view)).text
    summary = view.summary()
    assert f"{summary['lane_steps']:,}" in text
    assert f"{100 * summary['capacity_used']:.0f} %" in text
    assert f"{view.meta['result']['parameters']:,}" in text
    for status, n in summary["trials"].items():
        assert (f"{n} {status}" in text) == (n > 0)


def test_confusion_counts_stand_in_the_cells() -> None:
    view = build()
    cells = re.findall(r'class="count[^"]*">([\d,]+)<', render(view))
    assert [int(c.replace(",", "")) for c in cells] == [
        n for row in view.meta["result"]["confusion"] for n in row
    ]


def test_an_absent_parameter_and_an_absent_score_are_dashes() -> None:
    view = build(trials=12)
    best = view.ranked()[0]
    trials = tuple(
        replace(t, params={k: v for k, v in t.params.items() if k != "lr"}) if t is best else t
        for t in view.trials
    )
    rows = Page(render(replace(view, trials=trials))).tables[0]
    assert rows[1][rows[0].index("lr")] == "–"
    page = Page(render(build(trials=0, finished=False)))
    assert "Test accuracy – not measured yet" in page.text.replace("  ", " ")


def test_a_running_study_says_so_and_how_to_go_on() -> None:
    text = Page(render(build(finished=False, trials=40))).text
    assert "has not ended" in text
    assert "5 trials in training" in text
    assert "leads so far" in text
    assert "cotune resume DIR" in text
    assert "has not ended" not in Page(render(build())).text


def test_a_study_without_a_usable_trial_says_so() -> None:
    view = build(trials=4, finished=False)
    failed = tuple(replace(t, status=Status.FAILED, score=float("nan"), curve=()) for t in view.trials)
    meta = {**view.meta, "finished": "every trial failed"}
    page = Page(render(replace(view, meta=meta, trials=failed)))
    assert "No trial produced a usable network" in page.text
    assert "every trial failed" in page.text


HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}\u202e\x00"


def hostile() -> StudyView:
    """A study in which every word is an attack."""
    parameters = [*PARAMETERS[:2], {"name": HOSTILE, "fusable": True, "choices": [HOSTILE, "plain"]}]
    view = build(trials=40, task="multiclass", classes=[HOSTILE, HOSTILE + "2", "c"], parameters=parameters)
    data = {
        **view.meta["data"],
        "source": HOSTILE,
        "notes": [HOSTILE],
        "preparation": [HOSTILE],
        "columns": [{"name": HOSTILE, "kind": HOSTILE, "missing": 1, "distinct": 2, "note": HOSTILE}],
    }
    words = dict.fromkeys(("name", "version", "created", "target", "finished", "metric", "task"), HOSTILE)
    recipe = {"network": {"width": HOSTILE, "depth": HOSTILE, "activation": HOSTILE}}
    return replace(view, meta={**view.meta, **words, "data": data, "plan": [HOSTILE], "recipe": recipe})


def test_hostile_words_stay_words() -> None:
    html = render(hostile())
    page = Page(html)
    tags = {tag for tag, _ in page.attributes}
    assert not tags & {"script", "img", "iframe"}
    assert not any(key.startswith("on") for _, attributes in page.attributes for key in attributes)
    assert html.count("<style>") == html.count("</style>") == 1
    assert "{{7*7}}" in html, "not run as a template"
    assert "\u202e" not in html
    assert "\x00" not in html


def test_a_lone_surrogate_can_be_written(tmp_path: Path) -> None:
    view = build(trials=3)
    write(replace(view, meta={**view.meta, "name": "a\ud800b"}), tmp_path / "report.html")
    assert "a�b" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_three_thousand_trials_fit_into_two_megabytes(tmp_path: Path) -> None:
    classes = [f"class {i}" for i in range(100)]
    view = build(trials=3000, epochs=100, task="multiclass", classes=classes)
    path = tmp_path / "report.html"
    write(view, path)
    assert path.stat().st_size < 2_000_000
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"], "no partial file stays"
    Page(path.read_text(encoding="utf-8"))


def test_the_page_depends_on_the_view_alone() -> None:
    assert render(build()) == render(build())


def test_the_best_so_far_is_drawn_over_elapsed_time() -> None:
    assert "time since the study began" in render(build())


@pytest.mark.parametrize("wrapped", [False, True])
def test_searched_settings_are_read_as_the_recipe_has_them(wrapped: bool) -> None:
    settings: dict[str, Any] = {
        "lr": {"low": 1e-4, "high": 1e-1, "log": True},
        "depth": {"choices": [1, 2, 3]},
    }
    searched = [
        {"name": name, "fusable": True, **({"setting": found} if wrapped else found)}
        for name, found in settings.items()
    ]
    if wrapped:
        searched[1]["setting"] = [1, 2, 3]
    view = build(trials=20)
    html = render(replace(view, meta={**view.meta, "parameters": searched}))
    chart = re.search(r'<title id="parameter-0-title">lr against .*?</svg>', html)
    assert chart
    assert "log scale" in chart[0]
    assert all(f">{tick}<" in chart[0] for tick in ("0.001", "0.01", "0.1"))
    strips = re.search(r'<title id="parameter-1-title">depth against .*?</svg>', html)
    assert strips
    assert all(f">{choice}<" in strips[0] for choice in (1, 2, 3))


def test_the_front_is_drawn_listed_and_says_how_to_pick_another() -> None:
    view = build(several=True)
    html = render(view)
    page = Page(html)
    members = front.rows(view)
    assert 1 < len(members) < 60
    assert "front" in page.ids
    listed = next(
        table for table in page.tables if table[0][:4] == ["trial", "accuracy", "weights", "ms for 256 rows"]
    )
    assert [row[0] for row in listed[1:]] == [str(member["trial"]) for member in members]
    assert [row[4] for row in listed[1:] if row[4]] == [
        ", ".join(word for word, on in (("the model", member["model"]), ("knee", member["knee"])) if on)
        for member in members
        if member["model"] or member["knee"]
    ]
    drawn = re.findall(r'<svg[^>]*aria-labelledby="front-.*?</svg>', html, re.DOTALL)
    assert len(drawn) == 2
    for chart in drawn:
        assert chart.count('class="dot front"') == len(members)
        assert chart.count('class="best"') == 1
    assert "cotune predict DIR NEW.csv --pick TRIAL" in page.text
    assert "front" not in Page(render(build())).ids, "one objective has none"
