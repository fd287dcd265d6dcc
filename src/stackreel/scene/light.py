"""How the volume is lit: a key, a fill and a rim light that travel with the camera, or none."""

from __future__ import annotations

from dataclasses import dataclass

from stackreel.geometry import Vec3


@dataclass(frozen=True, slots=True)
class Light:
    """Blinn–Phong weights and the directions of the lights: the key shows the shape, the fill opens its shadows, the
    rim draws its outline.

    ambient, diffuse, specular : weights ≥ 0; ambient 1 and the rest 0 is an unlit volume
    specular_power             : sharpness of highlights
    occlusion                  : how much darker places are that see little open space, 0 (not at all) to 1
    shadows                    : how much of its light the volume takes from what lies behind it, 0 (nothing) to 1
    direction                  : towards the key light, in camera axes (right, up, backward)
    fill, fill_direction       : weight of a soft light, usually from the other side, and where it is
    rim, rim_direction         : weight of a light from behind, and where it is
    """

    ambient: float = 1.0
    diffuse: float = 0.0
    specular: float = 0.0
    specular_power: float = 20.0
    direction: Vec3 = (0.0, 0.0, 1.0)
    occlusion: float = 0.0
    shadows: float = 0.0
    fill: float = 0.0
    fill_direction: Vec3 = (0.8, 0.1, 0.6)
    rim: float = 0.0
    rim_direction: Vec3 = (0.5, 0.7, -0.5)

    def __post_init__(self) -> None:
        for name in ("ambient", "diffuse", "specular", "specular_power", "fill", "rim"):
            value = getattr(self, name)
            if not 0.0 <= value < float("inf"):
                raise ValueError(f"light.{name} {value:g} must not be negative")
        for name in ("occlusion", "shadows"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"light.{name} {getattr(self, name):g} must lie in 0..1")
        for name in ("direction", "fill_direction", "rim_direction"):
            if not any(getattr(self, name)):
                raise ValueError(f"light.{name} is zero; it must point towards the light")


PRESETS: dict[str, Light] = {
    "none": Light(),
    "headlight": Light(ambient=0.3, diffuse=0.7, specular=0.2, specular_power=10.0),
    "studio": Light(
        *(0.16, 0.95, 0.25, 28.0),
        direction=(-0.6, 0.7, 0.6),
        occlusion=0.85,
        shadows=0.4,
        fill=0.25,
        fill_direction=(0.9, -0.1, 0.5),
        rim=0.45,
        rim_direction=(0.6, 0.6, -0.45),
    ),
    "raking": Light(0.12, 1.3, 0.3, 32.0, direction=(-0.95, 0.5, 0.25), occlusion=0.8, shadows=0.6),
}
