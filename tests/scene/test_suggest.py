
import math

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
    return chord / first.opacity_unit * (counts * -np.log1p(-alpha)).sum() / counts.sum()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_the_first_look_hides_the_background_and_shows_surfaces_that_are_not_walls(share):
    subject = brain(share=share)
    first = suggest(subject)
    points = np.array(first.opacity)
    assert np.interp(8, points[:, 0], points[:, 1]) == 0
    assert np.interp(120, points[:, 0], points[:, 1]) > 0.03
    assert 4 < depth(subject, first) < 12


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


def test_a_few_outliers_do_not_wash_out_the_colours():
    subject = brain(top=14_000.0, tissue=120.0, bins=14_000)
    assert suggest(subject).range[1] < 300


@pytest.mark.parametrize(
    "subject",
    [
        Subject(BOX),
        Subject(BOX, kind="axial", value_range=(0, 180)),
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
