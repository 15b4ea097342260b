"""The innermost loops of matrix products, written as vector instructions.

A tile is a block of C small enough to stay in registers while k runs:

| symbol | meaning                                                    | shape         |
|--------|------------------------------------------------------------|---------------|
| C      | result, rows `c_row` floats apart                          | height, width |
| A      | left factor; element (i, k) at a + i·a_row + k·a_step, and  | height, k     |
|        | a jump further after every `run` steps of k                |               |
| B      | right factor, rows `b_row` floats apart                    | k, width      |
| start  | 0: C = A·B;  1: C += A·B;  2: C = bias + A·B                |               |

Each number of C is one chain of fused multiply-adds in the order of k, whatever the tile's size: results do not depend
on how a matrix is cut into tiles. LLVM turns the vectors into AVX-512, AVX2 or NEON as the processor has them.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FLOAT = ir.FloatType()
FLOATS = FLOAT.as_pointer()
INT, INDEX = ir.IntType(64), ir.IntType(32)
POINTERS_AND_COUNTS = 12


def has_wide_vectors() -> bool:
    """Whether registers hold sixteen floats (AVX-512)."""
    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f", False))


def make_tile(height: int, vectors: int, lanes: int) -> Callable[..., None]:
    """A tile of `height` rows and `vectors` registers of `lanes` floats.

    Returns:
        a function for compiled code: (a, a_row, a_step, b, b_row, c, c_row, k, start, bias, run, jump), where a, b, c
        and bias are addresses, distances are in floats, and k is at least 1.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _emit(builder, arguments, height, vectors, ir.VectorType(FLOAT, lanes))
        return context.get_dummy_value()

    def tile(
        typing: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_row: Any, c: Any, c_row: Any, k: Any, start: Any,
        bias: Any, run: Any, jump: Any,
    ) -> Any:  # fmt: skip
        return types.void(*[types.intp] * POINTERS_AND_COUNTS), code

    found: Callable[..., None] = intrinsic(tile)
    return found


def _emit(builder: Any, arguments: Any, height: int, vectors: int, vector: ir.VectorType) -> None:
    a, a_row, a_step, b, b_row, c, c_row, count, start, bias, run, jump = arguments
    lanes = vector.count
    a, b, c, bias = (builder.inttoptr(address, FLOATS) for address in (a, b, c, bias))
    rows = [builder.gep(c, [builder.mul(c_row, INT(i))]) for i in range(height)]
    entry, load, biased, loop, end = builder.block, *(builder.append_basic_block() for _ in range(4))
    choice = builder.switch(start, loop)
    choice.add_case(INT(1), load)
    choice.add_case(INT(2), biased)

    builder.position_at_end(load)
    old = [_load(builder, row, j * lanes, vector) for row in rows for j in range(vectors)]
    builder.branch(loop)
    builder.position_at_end(biased)
    first = [_load(builder, bias, j * lanes, vector) for j in range(vectors)]
    builder.branch(loop)

    builder.position_at_end(loop)
    k, in_run, a_now, b_now = builder.phi(INT), builder.phi(INT), builder.phi(FLOATS), builder.phi(FLOATS)
    sums = [builder.phi(vector) for _ in range(height * vectors)]
    for block in (entry, load, biased):
        for phi, value in ((k, INT(0)), (in_run, INT(0)), (a_now, a), (b_now, b)):
            phi.add_incoming(value, block)
    for i, phi in enumerate(sums):
        phi.add_incoming(ir.Constant(vector, None), entry)
        phi.add_incoming(old[i], load)
        phi.add_incoming(first[i % vectors], biased)
    right = [_load(builder, b_now, j * lanes, vector) for j in range(vectors)]
    updated = []
    for i in range(height):
        left = _splat(builder, builder.load(builder.gep(a_now, [builder.mul(a_row, INT(i))])), vector)
        updated += [_fma(builder, left, right[j], sums[i * vectors + j]) for j in range(vectors)]
    following = builder.add(k, INT(1))
    k.add_incoming(following, loop)
    along = builder.add(in_run, INT(1))
    over = builder.icmp_signed("==", along, run)
    in_run.add_incoming(builder.select(over, INT(0), along), loop)
    distance = builder.add(a_step, builder.select(over, jump, INT(0)))
    a_now.add_incoming(builder.gep(a_now, [distance]), loop)
    b_now.add_incoming(builder.gep(b_now, [b_row]), loop)
    for phi, value in zip(sums, updated, strict=True):
        phi.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, end)

    builder.position_at_end(end)
    for i, value in enumerate(updated):
        _store(builder, value, rows[i // vectors], i % vectors * lanes)


def _load(builder: Any, at: Any, offset: int, vector: ir.VectorType) -> Any:
    found = builder.load(builder.bitcast(builder.gep(at, [INT(offset)]), vector.as_pointer()))
    found.align = 4
    return found


def _store(builder: Any, value: Any, at: Any, offset: int) -> None:
    place = builder.bitcast(builder.gep(at, [INT(offset)]), value.type.as_pointer())
    builder.store(value, place).align = 4


def _splat(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    nothing = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(nothing, value, INDEX(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(INDEX, vector.count), None))


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    kind = ir.FunctionType(a.type, [a.type] * 3)
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{a.type.count}f32")
    return builder.call(function, [a, b, c])


def _transpose(typing: Any, source: Any, source_row: Any, target: Any, target_row: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, source_row, target, target_row = arguments
        vector = ir.VectorType(FLOAT, 8)
        source, target = builder.inttoptr(source, FLOATS), builder.inttoptr(target, FLOATS)
        rows = [
            _load(builder, builder.gep(source, [builder.mul(source_row, INT(i))]), 0, vector)
            for i in range(8)
        ]
        for distance in (4, 2, 1):
            rows = _exchange(builder, rows, distance)
        for i, row in enumerate(rows):
            _store(builder, row, builder.gep(target, [builder.mul(target_row, INT(i))]), 0)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), code


def _exchange(builder: Any, rows: list[Any], distance: int) -> list[Any]:
    """Swap, in 2×2 blocks of `distance`, the block above the diagonal with the one below."""
    found = list(rows)
    for i in range(8):
        if i & distance:
            continue
        above, below = rows[i], rows[i + distance]
        keep = [j if not j & distance else j - distance + 8 for j in range(8)]
        take = [j + distance if not j & distance else j + 8 for j in range(8)]
        for place, lanes in ((i, keep), (i + distance, take)):
            mask = ir.Constant(ir.VectorType(INDEX, 8), [INDEX(j) for j in lanes])
            found[place] = builder.shuffle_vector(above, below, mask)
    return found


transpose_8x8: Callable[..., None] = intrinsic(_transpose)
"""(source, source_row, target, target_row): the transposed block of 8 by 8 floats; addresses, distances in floats."""


def _power_of_two(typing: Any, n: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        exponent = builder.shl(builder.add(arguments[0], INDEX(127)), INDEX(23))
        return builder.bitcast(exponent, FLOAT)

    return types.float32(types.int32), code


power_of_two: Callable[..., float] = intrinsic(_power_of_two)
"""2ⁿ as float32 for an int32 n in [−126, 127], from its bits."""


def _pooling(typing: Any, first: Any, below: Any, aside: Any, y: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, below, aside, y = arguments
        four = _four(builder, first, below, aside)
        largest = four[0]
        for other in four[1:]:
            larger = builder.fcmp_unordered(">", other, largest)
            largest = builder.select(larger, other, largest)
        _store(builder, largest, builder.inttoptr(y, FLOATS), 0)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), code


def _spreading(typing: Any, first: Any, below: Any, aside: Any, y: Any, dy: Any, to_dx: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, below, aside, y, dy, to_dx = arguments
        vector = ir.VectorType(FLOAT, 8)
        largest = _load(builder, builder.inttoptr(y, FLOATS), 0, vector)
        left = _load(builder, builder.inttoptr(dy, FLOATS), 0, vector)
        zero = ir.Constant(vector, None)
        places = _corners(builder, first, below, aside)
        for place, value in zip(places, _four(builder, first, below, aside), strict=True):
            found = builder.fcmp_unordered("==", value, largest)
            part = builder.select(found, left, zero)
            left = builder.select(found, zero, left)
            _store(builder, part, builder.inttoptr(builder.add(place, to_dx), FLOATS), 0)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), code


def _corners(builder: Any, first: Any, below: Any, aside: Any) -> list[Any]:
    return [
        first,
        builder.add(first, aside),
        builder.add(first, below),
        builder.add(builder.add(first, below), aside),
    ]


def _four(builder: Any, first: Any, below: Any, aside: Any) -> list[Any]:
    vector = ir.VectorType(FLOAT, 8)
    places = _corners(builder, first, below, aside)
    return [_load(builder, builder.inttoptr(place, FLOATS), 0, vector) for place in places]


pool_8: Callable[..., None] = intrinsic(_pooling)
"""(first, below, aside, y): the largest of four pixels, eight channels at once, by address; distances in bytes."""

spread_8: Callable[..., None] = intrinsic(_spreading)
"""(first, below, aside, y, dy, to_dx): dy to the first of four pixels that equals y; dx lies `to_dx` bytes behind x."""
