"""Chunks of a damaged OME-Zarr folder made again: a shard with a damaged chunk is written anew, and replaced at once.

Sound chunks are taken over as they are. The tables change only where another release of Blosc packs the same samples
otherwise; a repair that is killed before they do leaves chunks that count as damaged, and are made once more.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.files import replacing, sweep
from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.damage import BadChunk
from stackreel.volume.ledger import Kept, Ledger
from stackreel.volume.place import sync
from stackreel.volume.remaking import Remaker, check_held, went_bad
from stackreel.volume.shardledger import tables_of
from stackreel.volume.stored import ShardChunks, members, shards_of
from stackreel.volume.zarrfile import MISSING
from stackreel.volume.zarrwriter import put_seal


class ShardMender:
    """Mends one folder.

    handle : of the folder, which the repair holds
    ledger : of it, whose tables learn of chunks that are packed otherwise now
    """

    def __init__(self, path: Path, handle: int, ledger: Ledger, chunks: ShardChunks) -> None:
        self.path, self.handle, self.ledger, self.chunks = path, handle, ledger, chunks
        self._renewed: dict[str, Kept] = {}

    def run(self, remaker: Remaker, bad: Sequence[BadChunk], progress: Callable[[int], object]) -> None:
        """Make these chunks again, finer levels first. Raises OSError or StackreelError where they cannot be."""
        groups: dict[tuple[int, Index3], list[BadChunk]] = defaultdict(list)
        for one in bad:
            kept = self._kept(one)
            where, _ = shards_of(self.path, kept).holding(one.place)
            groups[one.level, where].append(one)
        for (_, where), group in sorted(groups.items()):
            made: dict[str, dict[Index3, bytes]] = defaultdict(dict)
            for kept, place, block in remaker.made(group):
                made[kept.where][place] = self._packed(kept, place, block)
                progress(1)
            for kept in self.ledger.kept:
                if kept.where in made:
                    self._write(kept, where, made[kept.where])
        check_held(self.path, self.handle)
        for kept in self._renewed.values():
            tables = tables_of(self.path, kept)
            zarrfile.write_table(tables / "sizes", kept.sizes)
            zarrfile.write_table(tables / "hashes", kept.hashes)
        if self._renewed:
            put_seal(self.path)

    def _kept(self, one: BadChunk) -> Kept:
        kept = self.ledger.find(one.level, resultants=one.resultants)
        assert kept is not None
        return kept

    def _packed(self, kept: Kept, place: Index3, block: npt.NDArray[Any]) -> bytes:
        """A chunk as it was stored, or as this release of Blosc stores it."""
        chunk = np.zeros(kept.chunk, kept.dtype)
        chunk[tuple(slice(0, n) for n in block.shape)] = block
        for worth in (True, False):
            stored = zarrfile.pack(chunk, worth=worth)
            if xxhash.xxh3_64_intdigest(stored) == int(kept.hashes[place]):
                return stored
        stored = zarrfile.pack(chunk)
        kept.sizes[place], kept.hashes[place] = len(stored), xxhash.xxh3_64_intdigest(stored)
        self._renewed[kept.where] = kept
        return stored

    def _write(self, kept: Kept, where: Index3, made: dict[Index3, bytes]) -> None:
        """Replace a shard by one with these chunks, and its other ones as they are."""
        shards = shards_of(self.path, kept)
        per, path = shards.per, shards.path(where)
        check_held(self.path, self.handle)
        index = np.full((per[0] * per[1] * per[2], 2), MISSING, np.uint64)
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with replacing(path) as temporary, open(temporary, "wb") as out:
            for place in members(kept, where, per):
                try:
                    stored = made[place] if place in made else self.chunks.stored(kept, place)
                except ValueError as error:
                    raise went_bad(self.path, error) from error
                index[zarrfile.holding(place, per)[1]] = out.tell(), len(stored)
                out.write(stored)
            out.write(zarrfile.pack_index(index))
            out.flush()
            os.fsync(out.fileno())
            check_held(self.path, self.handle)
        sync(path.parent)
        self.chunks.forget(kept, where)
