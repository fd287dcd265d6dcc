"""Projections, clip planes, backgrounds and several rays a pixel: closed forms, and what numpy says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stackreel.frames.engine import Frame, Output
from stackreel.frames.native import NativeEngine
from stackreel.geometry import Box, Spacing
from stackreel.scene import Camera, ClipPlane, Gradient, Light, Scene, TransferFunction
from stackreel.scene.light import PRESETS

GREY = TransferFunction(((0, 0, 0, 0), (255, 1, 1, 1)), ((0, 1.0), (255, 1.0)), 0.01)
FOG = TransferFunction(((0, 1, 1, 1),), ((0, 0.3), (255, 0.3)), 0.5)
FRONT = Camera((0, 0, -40.0), (0, 0, 0), (0, -1, 0), 1.5)


def rendered(volume, scene, size=(64, 48), memory=None, **output):
    session = NativeEngine(memory=memory, threads=2).open(volume, Output(size, detail=1e-6, **output))
    try:
        return session.render(scene)
    finally:
        session.close()


@pytest.fixture
def noise(make_volume):
    rng = np.random.default_rng(3)
    data = rng.integers(1, 200, (40, 50, 60)).astype(np.uint8)
    return data, make_volume(data, Spacing(1, 1, 1))


def along_z(volume, data, size):
    """Values under the pixels of a camera far in front, for every section: (z, rows, columns); NaN beside it."""
    from scipy.ndimage import map_coordinates

    width, height = size
    place, pixel = volume.placement, FRONT.pixel_size(height) * 40.0
    x = (np.arange(width) + 0.5 - width / 2) * pixel
    y = (np.arange(height) + 0.5 - height / 2) * pixel
    iy, ix = np.meshgrid((y - place.origin[1]) / place.step[1], (x - place.origin[0]) / place.step[0], indexing="ij")
    return np.stack([map_coordinates(s.astype(float), [iy, ix], order=1, cval=np.nan) for s in data])


@pytest.mark.parametrize(("blend", "extreme"), [("maximum", np.max), ("minimum", np.min)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_projection_is_numpy_s_along_an_axis(make_volume, blend, extreme, dtype):
    # smooth along z, so that samples between sections find no more than the sections do
    z, y, x = np.mgrid[0:40, 0:50, 0:60]
    data = (100 + 60 * np.sin(z / 8.0 + x / 9.0) + 30 * np.cos(y / 7.0)).astype(dtype)
    volume = make_volume(data + dtype(30), Spacing(1, 1, 1))
    size = (64, 48)
    frame = rendered(volume, Scene(FRONT, GREY, blend=blend), size)
    expected = extreme(along_z(volume, data + dtype(30), size), axis=0)
    inside = np.isfinite(expected)
    # rays are not quite parallel: they drift over a part of a voxel
    assert np.abs(frame.rgba[inside, 0] * 255 - expected[inside]).max() < 3.0
    assert (frame.rgba[inside, 3] == 1).all()
    assert 0.2 < inside.mean() < 1.0
    outside = np.isnan(extreme(along_z(volume, data, size), axis=0))
    assert (frame.rgba[outside][:, 3] == 0).mean() > 0.95, "rays that meet nothing are clear"


def test_a_thin_sheet_seen_aslant_is_even_in_a_maximum(make_volume):
    data = np.full((60, 60, 60), 10, np.uint8)
    data[:, :, 30] = 250  # one voxel thick
    volume = make_volume(data, Spacing(1, 1, 1))
    camera = Camera((1.5, 0.3, -1.2), (0, 0, 0), (0, -1, 0), 10)
    picture = rendered(volume, Scene(camera, GREY, blend="maximum"), (96, 72)).rgba[..., 0] * 255
    # all rays through the middle of the picture pass the sheet; samples fall close to its crest
    middle = picture[26:46, 38:58]
    assert middle.min() > 250 - 0.2 * 240
    assert middle.max() <= 250.5


def test_an_average_is_the_mean_along_the_ray(make_volume):
    z, y, x = np.mgrid[0:40, 0:50, 0:60]
    data = (2 * z + x + y).astype(np.uint8)
    volume = make_volume(data, Spacing(1, 1, 1))
    frame = rendered(volume, Scene(FRONT, GREY, blend="average"))
    layers = along_z(volume, data, (64, 48))
    expected = (layers[1:] + layers[:-1]).mean(axis=0) / 2  # the volume ends at its first and last sample
    inside = np.isfinite(expected)
    inside[:3] = inside[-3:] = inside[:, :3] = inside[:, -3:] = False
    assert np.abs(frame.rgba[inside, 0] * 255 - expected[inside]).max() < 0.6


def test_what_the_opacities_hide_stays_hidden_in_a_projection_and_its_bricks_are_not_read(noise):
    _, volume = noise
    above = TransferFunction(GREY.color, ((0, 0), (160, 0), (160, 1), (255, 1)), 0.01)
    all_of_it = rendered(volume, Scene(FRONT, GREY, blend="maximum")).rgba
    some = rendered(volume, Scene(FRONT, above, blend="maximum")).rgba
    seen = some[..., 3] > 0
    assert 0.01 < seen.mean() < 0.9
    np.testing.assert_array_equal(some[seen], all_of_it[seen])
    hidden = all_of_it[..., 0] * 255 < 159
    assert not (seen & hidden).any()


@pytest.mark.parametrize("normal", [(1, 0, 0), (-0.7, 0.2, 0.4), (0, 0, -1)])
def test_a_plane_through_the_middle_leaves_of_a_fog_what_a_ray_has_behind_it(make_volume, normal):
    volume = make_volume(np.full((40, 50, 60), 9, np.uint8), Spacing(1, 1, 1))
    camera = Camera((0.7, -0.5, -3.0), (0, 0, 0), (0, -1, 0), 20)
    size = (48, 36)
    clip = (ClipPlane((0.02, 0.01, -0.01), normal),)
    frame = rendered(volume, Scene(camera, FOG, clip=clip), size)
    right, up, forward = camera.basis
    half = camera.pixel_size(size[1]) * size[1] / 2
    u = ((np.arange(48) + 0.5) / 24 - 1) * half * 48 / 36
    v = (1 - (np.arange(36) + 0.5) / 18) * half
    rays = forward + u[None, :, None] * right + v[:, None, None] * up
    eye, box = np.asarray(camera.position), volume.placement.bounds
    a, b = (np.asarray(box.lower) - eye) / rays, (np.asarray(box.upper) - eye) / rays
    first, last = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    along, away = rays @ np.asarray(normal), (eye - clip[0].origin) @ np.asarray(normal)
    cut = -away / along
    first, last = np.where(along > 0, np.maximum(first, cut), first), np.where(along < 0, np.minimum(last, cut), last)
    length = np.maximum(last - first, 0) * np.linalg.norm(rays, axis=-1)
    expected = 1 - 0.7 ** (length / 0.5)
    assert expected.max() > 0.1
    assert np.abs(frame.rgba[..., 3] - np.where(expected > 0.997, 1, expected)).max() < 2e-3


@pytest.mark.parametrize("blend", ["composite", "maximum", "average"])
def test_cuts_and_projections_are_the_same_to_the_last_bit_in_any_memory(make_volume, blend):
    rng = np.random.default_rng(5)
    coarse = rng.random((9, 10, 11)) * 220
    data = np.kron(coarse, np.ones((12, 12, 12))).astype(np.uint8)
    volume = make_volume(data, Spacing(1, 1, 1))
    camera = Camera((0.6, -0.5, -1.3), (0, 0, 0), (0, -1, 0), 40)
    transfer = TransferFunction(GREY.color, ((0, 0), (90, 0), (200, 0.7)), 0.05)
    clip = (ClipPlane((0, 0, -0.1), (0.3, 0.1, 1)), ClipPlane((0.2, 0, 0), (-1, 0.3, 0)))
    crop = Box((-0.3, -1, -1), (1, 0.35, 1))
    scene = Scene(camera, transfer, crop, replace(PRESETS["studio"], fill=0.3, rim=0.4), clip=clip, blend=blend)
    plenty, little = rendered(volume, scene, memory=1 << 28), rendered(volume, scene, memory=17 << 20)
    assert plenty.rgba[..., 3].max() > 0.3
    np.testing.assert_array_equal(plenty.rgba, little.rgba)


def test_a_cut_through_even_tissue_is_lit_as_a_flat_face(make_volume):
    rng = np.random.default_rng(8)
    data = rng.integers(90, 160, (60, 60, 60)).astype(np.uint8)  # rubble
    volume = make_volume(data, Spacing(1, 1, 1))
    solid = TransferFunction(((0, 0.5, 0.5, 0.5),), ((0, 1.0),), 0.01)
    light = Light(0.2, 0.8, 0.0, direction=(0, 0, 1.0))
    camera = Camera((0, 0, -4.0), (0, 0, 0), (0, -1, 0), 8)
    cut = rendered(volume, Scene(camera, solid, light=light, clip=(ClipPlane((0, 0, 0), (0, 0, 1)),))).rgba
    turned = rendered(volume, Scene(camera, solid, light=light, clip=(ClipPlane((0, 0, 0), (1, 0, 1)),))).rgba
    face, steep = cut[20:28, 28:36, 0], turned[20:28, 36:44, 0]
    assert face.mean() == pytest.approx(0.5, abs=0.02), "faces the light"
    assert steep.mean() == pytest.approx(0.5 * (0.8 + 0.2 * np.sqrt(0.5)), abs=0.01), "is turned away from it by 45°"
    assert face.std() < 0.01


def test_four_rays_a_pixel_are_the_mean_of_a_picture_twice_as_large(noise):
    _, volume = noise
    scene = Scene(Camera((0.6, -0.5, -1.9), (0, 0, 0), (0, -1, 0), 40), GREY, light=PRESETS["studio"])
    four = rendered(volume, scene, (50, 36), samples=4).rgba
    twice = rendered(volume, scene, (100, 72)).rgba
    np.testing.assert_allclose(four, twice.reshape(36, 2, 50, 2, 4).mean(axis=(1, 3)), atol=1e-6)


def test_a_dissolve_is_the_mixture_of_both_pictures(noise):
    _, volume = noise
    scene = Scene(FRONT, GREY)
    a, b = (rendered(volume, replace(scene, blend=blend)).rgba for blend in ("composite", "maximum"))
    half = rendered(volume, replace(scene, fade=("maximum", 0.25))).rgba
    np.testing.assert_allclose(half, 0.75 * a + 0.25 * b, atol=1e-6)


def test_a_gradient_runs_from_top_to_bottom_without_bands():
    frame = Frame(np.zeros((400, 32, 4), np.float32))
    picture = frame.over(Gradient((0.2, 0.1, 0.0), (0.0, 0.1, 1.0))).astype(float)
    down = (np.arange(400) + 0.5) / 400
    expected = 255 * np.stack([0.2 - 0.2 * down, 0 * down + 0.1, down], axis=-1)
    assert np.abs(picture - expected[:, None]).max() <= 1.0
    mean = picture.reshape(100, 4, 32, 3).mean(axis=(1, 2))
    assert np.abs(mean - expected.reshape(100, 4, 3).mean(axis=1)).max() < 0.1, "no bands: rounding averages out"


def test_a_picture_without_background_keeps_its_colours():
    rng = np.random.default_rng(1)
    alpha = rng.random((20, 30, 1))
    colors = rng.random((20, 30, 3))
    picture = Frame(np.concatenate([colors * alpha, alpha], axis=-1).astype(np.float32)).straight
    assert np.abs(picture[..., 3] - 255 * alpha[..., 0]).max() <= 0.51
    assert np.abs(picture[..., :3] - 255 * colors).max() <= 0.51


def test_one_colour_and_one_opacity_for_all_values_are_lit_too(make_volume):
    """No difference of values counts for anything there, and none counts as noise: the light is even."""
    volume = make_volume(np.full((24, 24, 24), 128, np.uint8))
    even = TransferFunction(((0, 1, 1, 1),), ((0, 0.9),), 0.05)
    camera = Camera((0, 0, -3), (0, 0, 0), (0, -1, 0), 30)
    sideways = Scene(camera, even, light=Light(0.2, 0.3, direction=(1.0, 0.0, 0.0)))
    bright = rendered(volume, sideways).rgba
    middle = bright[24, 32]
    assert middle[3] > 0.99
    assert 0.3 < middle[0] < 0.85
