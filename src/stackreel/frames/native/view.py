"""What a picture needs, from the camera alone: which level at which depth, and which planes bound the view.

A voxel may cover `detail` pixels. How large a voxel of some level appears depends only on its depth along the view
direction, so every level owns one range of depths, its shell: fine voxels near the camera, coarse ones far away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Box, Placement
from stackreel.scene import Camera

NEAR = 1e-4


@dataclass(frozen=True, slots=True)
class Shell:
    """One level, drawn between two depths (world lengths along the view direction)."""

    level: int
    near: float
    far: float


def visible_box(full: Placement, crop: Box | None) -> Box:
    """The world box in which there is something to see: first to last sample, less what is cropped.

    An axis with one sample only is shown as thick as that sample is.
    """
    bounds, extent = full.bounds, full.extent
    lower = tuple(e if n == 1 else b for e, b, n in zip(extent.lower, bounds.lower, full.shape[::-1], strict=True))
    upper = tuple(e if n == 1 else b for e, b, n in zip(extent.upper, bounds.upper, full.shape[::-1], strict=True))
    box = Box(lower, upper)  # type: ignore[arg-type]
    return box if crop is None else box.intersect(crop)


def depth_range(camera: Camera, box: Box) -> tuple[float, float]:
    """Least and greatest depth of a box; never nearer than just in front of the camera."""
    offsets = np.subtract(box.corners, camera.position) @ camera.basis[2]
    return max(NEAR, float(offsets.min())), float(offsets.max())


def shells(camera: Camera, box: Box, levels: Sequence[Placement], rows: int, detail: float) -> tuple[Shell, ...]:
    """Which level at which depth, near to far.

    levels : placements of the pyramid, finest first
    rows   : height of the picture in pixels
    detail : a voxel of a level other than 0 covers at most so many pixels, on every axis that the level reduces
    """
    near, far = depth_range(camera, box)
    if not near < far:
        return ()
    per_depth = camera.pixel_size(rows) * detail
    # the depth from which on a level is fine enough
    begins = [0.0]
    for level in levels[1:]:
        reduced = [s for s, s0 in zip(level.step, levels[0].step, strict=True) if s > s0 * 1.5]
        begins.append(max(reduced) / per_depth)
    found = []
    for index, begin in enumerate(begins):
        end = begins[index + 1] if index + 1 < len(begins) else np.inf
        a, b = max(near, begin), min(far, end)
        if a < b:
            found.append(Shell(index, a, b))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Planes:
    """Planes of equal depth on which a shell is sampled: plane k lies at (k + ½) · step in front of the camera."""

    shell: Shell
    step: float
    first: int
    end: int

    @classmethod
    def of(cls, shell: Shell, camera: Camera, level: Placement, stride: float) -> Planes:
        """All planes of a shell, `stride` voxels of its level apart along the view direction.

        Through thick sections they are nearer: what the colours do between two of them must not be missed.
        """
        along = stride / max(abs(f) / s for f, s in zip(camera.basis[2], level.step, strict=True))
        step = min(along, max(along / 3.0, 2.0 * stride * min(level.step)))
        return cls(shell, step, math.floor(shell.near / step), math.ceil(shell.far / step))

    @property
    def count(self) -> int:
        return self.end - self.first

    @property
    def depths(self) -> tuple[float, float]:
        """Depth of the first and of the last plane."""
        return (self.first + 0.5) * self.step, (self.end - 0.5) * self.step

    def halves(self) -> tuple[Planes, Planes]:
        """The nearer and the farther half; there must be more than one."""
        assert self.count > 1
        middle = (self.first + self.end) // 2
        return replace(self, end=middle), replace(self, first=middle)

    def narrowed(self, near: float, far: float) -> Planes:
        """Those planes on which samples between two depths may lie; maybe none."""
        first = max(self.first, math.floor(max(near, 0.0) / self.step) - 1)
        end = self.end if math.isinf(far) else min(self.end, math.ceil(far / self.step) + 1)
        return replace(self, first=first, end=max(first, end))


def ray_frame(camera: Camera, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Position and right, up, forward as kernels.march wants them: right and up span half the picture at depth 1."""
    width, height = size
    half = camera.pixel_size(height) * height / 2.0
    right, up, forward = camera.basis
    return np.stack([np.asarray(camera.position), right * half * width / height, up * half, forward])


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels: first row, end row, first column, end column."""

    top: int
    bottom: int
    left: int
    right: int

    def halves(self) -> tuple[Window, Window] | None:
        """Cut across the longer side; None for a single pixel."""
        tall, wide = self.bottom - self.top, self.right - self.left
        if tall * wide <= 1:
            return None
        if tall > wide:
            middle = self.top + tall // 2
            return Window(self.top, middle, self.left, self.right), Window(middle, self.bottom, self.left, self.right)
        middle = self.left + wide // 2
        return Window(self.top, self.bottom, self.left, middle), Window(self.top, self.bottom, middle, self.right)

    def tiles(self, side: int) -> list[npt.NDArray[np.int64]]:
        """Squares of pixels of such a side, as kernels.march wants them; cut where the picture's own squares end."""
        rows = [(max(y, self.top), min(y + side, self.bottom)) for y in _squares(self.top, self.bottom, side)]
        columns = [(max(x, self.left), min(x + side, self.right)) for x in _squares(self.left, self.right, side)]
        return [np.array([*r, *c]) for r in rows for c in columns]


def _squares(first: int, end: int, side: int) -> range:
    return range(first // side * side, end, side)


def window_of(box: Box, camera: Camera, size: tuple[int, int]) -> Window:
    """The pixels that a box may cover; all of them when it reaches behind the camera."""
    width, height = size
    seen = np.subtract(box.corners, camera.position) @ camera.basis.T
    if seen[:, 2].min() < NEAR:
        return Window(0, height, 0, width)
    per_pixel = camera.pixel_size(height)
    columns = seen[:, 0] / seen[:, 2] / per_pixel + width / 2.0
    rows = height / 2.0 - seen[:, 1] / seen[:, 2] / per_pixel
    top, bottom = (int(np.clip(r, 0, height)) for r in (np.floor(rows.min()) - 1, np.ceil(rows.max()) + 1))
    left, right = (int(np.clip(c, 0, width)) for c in (np.floor(columns.min()) - 1, np.ceil(columns.max()) + 1))
    return Window(top, bottom, left, right)


def frustum(
    frame: npt.NDArray[np.float64], window: Window, size: tuple[int, int], near: float, far: float, margin: float = 0.0
) -> npt.NDArray[np.float64]:
    """World planes (6, 4) around what a window sees between two depths; inside where a·x + b·y + c·z + d ≥ 0.

    margin : how far outside a point still counts as inside, in world units
    """
    position, right, up, forward = frame
    left, end = (2.0 * c / size[0] - 1.0 for c in (window.left, window.right))
    top, bottom = (1.0 - 2.0 * r / size[1] for r in (window.top, window.bottom))
    r2, u2 = right @ right, up @ up
    sides = [right / r2 - left * forward, end * forward - right / r2]
    sides += [up / u2 - bottom * forward, top * forward - up / u2]
    normals = np.asarray([forward, -forward, *sides])
    offsets = -(normals @ position) + np.array([-near, far, 0.0, 0.0, 0.0, 0.0])
    offsets += margin * np.linalg.norm(normals, axis=1)
    return np.concatenate([normals, offsets[:, None]], axis=1)


def frustum_corners(
    frame: npt.NDArray[np.float64], window: Window, size: tuple[int, int], near: float, far: float
) -> npt.NDArray[np.float64]:
    """The eight world corners (8, 3) of what a window sees between two depths."""
    position, right, up, forward = frame
    across = [2.0 * c / size[0] - 1.0 for c in (window.left, window.right)]
    upward = [1.0 - 2.0 * r / size[1] for r in (window.top, window.bottom)]
    return np.array(
        [position + t * (forward + u * right + v * up) for t in (near, far) for u in across for v in upward]
    )


def bounds_in_index(points: npt.NDArray[np.float64], margin: float, grid: Placement) -> tuple[Any, Any]:
    """A box around world points (n, 3) and what is so near, as continuous sample indices (x, y, z) of a grid."""
    lower, upper = points.min(axis=0) - margin, points.max(axis=0) + margin
    origin, step = np.asarray(grid.origin), np.asarray(grid.step)
    return (lower - origin) / step, (upper - origin) / step


def planes_in_index(planes: npt.NDArray[np.float64], grid: Placement) -> npt.NDArray[np.float64]:
    """The same planes over continuous sample indices (x, y, z) of a grid."""
    step, origin = np.asarray(grid.step), np.asarray(grid.origin)
    return np.concatenate([planes[:, :3] * step, (planes[:, 3] + planes[:, :3] @ origin)[:, None]], axis=1)


def box_in_index(box: Box, grid: Placement) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A world box's corners as continuous sample indices (x, y, z) of a grid."""
    step, origin = np.asarray(grid.step), np.asarray(grid.origin)
    return (np.asarray(box.lower) - origin) / step, (np.asarray(box.upper) - origin) / step
