"""The bricks of a picture in the order in which its rays meet them, and the tiles that each of them covers."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.sample import BRICK


@njit(nogil=True)
def outward(first, end, eye, out):
    """The numbers first..end - 1, beginning with the one nearest to `eye` and moving away from it on either side."""
    start = min(max(eye, first), end)
    n = 0
    for i in range(start, end):
        out[n] = i
        n += 1
    for i in range(start - 1, first - 1, -1):
        out[n] = i
        n += 1


@njit(cache=True, nogil=True)
def front_to_back(wanted, slots, cells, eye):
    """The wanted bricks that hold something visible, none before one that hides it: (n, 4) int32 index (x, y, z), slot.

    wanted, slots : (bricks z, y, x) of a level; cells : as in march; eye : the camera in sample indices (x, y, z)
    A ray never comes back on any axis, so that moving away from the eye on each of them is moving away along every ray.
    """
    nz, ny, nx = wanted.shape
    order_x, order_y, order_z = np.empty(nx, np.int64), np.empty(ny, np.int64), np.empty(nz, np.int64)
    outward(0, nx, int(math.floor(eye[0] / BRICK)), order_x)
    outward(0, ny, int(math.floor(eye[1] / BRICK)), order_y)
    outward(0, nz, int(math.floor(eye[2] / BRICK)), order_z)
    found = np.empty((np.count_nonzero(wanted), 4), np.int32)
    n = 0
    for z in order_z:
        for y in order_y:
            for x in order_x:
                if wanted[z, y, x] and cells[slots[z, y, x]] != 0:
                    found[n, 0], found[n, 1], found[n, 2], found[n, 3] = x, y, z, slots[z, y, x]
                    n += 1
    return found[:n]


@njit(nogil=True)
def footprint(first, side, margin, eye, ahead, right, up, size, within):
    """The pixels that a cube of samples may cover: first and end row, first and end column.

    first, side      : its first sample (x, y, z), and how many there are along an axis
    margin           : samples that it is taken to reach beyond itself (x, y, z)
    eye              : the camera in sample indices (x, y, z)
    ahead, right, up : depth, and place in the picture times depth, -1..1 in it, per sample (x, y, z)
    size             : width and height of the picture
    within           : rows and columns, given likewise, beyond which it does not matter; all of them are returned when
                       the cube reaches behind the camera
    """
    width, height = size
    u0, u1, v0, v1 = np.inf, -np.inf, np.inf, -np.inf
    for c in range(8):
        i, j, k = c & 1, c >> 1 & 1, c >> 2
        x = first[0] + i * side + (i * 2 - 1) * margin[0] - eye[0]
        y = first[1] + j * side + (j * 2 - 1) * margin[1] - eye[1]
        z = first[2] + k * side + (k * 2 - 1) * margin[2] - eye[2]
        t = x * ahead[0] + y * ahead[1] + z * ahead[2]
        if t <= 1e-6:
            return within[0], within[1], within[2], within[3]
        u = (x * right[0] + y * right[1] + z * right[2]) / t
        v = (x * up[0] + y * up[1] + z * up[2]) / t
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    return (
        max(within[0], int(math.floor((1.0 - v1) * 0.5 * height - 1.0))),
        min(within[1], int(math.ceil((1.0 - v0) * 0.5 * height + 1.0))),
        max(within[2], int(math.floor((u0 + 1.0) * 0.5 * width - 1.0))),
        min(within[3], int(math.ceil((u1 + 1.0) * 0.5 * width + 1.0))),
    )


@njit(cache=True, nogil=True)
def bricks_of_tiles(bricks, camera, origin, step, size, side, margin):
    """Which bricks each tile of a picture may meet.

    bricks : (n, 4) from front_to_back; camera : (4, 3) as in march; origin, step : of the samples, world (x, y, z)
    size   : width and height of the picture in pixels; side : of a tile in pixels
    margin : samples that a brick is taken to reach beyond itself (x, y, z)
    Returns the bricks met, tile after tile, row by row, each tile's front to back, and where each tile's begin:
    (m,) int32, (tiles + 1,) int64.
    """
    columns = -(-size[0] // side)
    tiles = columns * -(-size[1] // side)
    eye, ahead = (camera[0] - origin) / step, camera[3] * step
    right, up = camera[1] / np.sum(camera[1] ** 2) * step, camera[2] / np.sum(camera[2] ** 2) * step
    everything = 0, size[1], 0, size[0]
    covered = np.empty((len(bricks), 4), np.int64)
    begins = np.zeros(tiles + 1, np.int64)
    for n in range(len(bricks)):
        first = bricks[n, 0] * BRICK, bricks[n, 1] * BRICK, bricks[n, 2] * BRICK
        top, bottom, left, end = footprint(first, BRICK, margin, eye, ahead, right, up, size, everything)
        top, bottom, left, end = top // side, -(-bottom // side), left // side, -(-end // side)
        covered[n, 0], covered[n, 1], covered[n, 2], covered[n, 3] = top, bottom, left, end
        for i in range(top, bottom):
            for j in range(left, end):
                begins[i * columns + j + 1] += 1
    for i in range(tiles):
        begins[i + 1] += begins[i]
    met, filled = np.empty(begins[tiles], np.int32), begins[:-1].copy()
    for n in range(len(bricks)):
        for i in range(covered[n, 0], covered[n, 1]):
            for j in range(covered[n, 2], covered[n, 3]):
                met[filled[i * columns + j]] = n
                filled[i * columns + j] += 1
    return met, begins
