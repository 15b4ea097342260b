"""Several objectives, and limits on what a model may cost: whole studies, resumed ones, and who is kept."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cotune
from cotune.api import TunedStudy, build_recipe
from cotune.engine.metrics import METRICS
from cotune.errors import ModelError, RecipeError
from cotune.search import Objectives
from cotune.study import Directory
from cotune.study.leaders import FRONT, Leader, Leaders
from cotune.study.session import Sitting, begin
from cotune.study.several import costs as costs_module
from cotune.types import Status, TrialResult
from study.tiny import FAST, command, csv, lasting, table, tune, view_of

SHAPES: dict[str, Any] = {
    "width": {"low": 4, "high": 48, "log": True}, "depth": [1, 2], "trials": 32, "lanes": 8, "epochs": 4,
    "first_rung": 1, "metric": "accuracy",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return csv(tmp_path_factory.mktemp("objectives"))


@pytest.fixture(scope="module")
def study(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TunedStudy:
    """A study of accuracy, size and log loss."""
    settings = {**SHAPES, "trials": 64, "objectives": ["size", "log_loss"]}
    return tune(data, tmp_path_factory.mktemp("several") / "study", **settings)


KINDS: list[dict[str, Any]] = [
    {"cv": 2, "seeds": 2}, {"categories": "embedding", "activation": "prelu"}, {"norm": "batch", "width": 20},
    {"family": "gru", "depth": None, "activation": None}, {"depth": 0},
]  # fmt: skip


@pytest.mark.parametrize("more", KINDS, ids=str)
def test_the_size_is_known_before_training(more: dict[str, Any], data: Path, tmp_path: Path) -> None:
    settings = {"trials": 1, "epochs": 1, "ensemble": "none", **more}
    made = tune(data, tmp_path / "study", objectives=["size"], **settings)
    assert made.pareto()[0]["objectives"] == {"size": made.best.size}
    assert made.view().meta["result"]["parameters"] == made.best.size


def test_multiplications_are_counted_at_the_true_width(data: Path, tmp_path: Path) -> None:
    made = tune(data, tmp_path / "study", objectives=["multiplications"], width=13, depth=2, trials=1)
    features = len(made.best.networks[0].pipeline.features)
    assert made.pareto()[0]["objectives"] == {"multiplications": features * 13 + 13 * 13 + 13 * 2}


def rows(view: Any) -> dict[int, tuple[float, ...]]:
    """What trials are compared by, from the records themselves; less is better."""
    found = {}
    for trial in view.trials:
        losses = []
        for lane in {record.lane for record in view.records[trial.number]}:
            epochs = [record for record in view.records[trial.number] if record.lane == lane]
            best = max(epochs, key=lambda record: (record.metrics["accuracy"], record.epoch))
            losses.append(best.metrics["log_loss"])
        found[trial.number] = (-trial.score, view.costs[trial.number]["size"], sum(losses) / len(losses))
    return found


def test_the_front_is_that_of_the_records(study: TunedStudy) -> None:
    known = rows(study.view())

    def dominates(m: int, n: int) -> bool:
        nowhere_worse = all(x <= y for x, y in zip(known[m], known[n], strict=True))
        return nowhere_worse and (known[m] != known[n] or m < n)

    front = {n for n in known if not any(dominates(m, n) for m in known)}
    listed = study.pareto()
    assert {row["trial"] for row in listed} == front
    assert len(front) > 1
    for row in listed:
        score, size, loss = known[row["trial"]]
        assert (row["score"], row["objectives"]["size"]) == (-score, size)
        assert row["objectives"]["log_loss"] == pytest.approx(loss)
    assert [row["score"] for row in listed] == sorted((row["score"] for row in listed), reverse=True)
    assert [row["model"] for row in listed] == [True] + [False] * (len(listed) - 1)
    assert sum(row["knee"] for row in listed) == 1
    json.dumps(listed, allow_nan=False)


def test_every_trial_of_the_front_can_be_used(study: TunedStudy) -> None:
    frame = table(rows=30)
    for row in study.pareto():
        model = study.model(row["trial"])
        assert model.size == row["objectives"]["size"]
        assert len(model.predict(frame)) == 30
    knee = next(row["trial"] for row in study.pareto() if row["knee"])
    assert (study.model("knee").predict_proba(frame) == study.model(knee).predict_proba(frame)).all()
    assert (study.model().predict_proba(frame) == study.best.predict_proba(frame)).all(), (
        "the best is the model"
    )
    off = next(n for n in range(64) if n not in {row["trial"] for row in study.pareto()})
    with pytest.raises(RecipeError, match=rf"best, knee or its number .*'{off}'"):
        study.model(off)


def test_rungs_keep_the_front_and_the_model_is_the_best_by_score(study: TunedStudy) -> None:
    view = study.view()
    assert {trial.status for trial in view.trials} == {Status.COMPLETE, Status.STOPPED}
    assert view.ranked()[0].score == max(trial.score or 0.0 for trial in view.trials)
    assert study.show()["best"]["trial"] == study.pareto()[0]["trial"]
    complete = [t for t in view.trials if t.status is Status.COMPLETE]
    assert min(rows(view)[t.number][1] for t in complete) == min(size for _, size, _ in rows(view).values())


@pytest.mark.parametrize("search", ["auto", "tpe", "nsga2", "random", "grid"])
def test_a_limit_is_kept_by_all_that_is_trained(search: str, data: Path, tmp_path: Path) -> None:
    shapes = {**SHAPES, "width": [4, 8, 16, 32, 64], "lr": [0.01, 0.03], "dropout": 0.0, "weight_decay": 0.0,
              "label_smoothing": 0.0} if search == "grid" else SHAPES  # fmt: skip
    made = tune(data, tmp_path / "study", at_most={"size": 300}, **{**shapes, "search": search, "trials": 24})
    sizes = [figures["size"] for figures in made.view().costs.values()]
    assert len(sizes) == len(made.view().trials) > 5
    assert max(sizes) <= 300
    assert made.best.size <= 300, "the ensemble that is usual would be larger"
    assert made.pareto() == [], "one objective has no front"
    assert ("limits    size" in command("show", made.path).out) is True


def test_a_soup_is_as_large_as_its_trial(data: Path, tmp_path: Path) -> None:
    made = tune(
        data, tmp_path / "study", at_most={"size": 300}, **{**SHAPES, "trials": 6, "ensemble": "soup"}
    )
    assert made.best.size <= 300
    assert made.view().meta["resolved"]["after"]["ensemble"] == "soup"


def test_a_limit_on_what_is_measured_is_kept_too(data: Path, tmp_path: Path) -> None:
    wide = {**SHAPES, "width": [8, 512], "depth": 2, "trials": 64, "epochs": 1, "search": "random"}
    free = tune(data, tmp_path / "free", objectives=["latency", "latency_single"], **wide).view()
    by_width = {trial.params["width"]: free.costs[trial.number] for trial in free.trials}
    narrow, broad = by_width[8], by_width[512]
    assert broad["latency"] > 2 * narrow["latency"] > 0
    assert broad["latency"] > broad["latency_single"]
    half = math.sqrt(broad["latency"] * narrow["latency"])
    kept = tune(data, tmp_path / "kept", at_most={"latency": half}, **wide).view()
    assert {trial.params["width"] for trial in kept.trials} == {8}
    assert max(figures["latency"] for figures in kept.costs.values()) <= half


def interrupted_after(asked: int, data: Path, out: Path, **settings: Any) -> None:
    """A study that is stopped when it has asked so often whether it shall."""
    count: list[bool] = []

    def interrupted() -> bool:
        count.append(True)
        return len(count) > asked

    begin(
        str(data),
        build_recipe(target="y", **{**FAST, **settings}),
        Directory(out),
        Sitting(show=lambda _: None, say=lambda _: None, interrupted=interrupted),
        version=cotune.__version__,
    )


SEVERAL: list[dict[str, Any]] = [
    {"objectives": ["size", "log_loss"]},
    {"objectives": ["multiplications"], "at_most": {"size": 300}, "search": "nsga2"},
    {"objectives": ["size"], "seeds": 2, "search": "tpe", "at_most": {"size": 900}},
]


@pytest.mark.parametrize("more", SEVERAL, ids=str)
def test_a_resumed_study_ends_with_the_same_bits(more: dict[str, Any], data: Path, tmp_path: Path) -> None:
    settings = {**SHAPES, **more}
    whole = tune(data, tmp_path / "whole", **settings)
    interrupted_after(20, data, tmp_path / "study", **settings)
    assert not view_of(tmp_path / "study").meta.get("finished")
    cotune.resume(tmp_path / "study")
    assert lasting(tmp_path / "study") == lasting(whole.path)
    models = [
        sorted(found.relative_to(path) for found in (path / "front").rglob("*"))
        for path in (whole.path, tmp_path / "study")
    ]
    assert models[0] == models[1] != []
    for name in models[0]:
        if name.suffix == ".safetensors":
            assert (whole.path / name).read_bytes() == (tmp_path / "study" / name).read_bytes()
    assert whole.pareto() == cotune.load(tmp_path / "study").pareto()


def test_what_was_measured_is_never_measured_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**SHAPES, "objectives": ["latency"], "at_most": {"latency_single": 1e6}, "width": [8, 16]}
    interrupted_after(20, data, tmp_path / "study", **settings)
    before = view_of(tmp_path / "study").costs
    assert len(before) >= 8
    monkeypatch.setattr(costs_module, "milliseconds", lambda *_: 123456.0)
    cotune.resume(tmp_path / "study")
    after = view_of(tmp_path / "study").costs
    assert {number: after[number] for number in before} == before
    shapes = {
        (t.params["width"], t.params["depth"])
        for t in view_of(tmp_path / "study").trials
        if t.number in before
    }
    for trial in view_of(tmp_path / "study").trials:
        known = (trial.params["width"], trial.params["depth"]) in shapes
        assert (after[trial.number]["latency"] < 123456.0) is known


def test_an_interrupted_study_hands_out_its_front_so_far(data: Path, tmp_path: Path) -> None:
    interrupted_after(20, data, tmp_path / "study", **SHAPES, objectives=["size"])
    study = cotune.load(tmp_path / "study")
    kept = [
        row["trial"] for row in study.pareto() if (tmp_path / "study" / "front" / str(row["trial"])).exists()
    ]
    assert kept
    assert study.model(kept[0]).size > 0
    (tmp_path / "study" / "front").rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="not kept"):
        study.model("best")


def test_metrics_alone_leave_the_ensemble_in_place(data: Path, tmp_path: Path) -> None:
    made = tune(data, tmp_path / "study", objectives=["accuracy", "log_loss", "roc_auc"], **SHAPES)
    assert made.view().objectives == {"log_loss": False, "roc_auc": METRICS["roc_auc"].maximize}
    assert made.view().meta["resolved"]["after"]["ensemble"] == "greedy"
    assert set(made.pareto()[0]["objectives"]) == {"log_loss", "roc_auc"}


def test_the_command_line_says_and_takes_the_same(data: Path, tmp_path: Path) -> None:
    words = ["--trials", 12, "--epochs", 2, "--objectives", "size, log_loss", "--at-most", "size=400"]
    words += ["--set", "width=[4, 8, 16]", "--out", tmp_path / "study"]
    said = command("tune", data, "--target", "y", "-q", *words)
    assert said.code == 0, said.err
    listed = json.loads(command("pareto", tmp_path / "study", "--json").out)
    assert listed == cotune.load(tmp_path / "study").pareto()
    shown = command("pareto", tmp_path / "study").out
    assert shown.splitlines()[0].split() == ["trial", "accuracy", "size", "log_loss"]
    assert "--pick TRIAL" in shown
    assert (
        f"front     {len(listed)} trials by accuracy, size, log_loss"
        in command("show", tmp_path / "study").out
    )
    picked = command("predict", tmp_path / "study", data, "--pick", listed[-1]["trial"])
    assert picked.code == 0
    assert len(picked.out.splitlines()) == 121
    page = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    assert "What no other trial dominates" in page


# ------------------------------------------------------------------------------------------- who is kept

SCORED = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)


def kept(scored: list[tuple[int, int]], *, most: int) -> Leaders:
    leaders = Leaders(maximize=True, most=most, objectives=Objectives(maximize=True, beside=(False,)))
    for number, (score, size) in enumerate(scored):
        result = TrialResult(number, {}, Status.COMPLETE, float(score), 1, 1.0, values=(float(size),))
        if leaders.would_keep(result):
            leaders.keep(Leader(result, []))
    return leaders


@settings(max_examples=60, deadline=None)
@given(SCORED, st.integers(1, 6))
def test_the_best_and_the_front_are_kept_and_nobody_else(scored: list[tuple[int, int]], most: int) -> None:
    places = range(len(scored))
    by_rank = sorted(places, key=lambda n: (-scored[n][0], scored[n][1], n))
    front = {
        n
        for n in places
        if not any(
            scored[m][0] >= scored[n][0]
            and scored[m][1] <= scored[n][1]
            and (scored[m] != scored[n] or m < n)
            for m in places
            if m != n
        )
    }
    found = [result.number for result in kept(scored, most=most).results()]
    assert set(found) == {*by_rank[:most], *front}
    assert found == [n for n in by_rank if n in found], "best first"


def test_of_a_long_front_so_many_are_kept_spread_over_it() -> None:
    scored = [(n, 3 * n) for n in range(200)]
    found = [result.number for result in kept(scored, most=1).results()]
    assert found[0] == 199
    assert len(found) <= FRONT + 1
    assert found[-1] == 0, "the smallest"
