"""Features of nodes from the edges alone.

| symbol | meaning                                                    | shape        |
|--------|------------------------------------------------------------|--------------|
| A      | adjacency                                                  | node node    |
| d      | degrees                                                    | node         |
| P      | A with every row divided by its sum: where a walk goes next | node node   |

| name    | features                                                                                      |
|---------|-----------------------------------------------------------------------------------------------|
| degree  | log(1 + d), and 1 at the place of d among 0 … 8 or more (Xu et al. 2019 give GIN degrees)       |
| walks   | (Pᵏ)ᵢᵢ for k = 2 … 8: chances to be back after k steps (Dwivedi et al. 2022)                    |
| all     | both, and the share of a node's neighbours that are neighbours (Watts & Strogatz 1998)          |
"""

from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from cotune.data.arrays import Float32s, Floats, Ints
from cotune.data.graphs.rows import Graph
from cotune.errors import DataError

NAMES = ("none", "degree", "walks", "all")
LARGEST_DEGREE = 8
STEPS = 8
MOST_NODES = 20_000
"""Nodes of a graph for which walks are followed: that takes nodes times edges."""
BLOCK = 512


def structure_features(graph: Graph, name: str) -> Float32s:
    """Features [node feature] by a name of the table above."""
    matrix = sparse.csr_matrix(
        (np.ones(graph.edges.shape[1]), (graph.edges[0], graph.edges[1])), shape=(graph.nodes, graph.nodes)
    )
    degrees = np.asarray(matrix.sum(axis=1)).ravel()
    parts = []
    if name in ("degree", "all"):
        place = np.minimum(degrees, LARGEST_DEGREE).astype(np.int64)
        parts += [np.log1p(degrees)[:, None], np.eye(LARGEST_DEGREE + 1)[place]]
    if name == "all":
        parts.append(_clustering(matrix, degrees)[:, None])
    if name in ("walks", "all"):
        parts.append(_returns(matrix, degrees, graph.bounds))
    found: Float32s = np.concatenate(parts, axis=1).astype(np.float32)
    return found


def _clustering(matrix: Any, degrees: Floats) -> Floats:
    triangles = np.asarray((matrix @ matrix).multiply(matrix).sum(axis=1)).ravel()
    pairs = degrees * (degrees - 1)
    found: Floats = np.divide(triangles, pairs, out=np.zeros_like(triangles), where=pairs > 0)
    return found


def _returns(matrix: Any, degrees: Floats, bounds: Ints | None) -> Floats:
    """Chances to be back, of single blocks of starts at a time [node step]."""
    nodes = len(degrees)
    walk = sparse.diags(np.divide(1.0, degrees, out=np.zeros_like(degrees), where=degrees > 0)) @ matrix
    walk = walk.tocsr()
    ends = np.array([0, nodes]) if bounds is None else bounds
    found = np.zeros((nodes, STEPS - 1))
    for first, last in pairwise(ends):
        if last - first > MOST_NODES:
            raise DataError(
                f"walks are followed in graphs of at most {MOST_NODES:,} nodes, but one has {last - first:,}; "
                "set prepare.structure: degree"
            )
        own = walk[first:last, first:last].T.tocsr()
        for start in range(0, last - first, BLOCK):
            stop = min(start + BLOCK, last - first)
            at = np.zeros((last - first, stop - start))
            at[np.arange(start, stop), np.arange(stop - start)] = 1.0
            at = own @ at
            for step in range(STEPS - 1):
                at = own @ at
                found[first + start : first + stop, step] = at[
                    np.arange(start, stop), np.arange(stop - start)
                ]
    return found
