"""What is true of every engine. A subclass says which, and which volumes it opens:

class TestNative(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls): return NativeEngine(…)
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from stackreel.frames.engine import Output
from stackreel.geometry import Box, Spacing
from stackreel.scene import Camera, ClipPlane, Gradient, Scene, Slice, TransferFunction
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe

SIZE = (160, 120)
FAR = 8.0  # from the volume's middle: so far that all rays are nearly parallel
ACROSS = 1.2  # world length that the picture's height shows in the middle of the volume
WHITE = ((0.0, 1.0, 1.0, 1.0),)
CAMERA = Camera((0, 0, -FAR), (0, 0, 0), (0, -1, 0), math.degrees(2 * math.atan(ACROSS / 2 / FAR)))
FOG = TransferFunction(WHITE, ((0, 0.0), (50, 0.0), (60, 0.3), (255, 0.3)), 0.1)
SOLID = TransferFunction(WHITE, ((0, 0.0), (50, 0.0), (60, 1.0), (255, 1.0)), 0.001)
RED = ((0.0, 1.0, 0.0, 0.0),)


class Stack:
    """Sections that are an array already."""

    files, notes, spacing, banded = (), (), None, True

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def read(self, z, rows, out=None):
        if out is None:
            return self.array[z, rows].copy()
        out[...] = self.array[z, rows]
        return out

    def close(self):
        pass


def column_of(x, z):
    """Where a world point appears, in pixels from the left edge."""
    return SIZE[0] / 2 + x * FAR / (FAR + z) * SIZE[1] / ACROSS


def edges(row):
    """Where a row of numbers first rises above half of its highest, and where it last falls below, in pixels."""
    half = row.max() / 2.0
    inside = np.flatnonzero(row > half)
    first, last = inside[0], inside[-1]
    rise = (row[first] - half) / (row[first] - row[first - 1]) if first else 0.0
    fall = (row[last] - half) / (row[last] - row[last + 1])
    return first + 0.5 - rise, last + 0.5 + fall


class EngineContract:
    """Even fog of value 100 in a box of 40 × 60 × 80 samples, which is 1 wide, 0.75 high and 0.5 deep."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        raise NotImplementedError

    @classmethod
    def made(cls, fog, folder):
        """The volume of an array, in a file that the engine opens."""
        return build(Stack(fog), folder / "fog.h5", Recipe("fog", Spacing(1, 1, 1)))

    @pytest.fixture(scope="class")
    @classmethod
    def volume(cls, tmp_path_factory):
        return cls.made(np.full((40, 60, 80), 100, np.uint8), tmp_path_factory.mktemp("fog"))

    @pytest.fixture(scope="class")
    @classmethod
    def session(cls, engine, volume):
        session = engine.open(volume, Output(SIZE, 1e-6))
        yield session
        session.close()

    def alpha(self, session, scene):
        """How much of the light of white tissue arrives, 0..1, (rows, columns)."""
        return session.render(scene).over(scene.background)[..., 0] / 255.0

    def test_it_has_a_name_and_a_version(self, engine):
        assert engine.name
        assert engine.version

    def test_a_plain_scene_is_not_refused(self, engine):
        assert engine.refuse(Scene(CAMERA, FOG)) is None

    def test_fog_obeys_beer_lambert(self, session):
        expected = 1 - (1 - 0.3) ** ((39 / 80) / FOG.opacity_unit)
        assert self.alpha(session, Scene(CAMERA, FOG))[60, 80] == pytest.approx(expected, abs=0.008)

    def test_a_frame_is_premultiplied_and_of_the_size_asked_for(self, session):
        rgba = session.render(Scene(CAMERA, FOG)).rgba
        assert rgba.shape == (SIZE[1], SIZE[0], 4)
        assert rgba.dtype == np.float32
        assert (rgba[..., :3] <= rgba[..., 3:] + 1e-6).all()
        assert 0.0 <= rgba.min() <= rgba.max() <= 1.0

    def test_a_picture_does_not_depend_on_those_before_it(self, session):
        scene = Scene(CAMERA, FOG, background=(0.1, 0.2, 0.3))
        other = replace(
            scene,
            camera=Camera((2.0, 1.0, -1.5), (0, 0, 0), (0, -1, 0), 40.0),
            transfer=SOLID,
            crop=Box((-0.2, -0.2, -0.2), (0.2, 0.2, 0.2)),
            clip=(ClipPlane((0, 0, 0), (1, 1, 0)),),
            slices=(Slice((0, 0, 0), (0, 0, 1)),),
            background=Gradient((1, 0, 0), (0, 1, 0)),
        )
        first = session.render(scene).over(scene.background)
        between = session.render(other).over(other.background)
        assert (between != first).any()
        assert (session.render(scene).over(scene.background) == first).all()

    def test_where_nothing_is_there_is_the_background(self, session):
        away = Camera((0, 0, -FAR), (0, 0, -2 * FAR), (0, -1, 0), 30.0)
        ground = (0.2, 0.4, 0.6)
        picture = session.render(Scene(away, FOG, background=ground)).over(ground)
        assert (picture == (51, 102, 153)).all()

    def test_a_gradient_runs_from_top_to_bottom(self, session):
        ground = Gradient((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
        picture = session.render(Scene(CAMERA, FOG, background=ground)).over(ground)
        rows = (np.arange(SIZE[1]) + 0.5) / SIZE[1]
        assert np.abs(picture[:, 0, 2] - 255 * rows).max() <= 1.0
        assert np.abs(picture[:, 0, 0] - 255 * (1 - rows)).max() <= 1.0

    def test_the_edges_of_a_crop_are_where_they_should_be(self, session):
        crop = Box((-0.313, -0.2, -0.11), (0.177, 0.2, 0.13))
        left, right = edges(self.alpha(session, Scene(CAMERA, SOLID, crop=crop))[60])
        assert left == pytest.approx(column_of(-0.313, -0.11), abs=0.6)
        assert right == pytest.approx(column_of(0.177, -0.11), abs=0.6)

    def test_the_edge_of_a_clip_plane_is_where_it_should_be(self, session):
        """A plane through x = 0.1 that stands in the view direction and keeps what is to its right."""
        scene = Scene(CAMERA, SOLID, clip=(ClipPlane((0.1, 0, 0), (1, 0, 0)),))
        left, _ = edges(self.alpha(session, scene)[60])
        assert left == pytest.approx(column_of(0.1, 39 / 80 - 0.25), abs=1.0)

    def test_an_opaque_slice_hides_what_lies_behind_it(self, session):
        """Before it lies fog, half as deep as the volume; where it ends, there is nothing but fog."""
        z = -0.05
        scene = Scene(CAMERA, FOG, slices=(Slice((0, 0, z), (0, 0, 1), color=RED),))
        red, green, _ = session.render(scene).rgba[60, 80, :3]
        before = 1 - (1 - 0.3) ** ((z + 0.25) / FOG.opacity_unit)
        assert green == pytest.approx(before, abs=0.01)
        assert red == pytest.approx(1.0, abs=0.01)

    def test_a_slice_takes_the_colours_of_the_volume_and_leaves_them_as_they_are(self, session):
        colored = replace(FOG, color=((0.0, 0.0, 0.0, 0.0), (100.0, 0.2, 1.0, 0.6), (255.0, 1.0, 1.0, 1.0)))
        scene = Scene(CAMERA, colored, slices=(Slice((0, 0, -0.25), (0, 0, 1)),))
        assert session.render(scene).rgba[60, 80, :3] == pytest.approx((0.2, 1.0, 0.6), abs=0.01)
        behind = replace(scene, slices=(Slice((0, 0, 39 / 80 - 0.25), (0, 0, 1)),))
        assert session.render(behind).rgba[60, 80, :3] == pytest.approx((0.2, 1.0, 0.6), abs=0.01)

    def test_a_slice_of_glass_lets_light_through(self, session):
        scene = Scene(CAMERA, FOG, slices=(Slice((0, 0, -0.25), (0, 0, 1), opacity=0.5, color=RED),))
        _, green, _ = session.render(scene).rgba[60, 80, :3]
        assert green == pytest.approx(0.5 * (1 - (1 - 0.3) ** ((39 / 80) / FOG.opacity_unit)), abs=0.02)

    def test_a_cut_slice_opens_the_volume(self, session):
        """Nothing is before it, and the slice itself is seen."""
        scene = Scene(CAMERA, FOG, slices=(Slice((0, 0, 0), (0, 0, -1), cut=True, color=RED),))
        red, green, _ = session.render(scene).rgba[60, 80, :3]
        assert (red, green) == (pytest.approx(1.0, abs=0.01), pytest.approx(0.0, abs=0.02))

    def test_without_a_background_the_fog_stays_transparent(self, engine, volume):
        session = engine.open(volume, Output(SIZE, 1e-6, samples=4, transparent=True))
        try:
            rgba = session.render(Scene(CAMERA, FOG, background=(0.3, 0.9, 0.1))).rgba
        finally:
            session.close()
        expected = 1 - (1 - 0.3) ** ((39 / 80) / FOG.opacity_unit)
        assert rgba.shape == (SIZE[1], SIZE[0], 4)
        assert rgba[60, 80] == pytest.approx([expected] * 4, abs=0.01)
        assert not rgba[0, 0].any()
