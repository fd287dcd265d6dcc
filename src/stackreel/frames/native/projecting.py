"""Projections: rays that keep the largest, the smallest or the mean value instead of gathering light.

The value becomes a colour when the ray has seen all: VTK's maximum, minimum and average intensity blending. The opacity
is the transfer function's at that value, whatever the length of the way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.tables import ALMOST_OPAQUE, LookUp
from stackreel.kernels.compose import colored
from stackreel.kernels.run import AVERAGE, COMPOSITE, MAXIMUM, MINIMUM
from stackreel.scene import Blend, Scene

MODES: dict[Blend, int] = {"composite": COMPOSITE, "maximum": MAXIMUM, "minimum": MINIMUM, "average": AVERAGE}
NOTHING = 3e38
NOTHING_LAID = np.empty((0, 0, 0), np.float32)


def parts_of(scene: Scene) -> tuple[tuple[Scene, float], ...]:
    """The pictures that a scene is mixed of, and their shares: two in a dissolve from one blend into another."""
    if scene.fade is None:
        return ((scene, 1.0),)
    blend, share = scene.fade
    return (replace(scene, fade=None), 1.0 - share), (replace(scene, blend=blend, fade=None), share)


def met_by(look: LookUp, blend: Blend) -> LookUp:
    """The same, with what rays must not miss counted as visible.

    What is below the lowest value that shows can change no maximum that shows; nor what is above the highest one a
    minimum. A mean depends on everything.
    """
    if blend == "composite":
        return look
    seen = np.flatnonzero(np.diff(look.sums))
    marks = np.zeros(len(look.sums) - 1, bool)
    if len(seen):
        first = seen[0] if blend == "maximum" else 0
        end = seen[-1] + 1 if blend == "minimum" else len(marks)
        marks[first:end] = True
    return replace(look, sums=np.concatenate([[0], np.cumsum(marks)]).astype(np.int32))


def begin(state: npt.NDArray[np.float32], blend: Blend) -> None:
    """What rays have gathered before they have met anything; in place."""
    state[...] = 0.0
    state[..., 3] = 1.0
    if blend in ("maximum", "minimum"):
        state[..., 0] = -NOTHING if blend == "maximum" else NOTHING


def laid_on(state: npt.NDArray[np.float32], blend: Blend) -> npt.NDArray[np.float32]:
    """What slices in a projection will take of a picture, as yet nothing; no array for a composite."""
    return NOTHING_LAID if blend == "composite" else np.zeros_like(state)


def shades(
    look: LookUp, unit: float, offset: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], float, float]:
    """What values that rays have gathered look like, as kernels.compose.colored wants it, from `colors` on.

    unit   : the length over which opacities hold
    offset : to be added to what was gathered to get values
    """
    opacities = -np.expm1(-look.colors[:, 3].astype(np.float64) * unit)
    opacities[opacities > ALMOST_OPAQUE - 1e-6] = 1.0
    return look.colors, opacities.astype(np.float32), look.scale[0] - offset, look.scale[1]


def finish(
    state: npt.NDArray[np.float32], blend: Blend, look: LookUp | None, unit: float, offset: float,
    laid: npt.NDArray[np.float32] = NOTHING_LAID,
) -> None:  # fmt: skip
    """What rays have gathered becomes a premultiplied picture, in place.

    look, unit : colours and extinctions over values, and the length over which opacities hold; None: nothing was drawn
    offset     : to be added to what was gathered to get values
    laid       : what slices in a projection have taken of the picture; (0, 0, 0): there are none
    """
    if blend == "composite" or look is None:
        state[..., 3] = 1.0 - state[..., 3]
        if blend != "composite":
            state[...] = 0.0
        return
    colored(state, laid, blend == "average", *shades(look, unit, offset))
