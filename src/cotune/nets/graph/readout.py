"""How the units of a graph's nodes become one row.

| symbol | meaning                    | shape      |
|--------|----------------------------|------------|
| h      | units of nodes             | node unit  |
| own    | the graph of each node     | node       |

Source: Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019: a sum tells apart what a mean or a maximum
cannot.
"""

from collections.abc import Callable

from torch import Tensor


def total(h: Tensor, own: Tensor, graphs: int) -> Tensor:
    """Σ h over the nodes of each graph [graph unit]."""
    return h.new_zeros(graphs, h.shape[1]).index_add(0, own, h)


def mean(h: Tensor, own: Tensor, graphs: int) -> Tensor:
    """The same, divided by their count; 0 for a graph without nodes."""
    count = h.new_zeros(graphs).index_add(0, own, h.new_ones(len(own)))
    return total(h, own, graphs) / count.clamp(min=1).unsqueeze(1)


def largest(h: Tensor, own: Tensor, graphs: int) -> Tensor:
    """Unit by unit the largest; 0 for a graph without nodes."""
    place = own.unsqueeze(1).expand_as(h)
    return h.new_zeros(graphs, h.shape[1]).scatter_reduce(0, place, h, "amax", include_self=False)


READOUTS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {"sum": total, "mean": mean, "max": largest}
"""By the name that recipes use."""
