"""Graphs as rows: a row is a node, a pair of nodes, or one of many graphs.

| symbol   | meaning                                                        | shape          |
|----------|----------------------------------------------------------------|----------------|
| edges    | ends of every edge, from and to; both directions of one without direction | 2 edge |
| features | of every node, dense or sparse                                 | node feature   |
| bounds   | first node of each graph, and the end of the last              | graph + 1      |
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cotune.data.arrays import Ints

TASKS = ("node", "graph", "link")
"""What a row can be; see `cotune.nets.graph.network`."""

ROW = {"node": "nodes", "graph": "graphs", "link": "pairs of nodes"}


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph, or many side by side.

    Args:
        nodes: how many.
        edges, bounds: see the table above, int64; `bounds` is `None` for a single graph.
        features: float32 [node feature] or a sparse matrix of that shape; `None` where nodes have none.
        names: of the nodes; () where they have none.
        made: what preparations have made of it, by their names.
    """

    nodes: int
    edges: Ints
    features: NDArray[np.float32] | sparse.csr_matrix | None = None
    bounds: Ints | None = None
    names: tuple[str, ...] = ()
    made: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def inputs(self) -> int:
        """Features of a node."""
        return 0 if self.features is None else int(self.features.shape[1])

    def words(self) -> str:
        """Its size, in words."""
        many = "" if self.bounds is None else f"{len(self.bounds) - 1:,} graphs with "
        has = f"{self.inputs:,} features" if self.inputs else "no features"
        return f"{many}{self.nodes:,} nodes, {self.edges.shape[1]:,} edges, {has}"


@dataclass(frozen=True, eq=False)
class GraphRows:
    """The frame of a data set of a graph.

    Args:
        graph: all of it, whatever rows are asked for.
        task: what a row is, see `TASKS`.
        numbers: of a row's node or graph, or of both its nodes [row 1] or [row 2].
    """

    graph: Graph
    task: str
    numbers: Ints

    @property
    def kind(self) -> str:
        """Its name among the forms."""
        return "graph"

    @property
    def height(self) -> int:
        """Rows, as of any frame."""
        return len(self.numbers)

    @property
    def width(self) -> int:
        """Numbers of a row, as of any frame."""
        return int(self.numbers.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """A row has no numbers of its own."""
        return ()

    @property
    def in_file(self) -> bool:
        """Graphs are in memory."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes that are rows."""
        if not self.graph.names or self.task != "node":
            return ()
        return tuple(self.graph.names[i] for i in self.numbers[:, 0])

    def __getitem__(self, rows: Any) -> "GraphRows":
        """Some rows of the same graph."""
        return replace(self, numbers=self.numbers[rows])

    def words(self) -> str:
        """What the rows are, in words."""
        return f"{ROW[self.task]} of {self.graph.words()}"
