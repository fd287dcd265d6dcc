"""Clip planes as the kernels want them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stackreel.kernels.cut import depths_kept
from stackreel.scene import ClipPlane

NO_LIMITS = np.empty((0, 0, 0), np.float32)


def planes_of(clip: Sequence[ClipPlane]) -> npt.NDArray[np.float64]:
    """World planes (n, 4) with normals of length 1; kept is what lies where a·x + b·y + c·z + d ≥ 0."""
    normals = np.array([plane.normal for plane in clip], np.float64).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    origins = np.array([plane.origin for plane in clip], np.float64).reshape(-1, 3)
    return np.concatenate([normals, -(normals * origins).sum(axis=1, keepdims=True)], axis=1)


def limits_of(
    planes: npt.NDArray[np.float64], frame: npt.NDArray[np.float64], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Between which depths the rays of a picture of (width, height) are drawn; as kernels.march wants it."""
    if not len(planes):
        return NO_LIMITS
    limits = np.empty((size[1], size[0], 2), np.float32)
    depths_kept(planes, frame, limits)
    return limits
