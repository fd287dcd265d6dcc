"""What can happen in a shot: turn, fly, zoom, pose, look, cut open.

Each is a value that makes a later scene of a scene. It takes the scene as it stood when the shot began and the share
of its way, 0..1, and remembers nothing, so that any moment of a movie can be asked for in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import atan, degrees, log, radians, tan
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Box, Vec3
from stackreel.scene import glide
from stackreel.scene.camera import Camera
from stackreel.scene.clip import ClipPlane, between
from stackreel.scene.light import Light
from stackreel.scene.paths import (
    angle_between,
    approach,
    as_vec,
    axes_of,
    knots_of,
    log_between,
    monotone_at,
    polyline_at,
    quaternion_of,
    rotated,
    slerp,
    spline_at,
)
from stackreel.scene.scene import Background, Blend, Scene
from stackreel.scene.transfer import TransferFunction

PathKind = Literal["arc", "spline", "line"]
"""How a camera travels. arc: about what it looks at. spline: its own position on a smooth curve. line: straight."""


class Move(Protocol):
    """A change to a scene; u is the share of its way, already eased (of its time, for CameraKeys)."""

    def __call__(self, opening: Scene, u: float) -> Scene: ...


@dataclass(frozen=True, slots=True)
class Orbit:
    """The camera turns about an axis through a point, right-handed, on an exact circle."""

    about: Vec3
    axis: Vec3
    degrees: float

    def __call__(self, opening: Scene, u: float) -> Scene:
        turn, camera = u * self.degrees, opening.camera
        if turn % 360.0 == 0.0:
            return opening

        def turned(point: Vec3) -> Vec3:
            return as_vec(np.add(self.about, rotated(np.subtract(point, self.about), self.axis, turn)))

        return replace(
            opening,
            camera=replace(
                camera,
                position=turned(camera.position),
                focal_point=turned(camera.focal_point),
                view_up=as_vec(rotated(camera.view_up, self.axis, turn)),
            ),
        )


@dataclass(frozen=True, slots=True)
class Zoom:
    """The camera comes nearer to its focal point until things look `factor` times as large; by equal ratios."""

    factor: float

    def __call__(self, opening: Scene, u: float) -> Scene:
        camera = opening.camera
        away = np.subtract(camera.position, camera.focal_point) / log_between(1.0, self.factor, u)
        return replace(opening, camera=replace(camera, position=as_vec(np.add(camera.focal_point, away))))


def _between_angles(a: float, b: float, u: float) -> float:
    if a == b:
        return a
    return degrees(2.0 * atan(log_between(tan(radians(a) / 2.0), tan(radians(b) / 2.0), u)))


def _looking(forward: npt.ArrayLike, up: npt.ArrayLike, at: npt.ArrayLike, distance: float, angle: float) -> Camera:
    """A camera that looks at a point from a distance."""
    return Camera(as_vec(np.subtract(at, distance * np.asarray(forward))), as_vec(at), as_vec(up), angle)


@dataclass(frozen=True, slots=True)
class CameraGlide:
    """The camera goes from where it is to `end`.

    Orientation turns the shortest way (slerp), distance to the focal point and view angle change by equal ratios.
    via  : positions to pass on the way (path spline or line)
    path : arc turns about the focal point, which goes straight from the old one to the new; spline and line lead the
           camera's own position through `via`
    """

    end: Camera
    path: PathKind = "arc"
    via: tuple[Vec3, ...] = ()

    def __call__(self, opening: Scene, u: float) -> Scene:
        start, end = opening.camera, self.end
        if u <= 0.0:
            return opening
        if u >= 1.0:
            return replace(opening, camera=end)
        p, q = quaternion_of(start), quaternion_of(end)
        distance = log_between(start.distance, end.distance, u)
        angle = _between_angles(start.view_angle, end.view_angle, u)
        share = approach(start.distance, end.distance, u)
        up, forward = axes_of(slerp(p, q, u))
        if angle_between(p, q) < 1e-9:
            up = (1.0 - u) * np.asarray(start.view_up) + u * np.asarray(end.view_up)
        if self.path == "arc":
            focal = (1.0 - share) * np.asarray(start.focal_point) + share * np.asarray(end.focal_point)
        else:
            points = [start.position, *self.via, end.position]
            knots = knots_of(points, 0.5 if self.path == "spline" else 1.0)
            way = spline_at if self.path == "spline" else polyline_at
            focal = way(points, knots, share * knots[-1]) + distance * forward
        return replace(opening, camera=_looking(forward, up, focal, distance, angle))


@dataclass(frozen=True)
class CameraKeys:
    """The camera passes given poses at given times, smoothly; it waits at the last.

    times   : shares of the shot, increasing, one for each camera; the first is where the travel begins
    gentle  : whether it starts from rest and ends at rest
    """

    times: tuple[float, ...]
    cameras: tuple[Camera, ...]
    path: PathKind = "spline"
    gentle: tuple[bool, bool] = (True, True)

    @cached_property
    def _channels(self) -> tuple[npt.NDArray[np.float64], ...]:
        quaternions = [quaternion_of(c) for c in self.cameras]
        turns = np.cumsum([0.0, *(angle_between(p, q) for p, q in pairwise(quaternions))])
        points = np.array([c.focal_point if self.path == "arc" else c.position for c in self.cameras])
        knots = knots_of(points, 1.0 if self.path == "line" else 0.5)
        distances = np.array([log(c.distance) for c in self.cameras])
        angles = np.array([log(tan(radians(c.view_angle) / 2.0)) for c in self.cameras])
        return np.array(quaternions), turns, points, knots, distances, angles

    def __call__(self, opening: Scene, u: float) -> Scene:
        if u <= self.times[0]:
            return replace(opening, camera=self.cameras[0])
        if u >= self.times[-1]:
            return replace(opening, camera=self.cameras[-1])
        if u in self.times:
            return replace(opening, camera=self.cameras[self.times.index(u)])
        quaternions, turns, points, knots, distances, angles = self._channels

        def progress(values: npt.NDArray[np.float64]) -> float:
            return monotone_at(self.times, values, u, self.gentle)

        turn = progress(turns)
        i = int(np.clip(np.searchsorted(self.times, u, side="right") - 1, 0, len(self.times) - 2))
        span = turns[i + 1] - turns[i]
        within = min(max((turn - turns[i]) / span, 0.0), 1.0) if span > 0.0 else 0.0
        up, forward = axes_of(slerp(quaternions[i], quaternions[i + 1], within))
        distance = float(np.exp(progress(distances)))
        angle = degrees(2.0 * atan(float(np.exp(progress(angles)))))
        way = polyline_at if self.path == "line" else spline_at
        point = way(points, knots, progress(knots))
        focal = point if self.path == "arc" else point + distance * forward
        return replace(opening, camera=_looking(forward, up, focal, distance, angle))


@dataclass(frozen=True, slots=True)
class LookGlide:
    """Colours, opacities, light and background glide to new ones; None leaves one as it is.

    layers : all transfer functions of the look
    blend  : what rays do with the values they meet; one picture dissolves into the other
    """

    layers: tuple[TransferFunction, ...] | None = None
    light: Light | None = None
    background: Background | None = None
    blend: Blend | None = None

    def __call__(self, opening: Scene, u: float) -> Scene:
        layers = opening.layers if self.layers is None else glide.blend_layers(opening.layers, self.layers, u)
        return replace(
            opening,
            transfer=layers[0],
            added=layers[1:],
            light=opening.light if self.light is None else glide.blend_light(opening.light, self.light, u),
            background=opening.background
            if self.background is None
            else glide.blend_background(opening.background, self.background, u),
            **self._blended(opening, u),
        )

    def _blended(self, opening: Scene, u: float) -> dict[str, Any]:
        if self.blend is None or self.blend == opening.blend or u <= 0.0:
            return {}
        return {"fade": (self.blend, u)} if u < 1.0 else {"blend": self.blend, "fade": None}


@dataclass(frozen=True, slots=True)
class CropGlide:
    """The box that is shown glides to another; None is the whole volume.

    whole : the volume's own box, for gliding from or to the whole
    """

    box: Box | None
    whole: Box

    def __call__(self, opening: Scene, u: float) -> Scene:
        if u <= 0.0:
            return opening
        if u >= 1.0:
            return replace(opening, crop=self.box)
        start = self.whole if opening.crop is None else opening.crop
        end = self.whole if self.box is None else self.box
        return replace(opening, crop=glide.blend_box(start, end, u))


@dataclass(frozen=True, slots=True)
class ClipGlide:
    """The planes that cut the volume glide to others, pair by pair; () leaves it whole.

    whole : the volume's own box: planes that come or go do so from or to outside of it
    """

    planes: tuple[ClipPlane, ...]
    whole: Box

    def __call__(self, opening: Scene, u: float) -> Scene:
        return replace(opening, clip=between(opening.clip, self.planes, self.whole, u))
