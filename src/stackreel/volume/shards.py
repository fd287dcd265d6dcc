"""An OME-Zarr folder under construction: chunks go to the end of their shard, and a full shard gets its index.

A shard holds its chunks in the order in which they came. So nothing is ever moved, and a run that was stopped needs to
know no more than where the chunks lie: it goes on at the end of every shard.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.errors import VolumeError
from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.behind import WriteBehind
from stackreel.volume.place import sync
from stackreel.volume.pyramid import LevelPlan
from stackreel.volume.zarrfile import MISSING

OPEN_AT_ONCE = 64

_fdatasync = getattr(os, "fdatasync", os.fsync)


@dataclass
class _Shard:
    """A shard that is being filled. index : (chunks, 2); end : of what was written; left : chunks that will come."""

    path: Path
    index: npt.NDArray[np.uint64]
    left: int
    end: int = 0
    handle: int | None = None
    dirty: bool = False


@dataclass
class ShardedArray:
    """An array of the folder. where : below it; shards : those that are neither empty nor complete."""

    where: str
    plan: LevelPlan
    dtype: np.dtype[Any]
    per: Index3
    shards: dict[Index3, _Shard] = field(default_factory=dict)

    @property
    def shard(self) -> Index3:
        """Samples in a shard."""
        z, y, x = (c * n for c, n in zip(self.plan.chunk, self.per, strict=True))
        return (z, y, x)

    def holding(self, place: Index3) -> tuple[Index3, int]:
        """The shard of a chunk, and which of its chunks it is."""
        return zarrfile.holding(place, self.per)

    def members(self, shard: Index3) -> int:
        """How many chunks of a shard lie inside the level."""
        inside = (min(n, total - s * n) for s, n, total in zip(shard, self.per, self.plan.chunks, strict=True))
        a, b, c = inside
        return a * b * c


class ShardStore:
    """The arrays of a volume in a folder that is being written; see volume.store.

    anew : begin with an empty folder; otherwise what lies there is gone on with
    file : an HDF5 file in memory, whose tables and attributes become Zarr at the end
    """

    def __init__(self, folder: Path, *, anew: bool) -> None:
        self.folder = folder
        if anew:
            empty(folder)
        self.file = h5py.File(f"{folder.name}.h5", "w", driver="core", backing_store=False)
        self.arrays: list[ShardedArray] = []
        self._full: deque[_Shard] = deque()
        self._new: set[Path] = set()
        self._syncing = threading.Lock()
        self._error: OSError | None = None

    def create(self, name: str, plan: LevelPlan, dtype: np.dtype[Any], *, resultants: bool = False) -> ShardedArray:
        where = f"stackreel/resultants/{plan.index}" if resultants else str(plan.index)
        array = ShardedArray(where, plan, dtype, zarrfile.per_shard(plan.chunks))
        self.arrays.append(array)
        self.file.require_group(f"/levels/{name}")  # for the attributes
        return array

    def pack(self, chunk: npt.NDArray[Any], *, worth: bool) -> tuple[bytes, bool]:
        return zarrfile.pack(chunk, worth=worth), not worth

    def unpack(self, stored: bytes, shape: Index3, dtype: np.dtype[Any], *, plain: bool) -> npt.NDArray[Any]:
        return zarrfile.unpack(stored, shape, dtype)

    def add(self, array: ShardedArray, place: Index3, stored: bytes, *, plain: bool) -> int:
        where, slot = array.holding(place)
        shard = self._shard(array, where)
        offset = 0
        if stored:
            offset = shard.end
            self._open(shard)
            _write(cast(int, shard.handle), stored, offset)
            self._note(shard, slot, offset, len(stored))
            shard.dirty = True
        self._count(array, where, shard)
        return offset

    def add_again(self, array: ShardedArray, place: Index3, offset: int, size: int, *, plain: bool) -> None:
        where, slot = array.holding(place)
        shard = self._shard(array, where)
        if size:
            self._note(shard, slot, offset, size)
        if shard.left == 1 and _complete(shard):
            del array.shards[where]
        else:
            self._count(array, where, shard)

    def fetch(self, array: ShardedArray, place: Index3, offset: int, size: int) -> bytes:
        where, _ = array.holding(place)
        shard = array.shards.get(where)
        if shard is not None and shard.handle is not None:
            return os.pread(shard.handle, size, offset)
        with open(self._path(array, where), "rb", buffering=0) as file:
            return os.pread(file.fileno(), size, offset)

    def behind(self) -> WriteBehind:
        return WriteBehind(self._pass_on)

    def sync(self) -> None:
        self._pass_on()
        if self._error is not None:
            raise self._error
        for array in self.arrays:
            for shard in array.shards.values():
                if shard.dirty and shard.handle is not None:
                    os.fsync(shard.handle)
                    shard.dirty = False
        for folder in self._new:
            sync(folder)
        self._new.clear()

    def check(self) -> None:
        """Nothing is kept silent here: what cannot be written is told at once."""

    def close(self) -> None:
        """All shards are complete: make sure that they are on the disk."""
        assert not any(array.shards for array in self.arrays)
        self.sync()
        self.file.close()

    def give_up(self) -> None:
        for array in self.arrays:
            for shard in array.shards.values():
                if shard.handle is not None:
                    os.close(shard.handle)
            array.shards.clear()
        while self._full:
            os.close(cast(int, self._full.popleft().handle))
        self.file.close()

    def _path(self, array: ShardedArray, where: Index3) -> Path:
        return zarrfile.piece_of(self.folder / array.where, where)

    def _shard(self, array: ShardedArray, where: Index3) -> _Shard:
        found = array.shards.get(where)
        if found is None:
            slots = array.per[0] * array.per[1] * array.per[2]
            index = np.full((slots, 2), MISSING, np.uint64)
            found = array.shards[where] = _Shard(self._path(array, where), index, array.members(where))
        return found

    def _open(self, shard: _Shard) -> None:
        """Open a shard for writing at its end; what an unfinished run wrote beyond that is cut off."""
        if shard.handle is not None:
            return
        if shard.end == 0:
            shard.path.parent.mkdir(parents=True, exist_ok=True)
            # also those that a run made which was killed before they were safe
            self._new.update(folder for folder in shard.path.parents if folder.is_relative_to(self.folder))
            shard.handle = os.open(shard.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
            return
        with contextlib.suppress(FileNotFoundError):
            shard.handle = os.open(shard.path, os.O_RDWR)
        if shard.handle is None or os.fstat(shard.handle).st_size < shard.end:
            raise VolumeError(f"{shard.path}: not what the run that was stopped has left; --restart begins anew")
        os.ftruncate(shard.handle, shard.end)
        shard.dirty = True

    def _note(self, shard: _Shard, slot: int, offset: int, size: int) -> None:
        shard.index[slot] = offset, size
        shard.end = max(shard.end, offset + size)

    def _count(self, array: ShardedArray, where: Index3, shard: _Shard) -> None:
        """One of a shard's chunks is settled; after the last one it gets its index."""
        shard.left -= 1
        if shard.left:
            return
        del array.shards[where]
        if shard.end:
            self._open(shard)
            _write(cast(int, shard.handle), zarrfile.pack_index(shard.index), shard.end)
            self._full.append(shard)
            if len(self._full) > OPEN_AT_ONCE:
                self._pass_on()

    def _pass_on(self) -> None:
        """Have the disk take all shards that are full; may run beside the writing."""
        with self._syncing:
            while self._full:
                shard = self._full.popleft()
                try:
                    _fdatasync(cast(int, shard.handle))
                except OSError as error:  # told only once; no checkpoint may be taken after it
                    self._error = error
                    raise
                finally:
                    os.close(cast(int, shard.handle))


def empty(folder: Path) -> None:
    """Remove all that lies in a folder, not the folder itself."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _complete(shard: _Shard) -> bool:
    """Whether a shard, all of whose chunks are known, lies there with its index."""
    expected = zarrfile.pack_index(shard.index) if shard.end else b""
    try:
        with open(shard.path, "rb") as file:
            file.seek(shard.end)
            return file.read() == expected
    except FileNotFoundError:
        return not shard.end


def _write(handle: int, data: bytes, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(handle, data[done:] if done else data, at + done)
