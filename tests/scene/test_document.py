import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackreel.errors import MovieFileError
from stackreel.geometry import Box
from stackreel.scene import Movie, load, parse
from stackreel.scene.document import json_schema

HEAD = "stackreel: 1\nvolume: v.h5\n"


def complaint(text):
    """What the user is told about that text, as lines."""
    with pytest.raises(MovieFileError) as caught:
        parse(text, "flight.yaml")
    return str(caught.value).splitlines()


def complaint_over(subject, text):
    """What the user is told about a text that is sound in itself, over that volume."""
    document = parse(text, "flight.yaml")
    with pytest.raises(MovieFileError) as caught:
        document.timeline(subject)
    return str(caught.value).splitlines()


def test_the_example_is_read_as_it_says(example, subject):
    document = parse(example)
    timeline = document.timeline(subject)
    assert (timeline.seconds, timeline.frames, timeline.size) == (25, 625, (1920, 1080))
    assert [s.name for s in timeline.shots] == ["opening", "dissolve", "dive", "shot 4"]
    assert timeline.at(0).camera.position == (1.5, -0.6, 1.9)
    assert timeline.at(15).transfer.opacity == ((0, 0), (140, 0), (200, 0.3), (255, 0.9))


def test_yaml_json_and_python_give_the_same_document(example, subject):
    from_yaml = parse(example)
    from_json = parse(json.dumps(from_yaml.to_data(), indent="\t"), "flight.json")
    from_python = (
        Movie("vervet.h5", size=(1920, 1080), fps=25)
        .scene(
            color={"map": "bone", "range": (0, 255)},
            opacity=[(0, 0), (50, 0), (100, 0.02), (160, 0.1), (255, 0.4)],
            opacity_unit=0.004,
            background="#000000",
            light="studio",
            camera={"position": (1.5, -0.6, 1.9), "focal_point": (0, 0, 0), "view_up": (0, -1, 0), "view_angle": 30},
        )
        .place("calcarine", x=(-0.1, 0.2), y=(0, 0.25), z=(-0.15, 0.15))
        .look("fibres", opacity=[(0, 0), (140, 0), (200, 0.3), (255, 0.9)], light="raking")
        .shot(
            "opening",
            seconds=10,
            orbit={"axis": "y", "degrees": 360, "about": "volume"},
            ease="in-out",
            title={"text": "Vervet visual cortex", "from_": 0.5, "for_": 4},
        )
        .shot("dissolve", seconds=5, look="fibres")
        .shot("dive", seconds=8, fly={"to": "calcarine", "path": "spline"}, crop={"to": "calcarine"})
        .shot(seconds=2)
        .document
    )
    assert from_yaml == from_json == from_python
    assert from_yaml.timeline(subject).at(12.3) == from_python.timeline(subject).at(12.3)
    assert parse(from_python.to_yaml()) == from_yaml
    assert from_python.to_yaml() == from_json.to_yaml()


def test_written_yaml_reads_like_the_handwritten(example):
    text = parse(example).to_yaml()
    assert "    orbit: {axis: y, degrees: 360, about: volume}\n" in text
    assert "  - seconds: 2\n" in text
    assert "  opacity: [[0, 0], [50, 0], [100, 0.02], [160, 0.1], [255, 0.4]]\n" in text


@pytest.mark.parametrize(
    "word", ["no", "on", "1:30", "1e3", "0x10", "~", "true", "#1", "a: b", "two\nlines", "π 👍", "0o7"]
)
def test_words_that_yaml_may_mistake_survive_writing_and_reading(word):
    movie = Movie("v.h5").shot(word, seconds=1e-3, title=word)
    assert parse(movie.to_yaml()) == movie.document
    assert movie.document.spec.shots[0].title == word


def test_yamls_surprises_do_not_bite():
    text = HEAD + "places: {no: {box: {x: [0, 1e-1]}}}\nlooks: {on: {light: none}}\n"
    document = parse(text + "shots: [{name: off, seconds: 1e-1, crop: no, look: on}, {seconds: 010}]\n")
    assert document.spec.shots[0].seconds == 0.1
    assert (document.spec.shots[0].crop, document.spec.shots[0].look, document.spec.shots[0].name) == (
        "no",
        "on",
        "off",
    )
    assert document.spec.shots[1].seconds == 10


COMPLAINTS = (Path(__file__).parent / "complaints.txt").read_text(encoding="utf-8").split("\n\n")[1:]
NOTATION = [
    ("", "flight.yaml: the file is empty; `stackreel new` writes one to start from"),
    ("- a\n- b", "flight.yaml:1: is not a movie file; it begins with stackreel: 1"),
    (HEAD + "shots: [", "flight.yaml:3: not readable as YAML: the file ends too early; look for a missing ], }"),
    (HEAD + "shots:\n\t- seconds: 1", "flight.yaml:4: not readable as YAML: a tab cannot indent YAML; use spaces"),
    (
        HEAD + "shots: [{seconds: !!python/name:os 1}]",
        'flight.yaml:3, shots[0].seconds: "tag:yaml.org,2002:python/name:',
    ),
    (HEAD + "shots: [{seconds: 1}]\n---\na: 1", "flight.yaml:4: not readable as YAML: a second document begins"),
    (HEAD + "shots: &a [*a]", "flight.yaml:1: not readable as YAML: the file is nested too deeply"),
]


@pytest.mark.parametrize("case", COMPLAINTS, ids=lambda case: case.partition("→ ")[2].strip()[:60])
def test_what_is_wrong_is_said_with_its_place_and_line(case):
    text, _, says = case.strip("\n").partition("\n→ ")
    (line,) = complaint(text)
    assert line.startswith(says)


@pytest.mark.parametrize(("text", "says"), NOTATION)
def test_what_is_no_yaml_is_said_with_its_line(text, says):
    (line,) = complaint(text)
    assert line.startswith(says)


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = (
        HEAD
        + "scene: {colour: bone}\nshots:\n  - seconds: 1:30\n    look: fibers\n  - {seconds: 2, fly: nowhere}\n  - {}\n"
    )
    lines = complaint(text)
    assert [line.split(":")[1].split(",")[0] for line in lines] == ["3", "5", "6", "7", "8"]


def test_a_place_that_is_wrong_is_not_called_unknown():
    lines = complaint(HEAD + "places:\n  a: {box: {x: [1]}}\nshots: [{seconds: 1, crop: a}]")
    assert len(lines) == 1
    assert lines[0].startswith("flight.yaml:4, places.a.box.x: needs two entries")


def test_what_only_the_volume_can_tell_is_said_when_they_meet(subject):
    from dataclasses import replace

    unscaled = replace(subject, um_per_unit=None)
    text = HEAD + "shots:\n  - {seconds: 1, crop: {x: [1 mm, 2 mm]}}\n"
    assert parse(text).timeline(subject).at(1).crop.lower[0] == pytest.approx(0.1)
    lines = complaint_over(unscaled, text)
    assert lines[0].startswith(
        'flight.yaml:4, shots[0].crop.x[0]: "1 mm" has a unit, but the volume has no physical size'
    )
    lines = complaint_over(subject, HEAD + "shots:\n  - {seconds: 1, crop: {z: [0.4, 0.5]}}\n")
    assert lines == [
        "flight.yaml:4, shots[0].crop: lies outside the volume, which spans x -0.5 … 0.5, y -0.4 … 0.4, z -0.3 … 0.3"
    ]
    lines = complaint_over(subject, HEAD + "shots:\n  - {seconds: 1, camera: {position: [0, 3, 0]}}\n")
    assert lines[0].startswith("flight.yaml:4, shots[0].camera.view_up: parallel to the view direction")


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_slip_of_the_finger_is_read_or_refused_but_never_a_crash(example, subject, data):
    at = data.draw(st.integers(0, len(example) - 1))
    slip = data.draw(st.sampled_from(["", *"[]{}:,#&*!|>'\"%@`-?\t\n 0\0~<=é"]))
    text = example[:at] + slip + example[at + data.draw(st.sampled_from([0, 1, 1, 12])) :]
    with contextlib.suppress(MovieFileError):
        document = parse(text)
        assert parse(document.to_yaml()) == document
        document.timeline(subject).at(0)


def test_a_single_section_can_be_cropped(subject):
    from dataclasses import replace

    flat = replace(subject, bounds=Box((-0.5, -0.4, 0.0), (0.5, 0.4, 0.0)))
    crop = parse(HEAD + "shots: [{seconds: 1, crop: {x: [0, 0.1]}}]").timeline(flat).at(1).crop
    assert not crop.is_empty


def test_python_is_told_the_place_without_a_line():
    with pytest.raises(MovieFileError) as caught:
        _ = Movie("v.h5").shot(seconds=1, fly="nowhere").document
    assert str(caught.value) == 'movie, shots[0].fly: there is no place "nowhere"; known are volume'


def test_paths_are_relative_to_the_movie_file(tmp_path, example):
    file = tmp_path / "films" / "flight.yaml"
    file.parent.mkdir()
    file.write_text(example.replace("vervet.h5", "../data/vervet.h5"))
    assert load(file).volume == tmp_path / "films" / "../data/vervet.h5"
    assert load(file).name == "flight.yaml"


def test_saving_writes_the_file_and_nothing_beside_it(tmp_path, example):
    parse(example).save(tmp_path / "a.yaml")
    assert load(tmp_path / "a.yaml") == parse(example)
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_a_movie_file_that_is_none_is_refused_in_words(tmp_path):
    with pytest.raises(MovieFileError, match="there is no such movie file; `stackreel new"):
        load(tmp_path / "none.yaml")
    (tmp_path / "v.h5").write_bytes(b"\x89HDF\r\n\x1a\n\xff")
    with pytest.raises(MovieFileError, match="not a text in UTF-8"):
        load(tmp_path / "v.h5")
    with pytest.raises(MovieFileError, match="cannot be read"):
        load(tmp_path)


def walk(schema, definitions, place="movie"):
    for name, part in schema.get("properties", {}).items():
        yield f"{place}.{name}", part
    for name, definition in definitions.items():
        for key, part in definition.get("properties", {}).items():
            yield f"{name}.{key}", part


def test_the_schema_explains_every_key_with_an_example():
    schema = json_schema()
    parts = list(walk(schema, schema["$defs"]))
    assert len(parts) > 60
    assert [place for place, part in parts if not part.get("description")] == []
    bare = {"movie.output", "movie.scene", "SceneSpec.camera"}
    assert [place for place, part in parts if not part.get("examples") and place not in bare] == []


def test_the_schema_knows_the_words_as_they_are_written():
    schema = json_schema()
    assert {"from", "for"} <= set(schema["$defs"]["OrbitSpec"]["properties"])
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["stackreel", "volume", "shots"]
    json.dumps(schema)


JSON_SCHEMA = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "enum", "const", "default", "examples"),
    *("anyOf", "oneOf", "properties", "required", "additionalProperties", "propertyNames", "items", "prefixItems"),
    *("minItems", "maxItems", "minProperties", "minLength", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
"""The words of draft 2020-12 that are used; whatever else stood there would be skipped by every editor in silence."""


def words(schema):
    """Every keyword in a schema."""
    for keyword, value in schema.items():
        yield keyword
        if keyword in ("properties", "$defs"):
            parts = list(value.values())
        elif keyword in ("examples", "default", "enum", "const"):
            parts = []
        else:
            parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, dict):
                yield from words(part)


def test_the_schema_says_bounds_in_words_that_editors_know():
    schema = json_schema()
    assert set(words(schema)) <= JSON_SCHEMA
    eased = schema["$defs"]["OrbitSpec"]["properties"]
    assert (eased["from"]["minimum"], eased["for"]["exclusiveMinimum"]) == (0, 0)
    assert schema["$defs"]["FlySpec"]["properties"]["margin"]["exclusiveMaximum"] == 0.95


def test_every_example_in_the_schema_is_valid():
    """An editor offers them, so they must pass the models that they illustrate."""
    from pydantic import BaseModel, TypeAdapter

    from stackreel.scene.document import picture, spec

    checked = 0
    for module in (picture, spec):
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, BaseModel):
                for field in model.model_fields.values():
                    adapter = TypeAdapter(
                        Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
                    )
                    for example in field.examples or []:
                        adapter.validate_python(example, context={})
                        checked += 1
    assert checked > 100


def test_importing_the_scene_does_not_import_pydantic():
    code = "import sys, stackreel.scene; sys.exit(bool({'pydantic', 'yaml', 'cmap'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("value", [1e-5, -2e-9, 3e20, 1.5e-7, 0.0, -0.25])
def test_the_smallest_and_largest_numbers_are_read_as_they_were_written(value):
    from stackreel.scene.document.text import read, write

    assert read(write({"scene": {"a": [value]}})).data == {"scene": {"a": [value]}}
