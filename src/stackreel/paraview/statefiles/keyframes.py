"""Key frames that were exported from one track of ParaView's animation (.pvkfc, ParaView 5.12 and later).

    {"keyFrames": [
      {"time": 0, "camera": {"position": […], "focalPoint": […], "viewUp": […], "viewAngle": 30, "parallelScale": 1}},
      {"time": 1, "camera": {"positions": [x, y, z, …], "positionPathClosed": 1, "focalPoints": […], …}},   path-based
      {"time": 1, "value": 12, "interpolation": {"type": "Ramp"}}]}                                  of any property

Times run from 0 to 1 over the animation. A path-based track's last key frame says only its time; which property of
what a track of values moves is not in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, Ref, Setting, State, Unread, Value
from stackreel.paraview.statefiles.loosejson import as_value, flat

_CAMERA = {
    "position": "Position",
    "focalPoint": "FocalPoint",
    "viewUp": "ViewUp",
    "viewAngle": "ViewAngle",
    "parallelScale": "ParallelScale",
    "positions": "PositionPathPoints",
    "positionPathClosed": "ClosedPositionPath",
    "focalPoints": "FocalPathPoints",
    "focalPointPathClosed": "ClosedFocalPath",
}
_INTERPOLATION = {
    "type": "Interpolation",
    "base": "Base",
    "startPower": "StartPower",
    "endPower": "EndPower",
    "phase": "Phase",
    "frequency": "Frequency",
    "offset": "Offset",
}
_THREES = ("position", "focalPoint", "viewUp", "positions", "focalPoints")


def key_frames_of(data: object, name: str) -> State:
    """The track that parsed JSON holds: a cue and its key frames. Raises ParaViewError where there is none."""
    frames = data.get("keyFrames") if isinstance(data, dict) else None
    if not isinstance(frames, list) or not any(isinstance(one, dict) for one in frames):
        raise ParaViewError(
            f'{name}: its "keyFrames" hold nothing; in ParaView 5.12 and later, the export of an animation track\'s '
            "key frames writes them"
        )
    unread: list[Unread] = []
    of_camera = any(isinstance(one, dict) and "camera" in one for one in frames)
    keys = []
    for k, one in enumerate(frames, 1):
        settings = dict(_settings(one, f"key frame {k}", unread)) if isinstance(one, dict) else {}
        if "KeyTime" not in settings:
            unread.append(Unread(0, f"key frame {k}", "has no time"))
        else:
            type_ = "CameraKeyFrame" if of_camera else "CompositeKeyFrame"
            keys.append(Proxy(f"key frame {k}", "animation_keyframes", type_, "", _set(settings)))
    refs = tuple(Ref(key.key) for key in keys)
    if of_camera:
        path_based = any("PositionPathPoints" in key.settings or "FocalPathPoints" in key.settings for key in keys)
        mode = "Path-based" if path_based else "Interpolate Camera"
        cue = Proxy("track", "animation", "CameraAnimationCue", "", _set({"Mode": mode, "KeyFrames": refs}))
    else:
        cue = Proxy("track", "animation", "KeyFrameAnimationCue", "", _set({"KeyFrames": refs}))
    return State(name, (cue, *keys), tuple(unread))


def _settings(frame: dict[str, object], called: str, unread: list[Unread]) -> Iterator[tuple[str, Value]]:
    if isinstance(time := as_value(frame.get("time")), float):
        yield "KeyTime", time
    if isinstance(value := as_value(frame.get("value")), float):
        yield "KeyValues", (value,)
    for part, words in (("camera", _CAMERA), ("interpolation", _INTERPOLATION)):
        said = frame.get(part)
        if not isinstance(said, dict):
            continue
        for word, name in words.items():
            if word not in said:
                continue
            found = flat(said[word]) if word in _THREES else as_value(said[word])
            if found is None or (isinstance(found, tuple) and (not found or len(found) % 3)):
                unread.append(Unread(0, f"{called}: {word}", "is not what ParaView writes there"))
            else:
                yield name, found


def _set(values: dict[str, Value]) -> dict[str, Setting]:
    return {name: Setting(value) for name, value in values.items()}
