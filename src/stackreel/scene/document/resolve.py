"""From the words of a movie file to the values of a timeline, with every contradiction found on the way.

Names become boxes and looks, lengths become world units, poses are completed by what came before. What the file alone
shows to be wrong is reported when it is loaded; what depends on the volume (a length in mm for data without a
physical size, a crop beyond the volume) when the two meet.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import dist, fsum
from typing import Any

import numpy as np

from stackreel.geometry import Box, Vec3
from stackreel.scene.camera import Camera
from stackreel.scene.clip import ClipPlane
from stackreel.scene.colormaps import parse_color
from stackreel.scene.document.picture import BoxSpec, CameraSpec, ClipSpec, PlaceSpec
from stackreel.scene.document.problems import Path, Problem, did_you_mean
from stackreel.scene.document.slices import Slices
from stackreel.scene.document.spec import (
    CameraMove,
    ClipMove,
    CropMove,
    FlySpec,
    LookMove,
    MovieSpec,
    OrbitSpec,
    ShotSpec,
    Timed,
    TitleSpec,
    ZoomSpec,
)
from stackreel.scene.easing import gentle_ends
from stackreel.scene.light import PRESETS
from stackreel.scene.moves import CameraGlide, CameraKeys, ClipGlide, CropGlide, LookGlide, Move, Orbit, Zoom
from stackreel.scene.paths import frame_box, perpendicular_to
from stackreel.scene.scene import Scene, Title
from stackreel.scene.subject import Subject
from stackreel.scene.timeline import Shot, Span, Timeline, TitleSpan

RESERVED = ("volume", "focal_point", "none")
AS_IMAGED: Vec3 = (0.0, 0.0, -1.0)
"""The side from which sections look as they were imaged: columns to the right, rows down, section 0 in front."""
STAND_IN = Subject(Box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)), um_per_unit=1e4)
_TINY = 1e-9


def resolve(spec: MovieSpec, subject: Subject) -> tuple[Timeline, list[Problem]]:
    """The timeline of that movie over that volume, and all that is wrong; the timeline holds only without problems."""
    resolver = _Resolver(spec, subject, early=False)
    return resolver.timeline(), resolver.problems


def contradictions(spec: MovieSpec) -> list[Problem]:
    """What is wrong with the movie whatever the volume."""
    resolver = _Resolver(spec, STAND_IN, early=True)
    resolver.timeline()
    return resolver.problems


class _Resolver(Slices):
    """Walks through the shots once, collecting problems; a part with a problem is left out and the walk goes on."""

    # ------------------------------------------------------------ cameras

    def sound_camera(self, camera: tuple[Vec3, Vec3, Vec3, float], path: Path, *, needs_volume: bool) -> Camera | None:
        position, focal_point, view_up, angle = camera
        away = dist(position, focal_point)
        if away < 1e-5:
            self.say(
                (*path, "position"),
                "is the focal point itself; the camera looks nowhere",
                needs_volume=needs_volume,
            )
            return None
        if not max(map(abs, view_up)) > 1e-9:
            self.say((*path, "view_up"), "is zero, which is no direction")
            return None
        forward = np.subtract(focal_point, position) / away
        if float(np.linalg.norm(np.cross(forward, view_up))) < 1e-6 * float(np.linalg.norm(view_up)):
            self.say(
                (*path, "view_up"),
                "parallel to the view direction; the camera cannot tell which way is up.",
                needs_volume=needs_volume,
            )
            return None
        return Camera(position, focal_point, view_up, angle)

    def pose(self, spec: CameraSpec, base: Camera, path: Path) -> Camera | None:
        """The pose, completed by `base`; None after a problem."""
        position = base.position if spec.position is None else self.point(spec.position, (*path, "position"))
        focal = base.focal_point if spec.focal_point is None else self.point(spec.focal_point, (*path, "focal_point"))
        given = (*(spec.position or ()), *(spec.focal_point or ()))
        complete = len(given) == 6 and spec.view_up is not None and not any(isinstance(v, str) for v in given)
        return self.sound_camera(
            (position, focal, spec.view_up or base.view_up, spec.view_angle or base.view_angle),
            path,
            needs_volume=not complete,
        )

    def named_pose(self, name: str, spec: CameraSpec, base: Camera) -> Camera | None:
        """The pose of a place; what is wrong with it is said once, however many shots go there."""
        before = len(self.problems)
        found = self.pose(spec, base, ("places", name, "camera"))
        self.problems[before:] = [p for p in self.problems[before:] if p not in self.problems[:before]]
        return found

    def first_camera(self) -> Camera:
        spec, path = self.spec.scene.camera, ("scene", "camera")
        up, angle = (0.0, -1.0, 0.0), 30.0
        if spec is None:
            return frame_box(self.subject.bounds, AS_IMAGED, up, angle, self.aspect)
        up, angle = spec.view_up or up, spec.view_angle or angle
        if not max(map(abs, up)) > 1e-9:
            self.say((*path, "view_up"), "is zero, which is no direction")
            up = (0.0, -1.0, 0.0)
        framed = frame_box(self.subject.bounds, AS_IMAGED, perpendicular_to(AS_IMAGED, [up]), angle, self.aspect)
        return self.pose(spec.model_copy(update={"view_up": up}), framed, path) or framed

    def fly(self, spec: FlySpec, opening: Scene, path: Path) -> CameraGlide | None:
        camera, end = opening.camera, None
        via = tuple(self.point(p, (*path, "via", i)) for i, p in enumerate(spec.via or ()))
        if via and spec.path == "arc":
            self.say((*path, "path"), "arc passes no points; write spline or line, or leave via out")
        if isinstance(spec.to, CameraSpec):
            for name in ("view_from", "view_up"):
                if getattr(spec, name) is not None:
                    self.say((*path, name), "a pose says itself how it looks; leave this out, or fly to a place")
            end = self.pose(spec.to, camera, (*path, "to"))
        elif (posed := self.spec.places.get(spec.to)) is not None and posed.camera is not None:
            for name in ("view_from", "view_up", "margin"):
                if name in spec.model_fields_set and getattr(spec, name) is not None:
                    self.say((*path, name), f'"{spec.to}" is a camera, which says itself how it looks; leave this out')
            end = self.named_pose(spec.to, posed.camera, camera)
        else:
            box = self.place(spec.to, (*path, "to"))
            place = self.spec.places.get(spec.to, PlaceSpec.model_validate({"box": {}}))
            view_from = spec.view_from if spec.view_from is not None else place.view_from
            wanted = spec.view_up if spec.view_up is not None else place.view_up
            where = path if spec.view_from is not None else ("places", spec.to)
            side = self.direction(view_from, (*where, "view_from")) if view_from is not None else None
            backward = side if side is not None else tuple(np.subtract(camera.position, camera.focal_point))
            if wanted is not None and not float(np.linalg.norm(np.cross(backward, wanted))) > 1e-6:
                self.say(
                    (*(path if spec.view_up is not None else ("places", spec.to)), "view_up"),
                    "parallel to the view direction; the camera cannot tell which way is up.",
                    needs_volume=view_from is None,
                )
                return None
            forward = np.subtract(camera.focal_point, camera.position)
            up = wanted or perpendicular_to(backward, [camera.view_up, forward])
            if box is not None:
                end = frame_box(box, backward, up, camera.view_angle, self.aspect, spec.margin)
        kind = spec.path or ("spline" if via else "arc")
        return None if end is None else CameraGlide(end, kind, via)

    def camera_move(self, move: CameraMove, shot: ShotSpec, opening: Scene, path: Path) -> Move | None:
        posed = [k for k in ("position", "focal_point", "view_up", "view_angle") if getattr(move, k) is not None]
        if move.keys is None:
            if not posed:
                self.say(path, "says nothing; give a position, focal_point, view_up, view_angle or keys")
                return None
            end = self.pose(move, opening.camera, path)
            return None if end is None else CameraGlide(end, move.path or "arc")
        for name in [*posed, *(k for k, v in (("from", move.from_), ("for", move.for_)) if v is not None)]:
            self.say((*path, name), "does not go with keys, which say when and where themselves")
        times, cameras, last = [], [], opening.camera
        if move.keys[0].at > 0.0:
            times, cameras = [0.0], [last]
        for i, key in enumerate(move.keys):
            here = (*path, "keys", i)
            if key.at > shot.seconds + _TINY:
                self.say((*here, "at"), f"{key.at:g} s lies beyond the shot, which lasts {shot.seconds:g} s")
            elif times and i and key.at <= move.keys[i - 1].at:
                self.say(
                    (*here, "at"),
                    f"keys must follow one another, but {key.at:g} s comes after {move.keys[i - 1].at:g} s",
                )
            else:
                last = self.pose(key, last, here) or last
                times.append(min(key.at / shot.seconds, 1.0))
                cameras.append(last)
        if not cameras or any(not a < b for a, b in pairwise(times)):
            return None
        reach = max(c.distance for c in cameras)
        one = all(dist(c.focal_point, cameras[0].focal_point) < 1e-6 * reach for c in cameras)
        gentle = gentle_ends(move.ease or shot.ease)
        return CameraKeys(tuple(times), tuple(cameras), move.path or ("arc" if one else "spline"), gentle)

    def orbit(self, spec: OrbitSpec, opening: Scene, path: Path) -> Orbit | None:
        camera = opening.camera
        if spec.axis == "up":
            axis: Vec3 | None = camera.view_up
        else:
            axis = self.direction(spec.axis, (*path, "axis"))
        about: Vec3 | None
        if spec.about == "focal_point":
            about = camera.focal_point
        elif isinstance(spec.about, str):
            box = self.place(spec.about, (*path, "about"), ["focal_point"])
            about = None if box is None else box.center
        else:
            about = self.point(spec.about, (*path, "about"))
        return None if axis is None or about is None else Orbit(about, axis, spec.degrees)

    # ------------------------------------------------------------ shots

    def when(self, timed: Timed, shot: ShotSpec, path: Path) -> tuple[float, float]:
        """Start and length of something in a shot, in seconds."""
        start = timed.from_ or 0.0
        if start >= shot.seconds:
            self.say((*path, "from"), f"begins at {start:g} s, but the shot lasts {shot.seconds:g} s")
            return 0.0, shot.seconds
        seconds = shot.seconds - start if timed.for_ is None else timed.for_
        if start + seconds > shot.seconds + _TINY:
            end = f"from {start:g} s for {seconds:g} s" if timed.from_ is not None else f"{seconds:g} s"
            self.say((*path, "for"), f"{end} goes beyond the shot, which lasts {shot.seconds:g} s")
            return start, shot.seconds - start
        return start, seconds

    def crop_box(self, spec: str | BoxSpec, path: Path) -> tuple[Box | None, bool]:
        """(box or None for the whole volume, whether it is sound)."""
        if isinstance(spec, str):
            if spec in ("none", "volume"):
                return None, True
            box = self.place(spec, path, ["none"])
        else:
            box = self.box(spec, path)
        return box, box is not None

    def crop(self, spec: str | CropMove, path: Path) -> CropGlide | None:
        whole = self.subject.extent
        if isinstance(spec, CropMove):
            sides = [a for a in "xyz" if getattr(spec, a) is not None]
            if spec.to is not None and sides:
                self.say((*path, sides[0]), "does not go with to; write the box or the place, not both")
                return None
            if spec.to is None and not sides:
                self.say(path, "says nothing; give to (a place, a box or none), or x, y, z")
                return None
            box, sound = self.crop_box(spec, path) if spec.to is None else self.crop_box(spec.to, (*path, "to"))
        else:
            box, sound = self.crop_box(spec, path)
        return CropGlide(box, whole) if sound else None

    def planes(self, spec: str | ClipSpec | list[ClipSpec], path: Path) -> tuple[ClipPlane, ...] | None:
        """The planes; None after a problem."""
        if isinstance(spec, str):
            return ()
        found = []
        for i, one in enumerate(spec if isinstance(spec, list) else [spec]):
            here = (*path, i) if isinstance(spec, list) else path
            origin = self.subject.bounds.center
            if one.origin is not None:
                origin = self.point(one.origin, (*here, "origin"))
            normal = self.direction(one.normal, (*here, "normal"))
            if normal is None:
                return None
            found.append(ClipPlane(origin, normal))
        return tuple(found)

    def clip(self, spec: str | ClipMove | list[ClipSpec], path: Path) -> ClipGlide | None:
        if not isinstance(spec, ClipMove):
            planes = self.planes(spec, path)
        elif spec.to is not None:
            own = [name for name in ("origin", "normal") if getattr(spec, name) is not None]
            if own:
                self.say((*path, own[0]), "does not go with to; write the plane or the planes, not both")
                return None
            planes = self.planes(spec.to, (*path, "to"))
        elif spec.normal is None:
            self.say(path, "says nothing; give a normal, which points to the side that is kept, or to")
            return None
        else:
            planes = self.planes(ClipSpec(origin=spec.origin, normal=spec.normal), path)
        return None if planes is None else ClipGlide(planes, self.subject.extent)

    def look(self, spec: str | LookMove, opening: Scene, path: Path) -> LookGlide | None:
        name = spec if isinstance(spec, str) else spec.to
        named = LookGlide()
        if name is not None:
            if name not in self.spec.looks:
                where = path if isinstance(spec, str) else (*path, "to")
                self.say(
                    where,
                    f'there is no look "{name}"' + did_you_mean(name, self.spec.looks, listing="known looks are"),
                )
                return None
            before = len(self.problems)
            named = self.glide(self.spec.looks[name], opening, ("looks", name))
            del self.problems[before:]  # said once already, where the look stands
        if isinstance(spec, str):
            return named
        fields = ("color", "opacity", "opacity_unit", "channels", "labels", "iso", "light", "blend", "background")
        if name is None and all(getattr(spec, f) is None for f in fields):
            self.say(path, f"says nothing; name a look (to), or give {', '.join(fields)}")
        base = named(opening, 1.0)
        own = self.glide(spec, base, path)
        return LookGlide(
            own.layers or named.layers,
            own.light or named.light,
            own.background or named.background,
            own.blend or named.blend,
        )

    def title(self, spec: str | TitleSpec, shot: ShotSpec, path: Path) -> TitleSpan:
        if isinstance(spec, str):
            spec = TitleSpec.model_validate({"text": spec})
        start, seconds = self.when(spec, shot, path)
        return TitleSpan(Title(spec.text, spec.place, spec.size, parse_color(spec.color)), start, seconds, spec.fade)

    def shot(self, spec: ShotSpec, index: int, begins: float, opening: Scene) -> Shot:
        path: Path = ("shots", index)
        spans: list[Span] = []
        movers = [m for m in ("orbit", "zoom", "fly", "camera") if getattr(spec, m) is not None]
        if len(movers) > 1 and movers != ["orbit", "zoom"]:
            for extra in movers[1:]:
                self.say(
                    (*path, extra),
                    f"{movers[0]} moves the camera in this shot already; give each a shot of its own",
                )

        def add(key: str, timed: Any, move: Move | None) -> None:
            whole = not isinstance(timed, Timed)
            start, seconds = (0.0, spec.seconds) if whole else self.when(timed, spec, (*path, key))
            if move is not None:
                own = "linear" if isinstance(move, CameraKeys) else getattr(timed, "ease", None) or spec.ease
                spans.append(Span(move, start, seconds, own))

        if spec.zoom is not None:
            add("zoom", spec.zoom, Zoom(spec.zoom.factor if isinstance(spec.zoom, ZoomSpec) else spec.zoom))
        if spec.orbit is not None:
            add("orbit", spec.orbit, self.orbit(spec.orbit, opening, (*path, "orbit")))
        if spec.fly is not None:
            fly = FlySpec.model_validate({"to": spec.fly}) if isinstance(spec.fly, str) else spec.fly
            here = (*path, "fly")
            before = len(self.problems)
            move = self.fly(fly, opening, here)
            if isinstance(spec.fly, str):
                self.problems[before:] = [
                    replace(p, path=here) if p.path == (*here, "to") else p for p in self.problems[before:]
                ]
            add("fly", fly, move)
        if spec.camera is not None:
            keyed = spec.camera.keys is not None
            add(
                "camera",
                None if keyed else spec.camera,
                self.camera_move(spec.camera, spec, opening, (*path, "camera")),
            )
        if spec.look is not None:
            add("look", spec.look, self.look(spec.look, opening, (*path, "look")))
        if spec.crop is not None:
            add("crop", spec.crop, self.crop(spec.crop, (*path, "crop")))
        if spec.clip is not None:
            add("clip", spec.clip, self.clip(spec.clip, (*path, "clip")))
        spans += self.slice_spans(spec, opening, path)
        if spans and not self.camera_stays_near(
            shot := Shot("", begins, spec.seconds, opening, tuple(spans)), path, movers
        ):
            return replace(shot, spans=())
        titles = [] if spec.title is None else [self.title(spec.title, spec, (*path, "title"))]
        titles += [self.title(t, spec, (*path, "titles", i)) for i, t in enumerate(spec.titles or ())]
        return Shot(spec.name or f"shot {index + 1}", begins, spec.seconds, opening, tuple(spans), tuple(titles))

    def camera_stays_near(self, shot: Shot, path: Path, movers: list[str]) -> bool:
        """Whether the shot leaves the camera where numbers still tell near from far."""
        camera = shot.closing.camera
        if camera.distance < 1e-5:
            where = (*path, movers[0]) if movers else path
            self.say(where, "ends closer to the focal point than any voxel; stay farther away", needs_volume=True)
        elif dist(camera.position, (0.0, 0.0, 0.0)) > 1e5:
            where = (*path, movers[0]) if movers else path
            self.say(where, "ends so far away that nothing can be seen; stay nearer", needs_volume=True)
        else:
            return True
        return False

    def opening(self) -> Scene:
        scene = self.spec.scene
        layers = self.layers(scene, self.first_layers(), ("scene",))
        crop = None if scene.crop is None else self.crop_box(scene.crop, ("scene", "crop"))[0]
        start = Scene(self.first_camera(), layers[0], crop, added=layers[1:])
        if scene.light is not None:
            start = replace(start, light=self.light(scene.light, ("scene", "light")))
        elif scene.iso is not None:  # a surface without light is a silhouette
            start = replace(start, light=PRESETS["studio"])
        if scene.slices is not None:
            start = replace(start, slices=self.slices(scene.slices, start, ("scene", "slices")))
        if scene.clip is not None:
            start = replace(start, clip=self.planes(scene.clip, ("scene", "clip")) or ())
        if scene.blend is not None:
            start = replace(start, blend=scene.blend)
        return start if scene.background is None else replace(start, background=self.background(scene.background))

    def timeline(self) -> Timeline:
        for name, place in self.spec.places.items():
            if name in RESERVED:
                self.say(("places", name), f'"{name}" has a meaning already; choose another name')
            self.places[name] = None if place.box is None else self.box(place.box, ("places", name, "box"))
            if place.box is None and place.camera is None:
                self.say(("places", name), "says nothing; give a box or a camera")
            if place.camera is not None:
                for key in ("view_from", "view_up"):
                    if getattr(place, key) is not None:
                        self.say(("places", name, key), "does not go with camera, which says itself how it looks")
        opening = self.opening()
        for name, place in self.spec.places.items():
            if place.camera is not None:
                self.named_pose(name, place.camera, opening.camera)
        for name, look in self.spec.looks.items():
            self.glide(look, opening, ("looks", name))
        shots: list[Shot] = []
        for i, spec in enumerate(self.spec.shots):
            begins = round(fsum(s.seconds for s in self.spec.shots[:i]), 9)
            shots.append(self.shot(spec, i, begins, opening))
            opening = shots[-1].closing
        return Timeline(tuple(shots), self.spec.output.fps, self.spec.output.size)
