"""From a voxel's value to a colour and an opacity: ParaView's two transfer functions.

Both are piecewise linear in the value and constant beyond their ends. Colours are display (sRGB) values 0..1 and
are interpolated and composited as they stand, as VTK does: a movie must look like its ParaView prototype.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

ColorPoint = tuple[float, float, float, float]
OpacityPoint = tuple[float, float]


def _increasing(values: list[float], what: str) -> None:
    if not values:
        raise ValueError(f"{what} needs at least one point")
    for a, b in pairwise(values):
        if not b >= a:
            raise ValueError(f"{what}: values must not decrease, but {b:g} follows {a:g}")


@dataclass(frozen=True, slots=True)
class TransferFunction:
    """Colour and opacity over value.

    color         : points (value, r, g, b), r, g, b in 0..1
    opacity       : points (value, opacity), opacity in 0..1
    opacity_unit  : world length over which those opacities hold (VTK's ScalarOpacityUnitDistance)
    channel       : the channel whose values say how opaque; "" is the volume itself
    color_channel : the channel whose values say which colour
    color_period  : colours repeat after this step of the value: directions, and labels whose colours come round again
    mask          : points (value of mask_channel, factor on the extinction 0..1); () leaves it as it is
    mask_channel  : the channel of labels by which parts are dimmed or hidden
    brightness    : points (value of channel, factor on the colour 0..1); () leaves it as it is
    """

    color: tuple[ColorPoint, ...]
    opacity: tuple[OpacityPoint, ...]
    opacity_unit: float
    channel: str = ""
    color_channel: str = ""
    color_period: float | None = None
    mask: tuple[OpacityPoint, ...] = ()
    mask_channel: str = ""
    brightness: tuple[OpacityPoint, ...] = ()

    def __post_init__(self) -> None:
        _increasing([p[0] for p in self.color], "color")
        _increasing([p[0] for p in self.opacity], "opacity")
        for value, *rgb in self.color:
            if not all(0.0 <= c <= 1.0 for c in rgb):
                raise ValueError(f"color at {value:g}: {tuple(rgb)} must lie in 0..1")
        for value, alpha in self.opacity:
            if not 0.0 <= alpha <= 1.0:
                raise ValueError(f"opacity {alpha:g} at {value:g} must lie in 0..1")
        for what, curve in (("mask", self.mask), ("brightness", self.brightness)):
            for value, factor in curve:
                if not 0.0 <= factor <= 1.0:
                    raise ValueError(f"{what} {factor:g} at {value:g} must lie in 0..1")
            if curve:
                _increasing([p[0] for p in curve], what)
        if not self.opacity_unit > 0.0:
            raise ValueError(f"opacity_unit {self.opacity_unit:g} must be a positive length")
        if self.color_period is not None and not self.color_period > 0.0:
            raise ValueError(f"color_period {self.color_period:g} must be a positive step")

    @property
    def channels(self) -> frozenset[str]:
        """The channels that it looks at."""
        return frozenset((self.channel, self.color_channel, *([self.mask_channel] if self.mask else [])))

    def colors_at(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Display colours at values of shape (n,) of the colour channel: (n, 3)."""
        points, at = np.asarray(self.color, dtype=np.float64), np.asarray(values, dtype=np.float64)
        if self.color_period is not None:
            at = points[0, 0] + np.mod(at - points[0, 0], self.color_period)
        return np.stack([np.interp(at, points[:, 0], points[:, k]) for k in (1, 2, 3)], axis=-1)

    def mask_at(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Factors on the extinction at values of shape (n,) of the mask channel: (n,)."""
        return _factors(self.mask, values)

    def brightness_at(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Factors on the colour at values of shape (n,) of the channel: (n,)."""
        return _factors(self.brightness, values)

    def opacities_at(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Opacities per opacity unit at values of shape (n,): (n,)."""
        points = np.asarray(self.opacity, dtype=np.float64)
        return np.asarray(np.interp(np.asarray(values), points[:, 0], points[:, 1]))

    @property
    def span(self) -> tuple[float, float]:
        """The values between which colour or opacity change; beyond them both stay as they are."""
        ends = [self.color_span, self.opacity_span]
        found = [end for end in ends if end is not None]
        if not found:
            return self.color[0][0], self.color[0][0]
        return min(low for low, _ in found), max(high for _, high in found)

    @property
    def color_span(self) -> tuple[float, float] | None:
        """The values between which colours change; None where there is but one."""
        return _changing([(v, (r, g, b)) for v, r, g, b in self.color])

    @property
    def opacity_span(self) -> tuple[float, float] | None:
        """The values between which opacities change; None where there is but one."""
        return _changing(list(self.opacity))


def _factors(curve: tuple[OpacityPoint, ...], values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    at = np.asarray(values, dtype=np.float64)
    if not curve:
        return np.ones_like(at)
    points = np.asarray(curve, dtype=np.float64)
    return np.asarray(np.interp(at, points[:, 0], points[:, 1]))


def _changing(points: list[tuple[float, Any]]) -> tuple[float, float] | None:
    """Values of the last point before the first change and of the first one after the last; None without a change."""
    changes = [i for i in range(len(points) - 1) if points[i][1] != points[i + 1][1]]
    return (points[changes[0]][0], points[changes[-1] + 1][0]) if changes else None
