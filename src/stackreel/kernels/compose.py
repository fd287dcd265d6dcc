"""From a renderer's floating-point picture to the bytes of a file."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def over(rgba, background, out):
    """A premultiplied picture (n, 4) float32 on a background colour (3,) float32: (n, 3) uint8, rounded."""
    r, g, b = background[0], background[1], background[2]
    one, full, half = np.float32(1.0), np.float32(255.0), np.float32(0.5)
    zero = np.float32(0.0)
    for i in range(np.uint64(rgba.shape[0])):
        behind = one - rgba[i, 3]
        out[i, 0] = np.uint8(np.int32(max(zero, min(full, (rgba[i, 0] + behind * r) * full + half))))
        out[i, 1] = np.uint8(np.int32(max(zero, min(full, (rgba[i, 1] + behind * g) * full + half))))
        out[i, 2] = np.uint8(np.int32(max(zero, min(full, (rgba[i, 2] + behind * b) * full + half))))
