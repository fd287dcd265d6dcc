"""ParaView's animation as shots: where the camera is, and what else changes."""

from __future__ import annotations

import json
import math
from math import dist

import numpy as np
import pytest

from stackreel.paraview.importing import Wanted, imported, movie_text
from stackreel.paraview.importing.keyframes import animation_of
from stackreel.paraview.importing.report import Report
from stackreel.paraview.importing.splines import Path, kochanek_at
from stackreel.paraview.proxies import Ref
from stackreel.scene import parse

from ..conftest import import_vtk
from .conftest import proxy, state, view, volume

POINTS = [[3, 0, 0], [0, 2, 1], [-2, 0, 2], [0, -2, 0]]


def camera_track(*keys, mode="Interpolate Camera", **settings):
    made = [proxy(f"key{k}", "animation_keyframes", "CameraKeyFrame", "", **key) for k, key in enumerate(keys)]
    cue = proxy(
        "cue", "animation", "CameraAnimationCue", "", Mode=mode, KeyFrames=[Ref(k.key) for k in made], **settings
    )
    return cue, *made


def scene_of(**settings):
    return proxy("anim", "animation", "AnimationScene", "", **settings)


def movie(parts, subject):
    return parse(movie_text(parts, "brain.h5", ["trace.py"])).timeline(subject)


KEYS = [
    {"KeyTime": 0, "Position": [3, 0, 0], "FocalPoint": [0, 0, 0], "ViewUp": [0, 0, 1], "ViewAngle": 30},
    {"KeyTime": 0.3, "Position": [0, 2, 1], "FocalPoint": [0, 0.3, 0], "ViewUp": [0, 0, 1], "ViewAngle": 20},
    {"KeyTime": 0.6, "Position": [-2, 0, 2], "FocalPoint": [0, 0.3, 0.2], "ViewUp": [0, 1, 1], "ViewAngle": 40},
    {"KeyTime": 1, "Position": [0, -2, 0], "FocalPoint": [0.3, 0, 0], "ViewUp": [0, 0, 1], "ViewAngle": 30},
]
ALONG = {"PositionPathPoints": [v for p in POINTS for v in p], "ViewUp": [0, 1, 1], "ViewAngle": 24}


def test_key_poses_are_passed_as_vtks_camera_interpolator_passes_them():
    vtk = import_vtk()
    between = vtk.vtkCameraInterpolator()
    between.SetInterpolationTypeToSpline()
    for key in KEYS:
        camera = vtk.vtkCamera()
        camera.SetPosition(key["Position"])
        camera.SetFocalPoint(key["FocalPoint"])
        camera.SetViewUp(key["ViewUp"])
        camera.SetViewAngle(key["ViewAngle"])
        between.AddCamera(key["KeyTime"], camera)
    track = animation_of(state(*camera_track(*KEYS)), 1.0, Report()).camera
    for t in np.linspace(0, 1, 41):
        between.InterpolateCamera(t, camera)
        position, focal, up, angle = track.at(t)
        assert position == pytest.approx(camera.GetPosition(), abs=1e-9)
        assert focal == pytest.approx(camera.GetFocalPoint(), abs=1e-9)
        assert up / np.linalg.norm(up) == pytest.approx(camera.GetViewUp(), abs=1e-9)
        assert angle == pytest.approx(camera.GetViewAngle())


@pytest.mark.parametrize(
    ("closed", "points"),
    [(False, POINTS[:2]), (False, POINTS[:3]), (False, POINTS), (True, POINTS[:3]), (True, POINTS)],
)
def test_a_drawn_path_is_vtks_parametric_spline(closed, points):
    vtk = import_vtk()
    given, spline = vtk.vtkPoints(), vtk.vtkParametricSpline()
    for point in points:
        given.InsertNextPoint(point)
    spline.SetPoints(given)
    spline.SetClosed(closed)
    spline.SetLeftConstraint(1)
    spline.SetRightConstraint(1)
    spline.SetLeftValue(0)
    spline.SetRightValue(0)
    path, found = Path.through(points, closed=closed), [0.0, 0.0, 0.0]
    for u in np.linspace(0, 1, 41):
        spline.Evaluate([u, 0, 0], found, [0.0] * 9)
        assert path.at(u) == pytest.approx(found, abs=1e-9)


def test_a_curve_through_one_key_stays_there():
    assert kochanek_at(np.array([0.5]), np.array([[1.0, 2.0]]), 0.9).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "track",
    [
        camera_track(*KEYS),
        camera_track(*KEYS, Interpolation="Linear"),
        camera_track(*KEYS, StartTime=0.2, EndTime=0.7),
        camera_track({"KeyTime": 0, **ALONG}, {"KeyTime": 1}, mode="Path-based"),
        camera_track({"KeyTime": 0, **ALONG, "ClosedPositionPath": 1}, {"KeyTime": 1}, mode="Path-based"),
    ],
    ids=["spline", "linear", "later", "path", "round"],
)
def test_the_movies_camera_is_where_paraviews_is(track, subject):
    seen = state(view(), *track)
    parts = imported([seen], Wanted(keys=True, seconds=8.0))
    timeline = movie(parts, subject)
    assert timeline.seconds == 8.0
    wanted = animation_of(seen, 8.0, Report()).camera
    for t in np.linspace(0, 1, 101):
        camera = timeline.at(8.0 * t).camera
        position, focal, _, angle = wanted.at(t)
        away = dist(position, focal)
        assert dist(camera.position, position) < 0.006 * away
        assert dist(camera.focal_point, focal) < 0.006 * away
        assert camera.view_angle == pytest.approx(angle, rel=0.01)
    assert sum(len(s.get("camera", {}).get("keys", ())) for s in parts.shots) < 80


def test_key_poses_of_the_file_are_keys_of_the_movie():
    parts = imported([state(view(), *camera_track(*KEYS))], Wanted(keys=True, seconds=10.0))
    keys = {k["at"]: k["position"] for k in parts.shots[0]["camera"]["keys"]}
    assert [keys[10.0 * key["KeyTime"]] for key in KEYS] == [key["Position"] for key in KEYS]


@pytest.mark.parametrize("turns", [1, -1])
def test_a_circle_around_what_is_looked_at_is_an_orbit(turns, subject):
    ring = [[math.sin(turns * a), 0.5, math.cos(turns * a)] for a in np.linspace(0, 2 * np.pi, 9)[:-1]]
    key = {"KeyTime": 0, "PositionPathPoints": [2 * v if k != 1 else v for p in ring for k, v in enumerate(p)],
           "FocalPathPoints": [0, 0, 0], "ClosedPositionPath": 1, "ViewUp": [0, 1, 0]}  # fmt: skip
    seen = state(view(), *camera_track(key, {"KeyTime": 1}, mode="Path-based"))
    parts = imported([seen], Wanted(keys=True, seconds=4.0))
    assert parts.shots[0]["orbit"] == {"axis": "y" if turns > 0 else "-y", "degrees": 360.0, "about": [0.0, 0.0, 0.0]}
    timeline, wanted = movie(parts, subject), animation_of(seen, 4.0, Report()).camera
    for t in np.linspace(0, 0.99, 23):
        assert dist(timeline.at(4.0 * t).camera.position, wanted.at(t)[0]) < 0.02


# ---------------------------------------------------------------- how long


@pytest.mark.parametrize(
    ("settings", "rate", "lasts"),
    [
        ({"NumberOfFrames": 100, "PlayMode": "Sequence"}, None, 4.0),
        ({"NumberOfFrames": 100, "PlayMode": "Sequence"}, 10, 10.0),
        ({"Duration": 7, "PlayMode": "Real Time", "NumberOfFrames": 10}, 10, 7.0),
    ],
)
def test_the_animation_lasts_as_long_as_in_paraview(settings, rate, lasts, subject):
    saved = [] if rate is None else [proxy("s", "misc", "SaveAnimation", "", FrameRate=rate)]
    seen = state(view(), scene_of(**settings), *camera_track(*KEYS), *saved)
    parts = imported([seen], Wanted(keys=True))
    assert movie(parts, subject).seconds == pytest.approx(lasts)
    assert parts.output.get("fps") == rate
    assert imported([seen], Wanted(keys=True, seconds=3.0)).shots[0]["seconds"] == 3.0


def test_without_keys_it_is_said_that_there_are_some():
    parts = imported([state(view(), *camera_track(*KEYS))])
    assert parts.shots == []
    assert any("--keys makes shots of them" in sentence for sentence in parts.report.taken)


# ---------------------------------------------------------------- properties


def track(target, name, keys, element=-1):
    made = [proxy(f"{name}{k}", "animation_keyframes", "CompositeKeyFrame", "", **key) for k, key in enumerate(keys)]
    cue = proxy(
        f"cue {name}", "animation", "KeyFrameAnimationCue", "", 77, AnimatedProxy=Ref(target),
        AnimatedPropertyName=name, AnimatedElement=element, KeyFrames=[Ref(k.key) for k in made],
    )  # fmt: skip
    return cue, *made


CLIP = proxy("clip1", "filters", "Clip", "Clip1", ClipType="Plane", ClipType__Origin=[0, 0, -0.1],
             ClipType__Normal=[0, 0, 1], Invert=0, Input=Ref("reader"))  # fmt: skip


def test_a_clip_plane_travels_as_its_key_frames_say(subject):
    keys = [{"KeyTime": 0.2, "KeyValues": [0, 0, -0.1]}, {"KeyTime": 0.6, "KeyValues": [0, 0, 0.05]}]
    seen = state(view(), *volume(Input=Ref("clip1")), CLIP, *track("clip1", "ClipType.Origin", keys))
    timeline = movie(imported([seen], Wanted(keys=True, seconds=10.0)), subject)
    at = [timeline.at(t).clip[0].origin[2] for t in (0, 1, 2, 3, 4, 5, 6, 8)]
    assert at == pytest.approx([-0.1, -0.1, -0.1, -0.0625, -0.025, 0.0125, 0.05, 0.05])


def test_one_number_of_a_property_may_travel_alone(subject):
    keys = [{"KeyTime": 0, "KeyValues": [-0.1]}, {"KeyTime": 1, "KeyValues": [0.1]}]
    seen = state(view(), *volume(Input=Ref("clip1")), CLIP, *track("clip1", "ClipType.Origin", keys, element=2))
    timeline = movie(imported([seen], Wanted(keys=True, seconds=4.0)), subject)
    assert timeline.at(3.0).clip[0].origin == pytest.approx((0, 0, 0.05))


@pytest.mark.parametrize(
    ("easing", "wanted"),
    [
        ({"Interpolation": "Exponential", "Base": 2, "StartPower": 0, "EndPower": 3}, lambda u: (2 ** (3 * u) - 1) / 7),
        ({"Interpolation": "Boolean"}, lambda u: 0.0),
        ({"Interpolation": "Ramp"}, lambda u: u),
    ],
)
def test_other_ways_between_keys_are_laid_out(easing, wanted, subject):
    keys = [{"KeyTime": 0, "KeyValues": [0, 0, 0], **easing}, {"KeyTime": 1, "KeyValues": [0, 0, 0.12]}]
    seen = state(view(), *volume(Input=Ref("clip1")), CLIP, *track("clip1", "ClipType.Origin", keys))
    parts = imported([seen], Wanted(keys=True, seconds=10.0))
    timeline = movie(parts, subject)
    for u in (0.0, 0.13, 0.4, 0.77, 0.9):
        assert timeline.at(10 * u).clip[0].origin[2] == pytest.approx(0.12 * wanted(u), abs=0.002)
    assert timeline.at(10.0).clip[0].origin[2] == pytest.approx(0.12)


def test_a_slice_travels_and_the_camera_too(subject):
    cut = proxy(
        "slice1",
        "filters",
        "Slice",
        "Slice1",
        SliceType__Origin=[0, 0, 0],
        SliceType__Normal=[0, 0, 1],
        Input=Ref("reader"),
    )
    shown = proxy("d2", "representations", "GeometryRepresentation", Input=Ref("slice1"), View=Ref("renderView1"))
    keys = [
        {"KeyTime": 0, "KeyValues": [0, 0, -0.1]},
        {"KeyTime": 0.5, "KeyValues": [0, 0, 0.1]},
        {"KeyTime": 1, "KeyValues": [0, 0, 0]},
    ]
    seen = state(view(), *volume(), cut, shown, *track("slice1", "SliceType.Origin", keys), *camera_track(*KEYS))
    timeline = movie(imported([seen], Wanted(keys=True, seconds=10.0)), subject)
    assert [timeline.at(t).slices[0].origin[2] for t in (0, 2.5, 5, 7.5)] == pytest.approx([-0.1, 0, 0.1, 0.05])
    assert timeline.at(6.0).camera.position == pytest.approx((-2, 0, 2))


def test_a_slices_opacity_follows_its_track(subject):
    cut = proxy("slice1", "filters", "Slice", "Slice1", SliceType__Normal=[0, 0, 1], Input=Ref("reader"))
    shown = proxy("d2", "representations", "GeometryRepresentation", Input=Ref("slice1"), View=Ref("renderView1"))
    keys = [{"KeyTime": 0, "KeyValues": [0]}, {"KeyTime": 1, "KeyValues": [1]}]
    seen = state(view(), *volume(), cut, shown, *track("slice1", "Opacity", keys))
    timeline = movie(imported([seen], Wanted(keys=True, seconds=4.0)), subject)
    assert [timeline.at(t).slices[0].opacity for t in (0, 1, 4)] == pytest.approx([0, 0.25, 1])


def test_the_opacity_unit_follows_its_track(subject):
    keys = [{"KeyTime": 0, "KeyValues": [0.002]}, {"KeyTime": 1, "KeyValues": [0.02]}]
    seen = state(view(), *volume(), *track("display", "ScalarOpacityUnitDistance", keys))
    timeline = movie(imported([seen], Wanted(keys=True, seconds=4.0)), subject)
    assert timeline.at(0).transfer.opacity_unit == pytest.approx(0.002)
    assert timeline.at(4).transfer.opacity_unit == pytest.approx(0.02)


def test_a_track_that_nothing_follows_is_told():
    keys = [{"KeyTime": 0, "KeyValues": [0]}, {"KeyTime": 1, "KeyValues": [5]}]
    seen = state(view(), *volume(), *track("reader", "Stride", keys))
    parts = imported([seen], Wanted(keys=True, seconds=2.0))
    assert any("trace.py:77" in str(one) and "Stride" in str(one) for one in parts.report.left)
    assert parts.shots == []


def test_the_report_can_be_read_by_programs():
    parts = imported([state(view(), *camera_track(*KEYS))], Wanted(keys=True))
    assert json.loads(json.dumps(parts.shots)) == parts.shots
