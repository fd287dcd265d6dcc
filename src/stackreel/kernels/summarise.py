"""What a renderer wants to know of a brick without reading it: lowest and highest value, and which values occur."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def is_zero(block):
    """True when every sample of a 3-D block is zero. Stops at the first row that is not."""
    nz, ny, nx = block.shape
    for z in range(nz):
        for y in range(ny):
            row = block[z, y]
            found = False
            for x in range(nx):
                found |= row[x] != 0
            if found:
                return False
    return True


@njit(cache=True, nogil=True)
def _brick_counts(block, z0, z1, y0, y1, x0, x1, counts):
    """Histogram of one brick of bytes; four tables hide the latency of equal neighbours."""
    counts[:] = 0
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = block[z, y]
            x = x0
            while x + 4 <= x1:
                counts[0, row[x]] += 1
                counts[1, row[x + 1]] += 1
                counts[2, row[x + 2]] += 1
                counts[3, row[x + 3]] += 1
                x += 4
            while x < x1:
                counts[0, row[x]] += 1
                x += 1


@njit(cache=True, nogil=True)
def summarise_bytes(block, bz, by, bx, low, high, mask, histogram):
    """Per brick of a block of uint8: min, max and mask; adds the block to `histogram` (256 bins).

    block           : (z, y, x) uint8
    bz, by, bx      : brick size
    low, high, mask : (bricks z, y, x); bit k of mask says that a value in the k-th 64th of low..high occurs
    """
    nz, ny, nx = block.shape
    counts = np.zeros((4, 256), np.uint32)
    for i in range(low.shape[0]):
        for j in range(low.shape[1]):
            for k in range(low.shape[2]):
                _brick_counts(
                    block,
                    i * bz,
                    min(i * bz + bz, nz),
                    j * by,
                    min(j * by + by, ny),
                    k * bx,
                    min(k * bx + bx, nx),
                    counts,
                )
                first, last = 255, 0
                for v in range(256):
                    n = counts[0, v] + counts[1, v] + counts[2, v] + counts[3, v]
                    counts[0, v] = n
                    if n:
                        histogram[v] += n
                        first = min(first, v)
                        last = max(last, v)
                bits = np.uint64(0)
                width = last - first + 1
                for v in range(first, last + 1):
                    if counts[0, v]:
                        bits |= np.uint64(1) << np.uint64((v - first) * 64 // width)
                low[i, j, k] = first
                high[i, j, k] = last
                mask[i, j, k] = bits


@njit(cache=True, nogil=True)
def summarise(block, bz, by, bx, low, high, mask):
    """The same for any other type, without a histogram. A brick without a finite number gets low = high = 0, mask 0."""
    nz, ny, nx = block.shape
    for i in range(low.shape[0]):
        for j in range(low.shape[1]):
            for k in range(low.shape[2]):
                y1, x1 = min(j * by + by, ny), min(k * bx + bx, nx)
                z1 = min(i * bz + bz, nz)
                some = False
                first = block[i * bz, j * by, k * bx]
                last = first
                for z in range(i * bz, z1):
                    for y in range(j * by, y1):
                        for x in range(k * bx, x1):
                            v = block[z, y, x]
                            if not np.isfinite(v):
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
                else:
                    low[i, j, k] = 0
                    high[i, j, k] = 0
                mask[i, j, k] = bits


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
