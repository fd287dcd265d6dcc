"""ParaView's animation, asked at any moment: where the camera stands, and which properties have which values then.

Times are shares of the animation, 0 to 1, until the shots are made; ParaView's cues say theirs in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from stackreel.paraview.importing.reading import is_on, number, refs, three, word
from stackreel.paraview.importing.report import Report
from stackreel.paraview.importing.splines import Array, Path, kochanek_at, linear_at
from stackreel.paraview.proxies import Proxy, Setting, State

FPS = 25
_STEPS = 8

RawPose = tuple[Array, Array, Array, float]
"""Position, focal point, view up, view angle, in ParaView's coordinates."""


@dataclass(frozen=True)
class Animation:
    """seconds : how long it lasts. fps : None where nothing says so"""

    seconds: float
    fps: int | None
    camera: CameraTrack | None
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class CameraTrack:
    """at    : share of the animation → pose
    marks : shares at which the file itself has poses, or paths begin; the first and the last are its ends
    poses : whether there are poses at the marks, to the last digit
    orbit : (centre, axis, degrees) where it is one turn on a circle; None otherwise
    kind  : what to call it
    """

    at: Callable[[float], RawPose]
    marks: tuple[float, ...]
    orbit: tuple[Array, Array, float] | None
    kind: str
    line: int
    poses: bool = False


@dataclass(frozen=True)
class Track:
    """A property that changes.

    key, name : of the proxy and its property
    element   : which of its numbers, -1 for all
    marks     : shares of the animation between which values change evenly enough
    """

    key: str
    name: str
    element: int
    at: Callable[[float], tuple[float, ...]]
    marks: tuple[float, ...]
    kinds: frozenset[str]
    line: int


def animation_of(state: State, seconds: float | None, report: Report, view: Proxy | None = None) -> Animation | None:
    """The animation of a state; None where it has no key frames.

    seconds : how long it shall last; None for as long as ParaView plays it
    view    : whose camera is meant, where there are several
    """
    scene = next((p for p in state.proxies if p.type in ("AnimationScene", "GetAnimationScene")), None)
    cues = [p for p in state.proxies if p.group == "animation" and p.get("KeyFrames") is not None]
    cameras = [c for c in cues if "Camera" in c.type or any("Camera" in k.type for k in _keys(state, c))]
    tracks: list[Track] = []
    camera = None
    for cue in cues:
        if not is_on(cue, "Enabled", True):
            report.leave(state, cue.line_of("Enabled"), cue.name or cue.type, "a track that is switched off")
            continue
        if cue in cameras:
            target = state.behind(cue, "AnimatedProxy")
            if camera is None and (view is None or target is None or target.key == view.key):
                camera = _camera_track(state, cue, scene, report)
            continue
        track = _track(state, cue, scene, report)
        if track is not None:
            tracks.append(track)
    if camera is None and not tracks:
        return None
    lasts, fps = _length(state, scene, seconds, report)
    return Animation(lasts, fps, camera, tuple(tracks))


def _length(state: State, scene: Proxy | None, wanted: float | None, report: Report) -> tuple[float, int | None]:
    """(seconds, frames a second)."""
    saved = [p for p in state.proxies if "SaveAnimation" in (p.type, p.name) or "SaveAnimation" in p.type]
    rate = next((found[0] for p in reversed(saved) if (found := p.numbers("FrameRate"))), None)
    fps = min(max(round(rate), 1), 240) if rate else None
    if wanted is not None:
        return wanted, fps
    mode = "" if scene is None else word(scene, "PlayMode")
    if scene is not None and mode == "Real Time":
        lasts = number(scene, "Duration", 10.0)
        report.took(f"the animation lasts {lasts:g} s, as in ParaView's mode Real Time")
        return max(lasts, 0.04), fps
    count = number(scene, "NumberOfFrames", 0.0) if scene is not None else 0.0
    if count >= 2 and mode != "Snap To TimeSteps":
        lasts = count / (fps or FPS)
        report.took(f"the animation's {count:.0f} frames, at {fps or FPS} in a second, last {lasts:g} s")
        return lasts, fps
    report.took("how long the animation lasts is not said; 10 s were taken, --seconds says otherwise")
    return 10.0, fps


def _keys(state: State, cue: Proxy) -> list[Proxy]:
    found = [state.find(key) for key in refs(cue.get("KeyFrames"))]
    return sorted((key for key in found if key is not None), key=lambda key: number(key, "KeyTime", 0.0))


def _span(cue: Proxy, scene: Proxy | None) -> tuple[float, float]:
    """Where a cue begins and ends, as shares of the animation."""
    start, end = number(cue, "StartTime", 0.0), number(cue, "EndTime", 1.0)
    if word(cue, "TimeMode") == "Relative" and scene is not None:
        first, last = number(scene, "StartTime", 0.0), number(scene, "EndTime", 1.0)
        if last > first:
            start, end = (start - first) / (last - first), (end - first) / (last - first)
    return (start, end) if end > start else (0.0, 1.0)


# ---------------------------------------------------------------- the camera


def _camera_track(state: State, cue: Proxy, scene: Proxy | None, report: Report) -> CameraTrack | None:
    keys, mode = _keys(state, cue), word(cue, "Mode")
    start, end = _span(cue, scene)
    if mode == "Follow-data":
        report.leave(state, cue.line, "the camera's track", "it follows data that move, which a volume does not")
        return None
    if not keys:  # a reader says so
        return None
    marks = tuple(start + (end - start) * number(key, "KeyTime", 0.0) for key in keys)
    line = min((key.line for key in keys if key.line), default=cue.line)
    if mode != "Path-based" and not any("PositionPathPoints" in key.settings for key in keys if not mode):
        poses = [_pose(key) for key in keys]
        if len(poses) < 2:
            report.leave(state, line, "the camera's track", "one key frame alone moves nothing")
            return None
        way = linear_at if word(cue, "Interpolation") == "Linear" else kochanek_at
        times = np.asarray(marks)
        table = np.array([[*p, *f, *u, a] for p, f, u, a in poses])
        rising = np.concatenate([[True], np.diff(times) > 0.0])
        times, table = times[rising], table[rising]

        def between(t: float) -> RawPose:
            row = way(times, table, min(max(t, times[0]), times[-1]))
            return row[:3], row[3:6], row[6:9], float(row[9])

        return CameraTrack(between, tuple(float(t) for t in times), None, f"{len(times)} key poses", line, True)
    return _along_paths(state, keys, marks, (start, end), line, report)


def _pose(key: Proxy) -> RawPose:
    p, f, u = (
        np.asarray(three(key, name) or otherwise)
        for name, otherwise in (
            ("Position", (0.0, 0.0, 1.0)),
            ("FocalPoint", (0.0, 0.0, 0.0)),
            ("ViewUp", (0.0, 1.0, 0.0)),
        )
    )
    return p, f, u / max(float(np.linalg.norm(u)), 1e-300), number(key, "ViewAngle", 30.0)


def _along_paths(
    state: State,
    keys: list[Proxy],
    marks: tuple[float, ...],
    span: tuple[float, float],
    line: int,
    report: Report,
) -> CameraTrack | None:
    parts: list[tuple[float, float, Path, Path, Proxy]] = []
    ends = [*marks[1:], span[1]]
    for key, begins, until in zip(keys, marks, ends, strict=True):
        if not until > begins:
            continue
        for name in ("FocalPointMode", "PositionMode"):
            if word(key, name) not in ("", "Path"):
                report.leave(state, key.line_of(name), name, f"{word(key, name)} was taken as Path")
        points = [key.numbers(name) for name in ("PositionPathPoints", "FocalPathPoints")]
        own = [
            p if p and len(p) >= 3 and len(p) % 3 == 0 else three(key, name)
            for p, name in zip(points, ("Position", "FocalPoint"), strict=True)
        ]
        if own[0] is None:
            report.leave(state, key.line, "the camera's path", "a key frame has no PositionPathPoints")
            continue
        closed = [is_on(key, name) for name in ("ClosedPositionPath", "ClosedFocalPath")]
        way = Path.through(own[0], closed=closed[0])
        look = Path.through(own[1] or (0.0, 0.0, 0.0), closed=closed[1])
        parts.append((begins, until, way, look, key))
    if not parts:
        return None

    def along(t: float) -> RawPose:
        begins, until, way, look, key = next((p for p in reversed(parts) if t >= p[0]), parts[0])
        u = min(max((t - begins) / (until - begins), 0.0), 1.0)
        _, _, up, angle = _pose(key)
        return way.at(u), look.at(u), up, angle

    orbit = _orbit(parts[0]) if len(parts) == 1 else None
    shares = sorted({p[0] for p in parts} | {p[1] for p in parts})
    kind = "an orbit" if orbit is not None else f"{len(parts)} path{'s' if len(parts) > 1 else ''}"
    return CameraTrack(along, tuple(shares), orbit, kind, line)


def _orbit(part: tuple[float, float, Path, Path, Proxy]) -> tuple[Array, Array, float] | None:
    """(centre, axis, degrees) where a closed path is an even circle about what the camera looks at, upright."""
    _, _, way, look, key = part
    if not is_on(key, "ClosedPositionPath") or len(way.points) < 5 or len(look.points) != 1:
        return None
    p = way.points[:-1]
    center = p.mean(axis=0)
    spokes = p - center
    reach = np.linalg.norm(spokes, axis=1)
    radius = float(reach.mean())
    steps = np.linalg.norm(np.diff(way.points, axis=0), axis=1)
    normals = np.cross(spokes, np.roll(spokes, -1, axis=0))
    axis = normals.sum(axis=0)
    axis = axis / max(float(np.linalg.norm(axis)), 1e-300)
    round_ = np.ptp(reach) < 0.005 * radius and np.ptp(steps) < 0.01 * float(steps.mean())
    flat = float(np.abs(spokes @ axis).max()) < 0.005 * radius
    off = look.points[0] - center
    on_axis = float(np.linalg.norm(off - (off @ axis) * axis)) < 0.005 * radius
    up = np.asarray(three(key, "ViewUp") or (0.0, 1.0, 0.0))
    upright = float(np.linalg.norm(np.cross(axis, up))) < 0.005 * float(np.linalg.norm(up))
    return (look.points[0], axis, 360.0) if round_ and flat and on_axis and upright else None


# ---------------------------------------------------------------- other properties


def _track(state: State, cue: Proxy, scene: Proxy | None, report: Report) -> Track | None:
    name, target = word(cue, "AnimatedPropertyName"), state.behind(cue, "AnimatedProxy")
    keys = _keys(state, cue)
    if not keys or cue.type == "TimeAnimationCue":
        return None
    start, end = _span(cue, scene)
    if target is None or not name:
        called = name or cue.name or "a track"
        report.leave(state, cue.line, called, "which property of what it moves is not in the file")
        return None
    times = [start + (end - start) * number(key, "KeyTime", 0.0) for key in keys]
    values = [key.numbers("KeyValues") or (0.0,) for key in keys]
    kinds = [word(key, "Interpolation", "Type") or "Ramp" for key in keys]
    size = min(len(v) for v in values)

    def at(t: float) -> tuple[float, ...]:
        if t <= times[0]:
            return _eased(keys[0], kinds[0], values[0][:size], values[min(1, len(keys) - 1)][:size], 0.0)
        for k, (a, b) in enumerate(pairwise(times)):
            if a <= t < b:
                return _eased(keys[k], kinds[k], values[k][:size], values[k + 1][:size], (t - a) / (b - a))
        return values[-1][:size]

    marks: set[float] = set(times)
    for kind, (a, b) in zip(kinds, pairwise(times), strict=False):
        if kind in ("Exponential", "Sinusoid"):
            steps = _STEPS * (
                max(1, round(4 * abs(number(keys[times.index(a)], "Frequency", 1.0)))) if kind == "Sinusoid" else 1
            )
            marks |= {a + (b - a) * k / min(steps, 64) for k in range(1, min(steps, 64))}
        if kind in ("Boolean", "Sinusoid"):
            marks.add(math.nextafter(b, a) if kind == "Boolean" else b)
    element = int(number(cue, "AnimatedElement", 0.0))
    return Track(target.key, name, element, at, tuple(sorted(marks)), frozenset(kinds[:-1]), cue.line)


def _eased(key: Proxy, kind: str, first: tuple[float, ...], last: tuple[float, ...], u: float) -> tuple[float, ...]:
    """Values at share u of the way between two key frames; the first says how (vtkPVCompositeKeyFrame)."""
    if kind == "Boolean":
        return first
    if kind == "Sinusoid":
        phase, often, rise = (
            number(key, name, otherwise) for name, otherwise in (("Phase", 0.0), ("Frequency", 1.0), ("Offset", 0.0))
        )
        wave = math.sin(2.0 * math.pi * often * u + math.radians(phase))
        return tuple(rise + v * wave for v in first)
    if kind == "Exponential":
        base, begin, end = (
            number(key, name, otherwise) for name, otherwise in (("Base", 2.0), ("StartPower", 0.0), ("EndPower", 1.0))
        )
        low, high = base**begin, base**end
        u = (base ** (begin + u * (end - begin)) - low) / (high - low) if high != low else u
    return tuple((1.0 - u) * a + u * b for a, b in zip(first, last, strict=True))


def state_at(state: State, tracks: tuple[Track, ...], t: float) -> State:
    """The state as it is at a moment of its animation."""
    changed = {p.key: p for p in state.proxies}
    for track in tracks:
        for proxy in _moved_by(track, list(changed.values())):
            now = track.at(t)
            old = proxy.numbers(track.name) or ()
            value: Any = now
            if track.element >= 0 and len(now) == 1 and len(old) > 1:
                value = tuple(now[0] if i == track.element else v for i, v in enumerate(old))
            if len(value) == 1:
                value = value[0]
            settings = {**proxy.settings, track.name: Setting(value, proxy.line_of(track.name))}
            changed[proxy.key] = replace(proxy, settings=settings)
    return replace(state, proxies=tuple(changed[p.key] for p in state.proxies))


def _moved_by(track: Track, proxies: list[Proxy]) -> list[Proxy]:
    """The proxies whose property a track moves: a display's, where the track names what it shows."""
    own = [p for p in proxies if p.key == track.key]
    if track.name in ("Opacity", "Visibility") and own and own[0].group in ("sources", "filters", ""):
        return [p for p in proxies if p.group == "representations" and track.key in set(refs(p.get("Input")))]
    return own
