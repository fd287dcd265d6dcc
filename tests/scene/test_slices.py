"""Slices in a movie: where they stand, how they travel, and what is said when the words make no sense."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stackreel.errors import MovieFileError
from stackreel.geometry import Box
from stackreel.scene import Movie, Slice, Subject, parse
from stackreel.scene.document import json_schema

SUBJECT = Subject(Box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3)), um_per_unit=10_000.0)


def movie(slices="", shots="  - {seconds: 4}"):
    scene = f"scene: {{slices: [{slices}]}}\n" if slices else ""
    return parse(f"stackreel: 1\nvolume: brain.h5\n{scene}shots:\n{shots}\n")


def at(document, seconds):
    return document.timeline(SUBJECT).at(seconds).slices


def complaint(*args):
    with pytest.raises(MovieFileError) as error:
        movie(*args).timeline(SUBJECT)
    return str(error.value)


def test_a_scene_without_slices_has_none():
    assert at(movie(), 2.0) == ()


def test_slices_stand_where_the_file_says():
    z, oblique, middle = at(
        movie('{axis: z, at: 500 um}, {origin: [0, 0.1, 0], normal: [1, 0, 1], opacity: 0.8}, {axis: "-y", cut: true}'),
        0.0,
    )
    assert z == Slice((0, 0, 0.05), (0, 0, 1), name="z")
    assert oblique == Slice((0, 0.1, 0), (1, 0, 1), opacity=0.8, name="slice")
    assert middle == Slice((0, 0, 0), (0, -1, 0), cut=True, name="y")


def test_an_oblique_slice_may_be_placed_along_its_normal():
    (some,) = at(movie("{normal: [3, 0, 4], at: 0.2}"), 0.0)
    assert np.dot(some.origin, (0.6, 0, 0.8)) == pytest.approx(0.2)


def test_a_slice_has_colours_of_its_own():
    (some,) = at(movie("{axis: z, color: {map: gray, range: [10, 20]}, outline: white, masked: true}"), 0.0)
    assert some.color[0] == (10.0, 0.0, 0.0, 0.0)
    assert some.color[-1] == (20.0, 1.0, 1.0, 1.0)
    assert some.outline == (1.0, 1.0, 1.0)
    assert some.masked
    assert some.cropped


def test_a_slice_travels_from_one_place_to_another():
    document = movie(shots="  - {seconds: 4, ease: linear, slice: {axis: z, from: -0.15, to: 0.15}}\n  - {seconds: 1}")
    for seconds, z in ((0.0, -0.15), (1.0, -0.075), (2.0, 0.0), (4.0, 0.15), (5.0, 0.15)):
        (some,) = at(document, seconds)
        assert some.origin == pytest.approx((0, 0, z))
        assert some.normal == (0, 0, 1)


def test_a_slice_that_is_there_goes_on_from_where_it_stands():
    document = movie(
        "{axis: -z, at: 0.1, cut: true, opacity: 0.5}",
        "  - {seconds: 4, slice: {axis: z, to: 0.3, after: 1, for: 2, ease: linear, opacity: 1}}",
    )
    seen = [at(document, t)[0] for t in (0.0, 1.0, 2.0, 3.0, 4.0)]
    assert [s.origin[2] for s in seen] == pytest.approx([0.1, 0.1, 0.2, 0.3, 0.3])
    assert [s.opacity for s in seen] == pytest.approx([0.5, 0.5, 0.75, 1.0, 1.0])
    assert all(s.normal == (0, 0, -1) and s.cut for s in seen)


def test_a_named_slice_may_turn():
    document = movie(
        "{name: knife, axis: x}", "  - {seconds: 2, ease: linear, slice: {name: knife, normal: [0, 0, 1]}}"
    )
    assert at(document, 1.0)[0].normal == pytest.approx((0.5**0.5, 0, 0.5**0.5))
    assert at(document, 2.0)[0].normal == (0, 0, 1)


def test_several_slices_move_in_one_shot():
    document = movie("{axis: x}, {axis: y}", "  - {seconds: 2, slices: [{axis: x, to: 0.2}, {axis: y, opacity: 0}]}")
    x, y = at(document, 2.0)
    assert x.origin == pytest.approx((0.2, 0, 0))
    assert (y.opacity, y.origin) == (0.0, (0, 0, 0))


def test_where_there_is_one_slice_its_name_may_be_left_out():
    document = movie("{axis: z}", "  - {seconds: 2, slice: {to: 0.2}}")
    assert at(document, 2.0)[0].origin == pytest.approx((0, 0, 0.2))


@pytest.mark.parametrize(
    ("slices", "shots", "said"),
    [
        ("{at: 0.1}", "  - {seconds: 1}", "scene.slices[0]: says not how it lies"),
        ("{axis: z, normal: [0, 0, 1]}", "  - {seconds: 1}", "normal: does not go with axis"),
        ("{axis: z, origin: [0, 0, 1]}", "  - {seconds: 1}", "origin: does not go with axis"),
        ("{normal: [0, 0, 0]}", "  - {seconds: 1}", "is zero, which is no direction"),
        ("{axis: z}, {axis: z}", "  - {seconds: 1}", 'there is a slice "z" already'),
        ("{axis: z, opacity: 2}", "  - {seconds: 1}", "must be at most 1"),
        ("{axis: z, masked: 1}", "  - {seconds: 1}", "1 is neither true nor false"),
        ("{axis: z, color: nosuchmap}", "  - {seconds: 1}", "nosuchmap"),
        ("", "  - {seconds: 1, slice: {to: 0.1}}", "says not which slice"),
        ("{axis: z}", "  - {seconds: 1, slice: {name: knive, to: 0.1}}", 'there is no slice "knive"'),
        ("", "  - {seconds: 1, slice: {axis: z, after: 2}}", "sets off at 2 s, but the shot lasts 1 s"),
        ("", "  - {seconds: 1, slice: {axis: z, for: 2}}", "2 s goes beyond the shot, which lasts 1 s"),
        ("{axis: z}", "  - {seconds: 1, slices: [{axis: z}, {axis: z}]}", 'slice "z" moves in this shot already'),
        ("", "  - {seconds: 1, slice: {axis: z, ease: quick}}", "quick"),
    ],
)
def test_what_makes_no_sense_is_said(slices, shots, said):
    assert said in complaint(slices, shots)


def test_the_builder_says_the_same():
    built = (
        Movie("brain.h5")
        .scene(slices=[{"axis": "z", "at": 0.05}])
        .shot(seconds=4, slice={"axis": "z", "to": 0.2, "after": 1, "for": 2})
        .document
    )
    written = movie("{axis: z, at: 0.05}", "  - {seconds: 4, slice: {axis: z, to: 0.2, after: 1, for: 2}}")
    assert built == written
    assert parse(built.to_yaml()) == built


def test_the_schema_knows_slices():
    schema = json.dumps(json_schema())
    assert '"SliceSpec"' in schema
    assert '"SliceMove"' in schema
