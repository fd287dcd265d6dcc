"""What of a volume a shot can show, and how fine: the box that has to be read, and the level that pictures ask for.

ParaView draws a volume from one level and one box at a time. So both are chosen for a whole shot: the box around all
that its frames have in view, and the level whose voxels no frame shows larger than need be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.view import shells, visible_box
from stackreel.geometry import Box, Placement
from stackreel.scene import Camera, Scene

Array = npt.NDArray[np.float64]

NEARLY_ALL = 0.7
"""Share of the volume from which on a box is not worth its reading: the whole volume is taken."""


def region(scenes: Iterable[Scene], placement: Placement, aspect: float) -> Box | None:
    """The world box of all that these scenes show of a volume; None for the whole volume, or nearly.

    aspect : of the picture, width over height
    """
    return around([in_view(scene, placement, aspect) for scene in scenes], placement)


def in_view(scene: Scene, placement: Placement, aspect: float) -> Box | None:
    """The world box of all that a scene shows of a volume; None where nothing is in view."""
    boxes = _boxes_in_view(scene, placement, aspect)
    return None if not boxes else _hull(boxes)


def around(boxes: Sequence[Box | None], placement: Placement) -> Box | None:
    """The box around boxes in view (None: nothing); None for the whole volume, or nearly."""
    whole = visible_box(placement, None)
    seen = [box for box in boxes if box is not None]
    if not seen:  # nothing is ever in view; a little has to be read all the same
        return Box(whole.center, whole.center)
    found = _hull(seen)
    share = np.prod(np.maximum(found.size, 0.0)) / np.prod(whole.size)
    return None if share > NEARLY_ALL else found


def finest(scenes: Iterable[Scene], levels: Sequence[Placement], rows: int, detail: float) -> int:
    """The finest level that pictures of so many rows can show, where a voxel may cover `detail` pixels."""
    best = len(levels) - 1
    for scene in scenes:
        crop = None if _is_uncropped(scene) else scene.crop
        found = shells(scene.camera, visible_box(levels[0], crop), levels, rows, detail)
        best = min(best, found[0].level if found else best)
    return best


def _is_uncropped(scene: Scene) -> bool:
    return any(not s.cropped for s in scene.slices)


def _boxes_in_view(scene: Scene, placement: Placement, aspect: float) -> list[Box]:
    """Boxes around what the volume and its slices have in view."""
    view = view_planes(scene.camera, aspect)
    cuts = [(np.asarray(c.normal, np.float64), float(np.dot(c.normal, c.origin))) for c in scene.cuts]
    found = [inside(visible_box(placement, scene.crop), [*view, *cuts])]
    if _is_uncropped(scene):
        found.append(inside(visible_box(placement, None), view))
    return [box for box in found if box is not None]


def view_planes(camera: Camera, aspect: float) -> list[tuple[Array, float]]:
    """The five planes of what a camera sees, as (normal, d): inside where normal · x ≥ d."""
    right, up, forward = camera.basis
    half = camera.pixel_size(2)
    position = np.asarray(camera.position)
    normals = [
        forward,
        *(half * aspect * forward + s * right for s in (-1.0, 1.0)),
        *(half * forward + s * up for s in (-1.0, 1.0)),
    ]
    return [(n, float(n @ position)) for n in normals]


def inside(box: Box, planes: Sequence[tuple[Array, float]]) -> Box | None:
    """The smallest box around the part of a box that lies inside of all planes; None where there is none."""
    if box.is_empty:
        return None
    faces = _faces(box)
    for normal, d in planes:
        faces = _cut(faces, normal, d)
    points = np.concatenate(faces) if faces else np.empty((0, 3))
    if not len(points):
        return None
    return Box(_vec(points.min(axis=0)), _vec(points.max(axis=0)))


def _faces(box: Box) -> list[Array]:
    """The six faces of a box as polygons (4, 3), corners in order."""
    low, high = np.asarray(box.lower), np.asarray(box.upper)
    faces = []
    for axis in range(3):
        u, v = (k for k in range(3) if k != axis)
        for at in (low, high):
            face = np.tile(at, (4, 1))
            face[:, u] = (low[u], high[u], high[u], low[u])
            face[:, v] = (low[v], low[v], high[v], high[v])
            faces.append(face)
    return faces


def _cut(faces: list[Array], normal: Array, d: float) -> list[Array]:
    """A convex body's faces after a plane has cut it: what is inside of it, and the cut itself as a face."""
    kept, rim = [], []
    for face in faces:
        height = face @ normal - d
        points = []
        for k in range(len(face)):
            a, b, p, q = height[k - 1], height[k], face[k - 1], face[k]
            if (a < 0.0) != (b < 0.0):
                between = p + (q - p) * (a / (a - b))
                points.append(between)
                rim.append(between)
            if b >= 0.0:
                points.append(q)
        if points:
            kept.append(np.asarray(points))
    if len(rim) >= 3:
        kept.append(_in_order(np.asarray(rim), normal))
    return kept


def _in_order(points: Array, normal: Array) -> Array:
    """Points of a convex polygon in the plane of such a normal, sorted around their middle."""
    u = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    v = np.cross(normal, u)
    away = points - points.mean(axis=0)
    return np.asarray(points[np.argsort(np.arctan2(away @ v, away @ u))])


def _hull(boxes: Sequence[Box]) -> Box:
    return Box(_vec(np.min([b.lower for b in boxes], axis=0)), _vec(np.max([b.upper for b in boxes], axis=0)))


def _vec(values: npt.ArrayLike) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(values))
    return (x, y, z)
