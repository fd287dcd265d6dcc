"""Is a volume still what was written? Every byte of it is looked at, and nothing has to be unpacked for that.

In an HDF5 file, chunks have their own hashes, all other bytes one seal; both are in the ledger, which is found without
HDF5. Only a file whose index is as it was written is shown to HDF5, to hear whether that finds the same chunks in the
same places. For an OME-Zarr folder see volume.verifyshards.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from stackreel.errors import StackreelError, VolumeError, VolumeMissingError
from stackreel.files import true_path
from stackreel.geometry import Index3
from stackreel.volume.damage import BadChunk, Report, announced_size, bad_chunk
from stackreel.volume.hashing import Reader, Stored, ahead
from stackreel.volume.ledger import Kept, Ledger, read_ledger
from stackreel.volume.place import settle, stepped_aside
from stackreel.volume.seal import digest, seal_of
from stackreel.volume.undo import stopped as was_stopped
from stackreel.volume.verifyshards import verify_shards

Progress = Callable[[int], object]


def verify(
    path: str | Path,
    *,
    threads: int | None = None,
    begin: Progress = lambda _total: None,
    progress: Progress = lambda _: None,
) -> Report:
    """What is wrong with a volume, if anything.

    begin, progress : called once with the bytes to read, then with how many have been read since
    A folder that a run killed while replacing it left aside is put back before that.
    Raises VolumeMissingError, or VolumeError for a file or folder that is no volume or has no hashes.
    """
    path = Path(path)
    try:
        if stepped_aside(path):
            with contextlib.suppress(OSError):  # where nothing may be written
                settle(true_path(path))
        return _verified(path, threads or os.cpu_count() or 1, begin, progress)
    except OSError as error:
        if isinstance(error, StackreelError):
            raise
        raise VolumeError(f"{path}: cannot be read ({error.strerror}); is the disk all right?") from error


def _verified(path: Path, threads: int, begin: Progress, progress: Progress) -> Report:
    if path.is_dir():
        return verify_shards(path, threads, begin, progress)
    if not path.is_file():
        aside = stepped_aside(path)
        where = f"; it is about to be replaced, or was when a run was killed, and stands in {aside}" if aside else ""
        raise VolumeMissingError(f"{path}: there is no such volume{where}")
    size, expected, stopped = path.stat().st_size, announced_size(path), was_stopped(path)
    ledger = read_ledger(path)
    if ledger is None:
        if stopped or (expected is not None and expected > size):
            return Report(path, size, expected, hashed=False, sealed=None, stopped=stopped)
        raise VolumeError(_no_hashes(path, expected))
    begin(size)
    bad = list(_changed(path, ledger, threads, progress))
    sealed = _sealed(path, ledger)
    progress(size - sum(int(kept.sizes.sum()) for kept in ledger.kept))
    index: list[str] = []
    if sealed and not stopped:
        more, index = _disagreements(path, ledger)
        known = {(one.where, one.place) for one in bad}
        bad += [one for one in more if (one.where, one.place) not in known]
    return Report(
        path,
        size,
        expected,
        hashed=True,
        sealed=sealed,
        bad=tuple(sorted(bad, key=lambda one: (one.level, one.resultants, one.place))),
        index=tuple(index),
        chunks=sum(int(np.count_nonzero(kept.sizes)) for kept in ledger.kept),
        stored=sum(int(kept.sizes.sum()) for kept in ledger.kept),
        samples=sum(int(np.prod(kept.shape, dtype=np.int64)) * kept.dtype.itemsize for kept in ledger.kept),
        stopped=stopped,
        linked=ledger.full is None,
    )


def _no_hashes(path: Path, expected: int | None) -> str:
    if expected is None:
        return f"{path}: neither a volume nor another HDF5 file, or damaged beyond recognition"
    return (
        f"{path}: holds no hashes to check it by, or these are damaged: written by an earlier stackreel or another "
        "program, perhaps. `stackreel convert` makes a volume that can be checked"
    )


def _sealed(path: Path, ledger: Ledger) -> bool:
    try:
        return digest(path, ledger.seal, ledger.extents) == seal_of(path, ledger.seal)
    except OSError:  # a bad stretch of the disk
        return False


def _changed(path: Path, ledger: Ledger, threads: int, progress: Progress) -> Iterator[BadChunk]:
    """Chunks whose bytes are not what was written."""
    offsets = np.concatenate([kept.offsets.ravel() for kept in ledger.kept])
    sizes = np.concatenate([kept.sizes.ravel() for kept in ledger.kept])
    hashes = np.concatenate([kept.hashes.ravel() for kept in ledger.kept])
    order = np.flatnonzero(sizes)
    order = order[np.argsort(offsets[order], kind="stable")]
    handle = os.open(path, os.O_RDONLY)
    stored = Stored(handle, Reader(), offsets[order], sizes[order], hashes[order])
    jobs = ((count, partial(stored.changed, first, last)) for first, last, count in stored.stretches())
    try:
        for count, found in ahead(jobs, threads):
            for k, why in found:
                kept, place = _which(ledger, int(order[k]))
                yield bad_chunk(kept, place, ledger.shape, why)
            progress(count)
    finally:
        os.close(handle)


def _which(ledger: Ledger, number: int) -> tuple[Kept, Index3]:
    """The data set and the place of a chunk, by its number among all of the file."""
    for kept in ledger.kept:
        if number < kept.sizes.size:
            z, y, x = (int(i) for i in np.unravel_index(number, kept.sizes.shape))
            return kept, (z, y, x)
        number -= kept.sizes.size
    raise IndexError(number)


def _disagreements(path: Path, ledger: Ledger) -> tuple[list[BadChunk], list[str]]:
    """Chunks that HDF5 does not find where the ledger has them, and what else it says otherwise."""
    bad: list[BadChunk] = []
    wrong: list[str] = []
    try:
        with h5py.File(path, "r", locking=False) as file:
            for kept in ledger.kept:
                one_bad, one_wrong = _compared(file, kept, ledger.shape)
                bad += one_bad
                wrong += one_wrong
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        wrong.append(f"HDF5 cannot read it: {str(error).splitlines()[0]}")
    return bad, wrong


def _compared(file: h5py.File, kept: Kept, full: Index3) -> tuple[list[BadChunk], list[str]]:
    dataset = file.get(kept.where)
    if not isinstance(dataset, h5py.Dataset):
        return [], [f"{kept.where} is missing"]
    if dataset.shape != kept.shape or dataset.chunks != kept.chunk or dataset.dtype != kept.dtype:
        return [], [f"{kept.where} is {dataset.dtype} {dataset.shape}, and not what was written"]
    offsets, sizes = np.zeros_like(kept.offsets), np.zeros_like(kept.sizes)
    plain = np.zeros_like(kept.plain)

    def note(info: Any) -> None:
        at = tuple(o // c for o, c in zip(info.chunk_offset, kept.chunk, strict=True))
        offsets[at], sizes[at], plain[at] = info.byte_offset, info.size, info.filter_mask != 0

    dataset.id.chunk_iter(note)
    lost = (sizes == 0) & (kept.sizes > 0)
    differs = (sizes != kept.sizes) | ((sizes > 0) & ((offsets != kept.offsets) | (plain != kept.plain)))
    bad = []
    for place in np.argwhere(differs).tolist():
        at = cast(Index3, tuple(place))
        bad.append(bad_chunk(kept, at, full, "not in the index" if lost[at] else "elsewhere in the index"))
    wrong = []
    if bad:
        wrong.append(
            f"of {np.count_nonzero(kept.sizes):,} chunks of {kept.where} it finds {len(bad):,} elsewhere or not"
        )
    return bad, wrong
