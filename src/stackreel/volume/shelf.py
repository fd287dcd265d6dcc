"""One data set of a volume file while it is written: its chunks, and of each the place, the length and a hash."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.geometry import Index3
from stackreel.volume.chunkfile import ChunkFile
from stackreel.volume.codec import LEVEL, unpack
from stackreel.volume.pyramid import LevelPlan


@dataclass(frozen=True)
class Packed:
    """A chunk as it is to be stored. place : in the grid of chunks; stored : b"" where all is zero."""

    place: Index3
    stored: bytes
    plain: bool
    digest: int


def packed(place: Index3, stored: bytes, *, plain: bool) -> Packed:
    return Packed(place, stored, plain, xxhash.xxh3_64_intdigest(stored) if stored else 0)


class Shelf:
    """A data set under construction and what is known of its chunks, each array (chunks z, y, x).

    offsets, sizes : bytes in the file; sizes 0 where all is zero and nothing is stored
    plain          : stored without filters
    hashes         : xxh3 (64 bits) of the stored bytes, 0 where nothing is stored
    done           : has been written, or found to be all zero
    """

    def __init__(self, into: ChunkFile, where: str, plan: LevelPlan, dtype: np.dtype[Any]) -> None:
        self.plan, self.dtype = plan, dtype
        self._into = into
        self.dataset: h5py.Dataset = into.file.create_dataset(
            where,
            plan.shape,
            dtype,
            chunks=plan.chunk,
            fillvalue=0,
            compression="gzip",
            compression_opts=LEVEL,
            shuffle=dtype.itemsize > 1,
        )
        self.offsets = np.zeros(plan.chunks, np.int64)
        self.sizes = np.zeros(plan.chunks, np.int64)
        self.plain = np.zeros(plan.chunks, bool)
        self.hashes = np.zeros(plan.chunks, np.uint64)
        self.done = np.zeros(plan.chunks, bool)

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        return {"offsets": self.offsets, "sizes": self.sizes, "plain": self.plain, "hashes": self.hashes}

    def put(self, chunk: Packed) -> None:
        """Write a chunk."""
        offset = 0
        if chunk.stored:
            offset = self._into.add(self.dataset, self._corner(chunk.place), chunk.stored, plain=chunk.plain)
        self._note(chunk.place, offset, len(chunk.stored), chunk.plain, chunk.digest)

    def put_again(self, place: Index3, offset: int, size: int, plain: bool, digest: int) -> None:
        """Take over a chunk that an earlier run wrote."""
        if size:
            self._into.add_again(self.dataset, self._corner(place), offset, size, plain=plain)
        self._note(place, offset, size, plain, digest)

    def get(self, place: Index3) -> npt.NDArray[Any] | None:
        """The samples of a chunk written before, as many as lie inside the level; None where all is zero."""
        size = int(self.sizes[place])
        if size == 0:
            return None
        stored = os.pread(self._into.handle, size, int(self.offsets[place]))
        if xxhash.xxh3_64_intdigest(stored) != int(self.hashes[place]):
            raise ValueError("a chunk that an earlier run wrote is not what it was")
        plain = bool(self.plain[place])
        chunk = unpack(stored, self.plan.chunk, self.dtype, shuffled=not plain, deflated=not plain)
        inside = (min(c, n - p * c) for c, n, p in zip(self.plan.chunk, self.plan.shape, place, strict=True))
        return chunk[tuple(slice(0, n) for n in inside)]

    def _corner(self, place: Index3) -> Index3:
        return cast(Index3, tuple(p * c for p, c in zip(place, self.plan.chunk, strict=True)))

    def _note(self, place: Index3, offset: int, size: int, plain: bool, digest: int) -> None:
        self.offsets[place], self.sizes[place], self.plain[place] = offset, size, plain
        self.hashes[place], self.done[place] = digest, True
