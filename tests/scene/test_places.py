"""Places that are cameras: shots fly to them as to boxes."""

import pytest

from stackreel.scene import Camera, Movie, parse

LEFT = Camera((-2.0, 0.25, 0.0), (0.0, 0.1, 0.0), (0.0, -1.0, 0.0), 20.0)
PLACES = """\
places:
  left: {camera: {position: [-2, 0.25, 0], focal_point: [0, 0.1, 0], view_up: [0, -1, 0], view_angle: 20}}
"""


@pytest.mark.parametrize("fly", ["fly: left", "fly: {to: left}", "fly: {to: left, path: line}"])
def test_a_shot_ends_at_the_camera_of_its_place(movie, fly):
    timeline = movie(f"  - {{seconds: 2, {fly}}}\n  - {{seconds: 1}}", PLACES)
    assert timeline.at(2.0).camera == LEFT
    assert timeline.at(1.0).camera != LEFT


def test_a_place_may_have_a_box_to_cut_out_and_a_camera_to_look_at_it(movie):
    both = PLACES.replace("{camera", "{box: {z: [0, 0.2]}, camera")
    timeline = movie("  - {seconds: 2, fly: left, crop: left}", both)
    assert timeline.at(2.0).camera == LEFT
    assert (timeline.at(2.0).crop.lower[2], timeline.at(2.0).crop.upper[2]) == (0.0, 0.2)


def test_what_the_pose_leaves_out_is_as_the_camera_was(movie):
    timeline = movie(
        "  - {seconds: 2, fly: near}",
        "scene: {camera: {view_angle: 44, view_up: [1, 0, 0]}}\nplaces: {near: {camera: {position: [0, 1, 0]}}}",
    )
    camera = timeline.at(2.0).camera
    assert (camera.position, camera.view_up, camera.view_angle) == ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), 44.0)


def test_python_says_the_same(movie):
    pose = {"position": [-2, 0.25, 0], "focal_point": [0, 0.1, 0], "view_up": [0, -1, 0], "view_angle": 20}
    built = Movie("v.h5").place("left", camera=pose).shot(seconds=2, fly="left").document
    assert built == parse(f"stackreel: 1\nvolume: v.h5\n{PLACES}shots: [{{seconds: 2, fly: left}}]")
