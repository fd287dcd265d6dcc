"""One level of a pyramid from the level below: mean, maximum or mode of up to 2 × 2 × 2 samples.

Every kernel writes `out` from `src`, both (z, y, x); `f` is the factor 1 or 2 per axis and `w` the weight of src's
last sample per axis. That weight is 1, except at the far border of a stack whose size is not a multiple of the
level's factor: there the last sample stands for a part of a cell only, and counts for that part.

A mean that lies halfway between two integers is rounded up where z + y + x of the coarser sample is odd, and down
where it is even. Of neighbours half go either way, so that noise neither brightens nor darkens from level to level;
ties to even, which are right for one mean, shift noise of 0..3 by 0.2 after two levels and by 0.5 after six.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.memory import put, take


@njit(cache=True, nogil=True)
def counts_for(n, f, w):
    """What the last of n samples counts for beside its neighbours: w, and 1 where it is alone in its cell."""
    return w if f == 2 and n % 2 == 0 else 1.0


@njit(cache=True, nogil=True)
def share(last_z, last_y, last_x, wz, wy, wx):
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
def _whole_cells(n, f, w):
    """Cells of an axis, counted from its beginning, that have all their samples, each counting for 1."""
    return (n - 1) // f if w < 1.0 else n // f


@njit(cache=True, nogil=True)
def _ties(columns, half):
    """What is added to a sum before it is divided: `half` less 1 where a tie goes down; rows of even, of odd z + y."""
    add = np.empty((2, columns), np.uint8)
    for x in range(columns):
        add[0, x] = half - 1 + (x & 1)
        add[1, x] = half - (x & 1)
    return add


@njit(cache=True, nogil=True)
def _two(row, x):
    return np.int64(take(row, x)) + np.int64(take(row, x + np.uint64(1)))


@njit(cache=True, nogil=True)
def _halve_rows(src, out, planes, rows, columns):
    """The first planes, rows and columns of out = mean of 1 × 2 × 2 samples."""
    ties = _ties(columns, 2)
    for z in range(planes):
        for y in range(rows):
            a, b, o, tie = src[z, 2 * y], src[z, 2 * y + 1], out[z, y], ties[(z + y) & 1]
            for x in range(np.uint64(columns)):
                xx = np.uint64(2) * x
                put(o, x, (_two(a, xx) + _two(b, xx) + np.int64(take(tie, x))) >> 2)


@njit(cache=True, nogil=True)
def _halve_all(src, out, planes, rows, columns):
    """The first planes, rows and columns of out = mean of 2 × 2 × 2 samples."""
    ties = _ties(columns, 4)
    for z in range(planes):
        for y in range(rows):
            a, b = src[2 * z, 2 * y], src[2 * z, 2 * y + 1]
            c, d = src[2 * z + 1, 2 * y], src[2 * z + 1, 2 * y + 1]
            o, tie = out[z, y], ties[(z + y) & 1]
            for x in range(np.uint64(columns)):
                xx = np.uint64(2) * x
                s = _two(a, xx) + _two(b, xx) + _two(c, xx) + _two(d, xx)
                put(o, x, (s + np.int64(take(tie, x))) >> 3)


@njit(cache=True, nogil=True)
def _rounded(mean, odd):
    """The nearest integer; of two equally near ones the upper where `odd`."""
    low = math.floor(mean)
    rest = mean - low
    return int(low) + (1 if rest > 0.5 or (rest == 0.5 and odd) else 0)


@njit(cache=True, nogil=True)
def mean_integer(src, out, fz, fy, fx, wz, wy, wx):
    """Mean of integers, rounded; a constant stays constant and nothing drifts.

    Neighbours along x lie side by side in both arrays, which do not overlap.
    """
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    wz, wy, wx = counts_for(nz, fz, wz), counts_for(ny, fy, wy), counts_for(nx, fx, wx)
    # whole cells of the usual shapes first; what is left goes by its weights
    planes, rows, columns = _whole_cells(nz, fz, wz), _whole_cells(ny, fy, wy), _whole_cells(nx, fx, wx)
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
                            k = share(zz == nz - 1, yy == ny - 1, xx == nx - 1, wz, wy, wx)
                            total += k * src[zz, yy, xx]
                            weight += k
                out[z, y, x] = _rounded(total / weight, (z + y + x) & 1)


@njit(cache=True, nogil=True)
def _sum_rows(src, out, planes, rows, columns):
    for z in range(planes):
        for y in range(rows):
            a, b, o = src[z, 2 * y], src[z, 2 * y + 1], out[z, y]
            for x in range(columns):
                s = np.float64(a[2 * x]) + np.float64(a[2 * x + 1]) + np.float64(b[2 * x]) + np.float64(b[2 * x + 1])
                o[x] = 0.25 * s


@njit(cache=True, nogil=True)
def _sum_all(src, out, planes, rows, columns):
    for z in range(planes):
        for y in range(rows):
            a, b = src[2 * z, 2 * y], src[2 * z, 2 * y + 1]
            c, d = src[2 * z + 1, 2 * y], src[2 * z + 1, 2 * y + 1]
            o = out[z, y]
            for x in range(columns):
                s = np.float64(a[2 * x]) + np.float64(a[2 * x + 1]) + np.float64(b[2 * x]) + np.float64(b[2 * x + 1])
                s += np.float64(c[2 * x]) + np.float64(c[2 * x + 1]) + np.float64(d[2 * x]) + np.float64(d[2 * x + 1])
                o[x] = 0.125 * s


@njit(cache=True, nogil=True)
def mean_float(src, out, fz, fy, fx, wz, wy, wx):
    """Mean of the samples that are finite numbers; NaN only where none is. Summed in float64."""
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    wz, wy, wx = counts_for(nz, fz, wz), counts_for(ny, fy, wy), counts_for(nx, fx, wx)
    # whole cells as if all were numbers; where that leaves none, and beyond, sample by sample
    planes, rows, columns = _whole_cells(nz, fz, wz), _whole_cells(ny, fy, wy), _whole_cells(nx, fx, wx)
    if fy == 2 and fx == 2 and fz == 1:
        _sum_rows(src, out, planes, rows, columns)
    elif fy == 2 and fx == 2:
        _sum_all(src, out, planes, rows, columns)
    else:
        planes = 0
    for z in range(mz):
        for y in range(my):
            done = columns if z < planes and y < rows else 0
            for x in range(mx):
                if x < done and math.isfinite(out[z, y, x]):
                    continue
                total, weight = 0.0, 0.0
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            value = src[zz, yy, xx]
                            if not math.isfinite(value):
                                continue
                            # an eighth, so that even the largest numbers add up
                            k = 0.125 * share(zz == nz - 1, yy == ny - 1, xx == nx - 1, wz, wy, wx)
                            total += k * value
                            weight += k
                out[z, y, x] = total / weight if weight > 0.0 else math.nan


@njit(cache=True, nogil=True)
def largest_integer(src, out, fz, fy, fx):
    """The largest sample of each cell. What a border sample stands for makes no difference."""
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    for z in range(mz):
        za, zb = z * fz, min(z * fz + fz, nz) - 1
        for y in range(my):
            ya, yb = y * fy, min(y * fy + fy, ny) - 1
            a, b, c, d, o = src[za, ya], src[za, yb], src[zb, ya], src[zb, yb], out[z, y]
            if fx == 2:
                for x in range(nx // 2):
                    left = max(max(a[2 * x], b[2 * x]), max(c[2 * x], d[2 * x]))
                    right = max(max(a[2 * x + 1], b[2 * x + 1]), max(c[2 * x + 1], d[2 * x + 1]))
                    o[x] = max(left, right)
            for x in range(nx // 2 if fx == 2 else 0, mx):
                o[x] = max(max(a[x * fx], b[x * fx]), max(c[x * fx], d[x * fx]))


@njit(cache=True, nogil=True)
def largest_float(src, out, fz, fy, fx):
    """The largest finite number of each cell; NaN only where there is none."""
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    for z in range(mz):
        for y in range(my):
            for x in range(mx):
                best = -math.inf
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            value = src[zz, yy, xx]
                            if math.isfinite(value) and value > best:
                                best = value
                out[z, y, x] = best if best > -math.inf else math.nan


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
