"""Bricks: which ones a view needs, how they are cut from stored chunks, and where something visible is in them."""

from __future__ import annotations

import numpy as np
from numba import njit

from stackreel.kernels.sample import AFTER, BEFORE, BRICK, CELL, CELLS, SIDE


@njit(cache=True, nogil=True)
def visible_bricks(low, high, sums, first, per_value, out):
    """Marks the bricks in which some interpolated value has an opacity; low, high, out are (bricks z, y, x).

    A brick's samples and the first ones of its upper neighbours bound every value interpolated inside it.
    sums[i] : table entries with an opacity before entry i; first, per_value : as in march
    """
    nz, ny, nx = low.shape
    entries = sums.shape[0] - 1
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                bottom, top = low[z, y, x], high[z, y, x]
                for zz in range(z, min(z + 2, nz)):
                    for yy in range(y, min(y + 2, ny)):
                        for xx in range(x, min(x + 2, nx)):
                            bottom = min(bottom, low[zz, yy, xx])
                            top = max(top, high[zz, yy, xx])
                out[z, y, x] = _any_visible(bottom, top, sums, entries, first, per_value)


@njit(cache=True, nogil=True)
def _any_visible(bottom, top, sums, entries, first, per_value):
    i = int(max(0.0, min(entries - 1.0, (float(bottom) - first) * per_value)))
    j = int(max(0.0, min(entries - 1.0, (float(top) - first) * per_value + 1.0)))
    return sums[j + 1] > sums[i]


@njit(cache=True, nogil=True)
def bricks_in_view(visible, begin, end, planes, out):
    """Marks the visible bricks of a box of bricks that are not wholly outside one of the planes; returns how many.

    visible, out : (bricks z, y, x) of a level; begin, end : box of brick indices (z, y, x)
    planes       : (n, 4): a point (x, y, z) in sample indices is inside where a·x + b·y + c·z + d ≥ 0
    """
    found = 0
    for z in range(begin[0], end[0]):
        for y in range(begin[1], end[1]):
            for x in range(begin[2], end[2]):
                if not visible[z, y, x]:
                    continue
                inside = True
                for p in range(planes.shape[0]):
                    reach = planes[p, 3]
                    reach += planes[p, 0] * ((x + (planes[p, 0] > 0.0)) * BRICK)
                    reach += planes[p, 1] * ((y + (planes[p, 1] > 0.0)) * BRICK)
                    reach += planes[p, 2] * ((z + (planes[p, 2] > 0.0)) * BRICK)
                    if reach < 0.0:
                        inside = False
                        break
                if inside:
                    out[z, y, x] = True
                    found += 1
    return found


@njit(cache=True, nogil=True)
def scatter(chunk, chunk_at, shape, slots, pool):
    """Copies a decoded chunk into every brick of the pool that wants samples of it, aprons included.

    chunk    : (z, y, x) samples; chunk_at : index of its first sample (z, y, x); shape : of the level
    slots    : (bricks z, y, x) int32 of the level: slot of a brick that is being filled, else -1
    """
    cz, cy, cx = chunk_at
    ez = min(cz + chunk.shape[0], shape[0])
    ey = min(cy + chunk.shape[1], shape[1])
    ex = min(cx + chunk.shape[2], shape[2])
    nbz, nby, nbx = slots.shape
    for bz in range(max(0, (cz - AFTER) // BRICK), min(nbz, (ez + BEFORE - 1) // BRICK + 1)):
        for by in range(max(0, (cy - AFTER) // BRICK), min(nby, (ey + BEFORE - 1) // BRICK + 1)):
            for bx in range(max(0, (cx - AFTER) // BRICK), min(nbx, (ex + BEFORE - 1) // BRICK + 1)):
                slot = slots[bz, by, bx]
                if slot < 0:
                    continue
                oz, oy, ox = bz * BRICK - BEFORE, by * BRICK - BEFORE, bx * BRICK - BEFORE
                z0, z1 = max(cz, oz), min(ez, oz + SIDE)
                y0, y1 = max(cy, oy), min(ey, oy + SIDE)
                x0, x1 = max(cx, ox), min(ex, ox + SIDE)
                for z in range(z0, z1):
                    for y in range(y0, y1):
                        at = ((z - oz) * SIDE + (y - oy)) * SIDE - ox
                        for x in range(x0, x1):
                            pool[slot, at + x] = chunk[z - cz, y - cy, x - cx]


@njit(cache=True, nogil=True)
def finish_brick(brick, at, shape, low, high):
    """Repeats the outermost samples beyond the volume's faces, and notes the range of every 8³ cell.

    brick     : (37³,) samples; at : brick index (z, y, x); shape : of the level (z, y, x)
    low, high : (64,) range of each cell, its far faces included
    """
    for axis in range(3):
        origin = at[axis] * BRICK - BEFORE
        first, last = max(0, -origin), min(SIDE, shape[axis] - origin) - 1
        stride = SIDE * SIDE if axis == 0 else (SIDE if axis == 1 else 1)
        one = SIDE if axis == 0 else SIDE * SIDE
        two = 1 if axis != 2 else SIDE
        for k in range(SIDE):
            if first <= k <= last:
                continue
            source = first if k < first else last
            for i in range(SIDE):
                for j in range(SIDE):
                    p = i * one + j * two
                    brick[p + k * stride] = brick[p + source * stride]
    for cz in range(CELLS):
        for cy in range(CELLS):
            for cx in range(CELLS):
                p = ((cz * CELL + BEFORE) * SIDE + cy * CELL + BEFORE) * SIDE + cx * CELL + BEFORE
                bottom = brick[p]
                top = bottom
                for z in range(CELL + 1):
                    for y in range(CELL + 1):
                        for x in range(CELL + 1):
                            value = brick[p + (z * SIDE + y) * SIDE + x]
                            bottom = min(bottom, value)
                            top = max(top, value)
                cell = (cz * CELLS + cy) * CELLS + cx
                low[cell] = bottom
                high[cell] = top


@njit(cache=True, nogil=True)
def visible_cells(low, high, sums, first, per_value, slots, cells):
    """For the bricks in such slots: cells[slot], a bit for every 8³ cell in which something is visible.

    Bricks that are mostly visible get all bits: walking straight through costs less than stepping round the holes.
    """
    entries = sums.shape[0] - 1
    total = CELLS * CELLS * CELLS
    for i in range(slots.shape[0]):
        slot = slots[i]
        bits = np.uint64(0)
        found = 0
        for cell in range(total):
            if _any_visible(low[slot, cell], high[slot, cell], sums, entries, first, per_value):
                bits |= np.uint64(1) << np.uint64(cell)
                found += 1
        cells[slot] = bits if found < total * 3 // 4 else np.uint64(0xFFFFFFFFFFFFFFFF)
