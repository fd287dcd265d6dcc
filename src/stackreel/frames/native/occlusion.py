"""How much open space a place sees: what makes the sulci dark and the gyri stand out.

Ambient occlusion from a coarse level: the more of its surroundings is filled with what is visible, the darker a
place is. It depends on the transfer function and the crop, not on the camera, and costs a few milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.shadow import visible_part
from stackreel.frames.native.tables import LookUp, extinctions
from stackreel.geometry import Box, Placement
from stackreel.kernels.blur import box_blur
from stackreel.volume import Level, Volume

DETAIL = 96
MOST_SAMPLES = 2_000_000
RADII = (0.012, 0.04)
THICKNESS = 0.01


@dataclass(frozen=True)
class Openness:
    """Light that reaches a place from all around, 0..1, on the samples of a coarse grid.

    values : (z, y, x) float32
    """

    values: npt.NDArray[np.float32]
    grid: Placement

    @cached_property
    def padded(self) -> npt.NDArray[np.float32]:
        """The values one after the other, and one more: kernels.run.darken reads them two by two."""
        return np.append(self.values.reshape(-1), np.float32(1.0))


EVERYWHERE = np.ones(2, np.float32)


def coarse_level(volume: Volume) -> Level:
    """The coarsest level that still shows the shape, and never a large one."""
    fitting = [level for level in volume.levels if int(np.prod(level.shape, dtype=np.int64)) <= MOST_SAMPLES]
    shown = [level for level in fitting if max(level.shape) >= DETAIL]
    return (shown or fitting or list(volume.levels))[-1 if shown else 0]


def coarse_values(level: Level, missing: float) -> npt.NDArray[Any]:
    """All samples of a level, (z, y, x), in its own type; what is no finite number counts as `missing`."""
    values = level.read((slice(None), slice(None), slice(None)))
    return np.nan_to_num(values, nan=missing, posinf=missing, neginf=missing) if values.dtype.kind == "f" else values


def openness(values: npt.NDArray[Any], grid: Placement, table: LookUp, crop: Box | None) -> Openness:
    """How open every place of a coarse level is, with such a transfer function and crop."""
    return openness_in(extinctions(table, values), grid, crop)


def openness_in(extinction: npt.NDArray[np.float32], grid: Placement, crop: Box | None) -> Openness:
    """The same, where the extinction of every place, (z, y, x), is known."""
    filled = visible_part(1.0 - np.exp(-extinction * np.float32(THICKNESS)), grid, crop)
    around = [_blurred(filled, radius, grid) for radius in RADII]
    mean = sum(around) / np.float32(len(around))
    # a flat surface has half of its surroundings filled: it gets full light, a valley less
    light = np.clip(1.0 - 2.2 * np.maximum(mean - 0.4, 0.0), 0.12, 1.0)
    return Openness(light.astype(np.float32), grid)


def _blurred(field: npt.NDArray[np.float32], radius: float, grid: Placement) -> npt.NDArray[np.float32]:
    """Blurred twice with boxes that span 2·radius world units together."""
    a, b = field.copy(), np.empty_like(field)
    for axis in range(3):
        reach = max(1, round(radius / grid.step[2 - axis] / 1.5)) if field.shape[axis] > 1 else 0
        for _ in range(2):
            box_blur(a, reach, axis, b)
            a, b = b, a
    return a
