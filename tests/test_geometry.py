"""Where things are: the frame that the origin's files use, and every level, part and unit in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackreel.errors import UnitError
from stackreel.geometry import Box, Placement, Spacing, format_um, parse_length

shapes = st.tuples(*[st.integers(1, 5000)] * 3)
spacings = st.tuples(*[st.floats(1e-3, 1e3)] * 3).map(lambda s: Spacing(*s))


def test_the_origins_brain_stands_where_its_xdmf_file_says():
    placement = Placement.of((234, 28721, 31076), Spacing(40, 1, 1))
    assert placement.step[::-1] == pytest.approx((1.2872e-3, 3.21792e-5, 3.21792e-5), rel=3e-5)
    assert placement.origin[::-1] == pytest.approx((-0.151, -0.4621, -0.5), abs=5e-4)
    assert placement.um_per_unit is None


@given(shapes, spacings)
def test_the_largest_extent_is_one_and_the_middle_is_zero(shape, spacing):
    placement = Placement.of(shape, spacing)
    extents = [n * s for n, s in zip(shape[::-1], placement.step, strict=True)]
    assert max(extents) == pytest.approx(1.0)
    assert placement.world_from_index([n / 2 for n in shape]) == pytest.approx((0, 0, 0), abs=1e-12)


@given(shapes, spacings, st.tuples(*[st.sampled_from([1, 2, 4, 8])] * 3))
def test_a_reduced_sample_stands_in_the_middle_of_those_it_stands_for(shape, spacing, factors):
    full = Placement.of(shape, spacing)
    reduced = full.reduced(factors)
    assert reduced.shape == tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))
    for index in [(0, 0, 0), (3, 1, 2)]:
        middle = [i * f + (f - 1) / 2 for i, f in zip(index, factors, strict=True)]
        assert reduced.world_from_index(index) == pytest.approx(full.world_from_index(middle), abs=1e-9)


@given(shapes, spacings, st.tuples(*[st.integers(0, 50)] * 3), st.tuples(*[st.integers(1, 9)] * 3))
def test_a_strided_part_registers_exactly_with_the_whole(shape, spacing, start, stride):
    full = Placement.of(shape, spacing)
    part = full.strided(start, stride, (2, 3, 4))
    index = [a + 2 * k for a, k in zip(start, stride, strict=True)]
    assert part.shape == (2, 3, 4)
    assert part.world_from_index((2, 2, 2)) == pytest.approx(full.world_from_index(index), abs=1e-9)


@given(shapes, spacings, st.tuples(*[st.floats(-10, 5010)] * 3))
def test_index_and_world_lead_back_to_each_other(shape, spacing, index):
    placement = Placement.of(shape, spacing)
    back = placement.index_from_world(placement.world_from_index(index))
    assert back == pytest.approx(index, abs=1e-6)


def test_bounds_end_at_samples_and_extent_half_a_sample_further():
    placement = Placement.of((10, 20, 40), Spacing(2, 1, 1, "um"))
    assert placement.bounds.lower == placement.origin
    assert placement.bounds.upper == pytest.approx(placement.world_from_index((9, 19, 39)))
    assert placement.extent.lower == pytest.approx(placement.world_from_index((-0.5, -0.5, -0.5)))
    assert placement.extent.size == pytest.approx((1.0, 0.5, 0.5))
    assert placement.um_per_unit == 40.0


def test_boxes():
    box = Box((-1, -2, -3), (1, 2, 4))
    assert (box.center, box.size) == ((0, 0, 0.5), (2, 4, 7))
    assert box.diagonal == pytest.approx(69**0.5)
    assert len(set(box.corners)) == 8
    assert all(box.contains(c) for c in box.corners)
    assert not box.contains((0, 0, 4.1))
    assert box.intersect(Box((0, 0, 0), (9, 9, 9))) == Box((0, 0, 0), (1, 2, 4))
    assert box.intersect(Box((1, 0, 0), (9, 9, 9))).is_empty
    assert not box.is_empty


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("60um", (60.0, "um")),
        ("1.3 µm", (1.3, "um")),
        ("0.25 mm", (250.0, "um")),
        ("4nm", (0.004, "um")),
        (" 2e-3m ", (2000.0, "um")),
        (".5cm", (5000.0, "um")),
        ("1.3", (1.3, None)),
        ("-7", (-7.0, None)),
    ],
)
def test_lengths_as_people_write_them(text, length):
    value, unit = parse_length(text)
    assert (value, unit) == (pytest.approx(length[0]), length[1])


@pytest.mark.parametrize("text", ["", "um", "1,3um", "1.3.2", "six mm", "1 2", "nan", "1um um"])
def test_what_is_no_length(text):
    with pytest.raises(UnitError, match=r"is not a length; write a number and a unit|unknown unit"):
        parse_length(text)


def test_unknown_units_are_named_with_the_known_ones():
    with pytest.raises(UnitError, match=r'unknown unit "ft"; known are cm, m, '):
        parse_length("3ft")


@pytest.mark.parametrize(
    "texts", [("0", "1", "1"), ("1", "-1", "1"), ("1", "1", "1e999"), ("1um", "2", "2"), ("1", "1"),
              ("1e-300", "1", "1e300"), ("1", "1", "1.1e6"), ("1e-200",) * 3, ("1e300",) * 3]
)  # fmt: skip
def test_spacings_that_cannot_be(texts):
    with pytest.raises(UnitError):
        Spacing.parse(texts)


def test_spacings_may_differ_a_millionfold_and_more():
    spacing = Spacing.parse(("1mm", "1nm", "1nm"))
    assert Placement.of((3, 5, 5), spacing).step[2] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("um", "text"),
    [
        (0.004, "4 nm"),
        (0.05, "50 nm"),
        (1.3, "1.3 µm"),
        (60, "60 µm"),
        (13500, "13.5 mm"),
        (37364, "37.4 mm"),
        (4e5, "40 cm"),
    ],
)
def test_lengths_are_told_in_the_unit_a_person_would_choose(um, text):
    assert format_um(um) == text
    assert parse_length(text)[0] == pytest.approx(um, rel=5e-3)


def test_a_spacing_tells_its_unit_or_its_ratio():
    assert str(Spacing.parse(("50nm", "4nm", "4nm"))) == "50 nm × 4 nm × 4 nm"
    assert str(Spacing.parse(("40", "1", "1"))) == "40 : 1 : 1"
    assert Spacing(40, 1, 1).scaled((1, 2, 4)) == Spacing(40, 2, 4)


def test_the_origins_every_fourth_pixel_registers():
    """The page's own subsampled file is normalised to its own columns and does not; ours must."""
    full = Placement.of((234, 28721, 31076), Spacing(40, 1, 1))
    part = full.strided((0, 0, 0), (1, 4, 4), (234, 7180, 7760))
    assert part.origin == full.origin
    np.testing.assert_allclose(part.step, np.multiply(full.step, (4, 4, 1)))
