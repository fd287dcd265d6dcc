"""A window of values stretched to the whole range of a smaller type."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def stretch(src, out, low, high, top):
    """out = src with low..high as 0..top, (rows, columns): linear, clipped, halves to even; NaN becomes 0.

    The product comes before the division, in float64, so that integers are rounded as exact fractions would be.
    """
    rows, columns = src.shape
    span = high - low
    for y in range(rows):
        row, o = src[y], out[y]
        for x in range(columns):
            value = (np.float64(row[x]) - low) * top / span
            value = value if value > 0.0 else 0.0  # NaN is not
            o[x] = np.int32(np.rint(value if value < top else top))
