"""One level of a pyramid from the level below: mean, axial mean or mode of up to 2 × 2 × 2 samples.

Every kernel writes `out` from `src`, both (z, y, x); `f` is the factor 1 or 2 per axis and `w` the weight of src's
last sample per axis. That weight is 1, except at the far border of a stack whose size is not a multiple of the
level's factor: there the last sample stands for a part of a cell only, and counts for that part.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _halve_rows(src, out, planes, rows, columns):
    """The first planes, rows and columns of out = mean of 1 × 2 × 2 samples."""
    for z in range(planes):
        for y in range(rows):
            a, b, o = src[z, 2 * y], src[z, 2 * y + 1], out[z, y]
            for x in range(columns):
                s = np.int64(a[2 * x]) + np.int64(a[2 * x + 1]) + np.int64(b[2 * x]) + np.int64(b[2 * x + 1])
                o[x] = (s + 1 + ((s >> 2) & 1)) >> 2


@njit(cache=True, nogil=True)
def _halve_all(src, out, planes, rows, columns):
    """The first planes, rows and columns of out = mean of 2 × 2 × 2 samples."""
    for z in range(planes):
        for y in range(rows):
            a, b = src[2 * z, 2 * y], src[2 * z, 2 * y + 1]
            c, d = src[2 * z + 1, 2 * y], src[2 * z + 1, 2 * y + 1]
            o = out[z, y]
            for x in range(columns):
                s = np.int64(a[2 * x]) + np.int64(a[2 * x + 1]) + np.int64(b[2 * x]) + np.int64(b[2 * x + 1])
                s += np.int64(c[2 * x]) + np.int64(c[2 * x + 1]) + np.int64(d[2 * x]) + np.int64(d[2 * x + 1])
                o[x] = (s + 3 + ((s >> 3) & 1)) >> 3


@njit(cache=True, nogil=True)
def _share(last_z, last_y, last_x, wz, wy, wx):
    """What a sample counts for: less than 1 where it is the last of an axis and stands for a part of a cell."""
    k = 1.0
    if last_z:
        k *= wz
    if last_y:
        k *= wy
    if last_x:
        k *= wx
    return k


@njit(cache=True, nogil=True)
def mean_integer(src, out, fz, fy, fx, wz, wy, wx):
    """Mean of integers, ties to even, so that a constant stays constant and nothing drifts upwards."""
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    # whole cells of the usual shapes first; what is left goes by its weights
    planes = (nz - 1) // fz if wz < 1.0 else nz // fz
    rows = (ny - 1) // fy if wy < 1.0 else ny // fy
    columns = (nx - 1) // fx if wx < 1.0 else nx // fx
    if fy == 2 and fx == 2 and fz == 1:
        _halve_rows(src, out, planes, rows, columns)
    elif fy == 2 and fx == 2:
        _halve_all(src, out, planes, rows, columns)
    else:
        planes = 0
    for z in range(mz):
        for y in range(my):
            for x in range(columns if z < planes and y < rows else 0, mx):
                total, weight = 0.0, 0.0
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            k = _share(zz == nz - 1, yy == ny - 1, xx == nx - 1, wz, wy, wx)
                            total += k * src[zz, yy, xx]
                            weight += k
                out[z, y, x] = int(round(total / weight))


@njit(cache=True, nogil=True)
def mean_float(src, out, fz, fy, fx, wz, wy, wx):
    """Mean of the samples that are numbers; NaN only where all of them are NaN."""
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    for z in range(mz):
        for y in range(my):
            for x in range(mx):
                total, weight = 0.0, 0.0
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            value = src[zz, yy, xx]
                            if value != value:
                                continue
                            k = _share(zz == nz - 1, yy == ny - 1, xx == nx - 1, wz, wy, wx)
                            total += k * value
                            weight += k
                out[z, y, x] = total / weight if weight > 0.0 else math.nan


@njit(cache=True, nogil=True)
def mean_axial(src, out, fz, fy, fx, wz, wy, wx, period, background):
    """Axial mean: the angle 2π·value/period is averaged as a vector, so that 179° and 1° give 0°, not 90°.

    Samples equal to `background` (NaN: no such value) carry no direction and are left out; where nothing is left,
    or the directions cancel, the result is the background, or else the first sample.
    The value itself is already the doubled angle's code when the period is that of the axis (180 for degrees).
    """
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    turn = 2.0 * math.pi / period
    whole = src.dtype.kind != "f"
    for z in range(mz):
        for y in range(my):
            for x in range(mx):
                c, s, weight, signed = 0.0, 0.0, 0.0, False
                first = src[z * fz, y * fy, x * fx]
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            value = float(src[zz, yy, xx])
                            if value != value or value == background:
                                continue
                            signed |= value < 0.0
                            k = _share(zz == nz - 1, yy == ny - 1, xx == nx - 1, wz, wy, wx)
                            c += k * math.cos(value * turn)
                            s += k * math.sin(value * turn)
                            weight += k
                if weight == 0.0:
                    out[z, y, x] = first if background != background else background
                elif c * c + s * s < 1e-12 * weight * weight:
                    out[z, y, x] = first
                else:
                    # -period/2..period/2 where the samples are signed, else 0..period
                    angle = math.atan2(s, c) / turn
                    if angle < 0.0 and not signed:
                        angle += period
                    if whole:
                        angle = round(angle)
                        if angle >= (0.5 * period if signed else period):
                            angle -= period
                        if angle == background:
                            angle += 1.0
                    out[z, y, x] = angle


@njit(cache=True, nogil=True)
def mode(src, out, fz, fy, fx):
    """The most frequent label of each cell; of equals, the first in (z, y, x) order."""
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    values = np.empty(8, src.dtype)
    for z in range(mz):
        for y in range(my):
            for x in range(mx):
                n = 0
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            values[n] = src[zz, yy, xx]
                            n += 1
                best, most = 0, 0
                for i in range(n):
                    votes = 0
                    for j in range(n):
                        if values[j] == values[i]:
                            votes += 1
                    if votes > most:
                        best, most = i, votes
                out[z, y, x] = values[best]
