"""Blurs of a whole coarse level: how much of the surroundings of a place is filled, and how values rise there."""

from __future__ import annotations

import math

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


@njit(cache=True, nogil=True)
def soften(field, before, after, whole):
    """Every sample becomes the mean of its 27 neighbours by 1 : 2 : 1 on each axis, in place; faces go on as they end.

    field         : (z, y, x), some planes of a level; before, after : (y, x), the planes beside them
    whole         : round to whole numbers, which the field holds
    """
    nz, ny, nx = field.shape
    below, here = before.copy(), before.copy()
    row = np.empty(nx + 2, np.float32)
    half, share = np.float32(0.5), np.float32(1.0 / 64.0)
    for z in range(nz):
        here[:] = field[z]
        above = field[z + 1] if z + 1 < nz else after
        for y in range(ny):
            up, down = max(y - 1, 0), min(y + 1, ny - 1)
            for x in range(nx):
                a = np.float32(below[up, x]) + np.float32(below[down, x])
                a += np.float32(above[up, x]) + np.float32(above[down, x])
                b = np.float32(below[y, x]) + np.float32(above[y, x])
                b += np.float32(here[up, x]) + np.float32(here[down, x])
                row[x + 1] = a + b + b + np.float32(4.0) * np.float32(here[y, x])
            row[0], row[nx + 1] = row[1], row[nx]
            for x in range(nx):
                mean = (row[x] + row[x + 2] + row[x + 1] + row[x + 1]) * share
                field[z, y, x] = math.floor(mean + half) if whole else mean
        below[:] = here
