"""The shards of an array in an OME-Zarr folder, open for reading: files of many chunks that end with an index."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.zarrfile import MISSING

OPEN_SHARDS = 64  # of each array


class Shard:
    """A shard's file and its index, (chunks, 2) offsets and sizes; closed when nobody reads from it any more.

    end : where the chunks end and the index begins
    Raises OSError when it cannot be read, ValueError when it is damaged.
    """

    def __init__(self, path: Path, chunks: int) -> None:
        self.handle = os.open(path, os.O_RDONLY)
        length = zarrfile.index_bytes(chunks)
        self.size = os.fstat(self.handle).st_size
        self.end = self.size - length
        if self.end < 0:
            raise ValueError("its shard is cut short")
        self.index: npt.NDArray[np.uint64] = zarrfile.unpack_index(os.pread(self.handle, length, self.end))

    def read(self, slot: int, size: int) -> bytes:
        """The stored bytes of a chunk that should be of such size. Raises ValueError when they are of another."""
        offset, length = (int(n) for n in self.index[slot])
        if length == MISSING or length != size or offset + length > self.end:
            raise ValueError("its shard is not the one that was written")
        return os.pread(self.handle, size, offset)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            os.close(self.handle)


class Shards:
    """All shards of an array; those used last stay open. May be used by many threads.

    folder : of the array
    per    : chunks (z, y, x) in a shard
    """

    def __init__(self, folder: Path, per: Index3) -> None:
        self.folder, self.per = folder, per
        self._lock = threading.Lock()
        self._open: OrderedDict[Index3, Shard] = OrderedDict()

    def path(self, where: Index3) -> Path:
        return zarrfile.piece_of(self.folder, where)

    def holding(self, place: Index3) -> tuple[Index3, int]:
        """The shard of a chunk, and which of its chunks it is."""
        return zarrfile.holding(place, self.per)

    def open(self, where: Index3) -> Shard:
        """Raises OSError or ValueError, as `Shard` does."""
        with self._lock:
            found = self._open.get(where)
            if found is not None:
                self._open.move_to_end(where)
                return found
        found = Shard(self.path(where), cast(int, np.prod(self.per)))
        with self._lock:
            self._open[where] = found
            while len(self._open) > OPEN_SHARDS:
                self._open.popitem(last=False)
        return found

    def read(self, place: Index3, size: int) -> bytes:
        """The stored bytes of a chunk. Raises OSError or ValueError."""
        where, slot = self.holding(place)
        return self.open(where).read(slot, size)

    def forget(self, where: Index3) -> None:
        """A shard has been replaced."""
        with self._lock:
            self._open.pop(where, None)
