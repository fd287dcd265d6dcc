"""Several channels in one place: how opaque a run of samples is by one, coloured by another, added to a third.

A layer takes its extinction from the values of one channel, dims it by those of another (labels that are not meant to
stand out), and takes its colour from a third, which may be a direction: an angle after whose period everything is the
same again. Layers in one place add up: extinctions as they are, colours by their extinctions, as several dyes do.

Angles are never averaged as numbers. A sample of them is kept as the unit vector of its angle times 2π over the period
(the doubled angle, for directions), or as none at all where there is no direction; between eight samples it is
these that are interpolated, and the angle is read from the sum. Where intensities say how opaque a place is, each of
the eight counts as much as its intensity: with directions and retardation, what hardly is a fibre has no say. Where
angles themselves say it, what has a direction and what has none share the place.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.memory import get, pair, put, two_pairs
from stackreel.kernels.run import (
    COLOR,
    DULL,
    FIELD,
    GLOSS,
    LANES,
    LENGTH,
    OPAQUE,
    SLOPE,
    SPOTS,
    WEIGHT,
    heaviest,
    opacity_over,
    size_within,
    slopes,
    unpacked,
    values_there,
)
from stackreel.kernels.sample import BEFORE, SIDE

# How a channel's samples are kept; the first five are the views of the pool, in this order.
UINT8, INT8, UINT16, INT16, FLOAT32, VECTOR = range(6)
# Of the layers: channels of extinction, mask and colour (-1: none), and where their tables begin, in entries, and end
EXTINCTION, MASK, HUE = 0, 1, 2
TABLE = 3

# Beside what run.py keeps of a run: extinction of a layer, of all, how sure its colour is, slopes of all, brightness,
# how much of the eight samples has a direction
KAPPA, SUM, SURE, GRADIENT = SPOTS, SPOTS + FIELD, SPOTS + 2 * FIELD, SPOTS + 3 * FIELD
BRIGHT, SHARE = SPOTS + 6 * FIELD, SPOTS + 7 * FIELD
MIXED_SPOTS = SPOTS + 8 * FIELD

UNIT = 127.0
SHORTEST = 1.0 / 16.0
LEAST = 1e-6

_U = np.uint64
_VOLUME, _FIRST_SAMPLE = SIDE * SIDE * SIDE, BEFORE * (SIDE * SIDE + SIDE + 1)
_ROW, _PLANE = np.uint64(SIDE), np.uint64(SIDE * SIDE)
_ROW2, _PLANE2 = np.uint64(2 * SIDE), np.uint64(2 * SIDE * SIDE)
_NODES = (np.cos((np.arange(64) + 0.5) * np.pi / 64) + 1.0) * 0.5
# turns of an angle per tangent, over the tangent's square
_TURNS = tuple(
    np.polynomial.Polynomial.fit(_NODES, np.arctan(np.sqrt(_NODES)) / np.sqrt(_NODES) / (2 * np.pi), 5)
    .convert()
    .coef.astype(np.float32)
)


@njit(inline="always")
def turns_of(x, y):
    """The angle of a vector in turns, 0..1, to 1e-6, without a branch."""
    zero, tiny = np.float32(0.0), np.float32(1e-30)
    ax, ay = abs(x), abs(y)
    t = min(ax, ay) / max(max(ax, ay), tiny)
    p = t * t
    a = t * (_TURNS[0] + p * (_TURNS[1] + p * (_TURNS[2] + p * (_TURNS[3] + p * (_TURNS[4] + p * _TURNS[5])))))
    a = np.float32(0.25) - a if ay > ax else a
    a = np.float32(0.5) - a if x < zero else a
    return np.float32(1.0) - a if y < zero else a


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def turns_there(vectors, base, spots, offsets, count):
    """The angles there, in turns, between eight unit vectors (or none); and how sure they are, 0..1.

    vectors : (2 n,) int8: x and y of each sample's vector times 127
    """
    one = np.float32(1.0)
    per_unit = np.float32(1.0 / (UNIT * SHORTEST))
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        at = _U(2) * (base + _U(get(offsets, i)))
        fx, fy, fz = get(spots, _U(FIELD) + i), get(spots, _U(2 * FIELD) + i), get(spots, _U(3 * FIELD) + i)
        x0, y0, x1, y1 = two_pairs(vectors, at)
        xa, ya = x0 + (x1 - x0) * fx, y0 + (y1 - y0) * fx
        x0, y0, x1, y1 = two_pairs(vectors, at + _ROW2)
        xb, yb = x0 + (x1 - x0) * fx, y0 + (y1 - y0) * fx
        x0, y0, x1, y1 = two_pairs(vectors, at + _PLANE2)
        xc, yc = x0 + (x1 - x0) * fx, y0 + (y1 - y0) * fx
        x0, y0, x1, y1 = two_pairs(vectors, at + _PLANE2 + _ROW2)
        xd, yd = x0 + (x1 - x0) * fx, y0 + (y1 - y0) * fx
        xa, ya = xa + (xb - xa) * fy, ya + (yb - ya) * fy
        xc, yc = xc + (xd - xc) * fy, yc + (yd - yc) * fy
        x, y = xa + (xc - xa) * fz, ya + (yc - ya) * fz
        put(spots, i, turns_of(x, y))
        put(spots, _U(SURE) + i, min(one, math.sqrt(x * x + y * y) * per_unit))


@njit(inline="always")
def _two(vectors, weights, at, f):
    """Between two neighbours along x: the sum of their vectors by weights, and of the weights."""
    x0, y0, x1, y1 = two_pairs(vectors[0], _U(2) * (vectors[1] + at))
    a, b = pair(weights[0], weights[1] + at)
    # where none of the eight weighs anything, all count alike
    a, b = max(a, np.float32(0.0)) + np.float32(LEAST), max(b, np.float32(0.0)) + np.float32(LEAST)
    b *= f
    a *= np.float32(1.0) - f
    return x0 * a + x1 * b, y0 * a + y1 * b, a + b


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def weighed_turns_there(vectors, base, weights, weights_base, spots, offsets, count):
    """As turns_there, but each of the eight vectors counts as much as the sample of another channel that lies there."""
    one = np.float32(1.0)
    per_unit = np.float32(1.0 / (UNIT * SHORTEST))
    v, w = (vectors, base), (weights, weights_base)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        at = _U(get(offsets, i))
        fx, fy, fz = get(spots, _U(FIELD) + i), get(spots, _U(2 * FIELD) + i), get(spots, _U(3 * FIELD) + i)
        xa, ya, wa = _two(v, w, at, fx)
        xb, yb, wb = _two(v, w, at + _ROW, fx)
        xc, yc, wc = _two(v, w, at + _PLANE, fx)
        xd, yd, wd = _two(v, w, at + _PLANE + _ROW, fx)
        xa, ya, wa = xa + (xb - xa) * fy, ya + (yb - ya) * fy, wa + (wb - wa) * fy
        xc, yc, wc = xc + (xd - xc) * fy, yc + (yd - yc) * fy, wc + (wd - wc) * fy
        x, y, whole = xa + (xc - xa) * fz, ya + (yc - ya) * fz, wa + (wc - wa) * fz
        put(spots, i, turns_of(x, y))
        put(spots, _U(SURE) + i, min(one, math.sqrt(x * x + y * y) * per_unit / whole))


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def share_there(vectors, base, spots, offsets, count):
    """How much of a place has a direction, 0..1, between eight samples; vectors : (n,) int16, both numbers in one."""
    one = np.float32(1.0)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        at = base + _U(get(offsets, i))
        fx, fy, fz = get(spots, _U(FIELD) + i), get(spots, _U(2 * FIELD) + i), get(spots, _U(3 * FIELD) + i)
        a0, a1 = pair(vectors, at)
        b0, b1 = pair(vectors, at + _ROW)
        c0, c1 = pair(vectors, at + _PLANE)
        d0, d1 = pair(vectors, at + _PLANE + _ROW)
        a0, a1, b0, b1 = min(one, abs(a0)), min(one, abs(a1)), min(one, abs(b0)), min(one, abs(b1))
        c0, c1, d0, d1 = min(one, abs(c0)), min(one, abs(c1)), min(one, abs(d0)), min(one, abs(d1))
        a, b, c, d = a0 + (a1 - a0) * fx, b0 + (b1 - b0) * fx, c0 + (c1 - c0) * fx, d0 + (d1 - d0) * fx
        a, c = a + (b - a) * fy, c + (d - c) * fy
        put(spots, _U(SHARE) + i, a + (c - a) * fz)


@njit(nogil=True)
def _base(channel, slot):
    return _U(channel[1]) + _U(slot) * _U(_VOLUME) + _U(_FIRST_SAMPLE)


@njit(nogil=True)
def _base_of_vectors(channel, slot):
    """The same where each sample is two numbers, counted in samples."""
    return _base(channel, slot) - _U(channel[1]) + _U(channel[1] // 2)


@njit(nogil=True)
def _weighed_turns(views, channel, by, slot, spots, offsets, count):
    """The directions of a channel there, each as its place's intensity in the channel `by`."""
    vectors, base, from_, code = views[INT8], _base_of_vectors(channel, slot), _base(by, slot), by[0]
    if code == UINT8:
        weighed_turns_there(vectors, base, views[UINT8], from_, spots, offsets, count)
    elif code == INT8:
        weighed_turns_there(vectors, base, views[INT8], from_, spots, offsets, count)
    elif code == UINT16:
        weighed_turns_there(vectors, base, views[UINT16], from_, spots, offsets, count)
    elif code == INT16:
        weighed_turns_there(vectors, base, views[INT16], from_, spots, offsets, count)
    else:
        weighed_turns_there(vectors, base, views[FLOAT32], from_, spots, offsets, count)


@njit(nogil=True)
def _values(views, channel, slot, spots, offsets, j0, j1):
    """The values of a channel there; 0..1 of its period, for directions."""
    base, code, nearest = _base(channel, slot), channel[0], channel[2] != 0
    if code == VECTOR:
        turns_there(views[INT8], _base_of_vectors(channel, slot), spots, offsets, j1 - j0)
    elif code == UINT8:
        values_there(views[UINT8], base, spots, offsets, j0, j1, nearest)
    elif code == INT8:
        values_there(views[INT8], base, spots, offsets, j0, j1, nearest)
    elif code == UINT16:
        values_there(views[UINT16], base, spots, offsets, j0, j1, nearest)
    elif code == INT16:
        values_there(views[INT16], base, spots, offsets, j0, j1, nearest)
    else:
        values_there(views[FLOAT32], base, spots, offsets, j0, j1, nearest)


@njit(nogil=True)
def _slopes(views, channel, slot, spots, offsets, count, per, reach):
    base, code = _base(channel, slot), channel[0]
    if code == UINT8:
        slopes(views[UINT8], base, spots, offsets, count, per, reach)
    elif code == INT8:
        slopes(views[INT8], base, spots, offsets, count, per, reach)
    elif code == UINT16:
        slopes(views[UINT16], base, spots, offsets, count, per, reach)
    elif code == INT16:
        slopes(views[INT16], base, spots, offsets, count, per, reach)
    else:
        slopes(views[FLOAT32], base, spots, offsets, count, per, reach)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _absorb(spots, count, tables, begin, end, v0, per_value, dim):
    """Extinction and brightness of a layer by the values there; or, to dim it, the factor on what is there already."""
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    first, top = np.int32(begin), np.float32(end - begin - 1)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        entry = first + np.int32(max(zero, min(top, (get(spots, i) - v0) * per_value + half)))
        value, bright, _, _ = unpacked(tables, entry)
        put(spots, _U(KAPPA) + i, value * (get(spots, _U(KAPPA) + i) if dim else one))
        put(spots, _U(BRIGHT) + i, get(spots, _U(BRIGHT) + i) if dim else bright)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _absorb_turns(spots, count, tables, begin, end, per_turn):
    """Extinction and brightness of a layer by the directions there; the last entry is of what has none."""
    half, one = np.float32(0.5), np.float32(1.0)
    first, top = np.int32(begin), np.float32(end - begin - 2)
    none, dull, _, _ = unpacked(tables, end - 1)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        value, bright, _, _ = unpacked(tables, first + np.int32(min(top, get(spots, i) * per_turn + half)))
        share = get(spots, _U(SHARE) + i)
        put(spots, _U(KAPPA) + i, value * share + none * (one - share))
        put(spots, _U(BRIGHT) + i, bright * share + dull * (one - share))


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _tint(spots, count, tables, begin, end, v0, per_value, angle):
    """Add a layer, in the colours of the values there; grey where an angle is none."""
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    first, top = np.int32(begin), np.float32(end - begin - 1)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        entry = first + np.int32(max(zero, min(top, (get(spots, i) - v0) * per_value + half)))
        _, red, green, blue = unpacked(tables, entry)
        kappa = get(spots, _U(KAPPA) + i)
        bright = get(spots, _U(BRIGHT) + i)
        sure = (get(spots, _U(SURE) + i) if angle else one) * bright
        grey = (bright - sure) * half
        put(spots, _U(SUM) + i, get(spots, _U(SUM) + i) + kappa)
        put(spots, _U(COLOR) + i, get(spots, _U(COLOR) + i) + kappa * (red * sure + grey))
        put(spots, _U(COLOR + FIELD) + i, get(spots, _U(COLOR + FIELD) + i) + kappa * (green * sure + grey))
        put(spots, _U(COLOR + 2 * FIELD) + i, get(spots, _U(COLOR + 2 * FIELD) + i) + kappa * (blue * sure + grey))


@njit(nogil=True)
def _clear(spots, begin, fields):
    for i in range(begin, begin + fields * FIELD):
        spots[i] = np.float32(0.0)


@njit(nogil=True)
def _extinction(views, channels, layer, scale, tables, slot, spots, offsets, j0, j1):
    """Extinction of a layer, dimmed where its mask says so."""
    count = j1 - j0
    for part in (EXTINCTION, MASK):
        if layer[part] >= 0:
            _values(views, channels[layer[part]], slot, spots, offsets, j0, j1)
            begin, end = layer[TABLE + 2 * part], layer[TABLE + 2 * part + 1]
            if channels[layer[part], 0] == VECTOR:
                base = _base_of_vectors(channels[layer[part]], slot)
                share_there(views[INT16], base, spots, offsets, count)
                _absorb_turns(spots, count, tables, begin, end, np.float32(scale[2 * part + 1]))
                continue
            _absorb(
                spots, count, tables, begin, end,
                np.float32(scale[2 * part]), np.float32(scale[2 * part + 1]), part == MASK,
            )  # fmt: skip


@njit(nogil=True)
def mix(views, channels, layers, scales, tables, slot, spots, offsets, j0, j1):
    """Extinction and colour, times extinction, of all layers together.

    views    : the pool as uint8, int8, uint16, int16 and float32
    channels : (c, 3) int64: how samples are kept, the first one's index in its view, whether the nearest is taken
    layers   : (n, 9) int64: channels of extinction, mask and colour (-1: none), begin and end of the table of each
    scales   : (n, 7) float64: first value and entries per value of these; what slopes are multiplied by
    tables   : all tables one after the other, each as march's colors; a mask's factors stand as extinctions, and beside
               the extinctions stand factors on the colours; extinctions by directions end with that of no direction
    """
    count = j1 - j0
    _clear(spots, SUM, 1)
    _clear(spots, COLOR, 3)
    for n in range(layers.shape[0]):
        layer, scale = layers[n], scales[n]
        _extinction(views, channels, layer, scale, tables, slot, spots, offsets, j0, j1)
        hue, by = layer[HUE], channels[layer[EXTINCTION]]
        if channels[hue, 0] == VECTOR and by[0] != VECTOR and by[2] == 0:
            _weighed_turns(views, channels[hue], by, slot, spots, offsets, count)
        elif hue != layer[EXTINCTION] or layer[MASK] >= 0:
            _values(views, channels[hue], slot, spots, offsets, j0, j1)
        begin, end = layer[TABLE + 2 * HUE], layer[TABLE + 2 * HUE + 1]
        _tint(
            spots, count, tables, begin, end,
            np.float32(scale[2 * HUE]), np.float32(scale[2 * HUE + 1]), channels[hue, 0] == VECTOR,
        )  # fmt: skip


@njit(nogil=True)
def mixed_slopes(views, channels, layers, scales, tables, slot, spots, offsets, j0, j1, per_step, reach):
    """The gradients there in units of what counts as noise: the layers' own, weighted by their extinctions."""
    count, one = j1 - j0, layers.shape[0] == 1
    per = np.empty(3)
    _clear(spots, GRADIENT, 3)
    for n in range(layers.shape[0]):
        channel = channels[layers[n, EXTINCTION]]
        if channel[2] != 0 or channel[0] == VECTOR:
            continue
        if not one:
            _extinction(views, channels, layers[n], scales[n], tables, slot, spots, offsets, j0, j1)
        for axis in range(3):
            per[axis] = per_step[axis] * scales[n, 6]
        _slopes(views, channel, slot, spots, offsets, count, per, reach)
        _add_slopes(spots, count)
    _share_slopes(spots, count, one)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def _add_slopes(spots, count):
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        kappa = get(spots, _U(KAPPA) + i)
        for axis in range(3):
            a, b = _U(GRADIENT + axis * FIELD) + i, _U(SLOPE + axis * FIELD) + i
            put(spots, a, get(spots, a) + kappa * get(spots, b))


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def _share_slopes(spots, count, one):
    tiny = np.float32(1e-30)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        kappa = get(spots, _U(KAPPA) + i) if one else get(spots, _U(SUM) + i)
        per_kappa = np.float32(1.0) / max(kappa, tiny)
        for axis in range(3):
            put(spots, _U(SLOPE + axis * FIELD) + i, get(spots, _U(GRADIENT + axis * FIELD) + i) * per_kappa)


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def weigh_mixed(rays, at, spots, j0, j1, k):
    """Weight and colour of a run of mixed samples, unlit; returns the largest weight."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
    this, next_ = np.float32(k), np.float32(k + 1)
    opaque = np.float32(OPAQUE)
    start, row, count = _U(j0), _U(at), np.int32(j1 - j0)
    for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
        r = row + start + i
        through = get(rays, r)
        size = size_within(rays, r, this, next_) * get(rays, r + _U(LENGTH))
        kappa = get(spots, _U(SUM) + i)
        per_kappa = one / max(kappa, tiny)
        weight = opacity_over(kappa * size) * through
        put(spots, _U(WEIGHT) + i, weight if through >= opaque and np.int32(i) < count else zero)
        put(spots, _U(COLOR) + i, get(spots, _U(COLOR) + i) * per_kappa)
        put(spots, _U(COLOR + FIELD) + i, get(spots, _U(COLOR + FIELD) + i) * per_kappa)
        put(spots, _U(COLOR + 2 * FIELD) + i, get(spots, _U(COLOR + 2 * FIELD) + i) * per_kappa)
        put(spots, _U(DULL) + i, one)
        put(spots, _U(GLOSS) + i, zero)
    return heaviest(spots, j1 - j0)
