"""Weighted sums of rows that are listed, written as vector instructions.

| symbol  | meaning                                                            |
|---------|--------------------------------------------------------------------|
| e       | entries `first` … `last` − 1 of a list                              |
| row(e)  | the row of x that an entry names, at x + columns[e]·distance floats |
| v(e)    | its factor                                                         |

collect: y = Σ v(e) row(e), kept in registers.  spread: row(e) += v(e) g, the other way round. Sums go in the order of
the
list, so they do not depend on anything else. A list may be empty.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from cotune.kernels.tile import FLOATS, INDEX, INT, _fma, _load, _splat, _store

VECTOR = ir.VectorType(ir.FloatType(), 8)
INTS = INT.as_pointer()


def make_collect(vectors: int) -> Callable[..., None]:
    """y = Σ v(e) row(e) for 8·`vectors` floats of a row: (first, last, columns, values, x, distance, y)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, last, columns, values, x, distance, y = arguments
        columns, values = builder.inttoptr(columns, INTS), builder.inttoptr(values, FLOATS)
        x, y = builder.inttoptr(x, FLOATS), builder.inttoptr(y, FLOATS)
        entry, loop, end = builder.block, builder.append_basic_block(), builder.append_basic_block()
        zero = ir.Constant(VECTOR, None)
        builder.cbranch(builder.icmp_signed("<", first, last), loop, end)
        builder.position_at_end(loop)
        e = builder.phi(INT)
        sums = [builder.phi(VECTOR) for _ in range(vectors)]
        row = builder.gep(x, [builder.mul(builder.load(builder.gep(columns, [e])), distance)])
        factor = _splat(builder, builder.load(builder.gep(values, [e])), VECTOR)
        added = [_fma(builder, factor, _load(builder, row, 8 * j, VECTOR), sums[j]) for j in range(vectors)]
        following = builder.add(e, INT(1))
        e.add_incoming(first, entry)
        e.add_incoming(following, loop)
        for total, value in zip(sums, added, strict=True):
            total.add_incoming(zero, entry)
            total.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", following, last), loop, end)
        builder.position_at_end(end)
        for j, value in enumerate(added):
            found = builder.phi(VECTOR)
            found.add_incoming(zero, entry)
            found.add_incoming(value, loop)
            added[j] = found
        for j, value in enumerate(added):
            _store(builder, value, y, 8 * j)
        return context.get_dummy_value()

    def collect(
        typing: Any, first: Any, last: Any, columns: Any, values: Any, x: Any, distance: Any, y: Any
    ) -> Any:
        return types.void(*[types.intp] * 7), code

    found: Callable[..., None] = intrinsic(collect)
    return found


def make_spread(vectors: int) -> Callable[..., None]:
    """row(e) += v(e) g for 8·`vectors` floats of a row: (first, last, columns, values, x, distance, g)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, last, columns, values, x, distance, g = arguments
        columns, values = builder.inttoptr(columns, INTS), builder.inttoptr(values, FLOATS)
        x, g = builder.inttoptr(x, FLOATS), builder.inttoptr(g, FLOATS)
        given = [_load(builder, g, 8 * j, VECTOR) for j in range(vectors)]
        entry, loop, end = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed("<", first, last), loop, end)
        builder.position_at_end(loop)
        e = builder.phi(INT)
        row = builder.gep(x, [builder.mul(builder.load(builder.gep(columns, [e])), distance)])
        factor = _splat(builder, builder.load(builder.gep(values, [e])), VECTOR)
        for j in range(vectors):
            added = _fma(builder, factor, given[j], _load(builder, row, 8 * j, VECTOR))
            _store(builder, added, row, 8 * j)
        following = builder.add(e, INT(1))
        e.add_incoming(first, entry)
        e.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, last), loop, end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    def spread(
        typing: Any, first: Any, last: Any, columns: Any, values: Any, x: Any, distance: Any, g: Any
    ) -> Any:
        return types.void(*[types.intp] * 7), code

    found: Callable[..., None] = intrinsic(spread)
    return found


def _dot(typing: Any, a: Any, b: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b = (_load(builder, builder.inttoptr(at, FLOATS), 0, VECTOR) for at in arguments)
        total = builder.fmul(a, b)
        for half in (4, 2, 1):
            places = [INDEX(half + i) for i in range(half)] + [INDEX(0)] * (8 - half)
            mask = ir.Constant(ir.VectorType(INDEX, 8), places)
            total = builder.fadd(total, builder.shuffle_vector(total, total, mask))
        return builder.extract_element(total, INDEX(0))

    return types.float32(types.intp, types.intp), code


dot_8: Callable[[int, int], Any] = intrinsic(_dot)
"""(a, b): Σ a b over eight floats each."""


def _add(typing: Any, factor: Any, x: Any, y: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        factor, x, y = arguments
        x, y = builder.inttoptr(x, FLOATS), builder.inttoptr(y, FLOATS)
        found = _fma(
            builder,
            _splat(builder, factor, VECTOR),
            _load(builder, x, 0, VECTOR),
            _load(builder, y, 0, VECTOR),
        )
        _store(builder, found, y, 0)
        return context.get_dummy_value()

    return types.void(types.float32, types.intp, types.intp), code


add_8: Callable[[Any, int, int], None] = intrinsic(_add)
"""(factor, x, y): y += factor x over eight floats each."""
