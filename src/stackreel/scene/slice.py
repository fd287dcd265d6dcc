"""A section through the volume: a flat picture of its values, standing where they are.

Such a plane shows every value at its place, whatever the opacities hide. It stands in the volume as a sheet of glass
would: what lies in front of it dims it, and what lies behind it shows only as far as it lets light through.
"""

from __future__ import annotations

from dataclasses import dataclass

from stackreel.geometry import Vec3
from stackreel.scene.transfer import ColorPoint


@dataclass(frozen=True, slots=True)
class Slice:
    """A plane on which the volume's values are shown. Origin and normal are VTK's vtkPlane.

    origin  : a point of the plane, world (x, y, z)
    normal  : perpendicular to it; need not be of length 1
    opacity : 0..1 of the whole plane
    color   : points (value, r, g, b); None takes the scene's colours
    masked  : whether places are left out whose values the scene's opacities hide
    cropped : whether the scene's crop and clip planes cut it; otherwise it spans the whole volume
    cut     : whether it opens the volume: nothing is shown on the side to which the normal points
    outline : display colour of a line along its border; None draws none
    line    : width of that line as a fraction of the picture's height
    name    : for moves to speak of it
    """

    origin: Vec3
    normal: Vec3
    opacity: float = 1.0
    color: tuple[ColorPoint, ...] | None = None
    masked: bool = False
    cropped: bool = True
    cut: bool = False
    outline: Vec3 | None = None
    line: float = 0.002
    name: str = "slice"

    def __post_init__(self) -> None:
        if not any(self.normal):
            raise ValueError("slice.normal is zero, which is no direction")
        if not 0.0 <= self.opacity <= 1.0:
            raise ValueError(f"slice.opacity {self.opacity:g} must lie in 0..1")
        if not 0.0 < self.line <= 0.1:
            raise ValueError(f"slice.line {self.line:g} must lie between 0 and 0.1")
        if self.color is not None and not self.color:
            raise ValueError("slice.color needs at least one point, or None for the scene's colours")
