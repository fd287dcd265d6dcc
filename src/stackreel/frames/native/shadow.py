"""Soft shadows: how much of the key light each place gets through the tissue between them.

Worked out on the same coarse level as hollows are, by sweeping through it away from the light, each plane dimming what
the next one gets and blurring it a little. It costs a few milliseconds, so that the light may travel with the camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.view import box_in_index
from stackreel.geometry import Box, Placement
from stackreel.kernels.shadow import sweep

SPARED = 0.03
"""World length of tissue in front of a place that does not shade it."""

Field = npt.NDArray[np.float32]


def visible_part(
    field: Field, grid: Placement, crop: Box | None, planes: npt.NDArray[np.float64] | tuple[()] = ()
) -> Field:
    """What crop and clip planes leave of a field (z, y, x) on a grid; samples on a face count by their share.

    planes : (n, 4): a world point (x, y, z) is kept where a·x + b·y + c·z + d ≥ 0, with (a, b, c) of length 1
    """
    kept = field.astype(np.float32)
    if crop is not None:
        lower, upper = box_in_index(crop, grid)
        for axis in range(3):
            index = np.arange(kept.shape[axis])
            inside = np.clip(np.minimum(index - lower[2 - axis], upper[2 - axis] - index) + 0.5, 0.0, 1.0)
            kept *= _along(inside, axis)
    for plane in planes:
        away: Any = np.float32(plane[3])
        for axis in range(3):
            world = grid.origin[2 - axis] + grid.step[2 - axis] * np.arange(kept.shape[axis])
            away = away + _along(plane[2 - axis] * world, axis)
        kept *= np.clip(away / max(grid.step) + 0.5, 0.0, 1.0)
    return kept


def _along(values: Sequence[float] | npt.NDArray[np.float64], axis: int) -> Field:
    return np.asarray(values, np.float32).reshape([-1 if a == axis else 1 for a in range(3)])


def lit_through(extinction: Field, grid: Placement, direction: npt.NDArray[np.float64]) -> Field:
    """Share of the light from a direction that reaches each sample (z, y, x) of a grid.

    direction : towards the light, world (x, y, z), of length 1
    """
    # towards the light, in samples per world length
    toward = (direction / np.asarray(grid.step))[::-1]
    # an axis without neighbours cannot be swept along
    able = [abs(t) if n > 1 else 0.0 for t, n in zip(toward, extinction.shape, strict=True)]
    axis = int(np.argmax(able))
    if able[axis] == 0.0:
        return np.ones_like(extinction, np.float32)
    others = [a for a in range(3) if a != axis]
    turned = np.ascontiguousarray(np.transpose(extinction, (axis, *others)))
    shifts = np.array([np.clip(toward[a] / abs(toward[axis]), -1.0, 1.0) for a in others])
    length = 1.0 / abs(toward[axis])
    coarsest = max(step for step, n in zip(grid.step, grid.shape[::-1], strict=True) if n > 1)
    spared = int(np.clip(round(SPARED / coarsest), 1, 8))
    out = np.empty_like(turned)
    sweep(turned, bool(toward[axis] > 0.0), shifts, length, spared, out)
    return np.ascontiguousarray(np.transpose(out, np.argsort((axis, *others))))
