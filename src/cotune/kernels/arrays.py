"""Arrays at an address, for compiled loops: no ownership, no copies, no checks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _array(kind: Any, counts: Any) -> Any:
    """(type, code) of an intrinsic that takes an address and counts, one to an axis."""
    array, size = types.Array(kind, len(counts), "C"), kind.bitwidth // 8

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made, shape = make_array(array)(context, builder), arguments[1:]
        distances = [context.get_constant(types.intp, size)]
        for count in reversed(shape[1:]):
            distances.insert(0, builder.mul(distances[0], count))
        data = builder.inttoptr(arguments[0], context.get_data_type(kind).as_pointer())
        populate_array(
            made, data=data, shape=shape, strides=distances,
            itemsize=context.get_constant(types.intp, size), meminfo=None,
        )  # fmt: skip
        return made._getvalue()

    return array(types.intp, *[types.intp] * len(counts)), code


def _vector_of(kind: Any) -> Any:
    def vector(typing: Any, address: Any, n: Any) -> Any:
        return _array(kind, (n,))

    return intrinsic(vector)


def _matrix_of(kind: Any) -> Any:
    def matrix(typing: Any, address: Any, rows: Any, columns: Any) -> Any:
        return _array(kind, (rows, columns))

    return intrinsic(matrix)


floats: Callable[[int, int], Floats] = _vector_of(types.float32)
matrix: Callable[[int, int, int], Floats] = _matrix_of(types.float32)
integers: Callable[[int, int], Integers] = _vector_of(types.int64)
integer_matrix: Callable[[int, int, int], Integers] = _matrix_of(types.int64)
bits: Callable[[int, int], npt.NDArray[np.uint64]] = _vector_of(types.uint64)
signed_bytes: Callable[[int, int], npt.NDArray[np.int8]] = _vector_of(types.int8)
