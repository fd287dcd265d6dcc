import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stackreel.geometry import Box
from stackreel.scene import Camera
from stackreel.scene.paths import (
    angle_between,
    approach,
    axes_of,
    frame_box,
    knots_of,
    log_between,
    monotone_at,
    polyline_at,
    quaternion_of,
    rotated,
    slerp,
    spline_at,
)

UNIT = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


def matrix(q):
    """Rotation matrix of a unit quaternion, from the textbook."""
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@given(UNIT, UNIT)
def test_a_camera_turned_into_a_quaternion_and_back_looks_the_same_way(position, up):
    assume(np.linalg.norm(np.cross(position, up)) > 0.05)
    camera = Camera(position, (0, 0, 0), up)
    got_up, got_forward = axes_of(quaternion_of(camera))
    np.testing.assert_allclose(got_up, camera.basis[1], atol=1e-12)
    np.testing.assert_allclose(got_forward, camera.basis[2], atol=1e-12)


@given(UNIT, UNIT, UNIT, UNIT, st.floats(0, 1))
def test_slerp_is_the_share_of_the_one_rotation_between(p1, u1, p2, u2, u):
    assume(np.linalg.norm(np.cross(p1, u1)) > 0.05 and np.linalg.norm(np.cross(p2, u2)) > 0.05)
    p, q = quaternion_of(Camera(p1, (0, 0, 0), u1)), quaternion_of(Camera(p2, (0, 0, 0), u2))
    between = matrix(q) @ matrix(p).T
    angle = math.acos(min(max((np.trace(between) - 1) / 2, -1), 1))
    assume(1e-3 < angle < math.pi - 1e-3)
    axis = np.array([between[2, 1] - between[1, 2], between[0, 2] - between[2, 0], between[1, 0] - between[0, 1]])
    expected = np.stack([rotated(c, axis, math.degrees(u * angle)) for c in matrix(p).T], axis=1)
    np.testing.assert_allclose(matrix(slerp(p, q, u)), expected, atol=1e-7)
    assert angle_between(p, q) == pytest.approx(angle, abs=1e-6)


def test_turning_to_the_opposite_side_keeps_up_up():
    p, q = quaternion_of(Camera((0, 0, -2))), quaternion_of(Camera((0, 0, 2)))
    for u in np.linspace(0, 1, 9):
        np.testing.assert_allclose(axes_of(slerp(p, q, u))[0], (0, -1, 0), atol=1e-12)


@given(st.lists(st.tuples(*[st.floats(-5, 5)] * 3), min_size=1, max_size=8))
def test_a_spline_passes_through_all_its_points(points):
    knots = knots_of(points)
    for way in (spline_at, polyline_at):
        for point, knot in zip(points, knots, strict=True):
            np.testing.assert_allclose(way(points, knots, knot), point, atol=1e-6)


def test_a_spline_is_smooth_at_its_points():
    points = [(0, 0, 0), (1, 2, 0), (4, 2, 1), (5, 0, 3)]
    knots = knots_of(points)
    for k in knots[1:-1]:
        before = (spline_at(points, knots, k) - spline_at(points, knots, k - 1e-6)) / 1e-6
        after = (spline_at(points, knots, k + 1e-6) - spline_at(points, knots, k)) / 1e-6
        np.testing.assert_allclose(before, after, atol=1e-4)


def test_a_spline_through_points_on_a_line_stays_on_it():
    points = np.outer([0, 1, 5, 6], (1, 2, 3))
    knots = knots_of(points)
    for s in np.linspace(0, knots[-1], 50):
        x, y, z = spline_at(points, knots, s)
        assert (y, z) == pytest.approx((2 * x, 3 * x))


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=7), st.floats(0, 1))
def test_a_monotone_curve_never_overshoots(values, u):
    at = u * (len(values) - 1)
    i = min(int(at), len(values) - 2)
    low, high = sorted(values[i : i + 2])
    assert low - 1e-9 <= monotone_at(range(len(values)), values, at) <= high + 1e-9


def test_half_way_of_a_logarithmic_zoom_is_the_geometric_mean():
    assert log_between(2.0, 0.5, 0.5) == pytest.approx(1.0)
    assert log_between(8.0, 2.0, 0.25) == pytest.approx(8 / math.sqrt(2))


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0, 1))
def test_what_is_looked_at_approaches_in_step_with_the_distance(a, b, u):
    assume(abs(a / b - 1) > 1e-3)
    assert approach(a, b, u) == pytest.approx((a - log_between(a, b, u)) / (a - b), abs=1e-9)


@given(UNIT, st.floats(10, 90), st.floats(0.5, 2.5), st.floats(0, 0.4))
def test_a_framed_box_fits_the_picture_and_touches_its_margin(view_from, angle, aspect, margin):
    box = Box((-0.1, -0.3, 0.2), (0.4, 0.1, 0.6))
    assume(np.linalg.norm(np.cross(view_from, (0, -1, 0))) > 0.05)
    camera = frame_box(box, view_from, (0, -1, 0), angle, aspect, margin)
    right, up, forward = camera.basis
    seen = np.subtract(box.corners, camera.position)
    depth = seen @ forward
    assert depth.min() > 0
    half = math.tan(math.radians(angle) / 2)
    reach = np.maximum(np.abs(seen @ up) / (half * depth), np.abs(seen @ right) / (half * aspect * depth)).max()
    assert reach == pytest.approx(1 - margin, abs=1e-6)
