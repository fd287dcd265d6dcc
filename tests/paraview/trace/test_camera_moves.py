"""A camera moved by a script ends where VTK's own camera does, and where ParaView's does."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackreel.paraview.proxies import Proxy
from stackreel.paraview.trace import read_trace

from ..conftest import find_pvpython

PLACES = {"Position": (3.0, -1.0, 2.0), "FocalPoint": (0.5, 0.25, -1.0), "ViewUp": (0.1, 0.9, 0.3)}
# Not over the pole: where looking and up are opposite, vtkCamera turns around an axis that is one move old.
moves = st.one_of(
    st.tuples(st.sampled_from(["Azimuth", "Roll", "Yaw"]), st.floats(-170, 170)),
    st.tuples(st.sampled_from(["Elevation", "Pitch"]), st.floats(-12, 12)),
    st.tuples(st.sampled_from(["Dolly", "Zoom"]), st.floats(0.5, 2.0)),
)


def view(said: str) -> Proxy:
    state = read_trace("view = GetRenderView()\ncamera = GetActiveCamera()\n" + said, "a.py")
    assert not state.unread
    found = state.find("view")
    assert found
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(moves, max_size=6))
def test_a_moved_camera_is_where_vtks_is(many):
    vtk = pytest.importorskip("vtk")
    camera = vtk.vtkCamera()
    said = ""
    for name, value in PLACES.items():
        getattr(camera, f"Set{name}")(value)
        said += f"camera.Set{name}{value}\n"
    for name, value in many:
        getattr(camera, name)(value)
        said += f"camera.{name}({value!r})\n"
    found = view(said)
    for name in PLACES:
        ours, theirs = np.array(found.numbers(f"Camera{name}")), np.array(getattr(camera, f"Get{name}")())
        if name == "ViewUp":  # of any length in a trace, and of length 1 in VTK
            ours /= np.linalg.norm(ours)
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert (found.get("CameraViewAngle") or 30.0) == pytest.approx(camera.GetViewAngle())


def test_a_camera_that_was_fitted_to_the_data_keeps_its_direction():
    found = view("view.ResetCamera()\ncamera.Azimuth(90)\n")
    assert found.numbers("CameraPosition") == pytest.approx((1.0, 0.0, 0.0))
    assert found.get("ResetCamera") == ("CameraPosition", "CameraFocalPoint", "CameraParallelScale")


def test_a_camera_that_no_one_has_set_is_fitted_by_paraview_itself():
    assert view("camera.Elevation(30)\n").get("ResetCamera")


def test_a_camera_fitted_after_it_was_set_looks_from_where_it_was_set():
    found = view("view.CameraPosition = [0, -5, 0]\nview.CameraViewUp = [0, 0, 1]\nResetCamera()\n")
    assert found.numbers("CameraPosition") == (0.0, -5.0, 0.0)
    assert found.line_of("ResetCamera") == 5


def test_a_camera_set_after_it_was_fitted_is_where_it_was_set():
    both = view("view.ResetCamera()\nview.CameraPosition = [0, -5, 0]\nview.CameraFocalPoint = [0, 0, 0]\n")
    assert both.get("ResetCamera") == ("CameraParallelScale",)
    one = view("view.ResetCamera()\nview.CameraPosition = [0, -5, 0]\n")
    assert one.get("ResetCamera") == ("CameraFocalPoint", "CameraParallelScale")


def test_a_look_along_an_axis_is_a_direction():
    found = view("view.ResetActiveCameraToNegativeZ()\nview.ResetCamera()\n")
    position, focal = (np.array(found.numbers(name)) for name in ("CameraPosition", "CameraFocalPoint"))
    assert (focal - position) == pytest.approx((0, 0, -1))
    assert found.get("ResetCamera")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("view.ResetCamera()\ncamera.Dolly(2)", "depends on the data"),
        ("for i in range(36):\n    camera.Azimuth(10)\n    Render()", "moved in a loop"),
        ("camera.Azimuth(angle)", "`angle` is not known"),
        ("view.CameraPosition = [1, 2, 3]\nview.CameraFocalPoint = [1, 2, 3]\ncamera.Azimuth(1)", "looks nowhere"),
        ("camera.Dolly(0)", "data"),
        ("camera.SpinAround(0)", "not known to this reader"),
    ],
)
def test_a_move_that_depends_on_more_is_told(said, reason):
    state = read_trace("view = GetRenderView()\ncamera = GetActiveCamera()\n" + said, "a.py")
    assert [each for each in state.unread if reason in each.reason], state.unread


def test_a_camera_says_where_it_is_only_while_that_is_known():
    known = view(
        "view.CameraPosition = [1, 2, 3]\np = camera.GetPosition()\ncamera.SetPosition(p[0] + 1, p[1], p[2])\n"
    )
    assert known.numbers("CameraPosition") == (2.0, 2.0, 3.0)
    state = read_trace(
        "v = GetRenderView()\nv.ResetCamera()\nv.CameraPosition = GetActiveCamera().GetPosition()\n", "a.py"
    )
    assert [each.line for each in state.unread] == [3]


@pytest.mark.paraview
def test_the_buttons_of_paraview_lead_where_paraviews_do(tmp_path):
    pvpython = find_pvpython()
    said = [
        "view.ApplyIsometricView()",
        "view.ResetActiveCameraToPositiveY()",
        "camera.SetPosition(3, 1, 2)\nview.AdjustElevation(20.0)",
        "camera.SetPosition(3, 1, 2)\nview.AdjustAzimuth(20.0)\nview.AdjustRoll(5.0)\nview.AdjustZoom(1.5)",
    ]
    script = tmp_path / "look.py"
    script.write_text(
        "import json, sys\nfrom paraview.simple import *\nfound = []\n"
        f"for said in {said!r}:\n"
        "    view = CreateRenderView()\n    camera = view.GetActiveCamera()\n"
        "    camera.SetPosition(0, 0, 1)\n    exec(said)\n"
        "    found.append([camera.GetPosition(), camera.GetFocalPoint(), camera.GetViewUp()])\n"
        f"json.dump(found, open({str(tmp_path / 'found.json')!r}, 'w'))\n"
    )
    done = subprocess.run(
        [pvpython, "--force-offscreen-rendering", str(script)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for each, expected in zip(said, json.loads((tmp_path / "found.json").read_text()), strict=True):
        found = view("camera.SetPosition(0, 0, 1)\n" + each + "\n")
        names = ("CameraPosition", "CameraFocalPoint", "CameraViewUp")
        values = [
            found.numbers(name) or default
            for name, default in zip(names, ((0, 0, 1), (0, 0, 0), (0, 1, 0)), strict=True)
        ]
        assert np.array(values) == pytest.approx(np.array(expected), abs=1e-6), each
