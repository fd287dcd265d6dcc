"""Titles: that they are there, where they were put, the same in a draft, and that no letter is lost in silence."""

import numpy as np
import pytest

from stackreel.frames.overlay import MARGIN, PLACES, doubts, draw_titles, missing_characters
from stackreel.scene import Title

H, W = 540, 960


def ground(value=0, height=H, width=W):
    return np.full((height, width, 3), value, np.uint8)


def box(picture, threshold=60):
    """Rows and columns that the letters of a title on black cover: (top, bottom, left, right)."""
    ys, xs = np.nonzero(picture.max(axis=-1) > threshold)
    return ys.min(), ys.max(), xs.min(), xs.max()


def test_without_titles_the_picture_is_untouched():
    picture = ground(40)
    assert draw_titles(picture, ()) is picture
    assert draw_titles(picture, (Title("gone", opacity=0.0),)) is picture


def test_drawing_leaves_the_original_alone():
    picture = ground()
    draw_titles(picture, (Title("Vervet"),))
    assert not picture.any()


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_inside_the_margins_and_where_it_says(place):
    top, bottom, left, right = box(draw_titles(ground(), (Title("Vervet visual cortex", place=place),)))
    margin = MARGIN * H
    assert top >= margin - 1
    assert bottom <= H - margin
    assert left >= margin - 1
    assert right <= W - margin + 1
    middle_y, middle_x = (top + bottom) / 2 / H, (left + right) / 2 / W
    vertical, _, horizontal = place.partition(" ")
    assert {"lower": middle_y > 0.8, "upper": middle_y < 0.2, "center": abs(middle_y - 0.5) < 0.03}[vertical]
    if horizontal:
        assert (middle_x < 0.4) if horizontal == "left" else (middle_x > 0.6)
    else:
        assert abs(middle_x - 0.5) < 0.01


def test_a_draft_shows_the_same_page_as_the_final():
    titles = (Title("Vervet visual cortex", place="upper left"), Title("500 µm × 60 µm"))
    final = draw_titles(ground(height=1080, width=1920), titles)
    draft = draw_titles(ground(height=270, width=480), titles)
    for half in (slice(0, 135), slice(135, 270)):
        large = box(final[4 * half.start : 4 * half.stop])
        small = box(draft[half])
        assert np.abs(np.asarray(large) / 4 - small).max() <= 1.5, "a letter stands elsewhere"


def test_half_opacity_is_half_as_bright():
    full = draw_titles(ground(), (Title("|" * 9, size=0.2),)).max()
    half = draw_titles(ground(), (Title("|" * 9, size=0.2, opacity=0.5),)).max()
    assert full == 255
    assert half == pytest.approx(127.5, abs=1)


def test_letters_have_their_color():
    picture = draw_titles(ground(), (Title("|||", size=0.2, color=(1.0, 0.5, 0.0)),))
    assert picture.reshape(-1, 3).max(axis=0).tolist() == [255, 128, 0]


@pytest.mark.parametrize(("color", "value"), [((1.0, 1.0, 1.0), 255), ((0.0, 0.0, 0.0), 0)])
def test_letters_stand_out_on_a_ground_of_their_own_color(color, value):
    picture = draw_titles(ground(value), (Title("Vervet", size=0.1, color=color),)).astype(int)
    assert np.abs(picture - value).max() > 100


def test_line_breaks_are_kept_and_long_lines_are_broken_between_words():
    one = box(draw_titles(ground(), (Title("Vervet"),)))
    two = box(draw_titles(ground(), (Title("Vervet\nVervet"),)))
    assert (two[1] - two[0]) > 1.8 * (one[1] - one[0])
    long = draw_titles(ground(), (Title("a long sentence about the visual cortex of the vervet " * 3),))
    top, bottom, left, right = box(long)
    assert left >= MARGIN * H - 1
    assert right <= W - MARGIN * H + 1
    assert bottom - top > 2 * (one[1] - one[0])


def test_the_letters_and_signs_of_the_field_can_be_drawn():
    assert missing_characters("500 µm × 1.3 μm ± 5°, é ü ñ ç å ø ß Ł ž — “α β φ” → ≈ ² ³ Ж") == ""


def test_what_cannot_be_drawn_is_named_before_rendering():
    assert missing_characters("脳 cortex 脳") == "脳"
    (said,) = doubts([Title("脳 cortex")], (W, H))
    assert "脳" in said
    assert "U+8133" in said
    assert doubts([Title("Vervet visual cortex, 60 µm × 1.3 µm")], (W, H)) == []


def test_a_title_that_cannot_fit_is_doubted():
    (said,) = doubts([Title("Vervet", size=0.9)], (W, H))
    assert "does not fit" in said
    (said,) = doubts([Title("word " * 400)], (W, H))
    assert "does not fit" in said
