"""Is a volume in an OME-Zarr folder still what was written? Every byte of every shard and of every small file counts.

A shard consists of chunks, which have their hashes in the tables, and of its index, which has a checksum. Tables, pages
and their names are under the seal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from stackreel.errors import VolumeError
from stackreel.files import size_on_disk
from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.damage import BadChunk, Report, bad_chunk
from stackreel.volume.hashing import Reader, Stored, ahead
from stackreel.volume.ledger import Kept, Ledger
from stackreel.volume.shardfile import Shard, Shards
from stackreel.volume.shardledger import read_shard_ledger
from stackreel.volume.stored import members, shards_of
from stackreel.volume.undofolder import stopped
from stackreel.volume.zarrfile import MISSING
from stackreel.volume.zarrwriter import OURS, own_files, sealed, strangers

Progress = Callable[[int], object]
Found = tuple[list[BadChunk], list[str]]


def verify_shards(path: Path, threads: int, begin: Progress, progress: Progress) -> Report:
    """What is wrong with a volume in a folder; see volume.verify. Raises VolumeError where it is no such volume."""
    _check_ours(path)
    small = sum((path / name).stat().st_size for name in own_files(path) if (path / name).is_file())
    ledger, wrong = read_shard_ledger(path)
    if ledger is None:
        return Report(
            path,
            size_on_disk(path),
            None,
            hashed=False,
            sealed=False,
            index=tuple(wrong),
            stopped=stopped(path),
            folder=True,
        )
    stored = sum(int(kept.sizes.sum()) for kept in ledger.kept)
    begin(stored + small)
    bad: list[BadChunk] = []
    for count, (chunks, sentences) in ahead(_jobs(path, ledger), threads):
        bad += chunks
        wrong += sentences
        progress(count)
    whole = sealed(path)
    progress(small)
    return Report(
        path,
        stored + small,
        None,
        hashed=True,
        sealed=whole,
        bad=tuple(sorted(bad, key=lambda one: (one.level, one.resultants, one.place))),
        index=tuple(wrong),
        chunks=sum(int(np.count_nonzero(kept.sizes)) for kept in ledger.kept),
        stored=stored,
        samples=sum(int(np.prod(kept.shape, dtype=np.int64)) * kept.dtype.itemsize for kept in ledger.kept),
        stopped=stopped(path),
        strangers=tuple(strangers(path)),
        folder=True,
    )


def _check_ours(path: Path) -> None:
    if (path / OURS / "summary").is_dir() and (path / OURS / "slices").is_dir():
        return
    if any((path / page).is_file() for page in ("zarr.json", ".zgroup", ".zattrs", ".zarray")):
        raise VolumeError(
            f"{path}: Zarr without hashes to check it by: of another program, perhaps. `stackreel convert` makes a "
            "volume that can be checked"
        )
    raise VolumeError(f"{path}: a folder, but no volume; name one made by `stackreel convert`")


def _jobs(path: Path, ledger: Ledger) -> Iterator[tuple[int, Callable[[], Found]]]:
    """One for each shard: the bytes of its chunks, and what checks it."""
    reader = Reader()
    for kept in ledger.kept:
        shards = shards_of(path, kept)
        grid = (-(-n // per) for n, per in zip(kept.sizes.shape, shards.per, strict=True))
        for where in itertools.product(*(range(n) for n in grid)):
            shard = cast(Index3, where)
            part = tuple(slice(s * n, s * n + n) for s, n in zip(where, shards.per, strict=True))
            yield int(kept.sizes[part].sum()), partial(_checked, ledger.shape, kept, shards, shard, reader)


def _checked(full: Index3, kept: Kept, shards: Shards, where: Index3, reader: Reader) -> Found:
    """What is wrong with one shard."""
    expected = members(kept, where, shards.per)
    path = shards.path(where)
    named = path.relative_to(shards.folder).as_posix()
    if not expected:
        return ([], [f"{kept.where} has a shard {named} where nothing was stored"]) if path.exists() else ([], [])
    try:
        shard = Shard(path, shards.per[0] * shards.per[1] * shards.per[2])
    except FileNotFoundError:
        return [bad_chunk(kept, place, full, "missing") for place in expected], []
    except OSError:
        return [bad_chunk(kept, place, full, "unreadable") for place in expected], []
    except ValueError:
        return [bad_chunk(kept, place, full, "not in the index") for place in expected], []
    return _compared(full, kept, shard, expected, shards.per, reader, named)


def _compared(
    full: Index3, kept: Kept, shard: Shard, expected: list[Index3], per: Index3, reader: Reader, named: str
) -> Found:
    """What is wrong with a shard that has an index."""
    slots = np.array([zarrfile.holding(place, per)[1] for place in expected])
    index = shard.index.copy()
    present = index[:, 1] != MISSING
    index[~present] = 0
    said = index.astype(np.int64)
    sizes = np.array([int(kept.sizes[place]) for place in expected])
    hashes = np.array([kept.hashes[place] for place in expected])
    lost = ~present[slots]
    other = ~lost & ((said[slots, 1] != sizes) | (said[slots].sum(axis=1) > shard.end))
    bad = [bad_chunk(kept, expected[k], full, "not in the index") for k in np.flatnonzero(lost)]
    bad += [bad_chunk(kept, expected[k], full, "elsewhere in the index") for k in np.flatnonzero(other)]
    known = np.flatnonzero(~lost & ~other)
    known = known[np.argsort(said[slots[known], 0], kind="stable")]
    stored = Stored(shard.handle, reader, said[slots[known], 0], sizes[known], hashes[known])
    for first, last, _ in stored.stretches():
        bad += [bad_chunk(kept, expected[known[k]], full, why) for k, why in stored.changed(first, last)]
    wrong = []
    if np.count_nonzero(present) != len(expected) and not lost.any():
        wrong.append(f"shard {named} of {kept.where} holds chunks that were not stored")
    elif not bad and int(sizes.sum()) != shard.end:
        wrong.append(f"shard {named} of {kept.where} holds bytes that belong to no chunk")
    return bad, wrong
