"""Rays through bricks: front to back, in steps of about a voxel, leaping over what the transfer function hides.

A level of the volume is cut into bricks of 32³ voxels. A brick in the pool holds 35³ samples: one before and two
after its own on every axis, so that interpolation and gradients never leave it. The same absorption and emission as
VTK's ray caster (Max 1995, IEEE TVCG 1(2), eq. 6): a step of length s through extinction κ gathers 1 - exp(-κ s).

Rays are measured by their depth t along the view direction, so that planes of equal t are planes of equal detail.
Every ray's samples lie on a grid of its own that starts where it enters the box; leaps are whole steps. So the
picture does not depend on bricks, passes, threads or tiles.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

BRICK = 32
SIDE = BRICK + 3
CELL = 8
CELLS = BRICK // CELL
OPAQUE = 1.0 / 512.0

_U = np.uint64
_ROW = np.uint64(SIDE)
_PLANE = np.uint64(SIDE * SIDE)
_ONE = np.uint64(1)
_TWO = np.uint64(2)


@njit(cache=True, nogil=True)
def opacity_over(optical_depth):
    """Opacity of a step: 1 - exp(-optical_depth), to 2e-6, without exp where the depth is small."""
    x = optical_depth
    if x < 0.5:
        return x * (1.0 - x / 2.0 * (1.0 - x / 3.0 * (1.0 - x / 4.0 * (1.0 - x / 5.0 * (1.0 - x / 6.0)))))
    return 1.0 - math.exp(-x)


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _slope(brick, at, along, across, over, f, g, h):
    """Central difference along one axis, interpolated like the value: (v[+1] - v[-1]) / 2 at every corner.

    along, across, over : strides of the axis and the two others; f, g, h : fractions on them
    """
    total = np.float32(0.0)
    for j in range(2):
        wj = h if j == 1 else np.float32(1.0) - h
        for i in range(2):
            wi = g if i == 1 else np.float32(1.0) - g
            p = at + _U(i) * across + _U(j) * over
            low = np.float32(brick[p + along]) - np.float32(brick[p - along])
            high = np.float32(brick[p + along + along]) - np.float32(brick[p])
            total += wi * wj * (low + (high - low) * f)
    return np.float32(0.5) * total


@njit(cache=True, nogil=True)
def _shade(brick, at, fx, fy, fz, per_step, light, view):
    """Weight of the colour and strength of the highlight at a sample, Blinn–Phong, lit from both sides.

    per_step : 1 / step (x, y, z): gradients are per world length, so thick sections do not tilt the normals
    light    : ambient, diffuse, specular, power, direction to the light (x, y, z), softness of the gradient
    view     : direction to the eye (x, y, z)
    """
    gx = _slope(brick, at, _ONE, _ROW, _PLANE, fx, fy, fz) * per_step[0]
    gy = _slope(brick, at, _ROW, _ONE, _PLANE, fy, fx, fz) * per_step[1]
    gz = _slope(brick, at, _PLANE, _ONE, _ROW, fz, fx, fy) * per_step[2]
    size = math.sqrt(gx * gx + gy * gy + gz * gz)
    if size <= 0.0:
        return light[0] + light[1] * 0.5, 0.0
    nx, ny, nz = gx / size, gy / size, gz / size
    facing = nx * view[0] + ny * view[1] + nz * view[2]
    if facing < 0.0:
        nx, ny, nz = -nx, -ny, -nz
    lit = nx * light[4] + ny * light[5] + nz * light[6]
    hx, hy, hz = light[4] + view[0], light[5] + view[1], light[6] + view[2]
    length = math.sqrt(hx * hx + hy * hy + hz * hz)
    gloss = 0.0
    if lit > 0.0 and length > 0.0 and light[2] > 0.0:
        gloss = max(0.0, (nx * hx + ny * hy + nz * hz) / length) ** light[3] * light[2]
    # where the value hardly changes the normal is noise: there the light is even
    sure = size / (size + light[7])
    return light[0] + light[1] * (sure * max(0.0, lit) + (1.0 - sure) * 0.5), gloss * sure


@njit(cache=True, nogil=True)
def march(
    state, tile, camera, origin, per_step, lower, upper, shell, span, stride,
    table, corner, pool, cells, colors, scale, light, nearest,
):  # fmt: skip
    """Carry the rays of a tile of pixels through one depth range of one level; returns the samples taken.

    state    : (rows, columns, 4) float32: colour gathered so far, premultiplied, and what still shines through
    tile     : first row, end row, first column, end column
    camera   : (4, 3) float64: position and right, up, forward in world (x, y, z); right and up span half the picture
    origin   : world position of sample 0 (x, y, z); per_step : samples per world length (x, y, z)
    lower, upper : the visible box in continuous sample indices (x, y, z)
    shell    : depths between which this level is drawn; span : the part of them that is drawn now
    stride   : step in voxels
    table    : (bricks z, y, x) int32: slot in the pool, or -d where the next visible brick is d bricks away
    corner   : brick index of table[0, 0, 0] (x, y, z)
    pool     : (slots, 35³) samples; cells : (slots,) uint64, bit per 8³ cell of a brick that holds something visible
    colors   : (n, 4) float32: red, green, blue, extinction per world length; scale : first value, entries per value
    light    : as in _shade; light[1] = light[2] = 0 is unshaded
    nearest  : take the nearest sample instead of interpolating: for labels and axial angles
    """
    height, width = state.shape[0], state.shape[1]
    entries = colors.shape[0]
    shaded = light[1] > 0.0 or light[2] > 0.0
    ends = np.empty(3, np.float64)
    view = np.empty(3, np.float64)
    taken = 0
    nbz, nby, nbx = table.shape
    v0, per_value = scale[0], scale[1]
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
            if dx != 0.0:
                a, b = (lower[0] - eye_x) / dx, (upper[0] - eye_x) / dx
                first, last = max(first, min(a, b)), min(last, max(a, b))
            elif eye_x < lower[0] or eye_x > upper[0]:
                continue
            if dy != 0.0:
                a, b = (lower[1] - eye_y) / dy, (upper[1] - eye_y) / dy
                first, last = max(first, min(a, b)), min(last, max(a, b))
            elif eye_y < lower[1] or eye_y > upper[1]:
                continue
            if dz != 0.0:
                a, b = (lower[2] - eye_z) / dz, (upper[2] - eye_z) / dz
                first, last = max(first, min(a, b)), min(last, max(a, b))
            elif eye_z < lower[2] or eye_z > upper[2]:
                continue
            if not first < last or span[0] >= last:
                continue
            dt = stride / max(abs(dx), abs(dy), abs(dz))
            length = math.sqrt(wx * wx + wy * wy + wz * wz)
            steps = int(math.ceil((last - first) / dt - 1e-9))
            k = max(0, int(math.ceil((span[0] - first) / dt - 0.5)))
            stop = min(steps, int(math.ceil((span[1] - first) / dt - 0.5))) if span[1] < last else steps
            if k >= stop:
                continue
            if shaded:
                view[0], view[1], view[2] = -wx / length, -wy / length, -wz / length
            red, green, blue = state[row, column, 0], state[row, column, 1], state[row, column, 2]
            ends[0] = 1.0 / dx if dx != 0.0 else np.inf
            ends[1] = 1.0 / dy if dy != 0.0 else np.inf
            ends[2] = 1.0 / dz if dz != 0.0 else np.inf
            per_dt = 1.0 / dt
            depth_step = np.float32(dt * length)
            while k < stop:
                t = first + (k + 0.5) * dt if k < steps - 1 else 0.5 * (first + k * dt + last)
                # a coarse level's first sample stands half a coarse voxel inside the box: before it, its value holds
                ix = int(max(0.0, eye_x + t * dx))
                iy = int(max(0.0, eye_y + t * dy))
                iz = int(max(0.0, eye_z + t * dz))
                bx, by, bz = (ix >> 5) - corner[0], (iy >> 5) - corner[1], (iz >> 5) - corner[2]
                if bx < 0 or by < 0 or bz < 0 or bx >= nbx or by >= nby or bz >= nbz:
                    slot, reach = -1, 1
                else:
                    slot = table[_U(bz), _U(by), _U(bx)]
                    reach = -slot
                if slot < 0:
                    # the box of `reach` - 1 bricks around this one is empty too
                    low_x, high_x = ((ix >> 5) - reach + 1) << 5, ((ix >> 5) + reach) << 5
                    low_y, high_y = ((iy >> 5) - reach + 1) << 5, ((iy >> 5) + reach) << 5
                    low_z, high_z = ((iz >> 5) - reach + 1) << 5, ((iz >> 5) + reach) << 5
                    occupied = False
                else:
                    cx, cy, cz = (ix >> 3) & 3, (iy >> 3) & 3, (iz >> 3) & 3
                    bit = _U((cz << 4) | (cy << 2) | cx)
                    occupied = (cells[slot] >> bit) & _ONE != _U(0)
                    low_x, high_x = (ix >> 3) << 3, ((ix >> 3) + 1) << 3
                    low_y, high_y = (iy >> 3) << 3, ((iy >> 3) + 1) << 3
                    low_z, high_z = (iz >> 3) << 3, ((iz >> 3) + 1) << 3
                leave = last
                if dx > 0.0:
                    leave = min(leave, (high_x - eye_x) * ends[0])
                elif dx < 0.0:
                    leave = min(leave, (low_x - eye_x) * ends[0])
                if dy > 0.0:
                    leave = min(leave, (high_y - eye_y) * ends[1])
                elif dy < 0.0:
                    leave = min(leave, (low_y - eye_y) * ends[1])
                if dz > 0.0:
                    leave = min(leave, (high_z - eye_z) * ends[2])
                elif dz < 0.0:
                    leave = min(leave, (low_z - eye_z) * ends[2])
                until = min(stop, max(k + 1, int(math.ceil((leave - first) * per_dt - 0.5))))
                if not occupied:
                    k = until
                    continue
                brick = pool[slot]
                base_x, base_y, base_z = ((ix >> 5) << 5) - 1, ((iy >> 5) << 5) - 1, ((iz >> 5) << 5) - 1
                taken += until - k
                while k < until:
                    t = first + (k + 0.5) * dt
                    size = depth_step
                    if k == steps - 1:
                        # the last step has its true length, and its sample in the middle of it
                        t = 0.5 * (first + k * dt + last)
                        size = np.float32((last - first - k * dt) * length)
                    x = max(0.0, eye_x + t * dx)
                    y = max(0.0, eye_y + t * dy)
                    z = max(0.0, eye_z + t * dz)
                    if nearest:
                        x, y, z = math.floor(x + 0.5), math.floor(y + 0.5), math.floor(z + 0.5)
                    ix, iy, iz = int(x), int(y), int(z)
                    fx, fy, fz = np.float32(x - ix), np.float32(y - iy), np.float32(z - iz)
                    at = _U(iz - base_z) * _PLANE + _U(iy - base_y) * _ROW + _U(ix - base_x)
                    value = trilinear(brick, at, fx, fy, fz)
                    entry = int((value - v0) * per_value + 0.5)
                    entry = max(0, min(entries - 1, entry))
                    extinction = colors[_U(entry), _U(3)]
                    if extinction > 0.0:
                        alpha = np.float32(opacity_over(extinction * size))
                        weight = np.float32(alpha * through)
                        r, g, b = colors[_U(entry), _U(0)], colors[_U(entry), _U(1)], colors[_U(entry), _U(2)]
                        if shaded:
                            dull, gloss = _shade(brick, at, fx, fy, fz, per_step, light, view)
                            r = np.float32(min(1.0, r * dull + gloss))
                            g = np.float32(min(1.0, g * dull + gloss))
                            b = np.float32(min(1.0, b * dull + gloss))
                        red += weight * r
                        green += weight * g
                        blue += weight * b
                        through -= weight
                        if through < OPAQUE:
                            break
                    k += 1
                if through < OPAQUE:
                    break
            state[row, column, 0] = red
            state[row, column, 1] = green
            state[row, column, 2] = blue
            state[row, column, 3] = through
    return taken
