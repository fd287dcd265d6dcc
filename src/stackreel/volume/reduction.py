"""How a volume's kind becomes the numbers of the next level: means, axial means or modes, never the wrong one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import VolumeError
from stackreel.kernels import reduce as kernels
from stackreel.volume.volume import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Reduction:
    """What one sample of a coarser level is, given the samples it stands for.

    kind       : intensity → mean, axial → mean of the doubled angle, label → mode
    period     : of axial values: the step in value after which the direction is the same again
    background : the axial value that means "no direction"; None when every value is one
    """

    kind: Kind
    period: float | None = None
    background: float | None = None

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

    def check(self, dtype: np.dtype[Any]) -> None:
        """Raises VolumeError where the kind and the samples' type do not go together."""
        if self.kind == "label" and dtype.kind not in "ui":
            raise VolumeError(f"labels are integers; these slices hold {dtype}. Use --kind intensity")
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
    ) -> None:
        """Fill `out` from `src`, both (z, y, x); `weights` of src's last samples as in kernels.reduce."""
        fz, fy, fx = halved
        if self.kind == "label":
            kernels.mode(src, out, fz, fy, fx)
        elif self.kind == "axial":
            # as the samples hold it: 0.1 in float32 is not 0.1
            background = math.nan if self.background is None else float(src.dtype.type(self.background))
            kernels.mean_axial(src, out, fz, fy, fx, *weights, float(self.period or 1.0), background)
        elif src.dtype.kind == "f":
            kernels.mean_float(src, out, fz, fy, fx, *weights)
        else:
            kernels.mean_integer(src, out, fz, fy, fx, *weights)


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Whether samples of the type can have a value: rounded to it for floats, exactly for integers."""
    if not math.isfinite(value):
        return False
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max)
    info = np.iinfo(dtype)
    return float(value).is_integer() and info.min <= value <= info.max
