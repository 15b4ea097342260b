"""Graphs: edges and features that are left out of one step. Features of tables, too.

| symbol   | meaning                                | shape              |
|----------|----------------------------------------|--------------------|
| kept     | which edges are there                  | lane edge          |
| x        | features of nodes, or of rows          | lane batch feature |
| strength | share that is left out                 | lane               |
| u        | uniform draws of a step                | lane draw          |
"""

import torch
from torch import Tensor


def edge_drop(kept: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """Every edge is left out with chance `strength`; an edge listed in both directions is two. One draw an edge.

    Source: Rong et al., DropEdge, ICLR 2020.
    """
    return kept & (u >= strength.unsqueeze(-1))


def feature_mask(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """Every feature is 0 with chance `strength`, for all rows of the step at once. One draw a feature.

    Source: Zhu et al., GRACE, ICML workshop GRL+ 2020, section 3.2.
    """
    return torch.where((u < strength.unsqueeze(-1)).unsqueeze(1), 0.0, x)
