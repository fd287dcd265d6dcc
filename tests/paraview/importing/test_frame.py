"""From voxels and micrometres to the movie's world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stackreel.errors import ParaViewError
from stackreel.geometry import Placement, Spacing
from stackreel.paraview.importing import Wanted, imported
from stackreel.paraview.importing.frame import Ground

from .conftest import proxy, state, view, volume


def reader(**settings):
    return proxy("reader", "sources", "ImageReader", "raw", FileNames=("/data/brain.raw",), **settings)


VOXELS = {"CameraPosition": [50, 100, -400], "CameraFocalPoint": [50, 100, 20], "CameraViewUp": [0, -1, 0]}


def test_numbers_stay_as_they_are_with_the_files_beside_a_volume(ground, subject):
    seen = state(view(CameraPosition=[30, 0, 0]), *volume())
    for wanted in (Wanted(), Wanted(ground=ground, subject=subject)):
        assert imported([seen], wanted).scene["camera"]["position"] == [30.0, 0.0, 0.0]


@pytest.mark.parametrize("frame", ["auto", "voxel"])
def test_voxels_become_the_world_where_the_camera_looks_at_them(ground, subject, frame):
    parts = imported([state(view(**VOXELS))], Wanted(frame=frame, ground=ground, subject=subject))
    pose = parts.scene["camera"]
    assert pose["focal_point"] == pytest.approx(ground.full.world_from_index((20, 100, 50)))
    assert pose["position"] == pytest.approx(ground.full.world_from_index((-400, 100, 50)))
    assert any("voxels" in sentence for sentence in parts.report.taken)


def test_world_says_that_numbers_stay(ground, subject):
    parts = imported([state(view(**VOXELS))], Wanted(frame="world", ground=ground, subject=subject))
    assert parts.scene["camera"]["position"] == VOXELS["CameraPosition"]


def test_voxels_without_a_volume_ask_for_it():
    with pytest.raises(ParaViewError, match="add --volume"):
        imported([state(view())], Wanted(frame="voxel"))
    assert any("add --volume" in sentence for sentence in imported([state(view(**VOXELS))]).report.taken)


def test_a_reader_that_was_told_spacing_and_origin_says_where_its_numbers_are(ground, subject):
    told = reader(DataExtent=[0, 99, 0, 199, 0, 39], DataSpacing=[0.5, 0.5, 1.5], DataOrigin=[10, 0, 0])
    seen = view(CameraPosition=[35, 50, -60], CameraFocalPoint=[35, 50, 30])
    pose = imported([state(seen, told)], Wanted(ground=ground, subject=subject)).scene["camera"]
    assert pose["focal_point"] == pytest.approx(ground.full.world_from_index((20, 100, 50)))


def test_a_reduced_copy_is_known_by_its_number_of_samples(ground, subject):
    told = reader(DataExtent=[0, 24, 0, 49, 0, 19])
    seen = view(CameraPosition=[12, 25, -60], CameraFocalPoint=[12, 25, 10])
    pose = imported([state(seen, told)], Wanted(ground=ground, subject=subject)).scene["camera"]
    assert pose["focal_point"] == pytest.approx(ground.levels[2].world_from_index((10, 25, 12)))


def test_micrometres_become_the_world(subject):
    full = Placement.of((40, 200, 100), Spacing(60.0, 20.0, 20.0, "um"))
    seen = view(CameraPosition=[1000, 2000, -9000], CameraFocalPoint=[1000, 2000, 1200])
    parts = imported([state(seen)], Wanted(ground=Ground((full,)), subject=replace(subject, um_per_unit=4000.0)))
    assert parts.scene["camera"]["focal_point"] == pytest.approx(full.world_from_index((20, 100, 50)))
    assert any("micrometres" in sentence for sentence in parts.report.taken)


def test_lengths_directions_and_planes_are_converted_too(ground, subject):
    clip = proxy(
        "clip1",
        "filters",
        "Clip",
        "Clip1",
        ClipType="Plane",
        ClipType__Origin=[50, 100, 20],
        ClipType__Normal=[0, 1, 1],
        Invert=0,
    )
    parts = imported([state(view(**VOXELS), clip)], Wanted(ground=ground, subject=subject))
    (plane,) = parts.scene["clip"]
    assert plane["origin"] == pytest.approx(ground.full.world_from_index((20, 100, 50)))
    # two points of the plane stay in it
    other = np.subtract(ground.full.world_from_index((15, 105, 70)), plane["origin"])
    assert float(other @ plane["normal"]) == pytest.approx(0, abs=1e-12)


def test_the_opacity_unit_shrinks_with_the_voxels(subject):
    cubes = Placement.of((100, 100, 100), Spacing(1.0, 1.0, 1.0))
    _, display, *tables = volume(ScalarOpacityUnitDistance=2.0)
    seen = state(view(CameraPosition=[50, 50, -200], CameraFocalPoint=[50, 50, 50]), display, *tables)
    parts = imported([seen], Wanted(ground=Ground((cubes,)), subject=subject))
    assert parts.scene["opacity_unit"] == pytest.approx(0.02)
