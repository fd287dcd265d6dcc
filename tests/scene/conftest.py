import pytest

from stackreel.geometry import Box
from stackreel.scene import Subject

EXAMPLE = """\
stackreel: 1
volume: vervet.h5
output: {size: [1920, 1080], fps: 25}

scene:
  color:   {map: bone, range: [0, 255]}
  opacity: [[0, 0], [50, 0], [100, 0.02], [160, 0.1], [255, 0.4]]
  opacity_unit: 0.004
  background: "#000000"
  light: studio
  camera: {position: [1.5, -0.6, 1.9], focal_point: [0, 0, 0], view_up: [0, -1, 0], view_angle: 30}

places:
  calcarine: {box: {x: [-0.1, 0.2], y: [0, 0.25], z: [-0.15, 0.15]}}
looks:
  fibres: {opacity: [[0, 0], [140, 0], [200, 0.3], [255, 0.9]], light: raking}

shots:
  - name: opening
    seconds: 10
    orbit: {axis: y, degrees: 360, about: volume}
    ease: in-out
    title: {text: "Vervet visual cortex", from: 0.5, for: 4}
  - name: dissolve
    seconds: 5
    look: fibres
  - name: dive
    seconds: 8
    fly: {to: calcarine, path: spline}
    crop: {to: calcarine}
  - seconds: 2
"""


@pytest.fixture
def example():
    return EXAMPLE


@pytest.fixture
def subject():
    """A volume of 10 mm, a little flat along z."""
    return Subject(
        Box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3)),
        um_per_unit=10_000.0,
        value_range=(0.0, 255.0),
        step=(0.001, 0.001, 0.003),
    )


@pytest.fixture
def movie(subject):
    """movie(shots, …) → the timeline of a movie with these shots, written as YAML."""
    from stackreel.scene import parse

    def make(shots, before="", over=subject):
        return parse(f"stackreel: 1\nvolume: v.h5\n{before}\nshots:\n{shots}").timeline(over)

    return make
