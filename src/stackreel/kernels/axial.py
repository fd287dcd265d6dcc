"""Directions of fibres in a coarser level: the mean of angles that begin anew after half a turn.

A fibre at 179° runs nearly as one at 1°; so angles are averaged as vectors of twice the angle. The mean vector is
short where directions differ, and what it is worth in the next level is just that length. Kept beside the angle, as
one byte or two a sample, it makes coarse levels the mean of the finest one; without it every mean would count as much
as any other, and directions drift by degrees wherever fibres cross or end.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.reduce import counts_for, share


@njit(cache=True, nogil=True)
def _whole_angle(angle, period, top, background, highest):
    """An angle top - period..top as an integer up to `highest` that is not the background."""
    near = float(round(angle))
    if near >= top:
        near = float(round(near - period))
    if near == background:
        near += 1.0 if angle > background else -1.0
        if near >= top:
            near = float(round(near - period))
        elif near < top - period:
            near = float(round(near + period))
    return near if near <= highest else float(round(near - period))


@njit(cache=True, nogil=True)
def mean_axial(
    src, out, lengths, out_lengths, full, turns, lowest, highest, fz, fy, fx, wz, wy, wx, period, background
):
    """Axial mean of each cell, in period/2π of a turn, and the length of the mean vector.

    lengths     : unsigned integers (z, y, x), what each sample is worth; without samples: all are worth the same
    out_lengths : gets |Σ k·w·e^{iα}| / Σ k over all samples of the cell, k their share of it and w their length,
                  0 where a sample has no direction; at least 1 where a direction is left, else 0. Without samples:
                  not wanted
    full        : the length of a sample whose direction is sure, in `lengths` and in `out_lengths`
    turns       : (n, 2) cosine and sine of α = 2π·value/period for value = lowest, lowest + 1, …; without rows they
                  are worked out
    lowest      : and highest value of integers
    background  : the value of no direction; NaN: there is none. NaN and infinities never are a direction

    Cells with a negative sample have means -period/2..period/2, others 0..period.
    A cell without a direction gets the background; or where there is none, its first finite sample, or NaN. A cell
    whose directions cancel keeps the first of them, with length 1.
    """
    nz, ny, nx = src.shape
    mz, my, mx = out.shape
    wz, wy, wx = counts_for(nz, fz, wz), counts_for(ny, fy, wy), counts_for(nx, fx, wx)
    turn = 2.0 * math.pi / period
    whole = src.dtype.kind != "f"
    weighed, wanted, known = lengths.size > 0, out_lengths.size > 0, turns.shape[0] > 0
    for z in range(mz):
        for y in range(my):
            for x in range(mx):
                c, s, weight, cell, signed = 0.0, 0.0, 0.0, 0.0, False
                first, kept, length = math.nan, math.nan, 0.0
                for zz in range(z * fz, min(z * fz + fz, nz)):
                    for yy in range(y * fy, min(y * fy + fy, ny)):
                        for xx in range(x * fx, min(x * fx + fx, nx)):
                            k = share(zz == nz - 1, yy == ny - 1, xx == nx - 1, wz, wy, wx)
                            cell += k
                            value = float(src[zz, yy, xx])
                            if value == background or not math.isfinite(value):
                                continue
                            if kept != kept:
                                kept = value
                            k *= float(lengths[zz, yy, xx]) if weighed else full[0]
                            if k == 0.0:
                                continue
                            if weight == 0.0:
                                first = value
                            signed |= value < 0.0
                            if known:
                                i = np.uint64(np.int64(src[zz, yy, xx]) - lowest)
                                c += k * turns[i, 0]
                                s += k * turns[i, 1]
                            else:
                                c += k * math.cos(value * turn)
                                s += k * math.sin(value * turn)
                            weight += k
                if weight == 0.0:
                    found = kept if background != background else background
                elif c * c + s * s < 1e-12 * weight * weight:
                    found, length = first, 1.0
                else:
                    top = 0.5 * period if signed else period
                    found = math.atan2(s, c) / turn
                    if found < 0.0 and not signed:
                        found += period
                    if whole:
                        found = _whole_angle(found, period, top, background, highest)
                    elif out.dtype.type(found) >= top:
                        found -= period if signed else found
                    if found == background or (not whole and out.dtype.type(found) == background):
                        found += 1e-6 * period
                    length = math.sqrt(c * c + s * s) / (cell * full[0]) * full[1]
                    length = max(1.0, min(full[1], math.floor(length + 0.5)))
                out[z, y, x] = found
                if wanted:
                    out_lengths[z, y, x] = int(length)
