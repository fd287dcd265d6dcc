"""How much light reaches each place: what hollows and shadows leave of it, together, on one coarse grid.

Hollows change with the transfer function and the crop, shadows with every turn of the camera too, since the light
travels with it. Each is kept until something it depends on changes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.occlusion import EVERYWHERE, Openness, openness_in
from stackreel.frames.native.shadow import lit_through, visible_part
from stackreel.geometry import Box, Placement
from stackreel.scene import Camera, Light

Around = tuple[npt.NDArray[Any], ...]
"""The field as kernels.march wants it: its values, one after the other, their size, origin and step (x, y, z)."""

NOTHING_AROUND: Around = (EVERYWHERE, np.ones(3, np.int64), np.zeros(3), np.ones(3))


def toward_light(light: Light, camera: Camera) -> npt.NDArray[np.float64]:
    """The world direction (x, y, z), of length 1, to the key light."""
    right, up, forward = camera.basis
    direction = light.direction[0] * right + light.direction[1] * up - light.direction[2] * forward
    return np.asarray(direction / np.linalg.norm(direction))


def weight_of(light: Light) -> float:
    """How much the field counts: shadows are in it with their own weight, and so are hollows where there are both."""
    return 1.0 if light.shadows > 0.0 else light.occlusion


def key_share(light: Light) -> float:
    """How much of all light the key light gives, and shadows can take: the rest comes from everywhere."""
    key, rest = light.diffuse + light.specular, light.ambient + light.fill
    return key / (key + rest) if key > 0.0 else 0.0


class Surroundings:
    """The field of one volume."""

    def __init__(self) -> None:
        self._extinction: tuple[Hashable, npt.NDArray[np.float32], Placement] | None = None
        self._open: tuple[Hashable, Openness] | None = None
        self._around: tuple[Hashable, Around] | None = None

    def around(
        self,
        look: Hashable,
        extinction: Callable[[], tuple[npt.NDArray[np.float32], Placement]],
        crop: Box | None,
        planes: npt.NDArray[np.float64],
        light: Light,
        camera: Camera,
    ) -> Around:
        """The field for a scene.

        look       : what the extinctions depend on; extinction : gives them, (z, y, x), and their grid
        crop, planes : what is cut away: as in shadow.visible_part
        """
        if not light.occlusion and not light.shadows:
            return NOTHING_AROUND
        direction = toward_light(light, camera)
        weights = (light.occlusion, light.shadows)
        lit_by = (*weights, direction.tobytes()) if light.shadows else ()
        kept = (look, crop, planes.tobytes())
        key = (*kept, lit_by)
        if self._around is None or self._around[0] != key:
            if self._extinction is None or self._extinction[0] != look:
                self._extinction = (look, *extinction())
            _, there, grid = self._extinction
            place = (np.array(grid.shape[::-1]), np.asarray(grid.origin), np.asarray(grid.step))
            if not light.shadows:
                self._around = key, (self._openness(kept, there, grid, crop, planes).padded, *place)
            else:
                seen = visible_part(there, grid, crop, planes)
                field = 1.0 - np.float32(light.shadows * key_share(light)) * (1.0 - lit_through(seen, grid, direction))
                if light.occlusion:
                    opened = self._openness(kept, there, grid, crop, planes).values
                    field *= 1.0 - np.float32(light.occlusion) * (1.0 - opened)
                self._around = key, (np.append(field.reshape(-1), np.float32(1.0)), *place)
        return self._around[1]

    def _openness(
        self,
        key: Hashable,
        extinction: npt.NDArray[np.float32],
        grid: Placement,
        crop: Box | None,
        planes: npt.NDArray[np.float64],
    ) -> Openness:
        if self._open is None or self._open[0] != key:
            kept = visible_part(extinction, grid, None, planes) if len(planes) else extinction
            self._open = key, openness_in(kept, grid, crop)
        return self._open[1]
