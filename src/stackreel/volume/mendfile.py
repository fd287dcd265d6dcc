"""Chunks of a damaged HDF5 file made again, each written where it lay.

Where a chunk takes more or less room than before, because another release of ISA-L packs the same samples otherwise,
HDF5 finds another place for it; what it needs to take that back stands beside the file until all is done.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.geometry import Index3
from stackreel.volume.chunkfile import LIBVER
from stackreel.volume.codec import pack
from stackreel.volume.damage import BadChunk
from stackreel.volume.ledger import Kept, Ledger, put_ledger
from stackreel.volume.remaking import Remaker, check_held, made_otherwise
from stackreel.volume.seal import put_seal
from stackreel.volume.undo import forget, put_aside, take_back


class FileMender:
    """Mends one file.

    handle : of the file, which the repair holds
    ledger : of it, whose tables learn where chunks have moved to
    """

    def __init__(self, path: Path, handle: int, ledger: Ledger) -> None:
        self.path, self.handle, self.ledger = path, handle, ledger
        self.file: h5py.File | None = None  # open once a chunk takes more or less room than before

    def run(self, remaker: Remaker, bad: Sequence[BadChunk], progress: Callable[[int], object]) -> None:
        """Make these chunks again, finer levels first. Raises OSError or RuntimeError where they cannot be written."""
        try:
            for level in sorted({one.level for one in bad}):
                for kept, place, block in remaker.made([one for one in bad if one.level == level]):
                    self._put(kept, place, block)
                    progress(1)
            os.fsync(self.handle)
            if self.file is not None:
                self._complete(self.file)
        except BaseException:
            if self.file is not None:
                with contextlib.suppress(OSError, RuntimeError):
                    self.file.close()
                take_back(self.path)
            raise

    def _put(self, kept: Kept, place: Index3, block: npt.NDArray[Any]) -> None:
        chunk = np.zeros(kept.chunk, kept.dtype)
        chunk[tuple(slice(0, n) for n in block.shape)] = block
        plain = bool(kept.plain[place])
        stored = chunk.tobytes() if plain else pack(chunk)
        digest = xxhash.xxh3_64_intdigest(stored)
        if digest == int(kept.hashes[place]):
            _write(self.handle, stored, int(kept.offsets[place]))
            return
        if plain or not self.ledger.provable(kept.level):  # nothing was packed that could have been packed otherwise
            raise made_otherwise(self.path, kept, place)
        # another release of ISA-L packs the same samples otherwise
        if self.file is None:
            check_held(self.path, self.handle)
            put_aside(self.path, self.ledger.extents)
            self.file = h5py.File(self.path, "r+", libver=LIBVER, locking=False)
        dataset = self.file[kept.where].id
        corner = tuple(p * c for p, c in zip(place, kept.chunk, strict=True))
        dataset.write_direct_chunk(corner, stored)
        kept.offsets[place] = dataset.get_chunk_info_by_coord(corner).byte_offset
        kept.sizes[place], kept.hashes[place] = len(stored), digest

    def _complete(self, file: h5py.File) -> None:
        """Note the chunks that have changed in the tables, and seal the file anew."""
        for kept in self.ledger.kept:
            part = "resultants/" if kept.resultants else ""
            group = file[f"/summary/{self.ledger.name}/{part}{kept.level}"]
            for key in ("offsets", "sizes", "plain", "hashes"):
                group[key][...] = getattr(kept, key)
        put_ledger(file, self.ledger)
        file.close()
        os.fsync(self.handle)  # from the new seal on, nothing is taken back
        put_seal(self.path, self.ledger.seal, self.ledger.extents)
        forget(self.path)


def _write(handle: int, data: bytes, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(handle, data[done:], at + done)
