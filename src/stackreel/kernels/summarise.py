"""What a renderer wants to know of a brick without reading it: lowest and highest value, and which values occur."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def copy_unless_zero(block, out):
    """Copies a 3-D block into the contiguous `out`; False, with `out` all zero, when every sample is zero."""
    nz, ny, nx = block.shape
    found = False
    for z in range(nz):
        for y in range(ny):
            some = block[z, y, 0] != 0
            for x in range(nx):
                value = block[z, y, x]
                out[z, y, x] = value
                some |= value != 0
            found |= some
    return found


@njit(cache=True, nogil=True)
def _count(brick, c0, c1, c2, c3):
    """Counts the bytes of a brick (z, y, x); four tables, so that equal neighbours do not wait for each other."""
    nz, ny, nx = brick.shape
    one = np.uint32(1)
    fours = nx // 4
    for z in range(nz):
        for y in range(ny):
            row = brick[z, y]
            for q in range(fours):
                c0[row[4 * q]] += one
                c1[row[4 * q + 1]] += one
                c2[row[4 * q + 2]] += one
                c3[row[4 * q + 3]] += one
            for x in range(4 * fours, nx):
                c0[row[x]] += one


@njit(cache=True, nogil=True)
def summarise_bytes(block, bz, by, bx, low, high, mask, histogram):
    """Per brick of a block of uint8: min, max and mask; adds the block to `histogram` (256 bins).

    block           : (z, y, x) uint8
    bz, by, bx      : brick size
    low, high, mask : (bricks z, y, x); bit k of mask says that a value in the k-th 64th of low..high occurs
    """
    c0, c1 = np.zeros(256, np.uint32), np.zeros(256, np.uint32)
    c2, c3 = np.zeros(256, np.uint32), np.zeros(256, np.uint32)
    for i in range(low.shape[0]):
        for j in range(low.shape[1]):
            for k in range(low.shape[2]):
                c0[:], c1[:], c2[:], c3[:] = 0, 0, 0, 0
                _count(block[i * bz : i * bz + bz, j * by : j * by + by, k * bx : k * bx + bx], c0, c1, c2, c3)
                first, last = 255, 0
                for v in range(256):
                    n = c0[v] + c1[v] + c2[v] + c3[v]
                    c0[v] = n
                    if n:
                        histogram[v] += n
                        first = min(first, v)
                        last = max(last, v)
                bits = np.uint64(0)
                per_value = 64.0 / (last - first + 1)
                for v in range(first, last + 1):
                    if c0[v]:
                        bits |= np.uint64(1) << np.uint64((v - first) * per_value)
                low[i, j, k] = first
                high[i, j, k] = last
                mask[i, j, k] = bits


@njit(cache=True, nogil=True)
def summarise(block, bz, by, bx, low, high, mask):
    """The same for any other type, without a histogram.

    What is no finite number counts as lower than everything: `low` of its brick is -inf, and `mask` leaves it out.
    Returns the lowest and highest finite value of the block, inf and -inf when it has none.
    """
    nz, ny, nx = block.shape
    least, most = np.inf, -np.inf
    for i in range(low.shape[0]):
        for j in range(low.shape[1]):
            for k in range(low.shape[2]):
                y1, x1 = min(j * by + by, ny), min(k * bx + bx, nx)
                z1 = min(i * bz + bz, nz)
                some, holes = False, False
                first = block[i * bz, j * by, k * bx]
                last = first
                for z in range(i * bz, z1):
                    for y in range(j * by, y1):
                        for x in range(k * bx, x1):
                            v = block[z, y, x]
                            if not np.isfinite(v):
                                holes = True
                                continue
                            if not some:
                                some = True
                                first = v
                                last = v
                            elif v < first:
                                first = v
                            elif v > last:
                                last = v
                bits = np.uint64(0)
                if some:
                    span = float(last) - float(first)
                    scale = 64.0 / span if 0.0 < span < np.inf else 0.0
                    for z in range(i * bz, z1):
                        for y in range(j * by, y1):
                            for x in range(k * bx, x1):
                                v = block[z, y, x]
                                if np.isfinite(v):
                                    bin_ = min(63, int((float(v) - float(first)) * scale)) if scale > 0.0 else 0
                                    bits |= np.uint64(1) << np.uint64(bin_)
                    low[i, j, k] = first
                    high[i, j, k] = last
                    least, most = min(least, float(first)), max(most, float(last))
                else:
                    high[i, j, k] = -np.inf
                if holes:
                    low[i, j, k] = -np.inf
                mask[i, j, k] = bits
    return least, most


@njit(cache=True, nogil=True)
def count_integers(block, lowest, counts):
    """Adds a block of integers to `counts`, whose first bin is the value `lowest` and whose bins are one wide."""
    nz, ny, nx = block.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                counts[np.int64(block[z, y, x]) - lowest] += 1


@njit(cache=True, nogil=True)
def count_floats(keys, counts):
    """Adds float32 samples, given as their uint32 bit patterns (z, y, x), to 65536 bins that grow with the value.

    The bin is the upper half of the pattern, reordered so that it increases with the value: 8 bits of exponent and
    7 of fraction, 1/128 of the value wide at most. NaN and infinities are left out.
    """
    nz, ny, nx = keys.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                bits = keys[z, y, x]
                if (bits & np.uint32(0x7FFFFFFF)) >= np.uint32(0x7F800000):
                    continue
                if bits & np.uint32(0x80000000):
                    bits = ~bits
                else:
                    bits = bits | np.uint32(0x80000000)
                counts[bits >> np.uint32(16)] += 1
