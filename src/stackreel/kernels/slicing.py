"""Planes inside the volume: at which depth each ray meets them, which bricks that takes, and what is seen there."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.compose import color_of
from stackreel.kernels.cut import kept_of
from stackreel.kernels.layers import MIXED_SPOTS, SUM, mix
from stackreel.kernels.run import COLOR, FIELD, OPAQUE, TILE
from stackreel.kernels.sample import BEFORE, BRICK, SIDE, trilinear

_U = np.uint64
_VOLUME = np.uint64(SIDE * SIDE * SIDE)
_NOWHERE = np.float32(np.inf)
_STEEP = 1e-12
_SAME = 1e-5


@njit(nogil=True, error_model="numpy")
def _depth(plane, camera, u, v):
    """The depth at which a ray meets a plane; nearer than 0, infinite or no number where it does not."""
    ahead, behind = 0.0, plane[3]
    for axis in range(3):
        ahead += plane[axis] * (camera[3, axis] + u * camera[1, axis] + v * camera[2, axis])
        behind += plane[axis] * camera[0, axis]
    return -behind / ahead


@njit(nogil=True)
def _crossings_of(planes, boxes, cut, camera, u, v, begin, end, found, owner):
    """How many planes the ray at u, v crosses; their depths, near to far, into `found`, and which they are."""
    count = 0
    for s in range(planes.shape[0]):
        exact = _depth(planes[s], camera, u, v)
        t = np.float32(exact)
        if not (t > 0.0 and t < _NOWHERE):
            continue
        if cut[s] and not (t >= begin * (1.0 - _SAME) and t <= end * (1.0 + _SAME)):
            continue
        inside = True
        for axis in range(3):
            w = camera[3, axis] + u * camera[1, axis] + v * camera[2, axis]
            x = camera[0, axis] + exact * w
            inside = inside and boxes[s, 0, axis] <= x <= boxes[s, 1, axis]
        if not inside:
            continue
        i = count
        while i > 0 and found[i - 1] > t:
            found[i], owner[i] = found[i - 1], owner[i - 1]
            i -= 1
        found[i], owner[i] = t, s
        count += 1
    return count


@njit(nogil=True)
def _between(number, count, found, begin, end):
    """The depths between a ray's crossing before that number and the one of it, within those where it is drawn."""
    if number > count:
        return _NOWHERE, np.float32(0.0)
    first = found[number - 1] if number > 0 else np.float32(0.0)
    last = found[number] if number < count else _NOWHERE
    return max(first, begin), min(last, end)


@njit(cache=True, nogil=True)
def crossings(number, planes, boxes, cut, camera, tile, base, limits, depth, which):
    """For each ray of a tile: its crossing of that number, near to far, and the depths between it and the one before.

    planes : (n, 4) float64: a point (x, y, z) lies on one where a·x + b·y + c·z + d = 0; a, b, c of length 1
    boxes  : (n, 2, 3) float64: lower and upper corner of the world box in which it counts
    cut    : (n,) bool: whether it counts only between the depths of `base`
    camera, tile : as in march.march
    base   : (rows, columns, 2) float32: depths between which each ray is drawn at all, or (0, 0, 0)
    limits : (rows, columns, 2) float32, written: from the crossing before to this one
    depth, which : (rows, columns) float32, int8, written: where the crossing is, and of which plane; infinite and -1
                   when there is none
    """
    height, width = depth.shape
    n = planes.shape[0]
    found, owner = np.empty(n, np.float32), np.empty(n, np.int64)
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(tile[2], tile[3]):
            u = (column + 0.5) * 2.0 / width - 1.0
            begin, end = np.float32(0.0), _NOWHERE
            if base.shape[0] > 0:
                begin, end = base[row, column, 0], base[row, column, 1]
            count = _crossings_of(planes, boxes, cut, camera, u, v, begin, end, found, owner)
            depth[row, column] = found[number] if number < count else _NOWHERE
            which[row, column] = owner[number] if number < count else -1
            limits[row, column, 0], limits[row, column, 1] = _between(number, count, found, begin, end)


@njit(nogil=True)
def _level_at(t, begins):
    level = 0
    while level + 1 < begins.shape[0] and t >= begins[level + 1]:
        level += 1
    return level


@njit(nogil=True)
def _index(axis, t, u, v, camera, origin, per_step, shape):
    """The continuous sample index on an axis (x, y, z) where a ray has some depth, kept within the samples."""
    w = camera[3, axis] + u * camera[1, axis] + v * camera[2, axis]
    x = (camera[0, axis] + t * w - origin[axis]) * per_step[axis]
    return max(0.0, min(shape[2 - axis] - 1.0, x))


@njit(nogil=True)
def _brick_of(t, u, v, camera, origin, per_step, shape):
    """The brick (z, y, x) of a level in which a ray has some depth."""
    x = int(_index(0, t, u, v, camera, origin, per_step, shape)) // BRICK
    y = int(_index(1, t, u, v, camera, origin, per_step, shape)) // BRICK
    z = int(_index(2, t, u, v, camera, origin, per_step, shape)) // BRICK
    return z, y, x


@njit(cache=True, nogil=True)
def foresee(
    size, tile, planes, boxes, cut, lets_through, clip, camera, begins, origins, per_steps, shapes, grids, first, marks,
    reach,
):  # fmt: skip
    """What `crossings` and `paint` will find in a tile, known from the planes alone: nothing of the volume is asked.

    size   : rows and columns of the picture
    lets_through : (n,) float64: the share of light that a plane lets through wherever it is
    clip   : (m, 4) float64: planes that cut rays away, as in cut.depths_kept; none where base is (0, 0, 0)
    begins : (levels,) as in `paint`; origins, per_steps, shapes, grids : of each of these levels, world position of
             sample 0 and samples per length (x, y, z), samples and bricks (z, y, x); first : where its bricks begin in
    marks  : (n, bricks) bool: marked where a ray's crossing of that number falls into a brick
    reach  : (n + 1, 2) float64: widened to the depths between which rays see, before the crossing of that number
    Behind what lets nothing through, nothing is seen.
    """
    height, width = size
    n = planes.shape[0]
    found, owner = np.empty(n, np.float32), np.empty(n, np.int64)
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(tile[2], tile[3]):
            u = (column + 0.5) * 2.0 / width - 1.0
            begin, end = np.float32(0.0), _NOWHERE
            if clip.shape[0] > 0:
                begin, end = kept_of(clip, camera, u, v)
            count = _crossings_of(planes, boxes, cut, camera, u, v, begin, end, found, owner)
            through = 1.0
            for number in range(count + 1):
                near, far = _between(number, count, found, begin, end)
                if near < far:
                    reach[number, 0], reach[number, 1] = min(reach[number, 0], near), max(reach[number, 1], far)
                if number == count:
                    break
                t = found[number]
                k = _level_at(t, begins)
                z, y, x = _brick_of(t, u, v, camera, origins[k], per_steps[k], shapes[k])
                marks[number, first[k] + (z * grids[k, 1] + y) * grids[k, 2] + x] = True
                through *= lets_through[owner[number]]
                if through < 0.999 * OPAQUE:
                    break


@njit(nogil=True, error_model="numpy")
def _pixels_from_border(row, column, u, v, t, plane, box, camera, height, width):
    """How many pixels a place of a plane lies inside the border that its box gives it."""
    du, dv = 2.0 / width, -2.0 / height
    right, below = _depth(plane, camera, u + du, v), _depth(plane, camera, u, v + dv)
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
    return un, vn, _depth(plane, camera, un, vn)


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
            if s < 0 or state[row, column, 3] < OPAQUE or _level_at(t, begins) != turn:
                continue
            u = (column + 0.5) * 2.0 / width - 1.0
            bz, by, bx = _brick_of(t, u, v, camera, origin, per_step, shape)
            slot = slots[bz, by, bx]
            places = 4 if masked[s] else 1
            if mixture is not None and count > 0 and (s != of or slot != at or count + places > TILE):
                _add_mixed(seen, columns, count, mixture, of, masked[of], _U(at), spots, offsets)
                count = 0
            for n in range(places):
                un, vn, tn = u, v, float(t)
                if places > 1:
                    un, vn, tn = _spread(n, row, column, u, v, planes[s], camera, height, width)
                x = _index(0, tn, un, vn, camera, origin, per_step, shape) - bx * BRICK
                y = _index(1, tn, un, vn, camera, origin, per_step, shape) - by * BRICK
                z = _index(2, tn, un, vn, camera, origin, per_step, shape) - bz * BRICK
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
            if s < 0 or through < OPAQUE or _level_at(t, begins) != turn:
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
