"""Between which depths rays run, when planes cut away a part of what they would see."""

from __future__ import annotations

import numpy as np
from numba import njit

_FAR = np.float32(3e38)


@njit(nogil=True)
def kept_of(planes, camera, u, v):
    """The depths, float32, between which the ray at u, v is on the kept side of all planes, as in depths_kept."""
    first, last = 0.0, float(_FAR)
    for p in range(planes.shape[0]):
        away, along = planes[p, 3], 0.0
        for axis in range(3):
            away += planes[p, axis] * camera[0, axis]
            along += planes[p, axis] * (camera[3, axis] + u * camera[1, axis] + v * camera[2, axis])
        if along > 1e-12:
            first = max(first, -away / along)
        elif along < -1e-12:
            last = min(last, -away / along)
        elif away < 0.0:
            last = -1.0
    return np.float32(min(first, float(_FAR))), np.float32(max(last, -1.0))


@njit(cache=True, nogil=True)
def depths_kept(planes, camera, out):
    """The depths between which every ray is on the kept side of all planes, into (rows, columns, 2) float32.

    planes : (n, 4) float64: a world point (x, y, z) is kept where a·x + b·y + c·z + d ≥ 0
    camera : as in march; a ray that is cut away wholly begins behind its end
    """
    height, width = out.shape[:2]
    for row in range(height):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(width):
            u = (column + 0.5) * 2.0 / width - 1.0
            out[row, column, 0], out[row, column, 1] = kept_of(planes, camera, u, v)
