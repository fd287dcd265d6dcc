"""Slices in the volume: planes that show its values, at full resolution, at their depth among the rest.

Each ray knows where it meets each plane. The volume is drawn up to the first crossing of every ray, the planes are
laid over what has been gathered there, then the volume goes on from the first crossing to the second, and so on. So
planes may cross one another, tissue in front of one dims it, and nothing behind an opaque one is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native import view
from stackreel.frames.native.plan import brick_grid
from stackreel.frames.native.pool import BrickPool, for_each
from stackreel.frames.native.tables import look_up
from stackreel.geometry import Box
from stackreel.kernels.run import TILE
from stackreel.kernels.slicing import bricks_met, crossings, paint
from stackreel.scene import Scene
from stackreel.volume import Volume

SHARP = 1.0
"""A voxel on a slice may cover at most so many pixels, where the volume has finer ones."""
LOOSE = 1e-6
"""World lengths by which a slice may lie outside its box, so that one on the face of a crop is seen."""

Draw = Callable[[npt.NDArray[np.float32], tuple[float, float]], int]


@dataclass(frozen=True)
class Sheets:
    """The slices of a scene as kernels.slicing wants them; those that show nothing left out."""

    planes: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64]
    cut: npt.NDArray[np.bool_]
    tables: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float64]
    opacity: npt.NDArray[np.float64]
    masked: npt.NDArray[np.bool_]
    line: npt.NDArray[np.float64]

    @classmethod
    def of(cls, scene: Scene, volume: Volume, height: int) -> Sheets:
        """For pictures with so many rows."""
        planes, boxes, tables, scales, lines = [], [], [], [], []
        whole, cropped = view.visible_box(volume.placement, None), view.visible_box(volume.placement, scene.crop)
        shown = [s for s in scene.slices if s.opacity > 0.0]
        for some in shown:
            normal = np.asarray(some.normal) / np.linalg.norm(some.normal)
            planes.append([*normal, -float(normal @ some.origin)])
            boxes.append(_loosened(cropped if some.cropped else whole))
            look = look_up(replace(scene.transfer, color=some.color or scene.transfer.color), volume)
            alpha = look.colors[:, 3:] > 0.0 if some.masked else np.ones((len(look.colors), 1))
            tables.append(np.concatenate([look.colors[:, :3], alpha], axis=1))
            scales.append(look.scale)
            lines.append([*(some.outline or (0.0, 0.0, 0.0)), some.line * height if some.outline else 0.0])
        return cls(
            np.array(planes).reshape(-1, 4),
            np.array(boxes).reshape(-1, 2, 3),
            np.array([s.cropped for s in shown], bool),
            np.concatenate([np.zeros((0, 4)), *tables]).astype(np.float32),
            np.cumsum([0, *map(len, tables)]),
            np.array(scales).reshape(-1, 2),
            np.array([s.opacity for s in shown]),
            np.array([s.masked for s in shown], bool),
            np.array(lines).reshape(-1, 4),
        )


def _loosened(box: Box) -> list[list[float]]:
    return [[v - LOOSE for v in box.lower], [v + LOOSE for v in box.upper]]


class Slicer:
    """Draws slices of one volume, out of the pool that the volume itself is drawn from.

    hold : makes such bricks (z, y, x) of a level resident
    """

    def __init__(
        self,
        volume: Volume,
        pool: BrickPool,
        threads: ThreadPoolExecutor,
        hold: Callable[[int, npt.NDArray[np.bool_]], None],
    ) -> None:
        self.volume, self.pool, self.threads, self.hold = volume, pool, threads, hold

    def draw(
        self,
        scene: Scene,
        frame: npt.NDArray[np.float64],
        state: npt.NDArray[np.float32],
        base: npt.NDArray[np.float32],
        volume: Draw,
    ) -> int:
        """Draw the slices of a scene, and the volume between them.

        frame, state : as in kernels.march
        base   : (rows, columns, 2) float32: depths between which rays are drawn at all; (0, 0, 0) where that is all
        volume : draws the volume between depths (rows, columns, 2), of which it is told the nearest and the farthest
        Returns the samples that this took, as `volume` counts them.
        """
        height, width = state.shape[:2]
        sheets = Sheets.of(scene, self.volume, height)
        if not len(sheets.planes) or scene.blend != "composite":
            # a projection knows no in front and behind
            return volume(base, (0.0, np.inf))
        limits, depth = np.empty((height, width, 2), np.float32), np.empty((height, width), np.float32)
        which = np.empty((height, width), np.int8)
        tiles = view.Window(0, height, 0, width).tiles(TILE)
        number = samples = 0
        while True:
            found: list[tuple[int, float, float]] = []

            def cross(tile: npt.NDArray[np.int64], number: int = number, found: list[Any] = found) -> None:
                found.append(
                    crossings(
                        number, sheets.planes, sheets.boxes, sheets.cut, frame, tile, state, base, limits, depth, which
                    )
                )

            for_each(self.threads, tiles, cross)
            most, near, far = (f(values) for f, values in zip((max, min, max), zip(*found, strict=True), strict=True))
            if near < far:
                samples += volume(limits, (near, far))
            if number >= most:
                return samples
            self._paint(scene, sheets, frame, state, depth, which)
            number += 1

    def _paint(
        self,
        scene: Scene,
        sheets: Sheets,
        frame: npt.NDArray[np.float64],
        state: npt.NDArray[np.float32],
        depth: npt.NDArray[np.float32],
        which: npt.NDArray[np.int8],
    ) -> None:
        """Lay the slices at the crossings in hand over all rays: level by level, and in parts where bricks are many."""
        height, width = state.shape[:2]
        placements = [level.placement for level in self.volume.levels]
        box = view.visible_box(self.volume.placement, None)
        shells = view.shells(scene.camera, box, placements, height, SHARP)
        begins = np.array([shell.near for shell in shells])
        for turn, shell in enumerate(shells):
            grid = placements[shell.level]
            place = (begins, turn, frame, np.asarray(grid.origin), 1.0 / np.asarray(grid.step), np.array(grid.shape))
            windows = [view.Window(0, height, 0, width)]
            while windows:
                window = windows.pop()
                wanted = np.zeros(brick_grid(grid.shape), bool)
                tiles = window.tiles(TILE)

                def mark(tile: Any, place: Any = place, wanted: Any = wanted) -> None:
                    bricks_met(tile, state, depth, which, *place, wanted)

                for_each(self.threads, tiles, mark)
                count = np.count_nonzero(wanted)
                if count > self.pool.capacity:
                    windows += window.halves() or ()
                elif count:
                    self.hold(shell.level, wanted)
                    self._lay(shell.level, tiles, sheets, state, depth, which, place)

    def _lay(
        self, level: int, tiles: list[Any], sheets: Sheets, state: npt.NDArray[np.float32],
        depth: npt.NDArray[np.float32], which: npt.NDArray[np.int8], place: Any,
    ) -> None:  # fmt: skip
        slots, samples = self.pool.slots[level], self.pool.samples.reshape(-1)
        scales = sheets.scales - np.array([self.pool.offset, 0.0])
        nearest = self.volume.kind != "intensity"

        def lay(tile: npt.NDArray[np.int64]) -> None:
            paint(
                tile, state, depth, which, *place, slots, samples, nearest, sheets.planes, sheets.boxes,
                sheets.tables, sheets.rows, scales, sheets.opacity, sheets.masked, sheets.line,
            )  # fmt: skip

        for_each(self.threads, tiles, lay)


def narrowed(planes: view.Planes, near: float, far: float) -> view.Planes:
    """Such planes as samples between two depths may lie on; the depths of rays that are drawn nowhere else."""
    first = max(planes.first, int(np.floor(max(near, 0.0) / planes.step)) - 1)
    end = planes.end if not np.isfinite(far) else min(planes.end, int(np.ceil(far / planes.step)) + 1)
    return replace(planes, first=first, end=max(first, end))
