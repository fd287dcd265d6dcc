"""One or several files of ParaView's become the parts of a movie file, and these a movie file's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import dist, radians, sin
from pathlib import PurePath
from typing import Any

import numpy as np

from stackreel.errors import MovieFileError, ParaViewError
from stackreel.paraview.importing.cameras import Pose, Seen, cameras_of, series_of
from stackreel.paraview.importing.display import Display, Shown, shown_by
from stackreel.paraview.importing.frame import Ground, frame_of
from stackreel.paraview.importing.keyframes import Animation, Track, animation_of, state_at
from stackreel.paraview.importing.reading import array_of, called, refs, type_of, word
from stackreel.paraview.importing.report import Parts, Report, free_name
from stackreel.paraview.importing.shooting import shots_of, through
from stackreel.paraview.proxies import Proxy, State
from stackreel.scene.document import parse
from stackreel.scene.document.text import write
from stackreel.scene.subject import Subject

_LARGEST = 16384
_FARTHEST = 1e4


@dataclass(frozen=True)
class Wanted:
    """What is asked of an import.

    array   : whose colours and opacities; None for those of the volume that is shown
    view    : whose camera is the movie's first; None for that of the view which shows the volume
    frame   : auto, world or voxel: what ParaView's coordinates are
    keys    : whether key frames, or cameras one after the other, become shots
    seconds : how long these last; None for as long as in ParaView
    ground  : the volume's grid; subject: its values. None where it is not known
    """

    array: str | None = None
    view: str | None = None
    frame: str = "auto"
    keys: bool = False
    seconds: float | None = None
    ground: Ground | None = None
    subject: Subject | None = None


def with_volume(wanted: Wanted, ground: Ground, subject: Subject) -> Wanted:
    """The same with a volume."""
    return replace(wanted, ground=ground, subject=subject)


def imported(states: Sequence[State], wanted: Wanted | None = None) -> Parts:
    """The parts of a movie file that these files say. Later ones have the last word.

    Raises ParaViewError where a view or an array that was asked for is in none of them, or nothing is.
    """
    wanted = wanted or Wanted()
    _refuse_unknown(states, wanted)
    parts = Parts()
    cameras: list[Seen] = []
    first: Seen | None = None
    for state in states:
        found, own = _Import(state, wanted, parts).run()
        stem = PurePath(state.name).stem
        for seen in found:
            name = stem if seen.name in ("camera", "") or (len(found) == 1 and len(states) > 1) else seen.name
            cameras.append(Seen(free_name(name, [c.name for c in cameras]), seen.pose, seen.line, seen.at))
            if seen is own and (first is None or wanted.view is None):
                first = first or cameras[-1]
    if wanted.keys and not parts.shots:
        if len(cameras) > 1:
            parts.shots.append(through(cameras, wanted.seconds, parts.report))
            first = cameras[0]
        else:
            names = ", ".join(state.name for state in states)
            parts.report.took(
                f"{names}: no key frames, and not several cameras either; --keys has nothing to make shots of"
            )
    if first is not None and "camera" not in parts.scene:
        parts.scene["camera"] = first.pose
        parts.report.took(f"{first.name}: its camera is the movie's first")
    for seen in cameras:
        parts.places[seen.name] = {"camera": seen.pose}
    if "crop" in parts.scene:
        parts.places[free_name(f"{PurePath(states[-1].name).stem} box", parts.places)] = {"box": parts.scene["crop"]}
    for look in (parts.scene, *parts.looks.values()):
        look |= {key: _legible(look[key]) for key in ("color", "opacity", "opacity_unit", "clip") if key in look}
    return parts


def _legible(value: Any) -> Any:
    """Numbers with nine digits: 99.2 for 99.19999999999999. What is lost no picture shows."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _legible(one) for key, one in value.items()}
    return [_legible(one) for one in value] if isinstance(value, list | tuple) else value


def _refuse_unknown(states: Sequence[State], wanted: Wanted) -> None:
    names = " and ".join(state.name for state in states)
    if wanted.view is not None:
        views = [v for state in states for v in state.of("views") if v.type != "CameraPose"]
        if wanted.view not in {n for v in views for n in (v.name, v.key)}:
            known = ", ".join(sorted({called(v) for v in views})) or "none"
            raise ParaViewError(f'{names}: there is no view "{wanted.view}"; there are {known}')
    for state in states:
        maps = [p.name for p in state.of("lookup_tables") if p.key.startswith("preset")]
        if len(maps) > 1 and wanted.array not in maps:
            listed = ", ".join(maps[:12]) + (f", … ({len(maps)} in all)" if len(maps) > 12 else "")
            raise ParaViewError(f"{state.name}: holds several colour maps; choose one with --array: {listed}")
    if wanted.array is not None:
        arrays = {
            p.name for state in states for p in state.proxies if p.group in ("lookup_tables", "piecewise_functions")
        }
        arrays |= {array_of(r) for state in states for r in state.of("representations")}
        if wanted.array not in arrays:
            known = ", ".join(sorted(arrays - {""})) or "none"
            raise ParaViewError(f'{names}: there is no array "{wanted.array}"; there are {known}')


class _Import:
    """One file; fills the parts."""

    def __init__(self, state: State, wanted: Wanted, parts: Parts) -> None:
        self.state, self.wanted, self.parts, self.report = state, wanted, parts, parts.report
        self.frame = frame_of(state, wanted.frame, wanted.ground)
        if self.frame.about:
            self.report.took(f"{state.name}: {self.frame.about}")

    def run(self) -> tuple[list[Seen], Seen | None]:
        """All cameras, and the one that is meant."""
        state, report = self.state, self.report
        for one in state.unread:
            report.leave(state, one.line, one.text.strip() or "a line", one.reason)
        view = self.view()
        cameras = [s for s in (self.fitted(v) for v in state.of("views") if v.type != "CameraPose") if s is not None]
        known = {s.name for s in cameras}
        cameras += [s for s in cameras_of(state, self.frame, report) if s.name not in known]
        series = series_of(state, self.frame, report)
        shown = self.display(state, view, report)
        animation = animation_of(state, self.wanted.seconds, report if self.wanted.keys else Report(), view)
        overlay(self.parts.scene, shown.scene)
        self.parts.looks |= shown.looks
        if animation is not None and self.wanted.keys:
            self.shoot(animation, view)
        elif animation is not None:
            report.took(f"{state.name}: has key frames; --keys makes shots of them")
        elif len(series) > 1 and self.wanted.keys:
            self.parts.shots.append(through(series, self.wanted.seconds, report))
            self.parts.scene["camera"] = series[0].pose
        self.output(view)
        self.leftovers(shown)
        if not self.wanted.keys:
            cameras += [s for s in series if all(s.pose != c.pose for c in cameras)]
        cameras = [s for s in cameras if self.is_near(s)]
        own = next((s for s in cameras if view is not None and s.name == called(view)), cameras[0] if cameras else None)
        return cameras, own

    def shoot(self, animation: Animation, view: Proxy | None) -> None:
        """Shots of an animation."""

        def scene_at(tracks: tuple[Track, ...], t: float) -> dict[str, Any]:
            return self.display(state_at(self.state, tracks, t), view, Report()).scene

        moving: list[Track] = []
        for track in animation.tracks:
            first = scene_at((track,), 0.0)
            between = [0.5 * (a + b) for a, b in pairwise(track.marks)]
            if any(scene_at((track,), t) != first for t in (*track.marks, *between)):
                moving.append(track)
            else:
                why = "a track that nothing in a movie file follows"
                self.report.leave(self.state, track.line, track.name, why)
        tracks = tuple(moving)
        if animation.camera is None and not tracks:
            return
        shots, pose = shots_of(
            replace(animation, tracks=tracks), self.frame, lambda t: scene_at(tracks, t), self.report
        )
        self.parts.shots += shots
        if tracks:
            overlay(self.parts.scene, scene_at(tracks, 0.0))
        if pose is not None:
            self.parts.scene["camera"] = pose
        if animation.fps is not None:
            self.parts.output["fps"] = animation.fps

    def is_near(self, seen: Seen) -> bool:
        far: float = max(abs(v) for key in ("position", "focal_point") for v in seen.pose[key])
        if far > _FARTHEST:
            why = f"its camera is {far:.3g} away, and the movie's world is 1 long; add --volume brain.h5"
            self.report.leave(self.state, seen.line, seen.name, why)
        return far <= _FARTHEST

    def display(self, state: State, view: Proxy | None, report: Report) -> Shown:
        return shown_by(Display(state, self.frame, report, view, self.wanted.array, self.wanted.subject))

    # ------------------------------------------------------------ views

    def view(self) -> Proxy | None:
        """The view that is meant: the one asked for, the one that shows the volume, or the first."""
        state = self.state
        views = [v for v in state.of("views") if v.type != "CameraPose"]
        named = [v for v in views if self.wanted.view in (v.name, v.key)]
        if self.wanted.view is not None and named:
            return named[0]
        showing = []
        for rep in state.of("representations"):
            if word(rep, "Representation") == "Volume":
                home = state.behind(rep, "View")
                showing += [
                    v
                    for v in views
                    if (home is not None and v.key == home.key) or rep.key in set(refs(v.get("Representations")))
                ]
        seeing = [v for v in views if v.get("CameraPosition") is not None]
        return next(iter(showing or seeing or views), None)

    def fitted(self, view: Proxy) -> Seen | None:
        """The camera of a view that was fitted to the data, worked out for the volume."""
        what = view.get("ResetCamera")
        if not isinstance(what, tuple) or not what:
            return None
        line, grid = view.line_of("ResetCamera"), self.frame.grid
        if grid is None:
            why = "its camera was fitted to the data (ResetCamera); add --volume brain.h5, so that it can be again"
            self.report.leave(self.state, line, called(view), why)
            bare = {k: s for k, s in view.settings.items() if k != "CameraPosition"}
            self.state = _without(self.state, view, bare)
            return None
        box, angle = grid.bounds, (view.numbers("CameraViewAngle") or (30.0,))[0]
        position = np.asarray(view.numbers("CameraPosition") or (0.0, 0.0, 1.0))
        focal = np.asarray(view.numbers("CameraFocalPoint") or (0.0, 0.0, 0.0))
        up = list(view.numbers("CameraViewUp") or (0.0, 1.0, 0.0))
        away = position - focal if float(np.linalg.norm(position - focal)) > 0.0 else np.array([0.0, 0.0, 1.0])
        center = np.asarray(box.center) if "CameraFocalPoint" in what else np.asarray(self.frame.point(focal.tolist()))
        reach = 0.5 * box.diagonal / sin(radians(min(max(angle, 1.0), 179.0)) / 2.0)
        place = center + away / np.linalg.norm(away) * reach
        if "CameraPosition" not in what:
            place = np.asarray(self.frame.point(position.tolist()))
        if dist(place.tolist(), center.tolist()) < 1e-6:
            return None
        self.report.took(f"{called(view)}: its camera is fitted to the volume, as ResetCamera does")
        pose: Pose = {"position": place.tolist(), "focal_point": center.tolist(), "view_up": up, "view_angle": angle}
        return Seen(called(view), pose, line)

    # ------------------------------------------------------------ the rest

    def output(self, view: Proxy | None) -> None:
        """Size of the picture: the last that was saved, or the view's."""
        saved = [p for p in self.state.of("misc") if p.type.startswith("Save") and p.numbers("ImageResolution")]
        size = saved[-1].numbers("ImageResolution") if saved else view.numbers("ViewSize") if view is not None else None
        if size is None or len(size) != 2:
            return
        fitting = [min(max(int(v) // 2 * 2, 16), _LARGEST) for v in size]
        self.parts.output["size"] = fitting
        changed = (
            "" if fitting == [int(v) for v in size] else f" (ParaView's {size[0]:.0f} × {size[1]:.0f}, in even numbers)"
        )
        self.report.took(f"{self.state.name}: pictures of {fitting[0]} × {fitting[1]} pixels{changed}")

    def leftovers(self, shown: Shown) -> None:
        """Filters that nothing in the view comes from, in one line; legends and texts."""
        state = self.state
        unused = [p for p in state.of("filters") if p.key not in shown.used and p.name]
        if not state.of("representations"):
            unused = [p for p in unused if type_of(p) not in ("Clip", "ExtractSubset")]
        if unused:
            names = ", ".join(f"{called(p)} ({type_of(p)})" if called(p) != type_of(p) else called(p) for p in unused)
            self.report.leave(state, unused[0].line, names, "not on the way to what the view shows")
        for proxy in state.proxies:
            if "ScalarBar" in proxy.type and proxy.get("Visibility") == 1.0:
                why = "a legend; write overlays beside the picture, or a title"
                self.report.leave(state, proxy.line, called(proxy), why)
            elif (
                proxy.group == "sources" and proxy.type in ("Text", "TextSource", "AnnotateTime") and proxy.get("Text")
            ):
                self.report.leave(state, proxy.line, called(proxy), "a text; write it as the title of a shot")


def overlay(scene: dict[str, Any], later: dict[str, Any]) -> None:
    """Lays parts of a scene over others; surfaces and colours take each other's place."""
    colors = ("color", "opacity", "opacity_unit")
    for key in colors if "iso" in later else ["iso"] if any(key in later for key in colors) else []:
        scene.pop(key, None)
    scene |= later


def _without(state: State, view: Proxy, settings: dict[str, Any]) -> State:
    return replace(state, proxies=tuple(replace(p, settings=settings) if p is view else p for p in state.proxies))


# ---------------------------------------------------------------- text


def movie_text(parts: Parts, volume: str, sources: Sequence[str]) -> str:
    """The text of a movie file with these parts, commented; sound, or ParaViewError.

    volume  : its file as seen from the movie file
    sources : names of ParaView's files
    """
    data: dict[str, Any] = {"stackreel": 1, "volume": volume}
    if parts.output:
        data["output"] = parts.output
    if parts.scene:
        data["scene"] = in_order(parts.scene)
    cameras = sum("camera" in place for place in parts.places.values())
    places = {name: place for name, place in parts.places.items() if "camera" not in place or cameras > 1}
    if places:
        data["places"] = places
    if parts.looks:
        data["looks"] = parts.looks
    data["shots"] = parts.shots or [{"name": "still", "seconds": 4.0}]
    body = _commented(write(data), parts, cameras)
    head = "# Taken from ParaView: " + ", ".join(PurePath(s).name for s in sources) + ".\n"
    left = [f"#   {_one_line(str(one))}" for one in parts.report.left]
    if left:
        head += "# What did not come over:\n" + "\n".join(left[:20]) + "\n"
        if len(left) > 20:
            head += f"#   … and {len(left) - 20} more, which `stackreel paraview import` lists\n"
    text = head + body
    check_sound(text)
    return text


def check_sound(text: str, name: str = "movie") -> None:
    """Raises ParaViewError where a text is no sound movie file."""
    try:
        parse(text, name)
    except MovieFileError as error:
        raise ParaViewError(f"what was taken makes no sound movie file: {error}; nothing was written") from error


def in_order(scene: dict[str, Any]) -> dict[str, Any]:
    """The scene's parts in the order in which people read them."""
    order = (
        "color",
        "opacity",
        "opacity_unit",
        "iso",
        "blend",
        "light",
        "background",
        "camera",
        "crop",
        "clip",
        "slices",
    )
    return {key: scene[key] for key in order if key in scene}


_NOTES = {
    "  opacity_unit:": "the length over which those opacities hold; ParaView's Scalar Opacity Unit Distance",
    "  camera:": "numbers from ParaView, as its camera dialog shows them",
    "  clip:": "normals point to the side that is kept",
    "shots:": "one after the other; all inside a shot happens together",
    "places:": "for shots to go to, as in fly: {to: …}",
}


def _commented(body: str, parts: Parts, cameras: int) -> str:
    """The text with a word beside what may need one."""
    lines, inside = [], ""
    for line in body.splitlines():
        if line and not line.startswith((" ", "#", "-")):
            inside = line.partition(":")[0]
        note = next(
            (n for start, n in _NOTES.items() if line.startswith(start) and (start[0] != " " or inside == "scene")),
            None,
        )
        if note is not None:
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# {note}")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 200 else flat[:199] + "…"
