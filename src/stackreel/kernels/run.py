"""Runs: neighbouring pixels of a row, sampled on one plane within one brick, eight or sixteen at a time.

Where the samples lie, which values they have, and what these add to the rays of the pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from stackreel.kernels.memory import bits_of, float_of, get, pair, put, take, three_of
from stackreel.kernels.sample import BRICK, SIDE, trilinear

TILE = 128
LANES = 8
OPAQUE = 1.0 / 255.0

# A tile keeps for every pixel: what still shines through, colour, depths of entry and exit in steps, the length of a
# step, how bright the face is on which it enters the volume, and where that is. A row's numbers of one kind lie
# together, and as many again as are done at a time may be touched behind them.
FIELD = TILE + LANES
RED, GREEN, BLUE, FIRST, LAST, LENGTH, CUT = FIELD, 2 * FIELD, 3 * FIELD, 4 * FIELD, 5 * FIELD, 6 * FIELD, 7 * FIELD
ENTRY, ROW = 8 * FIELD, 9 * FIELD
# Beside it, of the samples of a run: value, fractions on three axes, weight, colour, slope on three axes, light.
WEIGHT, COLOR, SLOPE, DULL, GLOSS = 4 * FIELD, 5 * FIELD, 8 * FIELD, 11 * FIELD, 12 * FIELD
SPOTS = 13 * FIELD
COMPOSITE, MAXIMUM, MINIMUM, AVERAGE = 0, 1, 2, 3
EVEN = 0.7
CUT_LIGHT = 0.8
NO_CUT = -1.0
CUT_DEPTH = 1.0
TURNING = 0.2

_U = np.uint64
_ROW32, _PLANE32 = np.int32(SIDE), np.int32(SIDE * SIDE)
_LAST_VOXEL = np.int32(BRICK - 1)
_NODES = np.cos((np.arange(64) + 0.5) * np.pi / 64) * 0.5
_LOG2 = tuple(np.polynomial.Polynomial.fit(_NODES + 1.5, np.log2(_NODES + 1.5), 5).convert().coef.astype(np.float32))
_EXP2 = tuple(np.polynomial.Polynomial.fit(_NODES + 0.5, np.exp2(_NODES + 0.5), 4).convert().coef.astype(np.float32))
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


@njit(inline="always")
def power_of(base, exponent):
    """base ** exponent for 0 ≤ base ≤ 1, to about 1e-4, without a branch: 2 ** (exponent · log2 base)."""
    bits = bits_of(max(base, np.float32(1e-20)))
    m = float_of((bits & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000))
    log2 = np.float32(np.int32(bits >> np.uint32(23))) - np.float32(127.0)
    # a polynomial for log2 over 1..2 and one for 2 ** x over 0..1, least squares at Chebyshev points
    log2 += _LOG2[0] + m * (_LOG2[1] + m * (_LOG2[2] + m * (_LOG2[3] + m * (_LOG2[4] + m * _LOG2[5]))))
    x = max(np.float32(-120.0), min(np.float32(0.0), exponent * log2))
    whole = np.int32(x) - np.int32(1)
    f = x - np.float32(whole)
    f = f if f < np.float32(1.0) else np.float32(1.0)
    two_f = _EXP2[0] + f * (_EXP2[1] + f * (_EXP2[2] + f * (_EXP2[3] + f * _EXP2[4])))
    return two_f * float_of(np.uint32(np.uint32(whole + np.int32(127)) << np.uint32(23)))


@njit(inline="always")
def size_within(rays, r, this, next_):
    """How much of the step from `this` to `next_` lies between where a ray enters the box and where it leaves it."""
    return max(np.float32(0.0), min(get(rays, r + _U(LAST)), next_) - max(get(rays, r + _U(FIRST)), this))


@njit(inline="always")
def heaviest(spots, count):
    """The largest weight of a run of samples."""
    most = np.float32(0.0)
    for i in range(_U(count)):
        most = max(most, get(spots, _U(WEIGHT) + i))
    return most


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
        size = size_within(rays, r, this, next_)
        size *= get(rays, r + _U(LENGTH))
        entry = np.int32(max(zero, min(top, (get(spots, i) - v0) * per_value + half)))
        extinction, red, green, blue = unpacked(colors, entry)
        weight = opacity_over(extinction * size) * through
        weight = weight if through >= opaque and np.int32(i) < count else zero
        put(rays, r + _U(RED), get(rays, r + _U(RED)) + weight * red)
        put(rays, r + _U(GREEN), get(rays, r + _U(GREEN)) + weight * green)
        put(rays, r + _U(BLUE), get(rays, r + _U(BLUE)) + weight * blue)
        put(rays, r, through - weight)


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def weigh(rays, at, spots, j0, j1, k, areas, v0, per_value, view, along, dt):
    """Weight and colour of a run of samples, kept with their spots; returns the largest weight.

    A step counts with the mean of the table over the values that it passes through, as the slope tells, so that a
    steep table is not stepped over (pre-integration: Engel, Kraus, Ertl 2001, Graphics Hardware).
    areas       : ((entries + 1) · 4,) float64: sums of red, green, blue, each times extinction, and of extinction
    view, along : as in light_up; dt : step in depth
    """
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    top = np.float32(areas.shape[0] // 4 - 2)
    this, next_ = np.float32(k), np.float32(k + 1)
    opaque, step = np.float32(OPAQUE), np.float32(0.5 * dt)
    vx, vy, vz = np.float32(view[0]), np.float32(view[1]), np.float32(view[2])
    ax, ay, az = np.float32(along[0]), np.float32(along[1]), np.float32(along[2])
    start, row, count, begin = _U(j0), _U(at), np.int32(j1 - j0), np.int32(j0)
    for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
        r = row + start + i
        through = get(rays, r)
        size = size_within(rays, r, this, next_)
        j = np.float32(np.int32(i) + begin)
        x, y, z = get(spots, _U(SLOPE) + i), get(spots, _U(SLOPE + FIELD) + i), get(spots, _U(SLOPE + 2 * FIELD) + i)
        change = abs(x * (vx + j * ax) + y * (vy + j * ay) + z * (vz + j * az)) * step * size
        size *= get(rays, r + _U(LENGTH))
        value = get(spots, i) - v0
        e0 = np.int32(max(zero, min(top, (value - change) * per_value + half)))
        e1 = np.int32(max(zero, min(top, (value + change) * per_value + half)))
        low, high = _U(4) * _U(e0), _U(4) * _U(e1) + _U(4)
        total = np.float32(take(areas, high + _U(3)) - take(areas, low + _U(3)))
        weight = opacity_over(total / np.float32(np.int32(e1 - e0) + np.int32(1)) * size) * through
        per = one / max(total, np.float32(1e-30))
        put(spots, _U(WEIGHT) + i, weight if through >= opaque and np.int32(i) < count else zero)
        put(spots, _U(COLOR) + i, np.float32(take(areas, high) - take(areas, low)) * per)
        put(spots, _U(COLOR + FIELD) + i, np.float32(take(areas, high + _U(1)) - take(areas, low + _U(1))) * per)
        put(spots, _U(COLOR + 2 * FIELD) + i, np.float32(take(areas, high + _U(2)) - take(areas, low + _U(2))) * per)
    return heaviest(spots, j1 - j0)


@njit(inline="always")
def reach_of(depth, per_depth, per_length):
    """How many samples away on an axis the two values stand whose difference is the slope: one to two.

    depth : of the plane; per_depth : world length per depth that a slope reaches; per_length : samples per world length
    A level is drawn where its voxels have about that length, down to half of it. So slopes have the same sharpness on
    both sides of the depth where one level ends and the next begins, and nothing pops when that depth moves.
    """
    return min(2.0, max(1.0, depth * per_depth * per_length))


@njit(inline="always")
def skin_of(depth, per_depth, per_length):
    """How many steps behind a face it is still the face that is lit.

    As reach_of: the same length on both sides of the depth where one level ends and the next, with other steps, begins.
    """
    return CUT_DEPTH * reach_of(depth, per_depth, per_length)


@njit(inline="always")
def _shifted(f, by):
    """A fraction and a reach: whole samples to go, at most two, and the fraction there."""
    there = f + by
    whole = min(np.int32(there), np.int32(2))
    return whole, there - np.float32(whole)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def slopes(pool, base, spots, offsets, count, per, reach):
    """The gradients there: differences of values `reach` samples to either side, 1 to 2; per: samples per length."""
    back = np.float32(2.0)
    rx, ry, rz = np.float32(reach[0]), np.float32(reach[1]), np.float32(reach[2])
    qx = np.float32(0.5 * per[0] / reach[0])
    qy = np.float32(0.5 * per[1] / reach[1])
    qz = np.float32(0.5 * per[2] / reach[2])
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        at = base + _U(get(offsets, i))
        fx, fy, fz = get(spots, _U(FIELD) + i), get(spots, _U(2 * FIELD) + i), get(spots, _U(3 * FIELD) + i)
        up, f = _shifted(fx, rx)
        down, g = _shifted(fx, back - rx)
        x = trilinear(pool, at + _U(up), f, fy, fz) - trilinear(pool, at + _U(down) - _U(2), g, fy, fz)
        up, f = _shifted(fy, ry)
        down, g = _shifted(fy, back - ry)
        y = trilinear(pool, at + _U(up * _ROW32), fx, f, fz)
        y -= trilinear(pool, at + _U(down * _ROW32) - _U(2 * SIDE), fx, g, fz)
        up, f = _shifted(fz, rz)
        down, g = _shifted(fz, back - rz)
        z = trilinear(pool, at + _U(up * _PLANE32), fx, fy, f)
        z -= trilinear(pool, at + _U(down * _PLANE32) - _U(2 * SIDE * SIDE), fx, fy, g)
        put(spots, _U(SLOPE) + i, x * qx)
        put(spots, _U(SLOPE + FIELD) + i, y * qy)
        put(spots, _U(SLOPE + 2 * FIELD) + i, z * qz)


@njit(inline="always")
def facing_of(toward):
    """How much of a surface's light is that of the side to which its slope points; the rest is the other side's.

    toward : cosine between the slope and the direction to the eye
    Surfaces are lit from both sides, and the side that is seen is what counts. Where the slope is square to the ray,
    behind a crest, noise says which side that is: there one fades into the other (smoothstep), lest the light flicker.
    """
    t = min(np.float32(1.0), max(np.float32(0.0), toward * np.float32(0.5 / TURNING) + np.float32(0.5)))
    return t * t * (np.float32(3.0) - t - t)


@njit(nogil=True)
def face_light(light, nx, ny, nz):
    """How bright a cut with such a unit normal is, ambient light apart; light as in light_up.

    A cut shows tissue as a section does: in nearly its true colours, a little dimmer the more it turns from the key
    light, whatever the strength of the lamps.
    """
    key = max(0.0, nx * light[4] + ny * light[5] + nz * light[6])
    return max(0.0, CUT_LIGHT + (1.0 - CUT_LIGHT) * key - light[0])


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def light_up(spots, count, j0, light, noise, lamps, view, along, rays, at, k, skin):
    """Light every sample by its slope: Blinn–Phong, from both sides.

    light : ambient, diffuse, specular, power, direction to the light (x, y, z), difference of values that counts as
            noise, the weight of occlusion, and the world length per depth that a slope reaches
    noise : slope that counts as noise
    lamps : (2, 4): weight and direction (x, y, z) of the fill, which wraps around, and of the rim light
    view, along : the rays' directions: that of the tile's first column, and what one column more adds (world x, y, z)
    skin : how many steps behind the face on which a ray enters it is that face that is lit
    Where the value hardly changes, the slope is noise and the light is even; where the slope is square to the ray, the
    light of one side fades into that of the other, as facing_of says. Just behind the face on which a ray
    enters, the face is what is lit: a cut through tissue is flat, whatever the values do.
    """
    zero, one, tiny, half = np.float32(0.0), np.float32(1.0), np.float32(1e-30), np.float32(0.5)
    ambient, diffuse, specular = np.float32(light[0]), np.float32(light[1]), np.float32(light[2])
    power, lx, ly, lz = np.float32(light[3]), np.float32(light[4]), np.float32(light[5]), np.float32(light[6])
    calm, even = np.float32(noise * noise), np.float32(EVEN)
    fill, fx, fy, fz = (
        np.float32(lamps[0, 0]),
        np.float32(lamps[0, 1]),
        np.float32(lamps[0, 2]),
        np.float32(lamps[0, 3]),
    )
    rim, rx, ry, rz = np.float32(lamps[1, 0]), np.float32(lamps[1, 1]), np.float32(lamps[1, 2]), np.float32(lamps[1, 3])
    flat = even * (diffuse + fill)
    vx, vy, vz = np.float32(view[0]), np.float32(view[1]), np.float32(view[2])
    ax, ay, az = np.float32(along[0]), np.float32(along[1]), np.float32(along[2])
    start, row, this = np.int32(j0), _U(at + j0), np.float32(k)
    per_depth = np.float32(1.0 / skin)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        j = np.float32(np.int32(i) + start)
        gx, gy, gz = get(spots, _U(SLOPE) + i), get(spots, _U(SLOPE + FIELD) + i), get(spots, _U(SLOPE + 2 * FIELD) + i)
        ex, ey, ez = -(vx + j * ax), -(vy + j * ay), -(vz + j * az)
        per_eye = one / math.sqrt(ex * ex + ey * ey + ez * ez)
        ex, ey, ez = ex * per_eye, ey * per_eye, ez * per_eye
        square = gx * gx + gy * gy + gz * gz
        sure = square / (square + calm + tiny)
        per_size = one / math.sqrt(square + tiny)
        front = facing_of((gx * ex + gy * ey + gz * ez) * per_size)
        back = front - one
        key = (gx * lx + gy * ly + gz * lz) * per_size
        edge = (gx * rx + gy * ry + gz * rz) * per_size
        lit = diffuse * max(key * front, key * back) + rim * max(edge * front, edge * back)
        lit += fill * (half + half * (gx * fx + gy * fy + gz * fz) * per_size * (front + back))
        hx, hy, hz = lx + ex, ly + ey, lz + ez
        per_half = one / math.sqrt(hx * hx + hy * hy + hz * hz + tiny)
        shine = (gx * hx + gy * hy + gz * hz) * per_size * per_half
        seen = front if shine >= zero else -back
        face = get(rays, row + i + _U(CUT))
        behind = min(one, max(zero, (this - get(rays, row + i + _U(ENTRY))) * per_depth))
        behind = behind if face >= zero else one
        put(spots, _U(DULL) + i, ambient + face + behind * (sure * lit + (one - sure) * flat - face))
        put(spots, _U(GLOSS) + i, behind * specular * sure * seen * power_of(abs(shine), power))


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def darken(spots, count, j0, weight, field, size, x0, y0, z0, dx, dy, dz):
    """Take away light where little open space is near.

    field : (z · y · x,) float32, 0..1, of such a size (x, y, z); beyond its faces it goes on as it ends
    x0..  : continuous indices of the tile's first column, and what one column more adds
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    mx, my, mz = np.float32(size[0] - 1), np.float32(size[1] - 1), np.float32(size[2] - 1)
    nx, ny, nz = max(size[0] - 2, 0), max(size[1] - 2, 0), max(size[2] - 2, 0)
    row, plane = np.int32(size[0]), np.int32(size[0] * size[1])
    up_row, up_plane = _U(size[0] if size[1] > 1 else 0), _U(size[0] * size[1] if size[2] > 1 else 0)
    fx0, fy0, fz0 = np.float32(x0), np.float32(y0), np.float32(z0)
    fdx, fdy, fdz = np.float32(dx), np.float32(dy), np.float32(dz)
    start, strength = np.int32(j0), np.float32(weight)
    for i in range(_U(count + LANES - 1) // _U(LANES) * _U(LANES)):
        j = np.float32(np.int32(i) + start)
        x, y, z = (
            max(zero, min(mx, fx0 + j * fdx)),
            max(zero, min(my, fy0 + j * fdy)),
            max(zero, min(mz, fz0 + j * fdz)),
        )
        ix, iy, iz = min(np.int32(x), np.int32(nx)), min(np.int32(y), np.int32(ny)), min(np.int32(z), np.int32(nz))
        u, v, w = x - np.float32(ix), y - np.float32(iy), z - np.float32(iz)
        at = _U(np.int32(iz * plane + iy * row + ix))
        a0, a1 = pair(field, at)
        b0, b1 = pair(field, at + up_row)
        c0, c1 = pair(field, at + up_plane)
        d0, d1 = pair(field, at + up_plane + up_row)
        a, b = a0 + (a1 - a0) * u, b0 + (b1 - b0) * u
        c, d = c0 + (c1 - c0) * u, d0 + (d1 - d0) * u
        a, c = a + (b - a) * v, c + (d - c) * v
        reaches = one - strength * (one - (a + (c - a) * w))
        put(spots, _U(DULL) + i, get(spots, _U(DULL) + i) * reaches)
        put(spots, _U(GLOSS) + i, get(spots, _U(GLOSS) + i) * reaches)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def gather_lit(rays, at, spots, j0, j1):
    """What a run of weighed and lit samples adds to its rays."""
    one = np.float32(1.0)
    start, row = _U(j0), _U(at)
    for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
        r = row + start + i
        weight, dull, gloss = get(spots, _U(WEIGHT) + i), get(spots, _U(DULL) + i), get(spots, _U(GLOSS) + i)
        red = min(one, get(spots, _U(COLOR) + i) * dull + gloss)
        green = min(one, get(spots, _U(COLOR + FIELD) + i) * dull + gloss)
        blue = min(one, get(spots, _U(COLOR + 2 * FIELD) + i) * dull + gloss)
        put(rays, r + _U(RED), get(rays, r + _U(RED)) + weight * red)
        put(rays, r + _U(GREEN), get(rays, r + _U(GREEN)) + weight * green)
        put(rays, r + _U(BLUE), get(rays, r + _U(BLUE)) + weight * blue)
        put(rays, r, get(rays, r) - weight)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz"})
def project(rays, at, spots, j0, j1, k, blend):
    """What a run of samples does to rays that gather values instead of colours.

    blend : 1 the largest value, 2 the smallest, 3 the sum of value times length, and beside it that of lengths
    """
    zero = np.float32(0.0)
    this, next_ = np.float32(k), np.float32(k + 1)
    start, row, count = _U(j0), _U(at), np.int32(j1 - j0)
    for i in range(_U(j1 - j0 + LANES - 1) // _U(LANES) * _U(LANES)):
        r = row + start + i
        size = size_within(rays, r, this, next_)
        size = size if np.int32(i) < count else zero
        value, found = get(spots, i), get(rays, r + _U(RED))
        if blend == 1:
            found = max(found, value) if size > zero else found
        elif blend == 2:
            found = min(found, value) if size > zero else found
        else:
            size *= get(rays, r + _U(LENGTH))
            found += value * size if size > zero else zero
            put(rays, r + _U(GREEN), get(rays, r + _U(GREEN)) + size)
        put(rays, r + _U(RED), found)


@njit(nogil=True, fastmath={"contract", "nnan", "nsz", "reassoc"})
def clearest(rays, at, count):
    """How much shines through the clearest ray of a run."""
    most = np.float32(0.0)
    for i in range(count):
        most = max(most, rays[at + i])
    return most
