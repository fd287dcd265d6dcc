"""Smooth ways from here to there: curves through points, rotations, and the framing of a box.

Positions follow centripetal Catmull–Rom splines (Yuksel et al. 2011: no cusps, no loops between keys), orientations
follow the shortest rotation at even speed (Shoemake 1985), and progress along both follows a monotone cubic over
time (Fritsch & Carlson 1980), so that nothing jerks at a key and nothing overshoots it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Box, Vec3
from stackreel.scene.camera import Camera

Array = npt.NDArray[np.float64]


def as_vec(values: npt.ArrayLike) -> Vec3:
    x, y, z = (float(v) for v in np.asarray(values, dtype=np.float64))
    return (x, y, z)


def unit(vector: npt.ArrayLike) -> Array:
    """The vector at length 1; it must not be zero."""
    v = np.asarray(vector, dtype=np.float64)
    return np.asarray(v / np.linalg.norm(v))


def log_between(a: float, b: float, u: float) -> float:
    """From a to b (both > 0) by equal ratios: half-way lies their geometric mean."""
    return float(a ** (1.0 - u) * b**u)


def approach(a: float, b: float, u: float) -> float:
    """Share of the way to a target when the distance to it glides from a to b by equal ratios.

    What one looks at then moves in step with the zoom: a straight dive, without sliding sideways at its end.
    """
    growth = math.log(b / a)
    return u if abs(growth) < 1e-9 else math.expm1(u * growth) / math.expm1(growth)


# ---------------------------------------------------------------- curves through points


def knots_of(points: npt.ArrayLike, power: float = 0.5) -> Array:
    """Curve parameter at each of the points (n, d): cumulated distance to the power (0.5 is centripetal)."""
    steps = np.linalg.norm(np.diff(np.asarray(points, dtype=np.float64), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps**power)])


def spline_at(points: npt.ArrayLike, knots: npt.ArrayLike, s: float) -> Array:
    """The Catmull–Rom curve through points (n, d), which lie at increasing knots (n,), at parameter s."""
    p, k = np.asarray(points, dtype=np.float64), np.asarray(knots, dtype=np.float64)
    keep = np.concatenate([[True], np.diff(k) > 0.0])
    p, k = p[keep], k[keep]
    if len(k) == 1:
        return np.asarray(p[0])
    h = np.diff(k)
    slope = np.diff(p, axis=0) / h[:, None]
    tangent = np.empty_like(p)
    tangent[0], tangent[-1] = slope[0], slope[-1]
    weight = (h[1:] / (h[1:] + h[:-1]))[:, None]
    tangent[1:-1] = weight * slope[:-1] + (1.0 - weight) * slope[1:]
    i = int(np.clip(np.searchsorted(k, s, side="right") - 1, 0, len(h) - 1))
    u = min(max((s - k[i]) / h[i], 0.0), 1.0)
    v = 1.0 - u
    return np.asarray(
        v * v * (1.0 + 2.0 * u) * p[i]
        + u * u * (3.0 - 2.0 * u) * p[i + 1]
        + u * v * h[i] * (v * tangent[i] - u * tangent[i + 1])
    )


def polyline_at(points: npt.ArrayLike, knots: npt.ArrayLike, s: float) -> Array:
    """Straight from point to point: as spline_at, with corners."""
    p, k = np.asarray(points, dtype=np.float64), np.asarray(knots, dtype=np.float64)
    return np.stack([np.interp(s, k, p[:, axis]) for axis in range(p.shape[1])])


def monotone_at(x: npt.ArrayLike, y: npt.ArrayLike, at: float, gentle: tuple[bool, bool] = (False, False)) -> float:
    """A smooth curve through (x, y), x increasing, that never overshoots: y at `at`, constant beyond the ends.

    gentle : whether the curve is flat at its first and at its last point
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(xs) == 1:
        return float(ys[0])
    h, slope = np.diff(xs), np.diff(ys) / np.diff(xs)
    m = np.zeros_like(ys)
    for i in range(1, len(xs) - 1):
        a, b = slope[i - 1], slope[i]
        if a * b > 0.0:
            w1, w2 = 2.0 * h[i] + h[i - 1], h[i] + 2.0 * h[i - 1]
            m[i] = (w1 + w2) / (w1 / a + w2 / b)
    if not gentle[0]:
        m[0] = slope[0]
    if not gentle[1]:
        m[-1] = slope[-1]
    i = int(np.clip(np.searchsorted(xs, at, side="right") - 1, 0, len(h) - 1))
    u = min(max((at - xs[i]) / h[i], 0.0), 1.0)
    v = 1.0 - u
    rise = u * u * (3.0 - 2.0 * u)
    return float((1.0 - rise) * ys[i] + rise * ys[i + 1] + u * v * h[i] * (v * m[i] - u * m[i + 1]))


# ---------------------------------------------------------------- rotations


def quaternion_of(camera: Camera) -> Array:
    """The camera's orientation as a unit quaternion (w, x, y, z): world ← camera axes (right, up, backward)."""
    right, up, forward = camera.basis
    m = np.stack([right, up, -forward], axis=1)
    squares = np.array(
        [
            1.0 + m[0, 0] + m[1, 1] + m[2, 2],
            1.0 + m[0, 0] - m[1, 1] - m[2, 2],
            1.0 - m[0, 0] + m[1, 1] - m[2, 2],
            1.0 - m[0, 0] - m[1, 1] + m[2, 2],
        ]
    )
    k = int(np.argmax(squares))
    differences = {(0, 1): m[2, 1] - m[1, 2], (0, 2): m[0, 2] - m[2, 0], (0, 3): m[1, 0] - m[0, 1]}
    sums = {(1, 2): m[0, 1] + m[1, 0], (1, 3): m[0, 2] + m[2, 0], (2, 3): m[1, 2] + m[2, 1]}
    products = differences | sums
    q = np.array([squares[k] if j == k else products[(min(j, k), max(j, k))] for j in range(4)])
    return unit(q)


def axes_of(quaternion: npt.ArrayLike) -> tuple[Array, Array]:
    """(up, forward) of a camera with that orientation: unit vectors in world coordinates."""
    w, x, y, z = unit(quaternion)
    up = np.array([2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x)])
    backward = np.array([2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)])
    return up, -backward


def angle_between(p: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """Angle of the shortest rotation from one orientation to the other, in radians."""
    a, b = unit(p), unit(q)
    if float(a @ b) < 0.0:
        b = -b
    return float(4.0 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def slerp(p: npt.ArrayLike, q: npt.ArrayLike, u: float) -> Array:
    """Unit quaternion at share u of the shortest rotation from p to q, at even angular speed."""
    a, b = unit(p), unit(q)
    if float(a @ b) < 0.0:
        b = -b
    half = 0.5 * angle_between(a, b)
    if half < 1e-9:
        return unit((1.0 - u) * a + u * b)
    return np.asarray((math.sin((1.0 - u) * half) * a + math.sin(u * half) * b) / math.sin(half))


def rotated(vector: npt.ArrayLike, axis: npt.ArrayLike, degrees: float) -> Array:
    """The vector turned about the axis, right-handed (Rodrigues)."""
    v, k = np.asarray(vector, dtype=np.float64), unit(axis)
    angle = math.radians(math.remainder(degrees, 360.0))
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(c * v + s * np.cross(k, v) + (1.0 - c) * float(k @ v) * k)


# ---------------------------------------------------------------- framing


def perpendicular_to(direction: npt.ArrayLike, wanted: Sequence[npt.ArrayLike]) -> Vec3:
    """The first of the wanted view-up vectors that is not (nearly) parallel to the direction, else any that is not."""
    d = unit(direction)
    for candidate in [*wanted, (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)]:
        if float(np.linalg.norm(np.cross(d, unit(candidate)))) > 1e-3:
            return as_vec(candidate)
    raise AssertionError("two perpendicular candidates cannot both be parallel to one direction")


def frame_box(
    box: Box, view_from: npt.ArrayLike, view_up: Vec3, view_angle: float, aspect: float, margin: float = 0.1
) -> Camera:
    """The nearest camera that sees the whole box, looking at its centre.

    view_from : direction from the box towards the camera
    view_up   : not parallel to it
    aspect    : width of the picture over its height
    margin    : border left free, as a share of the picture
    """
    backward = unit(view_from)
    trial = Camera(as_vec(np.add(box.center, backward)), box.center, view_up, view_angle)
    right, up, _ = trial.basis
    corners = np.subtract(box.corners, box.center)
    tangent = math.tan(math.radians(view_angle) / 2.0) * (1.0 - margin)
    reach = np.maximum(np.abs(corners @ up), np.abs(corners @ right) / aspect) / tangent + corners @ backward
    distance = max(float(reach.max()), 1e-4)
    return Camera(as_vec(np.add(box.center, distance * backward)), box.center, view_up, view_angle)
