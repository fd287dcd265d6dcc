"""An HDF5 file under construction, of which it is known where every chunk lies, and can be begun anew around them.

HDF5 keeps its index of chunks in memory and writes it here and there as the file grows; a kill leaves it torn. But
where HDF5 puts a chunk follows from the order and sizes of those before it alone. So it is enough to remember these:
a later run asks for the same places in the same order, without writing the chunks again, and goes on from there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.errors import VolumeError
from stackreel.geometry import Index3
from stackreel.volume.behind import WriteBehind
from stackreel.volume.codec import LEVEL, SKIP_FILTERS, pack, unpack
from stackreel.volume.pyramid import LevelPlan
from stackreel.volume.uninterrupted import uninterrupted

LIBVER = ("earliest", "v110")
"""Oldest HDF5 layout that will do; ParaView 5.11 (HDF5 1.10) cannot read what "latest" writes."""


class _Disk:
    """The file below HDF5: what HDF5 writes at which byte. Nothing is cut off before the end.

    Nothing here raises: HDF5 would carry on, or fall over. The first error is kept, nothing is written after it, and
    `check` raises it.
    """

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        self.ending = False
        self.given_up = False
        self._error: BaseException | None = None
        self._known: int | None = None  # where a chunk stands already
        self._awaited: int | None = None  # the size of the chunk that is to come
        self._seen: list[int] = []  # where as many bytes have come
        self._at = 0
        self._end = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._end)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        raise NotImplementedError  # h5py wants to see it, and uses readinto

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self.handle, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def write(self, data: Any) -> int:
        size = len(data)
        if size == self._awaited:
            self._seen.append(self._at)
        if size != self._awaited or self._at != self._known:
            self._put(data, size)
        self._at += size
        self._end = max(self._end, self._at)
        return size

    def truncate(self, size: int | None = None) -> int:
        size = self._at if size is None else size
        if self.ending and self.writes:
            try:
                os.ftruncate(self.handle, size)
            except OSError as error:
                self._error = error
        return size

    @property
    def writes(self) -> bool:
        """Whether what is written is written."""
        return not self.given_up and self._error is None

    def check(self) -> None:
        """Raises the error that kept something from being written."""
        if self._error is not None:
            raise self._error

    @contextlib.contextmanager
    def placing(self, size: int, known: int | None = None) -> Iterator[list[int]]:
        """While HDF5 is given a chunk of such size: the bytes where it may have put it, usually one.

        known : it stands there already, and is not written again
        """
        self._awaited, self._known, self._seen = size, known, []
        try:
            yield self._seen
        finally:
            self._awaited = self._known = None

    def _put(self, data: Any, size: int) -> None:
        done = 0
        try:
            while self.writes and done < size:
                done += os.pwrite(self.handle, data[done:] if done else data, self._at + done)
        except BaseException as error:
            self._error = error

    def flush(self) -> None:
        pass


class ChunkFile:
    """A new HDF5 file at a path; chunks that lie there already stay, until others are written over them.

    file   : to make groups, data sets and attributes in
    handle : of the open file, for reading chunks back and for syncing
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._disk = _Disk(path)
        self.handle = self._disk.handle
        self.file = h5py.File(self._disk, "w", libver=LIBVER)

    def create(self, name: str, plan: LevelPlan, dtype: np.dtype[Any], *, resultants: bool = False) -> h5py.Dataset:
        """The data set of a level of volume `name`, with its other name where it has two."""
        place = f"/levels/{name}/{plan.index}"
        where = f"/resultants/{name}/{plan.index}" if resultants else place if plan.index else f"/{name}"
        dataset: h5py.Dataset = self.file.create_dataset(
            where,
            plan.shape,
            dtype,
            chunks=plan.chunk,
            fillvalue=0,
            compression="gzip",
            compression_opts=LEVEL,
            shuffle=dtype.itemsize > 1,
        )
        if not resultants:
            self.name(dataset, name, plan)
        return dataset

    def name(self, dataset: h5py.Dataset, name: str, plan: LevelPlan) -> None:
        """Have the data set of a level be found among the levels, whoever made it."""
        if plan.index == 0:
            self.file[f"/levels/{name}/0"] = dataset
        dataset.attrs["factors"] = np.asarray(plan.factors, np.int64)

    def pack(self, chunk: npt.NDArray[Any], *, worth: bool) -> tuple[bytes, bool]:
        return pack(chunk) if worth else chunk.tobytes(), not worth

    def unpack(self, stored: bytes, shape: Index3, dtype: np.dtype[Any], *, plain: bool) -> npt.NDArray[Any]:
        return unpack(stored, shape, dtype, shuffled=not plain, deflated=not plain)

    def add(self, dataset: h5py.Dataset, place: Index3, stored: bytes, *, plain: bool) -> int:
        """Write a chunk as it is to be stored; the byte where it lies from now on."""
        if not stored:
            return 0
        corner = _corner(dataset, place)
        with uninterrupted(), self._disk.placing(len(stored)) as seen:
            dataset.id.write_direct_chunk(corner, stored, SKIP_FILTERS if plain else 0)
        self._disk.check()
        # HDF5 would look through its whole index to tell
        return seen[0] if len(seen) == 1 else int(dataset.id.get_chunk_info_by_coord(corner).byte_offset)

    def add_again(self, dataset: h5py.Dataset, place: Index3, offset: int, size: int, *, plain: bool) -> None:
        """Have HDF5 know a chunk that an earlier run wrote, in the same order as then."""
        if not size:
            return
        corner = _corner(dataset, place)
        with uninterrupted(), self._disk.placing(size, offset) as seen:
            dataset.id.write_direct_chunk(corner, memoryview(_zeros(size))[:size], SKIP_FILTERS if plain else 0)
        self._disk.check()
        if offset not in seen:
            raise VolumeError("HDF5 places chunks otherwise than in the run that was stopped; --restart begins anew")

    def fetch(self, dataset: h5py.Dataset, place: Index3, offset: int, size: int) -> bytes:
        return os.pread(self.handle, size, offset)

    def behind(self) -> WriteBehind:
        return WriteBehind(self._path)

    def sync(self) -> None:
        os.fsync(self.handle)

    def check(self) -> None:
        """Raises OSError when anything could not be written; HDF5 itself may have kept silent."""
        self._disk.check()

    def close(self) -> None:
        """Complete the file: afterwards any HDF5 program opens it."""
        self._disk.ending = True
        try:
            with uninterrupted():
                self.file.close()
            self.check()
            os.fsync(self.handle)
        finally:
            self._disk.given_up = True
            os.close(self.handle)

    def give_up(self) -> None:
        """Leave the file as it is, unfinished: HDF5 can't read it, a later run can go on with it."""
        self._disk.given_up = True
        with uninterrupted():
            self.file.close()
        os.close(self.handle)


def _corner(dataset: h5py.Dataset, place: Index3) -> Index3:
    z, y, x = (int(p) * c for p, c in zip(place, dataset.chunks, strict=True))
    return (z, y, x)


_dummy = bytearray()


def _zeros(size: int) -> bytearray:
    global _dummy
    if len(_dummy) < size:
        _dummy = bytearray(size)
    return _dummy
