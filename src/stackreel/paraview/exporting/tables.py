"""A movie's frames as few, short tables: per shot what stays, what changes when, and one line for every camera.

Numbers are rounded to what can be seen: a camera to a hundredth of a pixel at its focal point, colours to a fraction
of what a screen can show. So most of a movie says the same from frame to frame, and is said once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stackreel.scene.colormaps import _thin
from stackreel.scene.timeline import TitleSpan

State = Mapping[str, Any]
"""What a frame shows, as `stage` wants it."""

MANY_COLORS = 24
"""A table of more points than that came out of a glide and is thinned."""
PIXEL_SHARE = 0.01
"""Of a pixel, that rounding may move the picture at the focal point."""


@dataclass(frozen=True)
class ShotTable:
    """One shot as a script has it.

    changes : frame of the shot → the properties that change with it; what is not mentioned stays as it was
    cameras : a row for each frame: position, focal point, view up, view angle; the last one holds
    titles  : with their times, in seconds from the shot's first frame
    """

    name: str
    frames: int
    changes: Mapping[int, dict[str, Any]]
    cameras: Sequence[tuple[Any, ...]]
    titles: Sequence[dict[str, Any]] = field(default_factory=list)


def shot_table(
    name: str,
    states: Sequence[State],
    before: Mapping[str, Any],
    rows: int,
    titles: Sequence[TitleSpan] = (),
    late: float = 0.0,
) -> tuple[ShotTable, dict[str, Any]]:
    """The table of a shot, and what it leaves behind for the next one.

    states : one for each frame
    before : what the shot before left behind; empty for the first
    rows   : height of the largest picture in pixels, for rounding
    late   : seconds from the shot's beginning to its first frame
    """
    digits = digits_for([state["camera"] for state in states], rows)
    said = dict(before)
    changes: dict[int, dict[str, Any]] = {}
    cameras = []
    for k, state in enumerate(states):
        now = rounded_state(state, digits)
        cameras.append(camera_row(state["camera"], digits))
        new = {key: value for key, value in now.items() if key not in said or said[key] != value}
        if new:
            changes[k] = new
            said.update(new)
    while len(cameras) > 1 and cameras[-1] == cameras[-2]:
        cameras.pop()
    if len(cameras) == 1 and cameras[0] == said.get("camera"):
        cameras = []
    elif cameras:
        said["camera"] = cameras[-1]
    shown = [title_row(span, late) for span in titles]
    return ShotTable(name, len(states), changes, cameras, shown), said


def digits_for(cameras: Sequence[Mapping[str, Any]], rows: int) -> int:
    """Decimals that positions need, so that a picture of so many rows does not show the rest."""
    least = min(
        math.dist(c["position"], c["focal_point"]) * 2.0 * math.tan(math.radians(c["view_angle"]) / 2.0) / rows
        for c in cameras
    )
    return min(max(math.ceil(-math.log10(2.0 * PIXEL_SHARE * least)), 4), 12)


def camera_row(camera: Mapping[str, Any], digits: int) -> tuple[Any, ...]:
    """Position, focal point, view up and view angle, rounded."""
    points = [tuple(_near(v, digits) for v in camera[key]) for key in ("position", "focal_point")]
    up = np.asarray(camera["view_up"], np.float64)
    up /= np.linalg.norm(up)
    return (*points, tuple(_near(float(v), 5) for v in up), _near(camera["view_angle"], 4))


def title_row(span: TitleSpan, late: float) -> dict[str, Any]:
    """A title with its times; `late` seconds of its shot are over at the shot's first frame."""
    title = span.title
    return {
        "text": title.text,
        "from": _near(span.start - late, 6),
        "for": _near(span.seconds, 6),
        "fade": _near(span.fade, 6),
        "place": title.place,
        "size": _near(title.size, 6),
        "color": [_near(c, 4) for c in title.color],
        "opacity": _near(title.opacity, 4),
    }


def rounded_state(state: State, digits: int) -> dict[str, Any]:
    """The same, rounded; without what is said elsewhere: camera, titles and data."""
    return {
        key: _rounded(key, value, digits) for key, value in state.items() if key not in ("camera", "titles", "data")
    }


def _rounded(key: str, value: Any, digits: int) -> Any:
    if key == "color" and value is not None:
        return _colors(value)
    if key in ("opacity", "mask"):
        return [[_significant(v), _significant(a, 5)] for v, a in value] if isinstance(value, (list, tuple)) else value
    if key in ("crop", "origin"):
        return _each(value, lambda v: _near(v, digits))
    if key == "normal":
        return _each(value, lambda v: _near(v, 6))
    if key in ("top", "bottom", "outline", "direction", "weight"):
        return _each(value, lambda v: _near(v, 4))
    if key == "light" and isinstance(value, Mapping):
        return {name: _significant(float(one), 4) for name, one in value.items()}
    if isinstance(value, Mapping):
        return {name: _rounded(name, one, digits) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded("", one, digits) for one in value]
    return _significant(value) if isinstance(value, float) else value


def _colors(points: Sequence[Sequence[float]]) -> list[list[float]]:
    """Colour points, as few as look the same."""
    table = np.asarray(points, np.float64)
    if len(table) > MANY_COLORS and np.all(np.diff(table[:, 0]) > 0.0):
        table = table[_thin(table[:, 0], table[:, 1:], 0.2 / 255)]
    return [[_significant(float(v)), *(_near(float(c), 4) for c in rgb)] for v, *rgb in table]


def _each(value: Any, change: Any) -> Any:
    return value if value is None else [_each(v, change) for v in value] if isinstance(value, (list, tuple)) else (
        change(value)
    )  # fmt: skip


def _near(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0


def _significant(value: float, digits: int = 7) -> float:
    return float(f"{value:.{digits}g}") + 0.0
