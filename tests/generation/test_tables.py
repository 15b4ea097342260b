"""A table's preparation the other way round: rows come back, with types, ranges, categories and what is missing."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import torch

from cotune.data import Dataset, Pipeline, load
from cotune.data.prepare.inverse import MISSING, Renderer, unscaled
from cotune.data.prepare.scale import LINEAR, apply, fit
from cotune.engine import rng
from cotune.errors import ColumnError, ModelError, SplitError
from cotune.nets.gan import tables as gan_tables
from cotune.nets.gan.pair import GAN
from cotune.types import Task

ROWS = 400


def frame(rows: int = ROWS) -> pl.DataFrame:
    random = np.random.default_rng(0)
    age = random.integers(18, 90, rows)
    return pl.DataFrame(
        {
            "age": pl.Series(age, dtype=pl.Int64),
            "price": np.round(random.gamma(2.0, 30.0, rows), 2),
            "gap": [None if i % 5 == 0 else float(i % 17) for i in range(rows)],
            "city": random.choice(["Bern", "Oslo", "Rome"], rows),
            "rank": [None if i % 9 == 0 else "ab"[i % 2] for i in range(rows)],
            "member": random.uniform(size=rows) > 0.3,
            "day": [date(2020, 1, 1) + timedelta(days=int(d)) for d in random.integers(0, 900, rows)],
            "moment": [
                datetime(2021, 5, 1) + timedelta(minutes=int(m)) for m in random.integers(0, 9000, rows)
            ],
        }
    )


def dataset(rows: int = ROWS) -> Dataset:
    return load(frame(rows), target=None, task="generation")


def renderer(scaling: str = "standard", data: Dataset | None = None) -> tuple[Renderer, Dataset]:
    data = data or dataset()
    rows = np.arange(data.rows)
    settings = {"scaling": scaling, "categories": "onehot", "numbers": "plain", "select": "none"}
    return Renderer.fit(Pipeline.fit(data, rows, settings), data, rows), data


def test_every_column_is_learned_and_nothing_is_a_target() -> None:
    data = dataset()
    assert data.task is Task.GENERATION
    assert (data.target, data.classes) == ("", ())
    assert data.table.columns == frame().columns


@pytest.mark.parametrize("scaling", ["none", *LINEAR, "quantile"])
def test_numbers_leave_their_scale(scaling: str) -> None:
    x = np.random.default_rng(1).gamma(2.0, 3.0, (500, 3))
    state = fit(x, method=scaling)
    np.testing.assert_allclose(unscaled(state, apply(state, x)), x, rtol=1e-4, atol=0.02)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "quantile"])
def test_real_rows_come_back(scaling: str) -> None:
    made, data = renderer(scaling)
    x = made.pipeline.encode(data.table[np.arange(ROWS)]).numeric
    assert sum(size for _, size in made.blocks) == x.shape[1]
    back, truth = made.table(x), frame()
    assert back.columns == truth.columns
    for name in ("city", "member", "age", "gap", "day"):
        assert back[name].dtype == (truth[name].dtype if name != "gap" else pl.Int64), name
    for name in ("city", "member"):
        assert back[name].to_list() == truth[name].to_list()
    assert back["gap"].is_null().to_list() == truth["gap"].is_null().to_list()
    near = 3 if scaling == "quantile" else 0
    assert (back["age"] - truth["age"]).abs().max() <= near
    assert np.abs((back["price"] - truth["price"]).to_numpy()).max() <= 0.011 + 2 * near
    assert abs((back["day"] - truth["day"]).dt.total_days()).max() <= near
    apart = (back["moment"] - truth["moment"]).dt.total_seconds().abs().max()
    assert apart <= 60 + near * 86_400


def test_what_is_made_lies_in_the_range_of_the_training_rows() -> None:
    made, data = renderer("standard")
    wild = np.random.default_rng(3).standard_normal(
        (300, made.pipeline.encode(data.table[np.arange(2)]).numeric.shape[1])
    )
    rows, truth = made.table((20 * wild).astype(np.float32)), frame()
    for name in ("age", "price", "day", "moment"):
        assert rows[name].min() >= truth[name].min(), name
        assert rows[name].max() <= truth[name].max(), name
    assert ((rows["price"] * 100).round() - rows["price"] * 100).abs().max() < 1e-9
    assert set(rows["city"]) == {"Bern", "Oslo", "Rome"}
    assert set(rows["rank"]) == {"a", "b", None}
    assert rows["city"].null_count() == 0


def test_rare_cells_are_drawn_as_often_as_they_were() -> None:
    common = [f"c{i % 100}" for i in range(1000)]
    rare = [f"r{i}" for i in range(30)] + [None] * 90
    data = load(
        pl.DataFrame({"name": common + rare, "x": np.arange(1120.0) / 7}), target=None, task="generation"
    )
    made, _ = renderer(data=data)
    assert made.columns[0].rare.count(MISSING) == 90
    none = np.zeros((2000, 101), dtype=np.float32)
    found = made.typed(none, seed=1)["name"]
    assert found.null_count() / 2000 == pytest.approx(0.75, abs=0.04)
    assert set(found.drop_nulls()) == {f"r{i}" for i in range(30)}
    assert made.typed(none, seed=1)["name"].to_list() == found.to_list()
    assert made.typed(none, seed=2)["name"].to_list() != found.to_list()


def test_a_renderer_is_saved_bit_for_bit() -> None:
    made, _ = renderer("quantile")
    tree = made.to_json()
    assert Renderer.from_json(tree) == made
    tree["state"]["columns"][0]["high"] += 1
    with pytest.raises(ModelError, match="checksum"):
        Renderer.from_json(tree)


def test_sampled_flags_and_categories_have_the_probabilities_of_the_generator() -> None:
    gan = GAN((), ("flag", "choice", "category"), (1, 3, 2), latent=4, width=16, depth=1)
    logits = torch.tensor([0.8, 0.5, -1.0, 0.2, 0.0, 1.0, -0.5])
    rows = 20_000
    weights = {
        "generator0.weight": torch.zeros(1, 4, 16),
        "generator0.norm.weight": torch.ones(1, 16),
        "generator0.norm.bias": torch.zeros(1, 16),
        "generator1.weight": torch.zeros(1, 16, 16),
        "generator1.bias": torch.cat([logits, torch.zeros(9)]).unsqueeze(0),
    }
    chance = gan_tables.chance_of(gan, lambda count: rng.uniforms(torch.tensor([5]), count), rows)
    x = gan.generated(
        torch.zeros(1, rows, 4), weights, {"generator0": (torch.zeros(1, 16), torch.ones(1, 16))}, chance
    )
    shares = gan_tables.sharp(gan, x[0]).mean(0)
    truth = torch.cat([logits[:1].sigmoid(), logits[1:4].softmax(0), logits[4:7].softmax(0)[1:]])
    torch.testing.assert_close(shares, truth, atol=0.015, rtol=0)
    assert set(gan_tables.sharp(gan, x[0]).unique().tolist()) == {0.0, 1.0}


def test_bad_requests_say_why() -> None:
    with pytest.raises(SplitError, match="at least 20 rows"):
        dataset(12)
    with pytest.raises(ColumnError, match="did you mean 'city'"):
        load(frame(), target="cty", task="generation")
    with pytest.raises(ColumnError, match="name the folder"):
        load(frame(), target=None, task="generation", columns={"city": "image"})
