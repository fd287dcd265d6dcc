"""Bricks in memory: a fixed number of slots, filled from stored chunks, as the books say."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.books import Books, Filling, brick_bytes, pool_dtype
from stackreel.frames.native.plan import brick_grid
from stackreel.kernels import bricks as kernels
from stackreel.kernels.sample import CELLS, SIDE
from stackreel.volume import Volume

__all__ = ["BrickPool", "brick_bytes", "brick_grid", "for_each", "pool_dtype", "untouched"]

MARGIN = 16 * mmap.PAGESIZE


class BrickPool:
    """Slots for bricks of any level of one volume.

    offset    : to be added to samples, and to low and high, to get values
    samples   : (slots, 37³); slots that were never filled take no memory
    low, high : (slots, 64) range of every 8³ cell
    slots     : per level, (bricks z, y, x) int32: where a brick is, or -1
    """

    def __init__(self, volume: Volume, books: Books, threads: Executor) -> None:
        self.volume, self.books, self.capacity = volume, books, books.capacity
        dtype = pool_dtype(volume.dtype)
        # what becomes float32 is kept as the distance from the lowest value, lest large numbers lose their ends
        self.offset = volume.value_range[0] if dtype != volume.dtype else 0.0
        # sixteen pixels at a time also look beside the samples that count: before the first and behind the last
        count = self.capacity * SIDE**3
        self._memory = untouched(MARGIN + count * dtype.itemsize + MARGIN)
        self.samples = np.frombuffer(self._memory, dtype, count, MARGIN).reshape(self.capacity, SIDE**3)
        self.low = np.empty((self.capacity, CELLS**3), dtype)
        self.high = np.empty((self.capacity, CELLS**3), dtype)
        self.slots = books.slots
        self._threads = threads
        books.given_up = self._give_back

    def _give_back(self, limit: int) -> None:
        """The slots from `limit` on are not used at present: the memory behind them is free for other things."""
        if hasattr(mmap, "MADV_DONTNEED"):
            start = -(-(MARGIN + limit * self.samples.strides[0]) // mmap.PAGESIZE) * mmap.PAGESIZE
            if start < len(self._memory):
                self._memory.madvise(mmap.MADV_DONTNEED, start)

    def hold(self, level: int, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
        """Make all wanted bricks (bricks z, y, x) of a level resident; returns the slots that were filled for it.

        No more than `capacity` may be wanted at once. Raises CorruptChunkError.
        """
        filling = self.books.begin(level, np.flatnonzero(wanted))
        try:
            if len(filling.bricks):
                self._fill(filling)
        except BaseException:
            self.books.lose(filling)
            raise
        self.books.end()
        return filling.slots

    def _fill(self, filling: Filling) -> None:
        level, chosen = self.volume.levels[filling.level], filling.slots
        grid = brick_grid(level.shape)
        filled = np.full(grid, -1, np.int32)
        filled.reshape(-1)[filling.bricks] = chosen
        self.samples[chosen] = 0 if self.samples.dtype == level.dtype else -self.offset
        for_each(self._threads, filling.chunks.tolist(), lambda number: self._scatter(number, filled))
        at = np.stack(np.unravel_index(filling.bricks, grid), axis=1)

        def finish(k: int) -> None:
            z, y, x = (int(v) for v in at[k])
            slot = chosen[k]
            kernels.finish_brick(self.samples[slot], (z, y, x), level.shape, self.low[slot], self.high[slot])

        for_each(self._threads, list(range(len(at))), finish)

    def kept(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of the volume as samples."""
        if values.dtype.kind == "f":
            # statistics say so too: what is no finite number counts as the lowest value
            low = self.volume.value_range[0]
            values = np.nan_to_num(values, nan=low, posinf=low, neginf=low)
        if self.samples.dtype != values.dtype:
            values = (values - np.float64(self.offset)).astype(np.float32)
        return values

    def _scatter(self, number: int, filled: npt.NDArray[np.int32]) -> None:
        chunk = self.books.chunks.get(number)
        if chunk is None:
            return
        chunk = self.kept(chunk)
        level, index = self.books.chunks.place(number)
        start = tuple(i * c for i, c in zip(index, level.chunk, strict=True))
        kernels.scatter(chunk, start, level.shape, filled, self.samples)


def untouched(nbytes: int) -> mmap.mmap:
    """Memory of this process alone, which takes none of the machine's until it is written to."""
    if hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, nbytes)


def for_each(threads: Executor, items: list[Any], work: Callable[[Any], None], batch: int = 16) -> None:
    """Do the work for every item, in threads; the first error is raised once none is running any more."""

    def several(some: list[Any]) -> None:
        for item in some:
            work(item)

    size = max(1, min(batch, -(-len(items) // 4)))
    jobs = [threads.submit(several, items[i : i + size]) for i in range(0, len(items), size)]
    error: BaseException | None = None
    for job in jobs:
        try:
            job.result()
        except BaseException as caught:
            if error is None:
                error = caught
            for other in jobs:
                other.cancel()
    if error is not None:
        raise error
