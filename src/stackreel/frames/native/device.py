"""What sends the rays through the bricks: the processor's cores here, a graphics card in `cuda`.

Both take the same samples at the same places and gather the same light from them. The processor does it tile by tile,
many neighbouring pixels at a time; a graphics card does it ray by ray, thousands of them at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stackreel.frames.native import view
from stackreel.frames.native.pool import for_each
from stackreel.frames.native.tables import LookUp
from stackreel.geometry import Placement
from stackreel.kernels.cover import bricks_of_tiles, front_to_back
from stackreel.kernels.march import march
from stackreel.kernels.run import TILE


@dataclass(frozen=True)
class Walk:
    """Some planes of a shell in a window, and all that their rays meet. Arrays as in kernels.march.

    planes, window : which samples are taken, of which pixels
    frame   : (4, 3): the camera, from view.ray_frame; size : of the picture, (width, height)
    bounds  : the visible box in sample indices of the level, whose grid is `grid`
    state, limits : what the rays have gathered, which is what a pass changes, and between which depths they gather
    wanted, slots : (bricks z, y, x) of the level: which bricks the rays may meet, and where these are in
    samples : (slots, 37³) the pool; offset : to be added to samples to get values
    cells   : (slots,) uint64: which parts of a brick hold something visible
    look    : what values look like
    light   : light_vector's; around : openness, its size, origin and step
    relief  : what slopes are taken from, as kernels.march wants it: from relief.Relief
    nearest : take the nearest sample instead of interpolating
    blend   : run.COMPOSITE, or what else the rays do
    lamps   : fill and rim light, from light.lamps_of; cuts : planes whose cut faces are lit as such
    mixture : layers of several channels, as kernels.march wants them; None for one
    """

    planes: view.Planes
    window: view.Window
    frame: npt.NDArray[np.float64]
    size: tuple[int, int]
    bounds: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    grid: Placement
    state: npt.NDArray[np.float32]
    limits: npt.NDArray[np.float32]
    wanted: npt.NDArray[np.bool_]
    slots: npt.NDArray[np.int32]
    samples: npt.NDArray[Any]
    offset: float
    cells: npt.NDArray[np.uint64]
    look: LookUp
    light: npt.NDArray[np.float64]
    around: tuple[npt.NDArray[Any], ...]
    relief: tuple[Any, ...]
    nearest: bool
    blend: int
    lamps: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 4)))
    cuts: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    mixture: tuple[Any, ...] | None = None

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """The look-up's scale for samples as the pool keeps them."""
        first, per_value = self.look.scale
        return np.array([first - self.offset, per_value])

    @property
    def depths(self) -> npt.NDArray[np.float64]:
        return np.array([self.planes.shell.near, self.planes.shell.far])

    @property
    def span(self) -> npt.NDArray[np.int64]:
        return np.array([self.planes.first, self.planes.end])


class Device(Protocol):
    """Something that walks rays through the bricks of one volume."""

    def walk(self, this: Walk) -> int:
        """Carry the rays of a pass through it; returns the samples taken."""
        ...

    def finish(self, state: npt.NDArray[np.float32]) -> None:
        """Have in `state` what all its passes gathered."""
        ...

    def close(self) -> None: ...


class Processor:
    """The processor's cores."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.threads = threads

    def walk(self, this: Walk) -> int:
        frame, size, step = this.frame, this.size, this.planes.step
        origin, spacing = np.asarray(this.grid.origin), np.asarray(this.grid.step)
        bricks = front_to_back(this.wanted, this.slots, this.cells, (frame[0] - origin) / spacing)
        margin = 0.5 * step * np.abs(frame[1:]).sum(axis=0) / spacing
        met, begins = bricks_of_tiles(bricks, frame, origin, spacing, size, TILE, margin)
        columns = -(-size[0] // TILE)
        samples = this.samples.reshape(-1)
        depths, span, scale = this.depths, this.span, this.scale
        taken: list[int] = []

        def walk(tile: npt.NDArray[np.int64]) -> None:
            at = tile[0] // TILE * columns + tile[2] // TILE
            some = met[begins[at] : begins[at + 1]]
            if len(some):
                taken.append(
                    march(
                        this.state, tile, frame, origin, 1.0 / spacing, *this.bounds, depths, span, step, some, bricks,
                        samples, this.cells, this.look.packed, this.look.areas, scale, this.light, *this.around,
                        this.nearest, this.blend, this.limits, this.lamps, this.cuts, this.mixture,
                        *this.relief,
                    )
                )  # fmt: skip

        for_each(self.threads, this.window.tiles(TILE), walk, batch=2)
        return sum(taken)

    def finish(self, state: npt.NDArray[np.float32]) -> None:
        pass

    def close(self) -> None:
        pass


Pass = Walk
