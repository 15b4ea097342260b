"""The preparation of graphs, fitted: from nodes' features, and from edges alone, to what networks read.

| name     | features become                                                                      |
|----------|--------------------------------------------------------------------------------------|
| row      | x / Σ|x| of each node (Kipf & Welling 2017)                                            |
| standard | (x − mean) / deviation of each feature; sparse ones keep their zeros, and are not shifted |
| none     | as they are                                                                          |

Mean and deviation are those of all nodes of the graph, whose features the network sees in any case; of many graphs
those of
the training rows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from cotune.data.arrays import LARGEST, Floats, Ints
from cotune.data.dataset import Dataset
from cotune.data.graphs.loading import rows_to_predict
from cotune.data.graphs.rows import ROW, Graph, GraphRows
from cotune.data.graphs.world import Entries, World
from cotune.data.prepare import balance
from cotune.data.prepare.codec import GRAPH_FORMAT, seal, unseal
from cotune.data.prepare.features import Features, Figure, target_scale
from cotune.data.prepare.settings import decided_graph
from cotune.data.prepare.structure import structure_features
from cotune.errors import SourceError
from cotune.types import Value

FORMAT = GRAPH_FORMAT


@dataclass(frozen=True)
class GraphPipeline:
    """A fitted preparation of graphs; the counterpart of `Pipeline`.

    Args:
        task: what a row is.
        target: what is predicted.
        method: "row", "standard" or "none".
        structure: features from edges, a name of `cotune.data.prepare.structure`.
        inputs: features that nodes bring.
        mean, deviation: of each feature, where the method is "standard".
        nodes: how many the study's graph has.
        class_weights, class_rows, target_mean, target_scale: as of `Pipeline`.
    """

    task: str
    target: str
    method: str
    structure: str
    inputs: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    nodes: int
    class_weights: tuple[float, ...] | None
    class_rows: tuple[int, ...]
    target_mean: Figure
    target_scale: Figure

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "GraphPipeline":
        """The preparation that `settings` describe, learned from `rows` alone.

        Args:
            dataset: of a graph.
            rows: indices of the training rows.
            settings: `node_scaling`, `structure` and `balance` of the recipe's `prepare` section.

        Raises:
            RecipeError: an illegal setting.
        """
        method, structure, weighing = decided_graph(settings)
        frame = dataset.frame
        assert isinstance(frame, GraphRows)
        graph = frame.graph
        structure = "degree" if graph.features is None and structure == "none" else structure
        mean: Floats = np.zeros(0)
        deviation: Floats = np.zeros(0)
        if method == "standard":
            mean, deviation = _moments(_joined(graph, structure), _nodes_of(frame, rows))
        y = dataset.y[rows]
        center: Figure
        spread: Figure
        center, spread = (0.0, 1.0) if dataset.task.is_classification else target_scale(y)
        classes = y.astype(np.int64) if dataset.task.is_classification else None
        kinds = len(dataset.classes)
        return cls(
            task=frame.task,
            target=dataset.target,
            method=method,
            structure=structure,
            inputs=graph.inputs,
            mean=tuple(mean.tolist()),
            deviation=tuple(deviation.tolist()),
            nodes=graph.nodes,
            class_weights=None if classes is None else balance.class_weights(weighing, classes, kinds),
            class_rows=() if classes is None else balance.class_rows(weighing, classes, kinds),
            target_mean=center,
            target_scale=spread,
        )

    @property
    def features(self) -> tuple[str, ...]:
        """None are a row's own."""
        return ()

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """A row has the number of its node or graph, or those of two nodes."""
        return (self.nodes,) * (2 if self.task == "link" else 1)

    @property
    def scaled(self) -> int:
        """None of the features are numbers of a table."""
        return 0

    @property
    def columns(self) -> tuple[str, ...]:
        """What `transform` needs, by name."""
        return ("graph",)

    @property
    def world_name(self) -> str:
        """A name that equal preparations of features share."""
        told = {
            k: v
            for k, v in asdict(self).items()
            if k not in ("class_weights", "class_rows", "target_mean", "target_scale")
        }
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def world(self, rows: GraphRows) -> World:
        """The graph, its features prepared; made once."""
        graph, name = rows.graph, self.world_name
        if name not in graph.made:
            graph.made[name] = self._made(graph)
        found: World = graph.made[name]
        return found

    def _made(self, graph: Graph) -> World:
        found = _joined(graph, self.structure)
        if self.method == "row":
            total = np.asarray(abs(found).sum(axis=1)).ravel()
            factor = np.divide(1.0, total, out=np.zeros(len(total)), where=total > 0)
            found = sparse.diags(factor) @ found if sparse.issparse(found) else found * factor[:, None]
        elif self.method == "standard":
            deviation = np.array(self.deviation)
            if sparse.issparse(found):
                found = found @ sparse.diags(1 / deviation)
            else:
                found = np.clip((found - np.array(self.mean)) / deviation, -LARGEST, LARGEST)
        sources, targets = (torch.from_numpy(np.ascontiguousarray(end)) for end in graph.edges)
        bounds = None if graph.bounds is None else torch.from_numpy(graph.bounds)
        return World.of(graph.nodes, sources, targets, _tensors(found), bounds)

    def training_rows(self, dataset: Dataset, rows: Ints, *, seed: int) -> Ints | None:
        """As of `Pipeline`."""
        if not self.class_rows:
            return None
        return balance.places(self.class_rows, dataset.y[rows].astype(np.int64), seed=seed)

    def read(self, source: object) -> GraphRows:
        """The rows of the study's graph, or of a new one with the same features.

        Raises:
            DataError: it is none, or has other features.
        """
        found = rows_to_predict(source, self.task, self.target)
        if found.graph.inputs != self.inputs:
            raise SourceError(
                f"nodes must have {self.inputs} features as in the study, but have {found.graph.inputs}; bring the same"
            )
        return found

    def transform(self, rows: GraphRows) -> Features:
        """What a network reads for rows that `read` gave."""
        return Features(np.zeros((rows.height, 0), dtype=np.float32), rows.numbers, world=self.world(rows))

    def encode(self, rows: GraphRows) -> Features:
        """What a network reads for rows of the data set itself."""
        return Features(np.zeros((rows.height, 0), dtype=np.float32), rows.numbers)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "GraphPipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        told = [f"Rows are {ROW[self.task]}; nodes bring {self.inputs:,} features."]
        if self.structure != "none":
            told.append(f"Features were made of the edges: {self.structure}.")
        if self.method == "row":
            told.append("Features of each node were divided by their sum.")
        elif self.method == "standard":
            told.append(
                "Features were scaled to mean 0 and standard deviation 1; sparse ones were not shifted."
            )
        if self.class_weights is not None:
            low, high = min(self.class_weights), max(self.class_weights)
            told.append(f"Classes weigh from {low:.3g} to {high:.3g}, rare ones more.")
        return told


def _joined(graph: Graph, structure: str) -> Any:
    """The features that nodes bring, and those of the edges beside them [node feature]."""
    if structure == "none":
        assert graph.features is not None
        return graph.features
    made = structure_features(graph, structure)
    if graph.features is None:
        return made
    if sparse.issparse(graph.features):
        return sparse.hstack([graph.features, sparse.csr_matrix(made)]).tocsr()
    return np.concatenate([graph.features, made], axis=1)


def _nodes_of(frame: GraphRows, rows: Ints) -> Ints | None:
    """Nodes whose features are looked at; `None` for all."""
    bounds = frame.graph.bounds
    if bounds is None:
        return None
    graphs = frame.numbers[rows, 0]
    return np.concatenate([np.arange(bounds[i], bounds[i + 1]) for i in graphs]).astype(np.int64)


def _moments(features: Any, nodes: Ints | None) -> tuple[Floats, Floats]:
    x = features if nodes is None else features[nodes]
    mean = np.asarray(x.mean(axis=0), dtype=np.float64).ravel()
    squares = x.multiply(x) if sparse.issparse(x) else x.astype(np.float64) ** 2
    variance = np.asarray(squares.mean(axis=0), dtype=np.float64).ravel() - mean**2
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return mean, np.where(deviation <= 1e-6 * np.maximum(1.0, abs(mean)), 1.0, deviation)


def _tensors(features: Any) -> torch.Tensor | Entries:
    if not sparse.issparse(features):
        return torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
    table = features.tocsr()
    table.sum_duplicates()
    starts, columns = (torch.from_numpy(part.astype(np.int64)) for part in (table.indptr, table.indices))
    return Entries(starts, columns, int(table.shape[1]), torch.from_numpy(table.data.astype(np.float32)))
