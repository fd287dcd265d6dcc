"""The scene that every renderer draws: four camera positions around the brain, one colour and one opacity table.

Plain numbers, handed to each program as JSON, so that nobody draws anything else than the others.
"""

from __future__ import annotations

import math
from typing import Any

ANGLES = (0.5, 0.6, 0.7, 0.8)
COLOR = ((0, 0, 0, 0), (60, 0.2, 0.2, 0.6), (120, 0.8, 0.5, 0.3), (200, 1, 0.95, 0.9), (255, 1, 1, 1))
OPACITY = ((0, 0), (50, 0), (100, 0.02), (160, 0.1), (255, 0.4))
OPACITY_UNIT = 0.004


def position(angle: float) -> tuple[float, float, float]:
    """Where the camera stands, (x, y, z): on an ellipse above the brain; angle in radians."""
    return (1.52 * math.sin(angle), -0.6, 1.9 * math.cos(angle))


def description(size: tuple[int, int], *, shaded: bool) -> dict[str, Any]:
    """The scene as JSON holds it; the first frame is the first position's."""
    return {
        "size": size,
        "positions": [position(angle) for angle in ANGLES],
        "focal_point": (0.0, 0.0, 0.0),
        "view_up": (0.0, -1.0, 0.0),
        "view_angle": 30.0,
        "color": COLOR,
        "opacity": OPACITY,
        "opacity_unit": OPACITY_UNIT,
        "shaded": shaded,
    }
