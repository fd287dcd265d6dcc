"""Runs: neighbouring pixels of a row, sampled on one plane within one brick, sixteen at a time.

Where the samples lie, which values they have, and what these add to the rays of the pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.memory import float_of, get, put, take, three_of
from stackreel.kernels.sample import BRICK, SIDE, openness_at, shade, trilinear

TILE = 64
LANES = 16
OPAQUE = 1.0 / 255.0

# A tile keeps for every pixel: what still shines through, colour, depths of entry and exit in steps, the length of a
# step. A row's numbers of one kind lie together, and as many again as are done at a time may be touched behind them.
FIELD = TILE + LANES
RED, GREEN, BLUE, FIRST, LAST, LENGTH = FIELD, 2 * FIELD, 3 * FIELD, 4 * FIELD, 5 * FIELD, 6 * FIELD
ROW = 7 * FIELD

_U = np.uint64
_ROW32, _PLANE32 = np.int32(SIDE), np.int32(SIDE * SIDE)
_LAST_VOXEL = np.int32(BRICK - 1)
_PER_RED, _PER_BLUE = np.float32(1 / 2047), np.float32(1 / 1023)


@njit(inline="always")
def opacity_over(optical_depth):
    """Opacity of a step: 1 - exp(-optical_depth), to 1e-6 of itself, without a branch.

    The series for a sixteenth of the depth, then four times o → o (2 - o), which doubles the depth.
    """
    x = min(np.float32(optical_depth), np.float32(20.0)) * np.float32(1 / 16)
    y = np.float32(1 / 24) - x * np.float32(1 / 120)
    y = np.float32(1 / 6) - x * y
    y = np.float32(1 / 2) - x * y
    o = x * (np.float32(1.0) - x * y)
    o = o * (np.float32(2.0) - o)
    o = o * (np.float32(2.0) - o)
    o = o * (np.float32(2.0) - o)
    return o * (np.float32(2.0) - o)


@njit(inline="always")
def unpacked(colors, entry):
    """Extinction, red, green, blue of an entry."""
    red, green, blue = three_of(take(colors, _U(2) * _U(entry) + _U(1)))
    return float_of(take(colors, _U(2) * _U(entry))), red * _PER_RED, green * _PER_RED, blue * _PER_BLUE


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def places(spots, offsets, j0, j1, x0, y0, z0, dx, dy, dz, least, most):
    """Where the samples of a run of pixels lie in their brick: offset of the lowest of eight, and fractions."""
    lx, ly, lz = np.float32(least[0]), np.float32(least[1]), np.float32(least[2])
    mx, my, mz = np.float32(most[0]), np.float32(most[1]), np.float32(most[2])
    fx0, fy0, fz0 = np.float32(x0), np.float32(y0), np.float32(z0)
    fdx, fdy, fdz = np.float32(dx), np.float32(dy), np.float32(dz)
    start = np.uint32(j0)
    for i in range(np.uint32(j1 - j0 + LANES - 1) // np.uint32(LANES) * np.uint32(LANES)):
        j = start + np.uint32(i)
        s = np.float32(np.int32(j))
        x = min(max(fx0 + s * fdx, lx), mx)
        y = min(max(fy0 + s * fdy, ly), my)
        z = min(max(fz0 + s * fdz, lz), mz)
        ix, iy, iz = min(np.int32(x), _LAST_VOXEL), min(np.int32(y), _LAST_VOXEL), min(np.int32(z), _LAST_VOXEL)
        u = _U(i)
        offsets[u] = iz * _PLANE32 + iy * _ROW32 + ix
        spots[_U(FIELD) + u] = x - np.float32(ix)
        spots[_U(2 * FIELD) + u] = y - np.float32(iy)
        spots[_U(3 * FIELD) + u] = z - np.float32(iz)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def values_there(pool, base, spots, offsets, j0, j1, nearest):
    """The values there: interpolated between eight samples, or the nearest of them."""
    if nearest:
        for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
            at = base + _U(get(offsets, i))
            at += _U(get(spots, _U(FIELD) + i) >= np.float32(0.5))
            at += _U(get(spots, _U(2 * FIELD) + i) >= np.float32(0.5)) * _U(SIDE)
            at += _U(get(spots, _U(3 * FIELD) + i) >= np.float32(0.5)) * _U(SIDE * SIDE)
            put(spots, i, np.float32(take(pool, at)))
    else:
        for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
            at = base + _U(get(offsets, i))
            fx, fy, fz = get(spots, _U(FIELD) + i), get(spots, _U(2 * FIELD) + i), get(spots, _U(3 * FIELD) + i)
            put(spots, i, trilinear(pool, at, fx, fy, fz))


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def gather(rays, at, spots, j0, j1, k, colors, v0, per_value):
    """What a run of samples adds to its rays."""
    zero, half = np.float32(0.0), np.float32(0.5)
    top = np.float32(colors.shape[0] // 2 - 1)
    this, next_ = np.float32(k), np.float32(k + 1)
    opaque = np.float32(OPAQUE)
    start, row, count = _U(j0), _U(at), np.int32(j1 - j0)
    for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
        r = row + start + i
        through = get(rays, r)
        size = max(zero, min(get(rays, r + _U(LAST)), next_) - max(get(rays, r + _U(FIRST)), this))
        size *= get(rays, r + _U(LENGTH))
        entry = np.int32(max(zero, min(top, (get(spots, i) - v0) * per_value + half)))
        extinction, red, green, blue = unpacked(colors, entry)
        weight = opacity_over(extinction * size) * through
        weight = weight if through >= opaque and np.int32(i) < count else zero
        put(rays, r + _U(RED), get(rays, r + _U(RED)) + weight * red)
        put(rays, r + _U(GREEN), get(rays, r + _U(GREEN)) + weight * green)
        put(rays, r + _U(BLUE), get(rays, r + _U(BLUE)) + weight * blue)
        put(rays, r, through - weight)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def gather_lit(
    rays, at, spots, offsets, j0, j1, k, t, colors, v0, per_value, pool, base, per_step, light,
    view, along, openness, open_from, open_step,
):  # fmt: skip
    """The same, with light on every sample that can be seen.

    view, along : the rays' directions: that of the run's pixel 0, and what one pixel more adds (world x, y, z)
    """
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    top = np.float32(colors.shape[0] // 2 - 1)
    this, next_ = np.float32(k), np.float32(k + 1)
    for j in range(j0, j1):
        i, r = j - j0, at + j
        through = rays[r]
        if through < OPAQUE:
            continue
        entry = _U(int(max(zero, min(top, (spots[i] - v0) * per_value + half))))
        extinction, red, green, blue = unpacked(colors, entry)
        size = max(zero, min(rays[r + LAST], next_) - max(rays[r + FIRST], this)) * rays[r + LENGTH]
        weight = opacity_over(extinction * size) * through
        if weight <= zero:
            continue
        wx, wy, wz = view[0] + j * along[0], view[1] + j * along[1], view[2] + j * along[2]
        per_length = -1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
        dull, gloss = shade(
            pool, base + _U(np.uint32(offsets[i])), spots[FIELD + i], spots[2 * FIELD + i], spots[3 * FIELD + i],
            per_step, light, wx * per_length, wy * per_length, wz * per_length,
        )  # fmt: skip
        if light[8] > 0.0:
            open_sky = openness_at(
                openness,
                open_from[0] + t * wx / open_step[0],
                open_from[1] + t * wy / open_step[1],
                open_from[2] + t * wz / open_step[2],
            )
            reaches = 1.0 - light[8] * (1.0 - open_sky)
            dull, gloss = dull * reaches, gloss * reaches
        rays[r + RED] += weight * min(one, np.float32(red * dull + gloss))
        rays[r + GREEN] += weight * min(one, np.float32(green * dull + gloss))
        rays[r + BLUE] += weight * min(one, np.float32(blue * dull + gloss))
        rays[r] = through - weight


@njit(nogil=True, fastmath={"contract", "nnan", "nsz", "reassoc"})
def clearest(rays, at, count):
    """How much shines through the clearest ray of a run."""
    most = np.float32(0.0)
    for i in range(count):
        most = max(most, rays[at + i])
    return most
