"""Planes inside the volume: at which depth each ray meets them, and which bricks that takes."""

from __future__ import annotations

import numpy as np
from numba import njit

from stackreel.kernels.cut import kept_of
from stackreel.kernels.run import OPAQUE
from stackreel.kernels.sample import BRICK

_NOWHERE = np.float32(np.inf)
_SAME = 1e-5


@njit(nogil=True, error_model="numpy")
def depth_of(plane, camera, u, v):
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
        exact = depth_of(planes[s], camera, u, v)
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
def level_at(t, begins):
    level = 0
    while level + 1 < begins.shape[0] and t >= begins[level + 1]:
        level += 1
    return level


@njit(nogil=True)
def index_of(axis, t, u, v, camera, origin, per_step, shape):
    """The continuous sample index on an axis (x, y, z) where a ray has some depth, kept within the samples."""
    w = camera[3, axis] + u * camera[1, axis] + v * camera[2, axis]
    x = (camera[0, axis] + t * w - origin[axis]) * per_step[axis]
    return max(0.0, min(shape[2 - axis] - 1.0, x))


@njit(nogil=True)
def brick_of(t, u, v, camera, origin, per_step, shape):
    """The brick (z, y, x) of a level in which a ray has some depth."""
    x = int(index_of(0, t, u, v, camera, origin, per_step, shape)) // BRICK
    y = int(index_of(1, t, u, v, camera, origin, per_step, shape)) // BRICK
    z = int(index_of(2, t, u, v, camera, origin, per_step, shape)) // BRICK
    return z, y, x


@njit(cache=True, nogil=True)
def foresee(
    size, tile, planes, boxes, cut, lets_through, clip, camera, begins, origins, per_steps, shapes, grids, first, marks,
    reach,
):  # fmt: skip
    """What `crossings` and painting.paint will find in a tile, from the planes alone: nothing of the volume is asked.

    size   : rows and columns of the picture
    lets_through : (n,) float64: the share of light that a plane lets through wherever it is
    clip   : (m, 4) float64: planes that cut rays away, as in cut.depths_kept; none where base is (0, 0, 0)
    begins : (levels,) as in painting.paint; origins, per_steps, shapes, grids : of each of these levels, world position
             of sample 0 and samples per length (x, y, z), samples and bricks (z, y, x); first : where its bricks are in
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
                k = level_at(t, begins)
                z, y, x = brick_of(t, u, v, camera, origins[k], per_steps[k], shapes[k])
                marks[number, first[k] + (z * grids[k, 1] + y) * grids[k, 2] + x] = True
                through *= lets_through[owner[number]]
                if through < 0.999 * OPAQUE:
                    break
