"""One array of a volume while it is written: its chunks, and of each the place, the length and a hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.geometry import Index3
from stackreel.volume.pyramid import LevelPlan
from stackreel.volume.store import Store


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
    """An array under construction and what is known of its chunks, each array (chunks z, y, x).

    offsets, sizes : bytes in the file; sizes 0 where all is zero and nothing is stored
    plain          : stored without filters
    hashes         : xxh3 (64 bits) of the stored bytes, 0 where nothing is stored
    done           : has been written, or found to be all zero
    """

    def __init__(
        self,
        into: Store,
        name: str,
        plan: LevelPlan,
        dtype: np.dtype[Any],
        *,
        resultants: bool = False,
        made: Any = None,
    ) -> None:
        self.plan, self.dtype = plan, dtype
        self._into = into
        self.dataset = into.create(name, plan, dtype, resultants=resultants) if made is None else made
        self.offsets = np.zeros(plan.chunks, np.int64)
        self.sizes = np.zeros(plan.chunks, np.int64)
        self.plain = np.zeros(plan.chunks, bool)
        self.hashes = np.zeros(plan.chunks, np.uint64)
        self.done = np.zeros(plan.chunks, bool)

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        return {"offsets": self.offsets, "sizes": self.sizes, "plain": self.plain, "hashes": self.hashes}

    def pack(self, place: Index3, block: npt.NDArray[Any], *, worth: bool) -> Packed:
        """A chunk's samples (z, y, x), C-contiguous, those inside the level, as they are to be stored.

        worth : whether packing is worth the time
        """
        chunk = block
        if block.shape != self.plan.chunk:
            chunk = np.zeros(self.plan.chunk, block.dtype)
            chunk[tuple(slice(0, n) for n in block.shape)] = block
        stored, plain = self._into.pack(chunk, worth=worth)
        return packed(place, stored, plain=plain)

    def put(self, chunk: Packed) -> None:
        """Write a chunk."""
        offset = self._into.add(self.dataset, chunk.place, chunk.stored, plain=chunk.plain)
        self._note(chunk.place, offset, len(chunk.stored), chunk.plain, chunk.digest)

    def put_again(self, place: Index3, offset: int, size: int, plain: bool, digest: int) -> None:
        """Take over a chunk that an earlier run wrote."""
        self._into.add_again(self.dataset, place, offset, size, plain=plain)
        self._note(place, offset, size, plain, digest)

    def get(self, place: Index3) -> npt.NDArray[Any] | None:
        """The samples of a chunk written before, as many as lie inside the level; None where all is zero."""
        size = int(self.sizes[place])
        if size == 0:
            return None
        stored = self._into.fetch(self.dataset, place, int(self.offsets[place]), size)
        if xxhash.xxh3_64_intdigest(stored) != int(self.hashes[place]):
            raise ValueError("a chunk that an earlier run wrote is not what it was")
        chunk = self._into.unpack(stored, self.plan.chunk, self.dtype, plain=bool(self.plain[place]))
        inside = (min(c, n - p * c) for c, n, p in zip(self.plan.chunk, self.plan.shape, place, strict=True))
        return chunk[tuple(slice(0, n) for n in inside)]

    def _note(self, place: Index3, offset: int, size: int, plain: bool, digest: int) -> None:
        self.offsets[place], self.sizes[place], self.plain[place] = offset, size, plain
        self.hashes[place], self.done[place] = digest, True
