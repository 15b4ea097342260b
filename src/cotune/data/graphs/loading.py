"""From a graph to a data set: labels read, rows told apart from nodes that are only there, pairs drawn."""

import hashlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from cotune.data.arrays import Ints
from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.graphs.rows import ROW, Graph, GraphRows
from cotune.data.graphs.sources import PARTS, GraphSource, find_graph, save_graph
from cotune.data.request import Request
from cotune.data.target import Target, label_type, read_target
from cotune.data.targets import one_name
from cotune.errors import ColumnError, SourceError, TargetError
from cotune.files import replacing
from cotune.types import Task

LINK_TEST, LINK_VALIDATION = 0.1, 0.05
"""Shares of the edges that are set aside where edges are to be predicted, as Kipf & Welling 2016 do."""

COLUMN = "graph"


def find(request: Request) -> Dataset | None:
    """The data set of a graph; `None` where the source is something else."""
    asked, options = request.asked, request.options
    asked_target = one_name(asked.target)
    source = find_graph(request.source, asked_target, options.get("edges"))
    if source is None:
        if options.get("edges") is not None:
            raise SourceError(
                "data.edges belongs to a table of nodes, but the source is something else; leave it out"
            )
        return None
    for role, name in (
        ("group", asked.group),
        ("time", asked.time),
        ("columns", next(iter(asked.columns), None)),
    ):
        if name is not None:
            raise ColumnError(
                f"{role} names the column '{name}', which has no meaning for graphs; leave it out"
            )
    asked_for = str(options.get("graph_task", "auto"))
    task = asked_for if asked_for != "auto" else "node" if source.graph.bounds is None else "graph"
    if (task == "graph") != (source.graph.bounds is not None):
        rows = "one graph" if source.graph.bounds is None else "many graphs"
        raise SourceError(
            f"data.graph_task {task} does not fit {source.words}, which is {rows}; leave it out"
        )
    target = asked_target or (source.labels.name if source.labels is not None else "label")
    return _pairs(source, target) if task == "link" else _labelled(source, task, target, asked.task)


def keep(source: object, target: str, path: Path) -> bool:
    """Write a graph that came from memory where `find` finds it again; whether it is one."""
    found = find_graph(source, target)
    if found is None:
        return False
    with replacing(path) as partial:
        save_graph(found, target, partial)
    return True


def _labelled(source: GraphSource, task: str, target: str, asked: str) -> Dataset:
    """Rows are the nodes, or graphs, with a label; where the source divides them, those that have a part."""
    if source.labels is None:
        raise TargetError(
            f"{ROW[task]} need labels to be learned, but {source.words} has none; bring `labels`, name their "
            f"column with "
            "--target, or set data.graph_task: link"
        )
    goal = read_target(source.labels, asked, source.place)
    kept, notes = goal.kept, []
    without = source.labels.len() - len(kept)
    if without:
        notes.append(
            f"{without} {ROW[task]} without a label are no rows{' but part of the graph' if task == 'node' else ''}"
        )
    parts = source.parts or {}
    if {"train", "validation", "test"} <= set(parts):
        used = np.unique(np.concatenate([parts[name] for name in PARTS]))
        spare = np.setdiff1d(kept, used)
        kept = np.intersect1d(kept, used)
        if len(spare):
            notes.append(
                f"{len(spare)} {ROW[task]} are in no part of the source's division: their labels are not used"
            )
    own = np.isin(goal.kept, kept)
    return _dataset(
        GraphRows(source.graph, task, kept[:, None]),
        source,
        Target(goal.task, goal.classes, goal.y[own], kept, goal.distinct),
        target,
        notes,
        label_type(source.labels.dtype, goal.classes, from_text=False),
        **{name: _places(kept, parts.get(name)) for name in ("test", "validation")},
    )


def _places(kept: Ints, rows: Ints | None) -> Ints | None:
    return None if rows is None else np.flatnonzero(np.isin(kept, rows))


def _pairs(source: GraphSource, target: str) -> Dataset:
    """Rows are edges, and as many pairs that are none; the graph keeps the edges of the training rows alone.

    Which edges are set aside, and which pairs are drawn, depends on the graph alone.
    """
    graph, g = source.graph, np.random.default_rng(0)
    keys = np.unique(np.sort(graph.edges, axis=0), axis=1)
    count = keys.shape[1]
    if count < 20:
        raise SourceError(
            f"at least 20 edges are needed to learn from, but {source.words} has {count}; bring more"
        )
    positive = keys[:, g.permutation(count)].T
    negative = _no_edges(graph, count, g)
    held, used = round(LINK_TEST * count), round(LINK_VALIDATION * count)
    part = np.repeat([0, 1, 2], [held, used, count - held - used])
    messages = positive[part == 2].T
    there = np.concatenate([messages, messages[::-1]], axis=1)
    rows = np.concatenate([positive, negative])
    y = np.repeat([1, 0], [count, count]).astype(np.int64)
    parts = np.concatenate([part, part])
    goal = Target(Task.BINARY, ("0", "1"), y, np.arange(2 * count), 2)
    left = Graph(graph.nodes, there, graph.features, None, graph.names)
    notes = [
        f"{held} edges are test rows and {used} validation rows, with as many pairs without an edge; the graph is "
        "left without them"
    ]
    return _dataset(
        GraphRows(left, "link", rows.astype(np.int64)),
        source,
        goal,
        target,
        notes,
        "int",
        test=np.flatnonzero(parts == 0),
        validation=np.flatnonzero(parts == 1),
    )


def _no_edges(graph: Graph, count: int, g: np.random.Generator) -> Ints:
    """Different pairs of nodes without an edge [row 2]."""
    n, known = graph.nodes, set((graph.edges[0] * graph.nodes + graph.edges[1]).tolist())
    free = n * (n - 1) // 2 - len(known) // 2
    if free < count:
        raise SourceError(
            f"there must be as many pairs without an edge as with one, but there are {free} and {count}"
        )
    found: dict[int, None] = {}
    while len(found) < count:
        a, b = g.integers(n, size=(2, 2 * count))
        low, high = np.minimum(a, b), np.maximum(a, b)
        for key in (low * n + high)[low < high].tolist():
            if key not in known and len(found) < count:
                found[key] = None
    drawn = np.fromiter(found, dtype=np.int64)
    return np.stack([drawn // n, drawn % n], axis=1)


def _dataset(
    frame: GraphRows, source: GraphSource, goal: Target, target: str, notes: list[str], kind: str, *,
    test: Ints | None, validation: Ints | None,
) -> Dataset:  # fmt: skip
    graph = frame.graph
    columns = (
        Column(COLUMN, "graph", 0, frame.height, True, graph.words()),
        Column(target, "target", 0, goal.distinct, True, f"to be predicted: {goal.task}"),
    )
    return Dataset(
        frame=frame,
        columns=columns,
        target=target,
        task=goal.task,
        classes=goal.classes,
        y=goal.y,
        groups=None,
        times=None,
        name=source.name,
        fingerprint=_fingerprint(frame, target, goal, test, validation),
        notes=tuple(notes),
        label_type=kind,
        test=test,
        validation=validation,
    )


def _fingerprint(frame: GraphRows, target: str, goal: Target, *arrays: Any) -> str:
    """SHA-256 of edges, features, rows and labels."""
    graph, digest = frame.graph, hashlib.sha256(frame.task.encode())
    features: Any = graph.features
    parts: list[Any] = [np.array([graph.nodes]), graph.edges, graph.bounds, frame.numbers]
    parts += [features.data, features.indices, features.indptr] if sparse.issparse(features) else [features]
    for part in parts:
        digest.update(b"\0" if part is None else f"{part.dtype.str}{part.shape}".encode())
        digest.update(b"" if part is None else np.ascontiguousarray(part).data)
    digest.update(fingerprint((), target, goal.classes, goal.y, *arrays).encode())
    return digest.hexdigest()


def rows_to_predict(source: object, task: str, target: str | None = None) -> GraphRows:
    """All rows of a graph that is handed over to be predicted; of pairs, a pair (graph, pairs of nodes).

    Args:
        task: what a row is.
        target: what the study predicts; nodes that bring it all the same are not told by it.

    Raises:
        SourceError: it is no graph, or of another kind.
    """
    given = source if isinstance(source, str | PathLike) else f"a {type(source).__name__}"
    if isinstance(source, GraphRows):
        return source
    if task == "link":
        if not isinstance(source, tuple) or len(source) != 2:
            raise SourceError(
                f"links are predicted for a pair (graph, pairs of nodes) in Python, but got {given}; pass both to "
                "`study.best.predict`"
            )
        graph, pairs = find_graph(source[0], target), np.asarray(source[1], dtype=np.int64)
        if graph is not None and (
            pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.max(initial=0) >= graph.graph.nodes
        ):
            raise SourceError(
                f"pairs must be numbers of nodes [row 2], but have shape {pairs.shape}; see the graph's count"
            )
    else:
        graph = find_graph(source, target)
        if graph is not None and (graph.graph.bounds is not None) != (task == "graph"):
            graph = _single(graph) if task == "graph" else None
    if graph is None:
        raise SourceError(
            f"the study predicts {ROW[task]} of a graph, but got {given}; name an .npz of edges and features, or a "
            "folder with edges.csv and nodes.csv"
        )
    if task == "link":
        return GraphRows(graph.graph, task, pairs)
    bounds = graph.graph.bounds
    count = graph.graph.nodes if bounds is None else len(bounds) - 1
    return GraphRows(graph.graph, task, np.arange(count)[:, None])


def _single(source: GraphSource) -> GraphSource:
    """One graph, as many."""
    graph = source.graph
    many = Graph(
        graph.nodes, graph.edges, graph.features, np.array([0, graph.nodes], dtype=np.int64), graph.names
    )
    return GraphSource(many, None, source.name, source.words)
