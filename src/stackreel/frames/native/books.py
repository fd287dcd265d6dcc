"""Who is where in memory, and who gives way: everything about bricks and chunks but their samples.

The pool keeps these books while it renders. `stackreel plan` keeps the same books without reading anything, so what
it says of a movie is what rendering then does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.engine import Output
from stackreel.frames.native.chunks import ChunkCache, Read, read_chunk
from stackreel.frames.native.future import Future
from stackreel.frames.native.plan import Planner, brick_grid
from stackreel.kernels import ahead
from stackreel.kernels.sample import CELLS, SIDE
from stackreel.volume import Volume

FEWEST_BRICKS = 48
CHUNKS_SHARE = 4  # a part in so many of the memory holds decoded chunks


def brick_bytes(dtype: np.dtype[Any]) -> int:
    """What one resident brick takes, its ranges and books included."""
    samples = SIDE**3 * pool_dtype(dtype).itemsize
    return samples + 2 * CELLS**3 * pool_dtype(dtype).itemsize + 64


def pool_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type bricks are kept in: what slices usually hold as it is, everything else as float32."""
    return dtype if dtype.name in ("uint8", "int8", "uint16", "int16") else np.dtype(np.float32)


def open_books(
    volume: Volume, output: Output, budget_bytes: int, stride: float, fetchers: int, read: Read = read_chunk
) -> Books:
    """Books for a session: of so many bytes, most go to bricks, the rest to decoded chunks.

    fetchers : threads that read ahead
    """
    each = brick_bytes(volume.dtype)
    for_chunks = max(0, min(budget_bytes // CHUNKS_SHARE, budget_bytes - FEWEST_BRICKS * each))
    total = sum(int(np.prod(brick_grid(level.shape), dtype=np.int64)) for level in volume.levels)
    capacity = min(max(1, (budget_bytes - for_chunks) // each), total)
    planner = Planner(volume, output, capacity, stride)
    return Books(volume, capacity, ChunkCache(volume.levels, for_chunks, fetchers, read), Future(planner))


@dataclass(frozen=True, eq=False, slots=True)
class Filling:
    """What a pass lacks: bricks (flat places in their level), the slots they get, and the chunks they are cut from."""

    level: int
    bricks: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int32]
    chunks: npt.NDArray[np.int64]


class Books:
    """Slots for bricks of any level, and the chunks they are cut from.

    slots : per level, (bricks z, y, x) int32: where a brick is, or -1
    """

    def __init__(self, volume: Volume, capacity: int, chunks: ChunkCache, future: Future) -> None:
        self.capacity, self.chunks, self.future = capacity, chunks, future
        levels = volume.levels
        grids = [brick_grid(level.shape) for level in levels]
        first = np.concatenate([[0], np.cumsum([int(np.prod(grid, dtype=np.int64)) for grid in grids])])
        self._where = np.full(int(first[-1]), -1, np.int32)
        self.slots = [self._where[a:b].reshape(g) for a, b, g in zip(first, first[1:], grids, strict=False)]
        self._first = first
        self._seen = np.zeros(int(first[-1]), np.int32)
        self._stamp = 0
        self._shapes = tuple(
            np.array(each, np.int64).reshape(-1, 3)
            for each in (grids, chunks.grids, [level.chunk for level in levels], [level.shape for level in levels])
        )
        self._owner = np.full(capacity, -1, np.int64)
        self._last_use = np.zeros(capacity, np.int64)
        self._next_use = np.full(capacity, ahead.NEVER, np.int32)
        self._clock = 0
        self._looked_after = True

    def begin(self, level: int, bricks: npt.NDArray[np.integer[Any]]) -> Filling:
        """Give all these bricks, flat places in their level, a slot; what is returned has to be filled.

        No more than `capacity` at once.
        """
        assert len(bricks) <= self.capacity
        self._clock += 1
        places = self._first[level] + bricks
        have = self._where[places]
        self._last_use[have[have >= 0]] = self._clock
        missing = places[have < 0]
        chosen = self._choose(len(missing))
        self._where[self._owner[chosen][self._owner[chosen] >= 0]] = -1
        self._where[missing] = chosen
        self._owner[chosen], self._last_use[chosen] = missing, self._clock
        lacking = missing - self._first[level]
        if len(missing) or self.future.changed:
            self._look_ahead()
        self._looked_after = not (len(missing) or self.future.changed)
        self.future.changed = False
        numbers = self._chunks_of(level, lacking)
        if len(missing):
            self.chunks.begin(numbers)
        return Filling(level, lacking, chosen, numbers)

    def end(self) -> None:
        """The slots are filled: chunks for coming passes may be fetched while this one is drawn."""
        if not self._looked_after:
            self.chunks.fetch()

    def lose(self, filling: Filling) -> None:
        """These slots could not be filled."""
        self._where[self._first[filling.level] + filling.bricks] = -1
        self._owner[filling.slots] = -1
        self._last_use[filling.slots] = 0

    @property
    def resident(self) -> npt.NDArray[np.int32]:
        """The slots that hold a brick."""
        return np.flatnonzero(self._owner >= 0).astype(np.int32)

    def _choose(self, count: int) -> npt.NDArray[np.int32]:
        """Slots to be filled: empty ones, then those used again latest, then those unused longest; none now in use."""
        if count == 0:
            return np.empty(0, np.int32)
        empty = np.flatnonzero(self._owner < 0)
        if len(empty) >= count:
            return empty[:count].astype(np.int32)
        self._look_ahead()
        keep = self._next_use.astype(np.int64) << 32
        keep -= self._last_use
        keep[empty] = np.iinfo(np.int64).max
        keep[(self._last_use == self._clock) & (self._owner >= 0)] = -1
        return np.argpartition(keep, self.capacity - count)[self.capacity - count :].astype(np.int32)

    def _look_ahead(self) -> None:
        self._stamp += 1
        ahead.look_ahead(
            *self.future.passes(), self._first, self.chunks.first, *self._shapes,
            self._where, self._seen, self._stamp, self._next_use, self.chunks.need,
        )  # fmt: skip

    def _chunks_of(self, level: int, bricks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Numbers of the stored chunks that hold samples of such bricks, aprons included, in file order."""
        first = self.chunks.first
        wanted = np.zeros(int(first[level + 1] - first[level]), bool)
        ahead.chunks_of(bricks, *(shapes[level] for shapes in self._shapes), wanted)
        return np.flatnonzero(wanted) + int(first[level])
