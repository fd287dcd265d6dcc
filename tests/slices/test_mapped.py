"""Sections in fewer grey values, against exact fractions; what is refused rather than lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackreel.errors import SliceError, SliceShapeError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices
from stackreel.slices.checks import TYPES
from stackreel.slices.mapped import Mapped, mapped


def exactly(value, low, high, top):
    """The value mapped, by the rules of arithmetic."""
    if np.isnan(value):
        return 0
    if np.isinf(value):
        return 0 if value < 0 else top
    share = (Fraction(value.item()) - Fraction(low)) / (Fraction(high) - Fraction(low)) * top
    return round(min(max(share, Fraction(0)), Fraction(top)))  # halves to even


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(TYPES), st.sampled_from(["uint8", "uint16"]), st.integers(0, 2**32 - 1), st.data())
def test_a_window_is_stretched_clipped_and_rounded_as_fractions_are(array_source, dtype, to, seed, data):
    rng = np.random.default_rng(seed)
    shape, whole = (2, 5, 41), np.dtype(dtype).kind != "f"
    if whole:
        info = np.iinfo(dtype)
        wide = data.draw(st.booleans())
        low = data.draw(st.integers(int(info.min), int(info.max) - 1)) if wide else 0
        high = data.draw(st.integers(low + 1, int(info.max))) if wide else data.draw(st.integers(1, 127))
        first, last = (info.min, info.max) if wide else (0, high)
        samples = rng.integers(first, last, shape, dtype, endpoint=True)
    else:
        low, high = data.draw(st.sampled_from([(0, 1), (-1.5, 2.5), (0, 510), (100, 100.125)]))
        samples = rng.choice(np.linspace(low - 1, high + 1, 81), shape).astype(dtype)
        samples[0, 0, :4] = np.nan, np.inf, -np.inf, high
    found = Mapped(array_source(samples), low, high, np.dtype(to))
    top = np.iinfo(to).max
    for z in range(2):
        section = found.read(z, slice(0, 5))
        assert section.dtype == to
        for value, code in zip(samples[z].ravel(), section.ravel(), strict=True):
            exact = exactly(value, low, high, top)
            # a quotient of floats may fall on the other side of a half
            assert code == exact if whole else abs(int(code) - exact) <= 1
    if not whole:
        assert found.read(0, slice(0, 1))[0, :4].tolist() == [0, top, 0, top]


def test_halves_go_to_even(array_source):
    samples = np.arange(8, dtype=np.uint16).reshape(1, 1, 8)
    # 2 × 255 grey values in the window: every other value lies halfway
    assert Mapped(array_source(samples), 0, 510, np.dtype("uint8")).read(0, slice(0, 1)).tolist() == [
        [0, 0, 1, 2, 2, 2, 3, 4]
    ]


@dataclass
class Recording:
    """A source that says everything a source can say."""

    array: np.ndarray
    shape: tuple = field(init=False)
    spacing = Spacing(60, 1.3, 1.3, "um")
    files = ("one", "two")
    notes = ("numbering jumps from 0011 to 0013",)
    banded = False
    closed = False

    def __post_init__(self):
        self.shape, self.dtype = self.array.shape, self.array.dtype

    @property
    def provenance(self):
        return {"instrument": "LMP"}

    def read(self, z, rows, out=None):
        return self.array[z, rows].copy()

    def close(self):
        self.closed = True


def test_everything_but_the_values_is_the_sources_own():
    source = Recording(np.zeros((3, 4, 5), np.float32))
    found = mapped(source, (0.5, 1.25), "uint8")
    assert isinstance(found, SliceSource)
    assert (found.shape, found.spacing, found.files, found.banded) == ((3, 4, 5), source.spacing, ("one", "two"), False)
    assert found.dtype == np.uint8
    assert found.notes == (
        "numbering jumps from 0011 to 0013",
        "values 0.5 to 1.25 (float32) are stored as 0 to 255 (uint8); what is lower or higher becomes 0 or 255; "
        "NaN becomes 0",
    )
    assert found.provenance == {
        "instrument": "LMP",
        "window_low": "0.5",
        "window_high": "1.25",
        "window_from": "float32",
    }
    found.close()
    assert source.closed


def test_bands_are_mapped_straight_into_the_callers_array(tmp_path):
    samples = np.random.default_rng(0).integers(0, 4096, (2, 30, 20)).astype(np.uint16)
    for z in range(2):
        tifffile.imwrite(tmp_path / f"s{z}.tif", samples[z])
    found = mapped(open_slices(tmp_path), (0, 4095), "uint8")
    room = np.zeros((2, 10, 20), np.uint8)
    assert found.read(1, slice(5, 15), room[1]) is not None
    np.testing.assert_array_equal(room[1], np.rint(samples[1, 5:15] * 255.0 / 4095))
    assert not room[0].any()
    for wrong in (np.zeros((10, 20), np.uint16), np.zeros((9, 20), np.uint8)):
        with pytest.raises(SliceShapeError, match="slice 1 needs an array of"):
            found.read(1, slice(5, 15), wrong)


def test_values_that_fit_are_kept(array_source):
    samples = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    found = mapped(array_source(samples), to="uint16")
    np.testing.assert_array_equal(found.read(0, slice(0, 16)), samples[0])
    assert found.notes == ("uint8 samples are stored as uint16, with their values unchanged",)
    source = array_source(samples)
    assert mapped(source, to="uint8") is source
    assert mapped(source) is source
    assert mapped(source, to="uint16", kind="label").dtype == np.uint16


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "uint32", "float32"])
def test_nothing_is_lost_unasked(array_source, dtype):
    with pytest.raises(SliceError, match=rf"--to uint8: {dtype} samples do not fit as they are; say with --window"):
        mapped(array_source(np.zeros((1, 2, 3), dtype)), to="uint8")


def test_a_window_needs_a_type_a_width_and_intensities(array_source):
    source = array_source(np.zeros((1, 2, 3), np.uint16))
    with pytest.raises(SliceError, match="say of which type, too: --to uint8 or --to uint16"):
        mapped(source, (0, 1))
    with pytest.raises(SliceError, match="--to float32: samples become uint8 or uint16"):
        mapped(source, (0, 1), "float32")
    nan, inf = float("nan"), float("inf")
    for window in ((1, 1), (2, 1), (nan, 1), (0, nan), (-inf, 1), (0, inf), (-1e308, 1e308)):
        with pytest.raises(SliceError, match="give two numbers, the lower one first"):
            mapped(source, window, "uint8")
    with pytest.raises(SliceError, match="stretched, labels would mean something else"):
        mapped(source, (0, 9), "uint8", kind="label")
    with pytest.raises(SliceError, match="stretched, directions would mean"):
        mapped(source, (0, 9), "uint8", kind="axial")
    with pytest.raises(SliceError, match="uint16 labels may not fit"):
        mapped(source, to="uint8", kind="label")
