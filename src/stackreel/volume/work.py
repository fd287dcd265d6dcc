"""What is done to one chunk, in any thread: summarise, reduce into the next level, pack."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.kernels import summarise as kernels
from stackreel.volume.codec import NOT_WORTH_PACKING, bits, shrinks_to
from stackreel.volume.counting import Counter
from stackreel.volume.levels import LevelWriter
from stackreel.volume.pyramid import CHUNK
from stackreel.volume.reduction import Lengths, Reduction
from stackreel.volume.shelf import Packed, packed

Room = tuple[npt.NDArray[Any], Lengths | None]


class ChunkWork:
    """Works on chunks of all levels; its methods may be called from any thread, for different chunks at once."""

    def __init__(self, levels: Sequence[LevelWriter], reduction: Reduction, full: Index3, dtype: np.dtype[Any]) -> None:
        self.counter = Counter(dtype)
        self._levels, self._reduction, self._full, self._dtype = levels, reduction, full, dtype
        self._own = threading.local()

    def load(self) -> None:
        """Have Numba fetch its compiled code."""
        block, copy = np.zeros((1, 1, 2), self._dtype)[:, :, :1], np.zeros((1, 1, 1), self._dtype)
        kernels.copy_unless_zero(bits(block), bits(copy))

    def chunk(
        self,
        level: LevelWriter,
        block: npt.NDArray[Any],
        lengths: Lengths | None,
        at: Index3,
        room: Room | None,
    ) -> tuple[Packed, Packed | None]:
        """A chunk's samples, and their lengths where the level keeps some, as they are to be stored.

        block, lengths : (z, y, x), what lies inside the level
        at             : of the block's first sample
        room           : where in the next level it goes; None at the top
        """
        z, y, x = (o // c for o, c in zip(at, level.plan.chunk, strict=True))
        place = (z, y, x)
        copy = self._buffer(block.shape)
        empty = not kernels.copy_unless_zero(bits(block), bits(copy))
        if room is not None:
            self.reduce(level, copy, lengths, at, room, empty=empty)
        resultants = None
        if level.lengths is not None:
            assert lengths is not None
            resultants = level.lengths.pack(place, np.ascontiguousarray(lengths), worth=True)
        bricks = level.bricks(place)
        if empty:
            level.mask[bricks] = 1
            if level.plan.index == 0:
                self.counter.add_zeros(block.size)
            return packed(place, b"", plain=False), resultants
        worth = self._summarise(level, copy, bricks)
        return level.samples.pack(place, copy, worth=worth), resultants

    def reduce(
        self,
        level: LevelWriter,
        block: npt.NDArray[Any],
        lengths: Lengths | None,
        at: Index3,
        room: Room,
        *,
        empty: bool,
    ) -> None:
        """Fill the next level's room for a block."""
        out, out_lengths = room
        if empty and out_lengths is None:
            out[...] = 0
            return
        ends = [o + n == size for o, n, size in zip(at, block.shape, level.plan.shape, strict=True)]
        tails = level.plan.tail_weights(self._full)
        wz, wy, wx = (w if end else 1.0 for w, end in zip(tails, ends, strict=True))
        halved = self._levels[level.plan.index + 1].plan.halved
        if out_lengths is None:
            self._reduction.into(block, out, halved, (wz, wy, wx))
        else:
            self._reduction.into(block, out, halved, (wz, wy, wx), lengths, out_lengths)

    def _buffer(self, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """This thread's own contiguous array of such shape: a copy in it is by far the fastest to go through."""
        buffer: npt.NDArray[Any] | None = getattr(self._own, "buffer", None)
        if buffer is None:
            buffer = self._own.buffer = np.empty(CHUNK[0] * CHUNK[1] * CHUNK[2], self._dtype)
        return buffer[: math.prod(shape)].reshape(shape)

    def _summarise(self, level: LevelWriter, block: npt.NDArray[Any], bricks: tuple[slice, ...]) -> bool:
        """Note a block's statistics; whether packing saves enough to be worth the time, now and at every reading."""
        low, high, mask = level.low[bricks], level.high[bricks], level.mask[bricks]
        first = level.plan.index == 0
        if self._dtype == np.uint8:
            counts = np.zeros(256, np.int64)
            kernels.summarise_bytes(block, *level.plan.brick, low, high, mask, counts)
            if first:
                self.counter.table()[:] += counts
                self.counter.span(float(low.min()), float(high.max()))
        else:
            span = kernels.summarise(block, *level.plan.brick, low, high, mask)
            if first:
                self.counter.add(block)
                self.counter.span(*span)
        return self._dtype != np.uint8 or shrinks_to(counts) < NOT_WORTH_PACKING
