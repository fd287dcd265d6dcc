"""ParaView's animation as shots: key poses close enough to each other that the movie goes where ParaView went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import dist
from typing import Any

import numpy as np

from stackreel.paraview.importing.cameras import Pose, Seen, parallel_up, posed
from stackreel.paraview.importing.frame import Frame
from stackreel.paraview.importing.keyframes import FPS, Animation, CameraTrack
from stackreel.paraview.importing.report import Report
from stackreel.scene.camera import Camera
from stackreel.scene.moves import CameraKeys
from stackreel.scene.scene import Scene
from stackreel.scene.transfer import TransferFunction

TOLERANCE = 0.004
"""How far a camera may be beside ParaView's, as a share of its distance from what it looks at."""
_MOST_KEYS = 120
_SECONDS_BETWEEN = 2.0
_LOOK = ("color", "opacity", "opacity_unit", "iso", "light", "background")

Shot = dict[str, Any]
_ANY = TransferFunction(((0.0, 0.0, 0.0, 0.0),), ((0.0, 0.0),), 1.0)


def shots_of(
    animation: Animation, frame: Frame, scene_at: Callable[[float], dict[str, Any]], report: Report
) -> tuple[list[Shot], Pose | None]:
    """The shots of an animation, and the pose with which it begins.

    scene_at : what the scene shows at a share of the animation
    """
    camera = animation.camera
    first = None if camera is None else _pose(camera, 0.0, frame)
    marks = _marks(animation)
    shots: list[Shot] = []
    for k, (a, b) in enumerate(pairwise(marks)):
        shot: Shot = {"name": "animation" if len(marks) == 2 else f"animation {k + 1}"}
        shot |= {"seconds": round((b - a) * animation.seconds, 6), "ease": "linear"}
        if camera is not None:
            shot |= _camera_shot(camera, a, b, animation, frame)
        if animation.tracks:
            before, after = scene_at(a), scene_at(b)
            shot |= _changes(before, after)
        shots.append(shot)
    if camera is not None:
        count = sum(len(shot.get("camera", {}).get("keys", ())) for shot in shots)
        way = camera.kind if camera.orbit is not None else f"{camera.kind}, as {count} keys"
        report.took(f"the camera's track: {way}, {animation.seconds:g} s")
    for track in animation.tracks:
        kinds = sorted(track.kinds - {"Ramp"})
        how = f", laid out in straight pieces ({', '.join(kinds).lower()})" if kinds else ""
        report.took(f"the track of {track.name}{how}")
    return shots, first


def _marks(animation: Animation) -> list[float]:
    """Shares at which shots meet: where what changes evenly begins to change otherwise."""
    found = {0.0, 1.0} | {min(max(m, 0.0), 1.0) for track in animation.tracks for m in track.marks}
    least = min(1.0 / ((animation.fps or FPS) * animation.seconds), 0.5)
    marks = [1.0]
    for m in sorted(found - {1.0}, reverse=True):  # a jump takes one frame
        close = marks[-1] - m < least
        moved = marks[-1] - least if close else m
        if moved > 0.0 and not (close and len(marks) > 1 and marks[-2] - marks[-1] <= least):
            marks.append(moved)
    return [0.0, *[m for m in marks[::-1] if m > 1e-9]]


def _pose(camera: CameraTrack, t: float, frame: Frame) -> Pose | None:
    position, focal, up, angle = camera.at(t)
    pose = posed(frame, position.tolist(), focal.tolist(), up.tolist(), min(max(angle, 0.1), 179.0))
    sound = dist(pose["position"], pose["focal_point"]) > 1e-9 and not parallel_up(pose)
    return pose if sound else None


def _camera_shot(camera: CameraTrack, a: float, b: float, animation: Animation, frame: Frame) -> Shot:
    """What the camera does from share a to share b."""
    first, last = camera.marks[0], camera.marks[-1]
    if camera.orbit is not None and first <= a and last >= b:
        center, axis, degrees = camera.orbit
        degrees = round(degrees * (b - a) / (last - first), 6)
        about = [round(v, 9) + 0.0 for v in frame.point(center.tolist())]
        turn = [round(v, 6) + 0.0 for v in frame.direction(axis.tolist())]
        return {"orbit": {"axis": _axis(turn), "degrees": degrees, "about": about}}
    exact = {a, b} | {m for m in camera.marks if a < m < b}
    times = _close_enough(camera, sorted(exact), frame)
    poses = [(t, pose) for t in times if (pose := _pose(camera, t, frame)) is not None]
    if len(poses) < 2 or all(pose == poses[0][1] for _, pose in poses):
        return {}
    given = set(camera.marks) if camera.poses else set()
    timed = [(round((t - a) * animation.seconds, 6), pose if t in given else _rounded(pose)) for t, pose in poses]
    return {"camera": {"path": "spline", "keys": _keys(timed)}}


def _keys(timed: Sequence[tuple[float, Pose]]) -> list[dict[str, Any]]:
    """Keys of a shot; what stays as in the key before is left out."""
    keys, before = [], Pose()
    for at, pose in timed:
        keys.append({"at": at, **{name: value for name, value in pose.items() if before.get(name) != value}})
        before = pose
    return keys


def _close_enough(camera: CameraTrack, times: list[float], frame: Frame) -> list[float]:
    """Times of keys between which the movie's own curves stay near the track's."""
    for _ in range(8):
        poses = [(t, pose) for t in times if (pose := _pose(camera, t, frame)) is not None]
        if len(poses) < 2 or len(times) >= _MOST_KEYS:
            break
        a, b = poses[0][0], poses[-1][0]
        keys = CameraKeys(
            tuple((t - a) / (b - a) for t, _ in poses), tuple(camera_of(p) for _, p in poses), "spline", (False, False)
        )
        opening = Scene(keys.cameras[0], _ANY)
        worse = []
        for (t0, _), (t1, _) in pairwise(poses):
            for share in (0.25, 0.5, 0.75):
                t = t0 + share * (t1 - t0)
                wanted = _pose(camera, t, frame)
                if wanted is not None and _away(keys(opening, (t - a) / (b - a)).camera, camera_of(wanted)) > TOLERANCE:
                    worse.append(0.5 * (t0 + t1))
                    break
        if not worse:
            break
        times = sorted({*times, *worse})
    return times


def camera_of(pose: Pose) -> Camera:
    """A pose as the scene's own camera."""
    (px, py, pz), (fx, fy, fz), (ux, uy, uz) = pose["position"], pose["focal_point"], pose["view_up"]
    return Camera((px, py, pz), (fx, fy, fz), (ux, uy, uz), pose["view_angle"])


def _away(one: Camera, other: Camera) -> float:
    """The larger of how far two cameras, and what they look at, are apart; in shares of the distance."""
    apart = max(dist(one.position, other.position), dist(one.focal_point, other.focal_point)) / other.distance
    turned = float(np.abs(one.basis[1] - other.basis[1]).max())
    return max(apart, turned, abs(one.view_angle - other.view_angle) / other.view_angle)


def _rounded(pose: Pose) -> Pose:
    return {
        key: [round(v, 6) for v in value] if isinstance(value, list) else round(value, 4) for key, value in pose.items()
    }


def _axis(turn: list[float]) -> Any:
    for k, axis in enumerate("xyz"):
        if abs(abs(turn[k]) - 1.0) < 1e-6:
            return axis if turn[k] > 0.0 else f"-{axis}"
    return turn


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Shot:
    """What a shot says so that one scene becomes the other."""
    shot: Shot = {}
    if before.get("clip") != after.get("clip"):
        shot["clip"] = after.get("clip", "none")
    if before.get("crop") != after.get("crop"):
        shot["crop"] = after.get("crop", {"to": "none"})
    if look := {key: after[key] for key in _LOOK if key in after and before.get(key) != after[key]}:
        shot["look"] = look
    moved = []
    for one, other in zip(before.get("slices", ()), after.get("slices", ()), strict=False):
        if one != other:
            moved.append(_slice_move(other))
    if moved:
        shot["slices"] = moved
    return shot


def _slice_move(place: dict[str, Any]) -> dict[str, Any]:
    move = {"name": place["name"]}
    if "at" in place:
        move["to"] = place["at"]
    else:
        move |= {"origin": place["origin"], "normal": place["normal"]}
    move["opacity"] = place.get("opacity", 1.0)
    return move


def through(cameras: Sequence[Seen], seconds: float | None, report: Report) -> Shot:
    """A shot that passes several cameras, as a script took pictures from them."""
    lasts = seconds if seconds is not None else _SECONDS_BETWEEN * (len(cameras) - 1)
    step = lasts / (len(cameras) - 1)
    keys = _keys([(round(k * step, 6), seen.pose) for k, seen in enumerate(cameras)])
    report.took(f"{len(cameras)} cameras, one after the other, as the keys of a shot of {lasts:g} s")
    return {"name": "cameras", "seconds": lasts, "camera": {"path": "spline", "keys": keys}}
