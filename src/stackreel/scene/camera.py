"""Where we look from. Names and meaning are ParaView's, so that its numbers can be pasted as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Vec3


@dataclass(frozen=True, slots=True)
class Camera:
    """A perspective camera in world coordinates.

    The default looks at the first section as a microscopist does: columns to the right, rows downwards.
    position, focal_point : (x, y, z)
    view_up               : any direction not parallel to the view; made perpendicular when used
    view_angle            : vertical field of view in degrees, 0..180
    """

    position: Vec3 = (0.0, 0.0, -2.5)
    focal_point: Vec3 = (0.0, 0.0, 0.0)
    view_up: Vec3 = (0.0, -1.0, 0.0)
    view_angle: float = 30.0

    def __post_init__(self) -> None:
        if not 0.0 < self.view_angle < 180.0:
            raise ValueError(f"view_angle {self.view_angle:g} must lie between 0 and 180 degrees")
        if self.distance == 0.0:
            raise ValueError("position and focal_point are the same point; the camera looks nowhere")
        forward = np.subtract(self.focal_point, self.position) / self.distance
        up = np.asarray(self.view_up, dtype=np.float64)
        if np.linalg.norm(np.cross(forward, up)) < 1e-9 * max(float(np.linalg.norm(up)), 1e-30):
            raise ValueError("view_up is parallel to the view direction; the camera cannot tell which way is up")

    @property
    def distance(self) -> float:
        return math.dist(self.position, self.focal_point)

    @property
    def basis(self) -> npt.NDArray[np.float64]:
        """Rows right, up, forward: unit vectors in world coordinates, (3, 3)."""
        forward = np.subtract(self.focal_point, self.position) / self.distance
        right = np.cross(forward, self.view_up)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    def pixel_size(self, rows: int) -> float:
        """World length that one pixel covers at distance 1, for a picture with so many rows."""
        return 2.0 * math.tan(math.radians(self.view_angle) / 2.0) / rows
