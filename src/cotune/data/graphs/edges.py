"""Edges as pairs of nodes, however they are written down."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from cotune.data.arrays import Ints
from cotune.errors import SourceError


def pairs_of(edges: Any, words: str) -> Ints:
    """Ends of edges, [2 edge] or [edge 2], as [2 edge]."""
    found = np.asarray(edges)
    if (
        found.ndim != 2
        or 2 not in found.shape
        or not (found.size == 0 or np.issubdtype(found.dtype, np.integer))
    ):
        raise SourceError(
            f"edges must be whole numbers [2 edge], but {words} has {found.dtype} {found.shape}"
        )
    return (found if found.shape[0] == 2 else found.T).astype(np.int64)


def edges_of(adjacency: Any, words: str) -> tuple[Ints, int]:
    """Edges [2 edge] and the count of nodes: of a matrix, dense or sparse, or of lists of neighbours.

    Lists are a list (or mapping) of the neighbours of node 0, 1, …; of a mapping all keys are nodes.
    """
    if isinstance(adjacency, Mapping) or (
        isinstance(adjacency, list | tuple) and len({len(each) for each in adjacency} | {len(adjacency)}) > 1
    ):
        pairs = adjacency.items() if isinstance(adjacency, Mapping) else enumerate(adjacency)
        listed = [(int(i), int(j)) for i, neighbours in pairs for j in neighbours]
        largest = max([i for pair in listed for i in pair], default=-1) + 1
        count = max(
            largest,
            len(adjacency),
            1 + max(map(int, adjacency), default=-1) if isinstance(adjacency, Mapping) else 0,
        )
        return np.array(listed, dtype=np.int64).reshape(-1, 2).T, count
    matrix = adjacency if sparse.issparse(adjacency) else np.asarray(adjacency)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise SourceError(
            f"an adjacency matrix must be square, but {words} has {matrix.shape}; bring [node node]"
        )
    return np.stack(matrix.nonzero()).astype(np.int64), int(matrix.shape[0])


def both_ways(edges: Ints, nodes: int, directed: bool, words: str) -> Ints:
    """Every edge once, in both directions unless they have one; none from a node to itself."""
    if edges.size and (edges.min() < 0 or edges.max() >= nodes):
        off = edges.max() if edges.max() >= nodes else edges.min()
        raise SourceError(
            f"edges must lead between the {nodes} nodes, numbered from 0, but {words} has one at {off}; number "
            f"them anew"
        )
    edges = edges if directed else np.concatenate([edges, edges[::-1]], axis=1)
    edges = edges[:, edges[0] != edges[1]]
    keys = np.unique(edges[0] * max(1, nodes) + edges[1])
    return np.stack([keys // max(1, nodes), keys % max(1, nodes)])
