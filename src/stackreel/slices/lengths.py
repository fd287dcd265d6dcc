"""Sample distances as files state them: numbers, and units in every spelling.

Three lengths are needed, and many files know two: the pixel size is in the header, the distance between sections in
a laboratory book. Two are passed on as a note.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from stackreel.errors import UnitError
from stackreel.geometry import MICROMETRES_PER, Spacing, format_um

INCH_UM = 25_400.0
_SPELT = {
    1e-6: "pm picometer picometre",
    1e-4: "å angstrom ångström",
    1e-3: "nanometer nanometre nanometers nanometres",
    1.0: "micrometer micrometre micrometers micrometres microns",
    1e3: "millimeter millimetre millimeters millimetres",
    1e4: "centimeter centimetre",
    INCH_UM: "in inch inches",
    1e6: "meter metre",
}  # as ImageJ and OME write them, besides the usual abbreviations
UNITS = {**MICROMETRES_PER, **{name: um for um, names in _SPELT.items() for name in names.split()}}

Size = tuple[float | None, float | None, float | None]
"""Micrometres along (z, y, x); None where nothing is known."""


def to_um(value: Any, unit_um: float | None) -> float | None:
    """A length in µm when both number and unit make sense."""
    if value is None or unit_um is None:
        return None
    try:
        um = float(value) * unit_um
    except (TypeError, ValueError):
        return None
    return um if 0 < um < math.inf else None


def spacing_or_note(size: Size, source: str) -> tuple[Spacing | None, list[str]]:
    """The spacing when all three lengths are known, else None and a note of what is.

    source : what says so, in the plural: "OME metadata"
    """
    z, y, x = size
    if z is not None and y is not None and x is not None:
        try:
            return Spacing(z, y, x, "um"), []
        except UnitError as error:
            return None, [f"the files' {source} are not believed: {error}"]
    if y is not None and x is not None:
        return None, [
            f"the files' {source} give pixels of {format_um(y)} × {format_um(x)} but no distance between "
            f"sections; --spacing Z {y:.6g}um {x:.6g}um states all three"
        ]
    return None, []


def spacing_of_scale(scale: Size, units: Sequence[str | None], source: str) -> tuple[Spacing | None, list[str]]:
    """The spacing from distances along (z, y, x), each with the name of its unit, or None where the file has none.

    Without any unit the ratio of the three is still worth having.
    """
    known = [None if unit is None else UNITS.get(unit.strip().casefold()) for unit in units]
    stated = [unit for unit, value in zip(units, scale, strict=True) if value is not None]
    if stated and not any(stated):
        z, y, x = scale
        if z is None or y is None or x is None:
            return None, []
        try:
            spacing = Spacing(z, y, x)
        except UnitError as error:
            return None, [f"the files' {source} are not believed: {error}"]
        return spacing, [
            f"the files' {source} name no unit, so only the ratio of the distances is taken ({spacing}); "
            "--spacing Z Y X with a unit, as in 60um 1.3um 1.3um, gives the movie a scale bar"
        ]
    strange = sorted({unit for unit, um in zip(units, known, strict=True) if unit and um is None})
    if strange:
        return None, [f"the files' {source} give distances in {', '.join(strange)}, which is no known length"]
    z, y, x = (to_um(value, um) for value, um in zip(scale, known, strict=True))
    return spacing_or_note((z, y, x), source)
