"""Several channels in one picture: hues that are directions, dyes that add up, regions that stand out."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import numpy as np
import pytest

from stackreel.errors import VolumeError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.forecast import Forecast, shown_of
from stackreel.geometry import Spacing
from stackreel.scene import PRESETS, Camera, Scene, Slice, TransferFunction
from stackreel.scene.channels import label_colors, label_mask
from stackreel.volume import registered

HUES = tuple((256.0 * i / 64, *map(float, colorsys.hsv_to_rgb(i / 64, 1, 1))) for i in range(65))
WHITE = ((0.0, 1.0, 1.0, 1.0),)
FACING = Camera((0.0, 0.0, -3.0), (0.0, 0.0, 0.0), (0, -1, 0), 12.0)
WIDE = replace(FACING, view_angle=20.0)
ASLANT = Camera((0.6, -0.8, -1.3), (0, 0, 0), (0, -1, 0), 40.0)


def render(volume, scene, size=(65, 65), detail=1e-6, memory=512 << 20, threads=2, stride=1.0):
    session = NativeEngine(memory, threads, stride).open(volume, Output(size, detail))
    try:
        return session.render(scene)
    finally:
        session.close()


def by_direction(opacity=((0, 0.0), (50, 0.5), (255, 0.5)), unit=0.05):
    return TransferFunction(HUES, opacity, unit, "retardation", "direction", 256.0)


def hue_of(rgba):
    """Hues 0..1 of unpremultiplied colours."""
    rgb = rgba[..., :3] / np.maximum(rgba[..., 3:], 1e-6)
    return np.array([colorsys.rgb_to_hsv(*p)[0] for p in np.clip(rgb.reshape(-1, 3), 0, 1)]).reshape(rgb.shape[:-1])


def away(a, b):
    return np.abs((a - b + 0.5) % 1.0 - 0.5)


def fibres(make_volume, direction, retardation=None, background=0.0, **kwargs):
    if retardation is None:
        retardation = np.where(direction == background, 0, 200).astype(np.uint8)
    return registered(
        {
            "retardation": make_volume(retardation, **kwargs),
            "direction": make_volume(direction, kind="axial", period=256.0, background=background, **kwargs),
        }
    )


@pytest.mark.parametrize("code", [1, 60, 128, 255])
def test_a_constant_direction_has_its_hue_at_every_level(make_volume, code):
    direction = np.zeros((100, 120, 260), np.uint8)
    direction[11:83, 16:99, 16:233] = code
    volume = fibres(make_volume, direction)
    levels = set()
    for detail in (1e-6, 1.0, 2.0, 4.0):
        frame = render(volume, Scene(ASLANT, by_direction()), detail=detail)
        levels.add(frame.level)
        seen = frame.rgba[..., 3] > 0.02
        assert seen.sum() > 200
        assert away(hue_of(frame.rgba)[seen], code / 256).max() < 0.01  # the border shows no other hue
    assert len(levels) >= 3


def test_directions_on_both_sides_of_0_make_the_hue_of_0_and_not_of_the_middle(make_volume):
    checks = np.indices((24, 48, 48)).sum(axis=0) % 2
    volume = fibres(make_volume, np.where(checks, 246, 10).astype(np.uint8))
    for detail in (1e-6, 16.0):
        frame = render(volume, Scene(FACING, by_direction()), detail=detail)
        assert away(hue_of(frame.rgba[28:37, 28:37]), 0.0).max() < 0.025


def test_hues_of_a_block_are_those_of_its_directions(make_volume):
    x = np.arange(128)
    direction = np.broadcast_to((2 * x).astype(np.uint8), (24, 128, 128)).copy()
    volume = fibres(make_volume, direction, background=None, retardation=np.full((24, 128, 128), 200, np.uint8))
    frame = render(volume, Scene(FACING, by_direction(((0, 0.9), (255, 0.9)), 0.0005)), size=(129, 129))
    row, step = frame.rgba[64], 2 * np.tan(np.radians(6)) / 129 * (3.0 - 23 / 256)
    expected = ((np.arange(129) - 64) * step * 128 + 63.5) * 2 / 256
    inside = (expected > 0.05) & (expected < 0.95)
    assert inside.sum() > 60
    assert away(hue_of(row), expected)[inside].max() < 0.012


def test_tissue_without_a_direction_is_grey(make_volume):
    volume = fibres(make_volume, np.zeros((24, 48, 48), np.uint8), np.full((24, 48, 48), 200, np.uint8))
    center = render(volume, Scene(FACING, by_direction())).rgba[32, 32]
    np.testing.assert_allclose(center[:3] / center[3], 0.5, atol=2e-3)


def test_what_hardly_is_a_fibre_has_no_say_in_the_hue_beside_one(make_volume):
    """Noise of directions around a fibre, where the retardation is next to nothing."""
    rng = np.random.default_rng(12)
    direction = rng.integers(1, 256, (24, 64, 64)).astype(np.uint8)
    retardation = np.full(direction.shape, 2, np.uint8)
    direction[:, 24:40], retardation[:, 24:40] = 60, 200
    volume = fibres(make_volume, direction, retardation)
    look = by_direction(((0, 0.0), (2, 0.0), (20, 0.9), (255, 0.9)), 0.002)
    frame = render(volume, Scene(FACING, look), size=(129, 129))
    seen = frame.rgba[..., 3] > 0.5
    assert seen.sum() > 1000
    assert away(hue_of(frame.rgba)[seen], 60 / 256).max() < 0.03  # 0.496 where all eight count alike


OPAQUE = ((0, 0.0), (0.5, 0.0), (1, 0.9), (255, 0.9))
"""Directions, and nothing where there is none."""


def hues(period):
    return tuple((v * period / 256.0, *rgb) for v, *rgb in HUES)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_between_179_and_1_degrees_a_direction_alone_shows_the_hue_of_0(make_volume, dtype):
    direction = np.full((24, 64, 64), 179, dtype)
    direction[:, :, 32:] = 1
    volume = make_volume(direction, kind="axial", period=180.0, background=0.0)
    look = TransferFunction(hues(180.0), OPAQUE, 0.002)
    frame = render(volume, Scene(FACING, look), size=(129, 129))
    seen = frame.rgba[..., 3] > 0.5
    assert seen.sum() > 8000
    assert seen[64, 10:119].all(), "no seam where the direction is the number of the background"
    found = (hue_of(frame.rgba) + 0.5) % 1.0 - 0.5
    assert np.abs(found[seen]).max() < 1.2 / 180
    assert (np.abs(found[64]) < 0.5 / 180).any(), "0° lies between them"
    assert np.sign(found[64, 20]) != np.sign(found[64, 110])


@pytest.mark.parametrize(("dtype", "none", "angle"), [(np.int8, -128, -45), (np.int8, -128, 45), (np.float32, -1, 135)])
def test_directions_have_the_hues_of_the_numbers_that_they_are_written_in(make_volume, dtype, none, angle):
    direction = np.full((24, 48, 48), angle, dtype)
    direction[:, :8], direction[:, 40:] = none, -angle if none == -128 else 179
    volume = make_volume(direction, kind="axial", period=180.0, background=float(none))
    first = -90.0 if none == -128 else 0.0
    look = TransferFunction(tuple((v + first, *rgb) for v, *rgb in hues(180.0)), ((-90, 0.9), (180, 0.9)), 0.002)
    center = render(volume, Scene(FACING, look)).rgba[32:33, 32]
    assert away(hue_of(center), (angle - first) / 180).max() < 0.005


@pytest.mark.parametrize("code", [1, 77, 128, 255])
def test_a_constant_direction_alone_is_the_same_at_every_level(make_volume, code):
    volume = make_volume(np.full((64, 128, 256), code, np.uint8), kind="axial", period=256.0, background=0.0)
    look = TransferFunction(HUES, tuple((v, 0.1 * a) for v, a in OPAQUE), 0.1)
    scene, levels = Scene(ASLANT, look), set()
    fine = render(volume, scene).rgba
    assert away(hue_of(fine)[fine[..., 3] > 0.02], code / 256).max() < 0.01
    for detail in (1.0, 2.0, 4.0):
        frame = render(volume, scene, detail=detail)
        levels.add(frame.level)
        assert np.abs(frame.rgba - fine).max() < 3e-5
    assert len(levels) >= 2


def test_what_has_no_direction_ends_where_half_of_a_place_has_one(make_volume):
    direction = np.zeros((24, 64, 64), np.uint8)
    direction[:, 20:44, 20:44] = 100
    volume = make_volume(direction, kind="axial", period=256.0, background=0.0)
    frame = render(volume, Scene(FACING, TransferFunction(HUES, OPAQUE, 0.002)), size=(129, 129), stride=0.25)
    seen = frame.rgba[..., 3] > 0.02
    assert away(hue_of(frame.rgba)[seen], 100 / 256).max() < 0.01, "the border shows no other hue"
    # 24 samples wide, and as much beyond them as a share of a direction reaches
    row, step = frame.rgba[64, :, 3], 2 * np.tan(np.radians(6)) / 129 * (3.0 - 12 / 64) * 64
    assert 23.0 <= (row > 0.5).sum() * step <= 26.0
    alone = TransferFunction(HUES, ((0, 0.9), (0.5, 0.9), (1, 0.0), (255, 0.0)), 0.002)
    outside = render(volume, Scene(FACING, alone), size=(129, 129)).rgba
    assert outside[64, 64, 3] < 0.01
    assert outside[10, 10, 3] > 0.9


def test_directions_are_seen_that_lie_between_two_hidden_ones_beyond_the_period(make_volume):
    checks = np.indices((24, 48, 48)).sum(axis=0) % 2
    volume = make_volume(np.where(checks, 165, 15).astype(np.uint8), kind="axial", period=180.0)
    around_0 = TransferFunction(WHITE, ((0, 0.9), (8, 0.9), (12, 0.0), (168, 0.0), (172, 0.9), (180, 0.9)), 0.01)
    around_90 = TransferFunction(WHITE, ((20, 0.0), (60, 0.9), (120, 0.9), (160, 0.0)), 0.01)
    assert render(volume, Scene(FACING, around_0)).rgba[32, 32, 3] > 0.9
    assert render(volume, Scene(FACING, around_90)).rgba[..., 3].max() == 0.0


def test_dyes_add_up_extinctions_and_colours_by_them(make_volume):
    shape = (40, 48, 64)
    volume = registered({n: make_volume(np.full(shape, v, np.uint8)) for n, v in (("a", 100), ("b", 200), ("c", 50))})
    layers = [
        TransferFunction(((0, *color),), ((0, alpha), (255, alpha)), unit, name, name)
        for name, color, alpha, unit in (
            ("a", (1, 0, 0), 0.2, 0.3), ("b", (0, 1, 0), 0.3, 0.2), ("c", (0, 0, 1), 0.1, 0.5)
        )
    ]  # fmt: skip
    eye = Camera((-1 / 128, -1 / 128, 3.0), (-1 / 128, -1 / 128, 0.0), (0, -1, 0), 5.0)
    frame = render(volume, Scene(eye, layers[0], added=tuple(layers[1:])))
    kappa = np.array([-np.log(1 - t.opacity[0][1]) / t.opacity_unit for t in layers])
    opacity = 1 - np.exp(-kappa.sum() * 39 / 64)
    np.testing.assert_allclose(frame.rgba[32, 32, 3], opacity, atol=2e-5)
    np.testing.assert_allclose(frame.rgba[32, 32, :3], opacity * kappa / kappa.sum(), atol=6e-4)


def test_one_channel_among_several_looks_as_it_does_alone(make_volume):
    rng = np.random.default_rng(1)
    grey = np.kron(rng.integers(0, 255, (6, 8, 8)), np.ones((8, 8, 8))).astype(np.uint8)
    alone, other = make_volume(grey), make_volume(np.zeros_like(grey))
    both = registered({"tissue": alone, "other": other})
    look = TransferFunction(HUES, ((0, 0.0), (40, 0.01), (256, 0.6)), 0.05)
    named = replace(look, channel="tissue", color_channel="tissue")
    for light in ("none", "studio"):
        a = render(alone, Scene(ASLANT, look, light=PRESETS[light])).rgba
        b = render(both, Scene(ASLANT, named, light=PRESETS[light])).rgba
        assert a[..., 3].max() > 0.9
        np.testing.assert_allclose(b, a, atol=2e-3)


AT = [round(32 + (c - 31.5) / 64 / (3.0 * 2 * np.tan(np.radians(10)) / 65)) for c in (8, 24, 40, 56)]
"""Columns of a picture taken by WIDE in which the four regions lie."""


def regions():
    """Four slabs along x, labels 1, 3, 7 and 300, of the same tissue."""
    labels = np.repeat([1, 3, 7, 300], 16)[None, None, :] + np.zeros((24, 48, 1), np.int64)
    return labels.astype(np.uint16), np.full((24, 48, 64), 150, np.uint8)


def test_regions_lend_the_tissue_their_colours_and_one_stands_out(make_volume):
    labels, tissue = regions()
    volume = registered({"tissue": make_volume(tissue), "regions": make_volume(labels, kind="label")})
    colors = label_colors({3: (1.0, 0.0, 0.0), 7: (0.0, 0.0, 1.0)}, (0.0, 1.0, 0.0))
    look = TransferFunction(colors, ((0, 0.0), (100, 0.3), (255, 0.3)), 0.05, "tissue", "regions")
    marked = replace(look, mask=label_mask([3, 300], [7], 0.1), mask_channel="regions")
    plain = render(volume, Scene(WIDE, look)).rgba[32, AT]
    shown = [(0, 1, 0), (1, 0, 0), (0, 0, 1), (0, 1, 0)]
    np.testing.assert_allclose(plain[:, :3] / plain[:, 3:], shown, atol=2e-3)
    lit = render(volume, Scene(WIDE, marked)).rgba[32, AT, 3]
    depth = -np.log(1 - plain[:, 3].astype(float))
    np.testing.assert_allclose(-np.log(1 - lit.astype(float)), depth * [0.1, 1, 0, 1], rtol=5e-3, atol=1e-4)


def test_a_volume_of_labels_alone_dims_all_but_the_highlighted(make_volume):
    labels, _ = regions()
    volume = make_volume(labels, kind="label")
    look = TransferFunction(WHITE, ((0, 0.3), (400, 0.3)), 0.05)
    plain = render(volume, Scene(WIDE, look)).rgba[32, AT, 3].astype(float)
    marked = render(volume, Scene(WIDE, replace(look, mask=label_mask([3], [300], 0.1)))).rgba[32, AT, 3].astype(float)
    np.testing.assert_allclose(np.log(1 - marked), np.log(1 - plain) * [0.1, 1, 0.1, 0], rtol=5e-3, atol=1e-4)


@pytest.mark.parametrize("light", ["none", "studio"])
def test_the_picture_is_the_same_to_the_bit_in_little_memory(make_volume, light):
    rng = np.random.default_rng(3)
    shape = (150, 170, 190)
    shade = np.clip(100 + 3 * np.cumsum(rng.normal(size=shape), axis=2), 0, 255)
    volume = registered(
        {
            "retardation": make_volume(shade.astype(np.uint8)),
            "direction": make_volume(
                rng.integers(0, 256, shape).astype(np.uint8), kind="axial", period=256.0, background=0
            ),
            "regions": make_volume((np.indices(shape).sum(axis=0) // 40).astype(np.uint16), kind="label"),
            "dye": make_volume((shade * 200).astype(np.uint16)),
        }
    )
    fibre = replace(by_direction(unit=0.2), mask=label_mask([2, 3], [5], 0.3), mask_channel="regions")
    dye = TransferFunction(((0, 1.0, 0.5, 0.0),), ((20_000, 0.0), (51_000, 0.3)), 0.1, "dye", "dye")
    scene = Scene(ASLANT, fibre, added=(dye,), light=PRESETS[light])
    plenty = render(volume, scene, size=(160, 120), detail=1.5)
    little = render(volume, scene, size=(160, 120), detail=1.5, memory=30 << 20, threads=1)
    assert plenty.rgba[..., 3].max() > 0.9
    assert np.array_equal(plenty.rgba, little.rgba)


def test_a_session_takes_in_channels_as_they_are_shown(make_volume):
    volume = fibres(make_volume, np.full((40, 48, 64), 77, np.uint8))
    own = TransferFunction(WHITE, ((0, 0.0), (255, 0.5)), 0.05, "retardation", "retardation")
    session = NativeEngine(512 << 20, 2, 1.0).open(volume, Output((65, 65), 1e-6))
    grey = session.render(Scene(FACING, own)).rgba
    hued = session.render(Scene(FACING, by_direction())).rgba
    again = session.render(Scene(FACING, own)).rgba
    session.close()
    assert np.array_equal(grey, again)
    assert away(hue_of(hued[32:33, 32]), 77 / 256).max() < 0.01


def test_a_projection_of_one_channel_is_that_of_the_volume_alone(make_volume):
    rng = np.random.default_rng(5)
    grey = rng.integers(0, 255, (24, 48, 64)).astype(np.uint8)
    alone = make_volume(grey)
    both = registered({"other": make_volume(np.zeros_like(grey)), "tissue": alone})
    look = TransferFunction(HUES, ((0, 0.0), (255, 0.6)), 0.05)
    named = replace(look, channel="tissue", color_channel="tissue")
    a = render(alone, Scene(ASLANT, look, blend="maximum")).rgba
    assert np.array_equal(render(both, Scene(ASLANT, named, blend="maximum")).rgba, a)
    said = NativeEngine(512 << 20).refuse(Scene(ASLANT, replace(named, color_channel="other"), blend="maximum"))
    assert said is not None
    assert "one channel" in said


MIDDLE = Slice((0, 0, 0), (0, 0, 1))


def test_a_slice_of_directions_has_the_hues_of_the_volume_even_where_it_is_transparent(make_volume):
    x = np.arange(128)
    direction = np.broadcast_to((2 * x).astype(np.uint8), (24, 128, 128)).copy()
    retardation = np.where(np.arange(128)[:, None] < 64, 0, 200).astype(np.uint8) + np.zeros((24, 128, 128), np.uint8)
    volume = fibres(make_volume, direction, background=None, retardation=retardation)
    look = replace(by_direction(((0, 0.0), (50, 0.9), (255, 0.9)), 0.0005), brightness=((0, 0.25), (200, 1.0)))
    plain, cut = (
        render(volume, Scene(FACING, look, slices=slices), size=(129, 129)).rgba for slices in ((), (MIDDLE,))
    )
    bare = render(volume, Scene(FACING, replace(look, opacity=((0, 0.0),)), slices=(MIDDLE,)), size=(129, 129)).rgba
    above, below = bare[40, 20:108], bare[90, 20:108]
    assert (bare[40:90, 20:108, 3] == 1.0).all()
    step = 2 * np.tan(np.radians(6)) / 129 * 3.0
    expected = ((np.arange(129) - 64) * step * 128 + 63.5)[20:108] * 2 / 256
    assert away(hue_of(below), expected).max() < 0.012
    assert away(hue_of(above), expected).max() < 0.03
    assert np.allclose(below[:, :3].max(axis=-1), 1.0, atol=0.06)
    assert np.allclose(above[:, :3].max(axis=-1), 0.25, atol=0.03)
    assert away(hue_of(cut[90, 20:108]), hue_of(plain[90, 20:108])).max() < 0.02


def test_dyes_shine_on_a_slice_as_bright_as_they_are_opaque_and_mix_as_in_the_volume(make_volume):
    a, b = np.zeros((16, 64, 64), np.uint8), np.zeros((16, 64, 64), np.uint16)
    a[:, :32], b[:, :, :32] = 100, 2000
    volume = registered({"a": make_volume(a), "b": make_volume(b)})
    green = TransferFunction(((0, 0, 1, 0),), ((0, 0.0), (200, 0.5)), 1e4, "a", "a")  # no fog in front
    pink = TransferFunction(((0, 1, 0, 1),), ((0, 0.0), (2000, 0.3)), 2e4, "b", "b")
    for masked in (False, True):
        some = replace(MIDDLE, masked=masked)
        seen = render(volume, Scene(FACING, green, added=(pink,), slices=(some,))).rgba
        both, only_a, only_b, neither = seen[22, 22], seen[22, 43], seen[43, 22], seen[43, 43]
        half = 0.25 / 0.5  # as opaque at 100, of the most that a's values reach
        np.testing.assert_allclose(only_a, (0, half, 0, 1), atol=5e-3)
        np.testing.assert_allclose(only_b, (1, 0, 1, 1), atol=5e-3)
        np.testing.assert_allclose(neither, (0, 0, 0, 0 if masked else 1), atol=1e-6)
        kappa = np.array([-np.log(0.75), -np.log(0.7) / 2])
        share = kappa / kappa.sum()
        np.testing.assert_allclose(both, (share[1], half * share[0], share[1], 1), atol=8e-3)


def test_a_slice_in_its_own_colours_shows_the_channel_that_opacities_come_from(make_volume):
    volume = fibres(make_volume, np.full((24, 48, 48), 77, np.uint8), np.full((24, 48, 48), 100, np.uint8))
    own = replace(MIDDLE, color=((0, 0.0, 0.0, 1.0), (200, 1.0, 0.5, 0.0)))
    hidden = by_direction(((0, 0.0), (255, 0.0)))
    seen = render(volume, Scene(FACING, hidden, slices=(own,))).rgba[32, 32]
    np.testing.assert_allclose(seen, (0.5, 0.25, 0.5, 1.0), atol=5e-3)


def test_a_slice_shows_regions_that_labels_hide_unless_it_is_masked(make_volume):
    labels, tissue = regions()
    volume = registered({"tissue": make_volume(tissue), "regions": make_volume(labels, kind="label")})
    colors = label_colors({3: (1.0, 0.0, 0.0), 7: (0.0, 0.0, 1.0)}, (0.0, 1.0, 0.0))
    look = TransferFunction(colors, ((0, 0.0), (100, 1e-6), (255, 1e-6)), 0.05, "tissue", "regions")
    look = replace(look, mask=label_mask([3], [7], 0.1), mask_channel="regions")
    shown = np.array([(0, 1, 0, 1), (1, 0, 0, 1), (0, 0, 1, 1), (0, 1, 0, 1)], float)
    for masked in (False, True):
        slices = (replace(MIDDLE, masked=masked),)
        seen = render(volume, Scene(WIDE, look, slices=slices)).rgba[32, AT]
        if masked:
            shown[2] = 0.0
        np.testing.assert_allclose(seen, shown, atol=2e-3)


def test_slices_of_channels_are_the_same_to_the_bit_in_little_memory_and_read_what_was_foretold(make_volume):
    rng = np.random.default_rng(3)
    shape = (90, 170, 190)
    shade = np.clip(100 + 3 * np.cumsum(rng.normal(size=shape), axis=2), 0, 255)
    turns = rng.integers(0, 256, shape).astype(np.uint8)
    volume = registered(
        {
            "retardation": make_volume(shade.astype(np.uint8)),
            "direction": make_volume(turns, kind="axial", period=256.0, background=0),
            "dye": make_volume((shade * 200).astype(np.uint16)),
        }
    )
    dye = TransferFunction(((0, 1.0, 0.5, 0.0),), ((20_000, 0.0), (51_000, 0.3)), 0.1, "dye", "dye")
    slices = (
        Slice((0, 0, 0.05), (0.2, -0.1, 1), opacity=0.5),
        Slice((0, 0, 0), (1, 0.3, 0.1), masked=True, outline=(1, 1, 1)),
        Slice((0, -0.2, 0), (0, -1, 0), opacity=0.5, cut=True, color=((0, 0, 0, 0), (255, 1, 1, 1))),
    )
    scene = Scene(ASLANT, by_direction(unit=0.2), added=(dye,), light=PRESETS["studio"], slices=slices)
    plenty = render(volume, scene, size=(160, 120), detail=1.5)
    little = render(volume, scene, size=(160, 120), detail=1.5, memory=24 << 20, threads=1)
    assert plenty.rgba[..., 3].max() > 0.9
    assert np.array_equal(plenty.rgba, little.rgba)
    # without light the coarse level around is not read, too
    dark = replace(scene, light=PRESETS["none"])
    for memory in (24 << 20, 512 << 20):
        shown = shown_of(volume, [dark])
        told = list(Forecast(shown, Output((160, 120), 1.5), memory, 1.0).frames([dark]))
        before = sum(level.bytes_read for one in volume.channels.values() for level in one.levels)
        render(volume, dark, size=(160, 120), detail=1.5, memory=memory)
        after = sum(level.bytes_read for one in volume.channels.values() for level in one.levels)
        assert told[0].stored == after - before > 0


def test_directions_alone_are_the_same_to_the_bit_in_little_memory_and_read_what_was_foretold(make_volume):
    turns = np.random.default_rng(6).integers(0, 256, (90, 170, 190)).astype(np.uint8)
    turns[:, 60:100] = 0
    volume = make_volume(turns, kind="axial", period=256.0, background=0.0)
    scene = Scene(ASLANT, TransferFunction(HUES, tuple((v, 0.3 * a) for v, a in OPAQUE), 0.1))
    ample = render(volume, scene, size=(160, 120), detail=1.5)
    assert ample.rgba[..., 3].max() > 0.5
    for memory in (14 << 20, 512 << 20):
        told = list(Forecast(shown_of(volume, [scene]), Output((160, 120), 1.5), memory, 1.0).frames([scene]))
        before = sum(level.bytes_read for level in volume.levels)
        little = render(volume, scene, size=(160, 120), detail=1.5, memory=memory, threads=1)
        assert np.array_equal(ample.rgba, little.rgba)
        assert told[0].stored == sum(level.bytes_read for level in volume.levels) - before > 0


def test_channels_that_do_not_lie_on_the_same_voxels_are_refused_with_both_sides(make_volume):
    a, b = make_volume(np.zeros((8, 16, 24), np.uint8)), make_volume(np.zeros((8, 16, 20), np.uint8))
    with pytest.raises(VolumeError, match=r"ret .* and dir .* differ in shape: 8 × 16 × 24 and 8 × 16 × 20"):
        registered({"ret": a, "dir": b})
    c = make_volume(np.zeros((8, 16, 24), np.uint8), Spacing(2, 1, 1, "um"))
    d = make_volume(np.zeros((8, 16, 24), np.uint8), Spacing(2.5, 1, 1, "um"))
    with pytest.raises(VolumeError, match=r"differ in spacing: 2 1 1 um and 2.5 1 1 um .* same --spacing"):
        registered({"ret": c, "dir": d})


def test_the_fingerprint_of_several_is_of_every_channel(make_volume):
    a, b, c = (make_volume(np.full((8, 16, 24), v, np.uint8)) for v in (1, 2, 3))
    prints = {registered({"a": a, "b": v}).fingerprint for v in (b, c)} | {registered({"a": a, "x": b}).fingerprint}
    assert len(prints | {a.fingerprint, b.fingerprint}) == 5
