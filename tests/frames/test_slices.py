"""Slices in the volume against NumPy and closed forms: what they show, what dims them, what they hide."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from onebyone import OneByOne

from stackreel.errors import EngineError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.geometry import Box, Spacing
from stackreel.scene import PRESETS, Camera, Scene, Slice, TransferFunction

GREY = ((0.0, 0.0, 0.0, 0.0), (255.0, 1.0, 1.0, 1.0))
WHITE = ((0.0, 1.0, 1.0, 1.0),)
NOTHING = TransferFunction(GREY, ((0, 0.0),), 0.05)
FOG = TransferFunction(WHITE, ((0, 0.3),), 0.05)
RED, BLUE = ((0.0, 1.0, 0.0, 0.0),), ((0.0, 0.0, 0.0, 1.0),)
FAR = 60.0
"""From so far away, rays are as good as parallel."""


def render(volume, scene, size=(65, 65), detail=1e-6, memory=512 << 20, threads=2, stride=1.0):
    session = NativeEngine(memory, threads, stride).open(volume, Output(size, detail))
    try:
        return session.render(scene).rgba
    finally:
        session.close()


def looking(at, toward=(0.0, 0.0, 1.0), up=(0.0, -1.0, 0.0), half=0.5, away=FAR):
    """A camera that looks at a point from far away, whose picture spans 2·half world units from top to bottom."""
    position = tuple(a - away * t for a, t in zip(at, toward, strict=True))
    return Camera(position, at, up, math.degrees(2 * math.atan(half / away)))


def least_memory(volume, scene, size):
    """Bytes that the renderer asks for when it is given less: first for the volume, then for the scene's slices."""
    least = 1
    while True:
        try:
            render(volume, scene, size=size, memory=least)
        except EngineError as refused:
            more = int(re.search(r"at least (\d+)M", str(refused))[1]) << 20
            assert more > least
            least = more
        else:
            return least


def smooth_values(shape=(48, 64, 64), seed=5):
    """Values that change gently from sample to sample, uint8."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return (120 + 60 * np.sin(0.23 * x + 0.11 * z) + 50 * np.cos(0.17 * y - 0.2 * z)).astype(np.uint8)


def interpolated(data, z, y, x):
    """Trilinear values of data (z, y, x) at continuous indices."""
    corners = np.zeros(np.broadcast(z, y, x).shape)
    z, y, x = (np.clip(v, 0, n - 1.000001) for v, n in zip((z, y, x), data.shape, strict=True))
    k, j, i = (np.floor(v).astype(int) for v in (z, y, x))
    for a in (0, 1):
        for b in (0, 1):
            for c in (0, 1):
                weight = abs(1 - a - (z - k)) * abs(1 - b - (y - j)) * abs(1 - c - (x - i))
                corners += weight * data[k + a, j + b, i + c]
    return corners


def test_a_slice_shows_the_values_between_the_samples(make_volume):
    data = smooth_values()
    volume = make_volume(data, Spacing(1, 1, 1))
    camera = looking((0.0, 0.0, 0.1))
    scene = Scene(camera, NOTHING, slices=(Slice((0, 0, 0.1), (0, 0, 1)),))
    seen = render(volume, scene, size=(64, 64))
    at = (np.arange(64) + 0.5) / 64 - 0.5  # the middle of each pixel, world units
    y, x = np.meshgrid(at * 64 + 32, at * 64 + 32, indexing="ij")
    expected = interpolated(data, np.full(x.shape, 0.1 * 64 + 24), y, x) / 255
    inside = (x <= 63) & (y <= 63)
    assert seen[inside][:, 3].min() == 1.0
    assert np.abs(seen[..., 0] - expected)[inside].max() < 3e-3
    assert seen[~inside].max() == 0.0


def test_an_oblique_slice_shows_the_values_between_the_samples(make_volume):
    data = smooth_values()
    volume = make_volume(data, Spacing(1, 1, 1))
    normal = np.array([0.3, -0.5, 0.8]) / np.linalg.norm([0.3, -0.5, 0.8])
    camera = Camera((0.4, -0.5, -1.6), (0, 0, 0), (0, -1, 0), 30.0)
    seen = render(volume, Scene(camera, NOTHING, slices=(Slice((0.05, 0, 0), tuple(normal)),)), size=(80, 80))
    right, up, forward = camera.basis
    half = math.tan(math.radians(15))
    u = ((np.arange(80) + 0.5) / 40 - 1) * half
    rays = forward + u[None, :, None] * right - u[:, None, None] * up
    depth = ((0.05, 0, 0) - np.array(camera.position)) @ normal / (rays @ normal)
    points = camera.position + depth[..., None] * rays
    box = volume.placement.bounds
    inside = np.all((points > np.array(box.lower)) & (points < np.array(box.upper)), axis=-1)
    index = (points - np.array(volume.placement.origin)) / np.array(volume.placement.step)
    expected = interpolated(data, index[..., 2], index[..., 1], index[..., 0]) / 255
    assert 0.2 < inside.mean() < 0.9
    assert np.array_equal(seen[..., 3] == 1.0, inside)
    assert np.abs(seen[..., 0] - expected)[inside].max() < 3e-3


def test_a_slice_has_its_own_colours(make_volume):
    volume = make_volume(np.full((32, 64, 64), 102, np.uint8))
    own = ((2.0, 0.0, 0.0, 1.0), (202.0, 1.0, 0.5, 0.0))
    scene = Scene(looking((0, 0, 0)), NOTHING, slices=(Slice((0, 0, 0), (0, 0, 1), color=own),))
    assert render(volume, scene)[32, 32] == pytest.approx((0.5, 0.25, 0.5, 1.0), abs=2e-3)


def test_fog_in_front_of_a_slice_dims_it_and_nothing_shines_through_from_behind(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    for z in (-0.31, 0.0, 0.2003):
        scene = Scene(looking((0.0, 0.0, z)), FOG, slices=(Slice((0, 0, z), (0, 0, 1), color=RED),))
        red, green, _, alpha = render(volume, scene)[32, 32]
        through = 0.7 ** ((z + 0.5) / 0.05)  # from the first sample to the slice
        assert alpha == pytest.approx(1.0, abs=1e-5)
        assert green == pytest.approx(1 - through, abs=3e-5)
        assert red == pytest.approx(1.0, abs=3e-5)


def test_a_translucent_slice_lets_the_fog_behind_it_through(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    thin = TransferFunction(WHITE, ((0, 0.05),), 0.05)
    scene = Scene(looking((0, 0, 0)), thin, slices=(Slice((0, 0, 0), (0, 0, 1), opacity=0.25, color=RED),))
    red, green, _, alpha = render(volume, scene)[32, 32]
    front, behind = 0.95 ** (0.5 / 0.05), 0.95 ** ((31 / 64) / 0.05)
    assert alpha == pytest.approx(1 - front * 0.75 * behind, abs=3e-5)
    assert green == pytest.approx((1 - front) + front * 0.75 * (1 - behind), abs=3e-5)
    assert red - green == pytest.approx(front * 0.25, abs=3e-5)


def test_where_two_slices_cross_each_is_in_front_on_its_side(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    tilted = (Slice((0, 0, 0), (1, 0, 1), color=RED), Slice((0, 0, 0), (-1, 0, 1), color=BLUE))
    for order in (tilted, tilted[::-1]):
        seen = render(volume, Scene(looking((0, 0, 0)), NOTHING, slices=order))[32]
        # the red one rises towards the camera where x is large
        assert np.all(seen[3:31, 2] == 1.0)
        assert np.all(seen[34:61, 0] == 1.0)
        assert seen[3:31, 0].max() == seen[34:61, 2].max() == 0.0


def test_translucent_slices_are_laid_over_one_another_near_to_far(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    near = Slice((0, 0, -0.2), (0, 0, 1), opacity=0.5, color=RED)
    far = Slice((0, 0, 0.2), (0, 0, -1), opacity=0.6, color=BLUE)
    for order in ((near, far), (far, near)):
        seen = render(volume, Scene(looking((0, 0, 0)), NOTHING, slices=order))[32, 32]
        assert seen == pytest.approx((0.5, 0.0, 0.5 * 0.6, 0.8), abs=1e-6)


def test_a_crop_cuts_a_slice_unless_it_says_otherwise(make_volume):
    volume = make_volume(np.full((64, 64, 64), 200, np.uint8))
    crop = Box((-0.25, -0.125, -1.0), (0.125, 0.25, 1.0))
    for cropped, rows, columns in ((True, (24, 47), (16, 39)), (False, (0, 63), (0, 63))):
        some = Slice((0, 0, 0), (0, 0, 1), cropped=cropped)
        alpha = render(volume, Scene(looking((0, 0, 0)), NOTHING, crop, slices=(some,)), size=(64, 64))[..., 3]
        found = np.nonzero(alpha > 0.5)
        assert (found[0].min(), found[0].max()) == pytest.approx(rows, abs=1)
        assert (found[1].min(), found[1].max()) == pytest.approx(columns, abs=1)


def test_a_slice_on_the_face_of_a_crop_is_seen(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    crop = Box((-1, -1, 0.1), (1, 1, 1))
    scene = Scene(looking((0, 0, 0)), FOG, crop, slices=(Slice((0, 0, 0.1), (0, 0, 1), color=RED),))
    assert render(volume, scene)[32, 32] == pytest.approx((1, 0, 0, 1), abs=1e-4)


def test_a_masked_slice_leaves_out_what_the_opacities_hide(make_volume):
    data = np.full((32, 64, 64), 20, np.uint8)
    data[:, :, 32:] = 200
    volume = make_volume(data)
    transfer = TransferFunction(GREY, ((0, 0.0), (100, 0.0), (101, 1e-9)), 1.0)
    scene = Scene(looking((0, 0, 0)), transfer, slices=(Slice((0, 0, 0), (0, 0, 1), masked=True),))
    alpha = render(volume, scene, size=(64, 64))[32, :, 3]
    assert alpha[:31].max() < 1e-5
    assert alpha[34:62].min() > 0.999


def test_an_outline_runs_along_the_border(make_volume):
    volume = make_volume(np.full((64, 64, 64), 0, np.uint8))
    some = Slice((0, 0, 0), (0, 0, 1), outline=(1.0, 1.0, 0.0), line=0.04)
    seen = render(volume, Scene(looking((0, 0, 0), half=1.0), NOTHING, slices=(some,)), size=(100, 100))
    # the volume covers columns 25 to 74; the line is four pixels wide
    assert np.allclose(seen[50, 26:28], (1, 1, 0, 1))
    assert np.allclose(seen[50, 31:68], (0, 0, 0, 1))
    assert np.allclose(seen[26:28, 50], (1, 1, 0, 1))
    assert seen[50, 20:24].max() == 0.0


def test_a_plane_seen_edge_on_or_behind_the_camera_is_not_there(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    inside = Camera((0, 0, 0), (0, 0, 1), (0, -1, 0), 40.0)
    for some in (Slice((0, 0, -0.2), (0, 0, 1)), Slice((0, 0, 0), (1, 0, 0)), Slice((0, 5, 0), (0, 1, 0))):
        seen = render(volume, Scene(inside, NOTHING, slices=(some,)), size=(65, 65))
        assert np.isfinite(seen).all()
        assert np.delete(seen, 32, axis=1).max() == 0.0


def test_labels_on_a_slice_are_never_averaged(make_volume):
    data = np.full((16, 64, 64), 10, np.uint8)
    data[:, :, 32:] = 30
    volume = make_volume(data, kind="label")
    steps = ((10.0, 1.0, 0.0, 0.0), (20.0, 0.0, 1.0, 0.0), (30.0, 0.0, 0.0, 1.0))
    some = Slice((0, 0, 0), (0, 0, 1), color=steps)
    seen = render(volume, Scene(looking((0, 0, 0)), NOTHING, slices=(some,)), size=(301, 301))
    assert seen[..., 1].max() == 0.0
    assert seen[..., 0].max() == seen[..., 2].max() == 1.0


def test_a_slice_is_as_sharp_as_the_volume_however_coarse_the_rest_is_drawn(make_volume):
    rng = np.random.default_rng(1)
    volume = make_volume(rng.integers(0, 255, (32, 256, 256), dtype=np.uint8))
    assert len(volume.levels) > 1
    scene = Scene(looking((0, 0, 0)), NOTHING, slices=(Slice((0, 0, 0), (0, 0, 1)),))
    fine, coarse = (render(volume, scene, size=(512, 512), detail=d) for d in (1e-6, 50.0))
    assert np.array_equal(fine, coarse)
    assert fine[..., 0].std() > 0.1


@pytest.mark.parametrize("light", ["none", "studio"])
def test_slices_are_the_same_to_the_bit_for_any_memory_and_threads(make_volume, light):
    rng = np.random.default_rng(3)
    data = rng.integers(0, 255, (70, 150, 130), dtype=np.uint8)
    data[:, :40] = 0
    volume = make_volume(data, Spacing(2, 1, 1))
    transfer = TransferFunction(((0, 0, 0, 1), (255, 1, 1, 0)), ((80, 0), (255, 0.05)), 0.02)
    slices = (
        Slice((0, 0, 0.1), (0.2, -0.1, 1), opacity=0.4),
        Slice((0, 0, 0), (1, 0.3, 0.1), opacity=0.7, color=GREY, outline=(1, 1, 1)),
        Slice((0, 0.1, 0), (0, 1, 0), opacity=0.9, masked=True),
    )
    camera = Camera((0.5, -0.6, 1.2), (0, 0, 0), (0, -1, 0), 40.0)
    scene = Scene(camera, transfer, light=PRESETS[light], slices=slices)
    least = least_memory(volume, scene, (160, 90))
    ample = render(volume, scene, size=(160, 90))
    for memory, threads in ((64 << 20, 1), (least, 2), (least, 1)):
        assert np.array_equal(render(volume, scene, size=(160, 90), memory=memory, threads=threads), ample)
    assert ample[..., 3].max() > 0.5


def test_invisible_slices_change_nothing(make_volume):
    volume = make_volume(smooth_values())
    transfer = TransferFunction(GREY, ((80, 0), (255, 0.3)), 0.05)
    scene = Scene(Camera(), transfer, light=PRESETS["studio"])
    hidden = (Slice((0, 0, 0), (0, 0, 1), opacity=0.0), Slice((0, 0, 7), (0, 0, 1)))
    a = render(volume, scene)
    b = render(volume, Scene(Camera(), transfer, light=PRESETS["studio"], slices=hidden))
    assert np.array_equal(a, b)
    assert a.max() > 0.1


def test_a_slice_that_cuts_opens_the_volume_on_the_side_of_its_normal(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    for normal, seen in (((0, 0, -1), (1.0, 0.0, 0.0, 1.0)), ((0, 0, 1), None)):
        some = Slice((0, 0, 0.1), normal, opacity=1.0, color=RED, cut=True)
        red, green, _, alpha = render(volume, Scene(looking((0, 0, 0.1)), FOG, slices=(some,)))[32, 32]
        if seen is None:
            through = 0.7 ** (0.6 / 0.05)
            assert (red, green, alpha) == pytest.approx((1.0, 1 - through, 1.0), abs=3e-5)
        else:
            assert (red, green, alpha) == pytest.approx((1.0, 0.0, 1.0), abs=1e-4)


def test_behind_a_translucent_cut_the_volume_goes_on(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    some = Slice((0, 0, 0.1), (0, 0, -1), opacity=0.5, color=RED, cut=True)
    thin = TransferFunction(WHITE, ((0, 0.05),), 0.05)
    red, green, _, _ = render(volume, Scene(looking((0, 0, 0.1)), thin, slices=(some,)))[32, 32]
    behind = 1 - 0.95 ** ((31 / 64 - 0.1) / 0.05)
    assert (red, green) == pytest.approx((0.5 + 0.5 * behind, 0.5 * behind), abs=1e-4)


def test_one_cut_opens_the_slice_that_lies_behind_it(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    knife, other = Slice((0, 0, 0), (1, 0, 0), cut=True, color=RED), Slice((0, 0, 0.1), (0, 0, 1), color=BLUE)
    for cropped in (True, False):
        slices = (knife, Slice(other.origin, other.normal, color=BLUE, cropped=cropped))
        blue = render(volume, Scene(looking((0, 0, 0)), NOTHING, slices=slices), size=(64, 64))[32, :, 2]
        assert blue[2:31].min() == 1.0
        assert blue[34:62].max() == (0.0 if cropped else 1.0)


HALF = TransferFunction(GREY, ((0, 0.5), (255, 0.5)), 1.0)
"""In a projection, every value half opaque."""


def steps_along_z(values):
    """A volume of layers along z, thick enough that a layer's middle has its own value."""
    return np.repeat(np.array(values, np.uint8), 64 // len(values))[:, None, None] + np.zeros((1, 64, 64), np.uint8)


@pytest.mark.parametrize(
    ("blend", "front", "everything"), [("maximum", 120, 240), ("minimum", 40, 10), ("average", 80, 102.5)]
)
def test_an_opaque_slice_ends_a_projection_and_lies_behind_what_is_in_front(make_volume, blend, front, everything):
    volume = make_volume(steps_along_z([120, 40, 240, 10]))
    opaque = TransferFunction(GREY, ((0, 1.0), (255, 1.0)), 1.0)
    some = Slice((0, 0, -0.02), (0, 0, 1), color=RED)  # within the second layer
    for look, through in ((opaque, 0.0), (HALF, 0.5)):
        plain, cut = (
            render(volume, Scene(looking((0, 0, 0)), look, blend=blend, slices=s))[32, 32] for s in ((), (some,))
        )
        seen = 1.0 - through
        assert plain == pytest.approx([seen * everything / 255] * 3 + [seen], abs=0.02)
        grey = seen * front / 255
        assert cut == pytest.approx((grey + through, grey, grey, 1.0), abs=0.01)


@pytest.mark.parametrize("blend", ["maximum", "minimum", "average"])
def test_a_translucent_slice_takes_its_share_of_a_projection(make_volume, blend):
    volume = make_volume(steps_along_z([120, 40, 240, 10]))
    near, far = Slice((0, 0, -0.25), (0, 0, 1), color=RED), Slice((0, 0, 0.25), (0, 0, 1), color=BLUE)

    def shown(*slices):
        return render(volume, Scene(looking((0, 0, 0)), HALF, blend=blend, slices=slices))[32, 32]

    alone, first, second = shown(), shown(near), shown(far)
    for a, b in ((0.0, 0.0), (1e-4, 0.0), (0.3, 0.0), (0.0, 0.4), (0.3, 0.4), (1.0, 0.4)):
        slices = (Slice((0, 0, 0.25), (0, 0, 1), b, BLUE), Slice((0, 0, -0.25), (0, 0, 1), a, RED))
        expected = a * first + (1 - a) * (b * second + (1 - b) * alone)
        assert shown(*slices) == pytest.approx(expected, abs=1e-5)


def test_beside_tissue_a_slice_in_a_projection_is_seen_by_itself(make_volume):
    volume = make_volume(np.full((64, 64, 64), 100, np.uint8))
    # seen from within the plane's own side there is nothing in front: the projection is empty there
    hidden = TransferFunction(GREY, ((0, 0.0), (255, 0.0)), 1.0)
    some = Slice((0, 0, 0), (0, 0, 1), opacity=0.6, color=RED)
    for blend in ("maximum", "minimum", "average"):
        seen = render(volume, Scene(looking((0, 0, 0)), hidden, blend=blend, slices=(some,)))[32, 32]
        assert seen == pytest.approx((0.6, 0.0, 0.0, 0.6), abs=1e-6)


@pytest.mark.parametrize("blend", ["maximum", "minimum", "average"])
def test_slices_in_projections_are_the_same_to_the_bit_for_any_memory_and_threads(make_volume, blend):
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (9, 20, 18), dtype=np.uint8)
    volume = make_volume(np.kron(coarse, np.ones((8, 8, 8), np.uint8)), Spacing(2, 1, 1))
    transfer = TransferFunction(GREY, ((30, 0), (255, 0.6)), 0.2)
    slices = (
        Slice((0, 0, 0.1), (0.2, -0.1, 1), opacity=0.4, color=RED),
        Slice((0, 0, 0), (1, 0.3, 0.1), color=((0, 0, 0, 0), (255, 0, 1, 0)), outline=(1, 1, 1)),
        Slice((0, 0.1, 0), (0, 1, 0), opacity=0.9, masked=True),
        Slice((0, -0.2, 0), (0, -1, 0), opacity=0.5, cut=True),
    )
    camera = Camera((0.5, -0.6, 1.2), (0, 0, 0), (0, -1, 0), 40.0)
    scene = Scene(camera, transfer, blend=blend, slices=slices)
    least = least_memory(volume, scene, (160, 90))
    ample = render(volume, scene, size=(160, 90))
    for memory, threads in ((64 << 20, 1), (least, 2), (least, 1)):
        assert np.array_equal(render(volume, scene, size=(160, 90), memory=memory, threads=threads), ample)
    assert 0.2 < ample[..., 3].max() <= 1.0 + 1e-5


class Apart(OneByOne):
    """A device with a memory of its own, as a graphics card has: it notices changes only after `finish`."""

    def __init__(self):
        super().__init__()
        self.kept = None

    def walk(self, this):
        if self.kept is None or self.kept[0] is not this.state:
            self.kept = this.state, this.state.copy(), this.limits.copy()
        return super().walk(replace(this, state=self.kept[1], limits=self.kept[2]))

    def finish(self, state):
        if self.kept is not None and self.kept[0] is state:
            state[...] = self.kept[1]
        self.kept = None


@pytest.mark.parametrize("blend", ["composite", "maximum", "average"])
def test_a_device_with_its_own_memory_draws_the_same_between_slices(make_volume, blend):
    coarse = np.random.default_rng(3).integers(0, 255, (6, 8, 8), dtype=np.uint8)
    volume = make_volume(np.kron(coarse, np.ones((8, 8, 8), np.uint8)))
    slices = (
        Slice((0, 0, 0.1), (0.2, -0.1, 1), opacity=0.4, color=RED),
        Slice((0, 0.1, 0), (0, 1, 0), opacity=0.9, masked=True),
        Slice((0, -0.2, 0), (0, -1, 0), opacity=0.5, cut=True),
    )
    transfer = TransferFunction(GREY, ((30, 0), (255, 0.6)), 0.2)
    scene = Scene(Camera((0.5, -0.6, 1.2), (0, 0, 0), (0, -1, 0), 40.0), transfer, blend=blend, slices=slices)
    expected = render(volume, scene, size=(80, 60))
    session = NativeEngine(512 << 20, 2, 1.0).open(volume, Output((80, 60), 1e-6))
    session.device = Apart()
    seen = [session.render(scene).rgba for _ in range(2)]
    session.close()
    assert session.device.passes > 2
    assert np.array_equal(seen[0], seen[1])
    assert (np.abs(seen[0] - expected) > 0.5 / 255).mean() < 0.002
