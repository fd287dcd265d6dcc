"""In which order sections belong, and whether one is missing.

Microscopes number their files, and not every one pads the numbers: 0.png, 1.png, … 10.png. Sections are put
in the order of their numbers, as a person would lay them on a table; a jump in the numbering, or a number
that occurs twice, is reported, since a section that was lost or copied shows in the movie as a crease.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

_NUMBER = re.compile(r"([0-9]+)")
_SHOWN = 5  # notes of one kind before the rest is only counted

NaturalKey = tuple[tuple[str | int, ...], str]


def natural_key(name: str) -> NaturalKey:
    """A sort key that compares the numbers in a name as numbers: s2 < s10; s01 and s1 side by side.

    Text is compared without regard to case; names that differ only in case or padding keep one fixed order.
    """
    parts = _NUMBER.split(name.casefold())
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts)), name


def natural_sort(names: Iterable[str]) -> list[str]:
    return sorted(names, key=natural_key)


def numbering_notes(names: Sequence[str]) -> list[str]:
    """What is odd about the numbering of names in natural order; each a sentence, empty when nothing is.

    The section number is the one number that changes from name to name; where none or several change, or the
    names follow several patterns, nothing can be said about gaps.
    """
    patterns = Counter(_NUMBER.sub("#", name.casefold()) for name in names)
    if len(patterns) > 1:
        shown = ", ".join(f"{pattern} ({n})" for pattern, n in patterns.most_common(4))
        more = ", …" if len(patterns) > 4 else ""
        return [
            f"file names follow {len(patterns)} patterns, sorted one after the other: {shown}{more}; "
            "a glob such as 'folder/name_*' picks one"
        ]
    numbers = section_numbers(names)
    if numbers is None:
        return []
    return _duplicates(names, numbers) + _gaps(numbers)


def section_numbers(names: Sequence[str]) -> list[str] | None:
    """The digits, as written, of the one number whose value varies over the names."""
    rows = [_NUMBER.findall(name) for name in names]
    columns = [column for column in zip(*rows, strict=True) if len(set(map(int, column))) > 1]
    return list(columns[0]) if len(columns) == 1 else None


def usual_step(numbers: Sequence[int]) -> int:
    """The distance that numbers in rising order usually have, the smallest of equals; 1 for a single one."""
    jumps = Counter(b - a for a, b in pairwise(numbers))
    return min(jumps, key=lambda jump: (-jumps[jump], jump)) if jumps else 1


def _duplicates(names: Sequence[str], numbers: Sequence[str]) -> list[str]:
    named: dict[int, list[str]] = defaultdict(list)
    for name, number in zip(names, numbers, strict=True):
        named[int(number)].append(name)
    notes = [
        f"{', '.join(same[:-1])} and {same[-1]} carry the same number {number}; all are used, in this order"
        for number, same in named.items()
        if len(same) > 1
    ]
    return _shortened(notes, "numbers occur more than once")


def _gaps(numbers: Sequence[str]) -> list[str]:
    written = {int(number): number for number in numbers}
    values = sorted(written)
    if len(values) < 3:
        return []
    step = usual_step(values)
    notes = []
    for a, b in pairwise(values):
        if b - a > step:
            lost = round((b - a) / step) - 1
            notes.append(
                f"numbering jumps from {written[a]} to {written[b]}: "
                + (f"{lost} sections may be missing" if lost > 1 else "1 section may be missing")
            )
    return _shortened(notes, "gaps in the numbering")


def _shortened(notes: list[str], what: str) -> list[str]:
    if len(notes) <= _SHOWN:
        return notes
    return [*notes[:_SHOWN], f"… and {len(notes) - _SHOWN} more {what}, {len(notes)} in all"]
