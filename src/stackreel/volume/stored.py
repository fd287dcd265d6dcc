"""The chunks of a complete volume, read by what its ledger says of them: out of one file, or out of shards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.codec import unpack
from stackreel.volume.ledger import Kept, Ledger
from stackreel.volume.shardfile import Shards


class Chunks(Protocol):
    """Reads chunks; its methods may be called from many threads."""

    def stored(self, kept: Kept, place: Index3) -> bytes:
        """A chunk's bytes as they lie there, b"" where all is zero. Raises ValueError where they are not what was
        written, OSError where the disk refuses them."""
        ...

    def unpack(self, kept: Kept, place: Index3, stored: bytes) -> npt.NDArray[Any]:
        """The whole chunk that such bytes are."""
        ...

    def close(self) -> None: ...


def open_chunks(path: Path, ledger: Ledger) -> Chunks:
    return ShardChunks(path, ledger) if path.is_dir() else FileChunks(path)


def samples_of(chunks: Chunks, kept: Kept, place: Index3) -> npt.NDArray[Any] | None:
    """A chunk's samples, those inside the level; None where all are zero. Raises what `stored` does."""
    found = chunks.stored(kept, place)
    if not found:
        return None
    z, y, x = kept.inside(place)
    return chunks.unpack(kept, place, found)[:z, :y, :x]


class FileChunks:
    """Those of an HDF5 file, read without HDF5."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY)

    def stored(self, kept: Kept, place: Index3) -> bytes:
        return _sound(os.pread(self._handle, int(kept.sizes[place]), int(kept.offsets[place])), kept, place)

    def unpack(self, kept: Kept, place: Index3, stored: bytes) -> npt.NDArray[Any]:
        plain = bool(kept.plain[place])
        return unpack(stored, kept.chunk, kept.dtype, shuffled=not plain, deflated=not plain)

    def close(self) -> None:
        os.close(self._handle)


class ShardChunks:
    """Those of an OME-Zarr folder."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._shards = {kept.where: shards_of(folder, kept) for kept in ledger.kept}

    def stored(self, kept: Kept, place: Index3) -> bytes:
        size = int(kept.sizes[place])
        return _sound(self._shards[kept.where].read(place, size), kept, place) if size else b""

    def unpack(self, kept: Kept, place: Index3, stored: bytes) -> npt.NDArray[Any]:
        return zarrfile.unpack(stored, kept.chunk, kept.dtype)

    def forget(self, kept: Kept, shard: Index3) -> None:
        """A shard has been replaced."""
        self._shards[kept.where].forget(shard)

    def close(self) -> None:
        """Shards close when nobody reads from them any more."""


def shards_of(folder: Path, kept: Kept) -> Shards:
    """The shards of an array in such a folder."""
    a, b, c = (int(n) for n in kept.sizes.shape)
    return Shards(folder / kept.where.lstrip("/"), zarrfile.per_shard((a, b, c)))


def members(kept: Kept, where: Index3, per: Index3) -> list[Index3]:
    """The places of the chunks of a shard that are stored."""
    begins = [s * n for s, n in zip(where, per, strict=True)]
    part = tuple(slice(b, b + n) for b, n in zip(begins, per, strict=True))
    return [(z, y, x) for z, y, x in (np.argwhere(kept.sizes[part]) + begins).tolist()]


def _sound(stored: bytes, kept: Kept, place: Index3) -> bytes:
    if (stored and xxhash.xxh3_64_intdigest(stored) != int(kept.hashes[place])) or len(stored) < int(kept.sizes[place]):
        raise ValueError(f"{kept.where}, chunk {place} is damaged")
    return stored
