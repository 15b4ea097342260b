"""What techniques were worth, on the page: whole, readable without eyes, drawn where the figures are."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_studies import build
from test_page import Page

from cotune.errors import StudyCorrupt
from cotune.records.ablation import (
    HELPS,
    HURTS,
    UNSEEN,
    Ablation,
    Skipped,
    Worth,
    read_ablation,
    write_ablation,
)
from cotune.report import render
from cotune.report.charts.intervals import Interval, ends, intervals

FIGURES: Sequence[tuple[str, bool, float | None, float | None, float | None, str]] = (
    ("standard", False, 0.08, 0.07, 0.09, HELPS),
    ("cosine", False, 0.01, -0.01, 0.03, UNSEEN),
    ("no_interval", False, 0.002, None, None, UNSEEN),
    ("clipping", False, None, None, None, HELPS),
    ("mixup", True, -0.02, -0.025, -0.015, HURTS),
    ("sam", True, 0.001, -5.0, 5.002, UNSEEN),
)
WORTHS = tuple(
    Worth(name, "kind", added, {"scaling": "none", "momentum": None}, (0.8, 0.8), mean, low, high, None
          if low is None else 0.01, None if low is None else 0.04, direction, "a note" if mean is None else "")
    for name, added, mean, low, high, direction in FIGURES
)  # fmt: skip
FOUND = Ablation(
    trial=7, metric="accuracy", maximize=True, seeds=3, done=2, folds=5, epochs=9, networks=70, seconds=1.5,
    ended="interrupted", config={"lr": 0.1}, scores=(0.88, None), worths=WORTHS,
    skipped=(Skipped("momentum", "optimizer", "it has <no> meaning"),), alternatives={"optimizer": 16},
)  # fmt: skip


def test_the_page_has_the_section_only_where_there_is_an_ablation() -> None:
    with_it, without = Page(render(build(), ablation=FOUND)), Page(render(build()))
    assert "worths" in with_it.ids
    assert with_it.ids.index("worths") < with_it.ids.index("progress"), "near the top"
    assert ("a", {"href": "#worths"}) in with_it.attributes
    assert "worths" not in without.ids
    assert len(set(with_it.ids)) == len(with_it.ids)


def test_every_technique_is_in_the_table_and_told_in_words() -> None:
    page = Page(render(build(), ablation=FOUND))
    tables = [rows[1:] for rows in page.tables if rows[0][0] == "technique"]
    for rows, added in zip(tables, (False, True), strict=True):
        own = [w for w in WORTHS if w.added is added]
        assert [row[0] for row in rows] == [w.technique for w in own]
        assert [row[-1].split(":")[0] for row in rows] == [w.direction for w in own]
    assert "Taken out, one by one" in page.text
    assert "Put in, one by one" in page.text
    assert "2 of 6 techniques helped, 1 hurt; of 3 no effect was seen" in page.text
    assert "2 fresh seeds × 5 folds" in page.text
    assert "ended early (interrupted): 3 were asked for" in page.text
    assert "it has <no> meaning" in page.text
    assert "16 of optimizer" in page.text
    assert not re.search(r"\b(None|nan|inf)\b", page.text)


def test_the_chart_names_itself_and_tells_directions_apart_by_shape() -> None:
    html = render(build(), ablation=FOUND)
    charts = [c for c in re.findall(r"<svg\b.*?</svg>", html, re.DOTALL) if "worths-" in c]
    assert len(charts) == 2, "a wide one and a narrow one"
    for chart in charts:
        assert "1 help, 1 hurt, of 3 no effect was seen" in chart
        assert 'role="img"' in chart
        assert len(re.findall(r"<rect", chart)) == 1
        assert len(re.findall(r"<circle", chart)) == 4
        assert "+ mixup" in chart
        assert "− standard" in chart


@pytest.mark.parametrize("low", [0.07, -3.0])
def test_marks_lie_inside_the_drawing_and_in_order(low: float) -> None:
    rows = [Interval("a", 0.08, low, 0.09, "helps"), Interval("b", 0.0, -0.01, 0.01, "none"),
            Interval("c", -0.05, -0.06, -0.04, "hurts")]  # fmt: skip
    chart = intervals(rows, name="worth", width=500, unique="u")
    discs = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart)]
    zero = float(re.search(r'd="M([\d.]+) [^"]*" class="zero"', chart)[1])  # type: ignore[index]
    square = float(re.search(r'<rect x="([\d.]+)"', chart)[1]) + 4  # type: ignore[index]
    assert square < zero < discs[0] < 500
    assert discs[1] == pytest.approx(zero, abs=0.1)
    assert ends(rows)[0] > -1, "one wide interval does not press all others together"


def test_one_that_changed_nothing_can_be_drawn() -> None:
    assert "<circle" in intervals([Interval("a", 0.0, 0.0, 0.0, "none")], name="w", width=400, unique="u")


def test_an_ablation_without_a_figure_has_no_chart() -> None:
    nothing = replace(FOUND, worths=(WORTHS[3],), skipped=(), alternatives={})
    page = Page(render(build(), ablation=nothing))
    assert "worths" in page.ids
    assert not any("worths-wide" in i or "worths-narrow" in i for i in page.ids)


def test_a_question_that_was_not_asked_has_no_table() -> None:
    page = Page(render(build(), ablation=replace(FOUND, worths=WORTHS[:4])))
    assert sum(rows[0][0] == "technique" for rows in page.tables) == 1
    assert "Put in, one by one" not in page.text


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ablation.json"
    assert read_ablation(path) is None
    write_ablation(FOUND, path)
    assert read_ablation(path) == FOUND
    assert json.loads(path.read_text())["worths"][3]["worth"] is None


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"trial": 1}'])
def test_a_damaged_file_is_told_with_its_remedy(damage: str, tmp_path: Path) -> None:
    (tmp_path / "ablation.json").write_text(damage)
    with pytest.raises(StudyCorrupt, match="cotune ablate"):
        read_ablation(tmp_path / "ablation.json")
