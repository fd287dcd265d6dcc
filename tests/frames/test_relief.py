"""Light in sections that are much thicker than their pixels: that of the tissue, and not of the steps between them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from stackreel.errors import EngineError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine, relief
from stackreel.geometry import Spacing
from stackreel.scene import PRESETS, Camera, Light, Scene, TransferFunction
from stackreel.volume import registered

GREY = ((0, 0.8, 0.8, 0.8), (255, 0.8, 0.8, 0.8))
ASIDE = Light(ambient=0.1, diffuse=0.9, direction=(-0.7, 0.5, 0.5))
WIDE = 480
THICK = 20.0


def stack(spacing, soft, wide=WIDE):
    """A ball of radius 0.4 of 480 pixels whose edge is 2·soft pixels wide, in sections: (z, y, x) uint8 and spacing."""
    z, y, x = (((np.arange(int(wide / s)) - int(wide / s) / 2) * s).astype(np.float32) for s in spacing)
    r = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    return np.clip(128 + (0.4 * wide - r) * 127 / soft, 0, 255).astype(np.uint8), Spacing(*spacing)


def scene_of(light=ASIDE, **changes):
    look = TransferFunction(GREY, ((0, 0), (110, 0), (146, 0.6), (255, 0.6)), 0.006)
    return Scene(Camera((1.2, -0.9, 1.45), (0, 0, 0), (0, -1, 0), 30.0), replace(look, **changes), light=light)


def render(volume, scene, size=(160, 120), detail=1e-6, memory=512 << 20, threads=2):
    session = NativeEngine(memory, threads).open(volume, Output(size, detail))
    try:
        return session.render(scene)
    finally:
        session.close()


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.over((0, 0, 0)).astype(float) - b.over((0, 0, 0))) ** 2))


def bricks_own(monkeypatch):
    monkeypatch.setattr(relief, "THICK", np.inf)


def interpolated(values, places):
    """The values at continuous indices (n, 3); beyond the faces they go on as they end."""
    places = np.clip(places, 0, np.array(values.shape) - 1)
    low = np.minimum(places.astype(int), np.array(values.shape) - 2)
    f, found = places - low, 0.0
    for corner in np.ndindex(2, 2, 2):
        share = np.where(corner, f, 1 - f).prod(axis=1)
        found = found + share * values[tuple((low + corner).T)]
    return found


def differences(values, grid, points):
    """Central differences of interpolated values, one sample to either side, at world points (n, 3)."""
    at, by = ((points - grid.origin) / np.asarray(grid.step))[:, ::-1], np.eye(3)[::-1]
    pairs = [(interpolated(values, at + one), interpolated(values, at - one)) for one in by]
    found = [(a - b) / step for (a, b), step in zip(pairs, grid.step, strict=True)]
    return np.stack(found, axis=1)


@pytest.mark.parametrize(("soft", "before"), [(2.0, 20.0), (10.0, 3.0)])
def test_slopes_on_a_ball_in_very_thick_sections_point_to_its_middle(make_volume, soft, before):
    data, spacing = stack((THICK, 1, 1), soft)
    volume = make_volume(data, spacing)
    with ThreadPoolExecutor(2) as threads:
        level = relief.relief_level(volume)
        flat, grid = relief.field_of(level, np.dtype(np.uint8), lambda values: values, threads)
    assert max(grid.step) < 1.5 * min(grid.step)
    # places where the interpolated value is that of the surface, which lie on steps from section to section
    rng, full = np.random.default_rng(1), volume.placement
    places = rng.uniform([3, 20, 20], np.array(data.shape) - [4, 21, 21], (100_000, 3))
    values = interpolated(data, places)
    points = places[np.abs(values - 128) < 40][:3000, ::-1] * full.step + full.origin
    assert len(points) > 1000
    exact = points / np.linalg.norm(points, axis=1, keepdims=True)

    def degrees(slopes):
        cosines = np.abs((slopes * exact).sum(axis=1)) / np.linalg.norm(slopes + 1e-30, axis=1)
        return np.degrees(np.arccos(np.clip(cosines, 0, 1)))

    own = degrees(differences(data, full, points))
    found = degrees(differences(flat[: -relief.MARGIN].reshape(grid.shape), grid, points))
    assert own.mean() > before, "it is these that make terraces"
    assert found.mean() < 2.5
    assert np.percentile(found, 95) < 5.0


@pytest.mark.parametrize("soft", [2.0, 10.0])
def test_very_thick_sections_are_lit_like_the_same_field_in_cubes(make_volume, monkeypatch, soft):
    thick, cubes = make_volume(*stack((THICK, 1, 1), soft)), make_volume(*stack((2, 2, 2), max(soft, 4.0)))
    expected = render(cubes, scene_of())
    assert psnr(render(thick, scene_of()), expected) > (28.0 if soft < 3 else 35.0)
    bricks_own(monkeypatch)
    assert psnr(render(thick, scene_of()), expected) < (24.0 if soft < 3 else 32.0), "what it would be"


def test_it_is_lit_alike_at_every_level_of_detail(make_volume):
    volume = make_volume(*stack((THICK, 1, 1), 10.0))
    fine, levels = render(volume, scene_of()), set()
    for detail in (1.0, 2.0, 4.0):
        frame = render(volume, scene_of(), detail=detail)
        levels.add(frame.level)
        assert psnr(frame, fine) > 30.0, frame.level
    assert len(levels) >= 3


def test_every_level_has_its_own_slopes_where_steps_do_not_differ_much(make_volume):
    assert relief.relief_level(make_volume(*stack((2.5, 1, 1), 4.0, 96))) is None
    assert relief.relief_level(make_volume(np.zeros((1, 90, 90), np.uint8), Spacing(40, 1, 1))) is None
    assert relief.relief_level(make_volume(np.zeros((9, 90, 90), np.uint8), Spacing(40, 1, 1), kind="label")) is None


def test_of_a_large_volume_a_coarser_level_is_taken(make_volume, monkeypatch):
    volume = make_volume(np.zeros((60, 600, 600), np.uint8), Spacing(4, 1, 1))
    assert relief.relief_level(volume).index == 2
    monkeypatch.setattr(relief, "MOST_BYTES", 60 * 150 * 150 - 1)
    assert relief.relief_level(volume).index == 3


@pytest.mark.parametrize("layers", [1, 2])
def test_the_picture_is_the_same_to_the_bit_in_little_memory(make_volume, layers):
    data, spacing = stack((10, 1, 1), 3.0, 400)
    volume, scene = make_volume(data, spacing), scene_of(PRESETS["studio"])
    if layers == 2:
        volume = registered({"one": volume, "two": make_volume(255 - data, spacing)})
        scene = replace(scene_of(PRESETS["studio"], channel="one", color_channel="one"))
        hazy = TransferFunction(((0, 1, 0.2, 0.1),), ((0, 0), (200, 0), (255, 0.05)), 0.05, "two", "two")
        scene = replace(scene, added=(hazy,))
    ample = render(volume, scene)
    with pytest.raises(EngineError) as refused:
        render(volume, scene, memory=1)
    least = int(re.search(r"at least (\d+)M", str(refused.value))[1]) << 20
    for memory, threads in ((64 << 20, 1), (least, 2)):
        assert np.array_equal(render(volume, scene, memory=memory, threads=threads).rgba, ample.rgba)
    assert ample.rgba[..., 3].max() > 0.5


def test_channels_in_very_thick_sections_are_lit_like_the_same_in_cubes(make_volume, monkeypatch):
    def both(spacing, soft):
        data, spacing = stack(spacing, soft)
        volume = registered({"a": make_volume(data, spacing), "b": make_volume(data.astype(np.uint16) * 9, spacing)})
        one = scene_of(channel="a", color_channel="a")
        other = TransferFunction(GREY, ((0, 0), (990, 0), (1314, 0.6), (2295, 0.6)), 0.006, "b", "b")
        return volume, replace(one, added=(other,))

    expected = render(*both((2, 2, 2), 5.0))
    thick = both((THICK, 1, 1), 5.0)
    assert psnr(render(*thick), expected) > 29.0
    bricks_own(monkeypatch)
    assert psnr(render(*thick), expected) < 27.0, "what it would be"
