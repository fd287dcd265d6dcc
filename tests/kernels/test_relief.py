"""Slopes from a coarse field, and how it is softened: against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.kernels import relief, run
from stackreel.kernels.blur import soften


@pytest.mark.parametrize("reach", [1.0, 1.6])
def test_slopes_of_a_linear_field_are_its_own_and_none_beyond_its_faces(reach):
    size = np.array([30, 24, 40])
    z, y, x = np.mgrid[0:40, 0:24, 0:30].astype(np.float32)
    field = np.append((3 * x - 2 * y + 0.5 * z).reshape(-1), np.zeros(8)).astype(np.float32)
    spots, per, j = np.zeros(run.SPOTS, np.float32), np.array([1.0, 10.0, 100.0]), np.arange(4, 24)
    at, by = np.array([2.3, 20.2, 4.1]), np.array([0.8, -0.6, 1.1])
    relief.relief_slopes(spots, 20, 4, field, 0, size, at, by, per, np.full(3, reach))
    found = spots[run.SLOPE : run.SLOPE + 3 * run.FIELD].reshape(3, run.FIELD)[:, :20]
    for axis, slope in enumerate((3, -20, 50)):
        place, last = at[axis] + j * by[axis], size[axis] - 1
        inside = np.clip(place, 0, last)
        apart = np.clip(inside + reach, 0, last) - np.clip(inside - reach, 0, last)
        np.testing.assert_allclose(found[axis], slope * apart / (2 * reach), rtol=1e-3, atol=1e-3)
    far = np.array([-50.0, 90.0, -50.0])
    relief.relief_slopes(spots, 20, 4, field, 0, size, far, np.zeros(3), per, np.full(3, reach))
    np.testing.assert_allclose(found[:, 0], [1.5, -10, 25], rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("shape", [(9, 7, 11), (1, 5, 3), (6, 1, 1)])
def test_softening_is_a_mean_of_neighbours_however_the_planes_are_divided(dtype, shape):
    rng = np.random.default_rng(2)
    values = rng.integers(0, 255, shape).astype(dtype) if dtype != np.int16 else rng.integers(-900, 900, shape, dtype)
    expected = values.astype(np.float64)
    for axis in range(3):
        wide = np.pad(expected, [(int(a == axis),) * 2 for a in range(3)], mode="edge")
        low, mid, high = (wide.take(range(k, k + shape[axis]), axis) for k in range(3))
        expected = (low + 2 * mid + high) / 4
    half = shape[0] // 2
    whole = dtype != np.float32
    at_once, apart = values.copy(), values.copy()
    soften(at_once, values[0].copy(), values[-1].copy(), whole)
    if half:
        soften(apart[:half], values[0].copy(), values[half].copy(), whole)
        soften(apart[half:], values[half - 1].copy(), values[-1].copy(), whole)
        np.testing.assert_array_equal(at_once, apart)
    np.testing.assert_allclose(at_once, expected, atol=0.5 + 1e-9 if whole else 1e-3)
