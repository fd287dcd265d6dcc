"""Where the samples of a linked volume lie: in the slices' own files, which are described and never copied.

HDF5 calls this external storage: a data set that is a list of places in other files, one after the other. Every HDF5
program reads through it, ParaView among them. HDF5 puts zeros where such a file is missing or cut short, and does not
notice one that was written anew; so the list is kept once more, with each file's size and date, to be checked by us.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stackreel.errors import SliceError
from stackreel.geometry import Index3
from stackreel.slices.source import SliceFile, SliceSource
from stackreel.slices.stack import Bare

SEGMENTS = 2500
"""Most places in one data set: HDF5 keeps 24 bytes of each in a message of at most 64 kB (2730 fit)."""
SEGMENT_BYTES = 1 << 30
"""HDF5 before 1.14.5 reads a place with one call, which stops at 2 GiB, and takes the rest for zeros (HDF5 #4216)."""
PARTS = "/links"

Segment = tuple[str, int, int]  # file, offset, size in bytes


@dataclass(frozen=True, eq=False)
class Links:
    """The slices of a stack as places in files.

    shape   : (slices, rows, columns)
    stored  : type of the samples, with their byte order in the files
    files   : as they were found, in slice order
    names   : of the files, as the volume file has them: absolute, or relative to its folder
    offsets : of every slice's first sample in its file, in bytes
    """

    shape: Index3
    stored: np.dtype[Any]
    files: tuple[SliceFile, ...]
    names: tuple[str, ...]
    offsets: tuple[int, ...]

    @property
    def relative(self) -> bool:
        return not os.path.isabs(self.names[0])

    @property
    def said(self) -> str:
        """What two runs must agree in, beside the files."""
        return f"linked by {'relative' if self.relative else 'absolute'} names, as {self.stored.str}"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the samples, in this machine's byte order."""
        return self.stored.newbyteorder("=")

    @property
    def row_bytes(self) -> int:
        return self.shape[2] * self.stored.itemsize

    def file_of(self, z: int) -> int:
        """Which of the files holds slice z."""
        return bisect_right(self._ends, z)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(file.count for file in self.files))

    def create(self, file: h5py.File, where: str) -> h5py.Dataset:
        """The stack as a data set of a file that is open for writing; the slices are not touched."""
        parts = list(self._parts())
        if len(parts) == 1:
            return self._external(file, where, self.shape, parts[0][1])
        # more files than HDF5 lists in one data set: one that joins several
        layout = h5py.VirtualLayout(self.shape, self.stored)
        first = 0
        for number, (count, segments) in enumerate(parts):
            name, shape = f"{PARTS}{where}/{number}", (count, *self.shape[1:])
            self._external(file, name, shape, segments)
            layout[first : first + count] = h5py.VirtualSource(".", name, shape, self.stored)
            first += count
        return file.create_virtual_dataset(where, layout)

    def _external(self, file: h5py.File, where: str, shape: Sequence[int], segments: Sequence[Segment]) -> h5py.Dataset:
        # no fill value: HDF5 would write it into the slices
        return file.create_dataset(where, shape, self.stored, external=list(segments), fill_time="never")

    def _parts(self) -> list[tuple[int, list[Segment]]]:
        """(slices, segments) of every data set that is needed: one, unless there are too many files."""
        size = self.shape[1] * self.row_bytes
        most = max(1, -(-size // SEGMENT_BYTES))
        parts: list[tuple[int, list[Segment]]] = [(0, [])]
        for z, offset in enumerate(self.offsets):
            if len(parts[-1][1]) + most > SEGMENTS:
                parts.append((0, []))
            count, segments = parts[-1]
            _append(segments, self.names[self.file_of(z)], offset, size)
            parts[-1] = (count + 1, segments)
        return parts

    def to_bytes(self) -> bytes:
        files = [
            [name, file.size, file.mtime_ns, file.count] for name, file in zip(self.names, self.files, strict=True)
        ]
        words = {"shape": self.shape, "stored": self.stored.str, "files": files, "offsets": self.offsets}
        return json.dumps(words).encode()

    @staticmethod
    def from_bytes(data: bytes, folder: Path) -> Links:
        """As the volume file keeps them. folder : where it lies, behind symbolic links."""
        words = json.loads(data)
        z, y, x = words["shape"]
        return Links(
            (z, y, x),
            np.dtype(words["stored"]),
            tuple(SliceFile(folder / name, size, mtime_ns, count) for name, size, mtime_ns, count in words["files"]),
            tuple(name for name, *_ in words["files"]),
            tuple(words["offsets"]),
        )


def _append(segments: list[Segment], name: str, offset: int, size: int) -> None:
    """Add a run of bytes: to the last segment where it goes on there, and in pieces that HDF5 reads in one call."""
    while size:
        if segments and segments[-1][0] == name and segments[-1][1] + segments[-1][2] == offset:
            taken = min(size, SEGMENT_BYTES - segments[-1][2])
            if taken:
                segments[-1] = (name, segments[-1][1], segments[-1][2] + taken)
        else:
            taken = 0
        if not taken:
            taken = min(size, SEGMENT_BYTES)
            segments.append((name, offset, taken))
        offset, size = offset + taken, size - taken


def links_to(source: SliceSource, folder: Path | None = None) -> Links:
    """Where the samples of a stack lie. folder : name the files relative to this one; absolutely without.

    Raises SliceError, with the way out, for a stack whose samples do not lie bare in its files.
    """
    bare: list[Bare | None] = [None]
    if hasattr(source, "bare"):
        bare = [source.bare(z) for z in range(source.shape[0])]
    places = [one for one in bare if one is not None]
    label = getattr(source, "label", None)
    if len(places) < len(bare):
        z = bare.index(None)
        raise SliceError(
            f"{label(z) if label else source.files[0].path} cannot be linked: its samples are compressed, in tiles, "
            "scaled or turned, so other programs could not read them where they lie. Copy them: `stackreel convert` "
            "takes the same arguments"
        )
    if len({one.swap for one in places}) > 1:
        raise SliceError(
            "some slices are big-endian and some little-endian; one data set cannot be both. Copy them: "
            "`stackreel convert` takes the same arguments"
        )
    return Links(
        source.shape,
        source.dtype.newbyteorder("S") if places[0].swap else source.dtype,
        tuple(source.files),
        tuple(_name(file.path, folder) for file in source.files),
        tuple(one.offset for one in places),
    )


def _name(path: Path, folder: Path | None) -> str:
    text = str(path.absolute() if folder is None else os.path.relpath(path.resolve(), folder.resolve()))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SliceError(
            f"{text!a} is not text in UTF-8, and a volume file could not name it; rename it, or copy the samples with "
            "`stackreel convert`"
        ) from None
    return text
