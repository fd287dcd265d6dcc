"""Movies of several channels: what the words mean, and what is said where they mean nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stackreel.errors import MovieFileError
from stackreel.scene import Movie, TransferFunction, parse
from stackreel.scene.channels import label_colors, label_mask
from stackreel.scene.glide import blend_layers

HEAD = "stackreel: 1\nvolume: {retardation: r.h5, direction: d.h5, regions: l.h5}\nshots: [{seconds: 1}]\n"


@pytest.fixture
def several(subject):
    """Retardation, direction and regions of one place."""
    edges = tuple(np.linspace(0, 256, 65).tolist())
    counts = tuple([5e6] + [1e5] * 63)
    retardation = replace(subject, histogram=(edges, counts))
    kinds = (
        ("retardation", retardation),
        ("direction", replace(subject, kind="axial", period=256.0, background=0.0)),
        ("regions", replace(subject, kind="label", value_range=(0.0, 40.0))),
    )
    return replace(retardation, channels=kinds)


def scene(text, subject):
    return parse(HEAD + text).timeline(subject).at(0)


def test_colours_come_from_one_channel_and_opacities_from_another(several):
    look = scene(
        "scene:\n  color: {channel: direction, map: twilight}\n"
        "  opacity: {channel: retardation, points: [[0, 0], [200, 0.8]]}",
        several,
    ).transfer
    assert (look.channel, look.color_channel, look.color_period) == ("retardation", "direction", 256.0)
    assert look.opacity == ((0, 0), (200, 0.8))
    np.testing.assert_allclose(look.colors_at([-1.0, 300.0]), look.colors_at([255.0, 44.0]))


def test_where_nothing_is_said_directions_colour_what_the_intensities_show(several):
    look = scene("", several)
    assert look.added == ()
    assert (look.transfer.channel, look.transfer.color_channel) == ("retardation", "direction")
    assert look.transfer.opacities_at([2.0, 200.0]).tolist()[0] == 0.0


def test_colours_without_a_channel_are_of_the_channel_that_opacities_come_from(several):
    look = scene("scene: {color: bone}", several).transfer
    assert (look.channel, look.color_channel, look.color_period) == ("retardation", "retardation", None)


def test_dyes_are_added_each_in_its_colour(subject):
    both = replace(subject, channels=(("a", subject), ("b", subject)))
    text = "stackreel: 1\nvolume: {a: a.h5, b: b.h5}\nshots: [{seconds: 1}]\n"
    said = "scene: {channels: {a: {color: '#00ff00', opacity: [[0, 0], [9, 1]]}, b: {color: magma, opacity_unit: 0.1}}}"
    shown = parse(text + said).timeline(both).at(0)
    assert [t.channel for t in shown.layers] == ["a", "b"]
    assert shown.transfer.colors_at([5.0]).tolist() == [[0, 1, 0]]
    assert shown.added[0].opacity_unit == 0.1
    plain = parse(text).timeline(both).at(0)
    assert [t.channel for t in plain.layers] == ["a", "b"]
    assert plain.transfer.color != plain.added[0].color


def test_labels_have_colours_of_their_own_and_the_others_are_grey():
    colors = label_colors({1: (1, 0, 0), 2: (0, 1, 0), 7: (0, 0, 1)})
    look = TransferFunction(colors, ((0, 1),), 1.0)
    shown = look.colors_at(np.arange(0, 9)).tolist()
    assert shown == [[0.5] * 3, [1, 0, 0], [0, 1, 0], *[[0.5] * 3] * 4, [0, 0, 1], [0.5] * 3]


def test_highlighted_labels_stay_and_the_others_are_dimmed():
    look = TransferFunction(((0, 1, 1, 1),), ((0, 1),), 1.0, mask=label_mask([3, 7], [4], 0.2))
    assert look.mask_at([2, 3, 4, 5, 7, 8]).tolist() == [0.2, 1, 0, 0.2, 1, 0.2]
    hidden = TransferFunction(((0, 1, 1, 1),), ((0, 1),), 1.0, mask=label_mask([], [4], 0.2))
    assert hidden.mask_at([3, 4, 5]).tolist() == [1, 0, 1]


def test_a_look_may_only_let_a_region_stand_out(several):
    text = HEAD.replace("[{seconds: 1}]", "[{seconds: 2, ease: linear, look: {labels: {highlight: [3]}}}]")
    timeline = parse(text).timeline(several)
    first, half, last = (timeline.at(t).transfer for t in (0, 1, 2))
    assert (last.mask_channel, last.color_channel) == ("regions", "direction")
    assert (first.opacity, first.color) == (last.opacity, last.color)
    assert [t.mask_at([3.0, 9.0]).round(3).tolist() for t in (first, half, last)] == [[1, 1], [1, 0.525], [1, 0.05]]


def test_a_categorical_map_colours_labels_by_number(several):
    look = scene("scene: {color: {channel: regions, map: tab10}}", several).transfer
    assert look.color_period == 10
    np.testing.assert_allclose(look.colors_at([1.0]), look.colors_at([11.0]))
    assert len({tuple(c) for c in look.colors_at(np.arange(1, 11)).round(6).tolist()}) == 10


def test_looks_of_different_channels_dissolve_by_extinction():
    a = TransferFunction(((0, 1, 0, 0),), ((0, 0.5),), 0.1, "a", "a")
    b = TransferFunction(((0, 0, 1, 0),), ((0, 0.9),), 0.3, "b", "b")
    mixed = blend_layers((a,), (b,), 0.25)
    units = {t.channel: t.opacity_unit for t in mixed}
    assert units == pytest.approx({"a": 0.1 / 0.75, "b": 0.3 / 0.25})
    assert blend_layers((a,), (b,), 0.0) == (a,)
    assert blend_layers((a,), (b,), 1.0) == (b,)


def test_the_builder_says_the_same():
    movie = Movie({"retardation": "r.h5", "direction": "d.h5"}).scene(
        color={"channel": "direction", "map": "twilight"}, opacity={"channel": "retardation"}, labels={"hide": [2]}
    )
    document = movie.shot(seconds=1).document
    assert parse(document.to_yaml()) == document
    assert {k: str(v) for k, v in document.volumes.items()} == {"retardation": "r.h5", "direction": "d.h5"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("scene: {color: {channel: directoin}}", 'there is no channel "directoin"; did you mean "direction"?'),
        ("scene: {channels: {x: {}}}", 'there is no channel "x"; there are retardation, direction, regions'),
        ("scene: {color: bone, channels: {direction: {}}}", "scene.color: does not go with channels"),
        ("scene: {color: {map: bone, points: [[0, red]]}}", "scene.color.points: does not go with map"),
        ("scene: {color: {}}", "scene.color: says nothing"),
        ("scene: {color: {labels: {a: red}}}", '"a" is not a label; labels are whole numbers'),
        ("scene: {color: {channel: direction, map: bone}}", "bone does not end where it begins; directions need"),
        ("scene: {color: {channel: direction, map: hsv, range: [0, 180]}}", "these directions repeat after 256"),
        ("scene: {labels: {channel: retardation, highlight: [1]}}", "channel retardation holds no labels"),
        (
            "scene: {color: {channel: direction, labels: {1: red}}}",
            "channel direction holds no labels but values of kind",
        ),
    ],
)
def test_what_channels_cannot_mean_is_said(several, said, told):
    with pytest.raises(MovieFileError) as error:
        parse(HEAD + said).timeline(several)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_movie_of_one_volume_has_no_channels_to_name(subject):
    with pytest.raises(MovieFileError, match=r"name files as channels, as in volume: \{x: brain.h5\}"):
        parse("stackreel: 1\nvolume: v.h5\nscene: {color: {channel: x}}\nshots: [{seconds: 1}]").timeline(subject)
