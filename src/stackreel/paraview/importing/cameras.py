"""Cameras of ParaView's views, by name, as poses of a movie file: the same numbers, where it has the same camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stackreel.paraview.importing.frame import Frame
from stackreel.paraview.importing.reading import called, is_on, number, three
from stackreel.paraview.importing.report import Report
from stackreel.paraview.proxies import Proxy, State

PROPERTIES = ("CameraPosition", "CameraFocalPoint", "CameraViewUp")
_ANGLE = 30.0
_FLATTEST = 2.0
"""View angle in degrees of the perspective camera that stands for a parallel projection."""

Pose = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A camera. name : of its view. at : seconds, of a series; None outside of one"""

    name: str
    pose: Pose
    line: int = 0
    at: float | None = None


def cameras_of(state: State, frame: Frame, report: Report) -> list[Seen]:
    """The camera of every view that has one, in the state's order."""
    found = []
    for view in state.of("views"):
        if view.type == "CameraPose" or not _is_render_view(view):
            continue
        pose = pose_of(state, view, frame, report)
        if pose is not None:
            found.append(Seen(called(view), pose, view.line_of(*PROPERTIES)))
    return found


def series_of(state: State, frame: Frame, report: Report) -> list[Seen]:
    """Cameras that a script sets one after the other, as it saves pictures."""
    poses = [(view, pose_of(state, view, frame, report)) for view in state.of("views", "CameraPose")]
    return [Seen(called(view), pose, view.line_of(*PROPERTIES)) for view, pose in poses if pose is not None]


def _is_render_view(view: Proxy) -> bool:
    return (
        not view.type
        or "Render" in view.type
        or view.type in ("CreateView", "GetActiveViewOrCreate", "OrthographicSliceView")
        or any(name in view.settings for name in PROPERTIES)
    )


def pose_of(state: State, view: Proxy, frame: Frame, report: Report) -> Pose | None:
    """The pose of a view; None where it was never told where to stand."""
    position = three(view, "CameraPosition")
    focal = three(view, "CameraFocalPoint") or (0.0, 0.0, 0.0)
    up = three(view, "CameraViewUp") or (0.0, 1.0, 0.0)
    name, line = called(view), view.line_of(*PROPERTIES)
    if position is None:
        if any(key in view.settings for key in PROPERTIES):
            report.leave(state, line, name, "its camera has no position; ParaView sets one when it first draws")
        return None
    if (position, focal, up) == ((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0)):
        report.leave(state, line, name, "its camera stands where ParaView puts one that nobody has moved")
        return None
    if position == focal:
        report.leave(state, line, name, "its camera stands where it looks at, and looks nowhere")
        return None
    angle = number(view, "CameraViewAngle", _ANGLE)
    if not 0.0 < angle < 180.0:
        report.leave(state, line, name, f"a view angle of {angle:g}° is none; {_ANGLE:g}° was taken")
        angle = _ANGLE
    if is_on(view, "CameraParallelProjection"):
        position, angle = _unparallel(state, view, position, focal, report)
    pose = posed(frame, position, focal, up, angle)
    given = [key for key in PROPERTIES if key in view.settings]
    if len(given) < 3:
        missing = {"CameraFocalPoint": "focal point 0, 0, 0", "CameraViewUp": "view up 0, 1, 0"}
        said = " and ".join(missing[key] for key in PROPERTIES if key not in given)
        report.took(f"{name}: {said}, which ParaView leaves out because they are its defaults")
    if parallel_up(pose):
        report.leave(state, line, name, "its view up points along the view; any other was taken")
        forward = np.subtract(pose["focal_point"], pose["position"])
        pose["view_up"] = [float(k == int(np.argmin(np.abs(forward)))) for k in range(3)]
    if not frame.is_world and not frame.even:
        report.took(
            f"{name}: its voxels are not cubes, so that the picture is not quite as it was; look at it and adjust"
        )
    return pose


def posed(frame: Frame, position: Any, focal: Any, up: Any, angle: float) -> Pose:
    """The pose of a movie file."""
    return {
        "position": frame.point(position),
        "focal_point": frame.point(focal),
        "view_up": frame.direction(up),
        "view_angle": float(angle),
    }


def parallel_up(pose: Pose) -> bool:
    forward = np.subtract(pose["focal_point"], pose["position"])
    up = np.asarray(pose["view_up"])
    aside = float(np.linalg.norm(np.cross(forward, up)))
    return not aside > 1e-6 * max(float(np.linalg.norm(forward) * np.linalg.norm(up)), 1e-300)


def _unparallel(state: State, view: Proxy, position: Any, focal: Any, report: Report) -> tuple[Any, float]:
    """(position, view angle) of a camera far away that shows the focal plane as large as the parallel one did."""
    height = number(view, "CameraParallelScale", 1.0)
    distance = height / math.tan(math.radians(_FLATTEST) / 2.0)
    away = np.subtract(position, focal)
    moved = np.add(focal, away * distance / np.linalg.norm(away))
    report.took(
        f"{called(view)}: a parallel projection became a camera {distance:.3g} away with a view angle of "
        f"{_FLATTEST:g}°, which shows the plane of the focal point as large; the rest differs a little"
    )
    return tuple(float(v) for v in moved), _FLATTEST
