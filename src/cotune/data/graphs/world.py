"""The graph that all rows share: edges listed by the node they lead to, and features of nodes.

| symbol  | meaning                                                          | shape         |
|---------|------------------------------------------------------------------|---------------|
| starts  | first entry of each row of a list, and the end of the last        | row + 1       |
| columns | what an entry leads from: a node, or a feature                   | entry         |
| rows    | what it leads to                                                 | entry         |

Nodes are padded to a multiple of `ALIGN` by nodes without edges, so that the rows of every lane are aligned.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

ALIGN = 32
"""As of `cotune.nets.layout`."""


@dataclass(frozen=True, eq=False)
class Entries:
    """A sparse table in compressed rows; the columns of a row are sorted.

    Args:
        starts, columns: see the table above, int64.
        width: how many columns there may be.
        values: factor of every entry [entry]; `None` where all are 1.
    """

    starts: Tensor
    columns: Tensor
    width: int
    values: Tensor | None = None

    @classmethod
    def of(
        cls, rows: Tensor, columns: Tensor, shape: tuple[int, int], values: Tensor | None = None
    ) -> "Entries":
        """From coordinates, in any order.

        Args:
            shape: rows and columns of the table.
        """
        order = torch.argsort(rows * shape[1] + columns, stable=True)
        counts = torch.bincount(rows, minlength=shape[0])
        starts = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        return cls(starts, columns[order].contiguous(), shape[1], None if values is None else values[order])

    @property
    def height(self) -> int:
        """Rows."""
        return len(self.starts) - 1

    @property
    def count(self) -> int:
        """Entries."""
        return len(self.columns)

    @cached_property
    def degrees(self) -> Tensor:
        """Entries of every row, int64 [row]."""
        return self.starts.diff()

    @cached_property
    def rows(self) -> Tensor:
        """The row of every entry, int64 [entry]."""
        every = torch.arange(self.height, device=self.starts.device)
        return torch.repeat_interleave(every, self.degrees, output_size=self.count)

    @cached_property
    def factors(self) -> Tensor:
        """`values`, or ones [entry]."""
        return torch.ones(self.count, device=self.starts.device) if self.values is None else self.values

    def to(self, device: torch.device) -> "Entries":
        """The same on a device."""
        values = None if self.values is None else self.values.to(device)
        return Entries(self.starts.to(device), self.columns.to(device), self.width, values)

    def some(self, rows: Tensor) -> "Entries":
        """Some rows, in the order asked [row]."""
        degrees = self.degrees[rows]
        starts = torch.cat([degrees.new_zeros(1), degrees.cumsum(0)])
        total = int(starts[-1])
        shift = torch.repeat_interleave(self.starts[rows] - starts[:-1], degrees, output_size=total)
        places = shift + torch.arange(total, device=rows.device)
        values = None if self.values is None else self.values[places]
        return Entries(starts, self.columns[places], self.width, values)


@dataclass(frozen=True, eq=False)
class World:
    """A graph, or many side by side.

    Args:
        nodes: how many there are; the padding comes after them.
        edges: between nodes, none from a node to itself; both directions of one without direction.
        dense: features of nodes [node feature], or `None` where they are sparse.
        sparse: features of nodes as entries, or `None`.
        bounds: first node of each graph, and the end of the last, int64 [graph + 1]; of a single graph `None`.
    """

    nodes: int
    edges: Entries
    dense: Tensor | None = None
    sparse: Entries | None = None
    bounds: Tensor | None = None

    @classmethod
    def of(
        cls,
        nodes: int,
        sources: Tensor,
        targets: Tensor,
        features: Tensor | Entries,
        bounds: Tensor | None = None,
    ) -> "World":
        """From edges by their ends, in any order; doubles and loops are left out.

        Args:
            features: of the nodes, dense [node feature] or as entries.
        """
        padded = -(-nodes // ALIGN) * ALIGN
        between = sources != targets
        pairs = torch.unique(targets[between] * padded + sources[between])
        edges = Entries.of(pairs // padded, pairs % padded, (padded, padded))
        if isinstance(features, Tensor):
            return cls(nodes, edges, dense=_padded(features, padded), bounds=bounds)
        starts = torch.cat([features.starts, features.starts[-1:].expand(padded - nodes)])
        return cls(nodes, edges, sparse=replace(features, starts=starts), bounds=bounds)

    @property
    def padded(self) -> int:
        """Nodes with padding."""
        return self.edges.height

    @property
    def inputs(self) -> int:
        """Features of a node."""
        if self.dense is not None:
            return self.dense.shape[1]
        assert self.sparse is not None
        return self.sparse.width

    @cached_property
    def looped(self) -> Entries:
        """The edges, and one from every node to itself."""
        every = torch.arange(self.padded, device=self.edges.starts.device)
        rows, columns = torch.cat([self.edges.rows, every]), torch.cat([self.edges.columns, every])
        order = torch.argsort(rows * self.padded + columns, stable=True)
        return Entries(
            self.edges.starts + torch.arange(self.padded + 1, device=every.device),
            columns[order],
            self.padded,
        )

    @cached_property
    def is_loop(self) -> Tensor:
        """Which entries of `looped` lead from a node to itself [entry]."""
        return self.looped.rows == self.looped.columns

    def to(self, device: torch.device) -> "World":
        """The same on a device."""
        if self.edges.starts.device == device:
            return self
        return World(
            self.nodes,
            self.edges.to(device),
            None if self.dense is None else self.dense.to(device),
            None if self.sparse is None else self.sparse.to(device),
            None if self.bounds is None else self.bounds.to(device),
        )

    def graphs(self, numbers: Tensor) -> tuple["World", Tensor]:
        """Some graphs side by side, in the order asked, and the graph of each of their nodes [node].

        Args:
            numbers: of the graphs [graph]; one may come twice.
        """
        assert self.bounds is not None
        first, sizes = self.bounds[numbers], self.bounds.diff()[numbers]
        own = torch.repeat_interleave(torch.arange(len(numbers), device=numbers.device), sizes)
        ends = sizes.cumsum(0)
        shift = (first - (ends - sizes))[own]
        places = torch.arange(len(own), device=numbers.device) + shift
        padded = -(-max(1, len(places)) // ALIGN) * ALIGN
        edges = self.edges.some(places)
        columns = edges.columns - torch.repeat_interleave(shift, edges.degrees)
        starts = torch.cat([edges.starts, edges.starts[-1:].expand(padded - len(places))])
        some = World(len(places), Entries(starts, columns, padded))
        if self.dense is not None:
            return replace(some, dense=_padded(self.dense[places], padded)), own
        assert self.sparse is not None
        sparse = self.sparse.some(places)
        more = sparse.starts[-1:].expand(padded - len(places))
        return replace(some, sparse=replace(sparse, starts=torch.cat([sparse.starts, more]))), own


def _padded(features: Tensor, rows: int) -> Tensor:
    return torch.nn.functional.pad(features, (0, 0, 0, rows - len(features))).contiguous()
