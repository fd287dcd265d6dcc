"""Painting slices: what is seen of the volume where rays meet them, laid over the rays as a thin sheet."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.compose import color_of
from stackreel.kernels.layers import MIXED_SPOTS, SUM, mix
from stackreel.kernels.run import COLOR, FIELD, OPAQUE, TILE
from stackreel.kernels.sample import BEFORE, BRICK, SIDE, trilinear
from stackreel.kernels.slicing import brick_of, depth_of, index_of, level_at

_U = np.uint64
_VOLUME = np.uint64(SIDE * SIDE * SIDE)
_STEEP = 1e-12


@njit(nogil=True, error_model="numpy")
def _pixels_from_border(row, column, u, v, t, plane, box, camera, height, width):
    """How many pixels a place of a plane lies inside the border that its box gives it."""
    du, dv = 2.0 / width, -2.0 / height
    right, below = depth_of(plane, camera, u + du, v), depth_of(plane, camera, u, v + dv)
    nearest = np.inf
    for axis in range(3):
        x = camera[0, axis] + t * (camera[3, axis] + u * camera[1, axis] + v * camera[2, axis])
        beside = camera[0, axis] + right * (camera[3, axis] + (u + du) * camera[1, axis] + v * camera[2, axis])
        under = camera[0, axis] + below * (camera[3, axis] + u * camera[1, axis] + (v + dv) * camera[2, axis])
        # how fast it changes across the picture; not at all for a plane that lies along this face
        speed = math.sqrt((beside - x) ** 2 + (under - x) ** 2)
        if 1.0 - abs(plane[axis]) > _STEEP and speed > 0.0:
            nearest = min(nearest, min(x - box[0, axis], box[1, axis] - x) / speed)
    return nearest


@njit(nogil=True)
def _value(pool, base, x, y, z, nearest):
    """The value at a place of a brick, in samples from its first one; what it holds beyond itself included."""
    least, most = -float(BEFORE), SIDE - BEFORE - 1.001
    x, y, z = max(least, min(most, x)), max(least, min(most, y)), max(least, min(most, z))
    ix, iy, iz = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
    fx, fy, fz = np.float32(x - ix), np.float32(y - iy), np.float32(z - iz)
    at = base + _U(((iz + BEFORE) * SIDE + iy + BEFORE) * SIDE + ix + BEFORE)
    if nearest:
        at += _U(fx >= 0.5) + _U(fy >= 0.5) * _U(SIDE) + _U(fz >= 0.5) * _U(SIDE * SIDE)
        return np.float32(pool[at])
    return trilinear(pool, at, fx, fy, fz)


@njit(nogil=True, error_model="numpy")
def _spread(n, row, column, u, v, plane, camera, height, width):
    """One of four places of a pixel: u, v and the depth there of a plane."""
    un, vn = u + ((n & 1) - 0.5) / width, v + ((n >> 1) - 0.5) / height
    return un, vn, depth_of(plane, camera, un, vn)


@njit(nogil=True)
def _add_value(seen, value, nearest, tables, begin, end, first, per_value):
    """Adds what a value looks like: colour times opacity, and opacity."""
    top = end - begin - 1
    entry = (value - first) * per_value
    if nearest:
        entry = math.floor(entry + 0.5)
    entry = max(0.0, min(float(top), entry))
    i = min(int(entry), max(0, top - 1))
    f = np.float32(entry - i)
    a, b = begin + i, begin + min(i + 1, top)
    alpha = tables[a, 3] + (tables[b, 3] - tables[a, 3]) * f
    for c in range(3):
        seen[c] += alpha * (tables[a, c] + (tables[b, c] - tables[a, c]) * f)
    seen[3] += alpha


@njit(nogil=True)
def _note_place(spots, offsets, i, x, y, z):
    """Keeps a place of a brick, in samples from its first one, for layers.mix: what it holds beyond itself included."""
    least, most = -float(BEFORE), SIDE - BEFORE - 1.001
    x, y, z = max(least, min(most, x)), max(least, min(most, y)), max(least, min(most, z))
    ix, iy, iz = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
    offsets[i] = (iz * SIDE + iy) * SIDE + ix
    spots[FIELD + i], spots[2 * FIELD + i], spots[3 * FIELD + i] = x - ix, y - iy, z - iz


@njit(nogil=True)
def _add_mixed(seen, columns, count, mixture, s, masked, slot, spots, offsets):
    """Adds what several channels look like together at places of a brick to the columns that these belong to."""
    views, channels, layers, scales, tables, parts = mixture
    some, their = layers[parts[s] : parts[s + 1]], scales[parts[s] : parts[s + 1]]
    mix(views, channels, some, their, tables, slot, spots, offsets, 0, count)
    for i in range(count):
        total = spots[SUM + i]
        if masked and not total > 0.0:
            continue
        per = np.float32(1.0) / max(total, np.float32(1e-30))
        for c in range(3):
            seen[columns[i], c] += spots[COLOR + c * FIELD + i] * per
        seen[columns[i], 3] += np.float32(1.0)


@njit(nogil=True)
def _lay_projected(state, row, column, seen, share, covers, line, weight, projected):
    """Give a plane its share of a ray's picture: the plane, and over it the projection of what lies in front."""
    laid, average, colors, opacities, first, per_value = projected
    one, through = np.float32(1.0), state[row, column, 3]
    alpha = seen[3] * share * (one - covers) + covers
    # the share of the picture that shows the plane, here; all of what is left, once that is next to nothing
    part = weight * alpha
    whole = through - part < OPAQUE
    grow = through / part if whole and part > 0.0 else one
    red, green, blue, front = color_of(
        state, row, column, average, colors, opacities, np.float32(first), np.float32(per_value)
    )
    for c in range(3):
        color = red if c == 0 else (green if c == 1 else blue)
        own = seen[c] * share * (one - covers) + np.float32(line[c]) * covers
        laid[row, column, c] += grow * (part * front * color + (one - front) * weight * own)
    laid[row, column, 3] += grow * part
    state[row, column, 3] = np.float32(0.0) if whole else through - part


@njit(cache=True, nogil=True)
def paint(
    tile, state, depth, which, begins, turn, camera, origin, per_step, shape, slots, pool, nearest,
    planes, boxes, tables, rows, scales, opacity, masked, line, mixture, projected,
):  # fmt: skip
    """Lay what is seen of the volume at the crossings of a tile over its rays, as a thin sheet.

    begins : (m,) float64: depth from which each of the levels used is fine enough; turn : which of them this is
    origin, per_step : of the level, as in march.march; shape : its samples (z, y, x)
    slots  : (bricks z, y, x) int32 of the level; pool : (slots · 37³,) samples; nearest : as in march.march
    tables : (all entries, 4) float32: red, green, blue, opacity, of one plane after the other
    rows   : (n + 1,) int64: where each plane's begin; scales : (n, 2): value of its first entry, entries per value
    opacity: (n,) of each plane as a whole
    masked : (n,) bool: whether opacities differ from place to place; four places of a pixel then give it smooth edges
    line   : (n, 4) float64: colour of the line along its border, and its width in pixels, 0 for none
    mixture: None, or instead of tables what layers.mix wants but the places, the layers of one plane after the other,
             and (n + 1,) int64: where each plane's begin
    projected : None, or (rows, columns, 4) float32 and, from `average` on, what compose.colored wants: rays gather
             values, and a plane takes its share of each ray's picture, with what lies in front of it over it
    """
    height, width = state.shape[0], state.shape[1]
    left = tile[2]
    seen = np.empty((tile[3] - left, 4), np.float32)
    spots, offsets = np.zeros(MIXED_SPOTS, np.float32), np.zeros(FIELD, np.int32)
    columns = np.empty(TILE, np.int64)
    one = np.float32(1.0)
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        seen[:] = 0.0
        count, of, at = 0, -1, -1
        for column in range(tile[2], tile[3]):
            s, t = which[row, column], depth[row, column]
            if s < 0 or state[row, column, 3] < OPAQUE or level_at(t, begins) != turn:
                continue
            u = (column + 0.5) * 2.0 / width - 1.0
            bz, by, bx = brick_of(t, u, v, camera, origin, per_step, shape)
            slot = slots[bz, by, bx]
            places = 4 if masked[s] else 1
            if mixture is not None and count > 0 and (s != of or slot != at or count + places > TILE):
                _add_mixed(seen, columns, count, mixture, of, masked[of], _U(at), spots, offsets)
                count = 0
            for n in range(places):
                un, vn, tn = u, v, float(t)
                if places > 1:
                    un, vn, tn = _spread(n, row, column, u, v, planes[s], camera, height, width)
                x = index_of(0, tn, un, vn, camera, origin, per_step, shape) - bx * BRICK
                y = index_of(1, tn, un, vn, camera, origin, per_step, shape) - by * BRICK
                z = index_of(2, tn, un, vn, camera, origin, per_step, shape) - bz * BRICK
                if mixture is not None:
                    _note_place(spots, offsets, count, x, y, z)
                    columns[count], of, at = column - left, s, slot
                    count += 1
                else:
                    value = _value(pool, _U(slot) * _VOLUME, x, y, z, nearest)
                    _add_value(
                        seen[column - left], value, nearest, tables, rows[s], rows[s + 1], scales[s, 0], scales[s, 1]
                    )
        if mixture is not None and count > 0:
            _add_mixed(seen, columns, count, mixture, of, masked[of], _U(at), spots, offsets)
        for column in range(tile[2], tile[3]):
            s, t, through = which[row, column], depth[row, column], state[row, column, 3]
            if s < 0 or through < OPAQUE or level_at(t, begins) != turn:
                continue
            share, covers = np.float32(0.25 if masked[s] else 1.0), np.float32(0.0)
            if line[s, 3] > 0.0:
                u = (column + 0.5) * 2.0 / width - 1.0
                away = _pixels_from_border(row, column, u, v, t, planes[s], boxes[s], camera, height, width)
                covers = np.float32(max(0.0, min(1.0, line[s, 3] - away + 0.5)))
            here = seen[column - left]
            weight = through * np.float32(opacity[s])
            if projected is not None:
                _lay_projected(state, row, column, here, share, covers, line[s], weight, projected)
                continue
            for c in range(3):
                state[row, column, c] += weight * (here[c] * share * (one - covers) + np.float32(line[s, c]) * covers)
            state[row, column, 3] = through - weight * (here[3] * share * (one - covers) + covers)
