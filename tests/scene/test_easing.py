import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackreel.scene.easing import EASINGS, ease, gentle_ends


@pytest.mark.parametrize("name", EASINGS)
def test_every_easing_goes_from_none_to_all_of_the_way(name):
    assert ease(name, 0.0) == 0.0
    assert ease(name, 1.0) == 1.0
    assert ease(name, -3.0) == 0.0
    assert ease(name, 7.0) == 1.0


@given(st.sampled_from(sorted(EASINGS)), st.floats(0, 1), st.floats(0, 1))
def test_no_easing_ever_goes_back(name, a, b):
    a, b = sorted((a, b))
    assert ease(name, a) <= ease(name, b) + 1e-12


@pytest.mark.parametrize("name", EASINGS)
def test_gentle_ends_are_where_the_speed_is_zero(name):
    start, end = ease(name, 1e-6) / 1e-6, (1 - ease(name, 1 - 1e-6)) / 1e-6
    assert gentle_ends(name) == (start < 1e-3, end < 1e-3)


def test_in_out_is_half_way_at_half_time():
    assert ease("in-out", 0.5) == pytest.approx(0.5)
    assert ease("smooth", 0.5) == pytest.approx(0.5)
