"""Reading two neighbours at once, for every type that bricks are kept in, and colours packed into few bits."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from stackreel.frames.native.tables import packed
from stackreel.kernels.memory import get, pair, put, take
from stackreel.kernels.run import unpacked as _unpacked


@njit
def pairs(values, out):
    for i in range(np.uint64(len(values) - 4)):
        low, high = pair(values, i)
        put(out, np.uint64(2) * i, low)
        put(out, np.uint64(2) * i + np.uint64(1), get(out, np.uint64(2) * i) * np.float32(0.0) + high)


@njit
def unpacked(colors, entry):
    return _unpacked(colors, entry)


@njit
def second(values):
    return take(values, np.uint64(1))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
def test_a_pair_is_two_neighbours(dtype):
    rng = np.random.default_rng(4)
    if dtype == "float32":
        values = rng.normal(size=103).astype(np.float32)
    else:
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, 103, endpoint=True).astype(dtype)
        values[:2] = info.min, info.max
    out = np.zeros(2 * 99, np.float32)
    pairs(values, out)
    assert np.array_equal(out[0::2], values[:99].astype(np.float32))
    assert np.array_equal(out[1::2], values[1:100].astype(np.float32))
    assert second(values) == values[1]


def test_packed_colours_are_true_to_an_eighth_of_a_step_and_extinction_to_the_bit():
    rng = np.random.default_rng(5)
    colors = rng.random((300, 4)).astype(np.float32)
    colors[:, 3] = rng.exponential(1e4, 300)
    colors[0], colors[1] = (0, 0, 0, 0), (1, 1, 1, 3e38)
    table = packed(colors)
    for n, expected in enumerate(colors):
        extinction, red, green, blue = unpacked(table, n)
        assert extinction == expected[3]
        assert (red, green, blue) == pytest.approx(tuple(expected[:3]), abs=0.125 / 255)
    assert unpacked(table, 1)[1:] == pytest.approx((1, 1, 1), abs=1e-7)
