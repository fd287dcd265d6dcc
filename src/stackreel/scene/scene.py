"""What to show at one moment: a value that says all an engine needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stackreel.geometry import Box, Vec3
from stackreel.scene.camera import Camera
from stackreel.scene.clip import ClipPlane
from stackreel.scene.light import Light
from stackreel.scene.slice import Slice
from stackreel.scene.transfer import TransferFunction

Blend = Literal["composite", "maximum", "minimum", "average"]
"""What a ray makes of the values it meets: VTK's blend modes."""


@dataclass(frozen=True, slots=True)
class Gradient:
    """A ground that changes from the picture's upper to its lower edge; display colours, 0..1."""

    top: Vec3
    bottom: Vec3


Background = Vec3 | Gradient


def edges_of(background: Background) -> tuple[Vec3, Vec3]:
    """The colours at the picture's upper and lower edge."""
    return (background.top, background.bottom) if isinstance(background, Gradient) else (background, background)


@dataclass(frozen=True, slots=True)
class Title:
    """Text on the picture at one moment.

    text    : may hold line breaks
    place   : "lower", "center" or "upper", or a corner such as "lower left"
    size    : height of a line as a fraction of the picture's height
    color   : display colour, 0..1
    opacity : 0..1, already faded
    """

    text: str
    place: str = "lower"
    size: float = 0.055
    color: Vec3 = (1.0, 1.0, 1.0)
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Camera, transfer function, crop, light, background, titles and slices at one moment. Depends on nothing earlier.

    transfer   : colours and opacities; of one channel, or of several that stand for one thing
    added      : what shines in the same place besides: extinctions add up, and colours by their extinctions
    crop       : only this world box is shown; None shows the whole volume
    background : display colour, 0..1, or a gradient from top to bottom
    slices     : planes that show the values on them, drawn in depth with the volume
    clip       : only what lies on the kept side of every plane is shown
    blend      : what rays do with the values they meet; projections know no light
    fade       : the blend that the picture dissolves into, and how far it has come, 0..1; None outside of a dissolve
    """

    camera: Camera
    transfer: TransferFunction
    crop: Box | None = None
    light: Light = field(default_factory=Light)
    background: Background = (0.0, 0.0, 0.0)
    titles: tuple[Title, ...] = ()
    slices: tuple[Slice, ...] = ()
    added: tuple[TransferFunction, ...] = ()
    clip: tuple[ClipPlane, ...] = ()
    blend: Blend = "composite"
    fade: tuple[Blend, float] | None = None

    @property
    def layers(self) -> tuple[TransferFunction, ...]:
        """All transfer functions that are added up in every place; at least one."""
        return (self.transfer, *self.added)

    @property
    def cuts(self) -> tuple[ClipPlane, ...]:
        """All planes that hide what lies behind them: the clip planes, and slices that open the volume."""
        opened = (ClipPlane(s.origin, (-s.normal[0], -s.normal[1], -s.normal[2])) for s in self.slices if s.cut)
        return (*self.clip, *opened)
