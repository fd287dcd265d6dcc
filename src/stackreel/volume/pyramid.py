"""Which reduced levels a volume gets, as a value: nothing is read to know it.

The finer axes are halved alone (2 × 2 × 1 for sections thicker than their pixels) until voxels are as close to
cubes as they get; after that all axes are halved together, until the longest has at most 64 samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stackreel.geometry import Index3, Spacing

CHUNK: Index3 = (32, 128, 128)
SLAB = CHUNK[0]
BRICK = 32
LONGEST = 64
PENDING_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """One level of a pyramid.

    shape   : (z, y, x) samples; each stands for `factors` samples of the full resolution, the last for what is left
    factors : against the full resolution
    halved  : factors (1 or 2) against the level below; all 1 for level 0
    chunk   : stored chunk; its z extent times factors[0] is one slab of sections when the level is `streamed`
    streamed: completed band by band within each slab of sections; other levels wait for whole planes
    """

    index: int
    shape: Index3
    factors: Index3
    halved: Index3
    chunk: Index3
    streamed: bool

    @property
    def brick(self) -> Index3:
        """The brick that statistics are kept for; it never crosses a chunk."""
        return (min(BRICK, self.chunk[0]), BRICK, BRICK)

    @property
    def bricks(self) -> Index3:
        z, y, x = (-(-n // b) for n, b in zip(self.shape, self.brick, strict=True))
        return (z, y, x)

    @property
    def chunks(self) -> Index3:
        z, y, x = (-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True))
        return (z, y, x)

    def tail_weights(self, full: Sequence[int]) -> tuple[float, float, float]:
        """How much of a whole cell the last sample on each axis stands for, 0..1."""
        z, y, x = ((n - (m - 1) * f) / f for n, m, f in zip(full, self.shape, self.factors, strict=True))
        return (z, y, x)


def plan_levels(shape: Sequence[int], spacing: Spacing, itemsize: int) -> tuple[LevelPlan, ...]:
    """The levels for a stack of such shape (z, y, x), spacing and bytes a sample, finest first."""
    full = (int(shape[0]), int(shape[1]), int(shape[2]))
    plans = [_level(0, full, (1, 1, 1), (1, 1, 1), itemsize)]
    while max(plans[-1].shape) > LONGEST:
        last = plans[-1]
        steps = spacing.scaled(last.factors).zyx
        coarsest = max(s for s, n in zip(steps, last.shape, strict=True) if n > 1)
        # halving brings an axis nearer to the coarsest one while it is finer by more than √2
        finer = [n > 1 and s * math.sqrt(2) < coarsest for s, n in zip(steps, last.shape, strict=True)]
        if not any(finer):
            finer = [n > 1 for n in last.shape]
        z, y, x = (2 if halve else 1 for halve in finer)
        factors = (last.factors[0] * z, last.factors[1] * y, last.factors[2] * x)
        plans.append(_level(len(plans), full, factors, (z, y, x), itemsize))
    return tuple(plans)


def _level(index: int, full: Index3, factors: Index3, halved: Index3, itemsize: int) -> LevelPlan:
    z, y, x = (-(-n // f) for n, f in zip(full, factors, strict=True))
    depth, streamed = SLAB, factors[0] == 1
    if not streamed and SLAB * y * x * itemsize > PENDING_BYTES and SLAB // factors[0] >= 2:
        depth, streamed = SLAB // factors[0], True
    chunk = (min(depth, z), min(CHUNK[1], y), min(CHUNK[2], x))
    return LevelPlan(index, (z, y, x), factors, halved, chunk, streamed)
