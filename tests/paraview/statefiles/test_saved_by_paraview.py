"""A session that the installed ParaView makes and saves: what is read from its files is what it says itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackreel.paraview.proxies import Proxy, Ref, Value
from stackreel.paraview.statefiles import read_state_file

from .conftest import Saved

pytestmark = pytest.mark.paraview


def as_value(said: Any) -> Value:
    if isinstance(said, dict):
        return Ref(said["proxy"])
    if isinstance(said, list):
        return tuple(as_value(one) for one in said)
    return float(said) if isinstance(said, (bool, int, float)) else said


def alone(value: Value) -> Value:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def named(saved: Saved, name: str) -> Proxy:
    found = saved.state.find(saved.names[name])
    assert found is not None, name
    return found


def test_every_property_is_what_paraview_says_under_the_name_that_python_has(saved: Saved) -> None:
    compared = 0
    for key, said in saved.values.items():
        proxy = saved.state.find(key)
        assert proxy is not None, (key, said["type"])
        assert proxy.type == said["type"]
        for name, value in said["values"].items():
            expected, read = as_value(value), proxy.get(name)
            if read is None and (expected in (None, (), "") or name == "DummyInput"):
                continue
            assert alone(read) == alone(expected), (proxy.type, name)
            compared += 1
    assert compared > 500


def test_the_pipeline_the_views_and_their_layout_are_there(saved: Saved) -> None:
    cut = named(saved, "cut")
    plane, part = saved.state.behind(cut, "ClipType"), saved.state.behind(cut, "Input")
    assert plane is not None
    assert part is not None
    assert (cut.type, cut.name, plane.type, part.type, part.name) == ("Clip", "Open", "Plane", "ExtractGrid", "Corner")
    assert named(saved, "source").name == "5.PLI wavelet"
    (layout,) = [one for one in saved.state.of("misc", "ViewLayout") if one.name == "Both"]
    assert layout.get("Layout") == (Ref(saved.names["view"]), Ref(saved.names["second"]))
    assert {table.name for table in saved.state.of("lookup_tables")} == {"RTData"}


def test_paths_poses_and_moving_properties_are_told_apart(saved: Saved) -> None:
    around, glide = named(saved, "around"), named(saved, "glide")
    assert (around.get("Mode"), glide.get("Mode")) == ("Path-based", "Interpolate Camera")
    first = saved.state.behind(around, "KeyFrames")
    assert first is not None
    assert first.numbers("PositionPathPoints") == (30, 0, 0, 0, 30, 0, -30, 0, 0, 0, -30, 0)
    assert first.get("ClosedPositionPath") == 1.0
    assert saved.state.behind(glide, "AnimatedProxy") == named(saved, "second")
    moved, opening = named(saved, "moved"), named(saved, "opening")
    assert (moved.get("AnimatedPropertyName"), moved.get("AnimatedElement")) == ("Origin", 2.0)
    assert saved.state.behind(moved, "AnimatedProxy") == saved.state.behind(named(saved, "cut"), "ClipType")
    assert opening.get("AnimatedPropertyName") == "SliceOffsetValues"  # in the file it is ContourValues


def test_a_camera_file_has_the_numbers_of_the_view(saved: Saved) -> None:
    (camera,) = read_state_file(saved.folder / "camera.pvcc").of("views")
    view = named(saved, "view")
    for name in ("CameraPosition", "CameraFocalPoint", "CameraViewUp", "CameraViewAngle", "CameraParallelProjection"):
        assert camera.get(name) == view.get(name), name


def test_paraviews_own_colour_maps_are_all_read(saved: Saved) -> None:
    written = json.loads((saved.folder / "presets.json").read_text())
    read = read_state_file(saved.folder / "presets.json")
    assert len(written) > 150
    assert [one.name for one in read.proxies] == [one["Name"] for one in written]
    for proxy, preset in zip(read.proxies, written, strict=True):
        for key in ("RGBPoints", "IndexedColors"):
            assert list(proxy.numbers(key) or ()) == preset.get(key, []), proxy.name
