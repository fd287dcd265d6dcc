"""From a renderer's floating-point picture to the bytes of a file."""

from __future__ import annotations

import numpy as np
from numba import njit

_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 + np.float32(1 / 32)


@njit(cache=True, nogil=True)
def over(rgba, top, bottom, out):
    """A premultiplied picture (rows, columns, 4) float32 on its background: (rows, columns, 3) uint8, rounded.

    top, bottom : (3,) float32: the background at the picture's upper and lower edge. Where they differ, colours are
                  rounded by a fixed pattern of 4 × 4 thresholds, because a dark gradient in 256 steps shows bands
    """
    rows, columns = rgba.shape[:2]
    plain = top[0] == bottom[0] and top[1] == bottom[1] and top[2] == bottom[2]
    one, full, half, zero = np.float32(1.0), np.float32(255.0), np.float32(0.5), np.float32(0.0)
    for row in range(rows):
        down = np.float32((row + 0.5) / rows)
        r, g, b = (
            top[0] + down * (bottom[0] - top[0]),
            top[1] + down * (bottom[1] - top[1]),
            top[2] + down * (bottom[2] - top[2]),
        )
        for column in range(columns):
            behind = one - rgba[row, column, 3]
            up = half if plain else half + behind * (_BAYER[row & 3, column & 3] - half)
            out[row, column, 0] = np.uint8(
                np.int32(max(zero, min(full, (rgba[row, column, 0] + behind * r) * full + up)))
            )
            out[row, column, 1] = np.uint8(
                np.int32(max(zero, min(full, (rgba[row, column, 1] + behind * g) * full + up)))
            )
            out[row, column, 2] = np.uint8(
                np.int32(max(zero, min(full, (rgba[row, column, 2] + behind * b) * full + up)))
            )


@njit(cache=True, nogil=True)
def straight(rgba, out):
    """A premultiplied picture (rows, columns, 4) float32 without a ground: uint8, colours not multiplied."""
    one, full, half, zero = np.float32(1.0), np.float32(255.0), np.float32(0.5), np.float32(0.0)
    for row in range(rgba.shape[0]):
        for column in range(rgba.shape[1]):
            alpha = min(one, rgba[row, column, 3])
            per_alpha = one / alpha if alpha > zero else zero
            for k in range(3):
                out[row, column, k] = np.uint8(min(full, max(zero, rgba[row, column, k]) * per_alpha * full + half))
            out[row, column, 3] = np.uint8(max(zero, alpha) * full + half)


@njit(cache=True, nogil=True)
def shrunk(fine, n, out):
    """The mean of every n × n pixels: (rows n, columns n, 4) float32 into (rows, columns, 4)."""
    share = np.float32(1.0 / (n * n))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for k in range(4):
                total = np.float32(0.0)
                for i in range(n):
                    for j in range(n):
                        total += fine[row * n + i, column * n + j, k]
                out[row, column, k] = total * share


@njit(nogil=True)
def color_of(state, row, column, average, colors, opacities, first, per_value):
    """What a ray has gathered of values as a colour, as in `colored`: red, green, blue, not multiplied, and alpha."""
    zero, half, huge = np.float32(0.0), np.float32(0.5), np.float32(1e38)
    value, met = state[row, column, 0], True
    if average:
        met = state[row, column, 1] > zero
        value = value / state[row, column, 1] if met else zero
    met = met and -huge < value < huge
    top = np.float32(colors.shape[0] - 1)
    entry = np.int32(max(zero, min(top, (value - first) * per_value + half))) if met else np.int32(0)
    return colors[entry, 0], colors[entry, 1], colors[entry, 2], opacities[entry] if met else zero


@njit(cache=True, nogil=True)
def colored(state, laid, average, colors, opacities, first, per_value):
    """What rays have gathered of values becomes colours, premultiplied, and opacity, in place.

    state    : (rows, columns, 4) float32: the value; or for averages the sum of value times length and that of lengths;
               last how much of the ray's picture is still to be given
    laid     : (rows, columns, 4) float32: what has been given of it already, on slices; (0, 0, 0): there are none
    colors   : (n, 4) float32 red, green, blue and anything; opacities : (n,) float32; of values from `first` on, spaced
               by 1 / per_value. A ray that met nothing, |value| ≥ 1e38 or without length, stays transparent
    """
    v0, per = np.float32(first), np.float32(per_value)
    for row in range(state.shape[0]):
        for column in range(state.shape[1]):
            red, green, blue, alpha = color_of(state, row, column, average, colors, opacities, v0, per)
            if laid.shape[0] > 0:
                alpha *= state[row, column, 3]
            state[row, column, 0], state[row, column, 1] = red * alpha, green * alpha
            state[row, column, 2], state[row, column, 3] = blue * alpha, alpha
            if laid.shape[0] > 0:
                for k in range(4):
                    state[row, column, k] += laid[row, column, k]
