"""What a movie file needs to know about its volume: where it stands, how big it is, which values it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stackreel.geometry import Box, Vec3

Kind = Literal["intensity", "axial", "label"]


@dataclass(frozen=True, slots=True)
class Subject:
    """The volume as a movie sees it.

    bounds      : the volume's box in world coordinates
    um_per_unit : micrometres in one world unit; None when the data carry no physical size
    value_range : smallest and largest value
    kind        : intensity, axial (angles where 0° and 180° are the same) or label (regions)
    step        : world size of a voxel along (x, y, z)
    histogram   : (edges, counts), one edge more than counts; None when unknown
    period      : of axial values: the step after which the direction repeats; None otherwise
    background  : the axial value that means "no direction"; None when there is none
    numbers     : share of the samples that are numbers; the rest is NaN, as outside a mask
    anatomical  : x, y, z run to the right, to anterior, to superior (RAS+), as in a converted head; else sections lie
                  as they were scanned, rows running down
    channels    : registered volumes by name, this one among them; empty when it stands alone
    """

    bounds: Box
    um_per_unit: float | None = None
    value_range: tuple[float, float] = (0.0, 255.0)
    kind: Kind = "intensity"
    step: Vec3 = (0.001, 0.001, 0.001)
    histogram: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    period: float | None = None
    background: float | None = None
    numbers: float = 1.0
    anatomical: bool = False
    channels: tuple[tuple[str, Subject], ...] = ()

    def __post_init__(self) -> None:
        if self.histogram is not None:
            edges, counts = self.histogram
            if len(edges) != len(counts) + 1:
                raise ValueError(f"a histogram of {len(counts)} counts needs {len(counts) + 1} edges, not {len(edges)}")

    def channel(self, name: str) -> Subject:
        """The volume with that name; this one itself where it stands alone."""
        return dict(self.channels).get(name, self)

    @property
    def extent(self) -> Box:
        """The bounds grown by half a voxel on every side: all that a crop can show. Never flat."""
        (x0, y0, z0), (x1, y1, z1), (dx, dy, dz) = self.bounds.lower, self.bounds.upper, self.step
        return Box((x0 - dx / 2, y0 - dy / 2, z0 - dz / 2), (x1 + dx / 2, y1 + dy / 2, z1 + dz / 2))

    @property
    def color_range(self) -> tuple[float, float]:
        """The value range, widened when all values are equal, so that a colour map has room."""
        lo, hi = self.value_range
        return (lo, hi) if hi > lo else (lo, lo + 1.0)
