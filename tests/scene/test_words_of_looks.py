"""Cuts, blends, backgrounds and surfaces of equal value in a movie file, and how they glide."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.errors import MovieFileError
from stackreel.geometry import Box
from stackreel.scene import ClipPlane, Gradient, Movie, Subject, parse
from stackreel.scene.clip import between, turned

SUBJECT = Subject(Box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3)), um_per_unit=1e4, value_range=(0.0, 200.0))


def timeline(scene: str, shots: str = "{seconds: 4}"):
    return parse(f"stackreel: 1\nvolume: a.h5\nscene: {scene}\nshots: [{shots}]").timeline(SUBJECT)


def complaint(scene: str, shots: str = "{seconds: 4}") -> str:
    with pytest.raises(MovieFileError) as error:
        timeline(scene, shots)
    return str(error.value)


def test_a_plane_is_said_by_origin_and_normal():
    clip = timeline('{clip: [{origin: [0, 0, "1 mm"], normal: [1, 0, 2]}, {normal: -y}]}').at(0).clip
    assert clip == (ClipPlane((0, 0, 0.1), (1, 0, 2)), ClipPlane((0, 0, 0), (0, -1, 0)))


def test_a_plane_that_comes_begins_where_it_cuts_nothing_and_moves_without_a_jump():
    movie = timeline(
        "{}", "{seconds: 4, ease: linear, clip: {normal: [0, 0, 1]}}, {seconds: 2, ease: linear, clip: none}"
    )
    assert movie.at(0).clip == ()
    depths = [movie.at(t).clip[0].origin[2] for t in np.linspace(1e-6, 4, 60)]
    low, high = SUBJECT.extent.lower[2], SUBJECT.extent.upper[2]
    assert depths[0] == pytest.approx(low, abs=1e-4)
    assert depths[-1] == 0.0
    assert np.diff(depths).min() > 0
    assert np.diff(depths).max() < 0.01
    assert movie.at(6).clip == ()
    assert movie.at(6 - 1e-6).clip[0].origin[2] == pytest.approx(low, abs=1e-4)
    assert high > 0


def test_normals_turn_the_shortest_way_at_even_speed():
    a, b = (1.0, 0.0, 0.0), (0.0, 2.0, 0.0)
    assert turned(a, b, 1 / 3) == pytest.approx((np.cos(np.pi / 6), np.sin(np.pi / 6), 0))
    half = turned(a, (-3.0, 0.0, 0.0), 0.5)
    assert np.linalg.norm(half) == pytest.approx(1)
    assert half[0] == pytest.approx(0, abs=1e-12), "from one side to the opposite, over some third one"
    end = between([ClipPlane((0, 0, 0), a)], [ClipPlane((0, 0, 0.2), b)], SUBJECT.extent, 0.5)
    assert end[0].origin == pytest.approx((0, 0, 0.1))


def test_blends_dissolve():
    movie = timeline("{}", "{seconds: 4, ease: linear, look: {blend: mip}}, {seconds: 1}")
    assert (movie.at(0).blend, movie.at(0).fade) == ("composite", None)
    assert (movie.at(1).blend, movie.at(1).fade) == ("composite", ("maximum", 0.25))
    assert (movie.at(4.5).blend, movie.at(4.5).fade) == ("maximum", None)


def test_backgrounds_may_be_gradients_and_glide():
    movie = timeline(
        "{background: black}", "{seconds: 2, ease: linear, look: {background: {top: white, bottom: black}}}"
    )
    assert movie.at(2).background == Gradient((1, 1, 1), (0, 0, 0))
    half = movie.at(1).background
    assert isinstance(half, Gradient)
    assert 0.3 < half.top[0] < 0.6
    assert half.bottom == (0, 0, 0)


def test_a_surface_is_clear_below_its_value_and_solid_above():
    transfer = timeline('{iso: {value: 120, color: "#ff0000"}}').at(0).transfer
    alpha = transfer.opacities_at([0, 90, 120, 150, 200])
    assert alpha[:2].tolist() == [0, 0]
    assert 0.2 < alpha[2] < 0.8
    assert alpha[3:].min() > 0.9
    assert (transfer.colors_at([0, 120, 200]) == [1, 0, 0]).all()


def test_a_translucent_surface_shows_what_lies_within_and_either_side_may_be_the_inside():
    two = "[{value: 60, color: white, opacity: 0.2}, {value: 150, color: red}]"
    transfer = timeline(f"{{iso: {two}}}").at(0).transfer
    assert transfer.opacities_at([60, 105, 190]).tolist() == pytest.approx([0.2, 0, transfer.opacities_at([200])[0]])
    assert transfer.colors_at([60, 150]).tolist() == [[1, 1, 1], [1, 0, 0]]
    below = timeline("{iso: {value: 60, inside: below, width: 10}}").at(0).transfer
    assert below.opacities_at([70, 66, 54, 0]).tolist() == pytest.approx([0, 0, 0.95, 0.95])


def test_what_cannot_be_meant_is_told():
    assert "does not go with iso" in complaint("{iso: {value: 100}, color: bone}")
    assert "lies beyond the values" in complaint("{iso: {value: 999}}")
    assert "is zero" in complaint("{clip: {normal: [0, 0, 0]}}")
    assert "give a normal" in complaint("{}", "{seconds: 1, clip: {for: 1}}")
    assert "does not go with to" in complaint("{}", "{seconds: 1, clip: {normal: x, to: none}}")
    assert "is not one of" in complaint("{blend: sum}")
    with pytest.raises(MovieFileError, match="write 1, 4 or 9"):
        parse("stackreel: 1\nvolume: a.h5\noutput: {samples: 2}\nshots: [{seconds: 1}]")


def test_python_says_the_same():
    movie = (
        Movie("a.h5", samples=4, transparent=True)
        .scene(blend="average", clip={"normal": "x"}, background={"top": "white", "bottom": "gray"})
        .look("skull", iso={"value": 90})
        .shot(seconds=2, look="skull", clip=[{"normal": (1, 0, 1)}, {"origin": (0, 0, 0.1), "normal": "-z"}])
    )
    document = movie.document
    assert (document.spec.output.samples, document.spec.output.transparent) == (4, True)
    assert parse(document.to_yaml()) == document
    end = document.timeline(SUBJECT).at(2)
    assert (end.blend, len(end.clip)) == ("average", 2)
