"""How much light from one direction reaches every place of a coarse level: plane by plane, away from the light."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.memory import get, put, take
from stackreel.kernels.run import opacity_over

_U = np.uint64


@njit(nogil=True)
def _weights(shift, out):
    """Weights of three neighbours about the nearest one, and which that is: a quadratic B-spline.

    Its spread is the same wherever between two samples the place lies, so that shadows keep their softness while the
    light turns.
    """
    nearest = math.floor(shift + 0.5)
    f = shift - nearest
    out[0], out[1], out[2] = 0.5 * (0.5 - f) ** 2, 0.75 - f * f, 0.5 * (0.5 + f) ** 2
    return int(nearest)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _seen_from(light, first, stride, count, weights, out):
    """A row of the light that comes from a plane: a weighted sum of three times three places of it."""
    for n in range(9):
        w = np.float32(weights[n // 3, 0] * weights[n % 3, 1])
        at = _U(first + (n // 3 - 1) * stride + n % 3 - 1)
        for k in range(_U(count)):
            before = get(out, k) if n else np.float32(0.0)
            put(out, k, before + w * take(light, at + k))


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _pass_on(light, at, row, extinction, start, length):
    """What is left of a row of light behind what it passes."""
    size = np.float32(length)
    for k in range(_U(row.shape[0])):
        lost = opacity_over(take(extinction, _U(start) + k) * size)
        put(light, _U(at) + k, get(row, k) * (np.float32(1.0) - lost))


@njit(cache=True, nogil=True)
def sweep(extinction, backwards, shifts, length, spared, out):
    """Light that reaches every place, 0..1, from a direction nearest to the first axis.

    extinction : (planes, rows, columns) float32, per world length
    backwards  : whether the light comes from the last plane rather than the first
    shifts     : rows and columns by which the light is displaced one plane nearer to it, each -1..1
    length     : of its way from one plane to the next, world units
    spared     : so many planes nearest to a place on the way do not dim it, lest every surface shade itself
    out        : the same shape as extinction, float32, written
    """
    planes, rows, columns = extinction.shape
    margin = spared + 2
    high, wide = rows + 2 * margin, columns + 2 * margin
    # what lies beside the volume is light; a plane of it at either end of the way
    light = np.ones((spared + 1) * high * wide, np.float32)
    size = high * wide
    flat, found = extinction.reshape(-1), out.reshape(-1)
    weights, far_weights = np.empty((3, 2)), np.empty((3, 2))
    a, b = _weights(shifts[0], weights[:, 0]), _weights(shifts[1], weights[:, 1])
    far_a, far_b = _weights(shifts[0] * spared, far_weights[:, 0]), _weights(shifts[1] * spared, far_weights[:, 1])
    line = np.empty(columns, np.float32)
    for n in range(planes):
        plane = planes - 1 - n if backwards else n
        now, before, far = n % (spared + 1), (n + spared) % (spared + 1), (n + 1) % (spared + 1)
        for row in range(rows):
            start = (plane * rows + row) * columns
            _seen_from(
                light, far * size + (row + margin + far_a) * wide + margin + far_b, wide, columns, far_weights, line
            )
            for k in range(columns):
                found[start + k] = line[k]
        # the plane that was farthest is not needed any more
        for row in range(rows):
            start = (plane * rows + row) * columns
            _seen_from(light, before * size + (row + margin + a) * wide + margin + b, wide, columns, weights, line)
            _pass_on(light, now * size + (row + margin) * wide + margin, line, flat, start, length)
