"""Is a volume file still what was written? Every byte of it is looked at, and nothing has to be unpacked for that.

Chunks have their own hashes, all other bytes one seal; both are in the ledger, which is found without HDF5. Bytes are
read in the order in which they lie, 8 MiB at a time, and hashed in threads: as fast as the disk. Only a file whose
index is as it was written is shown to HDF5, to hear whether that finds the same chunks in the same places.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import StackreelError, VolumeError, VolumeMissingError
from stackreel.geometry import Index3
from stackreel.volume.damage import BadChunk, Report, Why, announced_size, bad_chunk
from stackreel.volume.ledger import Kept, Ledger, read_ledger
from stackreel.volume.seal import digest, seal_of
from stackreel.volume.undo import stopped as was_stopped

READ_BYTES = 8 << 20

Progress = Callable[[int], object]
Found = tuple[int, Why]  # number of a chunk, in the order of their offsets


def verify(
    path: str | Path,
    *,
    threads: int | None = None,
    begin: Progress = lambda _total: None,
    progress: Progress = lambda _: None,
) -> Report:
    """What is wrong with a volume file, if anything.

    begin, progress : called once with the bytes to read, then with how many have been read since
    Raises VolumeMissingError, or VolumeError for a file that is no volume or has no hashes.
    """
    path = Path(path)
    try:
        return _verified(path, threads or os.cpu_count() or 1, begin, progress)
    except OSError as error:
        if isinstance(error, StackreelError):
            raise
        raise VolumeError(f"{path}: cannot be read ({error.strerror}); is the disk all right?") from error


def _verified(path: Path, threads: int, begin: Progress, progress: Progress) -> Report:
    if path.is_dir():
        raise VolumeError(f"{path} is a folder; what can be checked is a volume in one HDF5 file")
    if not path.is_file():
        raise VolumeMissingError(f"{path}: there is no such volume")
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


class _Reader(threading.local):
    """Each thread's own room to read into: getting fresh memory for every piece takes as long as hashing it."""

    def __init__(self) -> None:
        self.room = bytearray(READ_BYTES)

    def read(self, handle: int, begin: int, size: int) -> memoryview:
        """Bytes of a file, as many as there are; valid until the next call."""
        if size > len(self.room):
            self.room = bytearray(size)
        into = memoryview(self.room)[:size]
        if not hasattr(os, "preadv"):
            return memoryview(os.pread(handle, size, begin))
        done = 0
        while done < size:
            got = os.preadv(handle, [into[done:]], begin + done)
            if got == 0:
                break
            done += got
        return into[:done]


def _changed(path: Path, ledger: Ledger, threads: int, progress: Progress) -> Iterator[BadChunk]:
    """Chunks whose bytes are not what was written."""
    offsets = np.concatenate([kept.offsets.ravel() for kept in ledger.kept])
    sizes = np.concatenate([kept.sizes.ravel() for kept in ledger.kept])
    hashes = np.concatenate([kept.hashes.ravel() for kept in ledger.kept])
    order = np.flatnonzero(sizes)
    order = order[np.argsort(offsets[order], kind="stable")]
    offsets, sizes, hashes = offsets[order], sizes[order], hashes[order]
    reader = _Reader()
    handle = os.open(path, os.O_RDONLY)

    def check(first: int, last: int) -> list[Found]:
        where, lengths, known = offsets[first:last].tolist(), sizes[first:last].tolist(), hashes[first:last].tolist()
        begin = where[0]
        try:
            data = reader.read(handle, begin, where[-1] + lengths[-1] - begin)
        except OSError:  # this stretch of the disk is bad: which chunk of it?
            if last - first == 1:
                return [(first, "unreadable")]
            return [found for k in range(first, last) for found in check(k, k + 1)]
        out: list[Found] = []
        for k, (at, length, hash_) in enumerate(zip(where, lengths, known, strict=True), first):
            stored = data[at - begin : at - begin + length]
            if len(stored) < length:
                out.append((k, "cut off"))
            elif xxhash.xxh3_64_intdigest(stored) != hash_:
                out.append((k, "changed"))
        return out

    try:
        for count, found in _ahead(check, list(_runs(offsets, sizes)), threads):
            for k, why in found:
                kept, place = _which(ledger, int(order[k]))
                yield bad_chunk(kept, place, ledger.shape, why)
            progress(count)
    finally:
        os.close(handle)


def _ahead(
    check: Callable[[int, int], list[Found]], runs: Sequence[tuple[int, int, int]], threads: int
) -> Iterator[tuple[int, list[Found]]]:
    """(bytes, what was found) of all runs, in order, some of them on their way at a time."""
    with ThreadPoolExecutor(threads, "stackreel-verify") as pool:
        flying: deque[tuple[int, Future[list[Found]]]] = deque()
        try:
            for first, last, count in runs:
                flying.append((count, pool.submit(check, first, last)))
                if len(flying) > 2 * threads:
                    count, job = flying.popleft()
                    yield count, job.result()
            while flying:
                count, job = flying.popleft()
                yield count, job.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _runs(offsets: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """(first, last + 1, bytes of the chunks) of stretches that are read at once: chunks that lie near each other."""
    first = 0
    begin = end = count = 0
    for k, (offset, size) in enumerate(zip(offsets.tolist(), sizes.tolist(), strict=True)):
        if k == first:
            begin, end, count = offset, offset, 0
        elif offset + size - begin > READ_BYTES or offset > end + READ_BYTES // 8:
            yield first, k, count
            first, begin, count = k, offset, 0
        end = offset + size
        count += size
    if first < len(offsets):
        yield first, len(offsets), count


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
