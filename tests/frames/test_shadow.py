"""Shadows: where light is kept away, and where it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.shadow import lit_through, visible_part
from stackreel.geometry import Box, Placement, Spacing
from stackreel.scene import Camera, Light, Scene, TransferFunction

WHITE = ((0.0, 1.0, 1.0, 1.0),)
DENSE = TransferFunction(WHITE, ((0, 0.0), (100, 0.0), (101, 0.9), (255, 0.9)), 0.01)


def render(volume, scene, size=(96, 96), memory=512 << 20, threads=2):
    session = NativeEngine(memory, threads).open(volume, Output(size, 1e-6))
    try:
        return session.render(scene).rgba
    finally:
        session.close()


def grid(shape=(64, 64, 64)):
    return Placement.of(shape, Spacing(1, 1, 1))


def unit(*v):
    return np.array(v, float) / np.linalg.norm(v)


DIRECTIONS = [unit(0, 0, 1), unit(0, 0, -1), unit(0, 1, 0), unit(-1, 0, 0), unit(0.3, -0.5, 0.8), unit(-0.8, 0.6, 0.1)]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_where_there_is_nothing_all_light_arrives(direction):
    assert np.all(lit_through(np.zeros((20, 30, 40), np.float32), grid((20, 30, 40)), direction) > 1 - 1e-6)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_behind_a_thin_layer_as_much_light_arrives_as_beer_and_lambert_say(direction):
    axis = int(np.argmax(np.abs(direction)))  # x, y, z
    extinction = np.zeros((64, 64, 64), np.float32)
    np.moveaxis(extinction, 2 - axis, 0)[31:33] = 20.0
    lit = np.moveaxis(lit_through(extinction, grid(), direction), 2 - axis, 0)
    if direction[axis] < 0:
        lit = lit[::-1]
    way = 2 / 64 / abs(direction[axis])
    # near the layer's middle, so that no light comes in from beside it
    assert lit[20, 28:36, 28:36] == pytest.approx(math.exp(-20 * way), rel=1e-3)
    assert lit[45:, 28:36, 28:36] == pytest.approx(1.0, abs=1e-6)


def test_a_shadow_falls_away_from_the_light():
    extinction = np.zeros((64, 64, 64), np.float32)
    extinction[30:34, 28:36, 28:36] = 1000.0
    lit = lit_through(extinction, grid(), unit(1, 0, 1))
    assert lit[32 - 20, 32, 32 - 20] < 0.3
    assert lit[32 + 20, 32, 32 + 20] == pytest.approx(1.0, abs=1e-3)
    assert lit[32 - 20, 32, 32 + 20] == pytest.approx(1.0, abs=1e-3)
    assert lit[32 - 20, 32, 32] == pytest.approx(1.0, abs=0.02)


def test_a_shadow_does_not_jump_while_the_light_turns():
    rng = np.random.default_rng(0)
    extinction = np.zeros((48, 48, 48), np.float32)
    extinction[14:34, 14:34, 14:34] = rng.random((20, 20, 20)) * 100
    before, steps = None, []
    for angle in np.radians(np.arange(30.0, 61.0, 0.5)):  # past 45°, where another axis is swept along
        lit = lit_through(extinction, grid((48, 48, 48)), unit(math.cos(angle), 0.2, math.sin(angle)))
        if before is not None:
            steps.append(np.abs(lit - before).mean())
        before = lit
    # no more than the turn of a degree or two changes anyway
    assert max(steps) < 4 * np.median(steps)


def test_what_is_cut_away_throws_no_shadow():
    extinction = np.full((32, 32, 32), 50.0, np.float32)
    half = visible_part(extinction, grid((32, 32, 32)), Box((-1, -1, -1), (1, 1, 0)), np.zeros((0, 4)))
    same = visible_part(extinction, grid((32, 32, 32)), None, np.array([[0.0, 0.0, -1.0, 0.0]]))
    assert np.allclose(half, same, atol=1e-4)
    assert half[:15].min() == 50.0
    assert half[18:].max() == 0.0


def plate_over_floor():
    """A floor, and a plate that hovers between it and a camera above, which looks down along z."""
    data = np.zeros((96, 96, 96), np.uint8)
    data[80:] = 200
    data[58:62, 36:60, 36:60] = 200
    return data


def seen_from_above(volume, **light):
    camera = Camera((0, 0, -40.0), (0, 0, 0), (0, -1, 0), math.degrees(2 * math.atan(0.5 / 40)))
    return render(volume, Scene(camera, DENSE, light=Light(0.2, 0.8, direction=(0.8, 0.0, 0.6), **light)))


def test_a_plate_darkens_the_floor_on_the_side_away_from_the_light_and_nowhere_else(make_volume):
    volume = make_volume(plate_over_floor())
    plain, shaded = seen_from_above(volume)[..., 0], seen_from_above(volume, shadows=1.0)[..., 0]
    ratio = shaded[2:92, 2:92] / plain[2:92, 2:92]
    # the light comes from the right: the floor is 18 voxels below, its shadow 18 · 0.8 / 0.6 = 24 voxels to the left
    assert ratio[38:54, 16:30].max() < 0.5
    assert ratio[44:48, 62:].min() > 0.97  # right of the plate
    assert ratio[:25].min() > 0.97  # beside the shadow
    assert ratio[68:].min() > 0.97
    assert ratio[38:54, 38:54].min() > 0.9  # the plate itself


def test_half_a_shadow_is_half_as_dark(make_volume):
    volume = make_volume(plate_over_floor())
    plain, half, full = (seen_from_above(volume, shadows=s)[48, 18:32, 0] for s in (0.0, 0.5, 1.0))
    assert half == pytest.approx((plain + full) / 2, abs=0.01)


def test_without_a_light_there_is_no_shadow(make_volume):
    volume = make_volume(plate_over_floor())
    scene = Scene(Camera(), DENSE)
    a, b = render(volume, scene), render(volume, Scene(Camera(), DENSE, light=Light()))
    assert np.array_equal(a, b)


def test_shadows_are_the_same_to_the_bit_for_any_memory_and_threads(make_volume):
    volume = make_volume(plate_over_floor(), Spacing(2, 1, 1))
    camera = Camera((0.5, -0.6, -1.2), (0, 0, 0), (0, -1, 0), 40.0)
    scene = Scene(camera, DENSE, light=Light(0.2, 0.8, 0.2, occlusion=0.5, shadows=0.7, direction=(-0.5, 0.5, 0.5)))
    pictures = [render(volume, scene, memory=m << 20, threads=t) for m, t in ((512, 2), (12, 1), (12, 2))]
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])
    assert pictures[0].max() > 0.3
