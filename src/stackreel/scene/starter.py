"""A first movie of a volume that nobody has filmed yet: ten seconds, tuned to its values, with comments to go on from.

It turns once around the volume under a title, cuts it open, comes to the cut face and dives to a part of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from stackreel.geometry import Box, Vec3, format_um
from stackreel.scene.camera import Camera
from stackreel.scene.paths import as_vec, frame_box, rotated
from stackreel.scene.subject import Subject
from stackreel.scene.suggest import suggest

_ANGLE = 30.0


@dataclass(frozen=True)
class _Stance:
    """How the camera of a first movie stands to a volume.

    side, up, why : where it looks from, what is up, and why
    axis          : that it turns about
    half, facing  : the half that stays when the volume is cut open, as (axis, upper half); where that is seen from
    detail        : a part of the cut face, between its middle and its upper edge, as shares of x, y and z
    """

    side: Vec3
    up: Vec3
    why: str
    axis: str
    half: tuple[str, bool]
    facing: Vec3
    detail: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


_SECTIONS = _Stance(
    (0.45, -0.32, -1.0),
    (0.0, -1.0, 0.0),
    "rows of a section run down, along +y",
    "y",
    ("z", True),
    (0.3, -0.2, -1.0),
    ((0.34, 0.66), (0.16, 0.46), (0.5, 0.75)),
)
_HEAD = _Stance(
    (0.45, 1.0, 0.32),
    (0.0, 0.0, 1.0),
    "superior is up; +x is right, +y anterior",
    "z",
    ("y", False),
    (0.3, 1.0, 0.2),
    ((0.34, 0.66), (0.25, 0.5), (0.54, 0.84)),
)


def starter(subject: Subject, volume: str, title: str, size: tuple[int, int] = (1280, 720)) -> str:
    """The text of a movie file for that volume.

    volume : its file, as seen from the movie file
    title  : words on the picture
    """
    first, bounds, stance = suggest(subject), subject.bounds, _HEAD if subject.anatomical else _SECTIONS
    aspect = size[0] / size[1]
    away = _distance(bounds, stance, aspect, round_=first.share < 0.6)
    position = as_vec(np.add(bounds.center, away * np.asarray(stance.side) / np.linalg.norm(stance.side)))
    half, detail = _half(bounds, stance), _detail(bounds, stance)
    points = ", ".join(f"[{v:g}, {a:g}]" for v, a in first.opacity)
    return f"""\
# A movie of {volume.splitlines()[0]}. Every word is explained by `stackreel schema`; an editor that knows YAML schemas
# completes them after `stackreel schema -o movie.schema.json`:
# yaml-language-server: $schema=movie.schema.json
stackreel: 1
volume: {json.dumps(volume, ensure_ascii=False)}
output: {{size: [{size[0]}, {size[1]}], fps: 25}}   # samples: 4 makes edges smoother, and takes longer

scene:                            # what is shown at the beginning; shots change it
{_about_values(subject, first.threshold)}
  color: {{map: {json.dumps(first.map)}, range: [{first.range[0]:g}, {first.range[1]:g}]}}   # or viridis, bone, …
  opacity: [{points}]   # [value, opacity], straight between
  opacity_unit: {first.opacity_unit:g}{_in_um(first.opacity_unit, subject)}
  light: {first.light}                   # none, headlight, studio or raking
                                  # blend: mip shows the largest values; clip: {{normal: [1, 0, 0.5]}} cuts it open
  background: "#000000"           # or {{top: "#2a3644", bottom: "#07090c"}}
  camera:                         # numbers from ParaView's camera dialog can be pasted here
    position: {_numbers(position)}
    focal_point: {_numbers(bounds.center)}
    view_up: {_numbers(stance.up):<21} # {stance.why}
    view_angle: {_ANGLE:g}

places:                           # boxes with names{_extent(subject)}
  half: {{box: {half}, view_from: {_numbers(stance.facing)}}}
  detail: {{box: {detail}}}

shots:                            # one after the other; all inside a shot happens together
  - name: opening
    seconds: 4
    orbit: {{axis: {stance.axis}, degrees: 360, about: volume}}
    title: {{text: {json.dumps(title, ensure_ascii=False)}, from: 0.3, for: 3, place: lower}}
  - name: cut open
    seconds: 3
    crop: half
    fly: {{to: half, margin: {0.0 if first.share < 0.6 else 0.05:g}}}
{_even_light(first.light)}  - name: dive
    seconds: 2
    fly: {{to: detail}}
  - name: hold                    # a shot that says only seconds waits
    seconds: 1
"""


def _distance(bounds: Box, stance: _Stance, aspect: float, *, round_: bool) -> float:
    """From how far the volume stays in the picture all the way round.

    round_ : it leaves the corners of its box empty, as a brain does; then a body between ellipsoid and box counts,
             |x|³ + |y|³ + |z|³ = 1 in half sizes
    """
    about = tuple(float(axis == stance.axis) for axis in "xyz")
    view = [rotated(stance.side, about, a) for a in range(0, 360, 15)]
    if not round_:
        return max(frame_box(bounds, side, stance.up, _ANGLE, aspect, 0.05).distance for side in view)
    theta, phi = np.meshgrid(np.linspace(0.0, np.pi, 19), np.linspace(0.0, 2.0 * np.pi, 37))
    ball = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], axis=-1)
    ball /= np.cbrt((np.abs(ball) ** 3).sum(axis=-1, keepdims=True))
    shell = 0.5 * np.asarray(bounds.size) * ball.reshape(-1, 3)
    tangent = np.tan(np.radians(_ANGLE) / 2.0) * 0.9
    reaches = []
    for side in view:
        right, up, forward = Camera(as_vec(side), (0.0, 0.0, 0.0), stance.up, _ANGLE).basis
        wide = np.maximum(np.abs(shell @ up), np.abs(shell @ right) / aspect)
        reaches.append(float((wide / tangent - shell @ forward).max()))
    return max(reaches)


def _even_light(light: str) -> str:
    """What the shot that cuts says of light: a cut face has no slopes of its own, only the noise of its values."""
    if light == "none":
        return ""
    return "    look: {light: {ambient: 0.7, diffuse: 0.35, specular: 0.05}}   # for a flat face\n"


def _numbers(values: Vec3) -> str:
    return "[" + ", ".join(f"{round(v, 3) + 0.0:g}" for v in values) + "]"


def _interval(a: float, b: float) -> str:
    return f"[{_short(a)}, {_short(b)}]"


def _short(value: float) -> str:
    return f"{float(f'{value:.4g}') + 0.0:g}"


def _half(bounds: Box, stance: _Stance) -> str:
    """The half that is farther from the camera, so that the cut faces it."""
    axis, upper = stance.half if bounds.size["xyz".index(stance.half[0])] > 0.0 else ("x", True)  # a single section
    k = "xyz".index(axis)
    ends = (bounds.center[k], bounds.upper[k]) if upper else (bounds.lower[k], bounds.center[k])
    return f"{{{axis}: {_interval(*ends)}}}"


def _detail(bounds: Box, stance: _Stance) -> str:
    """A part of the cut face: both what is within and the outline show."""
    parts = []
    for k, (axis, (low, high)) in enumerate(zip("xyz", stance.detail, strict=True)):
        start, length = bounds.lower[k], bounds.size[k]
        if length == 0.0:  # one sample thick: all of it
            continue
        parts.append(f"{axis}: {_interval(start + low * length, start + high * length)}")
    return "{" + ", ".join(parts) + "}"


def _in_um(length: float, subject: Subject) -> str:
    comment = "   # the length over which those opacities hold"
    if subject.um_per_unit is None:
        return comment + "; smaller is denser"
    return f"{comment}: {format_um(length * subject.um_per_unit)}; smaller is denser"


def _extent(subject: Subject) -> str:
    if subject.um_per_unit is None:
        return "; the volume's longest side is 1"
    return f'; the longest side is 1 = {format_um(subject.um_per_unit)}; "2 mm" works too'


def _about_values(subject: Subject, threshold: float | None) -> str:
    lo, hi = subject.value_range
    said = f"  # values run from {lo:g} to {hi:g}"
    if subject.kind == "axial":
        period = f"; directions repeat after {subject.period:g}" if subject.period else ""
        return said + period + ("" if threshold is None else f"; {threshold:g} is background")
    return said if threshold is None else f"{said}; background and the rest part at about {threshold:g}"
