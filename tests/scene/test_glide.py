import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackreel.geometry import Box
from stackreel.scene import PRESETS, TransferFunction
from stackreel.scene.glide import blend_box, blend_color, blend_light, blend_transfer, oklab_from_srgb, srgb_from_oklab

A = TransferFunction(((0, 0, 0, 1), (100, 1, 1, 0)), ((0, 0), (100, 0.5)), 0.01)
B = TransferFunction(((50, 1, 0, 0), (200, 0, 1, 0)), ((20, 0.2), (150, 1.0)), 0.0001)
STEP = TransferFunction(((0, 0, 0, 0), (50, 0, 0, 0), (50, 1, 1, 1), (100, 1, 1, 1)), ((0, 0), (50, 0), (50, 1)), 0.01)


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_oklab_and_back_is_the_same_colour(rgb):
    np.testing.assert_allclose(srgb_from_oklab(oklab_from_srgb(rgb)), rgb, atol=1e-5)


def test_oklab_of_white_and_red_are_the_published_ones():
    np.testing.assert_allclose(oklab_from_srgb((1, 1, 1)), (1, 0, 0), atol=1e-4)
    np.testing.assert_allclose(oklab_from_srgb((1, 0, 0)), (0.62796, 0.22486, 0.12585), atol=1e-4)


def test_a_glide_begins_with_the_one_look_and_ends_with_the_other():
    assert blend_transfer(A, B, 0.0) is A
    assert blend_transfer(A, B, 1.0) is B


@given(st.floats(0, 1))
def test_opacity_glides_linearly_at_every_value_and_the_unit_by_ratios(u):
    values = np.linspace(-10, 300, 500)
    mixed = blend_transfer(A, B, u)
    expected = (1 - u) * A.opacities_at(values) + u * B.opacities_at(values)
    np.testing.assert_allclose(mixed.opacities_at(values), expected, atol=1e-9)
    assert np.log(mixed.opacity_unit) == pytest.approx((1 - u) * np.log(0.01) + u * np.log(0.0001))


@given(st.floats(0, 1))
def test_colours_glide_straight_through_oklab(u):
    values = np.array([0.0, 50.0, 100.0, 200.0])
    mixed = blend_transfer(A, B, u).colors_at(values)
    expected = srgb_from_oklab(
        (1 - u) * oklab_from_srgb(A.colors_at(values)) + u * oklab_from_srgb(B.colors_at(values))
    )
    np.testing.assert_allclose(mixed, expected, atol=1e-4)


def test_a_step_stays_a_step_while_it_glides():
    mixed = blend_transfer(STEP, A, 0.25)
    low, high = mixed.opacities_at([49.999, 50.001])
    assert high - low == pytest.approx(0.75, abs=1e-3)
    assert all(np.isfinite(p).all() for p in mixed.color + mixed.opacity)


def test_lights_and_boxes_glide_face_by_face():
    light = blend_light(PRESETS["none"], PRESETS["studio"], 0.5)
    assert light.ambient == pytest.approx((1 + PRESETS["studio"].ambient) / 2)
    assert light.diffuse == pytest.approx(PRESETS["studio"].diffuse / 2)
    assert light.occlusion == pytest.approx(PRESETS["studio"].occlusion / 2)
    assert blend_light(PRESETS["none"], PRESETS["studio"], 1.0) == PRESETS["studio"]
    box = blend_box(Box((0, 0, 0), (1, 1, 1)), Box((0.5, 0, 0), (1, 2, 3)), 0.5)
    assert box == Box((0.25, 0, 0), (1, 1.5, 2))


def test_black_to_white_is_grey_half_way():
    r, g, b = blend_color((0, 0, 0), (1, 1, 1), 0.5)
    assert r == pytest.approx(g, abs=1e-4)
    assert g == pytest.approx(b, abs=1e-4)
    assert 0.3 < r < 0.5
