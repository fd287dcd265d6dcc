"""What runs of samples add to their rays: against the formulas written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from stackreel.kernels import run
from stackreel.kernels.sample import BEFORE, SIDE


@njit
def opacity(depths):
    return np.array([run.opacity_over(d) for d in depths])


@njit
def powers(bases, exponent):
    return np.array([run.power_of(b, exponent) for b in bases])


def test_opacity_of_a_step_is_true_for_thin_and_thick_ones():
    depths = np.logspace(-7, 1.5, 400).astype(np.float32)
    truth = -np.expm1(-depths.astype(np.float64))
    assert np.abs(opacity(depths) / truth - 1).max() < 1e-5
    assert opacity(np.array([1e5, 3e38], np.float32)) == pytest.approx([1, 1], abs=1e-6)
    assert opacity(np.zeros(1, np.float32))[0] == 0.0


@pytest.mark.parametrize("exponent", [1.0, 5.0, 20.0, 200.0])
def test_powers_are_true(exponent):
    bases = np.linspace(0, 1, 2001).astype(np.float32)
    assert np.abs(powers(bases, np.float32(exponent)) - bases.astype(np.float64) ** exponent).max() < 2e-3


@pytest.mark.parametrize("reach", [(1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (1.3, 1.0, 1.9)])
def test_slopes_are_those_of_a_linear_field(reach):
    z, y, x = np.mgrid[0:SIDE, 0:SIDE, 0:SIDE].astype(np.float32)
    brick = (3 * x - 2 * y + 0.5 * z).reshape(-1).astype(np.float32)
    spots, offsets = np.zeros(run.SPOTS, np.float32), np.zeros(run.FIELD, np.int32)
    base = np.uint64(BEFORE * (SIDE * SIDE + SIDE + 1))
    most = np.full(3, 32.0)
    run.places(spots, offsets, 0, 20, 0.3, 31.0, 5.2, 1.6, -0.9, 0.7, np.zeros(3), most)
    run.values_there(brick, base, spots, offsets, 0, 20, False)
    run.slopes(brick, base, spots, offsets, 20, np.array([1.0, 10.0, 100.0]), np.array(reach))
    i = np.arange(20)
    expected = 3 * (0.3 + 1.6 * i + BEFORE) - 2 * (31.0 - 0.9 * i + BEFORE) + 0.5 * (5.2 + 0.7 * i + BEFORE)
    assert spots[:20] == pytest.approx(expected, abs=1e-3)
    found = spots[run.SLOPE : run.SLOPE + 3 * run.FIELD].reshape(3, run.FIELD)[:, :20]
    assert found[0] == pytest.approx(np.full(20, 3.0), abs=1e-3)
    assert found[1] == pytest.approx(np.full(20, -20.0), abs=1e-2)
    assert found[2] == pytest.approx(np.full(20, 50.0), abs=1e-1)


def test_light_is_blinn_and_phong_s():
    rng = np.random.default_rng(6)
    n, j0 = 30, 4
    slopes = rng.normal(size=(3, n)).astype(np.float32)
    slopes[:, 0] = 0.0
    key, fill, rim = (np.array(v) / np.linalg.norm(v) for v in ([0.3, 0.5, 0.8], [-0.7, 0.1, 0.6], [0.5, 0.6, -0.5]))
    light = np.array([0.3, 0.7, 0.4, 20.0, *key, 0.2, 0.0])
    view, along = np.array([-0.3, 0.2, -1.0]), np.array([0.01, 0.002, 0.0])
    for lamps in (np.zeros((2, 4)), np.array([[0.4, *fill], [0.6, *rim]])):
        spots, rays = np.zeros(run.SPOTS, np.float32), np.zeros(run.ROW, np.float32)
        rays[run.CUT : run.CUT + run.FIELD] = run.NO_CUT
        for axis in range(3):
            at = run.SLOPE + axis * run.FIELD
            spots[at : at + n] = slopes[axis]
        run.light_up(spots, n, j0, light, 0.2, lamps, view, along, rays, 0, 7, 2.0)
        dull, gloss = spots[run.DULL : run.DULL + n], spots[run.GLOSS : run.GLOSS + n]
        for i in range(n):
            eye = -(view + (j0 + i) * along)
            eye /= np.linalg.norm(eye)
            square = float(slopes[:, i] @ slopes[:, i])
            sure = square / (square + 0.04)
            normal = slopes[:, i] / np.sqrt(square + 1e-30)
            half = (key + eye) / np.linalg.norm(key + eye)
            t = np.clip(0.5 + normal @ eye / (2 * run.TURNING), 0, 1)
            front = t * t * (3 - 2 * t)
            lit = shine = 0.0
            for side, share in ((normal, front), (-normal, 1 - front)):
                one = 0.7 * max(0, side @ key) + lamps[0, 0] * (0.5 + 0.5 * side @ fill)
                lit += share * (one + lamps[1, 0] * max(0, side @ rim))
                shine += share * max(0, side @ half) ** 20
            even = run.EVEN * (0.7 + lamps[0, 0])
            assert dull[i] == pytest.approx(0.3 + sure * lit + (1 - sure) * even, abs=1e-5)
            assert gloss[i] == pytest.approx(0.4 * sure * shine, abs=1e-3)


def lit_around(slopes, light, lamps):
    """The light of samples with such slopes (n, 3) that are seen along -z."""
    n = len(slopes)
    spots, rays = np.zeros(run.SPOTS, np.float32), np.full(run.ROW, run.NO_CUT, np.float32)
    for axis in range(3):
        spots[run.SLOPE + axis * run.FIELD : run.SLOPE + axis * run.FIELD + n] = slopes[:, axis]
    run.light_up(spots, n, 0, light, 1e-3, lamps, np.array([0.0, 0.0, -1.0]), np.zeros(3), rays, 0, 0, 2.0)
    return spots[run.DULL : run.DULL + n].copy(), spots[run.GLOSS : run.GLOSS + n].copy()


def test_light_does_not_jump_where_a_surface_turns_away_from_the_eye():
    light = np.array([0.2, 0.7, 0.8, 1.0, 0.8, 0.0, 0.6, 0.2, 0.0])
    lamps = np.array([[0.3, 1.0, 0.0, 0.0], [0.4, -0.8, 0.0, -0.6]])
    angles = np.radians(np.linspace(0, 180, 101))
    around = np.stack([np.sin(angles), np.zeros(101), np.cos(angles)], axis=1)
    dull, gloss = lit_around(around, light, lamps)
    # steps of 1.8°; in brackets what they are where one side gives way to the other at once
    assert np.abs(np.diff(dull)).max() < 0.1  # (0.28)
    assert np.abs(np.diff(gloss)).max() < 0.08  # (0.20)
    assert np.ptp(dull) > 0.5


def test_surfaces_that_face_the_eye_are_lit_from_either_side_alike():
    rng = np.random.default_rng(8)
    slopes = rng.normal(size=(40, 3))
    slopes /= np.linalg.norm(slopes, axis=1)[:, None]
    slopes = slopes[np.abs(slopes[:, 2]) > run.TURNING]
    light, lamps = np.array([0.2, 0.7, 0.4, 20.0, 0.6, 0.0, 0.8, 0.2, 0.0]), np.array([[0.3, 1, 0, 0], [0.4, 0, 1, 0]])
    toward = lit_around(slopes, light, lamps)
    away = lit_around(-slopes, light, lamps)
    np.testing.assert_allclose(toward, away, atol=1e-6)


def test_just_behind_a_cut_its_face_is_what_is_lit():
    n = 20
    spots, rays = np.zeros(run.SPOTS, np.float32), np.zeros(run.ROW, np.float32)
    spots[run.SLOPE : run.SLOPE + n] = 5.0  # slopes to the side
    light, lamps = np.array([0.3, 0.7, 0.4, 20.0, 0.0, 0.0, 1.0, 0.2, 0.0]), np.zeros((2, 4))
    face = run.face_light(light, 0.0, 0.6, 0.8)
    assert face == pytest.approx(0.8 + 0.2 * 0.8 - 0.3), "nearly its true colour, of which 0.3 is ambient"
    rays[run.CUT : run.CUT + n] = face
    rays[run.ENTRY : run.ENTRY + n] = np.linspace(7.4, 7 - 2 * 2.0, n)
    run.light_up(spots, n, 0, light, 0.2, lamps, np.array([0.0, 0.0, -1.0]), np.zeros(3), rays, 0, 7, 2.0)
    dull, gloss = spots[run.DULL : run.DULL + n], spots[run.GLOSS : run.GLOSS + n]
    assert dull[:2] == pytest.approx([0.3 + face] * 2), "at the face"
    assert gloss[0] == 0.0
    beside = 0.3 + 0.04 / 25.04 * 0.7 * run.EVEN
    assert dull[-5:] == pytest.approx([beside] * 5, abs=1e-3), "deep inside, the slopes say"
    assert (np.diff(dull) <= 1e-6).all(), "without a step in between"


def test_hollows_are_interpolated_and_go_on_as_they_end():
    rng = np.random.default_rng(7)
    for shape in ((5, 6, 7), (1, 4, 3), (1, 1, 1)):
        field = rng.random(shape).astype(np.float32)
        flat, size = np.append(field.reshape(-1), np.float32(0)), np.array(shape[::-1])
        spots = np.zeros(run.SPOTS, np.float32)
        spots[run.DULL : run.DULL + 30] = 1.0
        start, by = np.array([-1.5, -0.7, 6.0]), np.array([0.31, 0.27, -0.3])
        run.darken(spots, 30, 2, 0.5, flat, size, *start, *by)
        for i in range(30):
            x, y, z = np.clip(start + (i + 2) * by, 0, size - 1)
            corners = 0.0
            for dz, dy, dx in np.ndindex(2, 2, 2):
                k, j, h = int(z) + dz, int(y) + dy, int(x) + dx
                weight = (1 - abs(z - k)) * (1 - abs(y - j)) * (1 - abs(x - h))
                if weight > 0:
                    corners += weight * field[k, j, h]
            assert spots[run.DULL + i] == pytest.approx(1 - 0.5 * (1 - corners), abs=1e-5)
