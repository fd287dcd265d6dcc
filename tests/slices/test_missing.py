"""Sections that are missing keep their place, and something stands in for them."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.errors import SliceError
from stackreel.slices import open_slices
from stackreel.slices.missing import Missing, filled, parse_ranges, ranges

SHAPE = (5, 6)


def write(folder, values, dtype=np.uint8, name="s{:02}.raw"):
    """Raw sections {number: value or array}."""
    folder.mkdir(exist_ok=True)
    for number, value in values.items():
        np.broadcast_to(np.asarray(value, dtype), SHAPE).tofile(folder / name.format(number))
    return folder


def opened(folder, how=None, dtype="uint8", **more):
    missing = None if how is None else Missing(how, **more)
    return open_slices(folder, shape=SHAPE, dtype=dtype, missing=missing)


def values(source):
    """One sample of each section; all of a section are equal."""
    found = [source.read(z, slice(0, SHAPE[0])) for z in range(source.shape[0])]
    assert all(
        np.array_equal(section, np.full(SHAPE, section[0, 0]), equal_nan=section.dtype.kind == "f") for section in found
    )
    return [float(section[0, 0]) for section in found]


TENS = {k: 10 * k for k in range(1, 11) if k not in (3, 6, 7)}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("fill", [10, 20, 0, 40, 50, 0, 0, 80, 90, 100]),
        ("repeat", [10, 20, 20, 40, 50, 50, 80, 80, 90, 100]),
        ("interpolate", [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
    ],
)
def test_gaps_in_the_numbering_become_sections(tmp_path, how, expected):
    source = opened(write(tmp_path / "s", TENS), how)
    assert values(source) == expected
    assert source.shape == (10, *SHAPE)
    assert source.banded
    assert len(source.files) == 7
    assert source.provenance["missing_sections"] == "2, 5-6"  # from 0 in the volume
    assert source.provenance["missing_numbers"] == "3, 6-7"
    assert source.provenance["missing_filled_by"] == {"fill": "fill 0"}.get(how, how)
    assert sum("jumps" in note for note in source.notes) == 0
    assert "sections 3, 6-7 of the files' numbering are missing: " in source.notes[-1]


def test_without_being_asked_gaps_are_closed_up_and_a_note_names_the_option(tmp_path):
    source = opened(write(tmp_path / "s", TENS))
    assert values(source) == [10, 20, 40, 50, 80, 90, 100]
    assert "--missing fill, repeat or interpolate" in source.notes[-1]


def test_refusing_names_what_is_missing(tmp_path):
    with pytest.raises(SliceError, match=r"sections 3, 6-7 of the files' numbering are missing; --missing fill"):
        opened(write(tmp_path / "s", TENS), "refuse")
    whole = write(tmp_path / "t", {k: k for k in range(4)})
    assert values(opened(whole, "refuse")) == [0, 1, 2, 3]


def test_absent_sections_are_named_as_the_files_are(tmp_path):
    """One whose file is damaged, the first one, and two behind the last."""
    folder = write(tmp_path / "s", {k: k for k in range(5, 10)})
    (folder / "s07.raw").write_bytes(b"torn")
    source = opened(folder, "interpolate", absent=(4, 7, 10, 11))
    assert values(source) == [5, 5, 6, 7, 8, 9, 9, 9]
    assert source.provenance["missing_sections"] == "0, 3, 6-7"


def test_sections_without_numbers_go_by_their_place(tmp_path):
    stack = tmp_path / "stack.raw"
    np.repeat(np.arange(6, dtype=np.uint8), SHAPE[0] * SHAPE[1]).tofile(stack)
    assert values(opened(stack, "fill", absent=(0, 2, 3), value=99)) == [99, 1, 99, 99, 4, 5]
    with pytest.raises(SliceError, match="--absent 6: the stack has 6 sections, counted from 0"):
        opened(stack, "fill", absent=(6,))


def test_numbers_may_go_in_steps(tmp_path):
    folder = write(tmp_path / "s", {k: k for k in (10, 20, 30, 60, 70)})
    assert values(opened(folder, "interpolate")) == [10, 20, 30, 40, 50, 60, 70]
    with pytest.raises(SliceError, match="go in steps of 10, and 45 is none of these"):
        opened(folder, "fill", absent=(45,))


def test_two_files_of_one_number_are_not_chosen_between(tmp_path):
    folder = write(tmp_path / "s", {1: 1, 2: 2, 3: 3})
    write(folder, {2: 5}, name="s{}.raw")
    with pytest.raises(SliceError, match="two files carry the number 2"):
        opened(folder, "fill")


def test_directions_in_between_go_the_shorter_way_round(tmp_path):
    folder = write(tmp_path / "s", {0: 170, 4: 10, 6: 255, 8: 40})
    source = opened(folder, "interpolate", absent=(1, 2, 3, 5, 7), kind="axial", period=180.0, background=255.0)
    assert values(source) == [170, 175, 0, 5, 10, 10, 255, 255, 40]  # background is no direction: the nearer's say
    floats = write(tmp_path / "f", {0: 3.0, 2: 0.2}, np.float32)
    found = values(opened(floats, "interpolate", "float32", absent=(1,), kind="axial", period=np.pi))
    assert found[1] == pytest.approx((3.0 + 0.2 + np.pi) / 2 % np.pi, abs=1e-5)
    empty = opened(folder, "fill", absent=(1, 2, 3, 5, 7), kind="axial", period=180.0, background=255.0)
    assert values(empty)[1] == 255


def test_labels_are_those_of_the_nearest_section(tmp_path):
    folder = write(tmp_path / "s", {0: 3, 5: 8})
    source = opened(folder, "interpolate", absent=(1, 2, 3, 4), kind="label")
    assert values(source) == [3, 3, 3, 8, 8, 8]


def test_integers_in_between_are_rounded_and_holes_stay_holes(tmp_path):
    folder = write(tmp_path / "s", {0: 65535, 3: 0}, np.uint16)
    assert values(opened(folder, "interpolate", "uint16", absent=(1, 2))) == [65535, 43690, 21845, 0]
    floats = write(tmp_path / "f", {0: np.nan, 3: 6.0}, np.float32)
    found = values(opened(floats, "interpolate", "float32", absent=(1, 2)))
    np.testing.assert_array_equal(found, [np.nan, np.nan, 6, 6])


def test_bands_of_rows_are_what_the_whole_section_has(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "s"
    write(folder, {k: rng.integers(0, 256, SHAPE) for k in (0, 3, 4)})
    source = opened(folder, "interpolate")
    whole = source.read(1, slice(0, 5))
    out = np.empty((2, 6), np.uint8)
    assert source.read(1, slice(2, 4), out) is out
    np.testing.assert_array_equal(out, whole[2:4])
    assert np.ptp(whole) > 0


def test_what_cannot_be_filled_is_refused(tmp_path):
    folder = write(tmp_path / "s", {0: 0, 1: 1, 2: 2})
    with pytest.raises(SliceError, match="--fill-value 300: no uint8 sample"):
        opened(folder, "fill", absent=(1,), value=300)
    with pytest.raises(SliceError, match="--fill-value is what --missing fill"):
        Missing("repeat", value=3)
    with pytest.raises(SliceError, match="every section is said to be missing"):
        opened(folder, "fill", absent=(0, 1, 2))


def test_a_source_without_missing_sections_is_itself(tmp_path):
    source = opened(write(tmp_path / "s", {0: 0, 1: 1, 2: 2}))
    assert filled(source, Missing("fill"), None) is source


def test_sections_are_named_in_ranges():
    assert parse_ranges("17, 45-47,3") == (3, 17, 45, 46, 47)
    assert ranges((3, 17, 45, 46, 47)) == "3, 17, 45-47"
    for text in ("", "a", "7-3", "1-2-3", "-4", "1-", "0-99999999999"):
        with pytest.raises(SliceError, match="--absent"):
            parse_ranges(text)
