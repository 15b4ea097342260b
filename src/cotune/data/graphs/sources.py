"""Where graphs come from: .npz files, edge lists with tables of nodes, matrices and lists of neighbours, objects of
others.

Libraries for graphs are not needed: torch_geometric's and networkx' objects are known by what they have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from cotune.data.arrays import Ints
from cotune.data.graphs.edges import both_ways, edges_of, pairs_of
from cotune.data.graphs.rows import Graph
from cotune.data.tables.frames import as_numpy
from cotune.data.tables.handed import labels_of
from cotune.data.tables.sources import read_frame
from cotune.errors import ColumnError, SourceError, TargetError

EDGES, NODES = "edges.csv", "nodes.csv"

PARTS = ("train", "validation", "test")
KEYS = (
    "edges", "adjacency", "nodes", "features", "labels", "directed", "bounds", "names", *PARTS, "feature_row",
    "feature_col", "feature_value", "shape",
)  # fmt: skip
"""What a mapping, or an .npz file, may hold."""

UNLABELLED = -1
"""Whole numbers below 0 are no labels."""


@dataclass(frozen=True, eq=False)
class GraphSource:
    """A graph, and what is known of its nodes, or graphs.

    Args:
        graph: see `Graph`.
        labels: of every node, or graph where there are many; `None` where there are none.
        name, words: what the study and messages call the source.
        parts: numbers of the rows that the source gives for training, validation and test, by name.
    """

    graph: Graph
    labels: pl.Series | None
    name: str = "graph"
    words: str = "the graph"
    parts: Mapping[str, Ints] | None = None

    def place(self, row: int) -> str:
        """The words for a row in a message."""
        what = "node" if self.graph.bounds is None else "graph"
        return f"{what} {row} (counted from 0) of {self.words}"


def find_graph(source: object, target: str | None, edges: str | None = None) -> GraphSource | None:
    """The graph in a source, or `None` where it is something else.

    Args:
        source: path of an .npz file with `edges` or `adjacency`, of a folder with edges.csv and nodes.csv, or of a
        table
            of nodes; a mapping of arrays; an object of torch_geometric or networkx, a list of such, or a pair of a
            list of
            graphs and their labels.
        target: column, or attribute, with the labels.
        edges: path of the list of edges that belongs to a table of nodes.

    Raises:
        DataError: it is a graph, but cannot be used.
    """
    if isinstance(source, str | PathLike):
        return _from_path(Path(source), target, edges)
    if isinstance(source, tuple) and len(source) == 2 and _is_many(source[0]):
        found = _of_many([_one(each, target) for each in source[0]])
        labels = labels_of(source[1], target or "label")
        return replace(_checked(found, labels), words="the graphs")
    if _is_many(source):
        assert isinstance(source, Sequence)
        return _of_many([_one(each, target) for each in source])
    return _one(source, target) if _is_graph(source) else None


def _is_graph(value: object) -> bool:
    if isinstance(value, Mapping):
        return bool({"edges", "adjacency"} & {str(key) for key in value})
    return hasattr(value, "edge_index") or (hasattr(value, "adjacency") and hasattr(value, "is_directed"))


def _is_many(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_graph(each) for each in value)


def _one(value: Any, target: str | None) -> GraphSource:
    """A graph by itself."""
    if isinstance(value, Mapping):
        return _of_mapping({str(k): v for k, v in value.items()}, target, "graph", "the graph")
    return _of_geometric(value, target) if hasattr(value, "edge_index") else _of_networkx(value, target)


def _of_many(parts: Sequence[GraphSource]) -> GraphSource:
    """Many graphs side by side, with a label each."""
    sizes = [part.graph.nodes for part in parts]
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    edges = np.concatenate([p.graph.edges + bounds[i] for i, p in enumerate(parts)], axis=1)
    has = {part.graph.inputs for part in parts}
    if len(has) > 1:
        raise SourceError(
            f"all graphs must have the same features of nodes, but they have {min(has)} to {max(has)}; bring the same"
        )
    features: Any = None
    if has != {0}:
        kinds: list[Any] = [part.graph.features for part in parts]
        features = (
            sparse.vstack(kinds).tocsr() if any(sparse.issparse(f) for f in kinds) else np.concatenate(kinds)
        )
    labels = [part.labels for part in parts]
    known = [label for label in labels if label is not None]
    if known and (len(known) < len(parts) or any(label.len() != 1 for label in known)):
        i = next(i for i, label in enumerate(labels) if label is None or label.len() != 1)
        count = 0 if labels[i] is None else parts[i].labels.len()  # type: ignore[union-attr]
        raise TargetError(
            f"each of many graphs must have one label, but graph {i} (counted from 0) has {count}"
        )
    graph = Graph(int(bounds[-1]), edges, features, bounds)
    return GraphSource(graph, pl.concat(known) if known else None, words="the graphs")


def _checked(source: GraphSource, labels: pl.Series) -> GraphSource:
    rows = source.graph.nodes if source.graph.bounds is None else len(source.graph.bounds) - 1
    if labels.len() != rows:
        what = "nodes" if source.graph.bounds is None else "graphs"
        raise SourceError(
            f"there must be a label for each, but {source.words} has {rows} {what} and {labels.len()} labels"
        )
    return replace(source, labels=_known(labels))


def _known(labels: pl.Series) -> pl.Series:
    """Whole numbers below 0 become missing: the usual sign of a node without a label."""
    if not labels.dtype.is_integer():
        return labels
    return labels.set(labels < 0, None)


def _of_mapping(parts: Mapping[str, Any], target: str | None, name: str, words: str) -> GraphSource:
    unknown = sorted(set(parts) - set(KEYS))
    if unknown:
        raise SourceError(
            f"a graph is made of {', '.join(KEYS)}, but {words} has '{unknown[0]}'; take it out"
        )
    features = _features(parts, words)
    labels = None if parts.get("labels") is None else labels_of(parts["labels"], target or "label")
    bounds = None if parts.get("bounds") is None else np.asarray(parts["bounds"], dtype=np.int64)
    told = [] if features is None else [int(features.shape[0])]
    told += [] if labels is None or bounds is not None else [labels.len()]
    told += [] if bounds is None else [int(bounds[-1])]
    if parts.get("nodes") is not None:
        told.insert(0, int(parts["nodes"]))
    directed = bool(np.asarray(parts.get("directed", False)))
    if parts.get("edges") is not None:
        edges = pairs_of(parts["edges"], words)
        told += [] if told else [int(edges.max(initial=-1)) + 1]
    else:
        edges, count = edges_of(parts["adjacency"], words)
        told.append(count)
    if len(set(told)) > 1:
        raise SourceError(
            f"features, labels and edges must be of the same nodes, but {words} has {min(told)} and {max(told)}"
        )
    names = () if parts.get("names") is None else tuple(map(str, parts["names"]))
    graph = Graph(told[0], both_ways(edges, told[0], directed, words), features, bounds, names)
    found = GraphSource(graph, None, name, words, _parts(parts))
    return found if labels is None else _checked(found, labels)


def _parts(parts: Mapping[str, Any]) -> dict[str, Ints] | None:
    found = {}
    for name in PARTS:
        if parts.get(name) is not None:
            rows = np.asarray(parts[name])
            found[name] = np.flatnonzero(rows) if rows.dtype == bool else np.unique(rows.astype(np.int64))
    return found or None


def _features(parts: Mapping[str, Any], words: str) -> Any:
    given = parts.get("features")
    if given is None and parts.get("feature_row") is None:
        return None
    if given is None:
        rows, columns, values = (np.asarray(parts[f"feature_{part}"]) for part in ("row", "col", "value"))
        shape = tuple(int(n) for n in parts["shape"])
        found: Any = sparse.csr_matrix((values.astype(np.float32), (rows, columns)), shape=shape)
    elif sparse.issparse(given):
        found = sparse.csr_matrix(given, dtype=np.float32)
    else:
        found = np.ascontiguousarray(as_numpy(given, "features"), dtype=np.float32)
        if found.ndim == 1:
            found = found[:, None]
    values = found.data if sparse.issparse(found) else found
    if found.ndim != 2 or not np.isfinite(values).all():
        law = f"features must be finite numbers [node feature], but {words} has shape {found.shape}"
        raise SourceError(
            f"{law}{'' if found.ndim != 2 else ' with values that are not'}; fill in what is missing"
        )
    return found


def _from_path(path: Path, target: str | None, edges: str | None) -> GraphSource | None:
    name = path.name.split(".")[0]
    if path.suffix == ".npz" and path.is_file():
        try:
            with path.open("rb") as file, np.load(file) as found:
                if not {"edges", "adjacency"} & set(found.files):
                    return None
                parts = {key: found[key] for key in found.files}
        except (OSError, ValueError, BadZipFile) as error:
            raise SourceError(
                f"{path} must be a whole .npz file, but reading fails: {error}; copy it again, "
                "or save it with numpy.savez"
            ) from None
        return _of_mapping(parts, target, name, str(path))
    if path.is_dir() and (path / EDGES).is_file():
        if edges is None and not (path / NODES).is_file():
            raise SourceError(f"{path} has {EDGES} but no {NODES}; a graph needs a table of its nodes")
        return _from_tables(path / NODES, path / EDGES if edges is None else Path(edges), target, name)
    if edges is None:
        return None
    return _from_tables(path, Path(edges), target, name)


def _from_tables(nodes: Path, edges: Path, target: str | None, name: str) -> GraphSource:
    """A table of nodes, the first column their names, and one of edges, the first two columns their ends."""
    table, ends = read_frame(nodes), read_frame(edges)
    if ends.width < 2:
        raise SourceError(
            f"{edges} must have two columns, where edges lead from and to, but has {ends.width}"
        )
    names = table[table.columns[0]].cast(pl.String)
    if names.is_duplicated().any() or names.null_count():
        raise ColumnError(
            f"the first column of {nodes}, '{table.columns[0]}', must name every node once, but does not; make it so"
        )
    index = {str(each): i for i, each in enumerate(names)}
    found = []
    for column in ends.columns[:2]:
        cells = ends[column].cast(pl.String)
        unknown = next((i for i, cell in enumerate(cells) if cell not in index), None)
        if unknown is not None:
            raise ColumnError(
                f"edges must lead between nodes of {nodes}, but '{cells[unknown]}' in line {unknown + 2} of "
                f"{edges} is none"
            )
        found.append([index[cell] for cell in cells])
    target = target or (table.columns[-1] if table.width > 1 else None)
    labels = table[target] if target in table.columns else None
    others = [column for column in table.columns[1:] if column != target]
    words = f"{nodes} and {edges}"
    matrix = both_ways(np.array(found, dtype=np.int64), len(names), False, words)
    features = numeric_features(table.select(others), nodes) if others else None
    graph = Graph(len(names), matrix, features, None, tuple(map(str, names)))
    return GraphSource(graph, labels, name, words)


def numeric_features(table: pl.DataFrame, nodes: Path) -> NDArray[np.float32] | None:
    """Numbers as they are, words as one column for each; missing cells are 0."""
    found = []
    for column in table.columns:
        cells = table[column]
        numbers = cells.cast(pl.Float64, strict=False) if cells.dtype == pl.String else cells
        if cells.dtype == pl.String and numbers.null_count() > cells.replace("", None).null_count():
            words = sorted(set(cells.drop_nulls()))
            if len(words) > max(50, table.height // 5):
                raise ColumnError(
                    f"features of nodes must be numbers or a few words, but '{column}' of {nodes} has "
                    f"{len(words)} words; "
                    "leave the column out"
                )
            found += [(cells == word).fill_null(False).to_numpy() for word in words]
        else:
            found.append(numbers.cast(pl.Float64).fill_null(0.0).to_numpy())
    return np.stack(found, axis=1).astype(np.float32) if found else None


def _of_geometric(data: Any, target: str | None) -> GraphSource:
    """An object with `edge_index`, as torch_geometric's Data has; its edges are as they are listed."""
    parts: dict[str, Any] = {"edges": as_numpy(data.edge_index, "edge_index"), "directed": True}
    x, y = getattr(data, "x", None), getattr(data, "y", None)
    if x is not None:
        parts["features"] = as_numpy(x, "x")
    nodes = getattr(data, "num_nodes", None)
    if nodes is not None:
        parts["nodes"] = int(nodes)
    for name, theirs in (("train", "train_mask"), ("validation", "val_mask"), ("test", "test_mask")):
        mask = getattr(data, theirs, None)
        if mask is not None and np.ndim(mask) == 1:
            parts[name] = as_numpy(mask, theirs).astype(bool)
    found = _of_mapping(parts, target, "graph", "the graph")
    if y is None:
        return found
    labels = labels_of(as_numpy(y, "y").reshape(-1), target or "label")
    return replace(found, labels=_known(labels))


def _of_networkx(graph: Any, target: str | None) -> GraphSource:
    """A graph of networkx: nodes in their order, numbers among their attributes as features."""
    nodes = list(graph.nodes)
    index = {node: i for i, node in enumerate(nodes)}
    pairs = np.array([(index[a], index[b]) for a, b in graph.edges()], dtype=np.int64).reshape(-1, 2).T
    known = [graph.nodes[node] for node in nodes]
    target = target or "label"
    labels = None
    if any(target in each for each in known):
        labels = pl.Series(target, [each.get(target) for each in known], strict=False)
    elif target in graph.graph:
        labels = pl.Series(target, [graph.graph[target]])
    names = sorted({key for each in known for key in each if key != target})
    columns = [
        np.array([np.atleast_1d(each.get(key, 0.0)) for each in known], dtype=np.float32) for key in names
    ]
    features = np.concatenate(columns, axis=1) if columns else None
    edges = both_ways(pairs, len(nodes), bool(graph.is_directed()), "the graph")
    found = Graph(len(nodes), edges, features, None, tuple(map(str, nodes)))
    return GraphSource(found, labels)


def save_graph(source: GraphSource, target: str, path: Path) -> None:
    """Write a graph that came from memory, so that `find_graph` finds it there."""
    graph, labels = source.graph, source.labels
    parts: dict[str, Any] = {"edges": graph.edges, "nodes": graph.nodes, "directed": True}
    features: Any = graph.features
    if sparse.issparse(features):
        table = features.tocoo()
        parts |= {
            "feature_row": table.row,
            "feature_col": table.col,
            "feature_value": table.data,
            "shape": table.shape,
        }
    elif features is not None:
        parts["features"] = features
    if labels is not None:
        if labels.dtype.is_integer():
            parts["labels"] = labels.fill_null(UNLABELLED).to_numpy()
        elif labels.dtype.is_float():
            parts["labels"] = labels.fill_null(np.nan).to_numpy()
        else:
            parts["labels"] = np.array(labels.cast(pl.String).fill_null("").to_list(), dtype=np.str_)
    if graph.bounds is not None:
        parts["bounds"] = graph.bounds
    if graph.names:
        parts["names"] = np.array(graph.names, dtype=np.str_)
    del target
    with path.open("wb") as handle:
        np.savez(handle, **(parts | dict(source.parts or {})))
