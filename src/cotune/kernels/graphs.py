"""What passes along the edges of a graph: weighted sums and maxima, forwards and backwards, lane by lane.

Edges are listed by the node they lead to (compressed rows): node i hears from `columns[e]` for e from `starts[i]` on,
before
`starts[i + 1]`. A table of sparse features is listed in the same way, with features for nodes.

| symbol | meaning                                            | shape          |
|--------|----------------------------------------------------|----------------|
| v      | factors of the entries                             | lane entry     |
| x, y   | what nodes send, and what they receive             | lane node unit |
| asked  | the nodes that receive, where not all do           | lane row       |
| chosen | entry of the largest number sent; −1 for none      | lane row unit  |

Every lane is worked off by itself, in the order of its entries, so its bits depend on no other. Units are multiples
of 8.
"""

import numpy as np

from cotune.kernels.arrays import floats, integers
from cotune.kernels.compiling import part
from cotune.kernels.sums import make_collect, make_spread

_collect_8, _collect_16, _collect_32 = make_collect(1), make_collect(2), make_collect(4)
_spread_8, _spread_16, _spread_32 = make_spread(1), make_spread(2), make_spread(4)

FLOAT, INT = 4, 8
ZERO = np.float32(0)
MANY = 1 << 40
"""Arrays whose length a loop does not know are taken to be this long."""


@part
def collect_row(
    first: int, last: int, columns: int, values: int, x: int, distance: int, y: int, units: int
) -> None:
    """y = Σ v x over some entries; addresses, distances in floats."""
    done = 0
    while units - done >= 32:
        _collect_32(first, last, columns, values, x + FLOAT * done, distance, y + FLOAT * done)
        done += 32
    if units - done >= 16:
        _collect_16(first, last, columns, values, x + FLOAT * done, distance, y + FLOAT * done)
        done += 16
    if units - done >= 8:
        _collect_8(first, last, columns, values, x + FLOAT * done, distance, y + FLOAT * done)


@part
def spread_row(
    first: int, last: int, columns: int, values: int, x: int, distance: int, y: int, units: int
) -> None:
    """x += v y over some entries."""
    done = 0
    while units - done >= 32:
        _spread_32(first, last, columns, values, x + FLOAT * done, distance, y + FLOAT * done)
        done += 32
    if units - done >= 16:
        _spread_16(first, last, columns, values, x + FLOAT * done, distance, y + FLOAT * done)
        done += 16
    if units - done >= 8:
        _spread_8(first, last, columns, values, x + FLOAT * done, distance, y + FLOAT * done)


def collect(
    lanes: int, rows: int, asked_at: int, starts_at: int, columns_at: int, values_at: int, value_step: int, x_at: int,
    x_step: int, units: int, y_at: int,
) -> None:  # fmt: skip
    """y = Σ v x over the entries of every row [lane row unit].

    Args:
        asked_at: numbers of the rows [lane row]; 0 for all of them in order.
        value_step, x_step: floats from lane to lane; 0 where lanes share.
    """
    starts, asked = integers(starts_at, MANY), integers(asked_at, MANY)
    for lane in range(lanes):
        values, x = values_at + FLOAT * lane * value_step, x_at + FLOAT * lane * x_step
        for r in range(rows):
            i = r if asked_at == 0 else asked[lane * rows + r]
            y = y_at + FLOAT * (lane * rows + r) * units
            collect_row(starts[i], starts[i + 1], columns_at, values, x, units, y, units)


def spread(
    lanes: int, rows: int, asked_at: int, starts_at: int, columns_at: int, values_at: int, value_step: int, x_at: int,
    x_step: int, units: int, y_at: int,
) -> None:  # fmt: skip
    """x += v y over the entries of every row: the gradient of `collect`, with its arguments."""
    starts, asked = integers(starts_at, MANY), integers(asked_at, MANY)
    for lane in range(lanes):
        values, x = values_at + FLOAT * lane * value_step, x_at + FLOAT * lane * x_step
        for r in range(rows):
            i = r if asked_at == 0 else asked[lane * rows + r]
            y = y_at + FLOAT * (lane * rows + r) * units
            spread_row(starts[i], starts[i + 1], columns_at, values, x, units, y, units)


def collect_largest(
    lanes: int, rows: int, asked_at: int, starts_at: int, columns_at: int, kept_at: int, entries: int, x_at: int,
    nodes: int, units: int, y_at: int, chosen_at: int,
) -> None:  # fmt: skip
    """y = max x over the entries of every row, by unit; 0 where there are none. The first of equals is chosen.

    Args:
        kept_at: entries that are there, 0 or 1 [lane entry]; 0 where all are.
    """
    starts, asked, columns = (
        integers(starts_at, MANY),
        integers(asked_at, MANY),
        integers(columns_at, entries),
    )
    for lane in range(lanes):
        kept = floats(kept_at + FLOAT * lane * entries, entries)
        x = floats(x_at + FLOAT * lane * nodes * units, nodes * units)
        for r in range(rows):
            i = r if asked_at == 0 else asked[lane * rows + r]
            place = lane * rows + r
            y = floats(y_at + FLOAT * place * units, units)
            chosen = integers(chosen_at + INT * place * units, units)
            y[:], chosen[:] = ZERO, -1
            for e in range(starts[i], starts[i + 1]):
                if kept_at != 0 and kept[e] == ZERO:
                    continue
                j = columns[e] * units
                for u in range(units):
                    if chosen[u] < 0 or x[j + u] > y[u]:
                        y[u], chosen[u] = x[j + u], e


def spread_largest(
    lanes: int, rows: int, columns_at: int, chosen_at: int, x_at: int, nodes: int, units: int, y_at: int
) -> None:
    """x += y at the entries that were chosen: the gradient of `collect_largest`."""
    columns = integers(columns_at, MANY)
    for lane in range(lanes):
        x = floats(x_at + FLOAT * lane * nodes * units, nodes * units)
        for r in range(rows):
            place = (lane * rows + r) * units
            y, chosen = floats(y_at + FLOAT * place, units), integers(chosen_at + INT * place, units)
            for u in range(units):
                if chosen[u] >= 0:
                    x[columns[chosen[u]] * units + u] += y[u]
