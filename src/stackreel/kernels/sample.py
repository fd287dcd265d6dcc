"""What a brick holds, and the value between its samples.

A level of the volume is cut into bricks of 32³ voxels. A brick in the pool holds 37³ samples: two before and three
after its own on every axis, so that interpolation and gradients never leave it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackreel.kernels.memory import pair

BRICK = 32
BEFORE, AFTER = 2, 3
SIDE = BEFORE + BRICK + AFTER
CELL = 8
CELLS = BRICK // CELL

_ROW, _PLANE = np.uint64(SIDE), np.uint64(SIDE * SIDE)


@njit(inline="always")
def trilinear(brick, at, fx, fy, fz):
    """The value between eight samples of a flat brick; `at` is the lowest of them, f* the fractions 0..1."""
    v000, v001 = pair(brick, at)
    v010, v011 = pair(brick, at + _ROW)
    v100, v101 = pair(brick, at + _PLANE)
    v110, v111 = pair(brick, at + _PLANE + _ROW)
    a = v000 + (v001 - v000) * fx
    b = v010 + (v011 - v010) * fx
    c = v100 + (v101 - v100) * fx
    d = v110 + (v111 - v110) * fx
    a += (b - a) * fy
    c += (d - c) * fy
    return a + (c - a) * fz
