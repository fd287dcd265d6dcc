"""Sections come in the order a person would lay them out, and lost ones are noticed."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackreel.slices.naming import natural_key, natural_sort, numbering_notes

NAMES = st.text("aB_-.0123456789é²", min_size=1, max_size=12)


def test_ten_comes_after_nine() -> None:
    shuffled = ["10.png", "2.png", "0.png", "1.png", "11.png", "9.png"]
    assert natural_sort(shuffled) == ["0.png", "1.png", "2.png", "9.png", "10.png", "11.png"]


def test_case_and_padding_do_not_scatter_sections() -> None:
    assert natural_sort(["b1", "A10", "a2", "a02"]) == ["a02", "a2", "A10", "b1"]


@given(st.lists(st.integers(0, 10**30), unique=True, min_size=1), st.sampled_from(["", "s", "Brain_2_", "é-"]))
def test_numbers_of_any_size_sort_as_numbers(numbers: list[int], prefix: str) -> None:
    names = [f"{prefix}{n}.raw" for n in sorted(numbers)]
    assert natural_sort(reversed(names)) == names


@given(st.lists(st.integers(0, 9999), unique=True, min_size=1))
def test_padded_names_sort_as_plain_sorting_does(numbers: list[int]) -> None:
    names = [f"s{n:04}.raw" for n in numbers]
    assert natural_sort(names) == sorted(names)


@given(st.lists(NAMES, unique=True), st.randoms())
def test_the_order_does_not_depend_on_how_the_folder_was_listed(names: list[str], rng: random.Random) -> None:
    once = natural_sort(names)
    shuffled = list(names)
    rng.shuffle(shuffled)
    assert natural_sort(shuffled) == once
    assert len({natural_key(name) for name in names}) == len(names)


@given(NAMES.map(lambda stem: stem + "x"), st.sets(st.integers(1, 300), min_size=20, max_size=200))
def test_every_missing_section_is_counted(stem: str, kept: set[int]) -> None:
    """Of sections 0 to 301 some are kept; with every second neighbour present, the usual step is 1."""
    kept = kept | set(range(40)) | set(range(262, 302)) | {0, 301}
    values = sorted(kept)
    steps = [b - a for a, b in itertools.pairwise(values)]
    gaps = [s for s in steps if s > 1]
    notes = numbering_notes([f"{stem}{v:04}" for v in values])
    if len(gaps) <= 5:
        assert len(notes) == len(gaps)
        for note, gap in zip(notes, gaps, strict=True):
            assert ("1 section may" if gap == 2 else f"{gap - 1} sections may") in note
    else:
        assert len(notes) == 6
        assert f"{len(gaps)} in all" in notes[-1]


def test_a_gap_is_named_as_the_files_write_it() -> None:
    names = [f"s{i:04}" for i in range(20) if i != 12]
    assert numbering_notes(names) == ["numbering jumps from 0011 to 0013: 1 section may be missing"]


def test_every_tenth_section_is_no_gap() -> None:
    assert numbering_notes([f"s{i}" for i in range(0, 200, 10)]) == []
    assert numbering_notes([f"s{i}" for i in range(0, 200, 10) if i not in (50, 60)]) == [
        "numbering jumps from 40 to 70: 2 sections may be missing"
    ]


def test_the_section_number_is_the_one_that_changes() -> None:
    names = [f"Vervet1818_s{i:03}_ch00" for i in (1, 2, 3, 5, 6)]
    assert numbering_notes(names) == ["numbering jumps from 003 to 005: 1 section may be missing"]


def test_a_number_that_occurs_twice_is_told() -> None:
    (note,) = numbering_notes(["s01", "s1", "s02", "s03"])
    assert note == "s01 and s1 carry the same number 1; all are used, in this order"


def test_two_patterns_in_one_folder_are_told() -> None:
    (note,) = numbering_notes(["blue_1", "blue_2", "red_1", "red_2", "red_3"])
    assert "2 patterns" in note
    assert "red_# (3), blue_# (2)" in note


@pytest.mark.parametrize("names", [[], ["only"], ["s1"], ["s1", "s7"], ["p1_s1", "p2_s2", "p3_s9"]])
def test_nothing_is_said_where_nothing_is_known(names: list[str]) -> None:
    assert numbering_notes(names) == []
