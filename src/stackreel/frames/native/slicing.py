"""Slices in the volume: planes that show its values, at full resolution, at their depth among the rest.

Each ray knows where it meets each plane. The volume is drawn up to the first crossing of every ray, the planes are
laid over what has been gathered there, then the volume goes on from the first crossing to the second, and so on. So
planes may cross one another, tissue in front of one dims it, and nothing behind an opaque one is drawn.

In a projection rays gather values instead of light. There a plane takes the share of a ray's picture that its opacity
says, and shows itself in it, with the projection of what lies in front over it; the rest is as if it were not there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native import view
from stackreel.frames.native.plan import SlicePass
from stackreel.frames.native.pool import BrickPool, for_each
from stackreel.frames.native.sheets import Sheets
from stackreel.frames.native.tables import look_up
from stackreel.kernels.painting import paint
from stackreel.kernels.run import TILE
from stackreel.kernels.slicing import crossings
from stackreel.scene import Scene
from stackreel.volume import Volume


@dataclass(frozen=True, eq=False, slots=True)
class Inks:
    """What values look like on the slices of a scene, as kernels.painting.paint wants it."""

    samples: npt.NDArray[Any]
    nearest: bool
    tables: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float64]
    mixture: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, sheets: Sheets, scene: Scene, volume: Volume, pool: BrickPool) -> Inks:
        """For a volume of one channel."""
        tables, scales = [np.zeros((0, 4))], []
        for some in sheets.shown:
            look = look_up(replace(scene.transfer, color=some.color or scene.transfer.color), volume)
            alpha = look.colors[:, 3:] > 0.0 if some.masked else np.ones((len(look.colors), 1))
            tables.append(np.concatenate([look.colors[:, :3], alpha], axis=1))
            scales.append(look.scale - np.array([pool.offset, 0.0]))
        return cls(
            pool.samples.reshape(-1),
            volume.kind != "intensity",
            np.concatenate(tables).astype(np.float32),
            np.cumsum([len(table) for table in tables]),
            np.array(scales).reshape(-1, 2),
        )


class Slicer:
    """Draws the slices of one picture, as its plan says, out of the pool that the volume itself is drawn from.

    limits : (rows, columns, 2) float32: between which depths rays run up to the crossing in hand, from the one before
    """

    def __init__(
        self,
        sheets: Sheets,
        volume: Volume,
        frame: npt.NDArray[np.float64],
        state: npt.NDArray[np.float32],
        base: npt.NDArray[np.float32],
        threads: ThreadPoolExecutor,
    ) -> None:
        """frame, state : as in kernels.march; base : limits of the whole rays, (0, 0, 0) where there are none."""
        self._sheets, self._volume, self._frame, self._state, self._base = sheets, volume, frame, state, base
        self._threads = threads
        height, width = state.shape[:2]
        self.limits = np.empty((height, width, 2), np.float32)
        self._depth, self._which = np.empty((height, width), np.float32), np.empty((height, width), np.int8)

    def cross(self, number: int) -> None:
        """Go on to every ray's crossing of that number."""
        sheets = self._sheets

        def cross(tile: npt.NDArray[np.int64]) -> None:
            crossings(
                number, sheets.planes, sheets.boxes, sheets.cut, self._frame, tile, self._base, self.limits,
                self._depth, self._which,
            )  # fmt: skip

        height, width = self._depth.shape
        for_each(self._threads, view.Window(0, height, 0, width).tiles(TILE), cross)

    def lay(self, one: SlicePass, slots: npt.NDArray[np.int32], inks: Inks, projected: tuple[Any, ...] | None) -> None:
        """Lay what a pass shows over its rays; its bricks are resident.

        slots : (bricks z, y, x) of the level; projected : as in kernels.painting.paint
        """
        sheets, grid = self._sheets, self._volume.levels[one.level].placement
        begins = np.array([shell.near for shell in one.shells])
        place = (begins, one.turn, self._frame, np.asarray(grid.origin), 1.0 / np.asarray(grid.step))

        def lay(tile: npt.NDArray[np.int64]) -> None:
            paint(
                tile, self._state, self._depth, self._which, *place, np.array(grid.shape), slots, inks.samples,
                inks.nearest, sheets.planes, sheets.boxes, inks.tables, inks.rows, inks.scales, sheets.opacity,
                sheets.masked, sheets.line, inks.mixture, projected,
            )  # fmt: skip

        for_each(self._threads, one.window.tiles(TILE), lay)
