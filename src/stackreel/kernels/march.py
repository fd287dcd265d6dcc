"""Rays through bricks: front to back, in steps of about a voxel, leaping over what the transfer function hides.

A level of the volume is cut into bricks of 32³ voxels. A brick in the pool holds 37³ samples: two before and three
after its own on every axis, so that interpolation and gradients never leave it. The same absorption and emission as
VTK's ray caster (Max 1995, IEEE TVCG 1(2), eq. 6): a step of length s through extinction κ gathers 1 - exp(-κ s).

Rays are measured by their depth t along the view direction, so that planes of equal t are planes of equal detail.
Every ray's samples lie on a grid of its own that starts at the camera; leaps are whole steps, and where a ray enters
and leaves the box its steps have their true length. So the picture does not depend on bricks, passes, threads or
tiles, and does not flicker while a crop moves.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

BRICK = 32
BEFORE, AFTER = 2, 3
SIDE = BEFORE + BRICK + AFTER
CELL = 8
CELLS = BRICK // CELL
LONGEST = 4 * BRICK
OPAQUE = 1.0 / 255.0
EVEN = 0.7

_C2, _C3, _C4 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
_C5, _C6 = np.float32(1 / 120), np.float32(1 / 720)

_U = np.uint64
_ROW = np.uint64(SIDE)
_PLANE = np.uint64(SIDE * SIDE)
_ONE = np.uint64(1)
_ROW32 = np.int32(SIDE)
_PLANE32 = np.int32(SIDE * SIDE)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_VOLUME = np.uint64(SIDE * SIDE * SIDE)


@njit(inline="always")
def opacity_over(optical_depth):
    """Opacity of a step: 1 - exp(-optical_depth), to 2e-6, without exp where the depth is small."""
    x = np.float32(optical_depth)
    if x < np.float32(0.5):
        y = _C5 - x * _C6
        y = _C4 - x * y
        y = _C3 - x * y
        y = _C2 - x * y
        return x * (np.float32(1.0) - x * y)
    return np.float32(1.0) - np.float32(math.exp(-x))


@njit(inline="always")
def trilinear(brick, at, fx, fy, fz):
    """The value between eight samples of a flat brick; `at` is the lowest of them, f* the fractions 0..1."""
    v000 = np.float32(brick[at])
    v001 = np.float32(brick[at + _ONE])
    v010 = np.float32(brick[at + _ROW])
    v011 = np.float32(brick[at + _ROW + _ONE])
    up = at + _PLANE
    v100 = np.float32(brick[up])
    v101 = np.float32(brick[up + _ONE])
    v110 = np.float32(brick[up + _ROW])
    v111 = np.float32(brick[up + _ROW + _ONE])
    a = v000 + (v001 - v000) * fx
    b = v010 + (v011 - v010) * fx
    c = v100 + (v101 - v100) * fx
    d = v110 + (v111 - v110) * fx
    a += (b - a) * fy
    c += (d - c) * fy
    return a + (c - a) * fz


@njit(inline="always")
def _slope(brick, at, along, across, over, f, g, h):
    """Slope along one axis, interpolated like the value: (v[+2] - v[-2]) / 4 at every corner, calm in noisy data.

    along, across, over : strides of the axis and the two others; f, g, h : fractions on them
    """
    total = np.float32(0.0)
    two = along + along
    for j in range(2):
        wj = h if j == 1 else np.float32(1.0) - h
        for i in range(2):
            wi = g if i == 1 else np.float32(1.0) - g
            p = at + _U(i) * across + _U(j) * over
            low = np.float32(brick[p + two]) - np.float32(brick[p - two])
            high = np.float32(brick[p + two + along]) - np.float32(brick[p + along - two])
            total += wi * wj * (low + (high - low) * f)
    return np.float32(0.25) * total


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _shade(brick, at, fx, fy, fz, per_step, light, view_x, view_y, view_z):
    """Weight of the colour and strength of the highlight at a sample: Blinn–Phong, lit from both sides.

    per_step : 1 / step (x, y, z): gradients are per world length, so thick sections do not tilt the normals
    light    : ambient, diffuse, specular, power, direction to the light (x, y, z), gradient that counts as noise,
               and the weight of occlusion
    view_*   : direction to the eye
    Where the value hardly changes the normal is noise, and the light is even.
    """
    gx = _slope(brick, at, _ONE, _ROW, _PLANE, fx, fy, fz) * per_step[0]
    gy = _slope(brick, at, _ROW, _ONE, _PLANE, fy, fx, fz) * per_step[1]
    gz = _slope(brick, at, _PLANE, _ONE, _ROW, fz, fx, fy) * per_step[2]
    square = gx * gx + gy * gy + gz * gz
    sure = square / (square + light[7] * light[7])
    if sure < 1e-3:
        return light[0] + light[1] * EVEN, 0.0
    size = math.sqrt(square)
    nx, ny, nz = gx / size, gy / size, gz / size
    if nx * view_x + ny * view_y + nz * view_z < 0.0:
        nx, ny, nz = -nx, -ny, -nz
    lit = max(0.0, nx * light[4] + ny * light[5] + nz * light[6])
    gloss = 0.0
    if light[2] > 0.0:
        hx, hy, hz = light[4] + view_x, light[5] + view_y, light[6] + view_z
        along = max(0.0, nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-30)
        gloss = along ** light[3] * light[2] * sure
    return light[0] + light[1] * (sure * lit + (1.0 - sure) * EVEN), gloss


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def openness_at(field, x, y, z):
    """The value of a small field (z, y, x) at continuous indices; beyond its faces it goes on as it ends."""
    x = max(0.0, min(field.shape[2] - 1.0, x))
    y = max(0.0, min(field.shape[1] - 1.0, y))
    z = max(0.0, min(field.shape[0] - 1.0, z))
    ix, iy, iz = int(x), int(y), int(z)
    jx, jy, jz = min(ix + 1, field.shape[2] - 1), min(iy + 1, field.shape[1] - 1), min(iz + 1, field.shape[0] - 1)
    fx, fy, fz = x - ix, y - iy, z - iz
    a = field[_U(iz), _U(iy), _U(ix)] * (1.0 - fx) + field[_U(iz), _U(iy), _U(jx)] * fx
    b = field[_U(iz), _U(jy), _U(ix)] * (1.0 - fx) + field[_U(iz), _U(jy), _U(jx)] * fx
    c = field[_U(jz), _U(iy), _U(ix)] * (1.0 - fx) + field[_U(jz), _U(iy), _U(jx)] * fx
    d = field[_U(jz), _U(jy), _U(ix)] * (1.0 - fx) + field[_U(jz), _U(jy), _U(jx)] * fx
    a = a * (1.0 - fy) + b * fy
    c = c * (1.0 - fy) + d * fy
    return a * (1.0 - fz) + c * fz


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _values_along(
    pool, base, values, offsets, count, k, begin, dt, lead, middle, x0, y0, z0, dx, dy, dz, least_x, least_y, least_z
):
    """The interpolated values at the next steps of a ray within one brick.

    Two loops without a branch: places and fractions, which the compiler takes sixteen at a time; then the samples.
    values, offsets : (4 · LONGEST,) float32, whose first LONGEST are the result, and (LONGEST,) int32
    """
    for j in range(count):
        t = max(lead, min(begin + (np.float64(np.int32(k + j)) + 0.5) * dt, middle))
        x = max(least_x, np.float32(x0 + t * dx))
        y = max(least_y, np.float32(y0 + t * dy))
        z = max(least_z, np.float32(z0 + t * dz))
        ix, iy, iz = np.int32(x), np.int32(y), np.int32(z)
        offsets[j] = iz * _PLANE32 + iy * _ROW32 + ix
        values[LONGEST + j] = x - np.float32(ix)
        values[2 * LONGEST + j] = y - np.float32(iy)
        values[3 * LONGEST + j] = z - np.float32(iz)
    for j in range(count):
        at = base + _U(np.uint32(offsets[j]))
        values[j] = trilinear(pool, at, values[LONGEST + j], values[2 * LONGEST + j], values[3 * LONGEST + j])


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _nearest_along(pool, base, values, count, k, begin, dt, lead, middle, x0, y0, z0, dx, dy, dz):
    """The values of the nearest samples instead: for labels and axial angles."""
    for j in range(count):
        t = max(lead, min(begin + (k + j + 0.5) * dt, middle))
        ix, iy, iz = int(x0 + t * dx + 0.5), int(y0 + t * dy + 0.5), int(z0 + t * dz + 0.5)
        values[j] = pool[base + _U(iz) * _PLANE + _U(iy) * _ROW + _U(ix)]


@njit(nogil=True)
def _between(first, last, eye, along, lower, upper):
    """The part of a ray's depths first..last that lies between two planes across one axis; empty: last < first."""
    if along != 0.0:
        a, b = (lower - eye) / along, (upper - eye) / along
        return max(first, min(a, b)), min(last, max(a, b))
    if eye < lower or eye > upper:
        return first, first - 1.0
    return first, last


@njit(cache=True, nogil=True, fastmath={"contract", "nnan", "nsz"})
def march(
    state, tile, covered, camera, origin, per_step, lower, upper, shell, span, stride,
    table, corner, pool, cells, colors, scale, light, openness, open_origin, open_step, nearest,
):  # fmt: skip
    """Carry the rays of a tile of pixels through one depth range of one level; returns the samples taken.

    state    : (rows, columns, 4) float32: colour gathered so far, premultiplied, and what still shines through
    tile     : first row, end row, first column, end column
    covered  : depths between which the tile's rays may meet a brick of the table
    camera   : (4, 3) float64: position and right, up, forward in world (x, y, z); right and up span half the picture
    origin   : world position of sample 0 (x, y, z); per_step : samples per world length (x, y, z)
    lower, upper : the visible box in continuous sample indices (x, y, z)
    shell    : depths between which this level is drawn; span : the part of them that is drawn now
    stride   : step in voxels; less along thick sections
    table    : (bricks z, y, x) int32: slot in the pool, or -d where the next visible brick is d bricks away
    corner   : brick index of table[0, 0, 0] (x, y, z)
    pool     : (slots · 37³,) samples; cells : (slots,) uint64, bit per 8³ cell of a brick that holds something visible
    colors   : (n, 4) float32: red, green, blue, extinction per world length; scale : first value, entries per value
    light    : as in _shade; light[1] = light[2] = 0 is unshaded
    openness : (z, y, x) float32, 0..1: light from all around, on a coarse grid of such origin and step (x, y, z)
    nearest  : take the nearest sample instead of interpolating: for labels and axial angles

    One long function on purpose: handing a run of samples to another one costs half as much again as all of it.
    """
    height, width = state.shape[0], state.shape[1]
    shaded = light[1] > 0.0 or light[2] > 0.0 or light[8] > 0.0
    ends = np.empty(3, np.float64)
    open_from, open_along = (camera[0] - open_origin) / open_step, np.zeros(3, np.float64)
    view_x, view_y, view_z = 0.0, 0.0, 0.0
    octants = np.zeros(8, np.uint64)
    for bit in range(64):
        octants[((bit >> 3) & 4) | ((bit >> 2) & 2) | ((bit >> 1) & 1)] |= _ONE << _U(bit)
    values, offsets = np.empty(4 * LONGEST, np.float32), np.empty(LONGEST, np.int32)
    taken = 0
    thinnest = 1.0 / max(per_step[0], per_step[1], per_step[2])
    nbz, nby, nbx = table.shape
    v0, per_value = np.float32(scale[0]), np.float32(scale[1])
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    top = np.float32(colors.shape[0] - 1)
    eye_x = (camera[0, 0] - origin[0]) * per_step[0]
    eye_y = (camera[0, 1] - origin[1]) * per_step[1]
    eye_z = (camera[0, 2] - origin[2]) * per_step[2]
    for row in range(tile[0], tile[1]):
        v = 1.0 - (row + 0.5) * 2.0 / height
        for column in range(tile[2], tile[3]):
            through = state[row, column, 3]
            if through < OPAQUE:
                continue
            u = (column + 0.5) * 2.0 / width - 1.0
            wx = camera[3, 0] + u * camera[1, 0] + v * camera[2, 0]
            wy = camera[3, 1] + u * camera[1, 1] + v * camera[2, 1]
            wz = camera[3, 2] + u * camera[1, 2] + v * camera[2, 2]
            dx, dy, dz = wx * per_step[0], wy * per_step[1], wz * per_step[2]
            # where the ray is inside the box, within the shell
            first, last = shell[0], shell[1]
            first, last = _between(first, last, eye_x, dx, lower[0], upper[0])
            first, last = _between(first, last, eye_y, dy, lower[1], upper[1])
            first, last = _between(first, last, eye_z, dz, lower[2], upper[2])
            if not first < last or span[0] >= last or span[1] <= first:
                continue
            length = math.sqrt(wx * wx + wy * wy + wz * wz)
            # through thick sections smaller steps: what the colours do between two of them must not be missed
            dt = stride / max(abs(dx), abs(dy), abs(dz))
            dt = min(dt, max(dt / 3.0, 2.0 * stride * thinnest / length))
            begin = math.floor(first / dt) * dt
            steps = int(math.ceil((last - begin) / dt - 1e-9))
            k = 0 if span[0] <= first else max(0, int(math.ceil((span[0] - begin) / dt - 0.5)))
            stop = steps if span[1] >= last else min(steps, int(math.ceil((span[1] - begin) / dt - 0.5)))
            # nothing can be met before the tile's first brick and behind its last one
            k = max(k, int(math.floor((covered[0] - begin) / dt - 0.5)))
            stop = min(stop, int(math.floor((covered[1] - begin) / dt - 0.5)) + 2)
            if k >= stop:
                continue
            if shaded:
                view_x, view_y, view_z = -wx / length, -wy / length, -wz / length
                open_along[0], open_along[1], open_along[2] = wx / open_step[0], wy / open_step[1], wz / open_step[2]
            red, green, blue = state[row, column, 0], state[row, column, 1], state[row, column, 2]
            # a ray along a plane never leaves by it; no 1 / 0, whose product with 0 is no number
            ends[0] = 1.0 / dx if abs(dx) > 1e-12 else (1e12 if dx >= 0.0 else -1e12)
            ends[1] = 1.0 / dy if abs(dy) > 1e-12 else (1e12 if dy >= 0.0 else -1e12)
            ends[2] = 1.0 / dz if abs(dz) > 1e-12 else (1e12 if dz >= 0.0 else -1e12)
            ahead_x, ahead_y, ahead_z = int(dx >= 0.0), int(dy >= 0.0), int(dz >= 0.0)
            brick_end = k
            bits, base = _ALL, _U(0)
            from_x, from_y, from_z = 0.0, 0.0, 0.0
            least_x, least_y, least_z = zero, zero, zero
            per_dt = 1.0 / dt
            depth_step = np.float32(dt * length)
            # the first and the last step have their true length, and their samples in the middle of it
            entry_end, exit_begin = min(begin + dt, last), max(first, begin + (steps - 1) * dt)
            lead, middle = 0.5 * (first + entry_end), 0.5 * (exit_begin + last)
            first_size, last_size = np.float32((entry_end - first) * length), np.float32((last - exit_begin) * length)
            while k < stop:
                t = max(lead, min(begin + (k + 0.5) * dt, middle))
                # a coarse level's first sample stands half a coarse voxel inside the box: before it, its value holds
                ix = int(max(0.0, eye_x + t * dx))
                iy = int(max(0.0, eye_y + t * dy))
                iz = int(max(0.0, eye_z + t * dz))
                if k >= brick_end:
                    # into another brick
                    bx, by, bz = ix >> 5, iy >> 5, iz >> 5
                    tx, ty, tz = bx - corner[0], by - corner[1], bz - corner[2]
                    slot, reach = -1, 1
                    if tx >= 0 and ty >= 0 and tz >= 0 and tx < nbx and ty < nby and tz < nbz:
                        slot = int(table[_U(tz), _U(ty), _U(tx)])
                        reach = max(1, -slot)
                    # where slot < 0, the box of reach - 1 bricks around this one is hidden too
                    leave_x = ((bx + reach if ahead_x else bx + 1 - reach) << 5) - eye_x
                    leave_y = ((by + reach if ahead_y else by + 1 - reach) << 5) - eye_y
                    leave_z = ((bz + reach if ahead_z else bz + 1 - reach) << 5) - eye_z
                    leave = min(last, leave_x * ends[0], leave_y * ends[1], leave_z * ends[2])
                    brick_end = min(stop, max(k + 1, int(math.ceil((leave - begin) * per_dt - 0.5))))
                    if slot < 0:
                        k = brick_end
                        continue
                    bits = cells[_U(slot)]
                    base = _U(slot) * _VOLUME
                    from_x = eye_x + BEFORE - (bx << 5)
                    from_y = eye_y + BEFORE - (by << 5)
                    from_z = eye_z + BEFORE - (bz << 5)
                    least_x = np.float32(BEFORE - (bx << 5))
                    least_y = np.float32(BEFORE - (by << 5))
                    least_z = np.float32(BEFORE - (bz << 5))
                until = brick_end
                if bits != _ALL:
                    octant = ((iz >> 2) & 4) | ((iy >> 3) & 2) | ((ix >> 4) & 1)
                    if bits & octants[_U(octant)] == _U(0):
                        occupied, shift = False, 4
                    else:
                        cell = _U((((iz >> 3) & 3) << 4) | (((iy >> 3) & 3) << 2) | ((ix >> 3) & 3))
                        occupied, shift = (bits >> cell) & _ONE != _U(0), 3
                    leave_x = (((ix >> shift) + ahead_x) << shift) - eye_x
                    leave_y = (((iy >> shift) + ahead_y) << shift) - eye_y
                    leave_z = (((iz >> shift) + ahead_z) << shift) - eye_z
                    leave = min(last, leave_x * ends[0], leave_y * ends[1], leave_z * ends[2])
                    until = min(brick_end, max(k + 1, int(math.ceil((leave - begin) * per_dt - 0.5))))
                    if not occupied:
                        k = until
                        continue
                until = min(until, k + LONGEST)
                count = until - k
                taken += count
                # first all values of the run, a loop without a branch; then what they add to the picture
                if nearest:
                    _nearest_along(
                        pool, base, values, count, k, begin, dt, lead, middle,
                        from_x, from_y, from_z, dx, dy, dz,
                    )  # fmt: skip
                else:
                    _values_along(
                        pool, base, values, offsets, count, k, begin, dt, lead, middle,
                        from_x, from_y, from_z, dx, dy, dz, least_x, least_y, least_z,
                    )  # fmt: skip
                for j in range(count):
                    entry = _U(int(max(zero, min(top, (values[j] - v0) * per_value + half))))
                    extinction = colors[entry, _U(3)]
                    if extinction <= zero:
                        continue
                    size = first_size if k + j == 0 else (last_size if k + j == steps - 1 else depth_step)
                    weight = opacity_over(extinction * size) * through
                    r, g, b = colors[entry, _U(0)], colors[entry, _U(1)], colors[entry, _U(2)]
                    if shaded:
                        t = max(lead, min(begin + (k + j + 0.5) * dt, middle))
                        x = max(least_x, np.float32(from_x + t * dx))
                        y = max(least_y, np.float32(from_y + t * dy))
                        z = max(least_z, np.float32(from_z + t * dz))
                        kx, ky, kz = np.int32(x), np.int32(y), np.int32(z)
                        at = base + _U(np.uint32(kz * _PLANE32 + ky * _ROW32 + kx))
                        fx, fy, fz = x - np.float32(kx), y - np.float32(ky), z - np.float32(kz)
                        dull, gloss = _shade(pool, at, fx, fy, fz, per_step, light, view_x, view_y, view_z)
                        if light[8] > 0.0:
                            x_open, y_open = open_from[0] + t * open_along[0], open_from[1] + t * open_along[1]
                            open_sky = openness_at(openness, x_open, y_open, open_from[2] + t * open_along[2])
                            reaches = 1.0 - light[8] * (1.0 - open_sky)
                            dull, gloss = dull * reaches, gloss * reaches
                        r = min(one, np.float32(r * dull + gloss))
                        g = min(one, np.float32(g * dull + gloss))
                        b = min(one, np.float32(b * dull + gloss))
                    red += weight * r
                    green += weight * g
                    blue += weight * b
                    through -= weight
                    if through < OPAQUE:
                        break
                k = until
                if through < OPAQUE:
                    break
            state[row, column, 0] = red
            state[row, column, 1] = green
            state[row, column, 2] = blue
            state[row, column, 3] = through
    return taken
