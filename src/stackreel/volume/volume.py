"""One brain, many resolutions: what a volume is, whichever file it lives in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3, Placement, Spacing

Kind = Literal["intensity", "axial", "label"]
KINDS: tuple[Kind, ...] = ("intensity", "axial", "label")


@dataclass(frozen=True)
class Histogram:
    """How often values occur at full resolution: counts (n,) between edges (n + 1,)."""

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]

    def percentile(self, percent: float, *, above: float | None = None) -> float:
        """The value below which so many percent of the samples lie, counting only bins that begin above `above`."""
        counts = self.counts.astype(np.float64)
        if above is not None:
            counts = np.where(self.edges[:-1] > above, counts, 0.0)
        total = counts.sum()
        if total == 0.0:
            return float(self.edges[-1])
        return float(np.interp(percent / 100.0 * total, np.concatenate([[0.0], np.cumsum(counts)]), self.edges))


@dataclass(frozen=True)
class Summary:
    """What a level holds, brick by brick, without reading it.

    brick     : (z, y, x) samples; the last ones are smaller
    low, high : lowest and highest value, shape (bricks z, y, x); low is -inf where a sample is no finite number
    mask      : uint64; bit k says that a value in the k-th 64th of low..high occurs; 0 where no sample is a number
    """

    brick: Index3
    low: npt.NDArray[Any]
    high: npt.NDArray[Any]
    mask: npt.NDArray[np.uint64]


class Level(Protocol):
    """One resolution of a volume. Reading is thread-safe and counted."""

    @property
    def index(self) -> int: ...
    @property
    def shape(self) -> Index3: ...
    @property
    def factors(self) -> Index3: ...
    @property
    def placement(self) -> Placement: ...
    @property
    def chunk(self) -> Index3: ...
    @property
    def dataset(self) -> str: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def stored_bytes(self) -> int: ...
    @property
    def bytes_read(self) -> int: ...

    def summary(self) -> Summary: ...

    def stored_chunks(self) -> npt.NDArray[np.int64]:
        """Stored bytes of every chunk, (chunks z, y, x); 0 where all is zero and nothing is stored."""
        ...

    def read_chunk(self, index: Index3) -> npt.NDArray[Any] | None:
        """The decoded chunk at such a place in the chunk grid, full chunk size; None when it is all zero.

        Raises CorruptChunkError, naming file, level and chunk.
        """
        ...

    def read(self, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        """Samples of a (z, y, x) box inside the level."""
        ...


@dataclass(frozen=True)
class Volume:
    """A registered stack in all its resolutions.

    name        : of the data, as ParaView shows it
    kind        : intensity, axial (angles with a period) or label
    period      : of axial values, None otherwise
    background  : the axial value that means "no direction", None when there is none
    reduced_by  : what a sample of a coarser level is: mean (of axial data: of the doubled angle), max or mode
    placement   : of the full resolution in the world
    value_range : lowest and highest value
    fingerprint : names this data; two files with the same voxels in the same place share it
    provenance  : where it comes from, in words
    channels    : registered volumes that may be shown together, by name, this one among them; see volume.registered
    """

    path: Path
    name: str
    kind: Kind
    period: float | None
    background: float | None
    dtype: np.dtype[Any]
    spacing: Spacing
    placement: Placement
    value_range: tuple[float, float]
    histogram: Histogram
    fingerprint: str
    levels: tuple[Level, ...]
    reduced_by: str = "mean"
    provenance: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, Volume] = field(default_factory=dict)

    def channel(self, name: str) -> Volume:
        """The channel with that name, or the first of them for ""; this volume itself where it stands alone."""
        first = next(iter(self.channels.values()), self)
        return self.channels.get(name, first)

    @property
    def shape(self) -> Index3:
        return self.placement.shape

    @property
    def summarised(self) -> bool:
        """Whether the values are known; False of slices that were linked without looking at them."""
        return len(self.histogram.counts) > 0

    @property
    def nbytes(self) -> int:
        """Bytes of the full resolution when decoded."""
        z, y, x = self.shape
        return z * y * x * self.dtype.itemsize
