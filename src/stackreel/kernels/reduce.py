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
def mean_integer(src, out, fz, fy, fx, wz, wy, wx, sums):
    """Mean of integers, ties to even, so that a constant stays constant and nothing drifts upwards.

    sums : (x of out,) scratch, of an integer type that holds eight samples
    """
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    count = fz * fy * fx
    shift = 0
    while (1 << shift) < count:
        shift += 1
    half = (count >> 1) - 1 if count > 1 else 0
    whole = nx // fx
    if wx < 1.0:
        whole = min(whole, (nx - 1) // fx)
    for z in range(mz):
        for y in range(my):
            z0, y0 = z * fz, y * fy
            plain = z0 + fz <= nz and y0 + fy <= ny
            if (wz < 1.0 and z0 + fz >= nz) or (wy < 1.0 and y0 + fy >= ny):
                plain = False
            done = 0
            if plain:
                sums[:] = 0
                for dz in range(fz):
                    for dy in range(fy):
                        row = src[z0 + dz, y0 + dy]
                        if fx == 2:
                            for x in range(whole):
                                sums[x] += row[2 * x] + row[2 * x + 1]
                        else:
                            for x in range(whole):
                                sums[x] += row[x]
                if shift == 0:
                    for x in range(whole):
                        out[z, y, x] = sums[x]
                else:
                    for x in range(whole):
                        out[z, y, x] = (sums[x] + half + ((sums[x] >> shift) & 1)) >> shift
                done = whole
            for x in range(done, mx):
                total, weight = 0.0, 0.0
                for zz in range(z0, min(z0 + fz, nz)):
                    for yy in range(y0, min(y0 + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            k = 1.0
                            if zz == nz - 1:
                                k *= wz
                            if yy == ny - 1:
                                k *= wy
                            if xx == nx - 1:
                                k *= wx
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
                            k = 1.0
                            if zz == nz - 1:
                                k *= wz
                            if yy == ny - 1:
                                k *= wy
                            if xx == nx - 1:
                                k *= wx
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
                            k = 1.0
                            if zz == nz - 1:
                                k *= wz
                            if yy == ny - 1:
                                k *= wy
                            if xx == nx - 1:
                                k *= wx
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
