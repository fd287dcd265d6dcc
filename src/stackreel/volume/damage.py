"""What is wrong with a volume, as values: which chunks, what part of the brain they show, and what else."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stackreel.geometry import Index3
from stackreel.volume.ledger import Kept

Why = Literal["changed", "cut off", "unreadable", "missing", "not in the index", "elsewhere in the index"]
"""Bytes that are not what was written; beyond the end of the file; refused by the disk; in a file that is not there; or
HDF5, or Zarr, looks for them in vain or in another place."""

Range = tuple[int, int]  # first and last + 1
Box = tuple[Range, Range, Range]  # sections, rows, columns

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class BadChunk:
    """A chunk that is damaged.

    where      : the data set, in the file
    level      : of the pyramid
    resultants : whether it holds not samples, but how far axial ones agree
    place      : in the grid of chunks
    box        : what it shows, in sections, rows and columns of the full resolution
    """

    where: str
    level: int
    resultants: bool
    place: Index3
    box: Box
    why: Why


@dataclass(frozen=True, slots=True)
class Part:
    """A box of the full resolution, and how many damaged chunks lie in it."""

    box: Box
    chunks: int


@dataclass(frozen=True)
class Report:
    """What `verify` found.

    size      : of the file, in bytes
    expected  : bytes that HDF5's superblock says it has; None where that cannot be read
    hashed    : whether there is a ledger, without which nothing can be said of the chunks
    sealed    : whether all bytes outside of chunks are what was written; None without a ledger
    bad       : chunks that are damaged
    index     : what HDF5's own index says otherwise, in sentences; of a folder, what else is wrong there
    chunks    : that are stored
    stored    : bytes of these
    samples   : bytes that all levels have when decoded
    stopped   : a repair was stopped in the middle
    linked    : the full resolution is not in the file, but stays in the slices' own
    folder    : it is OME-Zarr
    strangers : files in the folder that are not the volume's; they do no harm
    """

    path: Path
    size: int
    expected: int | None
    hashed: bool
    sealed: bool | None
    bad: tuple[BadChunk, ...] = ()
    index: tuple[str, ...] = ()
    chunks: int = 0
    stored: int = 0
    samples: int = 0
    stopped: bool = False
    linked: bool = False
    folder: bool = False
    strangers: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """Bytes that the file lacks at its end."""
        return max(0, (self.expected or 0) - self.size)

    @property
    def metadata(self) -> bool:
        """Whether what lies around the chunks is as it was: HDF5's index, statistics, hashes, attributes."""
        return bool(self.hashed and self.sealed) and not self.index and not self.missing and not self.stopped

    @property
    def whole(self) -> bool:
        return self.metadata and not self.bad


def bad_chunk(kept: Kept, place: Index3, full: Index3, why: Why) -> BadChunk:
    z, y, x = (
        (p * c * f, min((p * c + c) * f, n)) for p, c, f, n in zip(place, kept.chunk, kept.factors, full, strict=True)
    )
    return BadChunk(kept.where, kept.level, kept.resultants, place, (z, y, x), why)


def parts(chunks: Iterable[BadChunk]) -> list[Part]:
    """Chunks of one level as few boxes: neighbours along columns become one, then such along rows, then sections."""
    found = sorted((Part(c.box, 1) for c in chunks), key=lambda part: part.box)
    for axis in (2, 1, 0):
        groups: dict[tuple[Range, ...], list[Part]] = defaultdict(list)
        for part in found:
            groups[part.box[:axis] + part.box[axis + 1 :]].append(part)
        found = [merged for group in groups.values() for merged in _joined(group, axis)]
    return sorted(found, key=lambda part: part.box)


def announced_size(path: Path) -> int | None:
    """How long an HDF5 file is by its own superblock; None where that is none, or of a kind unknown here.

    HDF5 File Format Specification, "Disk Format: Level 0A - Format Signature and Superblock".
    """
    with open(path, "rb") as file:
        head = file.read(64)
    if len(head) < 64 or not head.startswith(_SIGNATURE):
        return None
    version = head[8]
    if version > 3 or head[13 if version < 2 else 9] != 8:
        return None
    # base address, another address, end of file
    base, _, end = struct.unpack_from("<QQQ", head, (24, 28, 12, 12)[version])
    return int(base + end) if base == 0 else None


def _joined(group: list[Part], axis: int) -> list[Part]:
    """Boxes that differ along one axis alone, those that touch there as one."""
    out: list[Part] = []
    for part in sorted(group, key=lambda p: p.box[axis]):
        last = out[-1] if out else None
        if last is not None and last.box[axis][1] >= part.box[axis][0]:
            box = list(last.box)
            box[axis] = (last.box[axis][0], max(last.box[axis][1], part.box[axis][1]))
            out[-1] = Part((box[0], box[1], box[2]), last.chunks + part.chunks)
        else:
            out.append(part)
    return out
