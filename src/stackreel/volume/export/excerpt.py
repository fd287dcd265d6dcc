"""Part of one level of a volume, and the way through it in blocks: chunk by chunk, in threads, in little memory."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy.typing as npt

from stackreel.errors import VolumeError
from stackreel.geometry import Box, Index3, Placement, Spacing
from stackreel.volume.volume import Level, Volume

Block = tuple[slice, slice, slice]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Excerpt:
    """Samples start … start + count, each (z, y, x), of a level."""

    volume: Volume
    level: Level
    start: Index3
    count: Index3

    @staticmethod
    def of(
        volume: Volume,
        level: int = 0,
        start: Sequence[int] | None = None,
        count: Sequence[int] | None = None,
        box: Box | None = None,
    ) -> Excerpt:
        """Part of a level, all of it unless stated: from sample `start` on, or the samples that lie in a world box.

        Raises VolumeError when there is no such level, or nothing of it.
        """
        if not 0 <= level < len(volume.levels):
            raise VolumeError(f"{volume.path} has no level {level}; it has 0 to {len(volume.levels) - 1}")
        found = volume.levels[level]
        if box is not None:
            return _in_box(volume, found, box)
        first = _index3(start or (0, 0, 0))
        size = _index3(count or (n - a for n, a in zip(found.shape, first, strict=True)))
        for axis, n, a, c in zip("zyx", found.shape, first, size, strict=True):
            if not 0 <= a < n:
                raise VolumeError(f"start along {axis} is {a}; level {level} has samples 0 to {n - 1}")
            if not 1 <= c <= n - a:
                raise VolumeError(f"count along {axis} is {c}; from sample {a} on, 1 to {n - a} fit")
        return Excerpt(volume, found, first, size)

    @property
    def placement(self) -> Placement:
        return self.level.placement.strided(self.start, (1, 1, 1), self.count)

    @property
    def spacing(self) -> Spacing:
        """Of the samples."""
        return self.volume.spacing.scaled(self.level.factors)

    @property
    def first(self) -> tuple[float, float, float]:
        """Where the first sample stands, in samples (z, y, x) of the full resolution: in the middle of its own."""
        z, y, x = (a * f + (f - 1) / 2 for a, f in zip(self.start, self.level.factors, strict=True))
        return (z, y, x)

    @property
    def nbytes(self) -> int:
        return math.prod(self.count) * self.level.dtype.itemsize

    @property
    def stored_bytes(self) -> int:
        """About how many bytes the volume's own file has for it."""
        return int(self.level.stored_bytes * math.prod(self.count) / math.prod(self.level.shape))

    def read(self, block: Block) -> npt.NDArray[Any]:
        """Samples of a block, counted from the excerpt's first one."""
        z, y, x = (slice(a + s.start, a + s.stop) for a, s in zip(self.start, block, strict=True))
        return self.level.read((z, y, x))

    def slabs(self) -> Iterator[slice]:
        """Its planes, in runs that lie in one layer of chunks."""
        depth = self.level.chunk[0]
        z = 0
        while z < self.count[0]:
            end = min(self.count[0], ((self.start[0] + z) // depth + 1) * depth - self.start[0])
            yield slice(z, end)
            z = end

    def said(self) -> dict[str, Any]:
        """What the samples mean and where they stand, in words and numbers that other programs may keep."""
        volume = self.volume
        words: dict[str, Any] = {"name": volume.name, "kind": volume.kind}
        if volume.kind == "axial":
            words |= {"period": volume.period}
            if volume.background is not None:
                words |= {"background": volume.background}
        words |= {
            "level": self.level.index,
            "start_zyx": list(self.start),
            "spacing_zyx": list(self.spacing.zyx),
            "spacing_unit": self.spacing.unit or "none",
            "world_origin_xyz": list(self.placement.origin),
            "world_step_xyz": list(self.placement.step),
            "value_range": [v if math.isfinite(v) else None for v in volume.value_range],
            "fingerprint": volume.fingerprint,
        }
        return words

    def said_as_json(self) -> str:
        return json.dumps(self.said(), ensure_ascii=False)


def _in_box(volume: Volume, level: Level, box: Box) -> Excerpt:
    placement = level.placement
    lower, upper = placement.index_from_world(box.lower), placement.index_from_world(box.upper)
    slack = 1e-6  # of a sample
    first = [max(0, math.ceil(a - slack)) for a in lower]
    last = [min(n - 1, math.floor(b + slack)) for b, n in zip(upper, level.shape, strict=True)]
    if any(b < a for a, b in zip(first, last, strict=True)):
        bounds = placement.bounds
        spans = ", ".join(
            f"{axis} {a:.4g} … {b:.4g}" for axis, a, b in zip("xyz", bounds.lower, bounds.upper, strict=True)
        )
        raise VolumeError(f"the box holds no sample of level {level.index}; its samples lie at {spans}")
    return Excerpt(volume, level, _index3(first), _index3(b - a + 1 for a, b in zip(first, last, strict=True)))


def in_order(jobs: Iterator[Callable[[], Made]], threads: int, ahead: int | None = None) -> Iterator[Made]:
    """What jobs give, in their order; so many threads work, and no more than `ahead` results wait."""
    with ThreadPoolExecutor(threads, "stackreel-export") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) > (ahead or 2 * threads):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _index3(values: Any) -> Index3:
    z, y, x = (int(n) for n in values)
    return (z, y, x)
