"""Studies of graphs, from a source to predictions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cotune
from cotune.engine.pretrain_graphs import METHODS, pretrained
from cotune.errors import RecipeError
from cotune.recipe.names import GRAPHS
from engine.graphs import graph_network, graph_rows

QUICK: dict[str, Any] = {
    "trials": 2, "epochs": 20, "width": 16, "lr": [0.01, 0.03], "dropout": 0.2, "input_dropout": 0.0, "l2": 1e-4,
    "activation": "relu", "attention_dropout": 0.0, "rungs": False, "device": "cpu",
}  # fmt: skip
GROUPS, EACH = 3, 30


def quick(family: str) -> dict[str, Any]:
    """Settings of a small study."""
    return {
        **{k: v for k, v in QUICK.items() if k != "attention_dropout" or family == "gat"},
        "family": family,
    }


def communities(seed: int = 0, features: bool = True) -> dict[str, Any]:
    """Three groups of nodes; edges lead within a group nine times out of ten, features tell groups apart a little."""
    g = np.random.default_rng(seed)
    nodes = GROUPS * EACH
    group = np.arange(nodes) % GROUPS
    a = g.integers(nodes, size=6 * nodes)
    inside = g.random(6 * nodes) < 0.9
    b = np.where(
        inside, g.integers(EACH, size=6 * nodes) * GROUPS + group[a], g.integers(nodes, size=6 * nodes)
    )
    found: dict[str, Any] = {"edges": np.stack([a, b]), "labels": np.array(["a", "b", "c"])[group]}
    if features:
        found["features"] = g.normal(size=(nodes, 6)) + 1.5 * np.eye(GROUPS, 6)[group]
    return found


@pytest.mark.parametrize("family", GRAPHS)
def test_nodes_are_told_on_the_same_graph_and_on_a_new_one(family: str, tmp_path: Path) -> None:
    settings = (
        quick(family)
        | {"epochs": 60, "trials": 1, "lr": 0.03}
        | ({"norm": "batch"} if family == "gin" else {})
    )
    study = cotune.tune(communities(), out=tmp_path / "s", node_scaling="standard", **settings)
    model = study.best
    for seed in (0, 1):
        graph = communities(seed)
        said = model.predict(graph)
        assert said.dtype.kind == "U"
        assert (said == graph["labels"]).mean() > 0.6
    again = cotune.load(study.path).best.predict_proba(communities())
    np.testing.assert_array_equal(again, model.predict_proba(communities()))
    assert study.show()["best"]["test_score"] > 0.7


def test_nodes_without_features_are_told_by_structure(tmp_path: Path) -> None:
    """Hubs with many leaves, and paths: degrees tell them apart."""
    hubs = [(hub, 60 + 10 * hub + leaf) for hub in range(6) for leaf in range(10)]
    ends = np.array(hubs + [(i, i + 1) for i in range(6, 59)]).T
    labels = np.where(np.arange(120) < 6, 2, np.where(np.arange(120) < 60, 1, 0))
    source = {"edges": ends, "labels": labels, "nodes": 120}
    study = cotune.tune(source, out=tmp_path / "s", structure="all", **{**quick("gin"), "norm": "batch"})
    assert (study.best.predict(source) == labels).mean() > 0.95


def test_graphs_are_told(tmp_path: Path) -> None:
    """Rings of six against pairs of triangles, with degrees alone all nodes are alike: walks see the difference."""
    ring = np.stack([np.arange(6), (np.arange(6) + 1) % 6])
    triangles = np.array([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]])
    many = [{"edges": ring if i % 2 else triangles, "nodes": 6} for i in range(60)]
    labels = [i % 2 for i in range(60)]
    settings = {**quick("gin"), "structure": "walks", "node_scaling": "standard", "batch_size": 16}
    study = cotune.tune((many, labels), out=tmp_path / "s", **settings)
    assert study.best.predict(many).tolist() == labels
    assert study.best.predict(many[0]).tolist() == labels[:1]


def test_links_are_told(tmp_path: Path) -> None:
    source = {key: value for key, value in communities().items() if key != "labels"}
    study = cotune.tune(
        source, out=tmp_path / "s", graph_task="link", metric="roc_auc", **{**quick("sage"), "epochs": 40}
    )
    assert study.show()["best"]["test_score"] > 0.65
    pairs = [[0, 3], [0, 1]]
    assert study.best.predict_proba((source, pairs)).shape == (2, 2)


@pytest.mark.parametrize("pretrain", ["none", "masked"])
def test_a_study_that_is_resumed_is_the_same(pretrain: str, tmp_path: Path) -> None:
    """Stopped after some boundaries and taken up; the graph came from memory and lies in the study."""
    settings = {**quick("gcn"), "pretrain": pretrain, "seed": 5, "edge_drop": 0.2}
    settings |= {} if pretrain == "none" else {"pretrain_epochs": 5}
    whole = cotune.tune(communities(), out=tmp_path / "whole", **settings)
    part = cotune.tune(communities(), out=tmp_path / "part", **settings)
    assert (part.path / "graph.npz").exists()
    first, second = (study.view().leaderboard() for study in (whole, part))
    for row in (*first, *second):
        row.pop("seconds")
    assert json.dumps(first) == json.dumps(second)
    again = cotune.resume(part.path)
    assert again.show()["best"] == whole.show()["best"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", ["node", "graph"])
def test_what_is_learned_without_labels(task: str, method: str) -> None:
    """The same each time, other than what was drawn, with the names and shapes of the hidden convolutions."""
    network, world = graph_network("gin", task, norm="batch"), graph_rows(task).world
    found = [pretrained(network, world, "relu", method=method, epochs=n, seed=3) for n in (8, 8, 0)]
    shapes = {
        w.name: w.shape
        for w in (*network.weights(), *network.statistics())
        if w.name.startswith("convolution")
    }
    assert {name: tuple(tensor.shape) for name, tensor in found[0].items()} == shapes
    assert all(torch.equal(found[0][name], found[1][name]) for name in shapes)
    moved = [name for name in shapes if not torch.equal(found[0][name], found[2][name])]
    assert set(moved) >= {name for name in shapes if name.endswith("weight") and "norm" not in name}


def test_lanes_begin_with_what_was_learned(tmp_path: Path) -> None:
    settings = {**quick("gcn"), "trials": 1, "lr": 1e-9, "epochs": 1, "pretrain_epochs": 3}
    found = []
    for pretrain in ("none", "dgi"):
        study = cotune.tune(communities(), out=tmp_path / pretrain, **{**settings, "pretrain": pretrain})
        found.append(study.best.networks[0].tensors["convolution0.weight"])
    assert not torch.allclose(*found, atol=1e-3)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a family of other rows": ({"family": "cnn"}, "learns from images, but the rows are graphs"),
    "a key of tables": ({"scaling": "minmax"}, "no meaning for graphs"),
    "a readout of nodes": (
        {"family": "gcn", "readout": "mean"},
        "network.readout has no meaning where nodes",
    ),
    "a decoder of nodes": ({"family": "gcn", "decoder": "mlp"}, "network.decoder has no meaning"),
    "heads of another family": ({"family": "gcn", "heads": 2}, "heads has no meaning"),
    "instance norm": ({"family": "gcn", "norm": "instance"}, "normalise the units of nodes"),
    "mixup": ({"family": "gcn", "mixup": 0.2}, "rows by themselves"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_nothing_is_refused(name: str, tmp_path: Path) -> None:
    settings, words = REFUSED[name]
    with pytest.raises(RecipeError, match=words):
        cotune.tune(communities(), out=tmp_path / "s", trials=1, epochs=1, **settings)
