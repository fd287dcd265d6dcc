"""How a volume's kind becomes the numbers of the next level: means, maxima, axial means or modes, never the wrong one.

Coarse levels of directions need a second number a sample, the length of the mean vector: see Reduction.into. Against
the exact mean of all fine samples, 64 × 64 pixels of two crossing bundles with noise, with or without a third of
background, the mean error is then 0.20° for uint8 with period 256 (of which 0.18° is the rounding of one code), 0.03°
for uint16 with period 1800 and below 0.01° for float32. Lengths of one byte bring the latter two to 0.04° and 0.02°,
and where the background's border frays into single pixels all to 0.5° and more: they cannot tell how little a cell is
worth that has a few dozen of 4096 samples. Without lengths it is 4.4°, with background 4.9°.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stackreel.errors import VolumeError
from stackreel.kernels import axial
from stackreel.kernels import reduce as kernels
from stackreel.volume.volume import KINDS, Kind

How = Literal["mean", "max", "mode"]
POSSIBLE: dict[Kind, tuple[How, ...]] = {"intensity": ("mean", "max"), "axial": ("mean",), "label": ("mode",)}
"""How samples of a kind may be reduced; the first is what happens when nothing is said."""

Lengths = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

LENGTHS = np.dtype(np.uint16)
"""What lengths are best kept in; one byte does, but for cells that are nearly empty."""

_NO_TURNS = np.empty((0, 2))


@dataclass(frozen=True, slots=True)
class Reduction:
    """What one sample of a coarser level is, given the samples it stands for.

    kind       : intensity → mean or maximum, axial → mean of the doubled angle, label → mode
    period     : of axial values: the step in value after which the direction is the same again
    background : the axial value that means "no direction"; None when every value is one
    how        : "mean", "max" (what is bright and thin stays bright: vessels, sparse fibres) or "mode"; left out: the
                 first of them that the kind can have
    """

    kind: Kind
    period: float | None = None
    background: float | None = None
    how: How | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise VolumeError(f'kind "{self.kind}" is none of {", ".join(KINDS)}')
        if self.kind == "axial" and not (self.period and 0 < self.period < math.inf):
            raise VolumeError(
                "axial data need --period: the step in value after which the direction is the same again "
                "(180 for degrees, 3.14159 for radians, 256 where 0..255 is half a turn)"
            )
        if self.kind != "axial" and self.period is not None:
            raise VolumeError(f"--period belongs to axial data; this is {self.kind} data")
        if self.kind != "axial" and self.background is not None:
            raise VolumeError(
                f"--background belongs to axial data; this is {self.kind} data: hide values with the opacity instead"
            )
        possible = POSSIBLE[self.kind]
        if self.how is None:
            object.__setattr__(self, "how", possible[0])
        elif self.how not in possible:
            raise VolumeError(_WAYS[self.kind].format(how=self.how))

    @property
    def companion(self) -> bool:
        """Whether levels need a second number a sample, so that they do not drift: the lengths of `into`."""
        return self.kind == "axial"

    def check(self, dtype: np.dtype[Any]) -> None:
        """Raises VolumeError where the kind and the samples' type do not go together."""
        if self.kind == "label" and dtype.kind not in "ui":
            raise VolumeError(f"labels are integers; these slices hold {dtype}. Use --kind intensity")
        if self.kind == "axial" and dtype.kind in "ui" and not 2 <= (self.period or 0) <= 2 ** (8 * dtype.itemsize):
            raise VolumeError(
                f"--period {self.period:g}: {dtype} samples have {2 ** (8 * dtype.itemsize):,} values, and directions "
                "between them must be among these; give the step in value after which the direction is the same again"
            )
        if self.background is not None and not _holds(dtype, self.background):
            raise VolumeError(
                f"--background {self.background:g}: no sample of type {dtype} has that value; give the one that "
                "stands for no direction, or leave it out (NaN never counts as a direction)"
            )

    def into(
        self,
        src: npt.NDArray[Any],
        out: npt.NDArray[Any],
        halved: Sequence[int],
        weights: tuple[float, float, float],
        lengths: Lengths | None = None,
        out_lengths: Lengths | None = None,
    ) -> None:
        """Fill `out` from `src`, both (z, y, x); `weights` of src's last samples as in kernels.reduce.

        For axial data (`companion`) there are lengths, too, of the same shapes:
        lengths     : uint8 or uint16, what each sample of src is worth: 255 or 65535 = full, 0 = no direction; None:
                      all are worth the same. At full resolution they may come from another channel, transmittance ×
                      retardation for instance
        out_lengths : is filled: the length of the mean vector of a cell, at least 1 where it has a direction, else 0.
                      Given as `lengths` for the level above, it makes that the mean of the full resolution

        Halves go up and down in turn, by z + y + x of out: begin blocks at even places, and levels do not depend on how
        they are cut.
        """
        fz, fy, fx = halved
        if self.kind == "axial":
            self._axial(src, out, (fz, fy, fx, *weights), lengths, out_lengths)
        elif lengths is not None or out_lengths is not None:
            raise ValueError(f"lengths belong to axial data; this is {self.kind} data")
        elif self.how == "mode":
            kernels.mode(src, out, fz, fy, fx)
        elif self.how == "max":
            (kernels.largest_float if src.dtype.kind == "f" else kernels.largest_integer)(src, out, fz, fy, fx)
        elif src.dtype.kind == "f":
            kernels.mean_float(src, out, fz, fy, fx, *weights)
        else:
            # the kernel goes along rows as they lie in memory
            rows = np.ascontiguousarray(src) if src.strides[2] != src.itemsize else src
            room = np.empty(out.shape, out.dtype) if out.strides[2] != out.itemsize else out
            kernels.mean_integer(rows, room, fz, fy, fx, *weights)
            if room is not out:
                out[...] = room

    def _axial(
        self,
        src: npt.NDArray[Any],
        out: npt.NDArray[Any],
        cells: tuple[float, ...],
        lengths: Lengths | None,
        out_lengths: Lengths | None,
    ) -> None:
        for given, samples in ((lengths, src), (out_lengths, out)):
            if given is not None and (given.shape != samples.shape or given.dtype.name not in ("uint8", "uint16")):
                raise ValueError(f"lengths {given.dtype} {given.shape} beside samples of shape {samples.shape}")
        below = _none(out_lengths) if lengths is None else lengths
        above = _none(lengths) if out_lengths is None else out_lengths
        full = (float(np.iinfo(below.dtype).max), float(np.iinfo(above.dtype).max))
        period = float(self.period or 1.0)
        # as the samples hold it: 0.1 in float32 is not 0.1
        background = math.nan if self.background is None else float(src.dtype.type(self.background))
        low, high = (0, 0) if src.dtype.kind == "f" else (np.iinfo(src.dtype).min, np.iinfo(src.dtype).max)
        turns = _turns(low, high, period) if src.dtype.kind != "f" and src.dtype.itemsize <= 2 else _NO_TURNS
        axial.mean_axial(
            src,
            out,
            below,
            above,
            full,
            turns,
            low,
            float(high),
            *cells,
            period,
            background,
        )


_WAYS: dict[Kind, str] = {
    "intensity": 'intensity data are reduced by "mean" or "max", not by "{how}"; for labels say --kind label',
    "axial": 'directions are averaged as directions; "{how}" of angles means nothing. Leave --reduce out',
    "label": "labels are numbers of regions: a coarser sample is the most frequent of them, not their {how}. "
    "Leave --reduce out, or say --kind intensity",
}


def _none(like: Lengths | None) -> Lengths:
    """No lengths, of the type of others, so that one compiled kernel serves for all levels."""
    return np.empty((0, 0, 0), np.uint8 if like is None else like.dtype)


@lru_cache(4)
def _turns(low: int, high: int, period: float) -> npt.NDArray[np.float64]:
    """Cosine and sine (values, 2) of the doubled angle of all values low..high."""
    angle = np.arange(low, high + 1) * (2.0 * math.pi / period)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Whether samples of the type can have a value: rounded to it for floats, exactly for integers."""
    if not math.isfinite(value):
        return False
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max)
    info = np.iinfo(dtype)
    return float(value).is_integer() and info.min <= value <= info.max
