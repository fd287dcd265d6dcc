"""The light on a volume or a surface.

In ParaView it comes from the camera, and every representation says how much of it it throws back: from everywhere
(ambient), by its slope (diffuse), as a highlight (specular).
"""

from __future__ import annotations

from typing import Any

from stackreel.paraview.importing.reading import number
from stackreel.paraview.importing.shown import Display
from stackreel.paraview.proxies import Proxy


def light_of(display: Display, rep: Proxy, shaded: bool) -> Any:
    """The scene's light, by how a representation reflects it: shares 0.. of ambient, diffuse and specular light."""
    if not shaded:
        display.took(f"{display.source(rep)}: unlit, as it is with Shade off")
        return "none"
    light = {
        "ambient": max(number(rep, "Ambient", 0.0), 0.0),
        "diffuse": max(number(rep, "Diffuse", 1.0), 0.0),
        "specular": max(number(rep, "Specular", 0.0), 0.0),
        # VTK's is Phong's, ours Blinn's: highlights as large take four times as much
        "specular_power": max(4.0 * number(rep, "SpecularPower", 100.0), 0.0),
    }
    display.took(f"{display.source(rep)}: lit from the camera, " + ", ".join(f"{k} {v:g}" for k, v in light.items()))
    return light
