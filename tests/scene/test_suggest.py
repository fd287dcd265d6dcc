import math
from dataclasses import replace

import numpy as np
import pytest

from stackreel.geometry import Box
from stackreel.scene import Subject, parse
from stackreel.scene.starter import starter
from stackreel.scene.suggest import otsu, suggest

BOX = Box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3))


def brain(background=5.0, tissue=120.0, share=0.3, bins=256, top=255.0, n=100_000):
    """A histogram of a brain in the dark."""
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [rng.normal(background, 3, int(n * (1 - share))), rng.normal(tissue, 20, int(n * share))]
    ).clip(0, top)
    counts, edges = np.histogram(values, bins, (0, top))
    return Subject(BOX, 10_000.0, (0, top), histogram=(tuple(edges), tuple(counts.astype(float))))


def test_otsu_parts_two_heaps_between_them():
    subject = brain()
    assert 20 < otsu(*subject.histogram) < 90


def depth(subject, first):
    """Optical depth of an average line of sight: by the histogram, Beer and Lambert."""
    edges, counts = map(np.array, subject.histogram)
    points = np.array(first.opacity)
    alpha = np.interp((edges[1:] + edges[:-1]) / 2, points[:, 0], points[:, 1])
    chord = 4 * 0.8 * 0.6 / (2 * (0.8 + 0.6 + 0.48))
    return subject.numbers * chord / first.opacity_unit * (counts * -np.log1p(-alpha)).sum() / counts.sum()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_the_first_look_hides_the_background_and_shows_surfaces_that_are_not_walls(share):
    subject = brain(share=share)
    first = suggest(subject)
    points = np.array(first.opacity)
    assert np.interp(8, points[:, 0], points[:, 1]) == 0
    assert np.interp(120, points[:, 0], points[:, 1]) > 0.03
    assert 8 < depth(subject, first) < 30


def test_a_stack_without_background_is_shown_as_grey_sections():
    edges = np.arange(257) - 0.5
    counts = np.exp(-(((np.arange(256) - 140) / 45.0) ** 2))
    first = suggest(Subject(BOX, value_range=(0, 255), histogram=(tuple(edges), tuple(counts))))
    assert (first.map, first.light, first.threshold) == ("gray", "none", None)
    assert min(alpha for _, alpha in first.opacity) > 0.5


def test_a_white_background_is_hidden_too():
    subject = brain(background=250, tissue=120)
    points = np.array(suggest(subject).opacity)
    assert np.interp(250, points[:, 0], points[:, 1]) == 0
    assert np.interp(120, points[:, 0], points[:, 1]) > 0.03


def heaps(*heaps, numbers=1.0):
    """A histogram of heaps (share, mean, deviation) between 0 and 255."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(mean, sd, int(100_000 * share)) for share, mean, sd in heaps]).clip(0, 255)
    counts, edges = np.histogram(values, 255, (values.min(), values.max()))
    ends = (float(values.min()), float(values.max()))
    return Subject(BOX, value_range=ends, histogram=(tuple(edges), tuple(counts.astype(float))), numbers=numbers)


def visible(first, *values):
    """Opacity at those values."""
    points = np.array(first.opacity)
    return np.interp(values, points[:, 0], points[:, 1])


def test_dim_grey_matter_is_tissue_although_white_matter_is_brighter():
    first = suggest(heaps((0.64, 0, 0), (0.18, 90, 18), (0.18, 190, 20)))
    assert 5 < first.threshold < 50
    assert (visible(first, 60, 90) > 0.1).all()


def test_where_the_outside_is_not_a_number_all_that_is_one_is_tissue():
    first = suggest(heaps((1, 120, 10), numbers=0.3))
    assert (first.map, first.threshold) == ("tissue", None)
    assert (visible(first, 95, 110, 130) > 0.05).all()
    assert visible(first, heaps((1, 120, 10)).value_range[0]) == 0, "it is drawn like the lowest value"
    assert 8 < depth(heaps((1, 120, 10), numbers=0.3), first) < 30


def test_a_mask_does_not_make_a_dark_background_tissue():
    first = suggest(heaps((0.6, 5, 2), (0.4, 120, 15), numbers=0.5))
    assert list(visible(first, 5, 9)) == [0, 0]
    assert first.share == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("period", "values", "background"),
    [(180.0, (0.0, 179.0), 0.0), (256.0, (0.0, 255.0), 255.0), (math.pi, (-1.0, math.pi), -1.0), (180.0, (1, 180), 0)],
)
def test_what_has_no_direction_is_empty_and_the_circle_of_hues_closes(period, values, background):
    first = suggest(Subject(BOX, kind="axial", value_range=values, period=period, background=background))
    assert first.range == (0, period)
    assert visible(first, background) == 0
    step = 1 if period > 100 else period / 256
    beside = [v for v in (background - step, background + step) if values[0] <= v <= values[1]]
    assert (visible(first, *beside, 0.5 * period) > 0.5).all()


def test_directions_on_both_sides_of_zero_have_a_circle_around_it():
    subject = Subject(BOX, kind="axial", value_range=(-90, 89), period=180)
    assert suggest(subject).range == (-90, 90)
    assert (visible(suggest(subject), -90, 0, 89) > 0.5).all()


def test_a_few_outliers_do_not_wash_out_the_colours():
    subject = brain(top=14_000.0, tissue=120.0, bins=14_000)
    assert suggest(subject).range[1] < 300


@pytest.mark.parametrize(
    "subject",
    [
        Subject(BOX),
        Subject(BOX, kind="axial", value_range=(0, 180)),
        Subject(BOX, kind="axial", value_range=(0, 180), period=180, background=0),
        Subject(BOX, kind="axial", value_range=(0, 255), period=256, background=255),
        Subject(BOX, kind="axial", value_range=(0, 0), period=3.14159265, background=0),
        heaps((1, 120, 10), numbers=0.3),
        heaps((0.6, 0, 0), (0.4, 120, 10), numbers=0.9),
        Subject(BOX, kind="label", value_range=(0, 140)),
        Subject(BOX, kind="label", value_range=(0, 1)),
        Subject(BOX, value_range=(7, 7), histogram=((6.5, 7.5), (10.0,))),
        Subject(BOX, value_range=(0, 1), histogram=((0, 0.5, 1), (0.0, 0.0))),
        Subject(BOX, value_range=(-1e-6, 1e-6), histogram=((-1e-6, 0, 1e-6), (5.0, 5.0))),
        Subject(BOX, value_range=(0, 65535), histogram=((0, 30000, 65535), (1e12, 1.0))),
        brain(),
        brain(background=250, tissue=90),
    ],
)
def test_every_volume_gets_a_starter_movie_that_is_sound(subject):
    text = starter(subject, "my brain: a.h5", 'The "first"\nmovie')
    document = parse(text)
    timeline = document.timeline(subject)
    assert (timeline.seconds, timeline.size) == (10, (1280, 720))
    assert document.spec.volume == "my brain: a.h5"
    assert timeline.at(1.5).titles[0].text == 'The "first"\nmovie'
    assert timeline.at(10).crop is not None
    assert timeline.at(0).transfer.opacity_unit > 0
    parse("stackreel: 1\nvolume: a.h5\nshots: [{seconds: 1}]").timeline(subject)


def test_the_starter_keeps_the_volume_in_the_picture_all_the_way_round():
    subject = brain(share=0.9)
    timeline = parse(starter(subject, "a.h5", "A")).timeline(subject)
    for t in np.linspace(0, 4, 33):
        camera = timeline.at(t).camera
        seen = (np.subtract(subject.bounds.corners, camera.position)) @ camera.basis.T
        half = math.tan(math.radians(camera.view_angle) / 2)
        assert np.abs(seen[:, 1] / seen[:, 2] / half).max() < 1
        assert np.abs(seen[:, 0] / seen[:, 2] / half / (16 / 9)).max() < 1


def test_a_head_is_seen_upright_from_the_front_and_cut_across():
    """x, y, z of an anatomical volume run to the right, to anterior and to superior."""
    subject = replace(brain(share=0.3), anatomical=True)
    timeline = parse(starter(subject, "a.h5", "A")).timeline(subject)
    for t in (0, 1, 2.5, 4, 7):
        camera = timeline.at(t).camera
        assert camera.view_up[2] > 0.9
    front = np.subtract(timeline.at(0).camera.position, subject.bounds.center)
    assert front[1] > abs(front[0])
    assert front[2] > 0
    left = timeline.at(7).crop
    assert left.upper[1] < subject.bounds.center[1] + 0.01  # what is nearer to the face has gone
    assert "superior is up" in starter(subject, "a.h5", "A")


def test_a_brain_fills_more_of_the_picture_than_a_block_of_the_same_size():
    def away(share):
        subject = brain(share=share)
        return parse(starter(subject, "a.h5", "A")).timeline(subject).at(0).camera.distance

    assert away(0.3) < 0.8 * away(0.9)


def test_a_ball_stays_in_the_picture_all_the_way_round():
    subject = brain(share=0.3)
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 60), np.linspace(0, 2 * np.pi, 120))
    ball = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], axis=-1)
    ball = (ball * np.array(subject.bounds.size) / 2).reshape(-1, 3)
    timeline = parse(starter(subject, "a.h5", "A")).timeline(subject)
    heights = []
    for t in np.linspace(0, 4, 33):
        camera = timeline.at(t).camera
        seen = (ball - camera.position) @ camera.basis.T
        half = math.tan(math.radians(camera.view_angle) / 2)
        heights.append(np.abs(seen[:, 1] / seen[:, 2] / half).max())
        assert np.abs(seen[:, 0] / seen[:, 2] / half / (16 / 9)).max() < 1
    assert 0.7 < max(heights) < 1
