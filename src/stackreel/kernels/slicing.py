"""Planes inside the volume: at which depth each ray meets them, which bricks that takes, and what is seen there."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.run import OPAQUE
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


@njit(cache=True, nogil=True)
def crossings(number, planes, boxes, cut, camera, tile, state, base, limits, depth, which):
    """For each ray of a tile: its crossing of that number, near to far, and the depths between it and the one before.

    planes : (n, 4) float64: a point (x, y, z) lies on one where a·x + b·y + c·z + d = 0; a, b, c of length 1
    boxes  : (n, 2, 3) float64: lower and upper corner of the world box in which it counts
    cut    : (n,) bool: whether it counts only between the depths of `base`
    camera, tile, state : as in march.march
    base   : (rows, columns, 2) float32: depths between which each ray is drawn at all, or (0, 0, 0)
    limits : (rows, columns, 2) float32, written: from the crossing before to this one
    depth, which : (rows, columns) float32, int8, written: where the crossing is, and of which plane; infinite and -1
                   when there is none
    Returns how many crossings some ray has, and the nearest and the farthest of the limits of those that still see.
    """
    height, width = state.shape[0], state.shape[1]
    n = planes.shape[0]
    found, owner = np.empty(n, np.float32), np.empty(n, np.int64)
    most, near, far = 0, np.inf, 0.0
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(tile[2], tile[3]):
            u = (column + 0.5) * 2.0 / width - 1.0
            begin, end = np.float32(0.0), _NOWHERE
            if base.shape[0] > 0:
                begin, end = base[row, column, 0], base[row, column, 1]
            count = 0
            for s in range(n):
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
            most = max(most, count)
            first = found[number - 1] if 0 < number <= count else np.float32(0.0)
            last = found[number] if number < count else _NOWHERE
            depth[row, column] = last
            which[row, column] = owner[number] if number < count else -1
            first, last = max(first, begin), min(last, end)
            if number > count:
                first, last = _NOWHERE, np.float32(0.0)
            limits[row, column, 0], limits[row, column, 1] = first, last
            if first < last and state[row, column, 3] >= OPAQUE:
                near, far = min(near, float(first)), max(far, float(last))
    return most, near, far


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


@njit(cache=True, nogil=True)
def bricks_met(tile, state, depth, which, begins, turn, camera, origin, per_step, shape, wanted):
    """Marks the bricks of a level that the crossings of a tile fall into, where anything still shines through.

    begins : (m,) float64: depth from which each of the levels used is fine enough; turn : which of them this is
    origin, per_step : of the level, as in march.march; shape : its samples (z, y, x)
    wanted : (bricks z, y, x) bool
    """
    height, width = state.shape[0], state.shape[1]
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(tile[2], tile[3]):
            t = depth[row, column]
            if which[row, column] < 0 or state[row, column, 3] < OPAQUE or _level_at(t, begins) != turn:
                continue
            u = (column + 0.5) * 2.0 / width - 1.0
            x = int(_index(0, t, u, v, camera, origin, per_step, shape)) // BRICK
            y = int(_index(1, t, u, v, camera, origin, per_step, shape)) // BRICK
            z = int(_index(2, t, u, v, camera, origin, per_step, shape)) // BRICK
            wanted[z, y, x] = True


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


@njit(cache=True, nogil=True)
def paint(
    tile, state, depth, which, begins, turn, camera, origin, per_step, shape, slots, pool, nearest,
    planes, boxes, tables, rows, scales, opacity, masked, line,
):  # fmt: skip
    """Lay what is seen of the volume at the crossings of a tile over its rays, as a thin sheet.

    slots  : (bricks z, y, x) int32 of the level; pool : (slots · 37³,) samples; nearest : as in march.march
    tables : (all entries, 4) float32: red, green, blue, opacity, of one plane after the other
    rows   : (n + 1,) int64: where each plane's begin; scales : (n, 2): value of its first entry, entries per value
    opacity: (n,) of each plane as a whole
    masked : (n,) bool: whether opacities differ from place to place; four places of a pixel then give it smooth edges
    line   : (n, 4) float64: colour of the line along its border, and its width in pixels, 0 for none
    """
    height, width = state.shape[0], state.shape[1]
    seen = np.empty(4, np.float32)
    one = np.float32(1.0)
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(tile[2], tile[3]):
            s, t, through = which[row, column], depth[row, column], state[row, column, 3]
            if s < 0 or through < OPAQUE or _level_at(t, begins) != turn:
                continue
            u = (column + 0.5) * 2.0 / width - 1.0
            x = _index(0, t, u, v, camera, origin, per_step, shape)
            y = _index(1, t, u, v, camera, origin, per_step, shape)
            z = _index(2, t, u, v, camera, origin, per_step, shape)
            bx, by, bz = int(x) // BRICK, int(y) // BRICK, int(z) // BRICK
            base = _U(slots[bz, by, bx]) * _VOLUME
            top = rows[s + 1] - rows[s] - 1
            seen[:] = 0.0
            places = 4 if masked[s] else 1
            for n in range(places):
                if places > 1:
                    un, vn = u + ((n & 1) - 0.5) / width, v + ((n >> 1) - 0.5) / height
                    tn = _depth(planes[s], camera, un, vn)
                    x = _index(0, tn, un, vn, camera, origin, per_step, shape)
                    y = _index(1, tn, un, vn, camera, origin, per_step, shape)
                    z = _index(2, tn, un, vn, camera, origin, per_step, shape)
                value = _value(pool, base, x - bx * BRICK, y - by * BRICK, z - bz * BRICK, nearest)
                entry = (value - scales[s, 0]) * scales[s, 1]
                if nearest:
                    entry = math.floor(entry + 0.5)
                entry = max(0.0, min(float(top), entry))
                i = min(int(entry), max(0, top - 1))
                f = np.float32(entry - i)
                a, b = rows[s] + i, rows[s] + min(i + 1, top)
                alpha = tables[a, 3] + (tables[b, 3] - tables[a, 3]) * f
                for c in range(3):
                    seen[c] += alpha * (tables[a, c] + (tables[b, c] - tables[a, c]) * f)
                seen[3] += alpha
            share, covers = np.float32(1.0 / places), np.float32(0.0)
            if line[s, 3] > 0.0:
                away = _pixels_from_border(row, column, u, v, t, planes[s], boxes[s], camera, height, width)
                covers = np.float32(max(0.0, min(1.0, line[s, 3] - away + 0.5)))
            weight = through * np.float32(opacity[s])
            for c in range(3):
                state[row, column, c] += weight * (seen[c] * share * (one - covers) + np.float32(line[s, c]) * covers)
            state[row, column, 3] = through - weight * (seen[3] * share * (one - covers) + covers)
