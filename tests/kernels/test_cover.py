"""The order of bricks along rays, and which tiles they cover: against rays that are walked one small step at a time."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.kernels.cover import bricks_of_tiles, front_to_back
from stackreel.kernels.sample import BRICK


def walk(eye, direction, shape):
    """The bricks (x, y, z) along a ray in sample indices, in order."""
    found = []
    for t in np.arange(0.0, 2000.0, 0.5):
        brick = tuple(int(b) for b in np.floor((eye + t * direction) / BRICK))
        if all(0 <= b < n for b, n in zip(brick, shape[::-1], strict=True)) and (not found or found[-1] != brick):
            found.append(brick)
    return found


@pytest.mark.parametrize(
    "eye", [(-300.0, 40.0, 900.0), (100.0, 90.0, 70.0), (500.0, -20.0, -400.0), (96.0, 64.0, 32.0)]
)
def test_no_brick_comes_before_one_that_a_ray_meets_first(eye):
    shape = (5, 6, 7)
    rng = np.random.default_rng(1)
    slots = rng.permutation(int(np.prod(shape))).reshape(shape).astype(np.int32)
    cells = np.ones(slots.size, np.uint64)
    cells[3] = 0
    wanted = rng.random(shape) < 0.8
    bricks = front_to_back(wanted, slots, cells, np.array(eye))
    expected = {(x, y, z) for z, y, x in np.argwhere(wanted & (slots != 3)).tolist()}
    place = {tuple(b[:3].tolist()): n for n, b in enumerate(bricks)}
    assert set(place) == expected
    assert all(slots[z, y, x] == slot for x, y, z, slot in bricks)
    for _ in range(60):
        aim = rng.random(3) * np.array(shape[::-1]) * BRICK
        direction = (aim - eye) / np.linalg.norm(aim - eye)
        met = [place[b] for b in walk(np.array(eye), direction, shape) if b in place]
        assert met == sorted(met)


def test_every_tile_knows_the_bricks_that_its_rays_meet():
    shape, size, side = (4, 5, 6), (200, 130), 64
    step, origin = np.array([0.01, 0.012, 0.03]), np.array([-0.9, -0.9, -1.8])
    slots = np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    for position, forward in (((0.2, -0.3, 6.0), (0.1, 0.05, -1.0)), ((0.0, 0.0, 0.0), (0.3, 1.0, 0.2))):
        forward = np.array(forward) / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.3))
        right *= 0.4 / np.linalg.norm(right)
        up = np.cross(right, forward) * size[1] / size[0]
        camera = np.stack([np.array(position), right, up, forward])
        eye = (camera[0] - origin) / step
        bricks = front_to_back(np.ones(shape, bool), slots, np.ones(slots.size, np.uint64), eye)
        met, begins = bricks_of_tiles(bricks, camera, origin, step, size, side, np.zeros(3))
        missed, checked = 0, 0
        for row in range(0, size[1], 9):
            for column in range(0, size[0], 9):
                u, v = (column + 0.5) * 2 / size[0] - 1, 1 - (row + 0.5) * 2 / size[1]
                direction = (forward + u * right + v * up) / step
                tile = row // side * 4 + column // side
                listed = {tuple(bricks[n, :3].tolist()) for n in met[begins[tile] : begins[tile + 1]]}
                for brick in walk(eye, direction / np.linalg.norm(direction), shape):
                    checked += 1
                    missed += brick not in listed
            assert list(met[begins[tile] : begins[tile + 1]]) == sorted(met[begins[tile] : begins[tile + 1]])
        assert checked > 500
        assert missed == 0
