"""A first movie of a volume that nobody has filmed yet: ten seconds, tuned to its values, with comments to go on from.

It turns once around the volume under a title, cuts it open, and dives to the cut face.
"""

from __future__ import annotations

import json

import numpy as np

from stackreel.geometry import Box, Vec3, format_um
from stackreel.scene.paths import as_vec, frame_box, rotated
from stackreel.scene.subject import Subject
from stackreel.scene.suggest import suggest

_SIDE: Vec3 = (0.45, -0.32, -1.0)
"""Seen from the front, a little from the right and from above: rows run down, so above is -y."""
_UP: Vec3 = (0.0, -1.0, 0.0)


def starter(subject: Subject, volume: str, title: str, size: tuple[int, int] = (1280, 720)) -> str:
    """The text of a movie file for that volume.

    volume : its file, as seen from the movie file
    title  : words on the picture
    """
    first, bounds = suggest(subject), subject.bounds
    aspect = size[0] / size[1]
    margin = -0.2 if first.share < 0.6 else 0.05  # a brain leaves the corners of its box empty, a block does not
    around = [frame_box(bounds, rotated(_SIDE, (0, 1, 0), a), _UP, 30.0, aspect, margin) for a in range(0, 360, 15)]
    away = max(camera.distance for camera in around)
    position = as_vec(np.add(bounds.center, away * np.asarray(_SIDE) / np.linalg.norm(_SIDE)))
    half, detail = _half(bounds), _detail(bounds)
    points = ", ".join(f"[{v:g}, {a:g}]" for v, a in first.opacity)
    return f"""\
# A movie of {volume.splitlines()[0]}. Every word is explained by `stackreel schema`; an editor that knows YAML schemas
# completes them after `stackreel schema -o movie.schema.json`:
# yaml-language-server: $schema=movie.schema.json
stackreel: 1
volume: {json.dumps(volume, ensure_ascii=False)}
output: {{size: [{size[0]}, {size[1]}], fps: 25}}

scene:                            # what is shown at the beginning; shots change it
{_about_values(subject, first.threshold)}
  color: {{map: {json.dumps(first.map)}, range: [{first.range[0]:g}, {first.range[1]:g}]}}   # or viridis, bone, …
  opacity: [{points}]   # [value, opacity], straight between
  opacity_unit: {first.opacity_unit:g}{_in_um(first.opacity_unit, subject)}
  light: {first.light}                   # none, headlight, studio or raking
  background: "#000000"
  camera:                         # numbers from ParaView's camera dialog can be pasted here
    position: {_numbers(position)}
    focal_point: {_numbers(bounds.center)}
    view_up: [0, -1, 0]           # rows of a section run down, along +y
    view_angle: 30

places:                           # boxes with names{_extent(subject)}
  half: {{box: {half}}}
  detail: {{box: {detail}}}

shots:                            # one after the other; all inside a shot happens together
  - name: opening
    seconds: 4
    orbit: {{axis: y, degrees: 360, about: volume}}
    title: {{text: {json.dumps(title, ensure_ascii=False)}, from: 0.3, for: 3, place: lower}}
  - name: cut open
    seconds: 3
    crop: {{to: half}}
  - name: dive
    seconds: 2
    fly: {{to: detail}}
  - name: hold                    # a shot that says only seconds waits
    seconds: 1
"""


def _numbers(values: Vec3) -> str:
    return "[" + ", ".join(f"{round(v, 3) + 0.0:g}" for v in values) + "]"


def _interval(a: float, b: float) -> str:
    return f"[{_short(a)}, {_short(b)}]"


def _short(value: float) -> str:
    return f"{float(f'{value:.4g}') + 0.0:g}"


def _half(bounds: Box) -> str:
    """The half that is farther from the camera, so that the cut faces it."""
    return f"{{z: {_interval(bounds.center[2], bounds.upper[2])}}}"


def _detail(bounds: Box) -> str:
    """The middle of the cut face."""
    parts = []
    for k, axis in enumerate("xyz"):
        low, high = (0.32, 0.68) if axis != "z" else (0.5, 0.75)
        start, length = bounds.lower[k], bounds.size[k]
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
    return said if threshold is None else f"{said}; background and the rest part at about {threshold:g}"
