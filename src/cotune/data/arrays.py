"""Array types of the data layer."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LARGEST = float(np.finfo(np.float32).max)
"""Networks compute in 32-bit floats; a larger number would become infinite there."""
