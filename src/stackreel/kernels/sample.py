"""What a brick holds at a place: its value, its slope, and how that catches the light.

A level of the volume is cut into bricks of 32³ voxels. A brick in the pool holds 37³ samples: two before and three
after its own on every axis, so that interpolation and gradients never leave it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.memory import pair

BRICK = 32
BEFORE, AFTER = 2, 3
SIDE = BEFORE + BRICK + AFTER
CELL = 8
CELLS = BRICK // CELL
EVEN = 0.7

_U = np.uint64
_ONE, _ROW, _PLANE = np.uint64(1), np.uint64(SIDE), np.uint64(SIDE * SIDE)


@njit(inline="always")
def trilinear(brick, at, fx, fy, fz):
    """The value between eight samples of a flat brick; `at` is the lowest of them, f* the fractions 0..1."""
    v000, v001 = pair(brick, at)
    v010, v011 = pair(brick, at + _ROW)
    v100, v101 = pair(brick, at + _PLANE)
    v110, v111 = pair(brick, at + _PLANE + _ROW)
    a = v000 + (v001 - v000) * fx
    b = v010 + (v011 - v010) * fx
    c = v100 + (v101 - v100) * fx
    d = v110 + (v111 - v110) * fx
    a += (b - a) * fy
    c += (d - c) * fy
    return a + (c - a) * fz


@njit(inline="always")
def slope(brick, at, along, across, over, f, g, h):
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
def shade(brick, at, fx, fy, fz, per_step, light, view_x, view_y, view_z):
    """Weight of the colour and strength of the highlight at a sample: Blinn–Phong, lit from both sides.

    per_step : 1 / step (x, y, z): gradients are per world length, so thick sections do not tilt the normals
    light    : ambient, diffuse, specular, power, direction to the light (x, y, z), gradient that counts as noise,
               and the weight of occlusion
    view_*   : direction to the eye
    Where the value hardly changes the normal is noise, and the light is even.
    """
    gx = slope(brick, at, _ONE, _ROW, _PLANE, fx, fy, fz) * per_step[0]
    gy = slope(brick, at, _ROW, _ONE, _PLANE, fy, fx, fz) * per_step[1]
    gz = slope(brick, at, _PLANE, _ONE, _ROW, fz, fx, fy) * per_step[2]
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
