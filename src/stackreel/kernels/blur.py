"""Box blurs of a whole coarse level: how much of the surroundings of a place is filled."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def box_blur(field, radius, axis, out):
    """Mean over 2·radius + 1 neighbours along one axis; beyond the faces there is nothing.

    field, out : (z, y, x) float32, not the same array
    """
    shape = field.shape
    count = shape[axis]
    first, second = (1, 2) if axis == 0 else ((0, 2) if axis == 1 else (0, 1))
    line = np.empty(count + 1, np.float64)
    scale = 1.0 / (2 * radius + 1)
    for i in range(shape[first]):
        for j in range(shape[second]):
            line[0] = 0.0
            for k in range(count):
                if axis == 0:
                    value = field[k, i, j]
                elif axis == 1:
                    value = field[i, k, j]
                else:
                    value = field[i, j, k]
                line[k + 1] = line[k] + value
            for k in range(count):
                mean = (line[min(count, k + radius + 1)] - line[max(0, k - radius)]) * scale
                if axis == 0:
                    out[k, i, j] = mean
                elif axis == 1:
                    out[i, k, j] = mean
                else:
                    out[i, j, k] = mean
