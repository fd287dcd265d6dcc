"""The levels of a volume while it is made: each waits for the samples of a full band, and knows when it has them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.volume.pyramid import CHUNK, SLAB, LevelPlan
from stackreel.volume.reduction import LENGTHS, Lengths
from stackreel.volume.shelf import Shelf
from stackreel.volume.store import Store

Block = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Extent:
    """Samples of a level that are complete: the plane and row where they begin, and how many (all columns)."""

    index: int
    z0: int
    y0: int
    planes: int
    rows: int


@dataclass(frozen=True)
class Band:
    """An extent with its samples (z, y, x), and the lengths of axial ones, where they are not all worth the same."""

    extent: Extent
    samples: npt.NDArray[Any]
    lengths: Lengths | None = None


class LevelWriter:
    """One level under construction: its data sets, its statistics, and the samples that wait for a full band.

    samples, lengths : data sets; lengths None where the level has none
    low, high, mask  : of every brick, as volume.Summary has them
    z0, y0           : plane and row where what waits begins
    empty            : what stands where no sample has come yet
    """

    def __init__(
        self,
        into: Store,
        name: str,
        plan: LevelPlan,
        dtype: np.dtype[Any],
        band_rows: int,
        *,
        companion: bool,
        samples: Shelf | None = None,
        empty: float = 0.0,
    ) -> None:
        self.plan, self._nothing = plan, empty
        self.samples = samples or Shelf(into, name, plan, dtype)
        resultant = companion and plan.index > 0
        self.lengths = Shelf(into, name, plan, LENGTHS, resultants=True) if resultant else None
        self.low = np.zeros(plan.bricks, dtype)
        self.high = np.zeros(plan.bricks, dtype)
        self.mask = np.zeros(plan.bricks, np.uint64)
        self._depth = SLAB // plan.factors[0] if plan.streamed else SLAB
        self._rows = max(CHUNK[1], band_rows // plan.factors[1]) if plan.streamed else plan.shape[1]
        self._band = (min(self._depth, plan.shape[0]), min(self._rows, plan.shape[1]), plan.shape[2])
        self._empty()
        self.z0 = 0
        self.y0 = 0

    @property
    def statistics(self) -> dict[str, npt.NDArray[Any]]:
        return {"low": self.low, "high": self.high, "mask": self.mask}

    @property
    def shelves(self) -> list[Shelf]:
        return [self.samples] if self.lengths is None else [self.samples, self.lengths]

    def bricks(self, place: Index3) -> Block:
        """The bricks of a chunk, as an index into the statistics."""
        per = [-(-c // b) for c, b in zip(self.plan.chunk, self.plan.brick, strict=True)]
        z, y, x = (slice(p * n, p * n + n) for p, n in zip(place, per, strict=True))
        return (z, y, x)

    def completed_by(self, below: Extent) -> Extent | None:
        """What is complete here once the level below is at the end of such an extent; None while it has to wait.

        What comes then begins to wait in its place.
        """
        plan, z0, y0 = self.plan, self.z0, self.y0
        z_end = -(-(below.z0 + below.planes) // plan.halved[0])
        y_end = -(-(below.y0 + below.rows) // plan.halved[1])
        plane_done = y_end == plan.shape[1]
        if plan.streamed:
            full = plane_done or y_end - y0 == self._rows
        else:
            full = plane_done and (z_end - z0 == self._depth or z_end == plan.shape[0])
        if not full:
            return None
        self.z0, self.y0 = (z_end, 0) if plane_done else (z0, y_end)
        return Extent(plan.index, z0, y0, z_end - z0, y_end - y0)

    def take(self, extent: Extent) -> Band:
        """What waited, now complete."""
        part = (slice(0, extent.planes), slice(0, extent.rows))
        lengths = None if self._waiting_lengths is None else self._waiting_lengths[part]
        band = Band(extent, self._waiting[part], lengths)
        self._empty()
        return band

    def room(self, at: Sequence[int], shape: Sequence[int]) -> tuple[npt.NDArray[Any], Lengths | None] | None:
        """Where a block of the level below goes, with its lengths; None where that is not among what waits."""
        halved = self.plan.halved
        begins = [o // f - first for o, f, first in zip(at, halved, (self.z0, self.y0, 0), strict=True)]
        counts = [-(-n // f) for n, f in zip(shape, halved, strict=True)]
        if min(begins) < 0 or any(b + n > size for b, n, size in zip(begins, counts, self._band, strict=True)):
            return None
        where = tuple(slice(b, b + n) for b, n in zip(begins, counts, strict=True))
        return self._waiting[where], None if self._waiting_lengths is None else self._waiting_lengths[where]

    def aside(self) -> LevelWriter:
        """A copy of what waits and of the statistics: whatever is done to it leaves this level as it is."""
        other = copy(self)
        other.low, other.high, other.mask = self.low.copy(), self.high.copy(), self.mask.copy()
        other._waiting = self._waiting.copy()
        other._waiting_lengths = None if self._waiting_lengths is None else self._waiting_lengths.copy()
        return other

    def as_it_waits(self) -> Band:
        """What waits, with nothing where samples have still to come; not to be written to."""
        planes, rows = (min(n, s - o) for n, s, o in zip(self._band, self.plan.shape, (self.z0, self.y0), strict=False))
        extent = Extent(self.plan.index, self.z0, self.y0, max(0, planes), rows)
        part = (slice(0, extent.planes), slice(0, rows))
        lengths = None if self._waiting_lengths is None else self._waiting_lengths[part]
        return Band(extent, self._waiting[part], lengths)

    def _empty(self) -> None:
        room = self._band if self.plan.index else (0, 0, 0)
        # not merely any memory: see `aside`
        self._waiting = np.zeros(room, self.samples.dtype)
        if self._nothing:
            self._waiting[...] = self._nothing
        self._waiting_lengths = None if self.lengths is None else np.zeros(room, LENGTHS)
