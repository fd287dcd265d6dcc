"""Bricks in memory: a fixed number of slots, filled from stored chunks, the longest unused given up first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.kernels import bricks as kernels
from stackreel.kernels.sample import BEFORE, BRICK, CELLS, SIDE
from stackreel.volume import Level, Volume

Grid = npt.NDArray[np.bool_]


def brick_bytes(dtype: np.dtype[Any]) -> int:
    """What one resident brick takes, its ranges and books included."""
    samples = SIDE**3 * pool_dtype(dtype).itemsize
    return samples + 2 * CELLS**3 * pool_dtype(dtype).itemsize + 64


def pool_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type bricks are kept in: what slices usually hold as it is, everything else as float32."""
    return dtype if dtype.name in ("uint8", "int8", "uint16", "int16") else np.dtype(np.float32)


def brick_grid(shape: Index3) -> Index3:
    z, y, x = (-(-n // BRICK) for n in shape)
    return (z, y, x)


class BrickPool:
    """Slots for bricks of any level of one volume.

    offset    : to be added to samples, and to low and high, to get values
    samples   : (slots, 37³); slots that were never filled take no memory
    low, high : (slots, 64) range of every 8³ cell
    slots     : per level, (bricks z, y, x) int32: where a brick is, or -1
    """

    def __init__(self, volume: Volume, budget_bytes: int, threads: Executor) -> None:
        self.volume = volume
        self.capacity = max(1, int(budget_bytes) // brick_bytes(volume.dtype))
        total = sum(int(np.prod(brick_grid(level.shape))) for level in volume.levels)
        self.capacity = min(self.capacity, total)
        dtype = pool_dtype(volume.dtype)
        # what becomes float32 is kept as the distance from the lowest value, lest large numbers lose their ends
        self.offset = volume.value_range[0] if dtype != volume.dtype else 0.0
        self.samples = np.empty((self.capacity, SIDE**3), dtype)
        self.low = np.empty((self.capacity, CELLS**3), dtype)
        self.high = np.empty((self.capacity, CELLS**3), dtype)
        self.slots = [np.full(brick_grid(level.shape), -1, np.int32) for level in volume.levels]
        self._owner_level = np.full(self.capacity, -1, np.int32)
        self._owner_brick = np.zeros(self.capacity, np.int64)
        self._last_use = np.zeros(self.capacity, np.int64)
        self._clock = 0
        self._threads = threads

    def hold(self, level: int, wanted: Grid) -> npt.NDArray[np.int32]:
        """Make all wanted bricks (bricks z, y, x) of a level resident; returns the slots that were filled for it.

        No more than `capacity` may be wanted at once. Raises CorruptChunkError.
        """
        self._clock += 1
        places = np.flatnonzero(wanted)
        assert len(places) <= self.capacity
        table = self.slots[level].reshape(-1)
        have = table[places]
        self._last_use[have[have >= 0]] = self._clock
        missing = places[have < 0]
        if len(missing) == 0:
            return np.empty(0, np.int32)
        # slots in use now carry the newest time: they are never among the longest unused
        chosen = np.argpartition(self._last_use, len(missing) - 1)[: len(missing)].astype(np.int32)
        for slot in chosen:
            if self._owner_level[slot] >= 0:
                self.slots[self._owner_level[slot]].reshape(-1)[self._owner_brick[slot]] = -1
        self._owner_level[chosen] = -1
        try:
            self._fill(level, missing, chosen)
        except BaseException:
            self._last_use[chosen] = 0
            raise
        table[missing] = chosen
        self._owner_level[chosen], self._owner_brick[chosen] = level, missing
        self._last_use[chosen] = self._clock
        return chosen

    def _fill(self, index: int, places: npt.NDArray[np.int64], chosen: npt.NDArray[np.int32]) -> None:
        level = self.volume.levels[index]
        grid = brick_grid(level.shape)
        filling = np.full(grid, -1, np.int32)
        filling.reshape(-1)[places] = chosen
        self.samples[chosen] = 0 if self.samples.dtype == level.dtype else -self.offset
        at = np.stack(np.unravel_index(places, grid), axis=1)
        for_each(self._threads, chunks_of(level, at), lambda c: self._scatter(level, c, filling))

        def finish(k: int) -> None:
            z, y, x = (int(v) for v in at[k])
            slot = chosen[k]
            kernels.finish_brick(self.samples[slot], (z, y, x), level.shape, self.low[slot], self.high[slot])

        for_each(self._threads, list(range(len(places))), finish)

    def _scatter(self, level: Level, index: Index3, filling: npt.NDArray[np.int32]) -> None:
        chunk = level.read_chunk(index)
        if chunk is None:
            return
        if chunk.dtype.kind == "f":
            # statistics say so too: what is no finite number counts as the lowest value
            low = self.volume.value_range[0]
            chunk = np.nan_to_num(chunk, nan=low, posinf=low, neginf=low)
        if self.samples.dtype != chunk.dtype:
            chunk = (chunk - np.float64(self.offset)).astype(np.float32)
        start = tuple(i * c for i, c in zip(index, level.chunk, strict=True))
        kernels.scatter(chunk, start, level.shape, filling, self.samples)


def chunks_of(level: Level, bricks: npt.NDArray[np.int64]) -> list[Index3]:
    """The stored chunks that hold samples of such bricks (n, 3), aprons included, in file order."""
    ranges = []
    for axis in range(3):
        first = np.maximum(bricks[:, axis] * BRICK - BEFORE, 0) // level.chunk[axis]
        last = np.minimum(bricks[:, axis] * BRICK - BEFORE + SIDE, level.shape[axis]) - 1
        ranges.append((first, last // level.chunk[axis]))
    grid = [-(-n // c) for n, c in zip(level.shape, level.chunk, strict=True)]
    wanted = np.zeros(grid, bool)
    spans = [int((last - first).max()) for first, last in ranges]
    for dz in range(spans[0] + 1):
        for dy in range(spans[1] + 1):
            for dx in range(spans[2] + 1):
                z, y, x = (np.minimum(first + d, last) for (first, last), d in zip(ranges, (dz, dy, dx), strict=True))
                wanted[z, y, x] = True
    return [(int(z), int(y), int(x)) for z, y, x in np.argwhere(wanted)]


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
