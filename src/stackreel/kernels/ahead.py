"""Looking ahead through the passes of coming frames: when is what is in memory needed again, and what must be read?"""

from __future__ import annotations

import numpy as np
from numba import njit

from stackreel.kernels.sample import BEFORE, BRICK, SIDE

NEVER = np.int32(2**31 - 1)


@njit(nogil=True)
def chunk_span(at, axis, chunk, shape):
    """First and last chunk on an axis that hold samples of brick number `at`, its apron included."""
    first = max(at[axis] * BRICK - BEFORE, 0) // chunk[axis]
    last = (min(at[axis] * BRICK - BEFORE + SIDE, shape[axis]) - 1) // chunk[axis]
    return first, last


@njit(cache=True, nogil=True)
def chunks_of(bricks, grid, chunks, chunk, shape, out):
    """Marks, out (chunks z, y, x flat), the chunks that hold samples of some bricks, aprons included.

    bricks : flat places in grid; grid, chunks : bricks and chunks along (z, y, x); chunk, shape : samples of a chunk,
    of the level
    """
    at = np.empty(3, np.int64)
    for i in range(bricks.shape[0]):
        _place(bricks[i], grid, at)
        z0, z1 = chunk_span(at, 0, chunk, shape)
        y0, y1 = chunk_span(at, 1, chunk, shape)
        x0, x1 = chunk_span(at, 2, chunk, shape)
        for z in range(z0, z1 + 1):
            for y in range(y0, y1 + 1):
                for x in range(x0, x1 + 1):
                    out[(z * chunks[1] + y) * chunks[2] + x] = True


@njit(cache=True, nogil=True)
def look_ahead(
    bricks, ends, levels, first_brick, first_chunk, grids, chunks, chunk, shapes, where, seen, stamp, next_use, need
):
    """When each slot's brick is used next, and when each chunk is to be read; counted in passes from the next on.

    bricks, ends, levels    : flat places of all coming passes one after the other; where each ends; its level
    first_brick/first_chunk : per level, number of its first brick and chunk among all levels'
    grids, chunks, chunk, shapes : per level (z, y, x): bricks, chunks, samples of a chunk, samples
    where    : slot of every brick, or -1; seen : a number per brick, for `stamp`, that never comes twice
    next_use : per slot, need : per chunk; both NEVER where no pass says otherwise. A chunk is needed for bricks that
    are in no slot.
    """
    next_use[:] = NEVER
    need[:] = NEVER
    at = np.empty(3, np.int64)
    begin = 0
    for p in range(ends.shape[0]):
        level = levels[p]
        for i in range(begin, ends[p]):
            brick = first_brick[level] + bricks[i]
            if seen[brick] == stamp:
                continue
            seen[brick] = stamp
            slot = where[brick]
            if slot >= 0:
                next_use[slot] = p
                continue
            _place(bricks[i], grids[level], at)
            z0, z1 = chunk_span(at, 0, chunk[level], shapes[level])
            y0, y1 = chunk_span(at, 1, chunk[level], shapes[level])
            x0, x1 = chunk_span(at, 2, chunk[level], shapes[level])
            for z in range(z0, z1 + 1):
                for y in range(y0, y1 + 1):
                    for x in range(x0, x1 + 1):
                        c = first_chunk[level] + (z * chunks[level, 1] + y) * chunks[level, 2] + x
                        if need[c] == NEVER:
                            need[c] = p
        begin = ends[p]


@njit(nogil=True)
def _place(flat, grid, at):
    """Place (z, y, x) of a flat number in a grid."""
    at[2] = flat % grid[2]
    at[1] = flat // grid[2] % grid[1]
    at[0] = flat // grid[2] // grid[1]
