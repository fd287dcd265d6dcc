"""Planes that cut the volume open, and how they move: a cut travels through the tissue, tilting as it goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stackreel.geometry import Box, Vec3
from stackreel.scene.paths import as_vec, rotated, unit


@dataclass(frozen=True, slots=True)
class ClipPlane:
    """A plane that hides what lies behind it; VTK's vtkPlane, as its mappers' clipping planes.

    origin : a point of the plane, world (x, y, z)
    normal : points to the side that is kept; need not be of length 1
    """

    origin: Vec3
    normal: Vec3

    def __post_init__(self) -> None:
        if not math.hypot(*self.normal) > 0.0:
            raise ValueError("clip.normal is zero; it must point to the side that is kept")

    def outside(self, box: Box) -> ClipPlane:
        """The same plane, moved back along its normal until it keeps the whole box."""
        n = unit(self.normal)
        depth = float((np.subtract(box.corners, self.origin) @ n).min())
        return self if depth >= 0.0 else ClipPlane(as_vec(np.add(self.origin, depth * n)), self.normal)


def turned(a: Vec3, b: Vec3, u: float) -> Vec3:
    """A direction at share u of the shortest turn from a to b, at even angular speed."""
    p, q = unit(a), unit(b)
    axis = np.cross(p, q)
    angle = math.atan2(float(np.linalg.norm(axis)), float(p @ q))
    if angle < 1e-9:
        return a
    if not float(np.linalg.norm(axis)) > 1e-9:  # opposite: any axis is as short as another
        axis = np.cross(p, np.eye(3)[int(np.argmin(np.abs(p)))])
    return as_vec(rotated(p, axis, u * math.degrees(angle)))


def between(start: Sequence[ClipPlane], end: Sequence[ClipPlane], whole: Box, u: float) -> tuple[ClipPlane, ...]:
    """The planes at share u of the way; planes are paired in order.

    Origins go straight, normals turn the shortest way. A plane that comes or goes does so from or to outside of the
    whole volume.
    """
    if u <= 0.0:
        return tuple(start)
    if u >= 1.0:
        return tuple(end)
    count = max(len(start), len(end))
    first = [start[i] if i < len(start) else end[i].outside(whole) for i in range(count)]
    last = [end[i] if i < len(end) else start[i].outside(whole) for i in range(count)]
    return tuple(
        ClipPlane(as_vec((1.0 - u) * np.asarray(a.origin) + u * np.asarray(b.origin)), turned(a.normal, b.normal, u))
        for a, b in zip(first, last, strict=True)
    )
