"""Exported key frames, in the three forms that ParaView 5.12 and later write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Ref
from stackreel.paraview.statefiles import read_state_file

Written = Callable[[str, "str | bytes"], Path]

POSES = """{
  "keyFrames" :
  [
    {
      "camera" :
      {
        "focalPoint" : [ 0.0, 0.0, 0.0 ],
        "parallelScale" : 1.0,
        "position" : [ 0.0, 0.0, 2.5 ],
        "viewAngle" : 30.0,
        "viewUp" : [ 0.0, 1.0, 0.0 ]
      },
      "time" : 0.0
    },
    { "camera" : { "position" : [ 2.5, 0.0, 0.0 ] }, "time" : 1.0 }
  ]
}
"""


def test_poses_of_a_camera_are_a_cue_and_its_key_frames(written: Written) -> None:
    state = read_state_file(written("flight.pvkfc", POSES))
    (cue,) = state.of("animation", "CameraAnimationCue")
    assert cue.get("Mode") == "Interpolate Camera"
    assert cue.get("KeyFrames") == (Ref("key frame 1"), Ref("key frame 2"))
    first, last = state.of("animation_keyframes", "CameraKeyFrame")
    assert (first.get("KeyTime"), last.get("KeyTime")) == (0.0, 1.0)
    assert first.numbers("Position") == (0.0, 0.0, 2.5)
    assert first.get("ViewAngle") == 30.0
    assert last.get("FocalPoint") is None


def test_a_path_keeps_all_its_points_and_the_last_key_says_only_its_time(written: Written) -> None:
    text = """{"keyFrames": [
      {"time": 0, "camera": {"positions": [1,0,0, 0,1,0, -1,0,0], "positionPathClosed": 1,
                             "focalPoints": [0,0,0], "focalPointPathClosed": 0, "viewUp": [0,0,1]}},
      {"time": 1}]}"""
    state = read_state_file(written("orbit.pvkfc", text))
    assert state.of("animation")[0].get("Mode") == "Path-based"
    first, last = state.of("animation_keyframes")
    assert first.numbers("PositionPathPoints") == (1, 0, 0, 0, 1, 0, -1, 0, 0)
    assert first.get("ClosedPositionPath") == 1.0
    assert set(last.settings) == {"KeyTime"}


def test_key_frames_of_a_value_say_how_it_glides(written: Written) -> None:
    text = """{"keyFrames": [
      {"time": 0, "value": 3, "interpolation": {"type": "Exponential", "base": 2, "startPower": 0, "endPower": 1}},
      {"time": 0.75, "value": 9.5}]}"""
    state = read_state_file(written("values.pvkfc", text))
    assert state.of("animation", "KeyFrameAnimationCue")[0].get("KeyFrames") == (Ref("key frame 1"), Ref("key frame 2"))
    first, last = state.of("animation_keyframes", "CompositeKeyFrame")
    assert (first.get("Interpolation"), first.get("EndPower")) == ("Exponential", 1.0)
    assert last.get("KeyValues") == (9.5,)


def test_a_key_frame_that_says_nonsense_is_named(written: Written) -> None:
    text = '{"keyFrames": [{"time": 0, "camera": {"position": [1, 2]}}, {"camera": {}}, {"time": 1, "camera": {}}]}'
    state = read_state_file(written("odd.pvkfc", text))
    assert [one.text for one in state.unread] == ["key frame 1: position", "key frame 2"]
    assert len(state.of("animation_keyframes")) == 2


def test_a_track_without_keys_is_refused(written: Written) -> None:
    with pytest.raises(ParaViewError, match='"keyFrames" hold nothing'):
        read_state_file(written("empty.pvkfc", '{"keyFrames": []}'))
