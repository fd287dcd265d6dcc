"""Slopes where sections are much thicker than their pixels: taken from one coarse level whose axes agree.

Between two such sections a surface is not what it was in the tissue but a step from one outline to the next, and slopes
at the sample would light the step. On a level whose voxels are about cubes the outlines are as far apart as they are
wide, and the slope there is that of the tissue.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackreel.kernels.layers import (
    EXTINCTION,
    GRADIENT,
    INT8,
    INT16,
    UINT8,
    UINT16,
    VECTOR,
    _add_slopes,
    _clear,
    _extinction,
    _share_slopes,
)
from stackreel.kernels.memory import pair, put
from stackreel.kernels.run import FIELD, LANES, SLOPE

_U = np.uint64


@njit(inline="always")
def _within(x, last):
    """A place on an axis, held between its first and its last sample."""
    return max(np.float32(0.0), min(last, x))


@njit(inline="always")
def _value(field, at, u, v, w, up_row, up_plane):
    """Between eight samples of which `at` is the lowest; u, v, w: fractions on x, y, z."""
    a0, a1 = pair(field, at)
    b0, b1 = pair(field, at + up_row)
    c0, c1 = pair(field, at + up_plane)
    d0, d1 = pair(field, at + up_plane + up_row)
    a, b = a0 + (a1 - a0) * u, b0 + (b1 - b0) * u
    c, d = c0 + (c1 - c0) * u, d0 + (d1 - d0) * u
    a, c = a + (b - a) * v, c + (d - c) * v
    return a + (c - a) * w


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def relief_slopes(spots, count, j0, field, base, size, at, by, per, reach):
    """The gradients there: differences of values of a field `reach` samples of it to either side.

    field  : flat, of such a size (x, y, z) from sample `base` on, and three bytes more; it goes on as it ends
    at, by : continuous indices of the tile's first column, and what one column more adds
    per    : samples per world length
    """
    mx, my, mz = np.float32(size[0] - 1), np.float32(size[1] - 1), np.float32(size[2] - 1)
    # an axis with one sample has no neighbour
    nx, ny, nz = np.int32(max(size[0] - 2, 0)), np.int32(max(size[1] - 2, 0)), np.int32(max(size[2] - 2, 0))
    row, plane, first = np.int32(size[0]), np.int32(size[0] * size[1]), _U(base)
    up_row, up_plane = _U(size[0] if size[1] > 1 else 0), _U(size[0] * size[1] if size[2] > 1 else 0)
    x0, y0, z0 = np.float32(at[0]), np.float32(at[1]), np.float32(at[2])
    dx, dy, dz = np.float32(by[0]), np.float32(by[1]), np.float32(by[2])
    rx, ry, rz = np.float32(reach[0]), np.float32(reach[1]), np.float32(reach[2])
    qx = np.float32(0.5 * per[0] / reach[0])
    qy = np.float32(0.5 * per[1] / reach[1])
    qz = np.float32(0.5 * per[2] / reach[2])
    start = np.int32(j0)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        j = np.float32(np.int32(i) + start)
        x, y, z = _within(x0 + j * dx, mx), _within(y0 + j * dy, my), _within(z0 + j * dz, mz)
        ix, iy, iz = min(np.int32(x), nx), min(np.int32(y), ny), min(np.int32(z), nz)
        u, v, w = x - np.float32(ix), y - np.float32(iy), z - np.float32(iz)
        a, b = _within(x + rx, mx), _within(x - rx, mx)
        ia, ib = min(np.int32(a), nx), min(np.int32(b), nx)
        rest = iz * plane + iy * row
        gx = _value(field, first + _U(np.int32(rest + ia)), a - np.float32(ia), v, w, up_row, up_plane)
        gx -= _value(field, first + _U(np.int32(rest + ib)), b - np.float32(ib), v, w, up_row, up_plane)
        a, b = _within(y + ry, my), _within(y - ry, my)
        ia, ib = min(np.int32(a), ny), min(np.int32(b), ny)
        rest = iz * plane + ix
        gy = _value(field, first + _U(np.int32(rest + ia * row)), u, a - np.float32(ia), w, up_row, up_plane)
        gy -= _value(field, first + _U(np.int32(rest + ib * row)), u, b - np.float32(ib), w, up_row, up_plane)
        a, b = _within(z + rz, mz), _within(z - rz, mz)
        ia, ib = min(np.int32(a), nz), min(np.int32(b), nz)
        rest = iy * row + ix
        gz = _value(field, first + _U(np.int32(rest + ia * plane)), u, v, a - np.float32(ia), up_row, up_plane)
        gz -= _value(field, first + _U(np.int32(rest + ib * plane)), u, v, b - np.float32(ib), up_row, up_plane)
        put(spots, _U(SLOPE) + i, gx * qx)
        put(spots, _U(SLOPE + FIELD) + i, gy * qy)
        put(spots, _U(SLOPE + 2 * FIELD) + i, gz * qz)


@njit(nogil=True)
def _slopes_of(fields, code, base, spots, count, j0, size, at, by, per, reach):
    if code == UINT8:
        relief_slopes(spots, count, j0, fields, base, size, at, by, per, reach)
    elif code == INT8:
        relief_slopes(spots, count, j0, fields.view(np.int8), base, size, at, by, per, reach)
    elif code == UINT16:
        relief_slopes(spots, count, j0, fields.view(np.uint16), base, size, at, by, per, reach)
    elif code == INT16:
        relief_slopes(spots, count, j0, fields.view(np.int16), base, size, at, by, per, reach)
    else:
        relief_slopes(spots, count, j0, fields.view(np.float32), base, size, at, by, per, reach)


@njit(nogil=True)
def mixed_relief(
    views, channels, layers, scales, tables, slot, spots, offsets, j0, j1,
    fields, begins, size, at, by, per_step, reach,
):  # fmt: skip
    """As layers.mixed_slopes, from a field of each channel.

    fields : all of them, as bytes; begins : (c,) int64: each one's first sample, counted in its own type
    """
    count, one = j1 - j0, layers.shape[0] == 1
    per = np.empty(3)
    _clear(spots, GRADIENT, 3)
    for n in range(layers.shape[0]):
        number = layers[n, EXTINCTION]
        if channels[number, 2] != 0 or channels[number, 0] == VECTOR:
            continue
        if not one:
            _extinction(views, channels, layers[n], scales[n], tables, slot, spots, offsets, j0, j1)
        for axis in range(3):
            per[axis] = per_step[axis] * scales[n, 6]
        _slopes_of(fields, channels[number, 0], begins[number], spots, count, j0, size, at, by, per, reach)
        _add_slopes(spots, count)
    _share_slopes(spots, count, one)
