"""Chunks of a damaged OME-Zarr folder made again: a shard with a damaged chunk is written anew, and replaced at once.

Sound chunks are taken over as they are. The tables change only where another release of Blosc packs the same samples
otherwise; a repair that is killed before they do leaves chunks that count as damaged, and are made once more. While
they do, what they were stands in the folder as well, for the next repair to put back.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import VolumeError
from stackreel.files import replacing, sweep
from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.damage import BadChunk
from stackreel.volume.ledger import Kept, Ledger
from stackreel.volume.place import sync
from stackreel.volume.remaking import Remaker, check_held, made_otherwise, went_bad
from stackreel.volume.shardledger import tables_of
from stackreel.volume.stored import ShardChunks, members, shards_of
from stackreel.volume.undofolder import forget, put_aside, take_back
from stackreel.volume.zarrfile import MISSING
from stackreel.volume.zarrwriter import OURS, put_seal


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
            where, _ = shards_of(self.path, self._kept(one)).holding(one.place)
            groups[one.level, where].append(one)
        for (_, where), group in sorted(groups.items()):
            with ExitStack() as until_all_are_in:
                shards = {
                    kept.where: until_all_are_in.enter_context(self._anew(kept, where))
                    for kept in {one.where: self._kept(one) for one in group}.values()
                }
                for kept, place, block in remaker.made(group):
                    shards[kept.where].put(place, self._packed(kept, place, block))
                    progress(1)
        if self._renewed:
            self._complete()

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
        if zarrfile.only_wrapped(int(kept.sizes[place]), chunk.nbytes) or not self.ledger.provable(kept.level):
            raise made_otherwise(self.path, kept, place)
        stored = zarrfile.pack(chunk)
        kept.sizes[place], kept.hashes[place] = len(stored), xxhash.xxh3_64_intdigest(stored)
        self._renewed[kept.where] = kept
        return stored

    @contextmanager
    def _anew(self, kept: Kept, where: Index3) -> Iterator[_NewShard]:
        """A shard that takes the place of the one that stands there, once the block has put in what was damaged."""
        check_held(self.path, self.handle)
        path = shards_of(self.path, kept).path(where)
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with replacing(path) as temporary, open(temporary, "wb") as out:
            shard = _NewShard(self.path, self.chunks, kept, where, out)
            try:
                yield shard
                shard.finish()
            except VolumeError:  # of what is read from another volume by now, that is to be said
                check_held(self.path, self.handle)
                raise
            out.flush()
            os.fsync(out.fileno())
            check_held(self.path, self.handle)
        for folder in path.parents:
            sync(folder)
            if folder == self.path:
                break
        self.chunks.forget(kept, where)

    def _complete(self) -> None:
        """Note the chunks that have changed in the tables, and seal the folder anew."""
        check_held(self.path, self.handle)
        tables = [tables_of(self.path, kept) / key for kept in self._renewed.values() for key in ("sizes", "hashes")]
        put_aside(self.path, [*tables, self.path / OURS / "zarr.json"])
        try:
            for kept in self._renewed.values():
                zarrfile.write_table(tables_of(self.path, kept) / "sizes", kept.sizes)
                zarrfile.write_table(tables_of(self.path, kept) / "hashes", kept.hashes)
            put_seal(self.path)
        except BaseException:
            take_back(self.path)
            raise
        forget(self.path)


class _NewShard:
    """A shard that is being written: its sound chunks as they are, others as they are put, all in their order."""

    def __init__(self, volume: Path, chunks: ShardChunks, kept: Kept, where: Index3, out: IO[bytes]) -> None:
        self._volume, self._chunks, self._kept, self._out = volume, chunks, kept, out
        self._per = shards_of(volume, kept).per
        self._index = np.full((self._per[0] * self._per[1] * self._per[2], 2), MISSING, np.uint64)
        self._to_come = iter(members(kept, where, self._per))

    def put(self, place: Index3, stored: bytes) -> None:
        """Places come in ascending order."""
        self._take_over(place)
        self._add(place, stored)

    def finish(self) -> None:
        self._take_over(None)
        self._out.write(zarrfile.pack_index(self._index))

    def _take_over(self, until: Index3 | None) -> None:
        for place in self._to_come:
            if place == until:
                return
            try:
                self._add(place, self._chunks.stored(self._kept, place))
            except ValueError as error:
                raise went_bad(self._volume, error) from error

    def _add(self, place: Index3, stored: bytes) -> None:
        self._index[zarrfile.holding(place, self._per)[1]] = self._out.tell(), len(stored)
        self._out.write(stored)
