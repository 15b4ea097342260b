"""Arrays at an address, for compiled loops: no ownership, no copies, no checks."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, types
from numba.extending import intrinsic

from cotune.kernels.compiling import compiled

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _pointer_to(kind: Any) -> Any:
    def pointer(typing: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.intp), code

    return intrinsic(pointer)


_float_at, _integer_at = _pointer_to(types.float32), _pointer_to(types.int64)
_bits_at, _byte_at = _pointer_to(types.uint64), _pointer_to(types.int8)


@compiled
def floats(address: int, n: int) -> Floats:
    """n float32."""
    return carray(_float_at(address), n)  # type: ignore[no-any-return]


@compiled
def matrix(address: int, rows: int, columns: int) -> Floats:
    """float32 [rows columns]."""
    return carray(_float_at(address), (rows, columns))  # type: ignore[no-any-return]


@compiled
def integers(address: int, n: int) -> Integers:
    """n int64."""
    return carray(_integer_at(address), n)  # type: ignore[no-any-return]


@compiled
def integer_matrix(address: int, rows: int, columns: int) -> Integers:
    """int64 [rows columns]."""
    return carray(_integer_at(address), (rows, columns))  # type: ignore[no-any-return]


@compiled
def bits(address: int, n: int) -> npt.NDArray[np.uint64]:
    """n uint64."""
    return carray(_bits_at(address), n)  # type: ignore[no-any-return]


@compiled
def signed_bytes(address: int, n: int) -> npt.NDArray[np.int8]:
    """n int8."""
    return carray(_byte_at(address), n)  # type: ignore[no-any-return]
