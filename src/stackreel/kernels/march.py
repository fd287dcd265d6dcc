"""Rays through bricks, front to back: all rays of a tile at once, one plane of equal depth after the other.

The same absorption and emission as VTK's ray caster (Max 1995, IEEE TVCG 1(2), eq. 6): a step of length s through
extinction κ gathers 1 - exp(-κ s).

Samples lie on planes of equal depth along the view direction, at (k + ½) steps from the camera. On such a plane the
places of a row of pixels are equally spaced, so that the part of a row which a brick holds is one run of pixels,
and the compiler takes eight or sixteen of them at a time, as many as the processor's vectors hold. Every sample
belongs to exactly one brick; where a ray enters and leaves the visible box its steps have their true length. So the
picture does not depend on bricks, passes, threads or tiles, and does not flicker while a crop moves.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.cover import footprint, outward
from stackreel.kernels.layers import MIXED_SPOTS, mix, mixed_slopes, weigh_mixed
from stackreel.kernels.relief import mixed_relief, relief_slopes
from stackreel.kernels.run import (
    BLUE,
    COMPOSITE,
    CUT,
    ENTRY,
    FIELD,
    FIRST,
    GREEN,
    LAST,
    LENGTH,
    NO_CUT,
    OPAQUE,
    RED,
    ROW,
    TILE,
    clearest,
    darken,
    face_light,
    gather,
    gather_lit,
    light_up,
    places,
    project,
    reach_of,
    skin_of,
    slopes,
    values_there,
    weigh,
)
from stackreel.kernels.sample import BEFORE, BRICK, CELL, SIDE

_U = np.uint64
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_VOLUME = np.uint64(SIDE * SIDE * SIDE)
_FAR = 1e9


@njit(nogil=True)
def _cut_light(cuts, camera, u, v, depth, dt, light):
    """How bright the plane is on which a ray begins at such a depth, or NO_CUT when it begins on none of them."""
    for p in range(cuts.shape[0]):
        away, along = cuts[p, 3], 0.0
        for axis in range(3):
            away += cuts[p, axis] * camera[0, axis]
            along += cuts[p, axis] * (camera[3, axis] + u * camera[1, axis] + v * camera[2, axis])
        if along > 0.0 and abs(away + depth * along) < (0.01 * dt + 1e-6 * depth) * along:
            return face_light(light, -cuts[p, 0], -cuts[p, 1], -cuts[p, 2])
    return NO_CUT


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _enter(state, tile, rays, alive, camera, eye, per_step, lower, upper, shell, dt, limits, light, cuts):
    """Lay out the rays of a tile: what they have gathered, and between which steps they are inside the box.

    A ray that enters by a face of the box, or where its limits begin on a plane of `cuts`, keeps how bright that is and
    where it was, in this shell or in one before it.
    alive : (TILE, 2) int64, per row the first and the end column that anything can still be added to
    """
    height, width = state.shape[0], state.shape[1]
    left = tile[2] // TILE * TILE
    per_dt, near = 1.0 / dt, math.floor(shell[0] / dt)
    faces = np.empty((3, 2))
    for axis in range(3):
        for side in range(2):
            n = 1.0 if side else -1.0
            faces[axis, side] = face_light(
                light, n if axis == 0 else 0.0, n if axis == 1 else 0.0, n if axis == 2 else 0.0
            )
    for row in range(tile[0], tile[1]):
        at = (row - tile[0]) * ROW
        v = 1.0 - (row + 0.5) * 2.0 / height
        begin, end = TILE, 0
        for column in range(tile[2], tile[3]):
            u = (column + 0.5) * 2.0 / width - 1.0
            entry, last, square, face = 0.0, shell[1], 0.0, NO_CUT
            if limits.shape[0] > 0:
                if limits[row, column, 0] > entry:
                    entry = limits[row, column, 0]
                    face = _cut_light(cuts, camera, u, v, entry, dt, light)
                last = min(last, limits[row, column, 1])
            for axis in range(3):
                w = camera[3, axis] + u * camera[1, axis] + v * camera[2, axis]
                square += w * w
                along = w * per_step[axis]
                # a ray along a plane never leaves by it
                along = along if abs(along) > 1e-30 else 1e-30
                a, b = (lower[axis] - eye[axis]) / along, (upper[axis] - eye[axis]) / along
                if min(a, b) > entry:
                    entry, face = min(a, b), faces[axis, 1 if along < 0.0 else 0]
                last = min(last, max(a, b))
            first = max(shell[0], entry)
            j = at + column - left
            rays[j] = state[row, column, 3]
            rays[j + RED] = state[row, column, 0]
            rays[j + GREEN] = state[row, column, 1]
            rays[j + BLUE] = state[row, column, 2]
            rays[j + FIRST] = first * per_dt - near
            rays[j + LAST] = last * per_dt - near
            rays[j + LENGTH] = math.sqrt(square) * dt
            rays[j + CUT] = face
            rays[j + ENTRY] = entry * per_dt - near
            if first < last and state[row, column, 3] >= OPAQUE:
                begin, end = min(begin, column - left), max(end, column - left + 1)
        alive[row - tile[0], 0], alive[row - tile[0], 1] = begin, end


@njit(nogil=True)
def _reach(tile, rays, alive):
    """The first and the end step, counted as in the rays, on which any of them is drawn."""
    first, last = np.float32(_FAR), np.float32(0.0)
    for local in range(tile[1] - tile[0]):
        for j in range(local * ROW + alive[local, 0], local * ROW + alive[local, 1]):
            if rays[j] >= OPAQUE and rays[j + FIRST] < rays[j + LAST]:
                first, last = min(first, rays[j + FIRST]), max(last, rays[j + LAST])
    return (int(math.floor(first)), int(math.ceil(last))) if first < last else (0, 0)


@njit(nogil=True)
def _leave(state, tile, rays):
    left = tile[2] // TILE * TILE
    for row in range(tile[0], tile[1]):
        at = (row - tile[0]) * ROW - left
        for column in range(tile[2], tile[3]):
            state[row, column, 0] = rays[at + column + RED]
            state[row, column, 1] = rays[at + column + GREEN]
            state[row, column, 2] = rays[at + column + BLUE]
            state[row, column, 3] = rays[at + column]


@njit(nogil=True)
def _visible_parts(bits, octants, bx, by, bz, eye, order, parts):
    """The visible parts of a brick, front to back: itself, or such of its octants and cells as hold something visible.

    parts : (64, 4) int64: first voxel (x, y, z) and side; returns how many there are
    """
    if bits == _ALL:
        parts[0, 0], parts[0, 1], parts[0, 2], parts[0, 3] = bx * BRICK, by * BRICK, bz * BRICK, BRICK
        return 1
    count = 0
    half = BRICK // 2
    for axis in range(3):
        first = 2 * (bx if axis == 0 else (by if axis == 1 else bz))
        outward(first, first + 2, int(math.floor(eye[axis] / half)), order[axis])
    for i in range(2):
        for j in range(2):
            for k in range(2):
                oz, oy, ox = order[2, i], order[1, j], order[0, k]
                octant = octants[(oz & 1) << 2 | (oy & 1) << 1 | (ox & 1)]
                if bits & octant == _U(0):
                    continue
                if bits & octant == octant:
                    parts[count, 0], parts[count, 1], parts[count, 2] = ox * half, oy * half, oz * half
                    parts[count, 3] = half
                    count += 1
                    continue
                outward(2 * ox, 2 * ox + 2, int(math.floor(eye[0] / CELL)), order[3])
                outward(2 * oy, 2 * oy + 2, int(math.floor(eye[1] / CELL)), order[4])
                outward(2 * oz, 2 * oz + 2, int(math.floor(eye[2] / CELL)), order[5])
                for c in range(8):
                    cz, cy, cx = order[5, c >> 2], order[4, c >> 1 & 1], order[3, c & 1]
                    if bits >> _U((cz & 3) << 4 | (cy & 3) << 2 | (cx & 3)) & _U(1):
                        parts[count, 0], parts[count, 1], parts[count, 2] = cx * CELL, cy * CELL, cz * CELL
                        parts[count, 3] = CELL
                        count += 1
    return count


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _runs(runs, top, bottom, begins, ends, slant, first, end):
    """Which columns of each row a part of a brick holds on a plane: the first and the end one, (rows, 2) int32.

    begins, ends : on each axis, where it begins and ends in row -½; slant : what one row more adds to both
    """
    b0, b1, b2, e0, e1, e2 = begins[0], begins[1], begins[2], ends[0], ends[1], ends[2]
    s0, s1, s2 = slant[0], slant[1], slant[2]
    for i in range(np.uint64(bottom - top)):
        row = np.float64(np.int64(i) + top) + 0.5
        begin = max(max(b0 + s0 * row, b1 + s1 * row), max(b2 + s2 * row, first))
        stop = min(min(e0 + s0 * row, e1 + s1 * row), min(e2 + s2 * row, end))
        runs[i, 0] = np.int32(math.ceil(min(begin, end)))
        runs[i, 1] = np.int32(math.ceil(max(stop, first)))


@njit(cache=True, nogil=True, fastmath={"contract", "nnan", "nsz"})
def march(
    state, tile, camera, origin, per_step, lower, upper, shell, span, dt, met, bricks,
    pool, cells, colors, areas, scale, light, openness, open_size, open_origin, open_step, nearest, blend, limits,
    lamps, cuts, mixture, relief, relief_begins, relief_size, relief_origin, relief_step,
):  # fmt: skip
    """Carry the rays of a tile of pixels through some planes of one level; returns the samples taken.

    state    : (rows, columns, 4) float32: colour gathered so far, premultiplied, and what still shines through
    tile     : first row, end row, first column, end column; within one square of TILE × TILE pixels
    camera   : (4, 3) float64: position and right, up, forward in world (x, y, z); right and up span half the picture
    origin   : world position of sample 0 (x, y, z); per_step : samples per world length (x, y, z)
    lower, upper : the visible box in continuous sample indices (x, y, z)
    shell    : depths between which this level is drawn
    span     : first and end plane that are drawn now; plane k lies at depth (k + ½) dt
    met      : the bricks that the tile may meet, front to back, as indices into
    bricks   : (n, 4) int32: brick index (x, y, z) and slot in the pool
    pool     : (slots · 37³,) samples; cells : (slots,) uint64, bit per 8³ cell of a brick that holds something visible
    colors   : (2 n,) uint32: frames.native.tables.packed: colour and extinction; scale : first value, entries per value
    areas    : ((n + 1) · 4,) float64, as in run.weigh: frames.native.tables.LookUp.areas
    light    : as in run.light_up; light[1] = light[2] = light[8] = 0 without lamps is unshaded
    openness : (z · y · x,) float32, 0..1: light from all around, on a coarse grid of such size, origin, step (x, y, z)
    nearest  : take the nearest sample instead of interpolating: for labels, and for angles that are taken as numbers
    blend    : run.COMPOSITE, or what the rays gather instead of colours: as in run.project
    limits   : (rows, columns, 2) float32: depths between which each ray is drawn; (0, 0, 0): all of it
    lamps    : as in run.light_up
    cuts     : (n, 4) float64: planes on which limits may begin, a·x + b·y + c·z + d ≥ 0 behind them, (a, b, c) of
               length 1: their cut faces are lit as such
    mixture  : None, or all but the places of kernels.layers.mix, which then says what is there instead of one channel
    relief   : the field that slopes for the light are taken from: flat, in the pool's type; its size, origin and step
               (x, y, z). Of size 0: the bricks themselves. In a mixture as in relief.mixed_relief
    """
    height, width = state.shape[0], state.shape[1]
    shaded = light[1] > 0.0 or light[2] > 0.0 or light[8] > 0.0 or lamps[0, 0] > 0.0 or lamps[1, 0] > 0.0
    rays = np.zeros(TILE * ROW, np.float32)
    alive = np.empty((TILE, 2), np.int64)
    spots, offsets = np.zeros(MIXED_SPOTS, np.float32), np.zeros(FIELD, np.int32)
    parts, order = np.empty((64, 4), np.int64), np.empty((6, 2), np.int64)
    octants = np.zeros(8, np.uint64)
    for bit in range(64):
        octants[(bit >> 3 & 4) | (bit >> 2 & 2) | (bit >> 1 & 1)] |= _U(1) << _U(bit)
    eye = (camera[0] - origin) * per_step
    per_column, per_row = camera[1] * (2.0 / width) * per_step, camera[2] * (-2.0 / height) * per_step
    # of the picture's corner, in samples per depth
    corner = (camera[3] - camera[1] + camera[2]) * per_step
    # depth, and place in the picture times depth, per sample
    ahead = camera[3] / per_step
    right = camera[1] / np.sum(camera[1] ** 2) / per_step
    upward = camera[2] / np.sum(camera[2] ** 2) / per_step
    open_from = (camera[0] - open_origin) / open_step
    open_at, open_by, slope = np.empty(3), np.empty(3), np.empty(3)
    own, finest = relief_size[0] == 0, max(per_step[0], per_step[1], per_step[2])
    relief_from, relief_per, relief_reach = (camera[0] - relief_origin) / relief_step, 1.0 / relief_step, np.ones(3)
    relief_at, relief_by = np.empty(3), np.empty(3)
    view, along = np.empty(3), camera[1] * (2.0 / width)
    least, most = np.empty(3), np.empty(3)
    a, b, low, high, brick = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3, np.int64)
    begins, ends, slant, runs = np.empty(3), np.empty(3), np.empty(3), np.empty((TILE, 2), np.int32)
    v0, per_value = np.float32(scale[0]), np.float32(scale[1])
    near = int(math.floor(shell[0] / dt))
    left = tile[2] // TILE * TILE
    # how far from its box a ray may be sampled: half a step
    reach = 0.5 * dt * (np.abs(camera[1]) + np.abs(camera[2]) + np.abs(camera[3])) * per_step
    exactly = np.zeros(3)
    _enter(state, tile, rays, alive, camera, eye, per_step, lower, upper, shell, dt, limits, light, cuts)
    nearest_step, end_step = _reach(tile, rays, alive)
    nearest_step, end_step = max(span[0], near + nearest_step), min(span[1], near + end_step)
    taken = 0
    for m in range(met.shape[0]):
        for axis in range(3):
            brick[axis] = bricks[met[m], axis]
            start = brick[axis] * BRICK
            least[axis] = max(0.0, min(float(BRICK), lower[axis] - start))
            most[axis] = max(0.0, min(float(BRICK), upper[axis] - start))
        slot = _U(bricks[met[m], 3])
        base = slot * _VOLUME + _U(BEFORE * (SIDE * SIDE + SIDE + 1))
        count = _visible_parts(cells[slot], octants, brick[0], brick[1], brick[2], eye, order, parts)
        for p in range(count):
            side = parts[p, 3]
            # what lies just outside the box counts for its outermost bricks; the depths of the part
            t0, t1, spare, outside = 0.0, 0.0, 0.0, False
            for axis in range(3):
                low[axis], high[axis] = float(parts[p, axis]), float(parts[p, axis] + side)
                outside = outside or high[axis] <= lower[axis] or low[axis] > upper[axis]
                x0, x1 = (low[axis] - eye[axis]) * ahead[axis], (high[axis] - eye[axis]) * ahead[axis]
                t0, t1 = t0 + min(x0, x1), t1 + max(x0, x1)
                if low[axis] <= max(0.0, lower[axis]):
                    low[axis], spare = -_FAR, 1.0
                if high[axis] > upper[axis]:
                    high[axis], spare = _FAR, 1.0
            k0 = max(nearest_step, int(math.ceil(t0 / dt - 0.5 - spare - 1e-6)))
            k1 = min(end_step, int(math.floor(t1 / dt - 0.5 + spare + 1e-6)) + 1)
            if outside or k0 >= k1:
                continue
            top, bottom, first, end = footprint(
                parts[p], side, reach if spare > 0.0 else exactly, eye, ahead, right, upward, (width, height), tile
            )
            if top >= bottom or first >= end:
                continue
            for k in range(k0, k1):
                t = (k + 0.5) * dt
                for axis in range(3):
                    a[axis] = eye[axis] + t * corner[axis]
                    b[axis] = t * per_column[axis]
                    per_b = 1.0 / (b[axis] if abs(b[axis]) > 1e-12 else 1e-12)
                    # where the part begins and ends, in columns; the same edge is the same number for both its bricks
                    e0, e1 = (low[axis] - a[axis]) * per_b - 0.5, (high[axis] - a[axis]) * per_b - 0.5
                    begins[axis], ends[axis] = (e0, e1) if per_b > 0.0 else (e1, e0)
                    slant[axis] = -t * per_row[axis] * per_b
                    slope[axis] = reach_of(t, light[9], per_step[axis])
                widest = 2.0 * max(slope[0] / per_step[0], slope[1] / per_step[1], slope[2] / per_step[2])
                skin = skin_of(t, light[9], finest)
                if not own:
                    for axis in range(3):
                        relief_reach[axis] = reach_of(t, light[9], relief_per[axis])
                    widest = 2.0 * max(
                        relief_reach[0] * relief_step[0],
                        relief_reach[1] * relief_step[1],
                        relief_reach[2] * relief_step[2],
                    )
                _runs(runs, top, bottom, begins, ends, slant, float(first), float(end))
                for row in range(top, bottom):
                    local = row - tile[0]
                    j0, j1 = (
                        max(runs[row - top, 0] - left, alive[local, 0]),
                        min(runs[row - top, 1] - left, alive[local, 1]),
                    )
                    if j0 >= j1:
                        continue
                    down = t * (row + 0.5)
                    at = local * ROW
                    if clearest(rays, _U(at + j0), _U(j1 - j0)) < OPAQUE:
                        continue
                    taken += j1 - j0
                    places(
                        spots, offsets, j0, j1,
                        a[0] + down * per_row[0] + (left + 0.5) * b[0] - brick[0] * BRICK,
                        a[1] + down * per_row[1] + (left + 0.5) * b[1] - brick[1] * BRICK,
                        a[2] + down * per_row[2] + (left + 0.5) * b[2] - brick[2] * BRICK,
                        b[0], b[1], b[2], least, most,
                    )  # fmt: skip
                    if mixture is not None:
                        views, channels, layers, scales, tables = mixture
                        mix(views, channels, layers, scales, tables, slot, spots, offsets, j0, j1)
                        if weigh_mixed(rays, at, spots, j0, j1, k - near) <= 0.0:
                            continue
                        if not shaded:
                            gather_lit(rays, at, spots, j0, j1)
                            continue
                    else:
                        values_there(pool, base, spots, offsets, j0, j1, nearest)
                        if blend != COMPOSITE:
                            project(rays, at, spots, j0, j1, k - near, blend)
                            continue
                        if not shaded:
                            gather(rays, at, spots, j0, j1, k - near, colors, v0, per_value)
                            continue
                    across, upwards = (left + 0.5) * 2.0 / width - 1.0, 1.0 - (row + 0.5) * 2.0 / height
                    for axis in range(3):
                        view[axis] = camera[3, axis] + across * camera[1, axis] + upwards * camera[2, axis]
                    if not own:
                        for axis in range(3):
                            relief_at[axis] = relief_from[axis] + t * view[axis] / relief_step[axis]
                            relief_by[axis] = t * along[axis] / relief_step[axis]
                    if mixture is not None:
                        if own:
                            mixed_slopes(
                                views, channels, layers, scales, tables, slot, spots, offsets, j0, j1, per_step, slope,
                            )  # fmt: skip
                        else:
                            mixed_relief(
                                views, channels, layers, scales, tables, slot, spots, offsets, j0, j1, relief,
                                relief_begins, relief_size, relief_at, relief_by, relief_per, relief_reach,
                            )  # fmt: skip
                    else:
                        slopes(pool, base, spots, offsets, j1 - j0, per_step, slope)
                        # between labels and angles there are no values to pass through
                        passed = 0.0 if nearest else dt
                        heaviest = weigh(
                            rays, at, spots, j0, j1, k - near, areas, v0, per_value, view, along, passed
                        )  # fmt: skip
                        if heaviest <= 0.0:
                            continue
                        if not own:
                            relief_slopes(
                                spots, j1 - j0, j0, relief, relief_begins[0], relief_size, relief_at, relief_by,
                                relief_per, relief_reach,
                            )  # fmt: skip
                    light_up(spots, j1 - j0, j0, light, light[7] / widest, lamps, view, along, rays, at, k - near, skin)
                    if light[8] > 0.0:
                        for axis in range(3):
                            open_at[axis] = open_from[axis] + t * view[axis] / open_step[axis]
                            open_by[axis] = t * along[axis] / open_step[axis]
                        darken(
                            spots, j1 - j0, j0, light[8], openness, open_size,
                            open_at[0], open_at[1], open_at[2], open_by[0], open_by[1], open_by[2],
                        )  # fmt: skip
                    gather_lit(rays, at, spots, j0, j1)
            # nothing more is added to a row's ends once they are opaque
            for row in range(top, bottom):
                local = row - tile[0]
                j0, j1 = alive[local, 0], alive[local, 1]
                while j0 < j1 and rays[local * ROW + j0] < OPAQUE:
                    j0 += 1
                while j0 < j1 and rays[local * ROW + j1 - 1] < OPAQUE:
                    j1 -= 1
                alive[local, 0], alive[local, 1] = j0, j1
    _leave(state, tile, rays)
    return taken
