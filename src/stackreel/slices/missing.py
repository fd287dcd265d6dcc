"""Sections that are lost keep their place: something stands in for them, and the volume says what.

A section that tore, or that nobody scanned, leaves a gap. Closed up, everything behind it moves by one section's
thickness and the brain gets a step. Here the gap stays a section: empty, a copy of its neighbour, or in between the
two neighbours, as is said; it is never done unasked, and the volume's provenance names every such section.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceShapeError
from stackreel.geometry import Index3, Spacing
from stackreel.slices.naming import section_numbers, usual_step
from stackreel.slices.source import SliceFile, SliceSource

How = Literal["fill", "repeat", "interpolate", "refuse"]
HOWS: tuple[How, ...] = get_args(How)
WAYS = "--missing fill, repeat or interpolate"
_MOST = 100_000  # sections that a jump in the numbering may stand for
_PIECE = 1 << 18  # samples worked on at a time


@dataclass(frozen=True, slots=True)
class Missing:
    """What is to become of sections that are missing.

    how        : fill: one value; repeat: the nearest section that is there, of two the earlier; interpolate: linear
                 between both neighbours, of directions along the shorter way round, of labels the nearest;
                 refuse: an error that names them
    absent     : sections that are to count as missing besides gaps in the numbering, whether a file is there or not:
                 by the numbers in the files' names; where names have none, as in a stack in one file, by their
                 place in it, from 0
    value      : what `fill` fills with; None: `background`, or 0
    kind, period, background : of the samples, as volume.reduction says
    """

    how: How
    absent: tuple[int, ...] = ()
    value: float | None = None
    kind: str = "intensity"
    period: float | None = None
    background: float | None = None

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise SliceError(f"--missing {self.how}: it is one of {', '.join(HOWS)}")
        if self.value is not None and self.how != "fill":
            raise SliceError(f"--fill-value is what --missing fill puts in; --missing is {self.how}")

    @property
    def filling(self) -> float:
        return (self.background or 0.0) if self.value is None else self.value

    def check(self, dtype: np.dtype[Any]) -> None:
        """Raises SliceError where samples of such type cannot have the value that fills."""
        if self.how != "fill" or dtype.kind == "f":
            return
        info = np.iinfo(dtype)
        if not (float(self.filling).is_integer() and info.min <= self.filling <= info.max):
            raise SliceError(f"--fill-value {self.filling:g}: no {dtype} sample has that value")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which sections there are, and which should be.

    kept    : of the files, those that are used, by their place in the order
    present : for every section of the stack, which of the kept ones it is, or -1 where it is missing
    numbers : of the stack's sections, as in the files' names
    """

    kept: tuple[int, ...]
    present: tuple[int, ...]
    numbers: tuple[int, ...]


def layout_of(names: Sequence[str], missing: Missing) -> Layout | None:
    """Where files with such names, in natural order, belong; None where the names tell no numbers.

    Raises SliceError for numbers that leave open where a section belongs, or which of two it is.
    """
    texts = section_numbers(names)
    if texts is None:
        return None
    numbers = [int(text) for text in texts]
    twice = next((n for i, n in enumerate(numbers) if n in numbers[i + 1 : i + 2]), None)
    if twice is not None:
        raise SliceError(
            f"two files carry the number {twice}; which of them is the section? Pick with a glob, "
            "or leave --missing out to use both"
        )
    every = sorted({*numbers, *missing.absent})
    step = usual_step(every)
    off = next((n for n in every if (n - numbers[0]) % step), None)
    if off is not None:
        raise SliceError(
            f"the numbers in the files' names go in steps of {step}, and {off} is none of these; sections cannot be "
            "given their places. Rename the files so that numbers count sections"
        )
    full = range(every[0], every[-1] + 1, step)
    if len(full) > len(numbers) + _MOST:
        raise SliceError(
            f"the numbers in the files' names reach from {full[0]} to {full[-1]}, with {len(numbers)} files: are they "
            "dates, or something else that does not count sections? Then leave --missing out"
        )
    out = set(missing.absent)
    kept = [i for i, number in enumerate(numbers) if number not in out]
    place = {numbers[i]: k for k, i in enumerate(kept)}
    return Layout(tuple(kept), tuple(place.get(n, -1) for n in full), tuple(full))


def filled(source: SliceSource, missing: Missing, layout: Layout | None) -> SliceSource:
    """The stack with sections in place of those that are missing; the source itself where none is.

    layout : of the source's files; None where names tell no numbers, and only `absent` ones are missing
    Raises SliceError where it is `refuse`d, or where it is unclear what is missing.
    """
    count = source.shape[0]
    if layout is not None and len(layout.kept) != count:
        raise SliceError(
            f"{len(layout.kept)} files hold {count} sections; --missing goes by the numbers of files with one section "
            "each. Leave it out, or join the files to one stack"
        )
    if layout is None:
        beyond = [z for z in missing.absent if z >= count]
        if beyond:
            raise SliceError(
                f"--absent {beyond[0]}: the stack has {count} sections, counted from 0 since the names of its files "
                "do not number them"
            )
        layout = Layout(tuple(range(count)), tuple(-1 if z in missing.absent else z for z in range(count)), ())
    if min(layout.present, default=0) >= 0:
        return source
    if max(layout.present) < 0:
        raise SliceError("every section is said to be missing; nothing would be left")
    missing.check(source.dtype)
    found = Filled(source, missing, layout.present, layout.numbers)
    if missing.how == "refuse":
        raise SliceError(f"{found.said}; {WAYS} puts something in their place")
    return found


@dataclass(frozen=True)
class Filled:
    """A SliceSource with sections in place of missing ones; see `filled`.

    present, numbers : as in Layout; no numbers where the files have none
    """

    source: SliceSource
    missing: Missing
    present: tuple[int, ...]
    numbers: tuple[int, ...] = ()

    @property
    def shape(self) -> Index3:
        return (len(self.present), *self.source.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.source.dtype

    @property
    def spacing(self) -> Spacing | None:
        return self.source.spacing

    @property
    def files(self) -> tuple[SliceFile, ...]:
        found = self.source.files
        if len(found) != self.source.shape[0]:
            return found
        used = {i for i in self.present if i >= 0}
        return tuple(file for i, file in enumerate(found) if i in used)

    @property
    def banded(self) -> bool:
        return self.source.banded

    @property
    def absent(self) -> tuple[int, ...]:
        """The missing sections, by their place in the stack, from 0."""
        return tuple(z for z, i in enumerate(self.present) if i < 0)

    @property
    def said(self) -> str:
        """ "sections 12, 15-17 of the files' numbering are missing" """
        which = ranges([self.numbers[z] for z in self.absent] if self.numbers else self.absent)
        where = " of the files' numbering" if self.numbers else ""
        return f"section {which}{where} is missing" if len(self.absent) == 1 else f"sections {which}{where} are missing"

    @property
    def notes(self) -> tuple[str, ...]:
        """The other source's, without its talk of gaps, and what stands in for what is missing."""
        ways = {
            "fill": f"filled with {self.missing.filling:g}",
            "repeat": "the nearest section is repeated",
            "interpolate": "interpolated between the neighbours",
        }
        gaps = ("numbering jumps", "… and ")  # as slices.naming tells them
        others = [note for note in self.source.notes if not note.startswith(gaps)]
        return (*others, f"{self.said}: {ways[self.missing.how]}")

    @property
    def provenance(self) -> Mapping[str, str]:
        """The other source's words; missing_sections, counted from 0 in the volume, and missing_filled_by.

        Where the files' names count otherwise, missing_numbers are those.
        """
        words = {"missing_sections": ranges(self.absent), "missing_filled_by": self.missing.how}
        if self.numbers and self.numbers != tuple(range(len(self.numbers))):
            words["missing_numbers"] = ranges([self.numbers[z] for z in self.absent])
        if self.missing.how == "fill":
            words["missing_filled_by"] += f" {self.missing.filling:g}"
        return {**getattr(self.source, "provenance", {}), **words}

    def read(self, z: int, rows: slice, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Rows of section z as a C-contiguous (rows, columns) array, into `out` when given. Thread-safe."""
        if not 0 <= z < len(self.present):
            raise SliceError(f"there is no slice {z}; the stack has {len(self.present)}, numbered from 0")
        if self.present[z] >= 0:
            return self.source.read(self.present[z], rows, out)
        start, stop, _ = rows.indices(self.shape[1])
        wanted = (max(0, stop - start), self.shape[2])
        if out is None:
            out = np.empty(wanted, self.dtype)
        elif out.shape != wanted or out.dtype != self.dtype:
            raise SliceShapeError(f"slice {z} needs an array of {wanted} {self.dtype}; got {out.shape} {out.dtype}")
        if self.missing.how == "fill":
            out[...] = self.missing.filling
            return out
        below, above = self._neighbours[z]
        nearest = below if above < 0 or (below >= 0 and z - below <= above - z) else above
        if self.missing.how == "repeat" or self.missing.kind == "label" or min(below, above) < 0:
            return self.source.read(self.present[nearest], rows, out)
        low = self.source.read(self.present[below], rows)
        high = self.source.read(self.present[above], rows)
        share = (z - below) / (above - below)
        step = max(1, _PIECE // max(1, wanted[1]))
        for first in range(0, wanted[0], step):
            part = slice(first, first + step)
            if self.missing.kind == "axial":
                _between_directions(low[part], high[part], share, out[part], self.missing)
            else:
                _between(low[part], high[part], share, out[part])
        return out

    @cached_property
    def _neighbours(self) -> dict[int, tuple[int, int]]:
        """For every missing section the nearest places below and above where there is one, -1 for none."""
        there = [z for z, i in enumerate(self.present) if i >= 0]
        found = {}
        for z in self.absent:
            k = bisect_left(there, z)
            found[z] = (there[k - 1] if k else -1, there[k] if k < len(there) else -1)
        return found

    def close(self) -> None:
        self.source.close()


def _between(low: npt.NDArray[Any], high: npt.NDArray[Any], share: float, out: npt.NDArray[Any]) -> None:
    """Linear, integers rounded; a place where one neighbour is NaN gets what the nearer one has."""
    work = np.dtype(np.float32 if low.dtype.itemsize <= 2 else np.float64)
    a, b = low.astype(work), high.astype(work)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = a * (1.0 - share) + b * share
    if out.dtype.kind == "f":
        out[...] = np.where(np.isnan(mean), low if share <= 0.5 else high, mean)
    else:
        out[...] = np.rint(mean)


def _between_directions(
    low: npt.NDArray[Any], high: npt.NDArray[Any], share: float, out: npt.NDArray[Any], missing: Missing
) -> None:
    """The mean of the doubled angle, weighed by nearness; where only one neighbour has a direction, the nearer's say.

    It is what coarser levels are made with: two sections as cells of 2 × 1 × 1.
    """
    from stackreel.kernels.axial import mean_axial

    pair = np.stack([low, high])
    lengths = np.empty(pair.shape, np.uint16)
    lengths[0], lengths[1] = max(1, round((1.0 - share) * 65535)), max(1, round(share * 65535))
    integers = out.dtype.kind != "f"
    lowest, highest = (int(np.iinfo(out.dtype).min), int(np.iinfo(out.dtype).max)) if integers else (0, 0)
    background = math.nan if missing.background is None else float(out.dtype.type(missing.background))
    found, none = np.empty((1, *out.shape), out.dtype), np.empty((0, 0, 0), np.uint16)
    mean_axial(
        pair,
        found,
        lengths,
        none,
        (65535.0, 65535.0),
        np.empty((0, 2)),
        lowest,
        float(highest),
        *(2, 1, 1),
        *(1.0, 1.0, 1.0),
        float(missing.period or 1.0),
        background,
    )
    nearer = low if share <= 0.5 else high
    empty = np.isnan(nearer) if math.isnan(background) else nearer == background
    out[...] = np.where(empty, nearer, found[0])


def parse_ranges(text: str) -> tuple[int, ...]:
    """ "17,45-47" → (17, 45, 46, 47). Raises SliceError."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise SliceError(f'--absent "{text}": name sections as in 17,45-47')
        end = int(last) if dash else int(first)
        if not int(first) <= end < int(first) + _MOST:
            raise SliceError(f'--absent "{part}": give the lower number first, and sections one can count')
        found.update(range(int(first), end + 1))
    return tuple(sorted(found))


def ranges(numbers: Sequence[int]) -> str:
    """(17, 45, 46, 47) → "17, 45-47"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
