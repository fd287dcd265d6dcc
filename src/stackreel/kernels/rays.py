"""One ray at a time: what a graphics card does for every pixel, and a second opinion on what the processor does.

The same samples as in `march`: on planes of equal depth, at (k + ½) steps from the camera, held inside the visible
box, with the true length where a ray enters and leaves. A ray looks up in which brick its next sample lies, leaps over
it when nothing in it is visible, and else takes all samples in it before it looks again.

The functions are written for any compiler: `make(jit)` hands them over compiled by Numba for a processor, by
Numba-CUDA for a graphics card, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from stackreel.kernels import run
from stackreel.kernels.run import AVERAGE, COMPOSITE, CUT_DEPTH, CUT_LIGHT, EVEN, MAXIMUM, MINIMUM, NO_CUT, OPAQUE
from stackreel.kernels.sample import BEFORE, BRICK, CELL, CELLS, SIDE

# Where what a pass says in real numbers stands in one array, x before y before z: the camera's place in sample
# indices, the direction of the picture's corner and what a column and a row more add to it, in world lengths per
# depth; samples per world length; the visible box; the shell and the step; the grid of openness; light; look-up.
EYE, CORNER, COLUMN, ROW, PER_STEP, LOWER, UPPER = 0, 3, 6, 9, 12, 15, 18
NEAR, FAR, STEP, OPEN_EYE, OPEN_STEP, LIGHT, FIRST_VALUE, PER_VALUE = 21, 22, 23, 24, 27, 30, 40, 41
LAMPS, RELIEF_EYE, RELIEF_STEP = 42, 50, 53  # fill and rim; the grid of relief
CUTS = 56  # how many cuts there are, and these
NUMBERS = 57
# The same of what it says in whole numbers: planes, the table's first brick, the size of openness, the window, the size
# of relief, which is 0 where slopes are the bricks' own.
FIRST, END, TABLE, OPEN_SIZE, TOP, BOTTOM, LEFT, RIGHT, RELIEF_SIZE = 0, 1, 2, 5, 8, 9, 10, 11, 12
WHOLE = 15

_U = np.uint64
_F = np.float32
_LINE, _SHEET, _VOLUME = _U(SIDE), _U(SIDE * SIDE), _U(SIDE * SIDE * SIDE)
_INSIDE = _U(BEFORE * (SIDE * SIDE + SIDE + 1))
_ALL = _U(0xFFFFFFFFFFFFFFFF)
_ZERO, _ONE, _HALF, _QUARTER, _TINY = _F(0.0), _F(1.0), _F(0.5), _F(0.25), _F(1e-30)
_WIDE, _STILL, _LONG = _F(BRICK), _F(1e-20), _F(1e9)
_OPAQUE, _EVEN, _NO_CUT = _F(OPAQUE), _F(EVEN), _F(NO_CUT)
_CUT_LIGHT = _F(CUT_LIGHT)


def numbers_of(
    camera: Any, size: Any, origin: Any, per_step: Any, lower: Any, upper: Any, shell: Any, dt: float,
    light: Any, open_origin: Any, open_step: Any, scale: Any, lamps: Any, cuts: Any, relief_origin: Any,
    relief_step: Any,
) -> Any:  # fmt: skip
    """What a pass says in real numbers, (NUMBERS + 4 cuts,) float64; as in march; size: (width, height)."""
    width, height = size
    # over places from the grid's origin
    cuts = np.concatenate([cuts[:, :3], cuts[:, 3:] + cuts[:, :3] @ origin[:, None]], axis=1)
    return np.concatenate(
        [
            (camera[0] - origin) * per_step, camera[3] - camera[1] + camera[2],
            camera[1] * (2.0 / width), camera[2] * (-2.0 / height), per_step, lower, upper, shell, [dt],
            (camera[0] - open_origin) / open_step, open_step, light, scale,
            np.ravel(lamps), (camera[0] - relief_origin) / relief_step, relief_step, [len(cuts)], np.ravel(cuts),
        ]
    ).astype(np.float64)  # fmt: skip


def make(jit: Callable[[Any], Any]) -> Any:
    """The function `ray`, compiled by `jit`, which decorates a function."""
    opacity_over = jit(getattr(run.opacity_over, "py_func", run.opacity_over))
    reach_of = jit(getattr(run.reach_of, "py_func", run.reach_of))
    facing_of = jit(getattr(run.facing_of, "py_func", run.facing_of))

    @jit
    def interpolated(pool, at, fx, fy, fz):
        """The value between eight samples; `at` is the lowest of them, f* the fractions 0..1."""
        one = _U(1)
        v000, v001 = _F(pool[at]), _F(pool[at + one])
        v010, v011 = _F(pool[at + _LINE]), _F(pool[at + _LINE + one])
        v100, v101 = _F(pool[at + _SHEET]), _F(pool[at + _SHEET + one])
        v110, v111 = _F(pool[at + _SHEET + _LINE]), _F(pool[at + _SHEET + _LINE + one])
        a, b = v000 + (v001 - v000) * fx, v010 + (v011 - v010) * fx
        c, d = v100 + (v101 - v100) * fx, v110 + (v111 - v110) * fx
        a, c = a + (b - a) * fy, c + (d - c) * fy
        return a + (c - a) * fz

    @jit
    def nearest_of(pool, at, fx, fy, fz):
        """The sample nearest to such a place."""
        at += _U(1) if fx >= _HALF else _U(0)
        at += _LINE if fy >= _HALF else _U(0)
        at += _SHEET if fz >= _HALF else _U(0)
        return _F(pool[at])

    @jit
    def value_in(field, whole, size, x, y, z):
        """The value of a field (z · y · x + 1,) at continuous indices; beyond the faces it goes on as it ends.

        size : where in `whole` the field's size stands
        """
        nx, ny, nz = whole[size], whole[size + 1], whole[size + 2]
        x, y, z = max(_ZERO, min(_F(nx - 1), x)), max(_ZERO, min(_F(ny - 1), y)), max(_ZERO, min(_F(nz - 1), z))
        ix, iy, iz = min(int(x), max(nx - 2, 0)), min(int(y), max(ny - 2, 0)), min(int(z), max(nz - 2, 0))
        u, v, w = x - _F(ix), y - _F(iy), z - _F(iz)
        at, one = _U((iz * ny + iy) * nx + ix), _U(1)
        up, far = _U(nx if ny > 1 else 0), _U(nx * ny if nz > 1 else 0)
        a = _F(field[at]) + (_F(field[at + one]) - _F(field[at])) * u
        b = _F(field[at + up]) + (_F(field[at + up + one]) - _F(field[at + up])) * u
        c = _F(field[at + far]) + (_F(field[at + far + one]) - _F(field[at + far])) * u
        d = _F(field[at + far + up]) + (_F(field[at + far + up + one]) - _F(field[at + far + up])) * u
        a, c = a + (b - a) * v, c + (d - c) * v
        return a + (c - a) * w

    @jit
    def openness_at(field, numbers, whole, t, wx, wy, wz):
        """Light from all around at such a depth of a ray."""
        x = _F(numbers[OPEN_EYE] + t * wx / numbers[OPEN_STEP])
        y = _F(numbers[OPEN_EYE + 1] + t * wy / numbers[OPEN_STEP + 1])
        z = _F(numbers[OPEN_EYE + 2] + t * wz / numbers[OPEN_STEP + 2])
        return value_in(field, whole, OPEN_SIZE, x, y, z)

    @jit
    def relief_of(field, numbers, whole, t, wx, wy, wz):
        """The gradient in the field of relief, per world length, and the slope that counts as noise; t : depth."""
        sx, sy, sz = numbers[RELIEF_STEP], numbers[RELIEF_STEP + 1], numbers[RELIEF_STEP + 2]
        x = _F(numbers[RELIEF_EYE] + t * wx / sx)
        y = _F(numbers[RELIEF_EYE + 1] + t * wy / sy)
        z = _F(numbers[RELIEF_EYE + 2] + t * wz / sz)
        x = max(_ZERO, min(_F(whole[RELIEF_SIZE] - 1), x))
        y = max(_ZERO, min(_F(whole[RELIEF_SIZE + 1] - 1), y))
        z = max(_ZERO, min(_F(whole[RELIEF_SIZE + 2] - 1), z))
        rx = reach_of(t, numbers[LIGHT + 9], 1.0 / sx)
        ry = reach_of(t, numbers[LIGHT + 9], 1.0 / sy)
        rz = reach_of(t, numbers[LIGHT + 9], 1.0 / sz)
        gx = value_in(field, whole, RELIEF_SIZE, x + _F(rx), y, z) - value_in(
            field, whole, RELIEF_SIZE, x - _F(rx), y, z
        )
        gy = value_in(field, whole, RELIEF_SIZE, x, y + _F(ry), z) - value_in(
            field, whole, RELIEF_SIZE, x, y - _F(ry), z
        )
        gz = value_in(field, whole, RELIEF_SIZE, x, y, z + _F(rz)) - value_in(
            field, whole, RELIEF_SIZE, x, y, z - _F(rz)
        )
        widest = 2.0 * max(rx * sx, ry * sy, rz * sz)
        gx, gy, gz = gx * _F(0.5 / (rx * sx)), gy * _F(0.5 / (ry * sy)), gz * _F(0.5 / (rz * sz))
        return gx, gy, gz, _F(numbers[LIGHT + 7] / widest)

    @jit
    def lit_by(numbers, nx, ny, nz, front):
        """How bright a surface with such a unit normal is, ambient light apart; front : as run.facing_of says."""
        back = front - _ONE
        key = nx * _F(numbers[LIGHT + 4]) + ny * _F(numbers[LIGHT + 5]) + nz * _F(numbers[LIGHT + 6])
        fill = nx * _F(numbers[LAMPS + 1]) + ny * _F(numbers[LAMPS + 2]) + nz * _F(numbers[LAMPS + 3])
        rim = nx * _F(numbers[LAMPS + 5]) + ny * _F(numbers[LAMPS + 6]) + nz * _F(numbers[LAMPS + 7])
        lit = _F(numbers[LIGHT + 1]) * max(_F(key * front), _F(key * back))
        lit += _F(numbers[LAMPS]) * (_HALF + _HALF * _F(fill) * (front + back))
        return _F(lit + _F(numbers[LAMPS + 4]) * max(_F(rim * front), _F(rim * back)))

    @jit
    def face_by(numbers, nx, ny, nz):
        """How bright a cut with such a unit normal is, ambient light apart, as run.face_light says."""
        key = nx * _F(numbers[LIGHT + 4]) + ny * _F(numbers[LIGHT + 5]) + nz * _F(numbers[LIGHT + 6])
        return max(_ZERO, _F(_CUT_LIGHT + (_ONE - _CUT_LIGHT) * max(_ZERO, _F(key)) - _F(numbers[LIGHT])))

    @jit
    def cut_light(numbers, wx, wy, wz, depth):
        """How bright the plane is on which a ray begins at such a depth, or NO_CUT when it begins on none."""
        light, p = _NO_CUT, NUMBERS
        for _ in range(int(numbers[CUTS])):
            a, b, c = numbers[p], numbers[p + 1], numbers[p + 2]
            away = numbers[p + 3]
            away += a * numbers[EYE] / numbers[PER_STEP] + b * numbers[EYE + 1] / numbers[PER_STEP + 1]
            away += c * numbers[EYE + 2] / numbers[PER_STEP + 2]
            along = a * wx + b * wy + c * wz
            near = (0.01 * numbers[STEP] + 1e-6 * depth) * along
            if light < _ZERO and along > 0.0 and abs(away + depth * along) < near:
                light = face_by(numbers, _F(-a), _F(-b), _F(-c))
            p += 4
        return light

    @jit
    def beyond(pool, at, fx, fy, fz, by, axis):
        """The value so many samples, -2 to 2, further on one axis."""
        f = fx if axis == 0 else (fy if axis == 1 else fz)
        there = f + by + _F(2.0)
        whole = min(int(there), 4)
        rest = there - _F(whole)
        stride = _U(1) if axis == 0 else (_LINE if axis == 1 else _SHEET)
        at = at + _U(whole) * stride - _U(2) * stride
        if axis == 0:
            return interpolated(pool, at, rest, fy, fz)
        if axis == 1:
            return interpolated(pool, at, fx, rest, fz)
        return interpolated(pool, at, fx, fy, rest)

    @jit
    def across(pool, at, fx, fy, fz, reach, axis):
        """The difference of the values so many samples to either side on one axis."""
        return beyond(pool, at, fx, fy, fz, reach, axis) - beyond(pool, at, fx, fy, fz, -reach, axis)

    @jit
    def slope_of(pool, at, fx, fy, fz, t, numbers):
        """The gradient there, per world length, and the slope that counts as noise; t : depth."""
        rx = reach_of(t, numbers[LIGHT + 9], numbers[PER_STEP])
        ry = reach_of(t, numbers[LIGHT + 9], numbers[PER_STEP + 1])
        rz = reach_of(t, numbers[LIGHT + 9], numbers[PER_STEP + 2])
        gx = _F(0.5 * numbers[PER_STEP] / rx) * across(pool, at, fx, fy, fz, _F(rx), 0)
        gy = _F(0.5 * numbers[PER_STEP + 1] / ry) * across(pool, at, fx, fy, fz, _F(ry), 1)
        gz = _F(0.5 * numbers[PER_STEP + 2] / rz) * across(pool, at, fx, fy, fz, _F(rz), 2)
        widest = 2.0 * max(rx / numbers[PER_STEP], ry / numbers[PER_STEP + 1], rz / numbers[PER_STEP + 2])
        return gx, gy, gz, _F(numbers[LIGHT + 7] / widest)

    @jit
    def light_of(gx, gy, gz, soft, ex, ey, ez, numbers, face, behind):
        """How bright its slope makes a sample, and how it shines: Blinn–Phong, from both sides, as in run.light_up.

        g* : the slope, and `soft`, which counts as noise; e* : from the sample to the eye, of length 1
        face, behind : how bright the face is on which the ray entered, and how many of its skins ago that was
        """
        lx, ly, lz = _F(numbers[LIGHT + 4]), _F(numbers[LIGHT + 5]), _F(numbers[LIGHT + 6])
        square = gx * gx + gy * gy + gz * gz
        sure = square / max(square + soft * soft, _TINY)
        size = _ONE / math.sqrt(square + _TINY)
        front = _F(facing_of(_F((gx * ex + gy * ey + gz * ez) * size)))
        lit = lit_by(numbers, gx * size, gy * size, gz * size, front)
        hx, hy, hz = lx + ex, ly + ey, lz + ez
        shine = (gx * hx + gy * hy + gz * hz) * size / math.sqrt(hx * hx + hy * hy + hz * hz + _TINY)
        seen = front if shine >= _ZERO else _ONE - front
        flat = _EVEN * (_F(numbers[LIGHT + 1]) + _F(numbers[LAMPS]))
        share = min(_ONE, max(_ZERO, behind)) if face >= _ZERO else _ONE
        dull = _F(numbers[LIGHT]) + face + share * (sure * lit + (_ONE - sure) * flat - face)
        power = _F(math.pow(min(abs(_F(shine)), _ONE), _F(numbers[LIGHT + 3])))
        gloss = share * _F(numbers[LIGHT + 2]) * sure * seen * power
        return _F(dull), _F(gloss)

    @jit
    def between(first, last, eye, along, lower, upper):
        """What is left of a range of depths between two faces of the box."""
        along = along if abs(along) > 1e-30 else 1e-30
        a, b = (lower - eye) / along, (upper - eye) / along
        return max(first, min(a, b)), min(last, max(a, b))

    @jit
    def planes_until(x, by):
        """How many planes from x on, 0..BRICK, until a ray that goes on by so much has left its brick."""
        by = by if abs(by) > _STILL else _STILL
        return (_WIDE - x) / by if by > _ZERO else -x / by

    @jit
    def ray(
        row, column, state, limits, numbers, whole, table, slots, bits, pool, colors, openness, relief,
        shaded, nearest, blend, limited,
    ):  # fmt: skip
        """Carry the ray of a pixel through some planes of one level; returns the samples taken.

        state   : (rows, columns, 4) float32, limits : (rows, columns, 2) float32, as in march
        numbers : from numbers_of; whole : (WHOLE,) int64
        table   : (z, y, x) int32: for a box of bricks, -1 where nothing is visible, else an index into
        slots   : (n,) int32 in the pool, and bits : (n,) uint64, which cells of the brick hold something visible
        pool    : (slots · 37³,) samples
        colors  : (n + 1, 8) float64: red, green, blue, extinction; and the sums of those before, as in run.weigh
        openness : (z · y · x + 1,) float32; relief : (z · y · x + 1,) as the pool's samples
        shaded, nearest, limited : whether there is light, whether samples are not interpolated, whether limits count
        blend   : as in march
        """
        through = state[row, column, 3]
        across, down = float(column) + 0.5, float(row) + 0.5
        wx = numbers[CORNER] + across * numbers[COLUMN] + down * numbers[ROW]
        wy = numbers[CORNER + 1] + across * numbers[COLUMN + 1] + down * numbers[ROW + 1]
        wz = numbers[CORNER + 2] + across * numbers[COLUMN + 2] + down * numbers[ROW + 2]
        dx, dy, dz = wx * numbers[PER_STEP], wy * numbers[PER_STEP + 1], wz * numbers[PER_STEP + 2]
        ox, oy, oz = numbers[EYE], numbers[EYE + 1], numbers[EYE + 2]
        lx, ly, lz = numbers[LOWER], numbers[LOWER + 1], numbers[LOWER + 2]
        ux, uy, uz = numbers[UPPER], numbers[UPPER + 1], numbers[UPPER + 2]
        first, last, dt = 0.0, numbers[FAR], numbers[STEP]
        near = int(math.floor(numbers[NEAR] / dt))
        finest = max(numbers[PER_STEP], numbers[PER_STEP + 1], numbers[PER_STEP + 2])
        face = _NO_CUT
        if limited:
            if float(limits[row, column, 0]) > first:
                first = float(limits[row, column, 0])
                face = cut_light(numbers, wx, wy, wz, first)
            last = min(last, float(limits[row, column, 1]))
        begin = first
        first, last = between(first, last, ox, dx, lx, ux)
        if first > begin:
            face = face_by(numbers, _ONE if dx < 0.0 else -_ONE, _ZERO, _ZERO)
        begin = first
        first, last = between(first, last, oy, dy, ly, uy)
        if first > begin:
            face = face_by(numbers, _ZERO, _ONE if dy < 0.0 else -_ONE, _ZERO)
        begin = first
        first, last = between(first, last, oz, dz, lz, uz)
        if first > begin:
            face = face_by(numbers, _ZERO, _ZERO, _ONE if dz < 0.0 else -_ONE)
        entry = _F(first / dt - near)
        first = max(first, numbers[NEAR])
        if not first < last or through < _OPAQUE:
            return 0
        # in steps from the shell's first plane
        enter, leave = _F(first / dt - near), _F(last / dt - near)
        k = max(whole[FIRST], near + int(math.floor(enter)))
        end = min(whole[END], near + int(math.ceil(leave)))
        size = math.sqrt(wx * wx + wy * wy + wz * wz)
        length, top = _F(size * dt), _F(colors.shape[0] - 2)
        v0, per_value = _F(numbers[FIRST_VALUE]), _F(numbers[PER_VALUE])
        ex, ey, ez = _F(-wx / size), _F(-wy / size), _F(-wz / size)
        red, green, blue = state[row, column, 0], state[row, column, 1], state[row, column, 2]
        by_x, by_y, by_z = _F(dx * dt), _F(dy * dt), _F(dz * dt)
        lx, ly, lz = max(lx, 0.0), max(ly, 0.0), max(lz, 0.0)
        taken = 0
        while k < end and through >= _OPAQUE:
            t = (float(k) + 0.5) * dt
            x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
            # what lies just outside the box counts for its outermost bricks
            bx = int(max(lx, min(ux, x))) // BRICK
            by = int(max(ly, min(uy, y))) // BRICK
            bz = int(max(lz, min(uz, z))) // BRICK
            x0, y0, z0 = float(bx * BRICK), float(by * BRICK), float(bz * BRICK)
            fx, fy, fz = _F(x - x0), _F(y - y0), _F(z - z0)
            planes = min(planes_until(fx, by_x), min(planes_until(fy, by_y), planes_until(fz, by_z)))
            count = int(math.ceil(max(_ONE, min(planes, _F(end - k)))))
            ix, iy, iz = bx - whole[TABLE], by - whole[TABLE + 1], bz - whole[TABLE + 2]
            inside = 0 <= ix < table.shape[2] and 0 <= iy < table.shape[1] and 0 <= iz < table.shape[0]
            brick = table[iz, iy, ix] if inside else -1
            if brick < 0:
                k += count
                continue
            visible, base = bits[brick], _U(slots[brick]) * _VOLUME + _INSIDE
            least_x, most_x = _F(max(0.0, lx - x0)), min(_WIDE, _F(ux - x0))
            least_y, most_y = _F(max(0.0, ly - y0)), min(_WIDE, _F(uy - y0))
            least_z, most_z = _F(max(0.0, lz - z0)), min(_WIDE, _F(uz - z0))
            for i in range(count):
                s = _F(i)
                px = max(least_x, min(most_x, fx + s * by_x))
                py = max(least_y, min(most_y, fy + s * by_y))
                pz = max(least_z, min(most_z, fz + s * by_z))
                jx, jy, jz = min(int(px), BRICK - 1), min(int(py), BRICK - 1), min(int(pz), BRICK - 1)
                if visible != _ALL:
                    cell = ((jz // CELL) * CELLS + jy // CELL) * CELLS + jx // CELL
                    if (visible >> _U(cell)) & _U(1) == _U(0):
                        continue
                this = _F(k + i - near)
                step = min(leave, this + _ONE) - max(enter, this)
                if step <= _ZERO:
                    continue
                step *= length
                qx, qy, qz = px - _F(jx), py - _F(jy), pz - _F(jz)
                at = base + _U((jz * SIDE + jy) * SIDE + jx)
                if nearest:
                    value = nearest_of(pool, at, qx, qy, qz)
                else:
                    value = interpolated(pool, at, qx, qy, qz)
                taken += 1
                if blend != COMPOSITE:
                    if blend == MAXIMUM:
                        red = max(red, value)
                    elif blend == MINIMUM:
                        red = min(red, value)
                    elif blend == AVERAGE:
                        red, green = red + value * step, green + step
                    continue
                change, t = _ZERO, (float(k + i) + 0.5) * dt
                gx, gy, gz, soft = _ZERO, _ZERO, _ZERO, _ZERO
                if shaded:
                    gx, gy, gz, soft = slope_of(pool, at, qx, qy, qz, t, numbers)
                    if not nearest:
                        along = gx * _F(wx) + gy * _F(wy) + gz * _F(wz)
                        change = abs(along) * _F(0.5 * dt) * (step / length)
                e0 = int(max(_ZERO, min(top, (value - v0 - change) * per_value + _HALF)))
                e1 = int(max(_ZERO, min(top, (value - v0 + change) * per_value + _HALF)))
                total = _F(colors[e1 + 1, 7] - colors[e0, 7]) if shaded else _F(colors[e0, 3])
                weight = opacity_over(_F(total / _F(e1 - e0 + 1)) * step) * through
                if weight <= _ZERO:
                    continue
                r, g, b = _F(colors[e0, 0]), _F(colors[e0, 1]), _F(colors[e0, 2])
                if shaded:
                    r = _F(colors[e1 + 1, 4] - colors[e0, 4]) / total
                    g = _F(colors[e1 + 1, 5] - colors[e0, 5]) / total
                    b = _F(colors[e1 + 1, 6] - colors[e0, 6]) / total
                    skin = _F(CUT_DEPTH * reach_of(t, numbers[LIGHT + 9], finest))  # run.skin_of
                    if whole[RELIEF_SIZE] > 0:
                        gx, gy, gz, soft = relief_of(relief, numbers, whole, t, wx, wy, wz)
                    dull, gloss = light_of(gx, gy, gz, soft, ex, ey, ez, numbers, face, (this - entry) / skin)
                    if numbers[LIGHT + 8] > 0.0:
                        closed = _ONE - openness_at(openness, numbers, whole, t, wx, wy, wz)
                        reaches = _ONE - _F(numbers[LIGHT + 8]) * closed
                        dull, gloss = dull * reaches, gloss * reaches
                    r, g, b = min(_ONE, r * dull + gloss), min(_ONE, g * dull + gloss), min(_ONE, b * dull + gloss)
                red, green, blue = red + weight * r, green + weight * g, blue + weight * b
                through -= weight
                if through < _OPAQUE:
                    break
            k += count
        state[row, column, 0], state[row, column, 1], state[row, column, 2] = red, green, blue
        state[row, column, 3] = through
        return taken

    return ray
