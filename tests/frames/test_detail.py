"""What coarser levels and longer steps cost in truth: bounded, and growing as they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.view import depth_range, shells, visible_box
from stackreel.geometry import Box
from stackreel.scene import PRESETS, Camera, Light, Scene, TransferFunction
from stackreel.slices.phantom import Phantom
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe

SIZE = (320, 240)
COLOR = ((0, 0, 0, 0), (60, 0.2, 0.2, 0.6), (120, 0.8, 0.5, 0.3), (200, 1, 0.95, 0.9), (255, 1, 1, 1))
OPACITY = ((0, 0), (50, 0), (100, 0.05), (160, 0.2), (255, 0.6))


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    source = Phantom((90, 480, 540)).source("transmittance")
    return build(source, tmp_path_factory.mktemp("brain") / "brain.h5", Recipe("brain", source.spacing))


def picture(volume, scene, detail, stride):
    session = NativeEngine(512 << 20, stride=stride).open(volume, Output(SIZE, detail))
    try:
        frame = session.render(scene)
        return frame.over((0, 0, 0)), frame.level
    finally:
        session.close()


def truth(a, b):
    error = max(float(((a.astype(float) - b) ** 2).mean()), 1e-9)
    return 10 * math.log10(255**2 / error), structural_similarity(a, b, channel_axis=2)


@pytest.mark.parametrize("position", [(0.9, -0.6, -1.5), (-1.6, 0.3, 0.4), (0.2, -2.4, 0.3)])
def test_levels_of_detail_are_near_the_full_resolution(brain, position):
    scene = Scene(Camera(position, (0.0, 0.0, 0.0), (0.1, -0.4, 1.0), 32.0), TransferFunction(COLOR, OPACITY, 0.02))
    full, finest = picture(brain, scene, 1e-9, 0.5)
    assert finest == 0
    assert full.max() > 120
    found = {}
    for name, detail in (("default", 1.5), ("draft", 3.0), ("coarse", 6.0)):
        drawn, level = picture(brain, scene, detail, 1.5)
        found[name] = (*truth(full, drawn), level)
    assert found["default"][2] >= 1, "nothing coarser than full resolution was drawn"
    assert found["draft"][2] < found["coarse"][2]
    for name, psnr, ssim in (("default", 40, 0.97), ("draft", 34, 0.93)):
        assert found[name][0] > psnr, found
        assert found[name][1] > ssim, found
    assert found["default"][0] > found["draft"][0] > found["coarse"][0], found


@pytest.mark.parametrize(("light", "psnr", "ssim"), [("none", 43, 0.99), ("studio", 32, 0.95)])
@pytest.mark.parametrize("position", [(6.0, -4.0, -10.0), (-10.0, 2.0, 3.0)])
@pytest.mark.parametrize("coarser", [1, 2])
def test_nothing_pops_where_one_level_takes_over_from_the_next(brain, light, psnr, ssim, position, coarser):
    """From afar all of the brain is drawn from one level, just before and just after the switch."""
    scene = Scene(
        Camera(position, (0.0, 0.0, 0.0), (0.1, -0.4, 1.0), 6.0),
        TransferFunction(COLOR, OPACITY, 0.02),
        light=PRESETS[light],
    )
    steps = [level.placement.step for level in brain.levels]
    step = max(s for s, fine in zip(steps[coarser], steps[0], strict=True) if s > 1.5 * fine)
    near, far = depth_range(scene.camera, visible_box(brain.placement, None))
    pixel = scene.camera.pixel_size(SIZE[1])
    after, above = picture(brain, scene, step / (pixel * near) * 1.0001, 1.5)
    before, below = picture(brain, scene, step / (pixel * far) * 0.9999, 1.5)
    assert (below, above) == (coarser - 1, coarser)
    found = truth(before, after)
    assert found[0] > psnr
    assert found[1] > ssim


def test_a_view_through_several_levels_is_near_the_full_resolution_everywhere(brain):
    camera = Camera((0.0, -0.75, -0.05), (0.0, 0.3, 0.0), (0.0, 0.0, 1.0), 50.0)
    scene = Scene(camera, TransferFunction(COLOR, OPACITY, 0.05))
    full, finest = picture(brain, scene, 1e-9, 0.5)
    shelled, level = picture(brain, scene, 1.5, 1.5)
    coarse, coarsest = picture(brain, scene, 12.0, 1.5)
    assert finest == level == 0
    assert coarsest >= 2
    assert np.abs(full.astype(int) - shelled).max() < 40
    assert truth(full, shelled)[0] > 40 > truth(full, coarse)[0]


def test_a_surface_is_not_stepped_over(make_volume):
    """The opacity rises within less than one of 255 values, over which a step leaps far: no wood grain for all that."""
    n = 96
    z, y, x = (np.mgrid[0:n, 0:n, 0:n] - n / 2 + 0.5) / n
    r = np.sqrt((x / 1.2) ** 2 + (y / 0.9) ** 2 + z**2)
    volume = make_volume(np.clip(128 + (0.33 - r) * 700, 0, 255).astype(np.uint8))
    transfer = TransferFunction(
        ((0, 0.9, 0.8, 0.7), (255, 0.9, 0.8, 0.7)), ((0, 0), (127.7, 0), (128.3, 0.999), (255, 0.999)), 0.002
    )
    scene = Scene(Camera((0.8, -0.7, -1.6), (0, 0, 0), (0, -1, 0), 30.0), transfer, light=PRESETS["headlight"])
    truly, _ = picture(volume, scene, 1.0, 0.1)
    drawn, _ = picture(volume, scene, 1.0, 1.5)
    assert truly.max() > 150
    inside = np.zeros(truly.shape[:2], bool)
    inside[80:160, 110:210] = True
    grain = np.abs(truly.astype(int) - drawn)[inside]
    assert grain.mean() < 1.4  # 1.8 where steps count with one value each
    assert np.percentile(grain, 99) <= 7  # 9


def test_a_lit_cut_face_shows_no_seam_where_levels_meet(make_volume):
    """Even tissue, cut and seen at a slant: nearer it is drawn from finer levels, and is as bright all over."""
    volume = make_volume(np.full((60, 400, 400), 200, np.uint8))
    scene = Scene(
        Camera((0.0, -0.75, -0.25), (0.0, 0.0, 0.0), (0.0, 0.0, -1.0), 30.0),
        TransferFunction(((0, 1, 1, 1), (255, 1, 1, 1)), ((0, 0), (100, 0.5), (255, 0.5)), 0.01),
        light=Light(0.2, 0.3),
        crop=Box((-1.0, -1.0, 0.0), (1.0, 1.0, 1.0)),
    )
    levels = [level.placement for level in volume.levels]
    met = shells(scene.camera, visible_box(volume.placement, scene.crop), levels, SIZE[1], 6.0)
    assert len(met) >= 3
    session = NativeEngine(512 << 20).open(volume, Output(SIZE, 6.0))
    face = session.render(scene).rgba[70:200, 160]
    session.close()
    assert face[:, 3].min() > 0.99
    assert 0.6 < face[:, 0].min() < face[:, 0].max() < 0.85, "the face is lit, not what is behind it"
    assert np.abs(np.diff(face[:, 0])).max() < 0.03
