"""What the sections of a series are called: slice_0000.raw, slice_0001.raw, …; said, or learnt from some of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stackreel.errors import SliceError
from stackreel.slices.naming import section_numbers

_FIELD = re.compile(r"%0?(\d*)d")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Names:
    """Names that differ in one number. width : to which numbers are padded with zeros; 0 where they are not."""

    prefix: str
    suffix: str
    width: int = 0

    @classmethod
    def parse(cls, pattern: str) -> Names:
        """ "slice_%04d.raw" → the names. Raises SliceError."""
        fields = list(_FIELD.finditer(pattern))
        if len(fields) != 1 or "%" in pattern[: fields[0].start()] + pattern[fields[0].end() :] or "/" in pattern:
            raise SliceError(
                f'--names "{pattern}": write the name of a section with %04d for its number, as in slice_%04d.raw'
            )
        start, end = fields[0].span()
        return cls(pattern[:start], pattern[end:], int(fields[0][1] or 0))

    @classmethod
    def of(cls, found: Sequence[str]) -> Names | None:
        """As names that lie there are made; None where there are none. SliceError where it is unclear what counts."""
        if not found:
            return None
        example = min(found)
        ask = "say what sections are called with --names, as in --names 'slice_%04d.raw'"
        if len({_DIGITS.sub("#", name) for name in found}) > 1:
            raise SliceError(f"{example} and {max(found)} are not named alike; {ask}")
        numbers = list(_DIGITS.finditer(example))
        if len(found) > 1:
            varying = section_numbers(found)
            rows = [_DIGITS.findall(name) for name in found]
            column = next((i for i in range(len(numbers)) if [row[i] for row in rows] == varying), None)
        else:
            column = 0 if len(numbers) == 1 else None
        if column is None:
            raise SliceError(f"{example}: which of its numbers counts the sections? {ask}")
        texts = [_DIGITS.findall(name)[column] for name in found]
        padded = [text for text in texts if text.startswith("0") and len(text) > 1]
        start, end = numbers[column].span()
        return cls(example[:start], example[end:], len(padded[0]) if padded else 0)

    def number(self, name: str) -> int | None:
        """The number in a name; None in one that is not of the series."""
        if not (name.startswith(self.prefix) and name.endswith(self.suffix)):
            return None
        digits = name[len(self.prefix) : len(name) - len(self.suffix)]
        return int(digits) if _DIGITS.fullmatch(digits) else None

    def name(self, number: int) -> str:
        return f"{self.prefix}{number:0{self.width}d}{self.suffix}"
