"""The commands: help, listings, recipes, predictions, exit codes."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
import yaml

import cotune
from cotune.recipe import make, read
from study.tiny import FAST_WORDS, Said, command, csv, lasting, table, tune, view_of

COMMANDS = (
    "tune",
    "lr-find",
    "demo",
    "resume",
    "leaderboard",
    "show",
    "explain",
    "ablate",
    "predict",
    "report",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tables and a finished study for every task."""
    folder = tmp_path_factory.mktemp("home")
    for task in ("binary", "multiclass", "regression"):
        tune(csv(folder, task, name=f"{task}.csv"), folder / task)
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    said = command(name, "--help")
    assert said.code == 0
    assert f"Example: cotune {name}" in said.out
    assert said.err == ""


def test_the_overview_names_every_command() -> None:
    said = command("--help")
    assert said.code == 0
    assert all(re.search(rf"^\s+{name}\s+\w", said.out, re.MULTILINE) for name in COMMANDS)


def parsed(said: Said) -> Any:
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


def test_leaderboard_json_has_the_documented_keys(home: Path) -> None:
    rows = parsed(command("leaderboard", home / "binary", "--json"))
    keys = ["rank", "trial", "status", "score", "confirmed", "metric", "also", "params", "epochs", "seconds"]
    assert [list(row) for row in rows] == [keys] * 4
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert sorted(row["trial"] for row in rows) == [0, 1, 2, 3]


def test_show_json_has_the_documented_keys(home: Path) -> None:
    facts = parsed(command("show", home / "regression", "--json"))
    assert list(facts) == [
        "task", "metric", "direction", "best", "single_test_score", "model", "findings", "trials", "lane_steps",
        "seconds", "capacity_used",
    ]  # fmt: skip
    assert list(facts["best"]) == ["trial", "score", "test_score", "confirmed"]
    assert list(facts["trials"]) == ["complete", "stopped", "diverged", "failed"]
    assert (facts["task"], facts["metric"], facts["direction"]) == ("regression", "r2", "maximize")
    assert sum(facts["trials"].values()) == 4
    assert 0 < facts["capacity_used"] <= 1


def test_explain_without_a_trial_says_how_trials_are_trained(home: Path) -> None:
    facts = parsed(command("explain", home / "multiclass", "--json"))
    assert facts["plans"]
    said = command("explain", home / "multiclass").out
    for plan in facts["plans"]:
        assert plan["chosen"] in plan["microseconds"]
        assert min(plan["microseconds"].values()) > 0
        assert plan["kind"] in said
    assert "compiled loops" in said


def test_explain_json_agrees_with_the_leaderboard(home: Path) -> None:
    for row in parsed(command("leaderboard", home / "multiclass", "--json")):
        facts = parsed(command("explain", home / "multiclass", row["trial"], "--json"))
        assert {key: facts[key] for key in ("trial", "rank", "status", "score", "params", "epochs")} == {
            key: row[key] for key in ("trial", "rank", "status", "score", "params", "epochs")
        }
        assert [point["epoch"] for point in facts["curve"]] == list(range(1, row["epochs"] + 1))
        assert max(point["accuracy"] for point in facts["curve"]) == row["score"]


def test_plain_listings_tell_the_same(home: Path) -> None:
    best = parsed(command("show", home / "binary", "--json"))["best"]
    shown = command("show", home / "binary").out
    assert f"trial {best['trial']}: validation {best['score']:.5g}, test {best['test_score']:.5g}" in shown
    lines = command("leaderboard", home / "binary").out.splitlines()
    assert lines[0].split()[:5] == ["rank", "trial", "status", "accuracy", "epochs"]
    assert lines[1].split()[:2] == ["1", str(best["trial"])]
    assert len(lines) == 5
    top = command("leaderboard", home / "binary", "--top", "2").out.splitlines()
    assert top[:3] == [line.rstrip() for line in top[:3]]
    assert "2 more" in top[3]
    told = command("explain", home / "binary", best["trial"]).out
    assert f"trial {best['trial']}: complete" in told
    assert "typical of the 4 best" in told


def test_metrics_beside_are_shown_wherever_the_one_that_steers_is(home: Path, tmp_path: Path) -> None:
    also, folder = ["roc_auc", "calibration_error"], tmp_path / "study"
    study = tune(
        home / "binary.csv", folder, cv=2, metric="accuracy", also=["roc_auc", "accuracy", *also[::-1]]
    )
    assert study.view().also == tuple(also)
    assert read(folder / "study.yaml")["search"]["also"] == ["roc_auc", "accuracy", *also[::-1]]
    rows = parsed(command("leaderboard", folder, "--json"))
    lines = command("leaderboard", folder).out.splitlines()
    assert lines[0].split()[:7] == ["rank", "trial", "status", "accuracy", *also, "epochs"]
    sheet = pl.read_csv(folder / "leaderboard.csv").to_dicts()
    for row, line, cells in zip(rows, lines[1:], sheet, strict=True):
        facts = parsed(command("explain", folder, row["trial"], "--json"))
        records = [r for r in study.view().records[row["trial"]] if r.epoch == facts["best_epoch"]]
        assert len(records) == 2
        means = {name: sum(r.metrics[name] for r in records) / 2 for name in also}
        assert row["also"] == facts["also"] == pytest.approx(means, rel=1e-12)
        assert {name: facts["curve"][facts["best_epoch"] - 1][name] for name in also} == row["also"]
        assert line.split()[4:6] == [f"{means[name]:.5g}" for name in also]
        assert {name: cells[name] for name in also} == pytest.approx(means)
        assert f"roc_auc {means['roc_auc']:.5g}" in command("explain", folder, row["trial"]).out
    heads = r"<th[^>]*>accuracy</th>\s*<th[^>]*>ROC AUC</th>\s*<th[^>]*>calibration error</th>"
    assert re.search(heads, (folder / "report.html").read_text())


def test_metrics_beside_steer_nothing(home: Path, tmp_path: Path) -> None:
    found = []
    for name, also in (("plain", []), ("beside", ["roc_auc", "mcc", "pr_auc"])):
        study = tune(
            home / "binary.csv", tmp_path / name, also=also, trials=8, first_rung=1, metric="log_loss"
        )
        found.append(lasting(study.path))
        for records in found[-1]["records"].values():
            for _, _, _, _, figures in records:
                assert all(figures.pop(key) is not None for key in also)
    assert found[0] == found[1]


def test_report_says_where_it_is(home: Path) -> None:
    page = home / "binary" / "report.html"
    page.unlink()
    said = command("report", home / "binary")
    assert (said.code, said.out.strip()) == (0, str(page))
    assert "</html>" in page.read_text()


def test_the_printed_recipe_comes_back_as_it_was(home: Path, tmp_path: Path) -> None:
    words = (home / "binary.csv", "--target", "y", "--search", "tpe", "--cv", "3", "--time-limit", "5m",
             "--set", "lr={low: 1e-4, high: 0.1, log: true}", "--set", "width=[8, 16]")  # fmt: skip
    printed = command("tune", *words, "--print-recipe")
    assert (printed.code, printed.err) == (0, "")
    file = tmp_path / "recipe.yaml"
    file.write_text(printed.out)
    assert command("tune", "--recipe", file, "--print-recipe").out == printed.out
    recipe = make(read(file))
    assert (recipe.split.method, recipe.split.folds, recipe.search.time_limit) == ("kfold", 3, 300)


def test_the_printed_schema_takes_printed_recipes_and_refuses_bad_ones(home: Path) -> None:
    schema = json.loads(command("tune", "--print-schema").out)
    printed = command("tune", home / "binary.csv", "--target", "y", "--print-recipe").out
    recipe = yaml.safe_load(printed)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(recipe, schema)
    for section, key, bad in (
        ("training", "lr", "fast"), ("network", "dropout", 1), ("search", "strategy", "luck"),
        ("training", "learning_rate", 0.1), ("network", "width", []),
    ):  # fmt: skip
        wrong = {**recipe, section: {**recipe[section], key: bad}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_a_recipe_and_the_same_words_make_the_same_study(home: Path, tmp_path: Path) -> None:
    words = (home / "binary.csv", "--target", "y", *FAST_WORDS)
    file = tmp_path / "recipe.yaml"
    file.write_text(command("tune", *words, "--print-recipe").out)
    assert command("tune", "-q", *words, "--out", tmp_path / "words").code == 0
    assert command("tune", "-q", "--recipe", file, "--out", tmp_path / "recipe").code == 0
    trials = [view_of(tmp_path / name).ranked() for name in ("words", "recipe")]
    assert [(t.number, t.params, t.score) for t in trials[0]] == [
        (t.number, t.params, t.score) for t in trials[1]
    ]


def test_quiet_is_quiet(home: Path, tmp_path: Path) -> None:
    words = (home / "binary.csv", "--target", "y", *FAST_WORDS)
    assert command("tune", "-q", *words, "--out", tmp_path / "study") == Said(0, "", "")
    assert command("resume", "-q", tmp_path / "study") == Said(0, "", "")
    loud = command("tune", *words, "--out", tmp_path / "loud")
    assert loud.err.splitlines()[0] == f"cotune: tuning {home / 'binary.csv'}"
    assert "best" in loud.out


def test_without_out_the_study_is_in_runs_and_never_over_another(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("binary", "binary-2"):
        assert command("tune", "-q", home / "binary.csv", "--target", "y", *FAST_WORDS).code == 0
        assert (tmp_path / "runs" / name / "study.sqlite").exists()


def test_no_usable_network_is_exit_1_with_a_remedy(home: Path, tmp_path: Path) -> None:
    words = ("--set", "lr=1e30", "--set", "optimizer=sgd", "--metric", "log_loss")
    said = command(
        "tune", home / "binary.csv", "--target", "y", *FAST_WORDS, *words, "--out", tmp_path / "study"
    )
    assert said.code == 1
    assert "no trial produced a usable network" in said.err
    assert "lower the learning rates" in said.err
    assert parsed(command("show", tmp_path / "study", "--json"))["best"] is None
    assert command("predict", tmp_path / "study", home / "binary.csv").code == 2


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_predictions_are_the_same_everywhere(task: str, home: Path, tmp_path: Path) -> None:
    printed = command("predict", home / task, home / f"{task}.csv")
    assert (printed.code, printed.err) == (0, "")
    frames = [pl.read_csv(printed.out.encode())]
    for name in ("p.csv", "p.parquet"):
        said = command("predict", home / task, home / f"{task}.csv", "-o", tmp_path / name)
        assert (said.code, said.out) == (0, "")
        assert "120 predictions" in said.err
        frames.append((pl.read_csv if name == "p.csv" else pl.read_parquet)(tmp_path / name))
    assert frames[0].equals(frames[1])
    assert frames[1].equals(frames[2].cast(frames[1].schema))
    assert len(frames[0]) == 120
    if task == "regression":
        assert frames[0].columns == ["prediction"]
        return
    classes = sorted(table(task)["y"].unique())
    assert frames[0].columns == ["prediction", *(f"probability_{name}" for name in classes)]
    p = frames[0].select(pl.col("^probability_.*$")).to_numpy()
    assert p.sum(1) == pytest.approx(1.0, abs=1e-6)
    assert frames[0]["prediction"].to_list() == [classes[i] for i in p.argmax(1)]


def test_the_version() -> None:
    said = command("--version")
    assert (said.code, said.out) == (0, f"cotune {cotune.__version__}\n")


def test_every_column_is_shown_with_its_kind(home: Path, tmp_path: Path) -> None:
    said = command("tune", home / "binary.csv", "--target", "y", "--out", tmp_path / "study", *FAST_WORDS)
    assert said.code == 0
    for kind, name in (("numeric", "a"), ("categorical", "colour"), ("boolean", "flag"), ("date", "when")):
        assert re.search(rf"^\d+ {kind}: .*\b{name}\b", said.err, re.MULTILINE), kind
