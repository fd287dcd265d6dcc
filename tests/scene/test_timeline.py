import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackreel.errors import MovieFileError
from stackreel.geometry import Box
from stackreel.scene import Subject, parse
from stackreel.scene.paths import frame_box

MOVES = """\
  - {name: turn, seconds: 3, orbit: {axis: [0.2, 1, 0], degrees: 200, about: here}, zoom: 1.5}
  - {name: dissolve, seconds: 2, look: dense}
  - {name: dive, seconds: 4, fly: {to: here}, crop: here, title: Here}
  - {name: side, seconds: 3, fly: {to: there, view_from: x}, crop: none, ease: smooth}
  - {name: around, seconds: 3, fly: {to: volume, view_from: -z, via: [[1.2, -0.5, -0.2]], ease: linear}}
  - {name: pose, seconds: 2, camera: {position: [0.5, -1, -1.5], view_angle: 50}}
  - {name: keys, seconds: 4, camera: {keys: [{at: 1, position: [1, 0, -1]}, {at: 2.5, position: [1.5, 0.5, 0.5],
      focal_point: [0.1, 0, 0]}, {at: 4, position: [0, 1, -2], view_angle: 30}]}}
  - {name: ring, seconds: 4, camera: {path: arc, keys: [{at: 2, position: [2, 0.1, 0]},
      {at: 4, position: [0, 0.1, 2]}]}}
  - {name: back, seconds: 2, look: {color: viridis, light: none, opacity_unit: 100 um, from: 0.5, for: 1}}
"""
NAMES = """\
places:
  here: {box: {x: [-0.1, 0.2], y: [0, 0.25], z: [-0.15, 0.15]}}
  there: {box: {x: ["1 mm", "2 mm"], y: [0, 0.1], z: [0, 0.1]}}
looks:
  dense: {opacity: [[0, 0], [140, 0.5], [255, 0.9]], opacity_unit: 0.001, background: white, light: studio}
"""
SUBJECT = Subject(Box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3)), um_per_unit=10_000.0)
TIMELINE = parse(f"stackreel: 1\nvolume: v.h5\n{NAMES}shots:\n{MOVES}").timeline(SUBJECT)


def view(scene):
    """What the camera sees, as numbers: where it is, what is right, up, ahead, how far it looks, its angle."""
    c = scene.camera
    return np.concatenate([c.position, c.focal_point, c.basis.ravel(), [c.distance, c.view_angle]])


def look(scene):
    values = np.linspace(0, 255, 52)
    t, light = scene.transfer, scene.light
    crop = scene.crop or SUBJECT.bounds
    return np.concatenate(
        [
            t.opacities_at(values),
            t.colors_at(values).ravel(),
            [math.log(t.opacity_unit), light.ambient, light.diffuse, light.specular, light.specular_power / 100],
            light.direction,
            scene.background,
            crop.lower,
            crop.upper,
        ]
    )


def test_a_moment_is_the_same_whatever_was_asked_before():
    times = [i * TIMELINE.seconds / 97 for i in range(98)]
    forward = {t: TIMELINE.at(t) for t in times}
    random.Random(1).shuffle(times)
    assert all(TIMELINE.at(t) == forward[t] for t in times)


@given(st.floats(0, TIMELINE.seconds - 1e-4))
@settings(max_examples=400, deadline=None)
def test_nothing_jumps(t):
    a, b = TIMELINE.at(t), TIMELINE.at(t + 1e-4)
    assert np.abs(view(a) - view(b)).max() < 0.02
    assert np.abs(look(a) - look(b)).max() < 0.002
    assert abs(sum(x.opacity for x in a.titles) - sum(x.opacity for x in b.titles)) < 0.001


@pytest.mark.parametrize("k", range(len(TIMELINE.shots) - 1))
def test_a_shot_begins_where_the_one_before_ended(k):
    before, after = TIMELINE.shots[k], TIMELINE.shots[k + 1]
    assert before.closing == after.opening
    assert before.end == pytest.approx(after.start)
    assert replace(TIMELINE.at(after.start), titles=()) == after.opening


def test_what_a_shot_does_not_mention_stays(movie):
    timeline = movie("  - {seconds: 2, zoom: 2}\n  - {seconds: 3}\n")
    held = timeline.at(2.0)
    assert all(timeline.at(t) == held for t in (2.5, 4.0, 5.0))
    assert held.transfer == timeline.at(0).transfer


def test_a_full_orbit_ends_where_it_began_and_is_a_circle(movie):
    timeline = movie("  - {seconds: 8, orbit: {axis: [1, 2, 0.5], degrees: 720, about: [0.1, 0.2, 0]}, ease: smooth}\n")
    np.testing.assert_allclose(view(timeline.at(8)), view(timeline.at(0)), atol=1e-9)
    radius = math.dist(timeline.at(0).camera.position, (0.1, 0.2, 0))
    for t in np.linspace(0, 8, 33):
        assert math.dist(timeline.at(t).camera.position, (0.1, 0.2, 0)) == pytest.approx(radius, abs=1e-12)


def test_a_quarter_turn_about_y_is_right_handed(movie):
    camera = "scene: {camera: {position: [0, 0, 2], focal_point: [0, 0, 0]}}"
    timeline = movie("  - {seconds: 4, ease: linear, orbit: {axis: y, degrees: 90}}\n", camera)
    assert timeline.at(4).camera.position == pytest.approx((2, 0, 0))
    assert timeline.at(2).camera.position == pytest.approx((math.sqrt(2), 0, math.sqrt(2)))


def test_a_zoom_doubles_at_even_ratios(movie):
    timeline = movie("  - {seconds: 2, zoom: 4, ease: linear}\n")
    start = timeline.at(0).camera.distance
    assert timeline.at(1).camera.distance == pytest.approx(start / 2)
    assert timeline.at(2).camera.distance == pytest.approx(start / 4)
    assert timeline.at(2).camera.focal_point == timeline.at(0).camera.focal_point


def test_flying_to_a_place_frames_it_and_stays_on_course(movie):
    timeline = movie("  - {seconds: 4, fly: {to: here, margin: 0.2}, ease: linear}\n", NAMES)
    start, middle, end = (timeline.at(t).camera for t in (0, 2, 4))
    place = Box((-0.1, 0, -0.15), (0.2, 0.25, 0.15))
    assert end == frame_box(place, (0, 0, -1), (0, -1, 0), 30, 16 / 9, 0.2)
    assert middle.distance == pytest.approx(math.sqrt(start.distance * end.distance))
    off = np.cross(np.subtract(middle.position, start.position), np.subtract(end.position, start.position))
    np.testing.assert_allclose(off, 0, atol=1e-12)


def test_flying_to_the_other_side_goes_around_not_through(movie):
    timeline = movie("  - {seconds: 4, fly: {to: volume, view_from: z}}\n")
    away = [math.dist(timeline.at(t).camera.position, (0, 0, 0)) for t in np.linspace(0, 4, 21)]
    assert min(away) > 0.99 * away[0]
    assert timeline.at(2).camera.focal_point == pytest.approx((0, 0, 0), abs=1e-9)


def test_a_flight_passes_its_via_points(movie):
    timeline = movie(
        "  - {seconds: 4, ease: linear, fly: {to: here, via: [[0.9, -0.3, -0.9], [0.5, 0, -0.9]]}}\n", NAMES
    )
    path = np.array([timeline.at(t).camera.position for t in np.linspace(0, 4, 4001)])
    for point in ((0.9, -0.3, -0.9), (0.5, 0, -0.9)):
        assert np.linalg.norm(path - point, axis=1).min() < 1e-3


@pytest.mark.parametrize("path", ["arc", "spline", "line"])
def test_camera_keys_are_met_at_their_times(movie, path):
    shot = f"""\
  - seconds: 6
    camera:
      path: {path}
      keys:
        - {{at: 1, position: [1, 0, -1]}}
        - {{at: 2.5, position: [1.5, 0.5, 0.5], focal_point: [0.1, 0, 0]}}
        - {{at: 5, position: [0, 1, -2], view_angle: 45, view_up: [0, 0, 1]}}
"""
    timeline = movie(shot)
    assert timeline.at(0).camera.position[2] < -1
    for t, position, focal in (
        (1, (1, 0, -1), 0),
        (2.5, (1.5, 0.5, 0.5), 0.1),
        (5, (0, 1, -2), 0.1),
        (6, (0, 1, -2), 0.1),
    ):
        camera = timeline.at(t).camera
        assert camera.position == pytest.approx(position)
        assert camera.focal_point == pytest.approx((focal, 0, 0), abs=1e-12)
        near = timeline.at(t - 1e-7).camera
        assert near.position == pytest.approx(position, abs=1e-5)
    assert timeline.at(5).camera.view_angle == 45


def test_keys_around_one_focal_point_keep_looking_at_it(movie):
    keys = "[{at: 0, position: [0, 0, -2]}, {at: 2, position: [2, 0, 0]}, {at: 4, position: [0, 0, 2]}]"
    timeline = movie(f"  - {{seconds: 4, camera: {{keys: {keys}}}}}\n")
    for t in np.linspace(0, 4, 41):
        camera = timeline.at(t).camera
        assert camera.focal_point == pytest.approx((0, 0, 0), abs=1e-9)
        assert camera.distance == pytest.approx(2)


def test_a_look_is_reached_exactly(movie):
    timeline = movie("  - {seconds: 2, look: dense}\n", NAMES)
    end = timeline.at(2)
    assert end.transfer.opacity == ((0, 0), (140, 0.5), (255, 0.9))
    assert end.transfer.opacity_unit == 0.001
    assert end.transfer.color == timeline.at(0).transfer.color
    assert end.background == (1, 1, 1)


def test_a_crop_glides_to_the_box_and_back_to_the_whole(movie):
    timeline = movie("  - {seconds: 2, crop: here, ease: linear}\n  - {seconds: 2, crop: none}\n", NAMES)
    assert timeline.at(0).crop is None
    assert timeline.at(1).crop.lower == pytest.approx((-0.3, -0.2, -0.225), abs=1e-3)
    assert timeline.at(2).crop == Box((-0.1, 0, -0.15), (0.2, 0.25, 0.15))
    assert timeline.at(4).crop is None


def test_a_move_with_from_and_for_waits_moves_and_stays(movie):
    timeline = movie("  - {seconds: 5, zoom: {factor: 2, from: 1, for: 2, ease: linear}}\n")
    distance = [timeline.at(t).camera.distance for t in (0, 1, 2, 3, 5)]
    assert distance[1] == pytest.approx(distance[0])
    assert distance[2] == pytest.approx(distance[0] / math.sqrt(2))
    assert distance[3] == distance[4] == pytest.approx(distance[0] / 2)


def test_titles_fade_in_and_out_within_their_time(movie):
    timeline = movie("  - {seconds: 6, title: {text: Hi, from: 1, for: 4, fade: 1, color: red, place: upper left}}\n")
    assert timeline.at(0.9).titles == ()
    assert timeline.at(1.5).titles[0].opacity == pytest.approx(0.5)
    assert timeline.at(3).titles[0].opacity == 1
    assert timeline.at(4.75).titles[0].opacity == pytest.approx(0.25)
    assert timeline.at(5.5).titles == ()
    title = timeline.at(3).titles[0]
    assert (title.text, title.place, title.color) == ("Hi", "upper left", (1, 0, 0))


def test_two_titles_may_follow_one_another(movie):
    timeline = movie("  - {seconds: 4, titles: [{text: One, for: 2}, {text: Two, from: 2}]}\n")
    assert [t.text for t in timeline.at(1).titles] == ["One"]
    assert [t.text for t in timeline.at(3).titles] == ["Two"]


def test_frames_are_k_over_fps_and_as_many_as_the_seconds_hold(movie):
    timeline = movie("  - {seconds: 0.1}\n  - {seconds: 0.2, zoom: 2}\n  - {seconds: 0.7}\n", "output: {fps: 30}")
    assert (timeline.frames, timeline.seconds) == (30, 1.0)
    assert timeline.time_of(3) == pytest.approx(0.1)
    assert timeline.shot_at(timeline.time_of(9)).name == "shot 3"
    assert len(list(timeline)) == 30
    assert [(s.name, s.start, s.seconds) for s in timeline.shots] == [
        ("shot 1", 0, 0.1),
        ("shot 2", 0.1, 0.2),
        ("shot 3", 0.3, 0.7),
    ]


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan")])
def test_a_moment_outside_the_movie_is_an_error(movie, t):
    timeline = movie("  - {seconds: 1}\n")
    with pytest.raises(MovieFileError, match="outside the movie, which runs from 0 to 1 s"):
        timeline.at(t)
    with pytest.raises(MovieFileError, match="no frame 25; the movie has frames 0 to 24"):
        timeline.time_of(25)


def test_without_a_camera_the_whole_volume_is_framed_as_it_was_imaged(movie, subject):
    camera = movie("  - {seconds: 1}\n").at(0).camera
    assert camera == frame_box(subject.bounds, (0, 0, -1), (0, -1, 0), 30, 16 / 9)
    right, up, forward = camera.basis
    np.testing.assert_allclose([right, up, forward], [(1, 0, 0), (0, -1, 0), (0, 0, 1)], atol=1e-12)


def test_lengths_may_carry_units(movie):
    timeline = movie("  - {seconds: 1, crop: {x: [-2 mm, 3000 um]}}\n", "scene: {opacity_unit: 250 um}")
    assert timeline.at(1).crop == Box((-0.2, -0.4005, -0.3015), (0.3, 0.4005, 0.3015))  # the rest: the whole volume
    assert timeline.at(0).transfer.opacity_unit == pytest.approx(0.025)
