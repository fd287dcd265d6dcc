"""One cell of a coarser level, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackreel.errors import VolumeError
from stackreel.volume.reduction import Reduction

from . import oracle


def reduced(values, dtype="uint8", halved=(1, 2, 2), weights=(1.0, 1.0, 1.0), **kind):
    src = np.array(values, dtype)
    out = np.zeros([-(-n // f) for n, f in zip(src.shape, halved, strict=True)], dtype)
    Reduction(**({"kind": "intensity"} | kind)).into(src, out, halved, weights)
    return out


def test_a_mean_is_rounded_and_its_ties_go_to_even():
    assert reduced([[[1, 2], [3, 4]]]).item() == 2  # 2.5
    assert reduced([[[2, 3], [4, 5]]]).item() == 4  # 3.5
    assert reduced([[[0, 0], [0, 3]]]).item() == 1  # 0.75
    assert reduced([[[-1, -2], [-3, -4]]], "int8").item() == -2  # -2.5
    assert reduced([[[-2, -3], [-4, -5]]], "int8").item() == -4  # -3.5


def test_the_largest_values_do_not_overflow():
    for dtype in ("uint8", "int8", "uint16", "int16", "uint32", "int32"):
        info = np.iinfo(dtype)
        for value in (info.min, info.max):
            assert reduced(np.full((2, 2, 2), value), dtype, (2, 2, 2)).item() == value


def test_a_border_sample_counts_for_the_part_of_a_cell_that_it_is():
    # the last column stands for half a cell of two: (4 + 10/2) / 1.5
    assert reduced([[[4, 10]]], "float32", (1, 1, 2), (1, 1, 0.5)).item() == pytest.approx(6.0)
    assert reduced([[[4, 10]]], "uint8", (1, 1, 2), (1, 1, 0.5)).item() == 6


def test_a_lone_border_sample_is_taken_as_it_is():
    np.testing.assert_array_equal(reduced([[[4, 8, 10]]], halved=(1, 1, 2)), [[[6, 10]]])


def test_numbers_beside_holes_are_kept():
    nan = math.nan
    assert reduced([[[nan, 2], [4, nan]]], "float32").item() == 3.0
    assert math.isnan(reduced([[[nan, nan], [nan, nan]]], "float32").item())


@pytest.mark.parametrize(
    ("values", "period", "mean"),
    [
        ([179, 1, 179, 1], 180, 0),
        ([170, 170, 10, 10], 180, 0),
        ([80, 90, 90, 100], 180, 90),
        ([250, 6, 250, 6], 256, 0),
        ([10, 10, 10, 30], 180, 15),
    ],
)
def test_angles_meet_across_the_place_where_they_begin_anew(values, period, mean):
    found = reduced([[values[:2], values[2:]]], kind="axial", period=period).item()
    assert oracle.apart(found, mean, period) <= 0.5
    assert 0 <= found < period


def test_samples_without_a_direction_have_no_say():
    axial = {"kind": "axial", "period": 256, "background": 0}
    assert reduced([[[0, 0], [0, 77]]], **axial).item() == 77
    assert reduced([[[0, 0], [0, 0]]], **axial).item() == 0
    assert reduced([[[255, 1], [255, 1]]], **axial).item() == 1  # a mean of 0 would say that there is none


def test_directions_that_cancel_leave_one_of_them():
    assert reduced([[[0, 90], [0, 90]]], kind="axial", period=180).item() == 0


def test_signed_angles_come_out_signed():
    axial = {"dtype": "int8", "kind": "axial", "period": 180}
    assert reduced([[[-45, -45], [-45, -45]]], **axial).item() == -45
    assert reduced([[[89, -89], [89, -89]]], **axial).item() == -90
    assert reduced([[[80, 90], [80, 90]]], **axial).item() == 85


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_labels_vote(values):
    src = np.array(values).reshape(2, 2, 2)
    assert reduced(src, halved=(2, 2, 2), kind="label").item() == oracle.mode(src, (2, 2, 2)).item()


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"kind": "colour"}, "none of intensity, axial, label"),
        ({"kind": "axial"}, "axial data need --period"),
        ({"kind": "axial", "period": -1.0}, "axial data need --period"),
        ({"kind": "axial", "period": math.inf}, "axial data need --period"),
        ({"kind": "label", "period": 3.0}, "--period belongs to axial data; this is label data"),
        ({"kind": "intensity", "background": 0.0}, "--background belongs to axial data; this is intensity data"),
    ],
)
def test_what_makes_no_sense_is_refused(said, complaint):
    with pytest.raises(VolumeError, match=complaint):
        Reduction(**said)
