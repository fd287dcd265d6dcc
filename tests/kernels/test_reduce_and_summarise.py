"""Compiled kernels against themselves as plain Python, and statistics against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.kernels import axial, reduce, summarise

SHAPES = [((5, 7, 9), (2, 2, 2)), ((4, 6, 8), (1, 2, 2)), ((4, 5, 6), (2, 1, 1)), ((1, 3, 2), (1, 2, 2))]


def out_for(src, halved):
    return np.zeros([-(-n // f) for n, f in zip(src.shape, halved, strict=True)], src.dtype)


@pytest.mark.parametrize(("shape", "halved"), SHAPES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_compiled_and_plain_python_agree(shape, halved, dtype):
    rng = np.random.default_rng(0)
    src = rng.integers(0, 120, shape).astype(dtype)
    weights = tuple(0.5 if n % f else 1.0 for n, f in zip(shape, halved, strict=True))
    mean = reduce.mean_float if dtype == "float32" else reduce.mean_integer
    most = reduce.largest_float if dtype == "float32" else reduce.largest_integer
    for kernel, more in [(mean, weights), (most, ()), (reduce.mode, ())]:
        compiled, plain = out_for(src, halved), out_for(src, halved)
        kernel(src, compiled, *halved, *more)
        kernel.py_func(src, plain, *halved, *more)
        np.testing.assert_allclose(compiled, plain, rtol=1e-6)


@pytest.mark.parametrize(("shape", "halved"), SHAPES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("looked_up", [False, True])
def test_compiled_directions_and_plain_python_agree(shape, halved, dtype, looked_up):
    rng = np.random.default_rng(0)
    src = rng.integers(0, 120, shape).astype(dtype)
    lengths = rng.integers(0, 256, shape).astype(np.uint8)
    weights = tuple(0.5 if n % f else 1.0 for n, f in zip(shape, halved, strict=True))
    angles = np.arange(120) * (2 * np.pi / 180)
    turns = np.stack([np.cos(angles), np.sin(angles)], axis=1)[: 120 if looked_up else 0]
    found = []
    for kernel in (axial.mean_axial, axial.mean_axial.py_func):
        out, out_lengths = out_for(src, halved), out_for(lengths, halved)
        more = (
            lengths,
            out_lengths,
            (255.0, 255.0),
            turns,
            0,
            32767.0 if dtype == "int16" else 255.0,
            *halved,
            *weights,
            180.0,
            3.0,
        )
        kernel(src, out, *more)
        found.append((out, out_lengths))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_what_is_not_zero_is_noticed_and_copied():
    band = np.zeros((3, 40, 50), np.uint16)
    block, out = band[:, :, 10:40], np.ones((3, 40, 30), np.uint16)
    assert not summarise.copy_unless_zero(block, out)
    assert not out.any()
    for place in [(0, 0, 0), (2, 39, 29), (1, 20, 0)]:
        one = block.copy()
        one[place] = 1
        assert summarise.copy_unless_zero(one, out)
        np.testing.assert_array_equal(out, one)
    hole = np.zeros((2, 3, 4), np.float32)
    hole[1, 2, 3] = np.nan
    assert summarise.copy_unless_zero(hole, np.empty_like(hole))


@pytest.mark.parametrize("shape", [(32, 128, 128), (5, 37, 66), (1, 1, 3)])
def test_bytes_are_summarised_and_counted_in_one_go(shape):
    block = np.random.default_rng(1).integers(3, 250, shape, dtype=np.uint8)
    grid = tuple(-(-n // 32) for n in shape)
    low, high, mask = np.zeros(grid, np.uint8), np.zeros(grid, np.uint8), np.zeros(grid, np.uint64)
    histogram = np.full(256, 10, np.int64)
    summarise.summarise_bytes(block, 32, 32, 32, low, high, mask, histogram)
    np.testing.assert_array_equal(histogram - 10, np.bincount(block.ravel(), minlength=256))
    for index in np.ndindex(*grid):
        part = block[tuple(slice(i * 32, i * 32 + 32) for i in index)]
        assert (low[index], high[index]) == (part.min(), part.max())
        first, last = int(part.min()), int(part.max())
        bits = {(int(v) - first) * 64 // (last - first + 1) for v in np.unique(part)}
        assert int(mask[index]) == sum(1 << b for b in bits)


def test_the_whole_range_of_a_type_is_summarised():
    for dtype in ("int8", "int16", "uint32", "int32", "float64"):
        info = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
        block = np.array([[[info.min, 0, info.max]]], dtype)
        low, high, mask = np.zeros((1, 1, 1), dtype), np.zeros((1, 1, 1), dtype), np.zeros((1, 1, 1), np.uint64)
        summarise.summarise(block, 32, 32, 32, low, high, mask)
        assert (low.item(), high.item()) == (info.min, info.max)
        assert mask.item() > 0
