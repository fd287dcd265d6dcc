"""What to show at one moment: a value that says all an engine needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackreel.geometry import Box, Vec3
from stackreel.scene.camera import Camera
from stackreel.scene.light import Light
from stackreel.scene.slice import Slice
from stackreel.scene.transfer import TransferFunction


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
    background : display colour, 0..1
    slices     : planes that show the values on them, drawn in depth with the volume
    """

    camera: Camera
    transfer: TransferFunction
    crop: Box | None = None
    light: Light = field(default_factory=Light)
    background: Vec3 = (0.0, 0.0, 0.0)
    titles: tuple[Title, ...] = ()
    slices: tuple[Slice, ...] = ()
    added: tuple[TransferFunction, ...] = ()

    @property
    def layers(self) -> tuple[TransferFunction, ...]:
        """All transfer functions that are added up in every place; at least one."""
        return (self.transfer, *self.added)
