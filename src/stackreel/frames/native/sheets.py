"""Where the slices of a scene stand, and which bricks they will show: known from their planes, before anything is read.

Each ray knows where it meets each plane, and goes no further than the first that lets nothing through. So it is also
known between which depths the volume is seen before, between and behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackreel.frames.engine import Output
from stackreel.frames.native import view
from stackreel.geometry import Box
from stackreel.kernels.run import TILE
from stackreel.kernels.sample import BRICK
from stackreel.kernels.slicing import foresee
from stackreel.scene import Camera, Scene, Slice
from stackreel.volume import Volume

SHARP = 1.0
"""A voxel on a slice may cover at most so many pixels, where the volume has finer ones."""
LOOSE = 1e-6
"""World lengths by which a slice may lie outside its box, so that one on the face of a crop is seen."""


@dataclass(frozen=True, eq=False, slots=True)
class Sheets:
    """The slices of a scene that show anything, as kernels.slicing wants them; colours apart."""

    shown: tuple[Slice, ...]
    planes: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64]
    cut: npt.NDArray[np.bool_]
    opacity: npt.NDArray[np.float64]
    masked: npt.NDArray[np.bool_]
    line: npt.NDArray[np.float64]

    @classmethod
    def of(cls, scene: Scene, volume: Volume, height: int) -> Sheets:
        """For pictures with so many rows."""
        planes, boxes, lines = [], [], []
        whole, cropped = view.visible_box(volume.placement, None), view.visible_box(volume.placement, scene.crop)
        shown = tuple(some for some in scene.slices if some.opacity > 0.0)
        for some in shown:
            normal = np.asarray(some.normal) / np.linalg.norm(some.normal)
            planes.append([*normal, -float(normal @ some.origin)])
            box = _loosened(cropped if some.cropped else whole)
            boxes.append([box.lower, box.upper])
            lines.append([*(some.outline or (0.0, 0.0, 0.0)), some.line * height if some.outline else 0.0])
        return cls(
            shown,
            np.array(planes).reshape(-1, 4),
            np.array(boxes).reshape(-1, 2, 3),
            np.array([s.cropped for s in shown], bool),
            np.array([s.opacity for s in shown]),
            np.array([s.masked for s in shown], bool),
            np.array(lines).reshape(-1, 4),
        )

    @property
    def lets_through(self) -> npt.NDArray[np.float64]:
        """The share of light that each lets through wherever it is."""
        return np.where(self.masked, 1.0, 1.0 - self.opacity)


def _loosened(box: Box) -> Box:
    x0, y0, z0 = box.lower
    x1, y1, z1 = box.upper
    return Box((x0 - LOOSE, y0 - LOOSE, z0 - LOOSE), (x1 + LOOSE, y1 + LOOSE, z1 + LOOSE))


def shells_of(camera: Camera, volume: Volume, rows: int) -> tuple[view.Shell, ...]:
    """Which level slices show at which depth."""
    box = view.visible_box(volume.placement, None)
    return view.shells(camera, box, [level.placement for level in volume.levels], rows, SHARP)


class Meeting:
    """Where the rays of one picture will meet its slices.

    shells : the levels that slices show, near to far
    window : the pixels that may show anything of them
    """

    def __init__(
        self, sheets: Sheets, scene: Scene, volume: Volume, output: Output, clip: npt.NDArray[np.float64],
        threads: ThreadPoolExecutor | None = None,
    ) -> None:  # fmt: skip
        """clip : planes that cut rays away, as in kernels.cut"""
        self._sheets, self._clip, self._size, self._threads = sheets, clip, output.size, threads
        self._frame = view.ray_frame(scene.camera, output.size)
        self.shells = shells_of(scene.camera, volume, output.size[1])
        self.window = view.window_of(_loosened(view.visible_box(volume.placement, None)), scene.camera, output.size)
        grids = [volume.levels[shell.level].placement for shell in self.shells]
        self._begins = np.array([shell.near for shell in self.shells])
        self._origins = np.array([grid.origin for grid in grids]).reshape(-1, 3)
        self._per_steps = 1.0 / np.array([grid.step for grid in grids]).reshape(-1, 3)
        self._shapes = np.array([grid.shape for grid in grids], np.int64).reshape(-1, 3)
        self._grids = -(-self._shapes // BRICK)
        self._first = np.concatenate([[0], np.cumsum(np.prod(self._grids, axis=1))])

    def within(self, window: view.Window) -> tuple[list[list[npt.NDArray[np.int32]]], npt.NDArray[np.float64]]:
        """What the rays of a window meet.

        Returns for every crossing, near to far, and each of `shells` the flat places of the bricks there; and before
        every crossing, and behind the last, the depths (crossings + 1, 2) between which some ray sees anything.
        """
        count = len(self._sheets.planes)
        marks = np.zeros((count, int(self._first[-1])), bool)
        found: list[npt.NDArray[np.float64]] = []

        def look(tile: npt.NDArray[np.int64]) -> None:
            sheets, (width, height) = self._sheets, self._size
            reach = np.tile([np.inf, 0.0], (count + 1, 1))
            foresee(
                (height, width), tile, sheets.planes, sheets.boxes, sheets.cut, sheets.lets_through, self._clip,
                self._frame, self._begins, self._origins, self._per_steps, self._shapes, self._grids, self._first,
                marks, reach,
            )  # fmt: skip
            found.append(reach)

        if self.shells:
            for _ in self._map(look, window.tiles(TILE)):
                pass
        reach = np.stack(found) if found else np.tile([np.inf, 0.0], (1, count + 1, 1))
        parts = list(zip(self._first, self._first[1:], strict=False))
        bricks = [[np.flatnonzero(row[a:b]).astype(np.int32) for a, b in parts] for row in marks]
        return bricks, np.stack([reach[..., 0].min(axis=0), reach[..., 1].max(axis=0)], axis=-1)

    def _map(self, look: object, tiles: list[npt.NDArray[np.int64]]) -> Iterator[object]:
        assert callable(look)
        return map(look, tiles) if self._threads is None else self._threads.map(look, tiles)
