"""What rendering will read and hold, frame by frame, found out by keeping its books without reading anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackreel.frames.engine import Output
from stackreel.frames.native.books import brick_budget, brick_bytes, open_books
from stackreel.frames.native.chunks import Chunk
from stackreel.frames.native.mixedslices import needs_of
from stackreel.frames.native.mixture import mixed, with_channels
from stackreel.frames.native.plan import AnyPass, brick_grid
from stackreel.frames.native.projecting import parts_of
from stackreel.geometry import Index3
from stackreel.kernels.sample import BRICK
from stackreel.scene import Scene
from stackreel.volume import Level, Volume


@dataclass(frozen=True, eq=False, slots=True)
class FrameNeeds:
    """What one frame needs, and what is read on its behalf.

    levels  : that are sampled, finest first
    passes  : one for each level sampled, and more where memory is short
    bricks  : numbers, through all levels, of the bricks that its rays may meet
    filled  : bricks that are put together anew for it
    chunks  : numbers, through all levels, of the chunks read for it or, while it is drawn, for later frames
    stored  : bytes of these chunks in the file
    decoded : the same decoded
    nearest : depth within which a tenth of the bricks of the finest level of the volume lie; None without such bricks
    """

    levels: tuple[int, ...]
    passes: int
    bricks: npt.NDArray[np.int64]
    filled: int
    chunks: npt.NDArray[np.int64]
    stored: int
    decoded: int
    nearest: float | None


class Forecast:
    """Renders nothing, and says what rendering these scenes in this order would need.

    memory : bytes that the engine may use; None for as many as there is data
    expect : whether the engine will be told what comes; otherwise the longest unused gives way
    """

    def __init__(
        self, volume: Volume, output: Output, memory: int | None, stride: float, *, expect: bool = True
    ) -> None:
        self.volume, self.output, self.expect = volume, output.fine, expect
        output = self.output
        everything = 8 * sum(int(np.prod(level.shape, dtype=np.int64)) for level in volume.levels)
        everything *= volume.dtype.itemsize
        budget = everything + (1 << 30) if memory is None else brick_budget(memory, volume, output)
        self.books = open_books(volume, output, budget, stride, 0, self._read)
        self.brick_bytes = brick_bytes(volume.dtype)
        self._stored = [level.stored_chunks() for level in volume.levels]
        self._read_now: list[tuple[int, Index3]] = []

    def frames(self, scenes: Sequence[Scene]) -> Iterator[FrameNeeds]:
        books = self.books
        if self.expect:
            books.expect(part for scene in scenes for part, _ in parts_of(scene))
        for scene in scenes:
            self._read_now.clear()
            filled, passes = 0, []
            for part, _ in parts_of(scene):
                books.frame(part)
                while (one := books.future.advance()) is not None:
                    filling = books.begin(one.level, one.bricks)
                    for number in filling.chunks.tolist():
                        books.chunks.get(number)
                    books.end()
                    filled += len(filling.bricks)
                    passes.append(one)
            yield FrameNeeds(
                tuple(sorted({one.level for one in passes})),
                len(passes),
                np.unique(np.concatenate([np.empty(0, np.int64), *(books.number(p.level, p.bricks) for p in passes)])),
                filled,
                np.array([int(books.chunks.first[k]) + self._flat(k, i) for k, i in self._read_now], np.int64),
                sum(int(self._stored[k][i]) for k, i in self._read_now),
                sum(self.chunk_bytes(k) for k, _ in self._read_now),
                self._nearest(scene, passes),
            )

    def _nearest(self, scene: Scene, passes: Sequence[AnyPass]) -> float | None:
        bricks = [one.bricks for one in passes if one.level == 0]
        if not bricks:
            return None
        grid = self.volume.levels[0].placement
        z, y, x = np.unravel_index(np.concatenate(bricks), brick_grid(self.volume.levels[0].shape))
        middle = (np.stack([x, y, z], axis=1) + 0.5) * BRICK * np.asarray(grid.step) + np.asarray(grid.origin)
        depths = (middle - np.asarray(scene.camera.position)) @ np.asarray(scene.camera.basis[2])
        return float(np.percentile(depths[depths > 0.0], 10)) if (depths > 0.0).any() else None

    def chunk_bytes(self, level: int) -> int:
        """Bytes of a level's chunk when decoded."""
        each = self.volume.levels[level]
        return int(np.prod(each.chunk, dtype=np.int64)) * each.dtype.itemsize

    def stored_bytes(self, chunks: npt.NDArray[np.int64]) -> int:
        """Bytes in the file of such chunks, numbered through all levels."""
        return int(np.concatenate([sizes.reshape(-1) for sizes in self._stored])[chunks].sum())

    def _flat(self, level: int, index: Index3) -> int:
        return int(np.ravel_multi_index(index, self._stored[level].shape))

    def _read(self, level: Level, index: Index3) -> Chunk:
        self._read_now.append((level.index, index))
        return None


def shown_of(volume: Volume, scenes: Sequence[Scene]) -> Volume:
    """The volume whose bricks an engine keeps for such scenes: of several channels, those that are shown, as one.

    Directions that stand alone are kept as one of several channels.
    """
    if not volume.channels and volume.kind != "axial":
        return volume
    volume = with_channels(volume)
    return mixed(volume, frozenset(need for scene in scenes for need in needs_of(scene, volume)))
