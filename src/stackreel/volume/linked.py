"""A volume whose full resolution stays in the slices' own files: how it is read, and how it is known that they are
still the same.

Every time a slice is read, its file's size and date are compared with those that it had when it was linked. Another
size is an error. Another date alone may mean nothing, since copying and touching change it: then the rows are hashed
and compared with what they were, 128 at a time and each once, before any of them is used.
"""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import CorruptChunkError, SliceReadError, VolumeError
from stackreel.files import true_path
from stackreel.geometry import Index3, Placement
from stackreel.kernels.gather import gather_rows
from stackreel.slices.stack import reason
from stackreel.volume.hdf5 import Hdf5Level, opened
from stackreel.volume.links import Links
from stackreel.volume.pyramid import CHUNK
from stackreel.volume.sections import PIECE
from stackreel.volume.volume import Summary, Volume

Table = npt.NDArray[np.uint64]


class Slices:
    """The samples of linked slices. Thread-safe; holds no open file.

    hashes : of every 128 rows of every slice, as volume.sections makes them; None where nobody knows
    """

    def __init__(self, links: Links, hashes: Table | None = None) -> None:
        self.links, self._hashes = links, hashes
        self._lock = threading.Lock()
        self._same: dict[tuple[int, int, int], bool] = {}  # (slice, piece, date of its file) that were compared

    def fill(self, at: Index3, shape: Index3, out: npt.NDArray[Any]) -> int:
        """Samples of a box into the head of `out`, (z, y, x) and C-contiguous; how many bytes were read.

        Raises SliceReadError, naming the slice, when it is missing, has changed or cannot be read.
        """
        links, item = self.links, self.links.stored.itemsize
        flat = out.view(np.uint8)
        total = 0
        for z in range(at[0], at[0] + shape[0]):
            into = flat[z - at[0]]
            offset, step, count, size = links.offsets[z], links.row_bytes, shape[1], shape[2] * item
            offset += at[1] * step + at[2] * item
            if size == step == into.shape[1]:  # whole rows: one piece
                into, count, size, step = into.reshape(1, -1), 1, size * count, size * count
            with self._opened(z, at[1], at[1] + shape[1]) as (handle, hashed):
                got = gather_rows(handle, offset, step, count, size, into)
                if got < count * size:
                    os.pread(handle, 1, offset)  # says what is wrong with the disk, if it is that
                    raise OSError("the file ends early")
            total += got + hashed
        if not links.stored.isnative:
            out.byteswap(inplace=True)
        return total

    def check(self, z: int) -> str | None:
        """What is wrong with a slice, as far as all its rows tell; None when it is what was linked."""
        try:
            with self._opened(z, 0, 0) as (handle, _):
                if self._hashes is not None:
                    self._compare(handle, z, 0, self.links.shape[1])
        except SliceReadError as error:
            return str(error)
        return None

    @contextmanager
    def _opened(self, z: int, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The open file of a slice whose rows first..last are what was linked; and the bytes read to know that."""
        file = self.links.files[self.links.file_of(z)]
        where = f"slice {z} ({file.path})"
        try:
            handle = os.open(file.path, os.O_RDONLY)
        except FileNotFoundError:
            raise SliceReadError(f"{where} is not there any more; put it back, or link the slices again") from None
        except OSError as error:
            raise SliceReadError(f"{where} cannot be opened: {reason(error)}") from error
        try:
            found = os.fstat(handle)
            if found.st_size != file.size:
                raise SliceReadError(
                    f"{where} holds {found.st_size:,} bytes, {file.size:,} when it was linked; put it back as it was, "
                    "or link the slices again"
                )
            hashed = 0
            if found.st_mtime_ns != file.mtime_ns and first < last:
                if self._hashes is None:
                    raise SliceReadError(
                        f"{where} was written again on {_day(found.st_mtime_ns)}, after it was linked, and there are "
                        "no hashes by which to tell whether it is the same; link the slices again"
                    )
                hashed = self._compare(handle, z, first, last, found.st_mtime_ns)
            yield handle, hashed
        except SliceReadError:
            raise
        except OSError as error:
            raise SliceReadError(f"{where} cannot be read: {reason(error)}") from error
        finally:
            os.close(handle)

    def _compare(self, handle: int, z: int, first: int, last: int, date: int | None = None) -> int:
        """Hash the pieces that rows first..last belong to, but those known at such a date; bytes read for that."""
        assert self._hashes is not None
        links, total = self.links, 0
        for piece in range(first // PIECE, -(-last // PIECE)):
            if date is None or (z, piece, date) not in self._same:
                begin, end = piece * PIECE, min((piece + 1) * PIECE, links.shape[1])
                samples = np.empty((end - begin) * links.shape[2], links.stored)
                flat = samples.view(np.uint8).reshape(1, -1)
                offset = links.offsets[z] + begin * links.row_bytes
                if gather_rows(handle, offset, 0, 1, flat.shape[1], flat) < flat.shape[1]:
                    raise OSError("the file ends early")
                total += flat.shape[1]
                same = xxhash.xxh3_64_intdigest(samples.astype(links.dtype, copy=False).data)
                with self._lock:
                    self._same[z, piece, date or 0] = same == int(self._hashes[z, piece])
            if not self._same[z, piece, date or 0]:
                file = links.files[links.file_of(z)]
                begin, end = piece * PIECE, min((piece + 1) * PIECE, links.shape[1])
                raise SliceReadError(
                    f"slice {z} ({file.path}) holds other samples in rows {begin} to {end - 1} than when it was "
                    "linked; put it back as it was, or link the slices again"
                )
        return total


@dataclass(frozen=True)
class Whereabouts:
    """The files of a linked volume as they are now, without reading them: each list (file, what is the matter).

    lost    : missing, or of another size
    redated : of another date; read all the same where hashes say that the samples are what they were
    hashed  : there are such hashes
    """

    links: Links
    lost: tuple[tuple[Path, str], ...]
    redated: tuple[Path, ...]
    hashed: bool

    @property
    def said(self) -> list[str]:
        """In sentences; none when all is well."""
        count, words = len(self.links.files), []
        if self.lost:
            path, why = self.lost[0]
            words.append(
                f"{len(self.lost)} of {count} linked files cannot be used ({path}: {why}"
                f"{', …' if len(self.lost) > 1 else ''}); put them back, or link the slices again. "
                "Where the full resolution is needed, reading fails"
            )
        if self.redated:
            what = (
                "rows are compared with their hashes before they are used"
                if self.hashed
                else "there are no hashes to compare them with: link the slices again"
            )
            words.append(
                f"{len(self.redated)} of {count} linked files have another date than when they were linked "
                f"({self.redated[0]}{', …' if len(self.redated) > 1 else ''}); {what}"
            )
        return words


class LinkedLevel(Hdf5Level):
    """The full resolution of a linked volume; its chunks are put together from rows of the slices."""

    def __init__(self, path: Path, name: str, file: h5py.File, placement: Placement) -> None:
        super().__init__(path, name, 0, file[f"/levels/{name}/0"], placement)
        self.links = Links.from_bytes(file[f"/slices/{name}/links"][()].tobytes(), true_path(path).parent)
        self.chunk = cast(Index3, tuple(min(c, n) for c, n in zip(CHUNK, self.shape, strict=True)))
        self.dtype = self.links.dtype
        self.stored_bytes = self.shape[0] * self.shape[1] * self.links.row_bytes
        self.summarised = f"/summary/{name}/0" in file
        self.hashed = f"/slices/{name}/hashes" in file
        self._slices: Slices | None = None
        self._sizes: npt.NDArray[np.int64] | None = None

    def summary(self) -> Summary:
        if not self.summarised:
            raise VolumeError(no_levels(self._path))
        return super().summary()

    def stored_chunks(self) -> npt.NDArray[np.int64]:
        with self._lock:
            if self._sizes is None:
                ends = [np.minimum(np.arange(1, g + 1) * c, n) for g, c, n in self._axes]
                z, y, x = (np.diff(end, prepend=0) for end in ends)
                sizes = z[:, None, None] * y[:, None] * x * self.dtype.itemsize
                self._sizes = np.where(self._empty(), 0, sizes).astype(np.int64)
            return self._sizes

    def read_chunk(self, index: Index3) -> npt.NDArray[Any] | None:
        if self.stored_chunks()[index] == 0:
            return None
        at = cast(Index3, tuple(i * c for i, c in zip(index, self.chunk, strict=True)))
        shape = cast(Index3, tuple(min(c, n - a) for a, c, n in zip(at, self.chunk, self.shape, strict=True)))
        out = np.empty(self.chunk, self.dtype) if shape == self.chunk else np.zeros(self.chunk, self.dtype)
        try:
            count = self.slices.fill(at, shape, out)
        except SliceReadError as error:
            raise CorruptChunkError(f"{self._path}: the full resolution lies in the slices, and {error}") from error
        with self._lock:
            self._bytes_read += count
        return out

    @property
    def slices(self) -> Slices:
        with self._lock:
            if self._slices is None:
                hashes = None
                if self.hashed:
                    with opened(self._path) as file:
                        hashes = file[f"/slices/{self._name}/hashes"][()]
                self._slices = Slices(self.links, hashes)
            return self._slices

    def whereabouts(self) -> Whereabouts:
        lost, redated = [], []
        for file in self.links.files:
            try:
                found = file.path.stat()
            except OSError as error:
                lost.append((file.path, reason(error)))
                continue
            if found.st_size != file.size:
                lost.append((file.path, f"{found.st_size:,} bytes, {file.size:,} when it was linked"))
            elif found.st_mtime_ns != file.mtime_ns:
                redated.append(file.path)
        return Whereabouts(self.links, tuple(lost), tuple(redated), self.hashed)

    @property
    def _axes(self) -> list[tuple[int, int, int]]:
        return list(zip(self.grid, self.chunk, self.shape, strict=True))

    def _empty(self) -> npt.NDArray[np.bool_]:
        """Which chunks hold zeros alone, by the statistics; where there are none, no chunk is known to."""
        if not self.summarised:
            return np.zeros(self.grid, bool)
        summary = self.summary()
        filled = (summary.low != 0) | (summary.high != 0)
        for axis, (chunk, brick) in enumerate(zip(self.chunk, summary.brick, strict=True)):
            firsts = np.arange(0, filled.shape[axis], -(-chunk // brick))
            filled = np.logical_or.reduceat(filled, firsts, axis=axis)
        return np.asarray(~filled)


def no_levels(path: Path) -> str:
    return (
        f"{path}: no reduced levels and no statistics, since its slices were linked without; run "
        f"`stackreel link SRC {path} --overwrite` without --no-levels. ParaView needs neither"
    )


def whereabouts(volume: Volume) -> Whereabouts | None:
    """What has become of a volume's linked slices; None where there are none."""
    level = getattr(volume.levels[0], "_level", volume.levels[0])
    return level.whereabouts() if isinstance(level, LinkedLevel) else None


def amiss(volume: Volume) -> list[str]:
    """What a person should know of a volume's linked slices, in sentences; reads none of them."""
    found = whereabouts(volume)
    return [] if found is None else [f"{volume.path.name}: {said}" for said in found.said]


def _day(mtime_ns: int) -> str:
    return datetime.datetime.fromtimestamp(mtime_ns / 1e9).isoformat(" ", "seconds")
