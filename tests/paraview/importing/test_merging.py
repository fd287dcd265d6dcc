"""A movie file that someone wrote stays as it is in every other letter."""

from __future__ import annotations

import difflib

import pytest

from stackreel.errors import MovieFileError
from stackreel.paraview.importing import Parts, merged
from stackreel.scene import parse

FILE = """\
# My movie; do not touch!
stackreel: 1
volume:   vervet.h5      # from March
output: {size: [1920, 1080], fps: 25}

scene:
  color:   {map: bone, range: [0, 255]}     # looks best
  opacity: [[0, 0],   [50, 0],
            [255, 0.4]]    # tuned
  camera:
      position: [1.5, -0.6, 1.9]            # from the left
      focal_point: [0, 0, 0]
  # a thought about light
  light: studio

looks:
  fibres: {opacity: [[0, 0], [140, 0], [255, 0.9]], light: raking}   # keep

shots:
  # first of all
  - name: opening
    seconds: 10
    orbit: {axis: y, degrees: 360}

  - {name: end, seconds: 2}      # hold
# the end
"""
POSE = {"position": [-2.0, 0.1, 0.0], "focal_point": [0.0, 0.0, 0.0], "view_up": [0.0, -1.0, 0.0], "view_angle": 25.0}


def changes(before, after):
    """Lines that went, lines that came."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return [x[2:] for x in lines if x[0] == "-"], [x[2:] for x in lines if x[0] == "+"]


def parts(**made):
    return Parts(**made)


def test_a_new_place_and_look_are_added_and_nothing_else_changes():
    text, said = merged(FILE, parts(scene={"opacity_unit": 0.004}, places={"left": {"camera": POSE}}), "m.yaml", "mine")
    gone, new = changes(FILE, text)
    assert gone == []
    spec = parse(text).spec
    assert spec.places["left"].camera.view_angle == 25
    assert spec.looks["mine"].opacity_unit == 0.004
    assert list(spec.looks) == ["fibres", "mine"]
    assert len([line for line in new if line.strip()]) <= 12
    assert said == ["looks.mine: added", "places.left: added"]


def test_a_look_of_that_name_is_replaced_and_its_neighbours_stay():
    text, said = merged(FILE, parts(scene={"opacity": [[0.0, 0.0], [9.0, 1.0]]}), "m.yaml", "fibres")
    gone, new = changes(FILE, text)
    assert [line.strip()[:7] for line in gone] == ["fibres:"]
    assert "# keep" in new[0]
    assert said == ["looks.fibres: replaced"]
    assert parse(text).spec.looks["fibres"].light is None


def test_doing_it_twice_changes_nothing_more():
    made = parts(scene={"opacity_unit": 0.004}, places={"left": {"camera": POSE}})
    once, _ = merged(FILE, made, "m.yaml", "mine")
    twice, said = merged(once, made, "m.yaml", "mine")
    assert twice == once
    assert said == ["looks.mine: said so already", "places.left: said so already"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("camera", POSE),
        ("color", [[0.0, "#000000"], [255.0, "#ffffff"]]),
        ("opacity", [[0.0, 0.0], [80.0, 0.25]]),
        ("light", "none"),
        ("clip", [{"origin": [0.0, 0.0, 0.1], "normal": "z"}]),
        ("crop", {"x": [-0.1, 0.2]}),
        ("background", {"top": "#102030", "bottom": "#000000"}),
    ],
)
def test_the_scenes_parts_are_replaced_in_their_places(key, value):
    text, _ = merged(FILE, parts(scene={key: value}), "m.yaml", "mine", scene=True)
    before, after = parse(FILE).to_data(), parse(text).to_data()
    assert parse(text) == parse_data({**before, "scene": {**before["scene"], key: value}})
    assert {k: v for k, v in after.items() if k != "scene"} == {k: v for k, v in before.items() if k != "scene"}
    kept = ("# My movie; do not touch!", "# from March", "# a thought about light", "# keep", "# hold", "# the end")
    assert all(word in text for word in kept)
    untouched = [line for line in FILE.splitlines() if line and not line.startswith("  ")]
    assert [line for line in text.splitlines() if line in untouched] == untouched


def parse_data(data):
    from stackreel.scene.document import from_data

    return from_data(data)


def test_with_the_scenes_own_camera_a_place_of_it_is_not_needed():
    box = {"x": [0.0, 0.1]}
    made = parts(scene={"camera": POSE, "crop": box}, places={"v": {"camera": POSE}, "b": {"box": box}})
    assert parse(merged(FILE, made, "m.yaml", "mine", scene=True)[0]).spec.places == {}
    assert set(parse(merged(FILE, made, "m.yaml", "mine")[0]).spec.places) == {"v", "b"}


def test_surfaces_take_the_place_of_colours_and_opacities():
    text, said = merged(FILE, parts(scene={"iso": [{"value": 60.0}]}), "m.yaml", "mine", scene=True)
    scene = parse(text).spec.scene
    assert (scene.color, scene.opacity) == (None, None)
    assert any("went" in sentence for sentence in said)
    assert "# a thought about light" in text


def test_shots_are_added_at_the_end_under_free_names():
    shot = {
        "name": "opening",
        "seconds": 3.0,
        "camera": {"path": "spline", "keys": [{"at": 0.0, **POSE}, {"at": 3.0, **POSE}]},
    }
    text, _ = merged(FILE, parts(shots=[shot, {"name": "last", "seconds": 1.0}]), "m.yaml", "mine")
    assert [s.name for s in parse(text).spec.shots] == ["opening", "end", "opening 2", "last"]
    assert changes(FILE, text)[0] == []
    assert text.index("# hold") < text.index("opening 2") < text.index("# the end")


STYLES = [
    "stackreel: 1\nvolume: v.h5\nshots: [{seconds: 2}]",
    "stackreel: 1\nvolume: v.h5\nplaces:\nlooks:\nscene:\nshots:\n- seconds: 2\n",
    "{stackreel: 1, volume: v.h5, places: {a: {box: {}}}, shots: [{seconds: 2}]}",
    '{"stackreel": 1, "volume": "v.h5",\n "shots": [\n  {"seconds": 2}\n ]}\n',
    "stackreel: 1\nvolume: v.h5\nscene: {light: none}   # flow\nplaces: {a: {box: {x: [0, 0.1]}},\n"
    "   b: {box: {y: [0, 0.1]}}}\nshots:\n    - seconds: 2   # two\n    - seconds: 1\n",
    "stackreel: 1\nvolume: v.h5\nshots:\n  - seconds: 2\n    title: |\n      two\n      lines\n",
    "stackreel: 1\nvolume: v.h5\nshots:\n  - seconds: 2\n    title: Größe: 3 µm\nscene:\n  light: none\n\n\n# end",
]  # fmt: skip


@pytest.mark.parametrize("text", STYLES)
@pytest.mark.parametrize("scene", [False, True])
def test_however_the_file_is_written_it_says_what_was_meant(text, scene):
    text = text.replace("title: Größe: 3 µm", 'title: "Größe: 3 µm"')
    made = parts(
        scene={"light": "studio", "camera": POSE, "opacity": [[0.0, 0.0], [1e-05, 0.5]]},
        places={"a": {"camera": POSE}, "no: such": {"box": {"x": [-0.1, 0.1]}}},
        shots=[{"name": "x", "seconds": 1.0, "fly": {"to": "volume"}}],
    )
    after, _ = merged(text, made, "m.yaml", "mine", scene=scene)
    spec = parse(after).spec
    if not scene:
        assert spec.places["a"].camera.position == (-2, 0.1, 0)
        assert spec.places["no: such"].box.x == (-0.1, 0.1)
    assert spec.shots[-1].name == "x"
    assert (spec.scene if scene else spec.looks["mine"]).light == "studio"
    assert len(spec.shots) == len(parse(text).spec.shots) + 1


def test_a_file_that_is_not_sound_is_refused_before_anything_else():
    with pytest.raises(MovieFileError, match="shotss"):
        merged(FILE.replace("shots:", "shotss:"), parts(), "m.yaml", "mine")
