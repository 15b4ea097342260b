"""Graphs as data: where they come from, which rows they have, how they are prepared."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx
import numpy as np
import pytest
from scipy import sparse

from cotune.data import load, split
from cotune.data.graphs.rows import GraphRows
from cotune.data.graphs.sources import find_graph, save_graph
from cotune.data.graphs.world import Entries, World
from cotune.data.prepare.graph import GraphPipeline
from cotune.data.prepare.structure import structure_features
from cotune.errors import CotuneError, SourceError
from cotune.recipe import make

N = 24
AROUND = np.arange(N)
EDGES = np.stack([AROUND, (AROUND + 1) % N])
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
Y = np.where(AROUND % 3 == 0, "red", "blue")
MATRIX = np.zeros((N, N), dtype=int)
MATRIX[EDGES[0], EDGES[1]] = MATRIX[EDGES[1], EDGES[0]] = 1
LISTS = [np.flatnonzero(row).tolist() for row in MATRIX]


def tables(folder: Path) -> Path:
    """A folder with edges.csv and nodes.csv, whose nodes have names."""
    folder.mkdir(exist_ok=True)
    rows = [f"n{i},{x[0]!s},{x[1]!s},{x[2]!s},{y}" for i, (x, y) in enumerate(zip(X, Y, strict=True))]
    (folder / "nodes.csv").write_text("\n".join(["id,a,b,c,colour", *rows]) + "\n")
    (folder / "edges.csv").write_text("\n".join(["from,to", *(f"n{a},n{b}" for a, b in EDGES.T)]) + "\n")
    return folder


def geometric(**more: Any) -> SimpleNamespace:
    """As torch_geometric's Data: both directions of every edge."""
    both = np.concatenate([EDGES, EDGES[::-1]], axis=1)
    return SimpleNamespace(edge_index=both, x=X, y=AROUND % 3 == 0, num_nodes=N, **more)


def ring() -> networkx.Graph:
    found = networkx.cycle_graph(N)
    for i in range(N):
        found.nodes[i].update(label=str(Y[i]), x=X[i])
    return found


def npz(folder: Path) -> Path:
    np.savez(folder / "ring.npz", edges=EDGES, features=X, labels=Y)
    return folder / "ring.npz"


SOURCES: dict[str, Callable[[Path], Any]] = {
    "edges": lambda _: {"edges": EDGES, "features": X, "labels": Y},
    "edges turned, sparse features": lambda _: {
        "edges": EDGES.T,
        "features": sparse.csr_matrix(X),
        "labels": Y,
    },
    "dense matrix": lambda _: {"adjacency": MATRIX, "features": X, "labels": Y},
    "sparse matrix": lambda _: {"adjacency": sparse.csr_matrix(MATRIX), "features": X, "labels": Y},
    "lists of neighbours": lambda _: {"adjacency": LISTS, "features": X, "labels": Y},
    "mapping of neighbours": lambda _: {"adjacency": dict(enumerate(LISTS)), "features": X, "labels": Y},
    "npz": npz,
    "folder of tables": lambda path: tables(path / "tables"),
    "geometric": lambda _: geometric(),
    "networkx": lambda _: ring(),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_the_same_graph(name: str, tmp_path: Path) -> None:
    found = load(SOURCES[name](tmp_path), target=None)
    rows = found.frame
    assert isinstance(rows, GraphRows)
    assert found.kind == "graph"
    assert (rows.task, rows.height, rows.graph.nodes) == ("node", N, N)
    dense = np.zeros((N, N), dtype=int)
    dense[rows.graph.edges[0], rows.graph.edges[1]] = 1
    np.testing.assert_array_equal(dense, MATRIX)
    features = rows.graph.features
    np.testing.assert_allclose(features.toarray() if sparse.issparse(features) else features, X, rtol=1e-6)
    expected = (AROUND % 3 == 0).astype(int)
    same = found.y == expected
    assert same.all() or not same.any(), "labels in another order"


@pytest.mark.parametrize("name", [name for name in SOURCES if name not in ("npz", "folder of tables")])
def test_what_is_kept_is_the_same_data(name: str, tmp_path: Path) -> None:
    source = SOURCES[name](tmp_path)
    found = load(source, target=None)
    graph = find_graph(source, found.target)
    assert graph is not None
    save_graph(graph, found.target, tmp_path / "graph.npz")
    again = load(tmp_path / "graph.npz", target=found.target)
    assert again.fingerprint == found.fingerprint


def test_a_table_of_nodes_with_its_edges_named(tmp_path: Path) -> None:
    folder = tables(tmp_path / "t")
    options = {"edges": str(folder / "edges.csv"), "graph_task": "auto"}
    found = load(folder / "nodes.csv", target="colour", options=options)
    assert found.frame.names[:2] == ("n0", "n1")
    assert found.fingerprint == load(folder, target="colour").fingerprint


def test_parts_of_the_source_are_honoured() -> None:
    parts = {"train": [0, 1, 3, 4, 6], "validation": [7, 8, 9, 10], "test": [12, 13, 14, 15, 21]}
    labels = np.where(AROUND < 22, AROUND % 3, -1)
    found = load({"edges": EDGES, "features": X, "labels": labels, **parts}, target=None)
    assert found.rows == 14
    divided = split(found, make().split, seed=3)
    numbers = found.frame.numbers[:, 0]
    assert numbers[divided.test].tolist() == parts["test"]
    assert numbers[divided.folds[0].validation].tolist() == parts["validation"]
    assert numbers[divided.folds[0].train].tolist() == parts["train"]
    folds = split(found, make(method="kfold", folds=3).split, seed=3)
    assert sum(len(fold.validation) for fold in folds.folds) == 9


def test_masks_and_nodes_without_labels() -> None:
    masks = {
        "train_mask": AROUND < 10,
        "val_mask": (AROUND >= 10) & (AROUND < 16),
        "test_mask": AROUND >= 18,
    }
    found = load(geometric(**masks), target=None)
    assert found.rows == 22
    assert found.test.tolist() == list(range(16, 22))
    unlabelled = load({"edges": EDGES, "labels": np.where(AROUND < 20, AROUND % 2, -1)}, target=None)
    assert unlabelled.rows == 20
    assert "4 nodes without a label" in unlabelled.notes[0]


def test_many_graphs() -> None:
    each = [geometric(), geometric()] * 6
    for i, graph in enumerate(each):
        graph.y = np.array([i % 2])
    found = load(each, target=None)
    assert (found.frame.task, found.rows) == ("graph", 12)
    pair = load(([{"edges": EDGES, "features": X}] * 12, [0, 1] * 6), target=None)
    assert pair.rows == 12
    assert pair.frame.graph.words().startswith("12 graphs with 288 nodes")


def test_links_leave_no_edge_of_test_or_validation_in_the_graph() -> None:
    ends = networkx.gnm_random_graph(40, 150, seed=1)
    found = load(
        {"edges": np.array(ends.edges()).T, "nodes": 40}, target=None, options={"graph_task": "link"}
    )
    assert found.rows == 300
    assert found.y.sum() == 150
    graph = found.frame.graph
    there = set(zip(*graph.edges.tolist(), strict=True))
    held = np.concatenate([found.test, found.validation])
    pairs = found.frame.numbers
    assert not any(tuple(pairs[i]) in there or tuple(pairs[i][::-1]) in there for i in held)
    training = np.setdiff1d(np.arange(300), held)
    assert all((tuple(pairs[i]) in there) == bool(found.y[i]) for i in training)
    assert len({tuple(sorted(pair)) for pair in pairs.tolist()}) == 300
    assert all(
        (tuple(p) in {tuple(sorted(e)) for e in ends.edges()}) == bool(y)
        for p, y in zip(pairs, found.y, strict=True)
    )


FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "an edge to nowhere": ({"edges": [[0], [99]], "features": X, "labels": Y}, {}, "between the 24 nodes"),
    "labels of others": ({"edges": EDGES, "features": X, "labels": Y[:5]}, {}, "same nodes"),
    "no labels": ({"edges": EDGES, "features": X}, {}, "need labels"),
    "a key of another kind": ({"edges": EDGES, "labels": Y, "weights": X}, {}, "'weights'"),
    "features that are not finite": ({"edges": EDGES, "features": X * np.inf, "labels": Y}, {}, "finite"),
    "a matrix that is not square": ({"adjacency": MATRIX[:3], "labels": Y}, {}, "square"),
    "graphs where one is asked for": ({"edges": EDGES, "labels": Y}, {"graph_task": "graph"}, "does not fit"),
    "graphs with other features": ([geometric(), {"edges": EDGES}], {}, "same features"),
    "several labels a graph": ([geometric(), geometric()], {}, "one label"),
    "too few edges": ({"edges": EDGES[:, :9]}, {"graph_task": "link"}, "20 edges"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_state_law_and_remedy(name: str) -> None:
    source, options, words = FAULTS[name]
    with pytest.raises(CotuneError, match=words):
        load(source, target=None, options=options)


def test_edges_that_name_no_node_are_found_by_their_line(tmp_path: Path) -> None:
    folder = tables(tmp_path / "t")
    with (folder / "edges.csv").open("a") as file:
        file.write("n0,n99\n")
    with pytest.raises(CotuneError, match=r"'n99' in line 26 of .*edges.csv"):
        load(folder, target="colour")


@pytest.mark.parametrize("structure", ["none", "degree", "walks", "all"])
@pytest.mark.parametrize("scaling", ["row", "standard", "none"])
@pytest.mark.parametrize("dense", [True, False])
def test_preparations_come_back_bit_for_bit(dense: bool, scaling: str, structure: str) -> None:
    features = X if dense else sparse.csr_matrix(np.where(X > 0, X, 0))
    found = load({"edges": EDGES, "features": features, "labels": Y}, target=None)
    settings = {"node_scaling": scaling, "structure": structure}
    made = GraphPipeline.fit(found, np.arange(10), settings)
    again = GraphPipeline.from_json(made.to_json())
    assert again == made
    assert again.world_name == made.world_name
    world = made.world(found.frame)
    assert world.nodes == N
    assert made.world(found.frame) is world
    assert made.describe()
    x = world.dense[:N] if world.sparse is None else dense_of(world)
    if scaling == "row":
        total = np.abs(np.asarray(x)).sum(1)
        np.testing.assert_allclose(total[total > 0], 1.0, rtol=1e-5)
        assert (total > 0).sum() >= 20
    if scaling == "standard" and dense:
        np.testing.assert_allclose(x.mean(0)[x.std(0) > 1e-3], 0.0, atol=1e-5)


def dense_of(world: World) -> np.ndarray:
    found = np.zeros((world.nodes, world.inputs))
    keep = world.sparse.rows < world.nodes
    found[world.sparse.rows[keep], world.sparse.columns[keep]] = world.sparse.factors[keep]
    return found


def test_new_graphs_must_have_the_same_features() -> None:
    found = load({"edges": EDGES, "features": X, "labels": Y}, target=None)
    made = GraphPipeline.fit(found, np.arange(10), {})
    rows = made.read({"edges": [[0, 1], [1, 2]], "features": X[:4]})
    assert rows.height == 4
    with pytest.raises(SourceError, match="3 features"):
        made.read({"edges": EDGES, "features": X[:, :2]})
    with pytest.raises(SourceError, match="nodes of a graph"):
        made.read(X)


def test_structure_of_a_triangle_with_a_tail() -> None:
    """Node 3 hangs on node 2 of a triangle; walks and triangles counted by hand."""
    found = find_graph({"edges": [[0, 1, 2, 2], [1, 2, 0, 3]], "nodes": 4}, None)
    assert found is not None
    whole = structure_features(found.graph, "all")
    degree, clustering, walks = whole[:, 0], whole[:, 10], whole[:, 11:]
    np.testing.assert_allclose(degree, np.log1p([2, 2, 3, 1]), rtol=1e-6)
    np.testing.assert_allclose(clustering, [1, 1, 1 / 3, 0], rtol=1e-6)
    # back after two steps: node 3 goes to 2 and from there back by chance 1/3
    np.testing.assert_allclose(walks[3, 0], 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(walks[0, 1], 2 * (1 / 2 * 1 / 2 * 1 / 3), rtol=1e-6)
    np.testing.assert_array_equal(structure_features(found.graph, "walks"), walks)


def test_entries_are_sorted_and_graphs_are_taken_out() -> None:
    import torch

    rows, columns = torch.tensor([2, 0, 2, 1]), torch.tensor([1, 2, 0, 0])
    found = Entries.of(rows, columns, (4, 3), torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert found.rows.tolist() == [0, 1, 2, 2]
    assert found.columns.tolist() == [2, 0, 0, 1]
    assert found.factors.tolist() == [2.0, 4.0, 3.0, 1.0]
    assert found.some(torch.tensor([2, 3, 0])).columns.tolist() == [0, 1, 2]
    ends = torch.tensor([[0, 1, 3, 4], [1, 2, 4, 5]])
    world = World.of(6, *ends, torch.arange(6.0)[:, None], torch.tensor([0, 3, 6]))
    some, own = world.graphs(torch.tensor([1, 1, 0]))
    assert own.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert some.dense[:9, 0].tolist() == [3, 4, 5, 3, 4, 5, 0, 1, 2]
    assert some.edges.columns.tolist() == [0, 1, 3, 4, 6, 7]
    assert some.edges.rows.tolist() == [1, 2, 4, 5, 7, 8]


def test_cora(shared_data: Callable[[str], Path]) -> None:
    found = load(shared_data("cora.npz"), target=None)
    divided = split(found, make().split, seed=0)
    assert (len(found.classes), len(divided.test), len(divided.folds[0].validation)) == (7, 1000, 500)
    assert len(divided.folds[0].train) == 140
    assert found.frame.graph.edges.shape == (2, 2 * 5278)
