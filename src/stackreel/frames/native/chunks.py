"""Stored chunks, decoded: kept while there is room, and read ahead in the background when it is known what comes.

Bricks reach beyond themselves, so neighbours are cut from the same chunks, often frames apart; a chunk that is kept
need not be read and inflated again. What is dropped is what is read again latest; what is fetched early is only what
does not make anything else be read twice (the "conservative" rule of Cao, Felten, Karlin, Li 1995, "A study of
integrated prefetching and caching strategies"). None of this touches a picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.kernels.ahead import NEVER, fetchable
from stackreel.volume import Level

Chunk = npt.NDArray[Any] | None
Read = Callable[[Level, Index3], Chunk]


def read_chunk(level: Level, index: Index3) -> Chunk:
    return level.read_chunk(index)


class ChunkCache:
    """Decoded chunks of all levels of a volume within a fixed number of bytes.

    Chunks are numbered through all levels. Which are kept and fetched is decided by the calling thread alone, in
    `begin` and `fetch`, and depends on nothing but what comes; so a run reads the same chunks every time, however its
    threads come and go.

    threads : that fetch in the background; 0 fetches at once, in the calling thread
    need    : per chunk, when it is read next, in passes; NEVER where that is not known
    decoded_bytes : of all chunks read so far
    trace   : numbers of the chunks that coming passes read, in that order. Both are to be set by the owner.
    """

    def __init__(self, levels: Sequence[Level], budget_bytes: int, threads: int, read: Read = read_chunk) -> None:
        self.levels, self.budget_bytes = levels, budget_bytes
        self.grids = [chunk_grid(level) for level in levels]
        self.first = np.concatenate([[0], np.cumsum([int(np.prod(g, dtype=np.int64)) for g in self.grids])])
        self.need = np.full(int(self.first[-1]), NEVER, np.int32)
        self.trace = np.empty(0, np.int32)
        self.decoded_bytes = 0
        self._read = read
        self._sizes = np.full(int(self.first[-1]), -1, np.int64)
        self._held: dict[int, Future[Chunk]] = {}
        self._used = 0
        self._last_use = np.zeros(int(self.first[-1]), np.int32)
        self._clock = 0
        self._keep: set[int] = set()
        self._leaving: set[int] = set()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, "stackreel-ahead") if threads else None

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def resize(self, budget_bytes: int) -> None:
        """Keep within so many bytes from now on."""
        self.budget_bytes = budget_bytes
        if self._used > budget_bytes:
            with self._lock:
                ranked = self._ranked(np.fromiter(self._held, np.int64, len(self._held)))
            self._drop(ranked[np.cumsum(self._sizes[ranked]) > budget_bytes].tolist())

    def place(self, number: int) -> tuple[Level, Index3]:
        """Level and place (z, y, x) of a chunk."""
        k = int(np.searchsorted(self.first, number, "right")) - 1
        z, y, x = np.unravel_index(number - int(self.first[k]), self.grids[k])
        return self.levels[k], (int(z), int(y), int(x))

    def begin(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """A pass will now get these chunks: decide which of them stay afterwards.

        Returns them in the order in which they should be got: what is here first, which makes room for the others.
        """
        self._clock += 1
        stored = numbers[self._size(numbers) > 0]
        self._last_use[stored] = self._clock
        with self._lock:
            held = np.fromiter(self._held, np.int64, len(self._held))
        here = np.isin(stored, held)
        ranked = self._ranked(np.union1d(held, stored))
        fits = np.cumsum(self._sizes[ranked]) <= self.budget_bytes
        staying, going = ranked[fits], ranked[~fits]
        # what the pass still has to get goes when it has got it
        used = np.isin(going, stored)
        self._drop(going[~used].tolist())
        self._leaving = set(going[used].tolist())
        self._keep = set(staying[np.isin(staying, stored[~here])].tolist())
        return np.concatenate([stored[here], stored[~here]])

    def get(self, number: int) -> Chunk:
        """The decoded chunk, read now unless it is here or on its way; None when it is all zero. Thread-safe.

        Raises CorruptChunkError, also for one that failed when it was fetched ahead.
        """
        if self._sizes[number] == 0:
            return None
        with self._lock:
            found = self._held.get(number)
            # what still waits to be fetched is not waited for
            mine = found is None or found.cancel()
            if mine:
                found = Future()
                found.set_running_or_notify_cancel()
                if number in self._held:
                    self._held[number] = found
                elif number in self._keep:
                    self._hold(number, found)
        assert found is not None
        if mine:
            self._work(number, found)
        try:
            chunk = found.result()
        except BaseException:
            with self._lock:
                if self._held.get(number) is found:
                    self._forget(number)
            raise
        if number in self._leaving:
            self._drop([number])
        return chunk

    def fetch(self) -> None:
        """The pass is over: fetch what is read soonest, as far as that makes nothing be read twice."""
        self._drop(self._leaving)
        self._leaving = set()
        self._size(np.unique(self.trace))
        with self._lock:
            held = np.fromiter(self._held, np.int64, len(self._held))
        wanted, going = fetchable(self.trace, self._sizes, held, self.budget_bytes - self._used)
        self._drop(going.tolist())
        for number in wanted.tolist():
            waiting: Future[Chunk] = Future()
            with self._lock:
                if self._used + int(self._sizes[number]) > self.budget_bytes:
                    break
                self._hold(number, waiting)
            if self._threads is None:
                waiting.set_running_or_notify_cancel()
                self._work(number, waiting)
            else:
                self._threads.submit(self._fetch_one, number, waiting)

    def _fetch_one(self, number: int, waiting: Future[Chunk]) -> None:
        if waiting.set_running_or_notify_cancel():
            self._work(number, waiting)

    def _work(self, number: int, into: Future[Chunk]) -> None:
        try:
            chunk = self._read(*self.place(number))
        except BaseException as error:
            into.set_exception(error)
            return
        with self._lock:
            self.decoded_bytes += int(self._sizes[number])
        into.set_result(chunk)

    def _ranked(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Soonest needed first; among those of which nothing is known, the last used first."""
        return numbers[np.lexsort((numbers, -self._last_use[numbers], self.need[numbers]))]

    def _size(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Decoded bytes of chunks; 0 where nothing is stored. A level's are looked up when they are first asked for."""
        if len(unknown := numbers[self._sizes[numbers] < 0]):
            for k in np.unique(np.searchsorted(self.first, unknown, "right") - 1).tolist():
                level = self.levels[k]
                whole = int(np.prod(level.chunk, dtype=np.int64)) * level.dtype.itemsize
                self._sizes[self.first[k] : self.first[k + 1]] = (level.stored_chunks() > 0).reshape(-1) * whole
        return self._sizes[numbers]

    def _hold(self, number: int, chunk: Future[Chunk]) -> None:
        self._held[number] = chunk
        self._used += int(self._sizes[number])

    def _forget(self, number: int) -> None:
        self._held.pop(number).cancel()
        self._used -= int(self._sizes[number])

    def _drop(self, numbers: Any) -> None:
        with self._lock:
            for number in list(numbers):
                if number in self._held:
                    self._forget(number)


def chunk_grid(level: Level) -> Index3:
    """Chunks along (z, y, x) of a level."""
    z, y, x = (-(-n // c) for n, c in zip(level.shape, level.chunk, strict=True))
    return (z, y, x)
