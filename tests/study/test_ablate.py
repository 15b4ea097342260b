"""Ablation of real studies: pairs, folds, planted techniques, ends, errors, the command and the report."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.catalogue.base import Technique
from cotune.engine.loop import Engine
from cotune.errors import RecipeError, SourceError, StudyError, TrainingError
from cotune.records import Store
from cotune.records.ablation import HELPS, UNSEEN, Ablation, read_ablation
from cotune.study import Directory
from cotune.study.ablation import side_by_side
from cotune.study.ablation.ablate import ablate
from cotune.study.ablation.side_by_side import Plan, scores, train
from cotune.study.prepared import compute_for
from cotune.study.session import Sitting, prepare_again
from cotune.types import LaneId, Progress, Value
from study.pictures import SMALL, archive
from study.tiny import command, csv, tune

EPOCHS = 3


def technique(name: str, on: Mapping[str, Value], off: Mapping[str, Value], kind: str = "kind") -> Technique:
    return Technique(name, kind, ("mlp",), ("table",), on, off, (), "", "")


STANDARD = technique("standard", {"scaling": "standard"}, {"scaling": "none"}, "scaling")
NOISE = technique("noise", {"input_noise": 0.05}, {"input_noise": 0.0})
L1 = technique("l1", {"l1": 1e-3}, {"l1": 0.0})
DROPOUT = technique("dropout", {"dropout": 0.2}, {"dropout": 0.0})
MEAN = technique("impute_mean", {"missing": "mean"}, {"missing": "median"})
ROWS = (STANDARD, NOISE, L1, DROPOUT, MEAN)


def nobody(
    show: Callable[[Progress], None] = lambda _: None, interrupted: Callable[[], bool] = lambda: False
) -> Sitting:
    return Sitting(show, lambda _: None, interrupted)


def run(study: Path, *techniques: Technique, sitting: Sitting | None = None, **words: Any) -> Ablation:
    words = {"seeds": 3, **words}
    return ablate(Directory(study), sitting or nobody(), techniques=techniques or ROWS, **words)


def badly_scaled(rows: int = 240) -> pl.DataFrame:
    """Two columns of thousandths, and a target that follows from both: unscaled, a network hardly sees them."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, 2))
    y = x[:, 0] - x[:, 1] + 0.1 * rng.normal(size=rows)
    return pl.DataFrame({"a": 0.001 * x[:, 0], "b": 0.001 * x[:, 1], "y": y})


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    tune(badly_scaled(), folder / "scaled", dropout=0.0, epochs=10, lr=0.01, trials=1, weight_decay=1e-4)
    tune(csv(folder), folder / "folds", cv=3, epochs=EPOCHS)
    return folder


@pytest.fixture(scope="module")
def scaled(studies: Path) -> Ablation:
    return run(studies / "scaled", seeds=4)


def test_a_useful_technique_is_found_and_a_useless_one_is_not(scaled: Ablation) -> None:
    found = {w.technique: w for w in scaled.worths}
    assert found["standard"].direction == HELPS
    assert found["standard"].low is not None
    assert found["standard"].low > 0
    assert not found["standard"].added
    assert found["noise"].direction == UNSEEN
    assert found["noise"].added
    assert found["noise"].p is not None
    assert 0.05 < found["noise"].p < 1
    assert "changed nothing" in found["impute_mean"].note, "no number is missing"
    assert (scaled.done, scaled.ended, scaled.networks) == (4, "complete", 4 * (1 + len(scaled.worths)))


def test_the_winner_and_its_counterparts_share_all_that_chance_decides(studies: Path) -> None:
    directory = Directory(studies / "folds")
    with Store.open(directory.store) as store:
        prepared = prepare_again(store.meta(), directory, None)
    recipe = prepared.recipe
    search = recipe.search.model_copy(update={"seeds": 2})
    factory = prepared.factory.with_recipe(recipe.model_copy(update={"search": search}))
    winner = prepared.space.complete(prepared.space.middle())
    configs = [
        winner,
        {**winner, "l1": 0.01},
        {**winner, "scaling": "none"},
        {**winner, "norm": "layer"},
        winner,
    ]
    plan = Plan(configs, seeds=2, folds=3, seed=0)
    lanes = {name: plan.lane(name, factory) for name in plan.order}
    for index in range(6):
        same = [lanes[LaneId(config, index)] for config in range(5)]
        assert len({lane.seed for lane in same}) == 1
        assert all(lane.train.equal(same[0].train) for lane in same)
        assert all(lane.validation.equal(same[0].validation) for lane in same)
    assert len({lane.seed for lane in lanes.values()}) == 6, "and folds and seeds do not"

    def trained(plan: Plan) -> dict[LaneId, Any]:
        engine = Engine(metric=search.metric, ways=("compiled",))
        return train(plan, factory, engine, metric=search.metric, compute=compute_for(recipe),
                     halt=lambda: False, tell=lambda _: None)  # fmt: skip

    together, alone = trained(plan), trained(Plan(configs[:1], seeds=2, folds=3, seed=0))
    for index in range(6):
        assert together[LaneId(0, index)] == alone[LaneId(0, index)] == together[LaneId(4, index)]
        assert together[LaneId(0, index)] != together[LaneId(1, index)]
    own = scores(plan, together, 0, seeds=2, maximize=True)
    by_hand = [np.mean([max(f for _, f in together[LaneId(0, 2 * fold + seed)].points) for fold in range(3)])
               for seed in range(2)]  # fmt: skip
    assert own == pytest.approx(by_hand)


def test_folds_are_averaged_and_other_company_changes_no_score(studies: Path) -> None:
    many, few = run(studies / "folds", seeds=2), run(studies / "folds", L1, seeds=2)
    assert many.folds == 3
    assert many.networks == 2 * 3 * (1 + len(many.worths))
    assert many.scores == few.scores
    assert next(w for w in many.worths if w.technique == "l1").scores == few.worths[0].scores


def test_what_is_interrupted_keeps_its_complete_seeds(
    studies: Path, scaled: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "LANES_PER_CORE", 1)
    shown: list[Progress] = []
    sitting = nobody(shown.append, lambda: len(shown) > 0 and shown[-1].used > 0.6)
    found = run(studies / "scaled", seeds=4, sitting=sitting)
    assert found.ended == "interrupted"
    assert 1 <= found.done < 4
    assert found.scores == scaled.scores[: found.done]
    assert {w.technique: w.scores for w in found.worths} == {
        w.technique: w.scores[: found.done] for w in scaled.worths
    }
    assert read_ablation(studies / "scaled" / "ablation.json") == found
    assert all("worth" in progress.note for progress in shown)


def test_without_a_complete_seed_nothing_is_kept(studies: Path) -> None:
    path = studies / "folds" / "ablation.json"
    path.unlink(missing_ok=True)
    with pytest.raises(KeyboardInterrupt):
        run(studies / "folds", sitting=nobody(interrupted=lambda: True))
    with pytest.raises(TrainingError, match="--time-limit"):
        run(studies / "folds", time_limit=1e-9)
    assert not path.exists()


def test_a_technique_that_breaks_training_is_told(studies: Path) -> None:
    wild = technique("wild", {"lr": 1e18}, {"lr": 0.0})
    tame = technique("tame", {"dropout": 0.1}, {"dropout": 0.0})
    out = studies / "wild"
    if not out.exists():
        tune(badly_scaled(), out, dropout=0.0, lr=0.0, optimizer="sgd", trials=1)
    found = {w.technique: w for w in run(out, wild, tame, seeds=2).worths}
    assert found["wild"].worth is None
    assert found["wild"].direction == "hurts"
    assert "not finite" in found["wild"].note
    assert found["tame"].worth is not None


def test_the_recipe_may_refuse_and_the_reason_is_kept(studies: Path) -> None:
    foreign = technique("mse", {"loss": "cross_entropy"}, {"loss": "mse"})
    found = run(studies / "scaled", foreign, L1, seeds=2)
    assert [s.technique for s in found.skipped] == ["mse"]
    assert "does not fit a regression task" in found.skipped[0].reason


def test_requests_that_make_no_sense(studies: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="at least 2"):
        run(studies / "scaled", seeds=1)
    with pytest.raises(RecipeError, match="no technique is left"):
        run(studies / "scaled", MEAN, add=False)
    tune(csv(tmp_path), tmp_path / "moved")
    (tmp_path / "t.csv").rename(tmp_path / "u.csv")
    with pytest.raises(SourceError, match=r"cotune ablate .* --data FILE"):
        run(tmp_path / "moved")
    assert run(tmp_path / "moved", L1, data=tmp_path / "u.csv").done == 3
    with Store.open(tmp_path / "moved" / "study.sqlite") as store:
        store.set_meta(finished="all trials done", result=None)
    with pytest.raises(StudyError, match="without a winner"):
        run(tmp_path / "moved")
    with Store.open(tmp_path / "moved" / "study.sqlite") as store:
        store.set_meta(finished=None)
    with pytest.raises(StudyError, match="cotune resume"):
        run(tmp_path / "moved")


def test_the_command_prints_keeps_and_reports(tmp_path: Path) -> None:
    study = tune(csv(tmp_path), tmp_path / "study", dropout=0.1)
    words = ("ablate", tmp_path / "study", "--seeds", "2", "--kind", "preparation")
    said = command(*words, "--no-add", "--json", "--quiet")
    assert (said.code, said.err) == (0, "")
    facts = json.loads(said.out)
    assert facts["done"] == 2
    assert {worth["kind"] for worth in facts["worths"]} == {"preparation"}
    assert not any(worth["added"] for worth in facts["worths"])
    assert read_ablation(tmp_path / "study" / "ablation.json") is not None
    said = command(*words, "--no-add")
    assert said.code == 0
    assert "taken out, one by one:" in said.out
    assert "standard" in said.out
    assert "cotune: ablating" in said.err
    page = study.report.read_text(encoding="utf-8")
    assert "What each technique was worth on your data" in page
    study.report.unlink()
    assert command("report", tmp_path / "study").code == 0
    assert study.report.read_text(encoding="utf-8") == page
    (tmp_path / "study" / "ablation.json").write_text("{")
    said = command("report", tmp_path / "study")
    assert said.code == 2
    assert "cotune ablate" in said.err
    with suppress(FileNotFoundError):
        (tmp_path / "study" / "ablation.json").unlink()
    assert command("ablate", tmp_path / "study", "--kind", "optimiser").code == 2
    said = command(
        "ablate", tmp_path / "study", "--seeds", "2", "--no-add", "--kind", "activation, loss", "--json"
    )
    assert said.code == 0
    assert {worth["kind"] for worth in json.loads(said.out)["worths"]} == {"activation", "loss"}
    said = command("ablate", tmp_path / "study", "--kind", "validation")
    assert said.code == 2
    assert "not ablated" in said.err


def test_a_second_ablation_keeps_the_rows_of_other_kinds_where_both_belong_together(studies: Path) -> None:
    study = studies / "scaled"
    path, said = study / "ablation.json", list[str]()
    path.unlink(missing_ok=True)
    sitting = Sitting(lambda _: None, said.append, lambda: False)
    first = run(study, seeds=2, sitting=sitting)
    assert not any("replaced" in line or "kept" in line for line in said)
    assert {w.kind for w in first.worths} > {"scaling"}
    second = run(study, seeds=2, kinds=["scaling"], sitting=sitting)
    assert {w.technique: w.scores for w in second.worths} == {w.technique: w.scores for w in first.worths}
    assert {w.technique: w.p_holm for w in second.worths} == {w.technique: w.p_holm for w in first.worths}
    assert second.networks == first.networks
    assert read_ablation(path) == second
    assert "earlier rows of other kinds are kept" in said[-1]
    third = run(study, seeds=3, kinds=["scaling"], sitting=sitting)
    assert {w.kind for w in third.worths} == {"scaling"}
    assert "replaced: it has another number of seeds (2, now 3)" in said[-1]
    run(study, seeds=3, add=False, sitting=sitting)
    assert "replaced: all kinds were asked for" in said[-1]
    path.write_text("{")
    assert run(study, L1, seeds=2).worths, "a damaged file is made anew"


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_what_an_earlier_networks_weights_were_worth_is_known(metric: str, tmp_path: Path) -> None:
    shape = {"width": 8, "depth": 1, "activation": "tanh", "scaling": "standard", "trials": 1, "metric": metric,
             "lr": 0.003, "weight_decay": 1e-4}  # fmt: skip
    source = csv(tmp_path)
    earlier = tune(source, tmp_path / "earlier", epochs=20, **shape)
    study = tune(source, tmp_path / "study", epochs=2, pretrained=str(earlier.path), **shape)
    fresh = tune(source, tmp_path / "fresh", epochs=2, **shape)
    found = study.ablate(seeds=4, kinds=["initialisation"])
    worths = {w.technique: w for w in found.worths}
    assert worths["pretrained"].direction == HELPS
    assert worths["pretrained"].changes == {"pretrained": None}
    assert worths["pretrained"].scores == fresh.ablate(seeds=4, kinds=["loss"]).scores, "as if it had none"
    assert {"he", "orthogonal"} <= {s.technique for s in found.skipped if "no weight is drawn" in s.reason}
    assert "pretrained" not in {w.technique for w in fresh.ablate(seeds=2, kinds=["initialisation"]).worths}


def test_augmentations_are_put_in_where_rows_are_images(tmp_path: Path) -> None:
    source = archive(tmp_path, rows=60)
    study = cotune.tune(source, target="y", out=tmp_path / "study", **{**SMALL, "trials": 1, "epochs": 2})
    found = study.ablate(seeds=2, kinds=["augmentation"])
    names = {w.technique for w in found.worths}
    assert {"rotate", "translate", "mixup"} <= names
    assert not names & {"feature_mask", "time_warp"}
    assert all(w.added for w in found.worths)
    assert "+ rotate" in study.report.read_text(encoding="utf-8")


def test_a_recurrent_network_is_given_techniques_of_series(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 8)), np.arange(60) % 2
    settings = {"epochs": 1, "trials": 1, "width": 8, "family": "gru", "scaling": "standard"}
    study = cotune.tune((x, y.astype(str)), out=tmp_path / "study", **settings)
    found = study.ablate(seeds=2, kinds=["augmentation"])
    assert {"time_warp", "jitter"} <= {w.technique for w in found.worths}
    assert not {"rotate", "feature_mask"} & {w.technique for w in found.worths}
    with pytest.raises(RecipeError, match=r"no kind .normalisation. of technique for this study"):
        study.ablate(seeds=2, kinds=["normalisation"])
