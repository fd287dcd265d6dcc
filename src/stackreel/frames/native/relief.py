"""What slopes are taken from where sections are much thicker than their pixels: one coarse level whose axes agree.

From one thick section to the next an outline moves by many pixels, and what lies between is a fading of one into the
other: lit by its own slopes, a smooth surface shows terraces. On the first level whose voxels are about cubes, outlines
move by about a voxel, and its slopes are those of the tissue. So it and all finer levels take theirs from there. Which
level that is depends on the volume alone, never on memory, crop or camera, so that pictures do not either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3, Placement
from stackreel.kernels.blur import soften
from stackreel.kernels.reduce import mean_float, mean_integer
from stackreel.volume import Level, Volume

THICK = 3.0
"""Steps that differ by more than this make terraces."""
MOST_BYTES = 256 << 20
"""Of one channel's field."""
MARGIN = 8
"""Samples that may be read behind those that count."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Relief:
    """A field of values, for kernels.march.

    values : flat, in the pool's type; of several channels, all of them as bytes
    begins : each channel's first sample, counted in its own type
    last   : the last level whose slopes come from here; -1 where none do
    """

    values: Array
    begins: npt.NDArray[np.int64]
    grid: Placement
    last: int

    def for_level(self, level: int) -> tuple[Any, ...]:
        """Values, begins, size, origin and step (x, y, z), as march wants them; size 0: slopes are the level's own."""
        size = np.array(self.grid.shape[::-1] if level <= self.last else (0, 0, 0), np.int64)
        return self.values, self.begins, size, np.asarray(self.grid.origin), np.asarray(self.grid.step)


def no_relief(dtype: np.dtype[Any]) -> Relief:
    """Every level has its own slopes; dtype : of the values that there would be."""
    return Relief(
        np.zeros(64, dtype), np.zeros(1, np.int64), Placement((0, 0, 0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), -1
    )


def relief_level(volume: Volume) -> Level | None:
    """The level whose samples give the slopes; None where every level has its own.

    The first whose axes agree and that is not too large; or the last, whose finer axes are then halved further.
    """
    channels = volume.channels.values() if volume.dtype.names else (volume,)
    sizes = [min(4, channel.dtype.itemsize) for channel in channels if channel.kind == "intensity"]
    # what is one sample thick has no slope that way
    steps = [s for s, n in zip(volume.placement.step, volume.placement.shape[::-1], strict=True) if n > 1]
    if not sizes or not steps or max(steps) <= THICK * min(steps):
        return None
    fitting = [level for level in volume.levels if max(sizes) * math.prod(level.shape) <= MOST_BYTES]
    agreeing = [level for level in fitting if not any(_finer(level.placement))]
    return next(iter(agreeing or fitting[-1:]), None)


def relief_samples(volume: Volume) -> int:
    """How many samples of each channel that takes."""
    level = relief_level(volume)
    return 0 if level is None else math.prod(level.shape) + MARGIN


def field_of(
    level: Level, dtype: np.dtype[Any], kept: Callable[[Array], Array], threads: Executor
) -> tuple[Array, Placement]:
    """The values of a level, softened, flat and MARGIN more; and their grid.

    kept : gives values as the pool keeps them, in that type
    Softened by 1 : 2 : 1 on each axis, without which terraces shine through on surfaces nearly along the sections.
    """
    (flat, values), depth = _flat(level.shape, dtype), level.chunk[0]

    def read(z: int) -> None:
        some = slice(z, min(z + depth, level.shape[0]))
        values[some] = kept(level.read((some, slice(None), slice(None))))

    list(threads.map(read, range(0, level.shape[0], depth)))
    grid = level.placement
    while any(finer := _finer(grid)):
        factors = tuple(2 if halve else 1 for halve in finer)
        grid, whole = grid.reduced(factors), values
        flat, values = _flat(grid.shape, dtype)
        (mean_float if dtype.kind == "f" else mean_integer)(whole, values, *factors, 1.0, 1.0, 1.0)
    # in parts, of which each needs the planes beside it as they were
    ends = np.unique(np.linspace(0, len(values), 17).astype(int))
    parts = [
        (values[a:b], values[max(a - 1, 0)].copy(), values[min(b, len(values) - 1)].copy()) for a, b in pairwise(ends)
    ]
    list(threads.map(lambda part: soften(*part, dtype.kind != "f"), parts))
    return flat, grid


def _flat(shape: Index3, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Room for such a field, and the field (z, y, x) in it."""
    flat = np.zeros(math.prod(shape) + MARGIN, dtype)
    return flat, flat[: math.prod(shape)].reshape(shape)


def _finer(grid: Placement) -> tuple[bool, bool, bool]:
    """Which axes (z, y, x) would agree better with the coarsest one if they were halved, as a pyramid's levels are."""
    steps = grid.step[::-1]
    coarsest = max((s for s, n in zip(steps, grid.shape, strict=True) if n > 1), default=0.0)
    z, y, x = (n > 1 and s * math.sqrt(2.0) < coarsest for s, n in zip(steps, grid.shape, strict=True))
    return z, y, x
