"""Looking ahead through the passes of coming frames: when is what is in memory needed again, and what must be read?"""

from __future__ import annotations

import heapq

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
    """What coming passes use and read, counted in passes from the next on.

    bricks, ends, levels    : flat places of all coming passes one after the other; where each ends; its level
    first_brick/first_chunk : per level, number of its first brick and chunk among all levels'
    grids, chunks, chunk, shapes : per level (z, y, x): bricks, chunks, samples of a chunk, samples
    where    : slot of every brick, or -1; seen : a number per brick, for `stamp`, that never comes twice
    next_use : out, per slot, the next pass that uses its brick; need : out, per chunk, the next pass that reads it, for
    bricks that are in no slot; both NEVER where no pass does
    Returns the chunks to be read, pass after pass, each once in a pass.
    """
    next_use[:] = NEVER
    need[:] = NEVER
    latest = np.full(need.shape[0], -1, np.int32)
    trace, count = np.empty(4096, np.int32), 0
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
                        if latest[c] == p:
                            continue
                        latest[c] = p
                        if need[c] == NEVER:
                            need[c] = p
                        if count == trace.shape[0]:
                            trace = np.concatenate((trace, np.empty_like(trace)))
                        trace[count] = c
                        count += 1
        begin = ends[p]
    return trace[:count]


@njit(cache=True, nogil=True)
def fetchable(trace, sizes, held, room):
    """Which chunks may be fetched now, and which give way to them, so that in the end nothing is read more often.

    The reading to come is played through as if nothing were fetched early: what is read gives way to nothing, or takes
    the place of what is read again latest (Belady's MIN). What it replaces then may be replaced now, unless it is still
    read before. Source: the "conservative" rule of Cao, Felten, Karlin, Li (1995).

    trace : chunks in the order of reading; sizes : bytes of every chunk; held : chunks in memory; room : bytes free
    Returns two arrays: chunks to be fetched, soonest read first, and chunks to be dropped.
    """
    n = trace.shape[0]
    last = np.full(sizes.shape[0], n, np.int32)
    following = np.empty(n, np.int32)
    for i in range(n - 1, -1, -1):
        following[i] = last[trace[i]]
        last[trace[i]] = i
    # of chunks in memory: when they are read next; of others -1
    when = np.full(sizes.shape[0], -1, np.int32)
    # held now and not read since the play began: such a chunk may go at once
    idle = np.zeros(sizes.shape[0], np.bool_)
    latest = [(np.int64(0), np.int64(0)) for _ in range(0)]
    for c in held:
        when[c] = last[c]
        idle[c] = True
        heapq.heappush(latest, (-np.int64(last[c]), np.int64(c)))
    fetch, drop = np.empty(n, np.int64), np.empty(held.shape[0], np.int64)
    fetched = dropped = 0
    for i in range(n):
        c = trace[i]
        if sizes[c] == 0:
            continue
        if when[c] >= 0:
            idle[c] = False
            when[c] = following[i]
            heapq.heappush(latest, (-np.int64(following[i]), np.int64(c)))
            continue
        early = True
        kept = True
        begun = dropped
        while room < sizes[c]:
            if len(latest) == 0:
                kept = False
                break
            time, victim = latest[0]
            if when[victim] != -time:
                heapq.heappop(latest)
                continue
            if -time <= following[i]:
                kept = False
                break
            heapq.heappop(latest)
            when[victim] = -1
            room += sizes[victim]
            if idle[victim]:
                drop[dropped] = victim
                dropped += 1
                idle[victim] = False
            else:
                early = False
        if not kept or not early:
            dropped = begun
        if kept:
            room -= sizes[c]
            when[c] = following[i]
            heapq.heappush(latest, (-np.int64(following[i]), np.int64(c)))
            if early:
                fetch[fetched] = c
                fetched += 1
    return fetch[:fetched], drop[:dropped]


@njit(nogil=True)
def _place(flat, grid, at):
    """Place (z, y, x) of a flat number in a grid."""
    at[2] = flat % grid[2]
    at[1] = flat // grid[2] % grid[1]
    at[0] = flat // grid[2] // grid[1]
