"""Who is where in memory, and who gives way: everything about bricks and chunks but their samples.

The pool keeps these books while it renders. `stackreel plan` keeps the same books without reading anything, so what
it says of a movie is what rendering then does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import EngineError
from stackreel.files import format_bytes
from stackreel.frames.engine import Output
from stackreel.frames.native.chunks import ChunkCache, Read, read_chunk
from stackreel.frames.native.future import Future
from stackreel.frames.native.occlusion import coarse_level
from stackreel.frames.native.plan import AnyPass, Planner, brick_grid
from stackreel.frames.native.relief import relief_samples
from stackreel.kernels import ahead
from stackreel.kernels.sample import CELLS, SIDE
from stackreel.scene import Scene
from stackreel.volume import Volume
from stackreel.volume.holes import Hole, holes_in

FEWEST_BRICKS = 48
PIXEL_BYTES = 16  # what a ray has gathered
LIMIT_BYTES = 8  # between which depths a ray is drawn
CROSSING_BYTES = 5  # where it meets a slice, and which
CHUNKS_SHARE = 16  # a part in so many of the memory, at least, holds decoded chunks
SPARE = 1.1  # slots for each brick of the coming frame that needs most


def brick_bytes(dtype: np.dtype[Any]) -> int:
    """What one resident brick takes, its ranges and books included."""
    samples = SIDE**3 * pool_dtype(dtype).itemsize
    return samples + 2 * CELLS**3 * pool_dtype(dtype).itemsize + 64


def pool_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type bricks are kept in: what slices usually hold as it is (and planes of channels), the rest as float32."""
    kept = dtype.names is not None or dtype.name in ("uint8", "int8", "uint16", "int16")
    return dtype if kept else np.dtype(np.float32)


def brick_budget(memory: int, volume: Volume, output: Output) -> int:
    """What is left of some bytes of memory for samples, the renderer's own books being paid.

    Raises EngineError when that is too little to work with, saying how much would do.
    """
    paid = _own_bytes(volume, output)
    least = paid + FEWEST_BRICKS * brick_bytes(volume.dtype)
    if memory < least:
        raise _too_little(memory, least, "for this volume", output)
    return memory - paid


def _own_bytes(volume: Volume, output: Output) -> int:
    """What the renderer takes whatever a picture shows: of every brick, of every pixel, and coarse levels."""
    width, height = output.size
    bricks = sum(int(np.prod(brick_grid(level.shape), dtype=np.int64)) for level in volume.levels)
    books = bricks * (2 * volume.dtype.itemsize + 16) + width * height * PIXEL_BYTES
    books += relief_samples(volume) * pool_dtype(volume.dtype).itemsize
    return books + 8 * int(np.prod(coarse_level(volume).shape, dtype=np.int64))


def _too_little(memory: int, least: int, what: str, output: Output) -> EngineError:
    width, height = output.size
    return EngineError(
        f"--memory {format_bytes(memory)} is too little {what} at {width} × {height}; "
        f"give at least {math.ceil(least / 2**20)}M"
    )


def bytes_beside(scene: Scene) -> int:
    """What a pixel of a scene takes more than one of the volume alone: where its ray begins, ends, meets slices."""
    each = LIMIT_BYTES if scene.cuts else 0
    if any(some.opacity > 0.0 for some in scene.slices):
        each += LIMIT_BYTES + CROSSING_BYTES
        each += PIXEL_BYTES if scene.blend != "composite" else 0
    return each


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the memory is for bricks and chunks, scene by scene.

    budget_bytes : for them and for what some scenes take of each pixel beside
    each         : bytes of a brick; capacity : most bricks that there may ever be
    """

    volume: Volume
    output: Output
    budget_bytes: int
    each: int
    capacity: int

    def bytes(self, scene: Scene) -> int:
        """For bricks and chunks. EngineError when that is too little to work with, saying how much would do."""
        width, height = self.output.size
        beside = width * height * bytes_beside(scene)
        least = min(FEWEST_BRICKS, self.capacity) * self.each + beside
        if self.budget_bytes < least:
            paid = _own_bytes(self.volume, self.output)
            raise _too_little(
                self.budget_bytes + paid, least + paid, "for this volume with clip planes or slices", self.output
            )
        return self.budget_bytes - beside

    def bricks(self, scene: Scene) -> int:
        """Most bricks that there may be at once."""
        return min(self.capacity, self.bytes(scene) // self.each)


def open_books(
    volume: Volume,
    output: Output,
    budget_bytes: int,
    stride: float,
    fetchers: int,
    read: Read = read_chunk,
    threads: ThreadPoolExecutor | None = None,
) -> Books:
    """Books for a session that may fill so many bytes with bricks and decoded chunks.

    fetchers : threads that read ahead; threads : that help to plan
    """
    each = brick_bytes(volume.dtype)
    for_chunks = max(0, min(budget_bytes // CHUNKS_SHARE, budget_bytes - FEWEST_BRICKS * each))
    total = sum(int(np.prod(brick_grid(level.shape), dtype=np.int64)) for level in volume.levels)
    capacity = min(max(1, (budget_bytes - for_chunks) // each), total)
    chunks = ChunkCache(volume.levels, budget_bytes - capacity * each, fetchers, read)
    room = Room(volume, output, budget_bytes, each, capacity)
    future = Future(Planner(volume, output, room.bricks, stride, threads))
    return Books(volume, capacity, budget_bytes, chunks, future, room)


@dataclass(frozen=True, eq=False, slots=True)
class Filling:
    """What a pass lacks: bricks (flat places in their level), the slots they get, and the chunks they are cut from."""

    level: int
    bricks: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int32]
    chunks: npt.NDArray[np.int64]


class Books:
    """Slots for bricks of any level, and the chunks they are cut from.

    Slots and chunks share the memory: frames get the slots that the coming ones need, chunks get the rest.

    capacity : most slots that there may be
    limit    : slots in use at present; chunks have what these leave
    slots    : per level, (bricks z, y, x) int32: where a brick is, or -1
    given_up : called with a number of slots, beyond which nothing is held any more
    """

    def __init__(
        self,
        volume: Volume,
        capacity: int,
        budget_bytes: int,
        chunks: ChunkCache,
        future: Future,
        room: Room | None = None,
    ) -> None:
        """room : what some scenes leave of the budget; all of it, without."""
        self.capacity, self.chunks, self.future, self._room = capacity, chunks, future, room
        self.limit = capacity
        self.given_up: Callable[[int], None] = lambda limit: None
        self._budget_bytes, self._each = budget_bytes, brick_bytes(volume.dtype)
        whole = sum(int(np.prod(level.shape, dtype=np.int64)) for level in volume.levels) * volume.dtype.itemsize
        self._fewest = min(capacity, max(capacity // 3, (budget_bytes - 2 * whole) // self._each))
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
        self._in_frame: list[tuple[int, npt.NDArray[np.integer[Any]]]] = []
        self._looked_after = True

    def expect(self, scenes: Iterable[Scene]) -> None:
        """These scenes will be drawn, in this order.

        Raises EngineError, before any is drawn, when the memory is too little for one of them.
        """
        coming = list(scenes)
        if self._room is not None:
            for scene in coming:
                self._room.bytes(scene)
        self.future.expect(coming)

    def frame(self, scene: Scene) -> tuple[AnyPass, ...]:
        """The passes of a frame that is now drawn; `future.advance` gives them one by one."""
        passes = self.future.begin(scene)
        self._in_frame.clear()
        most = self.capacity
        if self._room is not None:
            most = self._room.bricks(scene)
            self._budget_bytes = self._room.bytes(scene)
        wanted = min(most, max(self._fewest, int(SPARE * self.future.most_bricks)))
        if self.limit > most or not 0.75 * self.limit <= wanted <= self.limit:
            self._share_out(wanted)
        else:
            self._share_out(self.limit)
        return passes

    def begin(self, level: int, bricks: npt.NDArray[np.integer[Any]]) -> Filling:
        """Give all these bricks, flat places in their level, a slot; what is returned has to be filled.

        No more than `capacity` at once.
        """
        assert len(bricks) <= self.capacity
        if len(bricks) > self.limit:
            self._share_out(len(bricks))
        self._clock += 1
        self._in_frame.append((level, bricks))
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
            numbers = self.chunks.begin(numbers)
        return Filling(level, lacking, chosen, numbers)

    def end(self) -> None:
        """The slots are filled: chunks for coming passes may be fetched while this one is drawn."""
        if not self._looked_after:
            self.chunks.fetch()

    def bricks_alone(self) -> None:
        """All memory for slots, none for decoded chunks: how much the latter save can be measured so."""
        self._fewest, self._room = self.capacity, None
        self._budget_bytes = self.capacity * self._each
        self._share_out(self.capacity)

    def holes(self) -> set[Hole]:
        """The damaged chunks met so far that bricks of the frame in hand are cut from."""
        found: set[Hole] = set()
        for level in {level for level, _ in self._in_frame}:
            if damaged := holes_in(self.chunks.levels[level]):
                bricks = [places.astype(np.int64) for k, places in self._in_frame if k == level]
                wanted = set(self._chunks_of(level, np.concatenate(bricks)).tolist())
                for number in wanted:
                    found.update(damaged.get(self.chunks.place(number)[1], ()))
        return found

    def lose(self, filling: Filling) -> None:
        """These slots could not be filled."""
        self._where[self._first[filling.level] + filling.bricks] = -1
        self._owner[filling.slots] = -1
        self._last_use[filling.slots] = 0

    def number(self, level: int, bricks: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Bricks of a level, numbered through all levels."""
        numbers: npt.NDArray[np.int64] = self._first[level] + bricks
        return numbers

    @property
    def resident(self) -> npt.NDArray[np.int32]:
        """The slots that hold a brick."""
        return np.flatnonzero(self._owner >= 0).astype(np.int32)

    def _choose(self, count: int) -> npt.NDArray[np.int32]:
        """Slots to be filled: empty ones, then those used again latest, then those unused longest; none now in use."""
        if count == 0:
            return np.empty(0, np.int32)
        empty = np.flatnonzero(self._owner[: self.limit] < 0)
        if len(empty) >= count:
            return empty[:count].astype(np.int32)
        self._look_ahead()
        keep = self._next_use[: self.limit].astype(np.int64) << 32
        keep -= self._last_use[: self.limit]
        keep[empty] = np.iinfo(np.int64).max
        keep[(self._last_use[: self.limit] == self._clock) & (self._owner[: self.limit] >= 0)] = np.iinfo(np.int64).min
        return np.argpartition(keep, self.limit - count)[self.limit - count :].astype(np.int32)

    def _share_out(self, limit: int) -> None:
        """So many slots from now on, and the rest of the memory for chunks."""
        if limit < self.limit:
            owner = self._owner[limit:]
            self._where[owner[owner >= 0]] = -1
            owner[:] = -1
            self._last_use[limit:] = 0
            self.given_up(limit)
        self.limit = limit
        self.chunks.resize(self._budget_bytes - limit * self._each)

    def _look_ahead(self) -> None:
        self._stamp += 1
        self.chunks.trace = ahead.look_ahead(
            *self.future.passes(), self._first, self.chunks.first, *self._shapes,
            self._where, self._seen, self._stamp, self._next_use, self.chunks.need,
        )  # fmt: skip

    def _chunks_of(self, level: int, bricks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Numbers of the stored chunks that hold samples of such bricks, aprons included, in file order."""
        first = self.chunks.first
        wanted = np.zeros(int(first[level + 1] - first[level]), bool)
        ahead.chunks_of(bricks, *(shapes[level] for shapes in self._shapes), wanted)
        return np.flatnonzero(wanted) + int(first[level])
