"""A pass as single rays want it: a few numbers, and a table of the bricks that hold something visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.device import Walk
from stackreel.frames.native.tables import unpacked
from stackreel.kernels import rays


@dataclass(frozen=True)
class Raywise:
    """What kernels.rays.ray wants beside the pool, the rays' states and openness.

    bricks : (n,) int64: the bricks of the table, as flat indices of the level's bricks; slots : (n,) where they are
    """

    numbers: npt.NDArray[np.float64]
    whole: npt.NDArray[np.int64]
    table: npt.NDArray[np.int32]
    bricks: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int32]
    bits: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, this: Walk) -> Raywise:
        light, planes, window = this.light, this.planes, this.window
        spacing = np.asarray(this.grid.step)
        _, open_size, open_origin, open_step = this.around
        _, _, relief_size, relief_origin, relief_step = this.relief
        numbers = rays.numbers_of(
            this.frame, this.size, np.asarray(this.grid.origin), 1.0 / spacing, *this.bounds, this.depths,
            planes.step, light, open_origin, open_step, this.scale, this.lamps, this.cuts,
            relief_origin, relief_step,
        )  # fmt: skip
        bricks = np.flatnonzero(this.wanted)
        slots = this.slots.reshape(-1)[bricks]
        bits = this.cells[slots]
        seen = bits != 0
        bricks, slots, bits = bricks[seen], slots[seen], bits[seen]
        at = np.stack(np.unravel_index(bricks, this.wanted.shape)) if len(bricks) else np.zeros((3, 0), np.int64)
        first = at.min(axis=1) if len(bricks) else np.zeros(3, np.int64)
        shape = at.max(axis=1) - first + 1 if len(bricks) else np.ones(3, np.int64)
        table = np.full(shape, -1, np.int32)
        table[tuple(at - first[:, None])] = np.arange(len(bricks), dtype=np.int32)
        whole = [planes.first, planes.end, *first[::-1], *open_size]
        whole += [window.top, window.bottom, window.left, window.right, *relief_size]
        return cls(numbers, np.array(whole, np.int64), table, bricks, slots, bits)


def mode(this: Walk) -> tuple[bool, bool, int, bool]:
    """How a pass's rays are walked: shaded, nearest, blend, limited."""
    weights = [*this.light[[1, 2, 8]], *this.lamps[:, 0]]
    return bool(max(weights) > 0.0), this.nearest, this.blend, this.limits.size > 0


def colors_of(this: Walk) -> npt.NDArray[np.float64]:
    """The look-up as rays want it, (entries + 1, 8): the numbers that march unpacks, and the sums of those before."""
    areas = this.look.areas.reshape(-1, 4)
    colors = unpacked(this.look.packed)
    return np.concatenate([np.append(colors, colors[-1:], axis=0), areas], axis=1)
