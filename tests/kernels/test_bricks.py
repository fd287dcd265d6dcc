"""Bricks cut from chunks, what is visible in them, and how far it is to the next one: against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.kernels import bricks
from stackreel.kernels.sample import AFTER, BEFORE, BRICK, CELL, CELLS, SIDE


def cut(samples, chunk):
    """All bricks of a level, filled chunk by chunk: {brick index: (SIDE, SIDE, SIDE)}, and the cells' ranges."""
    grid = tuple(-(-n // BRICK) for n in samples.shape)
    count = int(np.prod(grid))
    slots = np.random.default_rng(0).permutation(count).astype(np.int32).reshape(grid)
    pool = np.zeros((count, SIDE**3), samples.dtype)
    low, high = (np.zeros((count, CELLS**3), samples.dtype) for _ in range(2))
    for at in np.ndindex(*(-(-n // c) for n, c in zip(samples.shape, chunk, strict=True))):
        begin = np.array([i * c for i, c in zip(at, chunk, strict=True)])
        block = np.full(chunk, 99, samples.dtype)  # what lies beyond the level must not be taken
        part = samples[tuple(slice(b, b + c) for b, c in zip(begin, chunk, strict=True))]
        block[tuple(slice(0, n) for n in part.shape)] = part
        bricks.scatter(block, begin, np.array(samples.shape), slots, pool)
    for index in np.ndindex(*grid):
        slot = slots[index]
        bricks.finish_brick(pool[slot], np.array(index), np.array(samples.shape), low[slot], high[slot])
    cubes = {index: pool[slots[index]].reshape(SIDE, SIDE, SIDE) for index in np.ndindex(*grid)}
    return cubes, {index: (low[slots[index]], high[slots[index]]) for index in np.ndindex(*grid)}


@pytest.mark.parametrize("shape", [(40, 70, 100), (1, 5, 33), (32, 64, 32), (33, 31, 65)])
@pytest.mark.parametrize("chunk", [(32, 128, 128), (16, 128, 128), (7, 40, 33)])
def test_a_brick_holds_its_part_and_its_neighbours_and_repeats_the_border(shape, chunk):
    samples = np.random.default_rng(1).integers(0, 90, shape, dtype=np.uint8)
    cubes, ranges = cut(samples, chunk)
    padded = np.pad(samples, [(BEFORE, SIDE + AFTER)] * 3, mode="edge")
    for index, cube in cubes.items():
        z, y, x = (i * BRICK for i in index)
        np.testing.assert_array_equal(cube, padded[z : z + SIDE, y : y + SIDE, x : x + SIDE])
        for cell in range(CELLS**3):
            k, j, i = (c * CELL + BEFORE for c in np.unravel_index(cell, (CELLS, CELLS, CELLS)))
            part = cube[k : k + CELL + 1, j : j + CELL + 1, i : i + CELL + 1]
            low, high = ranges[index]
            assert low[cell] <= part.min()
            assert high[cell] >= part.max()


def test_a_brick_is_visible_where_any_interpolated_value_could_be():
    """Table entries 0..9, one a value; only the value 5 has an opacity. Low and high values meet between neighbours."""
    opaque = np.zeros(10)
    opaque[5] = 1.0
    sums = np.concatenate([[0], np.cumsum(opaque > 0)]).astype(np.int32)
    low = np.array([[[0.0, 0.0, 8.0, 6.0, 5.0]]])
    high = np.array([[[1.0, 2.0, 9.0, 7.0, 5.0]]])
    out = np.zeros(low.shape, bool)
    bricks.visible_bricks(low, high, sums, 0.0, 1.0, out)
    # 0: 0..2 no; 1: 0..2 beside 8..9 may pass through 5; 2: 6..9 no; 3: 6..7 beside 5; 4: 5 itself
    assert out.ravel().tolist() == [False, True, False, True, True]


def test_only_bricks_that_reach_into_all_planes_are_in_view():
    visible = np.ones((4, 5, 6), bool)
    visible[1, 2, 3] = False
    planes = np.array([[1.0, 0.0, 0.0, -40.0], [0.0, -1.0, 0.0, 100.0]])  # x ≥ 40, y ≤ 100
    out = np.zeros(visible.shape, bool)
    count = bricks.bricks_in_view(visible, np.array([0, 0, 0]), np.array([4, 5, 6]), planes, out)
    _, y, x = np.indices(visible.shape)
    expected = visible & ((x + 1) * BRICK >= 40) & (y * BRICK <= 100)
    np.testing.assert_array_equal(out, expected)
    assert count == expected.sum()
