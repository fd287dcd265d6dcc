"""Which way up: from the way a scanner stored a volume to the way stackreel holds every brain.

Scanners and atlases store the same head in 48 ways: sections from left to right or from the feet up, rows forwards
or backwards. A volume that states its anatomy is brought to RAS+, the convention of NIfTI and nibabel: columns
(x) run to the right, rows (y) to the front (anterior), sections (z) upwards (superior). Only whole axes are exchanged
and reversed, so that every sample keeps its value; what is left of an oblique scan's tilt is said in a note.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from nibabel.orientations import inv_ornt_aff, io_orientation, ornt2axcodes

from stackreel.errors import UnitError
from stackreel.geometry import Spacing, format_um

Affine = npt.NDArray[np.float64]

RAS = "RAS+ (x right, y anterior, z superior)"
_TILT_SAID = 0.1  # degrees
_GIANT_UM = 2e6


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored volume becomes one in RAS+. Stored axes are numbered from 0, the fastest, as in headers (i, j, k).

    axes    : the stored axes that become x, y and z
    flips   : whether x, y and z run against their stored axis
    letters : towards which the stored axes run, "LPS" for instance; "" where the file does not say
    tilt    : degrees between the stored axes and the anatomical ones that they come closest to
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)
    letters: str = ""
    tilt: float = 0.0

    @staticmethod
    def of(affine: Affine) -> Turn:
        """The turn to closest canonical of a volume whose affine leads from (i, j, k) to (right, anterior, superior).

        The same as nibabel's as_closest_canonical. Where two stored axes share a direction, or one has none,
        nothing is turned and letters are "".
        """
        rotation = affine[:3, :3]
        lengths = np.linalg.norm(rotation, axis=0)
        if not np.isfinite(affine).all() or not lengths.all():
            return Turn()
        orientation = io_orientation(affine)
        if np.isnan(orientation).any():
            return Turn()
        i, j, k = (int(np.flatnonzero(orientation[:, 0] == axis)[0]) for axis in range(3))
        x, y, z = (bool(orientation[axis, 1] < 0) for axis in (i, j, k))
        along = rotation[:, [i, j, k]] / lengths[[i, j, k]]
        cosines = np.abs(np.diag(along)).clip(0, 1)
        return Turn((i, j, k), (x, y, z), "".join(ornt2axcodes(orientation)), math.degrees(math.acos(cosines.min())))

    @property
    def changes(self) -> bool:
        return self.axes != (0, 1, 2) or any(self.flips)

    def affine(self, stored: Affine, shape: Sequence[int]) -> Affine:
        """The affine of the turned volume: from its (x, y, z) indices to where the stored one led.

        shape : of the stored volume, as (i, j, k)
        """
        orientation = np.empty((3, 2))
        for axis, (source, flip) in enumerate(zip(self.axes, self.flips, strict=True)):
            orientation[source] = axis, -1 if flip else 1
        return np.asarray(stored @ inv_ornt_aff(orientation, shape), np.float64)

    def notes(self) -> list[str]:
        """What a person should know of the turn, each a sentence."""
        if not self.letters:
            return ["the file does not say how the head lies; axes are kept as stored (first axis: columns)"]
        said = []
        if self.changes:
            said.append(f"turned from {self.letters}+, as stored, to {RAS}; samples keep their values")
        if self.tilt >= _TILT_SAID:
            said.append(
                f"the scan stands {self.tilt:.1f}° off the anatomical axes; it is kept as scanned, nothing is resampled"
            )
        return said

    def provenance(self, stored: Affine, shape: Sequence[int]) -> dict[str, str]:
        """What to keep with the volume, so that positions can be led back to the scanner or the atlas."""
        if not self.letters:
            return {"orientation": "not stated; axes as stored"}
        words = {
            "orientation": RAS,
            "orientation_stored": self.letters,
            "affine": _rows(self.affine(stored, shape)),
            "affine_stored": _rows(stored),
        }
        if self.tilt >= _TILT_SAID:
            words["tilt_degrees"] = f"{self.tilt:.2f}"
        return words


def spacing_of(
    xyz: Sequence[float], unit: float | None, shape: Sequence[int], name: str
) -> tuple[Spacing | None, list[str]]:
    """The spacing in µm of a turned volume, and what to say of it; None where the header's lengths make no sense.

    xyz   : lengths along x, y and z as the header has them
    unit  : micrometres in one of them; None when the header does not say, and millimetres are assumed
    shape : of the turned volume, (z, y, x)
    name  : of the file
    """
    x, y, z = (abs(float(length)) for length in xyz)
    factor = 1e3 if unit is None else unit
    try:
        spacing = Spacing(z * factor, y * factor, x * factor, "um")
    except UnitError as error:
        return None, [f"{name}: its voxel size is not believed: {error}"]
    if unit is not None:
        return spacing, []
    said = f"{name} states no unit of length; millimetres are assumed ({spacing}, z × y × x)"
    if (across := max(n * s for n, s in zip(shape, spacing.zyx, strict=True))) > _GIANT_UM:
        said += (
            f". It would be {format_um(across)} across: if micrometres are meant, say --spacing {z:g}um {y:g}um {x:g}um"
        )
    return spacing, [said]


def _rows(affine: Affine) -> str:
    """An affine as text, a list for each row, exact enough to be used again."""
    return json.dumps([[float(f"{value:.9g}") for value in row] for row in affine.tolist()])
