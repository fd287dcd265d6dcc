"""Axes in any order become sections, rows and columns."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from stackreel.errors import SliceError
from stackreel.geometry import Spacing
from stackreel.slices.axes import arrange
from stackreel.slices.choice import Choice
from stackreel.slices.lengths import spacing_of_scale

SIZES = {"t": 2, "c": 3, "z": 4, "y": 5, "x": 6}


@pytest.mark.parametrize("axes", [*permutations("zyx"), *permutations("czyx"), tuple("tczyx"), tuple("xyzct")], ids=str)
def test_any_order_of_axes_gives_the_same_stack(axes: tuple[str, ...]) -> None:
    whole = np.arange(720).reshape(tuple(SIZES.values()))
    taken = {"t": 1, "c": 2}
    order = "tczyx"
    part = whole[tuple(slice(None) if axis in axes else taken[axis] for axis in order)]
    kept = [axis for axis in order if axis in axes]
    array = part.transpose([kept.index(axis) for axis in axes])
    choice = Choice(channel="2" if "c" in axes else None, time=1 if "t" in axes else None)
    arranged = arrange(axes, array.shape, choice, "a.zarr")
    assert arranged.shape == (4, 5, 6)
    stack = arranged.turned(array[arranged.key(slice(1, 4), slice(2, 5))])
    np.testing.assert_array_equal(stack, whole[1, 2, 1:4, 2:5])
    assert bool(arranged.notes) == ([axis for axis in axes if axis in "zyx"] != list("zyx"))


def test_an_image_without_z_is_one_section() -> None:
    array = np.arange(30).reshape(6, 5)
    arranged = arrange("xy", array.shape, Choice(), "a.zarr")
    assert arranged.shape == (1, 5, 6)
    np.testing.assert_array_equal(arranged.turned(array[arranged.key(slice(0, 1), slice(0, 5))])[0], array.T)


@pytest.mark.parametrize(
    ("axes", "shape", "choice", "said"),
    [
        ("czyx", (3, 4, 5, 6), Choice(), "a.zarr holds 3 channels: 0 (red), 1 (green), 2; a volume is made of one"),
        ("czyx", (3, 4, 5, 6), Choice(channel="blue"), "has no channel blue; it holds 0 (red), 1 (green), 2"),
        ("tzyx", (3, 4, 5, 6), Choice(), "holds 3 time points, 0 to 2"),
        ("tzyx", (3, 4, 5, 6), Choice(time=3), "has no time point 3"),
        ("zyx", (4, 5, 6), Choice(channel="0"), "holds no channels; leave --channel 0 out"),
        ("zyx", (4, 5, 6), Choice(time=0), "holds no time points; leave --time 0 out"),
        ("wzyx", (3, 4, 5, 6), Choice(), "has 3 samples along an axis w"),
        ("zy", (4, 5), Choice(), "rows (y) and columns (x) must be among them"),
        ("zyx", (5, 6), Choice(), "names 3 axes (z, y, x), but its samples have 2"),
        ("zyyx", (1, 4, 5, 6), Choice(), "names two of its axes y"),
        ("zyx", (0, 5, 6), Choice(), "no samples along z"),
    ],
)
def test_what_is_no_stack_is_told(axes: str, shape: tuple[int, ...], choice: Choice, said: str) -> None:
    with pytest.raises(SliceError) as caught:
        arrange(axes, shape, choice, "a.zarr", ("red", "green"))
    assert said in str(caught.value)


def test_a_number_that_is_also_another_channels_name_is_asked_back() -> None:
    with pytest.raises(SliceError, match="--channel 1 may mean channels 0 and 1"):
        Choice(channel="1").pick_channel(3, ("1", "2", "3"), "a.zarr")
    assert Choice(channel="488").pick_channel(2, ("405", "488"), "a.zarr") == 1


def test_units_in_words_become_micrometres() -> None:
    spacing, notes = spacing_of_scale((0.05, 1300.0, 1.3), ("millimeter", "nanometer", "micrometer"), "metadata")
    assert isinstance(spacing, Spacing)
    assert spacing.zyx == pytest.approx((50, 1.3, 1.3))
    assert (spacing.unit, notes) == ("um", [])


def test_a_scale_without_units_is_a_ratio_and_an_unknown_unit_is_none() -> None:
    spacing, notes = spacing_of_scale((40, 1, 1), (None, None, None), "metadata")
    assert spacing == Spacing(40, 1, 1)
    assert "name no unit" in notes[0]
    spacing, notes = spacing_of_scale((40, 1, 1), ("furlong", "furlong", "furlong"), "metadata")
    assert spacing is None
    assert "furlong" in notes[0]
