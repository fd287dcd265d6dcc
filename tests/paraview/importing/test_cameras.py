"""Cameras of ParaView's views as poses of a movie."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.importing import Wanted, imported, movie_text
from stackreel.paraview.proxies import Ref
from stackreel.scene import parse

from ..conftest import import_vtk
from .conftest import proxy, state, view, volume


def taken(parts):
    return "\n".join(parts.report.taken)


def left(parts):
    return "\n".join(map(str, parts.report.left))


def test_a_cameras_numbers_are_the_same_in_the_movie():
    numbers = {
        "CameraPosition": [1.4721947803, -0.63, -1.9 / 3],
        "CameraFocalPoint": [1e-5, 2 / 7, -0.033],
        "CameraViewUp": [0.1, -0.98, 1 / 3],
        "CameraViewAngle": 22.5,
    }
    text = movie_text(imported([state(view(**numbers))]), "brain.h5", ["trace.py"])
    camera = parse(text).spec.scene.camera
    assert camera.position == tuple(numbers["CameraPosition"])
    assert camera.focal_point == tuple(numbers["CameraFocalPoint"])
    assert camera.view_up == tuple(numbers["CameraViewUp"])
    assert camera.view_angle == 22.5


def test_what_paraview_leaves_out_is_its_default_and_that_is_said():
    parts = imported([state(proxy("v", "views", "RenderView", "v", CameraPosition=[0, 0, 3]))])
    pose = {"position": [0, 0, 3], "focal_point": [0, 0, 0], "view_up": [0, 1, 0], "view_angle": 30}
    assert parts.scene["camera"] == pose
    assert "focal point 0, 0, 0 and view up 0, 1, 0" in taken(parts)


def test_a_view_without_a_position_has_no_camera():
    parts = imported([state(proxy("v", "views", "RenderView", "v", 7, CameraViewUp=[0, 0, 1]))])
    assert "camera" not in parts.scene
    assert "trace.py:7: v: its camera has no position" in left(parts)


def test_a_camera_that_nobody_moved_is_none():
    parts = imported([state(proxy("v", "views", "RenderView", "v", CameraPosition=[0, 0, 1]))])
    assert "camera" not in parts.scene
    assert "nobody has moved" in left(parts)


def test_a_parallel_projection_shows_the_focal_plane_as_large():
    seen = view(CameraParallelProjection=1, CameraParallelScale=0.4)
    pose = imported([state(seen)]).scene["camera"]
    vtk = import_vtk()
    camera = vtk.vtkCamera()
    camera.SetPosition(*pose["position"])
    camera.SetFocalPoint(*pose["focal_point"])
    half = camera.GetDistance() * np.tan(np.radians(pose["view_angle"]) / 2)
    assert half == pytest.approx(0.4)
    direction = np.subtract(pose["position"], pose["focal_point"])
    assert np.cross(direction, [1.5, -0.7, -1.9]) == pytest.approx(0, abs=1e-9)


def test_a_camera_that_looks_nowhere_is_told():
    parts = imported([state(view(CameraPosition=[0, 0, 0], CameraFocalPoint=[0, 0, 0]))])
    assert "looks nowhere" in left(parts)


def test_a_view_up_along_the_view_is_replaced_by_one_that_stands():
    parts = imported([state(view(CameraPosition=[0, 0, 2], CameraFocalPoint=[0, 0, 0], CameraViewUp=[0, 0, 1]))])
    parse(movie_text(parts, "brain.h5", ["trace.py"]))
    assert "view up points along the view" in left(parts)


def test_several_views_become_places_to_fly_to():
    other = view("renderView2", CameraPosition=[-2, 0, 0])
    text = movie_text(imported([state(view(), other)]), "brain.h5", ["trace.py"])
    assert set(parse(text).spec.places) == {"renderView1", "renderView2"}
    flown = text[: text.index("shots:")] + "shots: [{seconds: 2, fly: {to: renderView2}}]"
    assert parse(flown).spec.places["renderView2"].camera.position == (-2, 0, 0)


def test_the_view_that_shows_the_volume_has_the_first_camera():
    other = view("renderView2", CameraPosition=[-2, 0, 0])
    parts = imported([state(other, view(), *volume())])
    assert parts.scene["camera"]["position"] == [1.5, -0.6, -1.9]
    assert imported([state(other, view(), *volume())], Wanted(view="renderView2")).scene["camera"]["position"] == [
        -2,
        0,
        0,
    ]


def test_a_view_or_array_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ParaViewError, match='no view "nowhere"; there are renderView1'):
        imported([state(view())], Wanted(view="nowhere"))
    with pytest.raises(ParaViewError, match='no array "PLX"; there are PLI'):
        imported([state(view(), *volume())], Wanted(array="PLX"))


def test_camera_files_give_places_by_the_files_names():
    files = [
        state(proxy("camera", "views", "RenderView", "", CameraPosition=[k, 0, 2]), name=f"{name}.pvcc")
        for k, name in enumerate(("left", "top"))
    ]
    assert {n: p["camera"]["position"][0] for n, p in imported(files).places.items()} == {"left": 0.0, "top": 1.0}


def test_cameras_one_after_the_other_become_a_shot_that_passes_them():
    poses = [
        proxy(f"v#{k}", "views", "CameraPose", f"v#{k}", CameraPosition=[k, 0, 2], CameraViewUp=[0, 1, 0])
        for k in range(3)
    ]
    seen = state(view("v", CameraPosition=[2, 0, 2], CameraFocalPoint=[0, 0, 0], CameraViewUp=[0, 1, 0]), *poses)
    (shot,) = imported([seen], Wanted(keys=True, seconds=6.0)).shots
    assert [(k["at"], k["position"][0]) for k in shot["camera"]["keys"]] == [(0, 0), (3, 1), (6, 2)]
    assert imported([seen]).shots == []


def test_a_camera_fitted_to_the_data_is_fitted_to_the_volume_as_vtk_does(ground, subject):
    fitted = ("CameraPosition", "CameraFocalPoint", "CameraParallelScale")
    seen = proxy("v", "views", "RenderView", "v", ResetCamera=fitted, CameraPosition=[1, 0, 1], CameraViewUp=[0, 1, 0])
    pose = imported([state(seen)], Wanted(ground=ground, subject=subject)).scene["camera"]
    vtk = import_vtk()
    renderer, box = vtk.vtkRenderer(), ground.full.bounds
    renderer.GetActiveCamera().SetPosition(1, 0, 1)
    renderer.ResetCamera([v for pair in zip(box.lower, box.upper, strict=True) for v in pair])
    assert pose["position"] == pytest.approx(renderer.GetActiveCamera().GetPosition())
    assert pose["focal_point"] == pytest.approx(renderer.GetActiveCamera().GetFocalPoint())


def test_a_camera_fitted_to_data_that_are_not_here_asks_for_the_volume():
    seen = proxy("v", "views", "RenderView", "v", 3, ResetCamera=("CameraPosition", "CameraFocalPoint"))
    parts = imported([state(seen)])
    assert "camera" not in parts.scene
    assert "trace.py:3: v: its camera was fitted to the data (ResetCamera); add --volume" in left(parts)


def test_the_pictures_size_is_even_and_the_saved_one_before_the_views():
    assert imported([state(view(ViewSize=[927, 675]))]).output == {"size": [926, 674]}
    saved = proxy("s", "misc", "SaveScreenshot", "", ImageResolution=[1920, 1080], View=Ref("renderView1"))
    assert imported([state(view(ViewSize=[927, 675]), saved)]).output == {"size": [1920, 1080]}
