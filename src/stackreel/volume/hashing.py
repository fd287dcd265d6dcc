"""Stored chunks held against their hashes, in threads: read in the order in which they lie, 8 MiB at a time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.volume.damage import Why

READ_BYTES = 8 << 20

Found = tuple[int, Why]  # number of a chunk, in the order of their offsets
T = TypeVar("T")


class Reader(threading.local):
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


class Stored:
    """Chunks of one open file: offsets and sizes in bytes, ascending, and hashes, each (chunks,)."""

    def __init__(
        self,
        handle: int,
        reader: Reader,
        offsets: npt.NDArray[np.int64],
        sizes: npt.NDArray[np.int64],
        hashes: npt.NDArray[np.uint64],
    ) -> None:
        self._handle, self._reader = handle, reader
        self._offsets, self._sizes, self._hashes = offsets, sizes, hashes

    def stretches(self) -> Iterator[tuple[int, int, int]]:
        """(first, last + 1, bytes of the chunks) of what is read at once: chunks that lie near each other."""
        first = 0
        begin = end = count = 0
        for k, (offset, size) in enumerate(zip(self._offsets.tolist(), self._sizes.tolist(), strict=True)):
            if k == first:
                begin, end, count = offset, offset, 0
            elif offset + size - begin > READ_BYTES or offset > end + READ_BYTES // 8:
                yield first, k, count
                first, begin, count = k, offset, 0
            end = offset + size
            count += size
        if first < len(self._offsets):
            yield first, len(self._offsets), count

    def changed(self, first: int, last: int) -> list[Found]:
        """Of a stretch, the chunks whose bytes are not what was written."""
        offsets, sizes = self._offsets[first:last].tolist(), self._sizes[first:last].tolist()
        begin = offsets[0]
        try:
            data = self._reader.read(self._handle, begin, offsets[-1] + sizes[-1] - begin)
        except OSError:  # this stretch of the disk is bad: which chunk of it?
            if last - first == 1:
                return [(first, "unreadable")]
            return [found for k in range(first, last) for found in self.changed(k, k + 1)]
        out: list[Found] = []
        for k, (at, size, known) in enumerate(zip(offsets, sizes, self._hashes[first:last].tolist(), strict=True)):
            stored = data[at - begin : at - begin + size]
            if len(stored) < size:
                out.append((first + k, "cut off"))
            elif xxhash.xxh3_64_intdigest(stored) != known:
                out.append((first + k, "changed"))
        return out


def ahead(jobs: Iterable[tuple[int, Callable[[], T]]], threads: int) -> Iterator[tuple[int, T]]:
    """(bytes, result) of all jobs, given as (bytes, work); in order, some of them on their way at a time."""
    with ThreadPoolExecutor(threads, "stackreel-verify") as pool:
        flying: deque[tuple[int, Future[T]]] = deque()
        try:
            for count, work in jobs:
                flying.append((count, pool.submit(work)))
                if len(flying) > 2 * threads:
                    count, job = flying.popleft()
                    yield count, job.result()
            while flying:
                count, job = flying.popleft()
                yield count, job.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
