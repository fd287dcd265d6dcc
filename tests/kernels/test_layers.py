"""Several channels in one place, against numpy's complex numbers and against sums that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.frames.native.tables import packed
from stackreel.kernels import layers as kernel
from stackreel.kernels.run import COLOR, FIELD, LANES, SLOPE, values_there
from stackreel.kernels.sample import BEFORE, SIDE

FIRST = BEFORE * (SIDE * SIDE + SIDE + 1)


def spots_at(rng, count=LANES):
    """Places in a brick: offsets of the lowest of eight samples, and fractions."""
    spots, offsets = np.zeros(kernel.MIXED_SPOTS, np.float32), np.zeros(FIELD, np.int32)
    at = rng.integers(0, 32, (count, 3))
    offsets[:count] = (at[:, 0] * SIDE + at[:, 1]) * SIDE + at[:, 2]
    fractions = rng.random((count, 3)).astype(np.float32)
    for axis in range(3):
        spots[(axis + 1) * FIELD : (axis + 1) * FIELD + count] = fractions[:, 2 - axis]
    return spots, offsets, at, fractions


def vectors_of(codes, period, background=None):
    angle = 2 * np.pi * codes.astype(np.float64) / period
    v = np.rint(np.stack([np.cos(angle), np.sin(angle)], axis=-1) * kernel.UNIT).astype(np.int8)
    if background is not None:
        v[codes == background] = 0
    return v.reshape(-1)


def between(brick, at, fractions):
    """Trilinear interpolation of anything, complex numbers included."""
    out = []
    for (z, y, x), (fz, fy, fx) in zip(at + BEFORE, fractions.astype(np.float64), strict=True):
        eight = brick[z : z + 2, y : y + 2, x : x + 2]
        out.append(np.einsum("zyx,z,y,x", eight, [1 - fz, fz], [1 - fy, fy], [1 - fx, fx]))
    return np.array(out)


def away(a, b):
    """Distance of two angles in turns."""
    return np.abs((a - b + 0.5) % 1.0 - 0.5)


def test_the_angle_of_a_vector_is_that_of_numpy():
    rng = np.random.default_rng(0)
    for x, y in rng.normal(size=(500, 2)).astype(np.float32):
        assert away(kernel.turns_of(x, y), np.arctan2(y, x) / (2 * np.pi)) < 2e-6
    for x, y in [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)]:
        assert away(kernel.turns_of(np.float32(x), np.float32(y)), np.arctan2(y, x) / (2 * np.pi)) < 2e-6


def test_directions_are_interpolated_as_complex_numbers_of_the_doubled_angle():
    rng = np.random.default_rng(1)
    smooth = 128 + 30 * np.sin(np.arange(SIDE) / 5)  # some beyond 0 and some beyond the period after the shift below
    codes = (
        smooth[:, None, None] + smooth[None, :, None] + 2 * np.arange(SIDE) + rng.integers(-9, 9, (SIDE,) * 3)
    ) % 256
    codes = codes.astype(np.uint8)
    spots, offsets, at, fractions = spots_at(rng)
    kernel.turns_there(vectors_of(codes, 256.0), np.uint64(FIRST), spots, offsets, LANES)
    truth = between(np.exp(2j * np.pi * codes / 256.0), at, fractions)
    assert away(spots[:LANES], np.angle(truth) / (2 * np.pi)).max() < 0.005 / np.abs(truth).min()


def test_between_the_last_direction_and_the_first_lies_the_period_and_not_the_middle():
    codes = np.where(np.arange(SIDE)[None, None, :] % 2, 250, 6) + np.zeros((SIDE,) * 3, np.int64)
    spots, offsets, _, _ = spots_at(np.random.default_rng(2))
    kernel.turns_there(vectors_of(codes, 256.0), np.uint64(FIRST), spots, offsets, LANES)
    assert away(spots[:LANES], 0.0).max() < 7 / 256
    spots[FIELD : FIELD + LANES] = 0.5
    kernel.turns_there(vectors_of(codes, 256.0), np.uint64(FIRST), spots, offsets, LANES)
    assert away(spots[:LANES], 0.0).max() < 1e-3


def test_what_has_no_direction_lends_none_to_its_neighbours():
    codes = np.where(np.arange(SIDE)[None, None, :] % 2, 0, 90) + np.zeros((SIDE,) * 3, np.int64)
    spots, offsets, _, _ = spots_at(np.random.default_rng(3))
    kernel.turns_there(vectors_of(codes, 256.0, background=0), np.uint64(FIRST), spots, offsets, LANES)
    sure = spots[kernel.SURE : kernel.SURE + LANES] > 0.5
    assert sure.sum() >= LANES - 2
    assert away(spots[:LANES][sure], 90 / 256).max() < 2e-3
    nowhere = vectors_of(np.zeros((SIDE,) * 3, np.int64), 256.0, background=0)
    kernel.turns_there(nowhere, np.uint64(FIRST), spots, offsets, LANES)
    assert not spots[kernel.SURE : kernel.SURE + LANES].any()


def test_each_direction_counts_as_much_as_the_intensity_that_lies_there():
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 256, (SIDE,) * 3).astype(np.uint8)
    for weights in (rng.integers(0, 200, (SIDE,) * 3).astype(np.uint8), rng.random((SIDE,) * 3).astype(np.float32)):
        spots, offsets, at, fractions = spots_at(rng)
        kernel.weighed_turns_there(
            vectors_of(codes, 256.0, background=0), np.uint64(FIRST), weights.reshape(-1), np.uint64(FIRST), spots,
            offsets, LANES,
        )  # fmt: skip
        truth = between(np.where(codes == 0, 0, weights * np.exp(2j * np.pi * codes / 256.0)), at, fractions)
        mean = np.abs(truth) / between(weights, at, fractions)
        assert (away(spots[:LANES], np.angle(truth) / (2 * np.pi)) < 0.002 / mean).all()
        np.testing.assert_allclose(spots[kernel.SURE : kernel.SURE + LANES], np.minimum(1, mean * 16), atol=0.15)


def test_where_no_intensity_weighs_anything_all_directions_count_alike():
    codes = np.random.default_rng(9).integers(60, 90, (SIDE,) * 3).astype(np.uint8)
    found = []
    for weight in (0, 100):
        spots, offsets, _, _ = spots_at(np.random.default_rng(10))
        weights = np.full(SIDE**3, weight, np.uint8)
        vectors = vectors_of(codes, 256.0)
        kernel.weighed_turns_there(vectors, np.uint64(FIRST), weights, np.uint64(FIRST), spots, offsets, LANES)
        found.append(spots[:LANES].copy())
    assert away(*found).max() < 1e-5
    assert np.ptp(found[0]) > 0.01


def test_the_share_that_has_a_direction_is_that_of_the_samples_around():
    rng = np.random.default_rng(11)
    codes = rng.integers(0, 3, (SIDE,) * 3).astype(np.uint8)
    spots, offsets, at, fractions = spots_at(rng)
    vectors = vectors_of(codes * 80, 256.0, background=0).view(np.int16)
    kernel.share_there(vectors, np.uint64(FIRST), spots, offsets, LANES)
    np.testing.assert_allclose(spots[kernel.SHARE : kernel.SHARE + LANES], between(codes > 0, at, fractions), atol=1e-5)


def views_of(*bricks):
    """One buffer with each channel's samples, as the five views, and where each begins in bytes."""
    begins, size = [], 0
    for brick in bricks:
        begins.append(size)
        size += -(-brick.nbytes // 64) * 64
    buffer = np.zeros(size + 64, np.uint8)
    for begin, brick in zip(begins, bricks, strict=True):
        buffer[begin : begin + brick.nbytes] = brick.reshape(-1).view(np.uint8)
    return tuple(buffer.view(t) for t in (np.uint8, np.int8, np.uint16, np.int16, np.float32)), begins


def table(values):
    """Entries (n, 4): red, green, blue, extinction or factor."""
    return packed(np.asarray(values, np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.float32])
def test_channels_that_are_added_sum_extinctions_and_weigh_colours_by_them(dtype):
    rng = np.random.default_rng(4)
    code = [np.uint8, np.int8, np.uint16, np.int16, np.float32].index(dtype)
    a = rng.integers(0, 100, (SIDE,) * 3).astype(dtype)
    b = rng.integers(0, 100, (SIDE,) * 3).astype(np.uint8)
    views, (at_a, at_b) = views_of(a, b)
    channels = np.array([[code, at_a // np.dtype(dtype).itemsize, 0], [0, at_b, 0]])
    ramp = np.arange(101) / 100
    one, two = (np.stack([ramp * 0 + bright, ramp, ramp, k * ramp], axis=1) for k, bright in ((3, 1), (5, 1)))
    tables = table([*one, *two, [1, 0, 0, 0], [0, 0, 1, 0]])
    layers = np.array([[0, -1, 0, 0, 101, 0, 0, 202, 203], [1, -1, 1, 101, 202, 0, 0, 203, 204]])
    scales = np.array([[0, 1, 0, 1, 0, 1, 1.0]] * 2)
    spots, offsets, _, _ = spots_at(rng)
    kernel.mix(views, channels, layers, scales, tables, 0, spots, offsets, 0, LANES)
    got = {
        name: spots[k : k + LANES].copy()
        for name, k in (("sum", kernel.SUM), ("red", COLOR), ("blue", COLOR + 2 * FIELD))
    }
    extinctions = []
    for brick in (a, b):
        values_there(brick.reshape(-1).copy(), np.uint64(FIRST), spots, offsets, 0, LANES, False)
        extinctions.append(np.rint(spots[:LANES]) / 100)
    np.testing.assert_allclose(got["sum"], 3 * extinctions[0] + 5 * extinctions[1], rtol=1e-6)
    np.testing.assert_allclose(got["red"], 3 * extinctions[0], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(got["blue"], 5 * extinctions[1], rtol=1e-6, atol=1e-7)


def test_colours_are_darker_where_the_channel_of_extinctions_says_so():
    grey, hue = np.full((SIDE,) * 3, 7, np.uint8), np.full((SIDE,) * 3, 3, np.uint8)
    views, (at_a, at_b) = views_of(grey, hue)
    channels = np.array([[0, at_a, 0], [0, at_b, 0]])
    tables = table([[0.5, 0, 0, 2.0]] * 10 + [[1, 0, 0.5, 0]] * 10)
    layers, scales = np.array([[0, -1, 1, 0, 10, 0, 0, 10, 20]]), np.array([[0, 1, 0, 1, 0, 1, 1.0]])
    spots, offsets, _, _ = spots_at(np.random.default_rng(7))
    kernel.mix(views, channels, layers, scales, tables, 0, spots, offsets, 0, LANES)
    np.testing.assert_allclose(spots[COLOR : COLOR + LANES], 2.0 * 0.5, rtol=1e-3)
    np.testing.assert_allclose(spots[COLOR + 2 * FIELD : COLOR + 2 * FIELD + LANES], 2.0 * 0.25, rtol=2e-3)


def test_a_mask_dims_by_the_label_that_is_nearest():
    grey = np.full((SIDE,) * 3, 50, np.uint8)
    labels = (np.arange(SIDE)[None, None, :] // 4 % 3 + np.zeros((SIDE,) * 3)).astype(np.uint8)
    views, (at_a, at_b) = views_of(grey, labels)
    channels = np.array([[0, at_a, 0], [0, at_b, 1]])
    tables = table([[1, 1, 1, 2.0]] * 101 + [[0, 0, 0, f] for f in (0.0, 1.0, 0.25)])
    layers = np.array([[0, 1, 0, 0, 101, 101, 104, 0, 101]])
    scales = np.array([[0, 1, 0, 1, 0, 1, 1.0]])
    spots, offsets, at, fractions = spots_at(np.random.default_rng(5))
    kernel.mix(views, channels, layers, scales, tables, 0, spots, offsets, 0, LANES)
    nearest = (at[:, 2] + BEFORE + (fractions[:, 2] >= 0.5)) // 4 % 3
    assert spots[kernel.SUM : kernel.SUM + LANES].tolist() == [[0.0, 2.0, 0.5][n] for n in nearest]


def test_slopes_of_one_layer_are_its_channel_s_and_of_several_their_mean_by_extinction():
    x = np.broadcast_to(np.arange(SIDE, dtype=np.uint8), (SIDE,) * 3).copy()
    y = np.broadcast_to(np.arange(SIDE, dtype=np.uint8)[:, None], (SIDE,) * 3).copy()
    views, (at_a, at_b) = views_of(x, y)
    channels = np.array([[0, at_a, 0], [0, at_b, 0]])
    tables = table([[1, 1, 1, 1.0]] * 50 + [[1, 1, 1, 3.0]] * 50)
    layers = np.array([[0, -1, 0, 0, 50, 0, 0, 0, 50], [1, -1, 1, 50, 100, 0, 0, 50, 100]])
    scales = np.array([[0, 1, 0, 1, 0, 1, 10.0], [0, 1, 0, 1, 0, 1, 20.0]])
    spots, offsets, _, _ = spots_at(np.random.default_rng(6))
    for n, expected in ((1, (10, 0, 0)), (2, (10 / 4, 3 * 20 / 4, 0))):
        args = (views, channels, layers[:n], scales[:n], tables, 0, spots, offsets, 0, LANES)
        kernel.mix(*args)
        kernel.mixed_slopes(*args, np.ones(3), np.full(3, 2.0))
        for axis in range(3):
            got = spots[SLOPE + axis * FIELD : SLOPE + axis * FIELD + LANES]
            np.testing.assert_allclose(got, expected[axis], rtol=1e-5, atol=1e-5)
