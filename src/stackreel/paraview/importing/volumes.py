"""The volume itself: how it becomes a picture.

Along each ray of sight ParaView lays the samples over one another, or takes the brightest, the darkest, their mean.
Opacities hold over a length, the Scalar Opacity Unit Distance: without it, the same tissue would be thicker or thinner.
"""

from __future__ import annotations

import math
from typing import Any

from stackreel.paraview.importing.light import light_of
from stackreel.paraview.importing.reading import called, is_on, number, three, upstream, word
from stackreel.paraview.importing.shown import Display
from stackreel.paraview.importing.surfaces import put_isosurfaces
from stackreel.paraview.importing.transfer import opacity_of, put_opacities, put_usual_opacities
from stackreel.paraview.proxies import Proxy

_BLENDS = {
    "Composite": "composite",
    "Maximum Intensity": "maximum",
    "Minimum Intensity": "minimum",
    "Average Intensity": "average",
}
_OF_VOLUMES = {
    "UseTransfer2D": "a transfer function of values and slopes; a movie's are of values",
    "UseSeparateOpacityArray": "opacities by another array; name the channels, and write opacity: {channel: …}",
    "UseSeparateColorMap": "a colour map of its own",
    "UseCropping": "a cropping box, which its numbers say in samples; write crop",
}


def put_volume(display: Display, rep: Proxy) -> None:
    """How the volume is drawn; as surfaces, where its blend mode is Isosurface."""
    scene, name = display.shown.scene, display.source(rep)
    blend = word(rep, "BlendMode") or "Composite"
    if blend == "Isosurface":
        put_isosurfaces(display, rep)
        return
    put_opacities(display, opacity_of(display, rep, display.state.behind(rep, "LookupTable")), None)
    put_usual_opacities(display, rep)
    if blend in _BLENDS:
        if blend != "Composite":
            scene["blend"] = _BLENDS[blend]
            display.took(f"{name}: {blend.lower()} along each ray")
    else:
        display.leave(rep.line_of("BlendMode"), name, f'the blend mode "{blend}"; composite was taken')
    unit = number(rep, "ScalarOpacityUnitDistance", 0.0)
    if unit > 0.0:
        scene["opacity_unit"] = display.frame.length(unit)
        display.took(f"{name}: its opacities hold over {scene['opacity_unit']:.4g} (Scalar Opacity Unit Distance)")
    elif display.frame.grid is not None:
        scene["opacity_unit"] = usual_unit(display.frame.grid)
        cut = [called(p) for p in upstream(display.state, rep) if p.group == "filters"]
    if unit <= 0.0 and display.frame.grid is not None and cut:
        why = (
            "no Scalar Opacity Unit Distance is in the file; ParaView's own depends on the grid that "
            f"{', '.join(cut)} leaves, and that of the full grid was taken, {scene['opacity_unit']:.4g}: "
            "write opacity_unit where it matters"
        )
        display.leave(rep.line, name, why)
    elif unit <= 0.0 and display.frame.grid is not None:
        display.took(
            f"{name}: no Scalar Opacity Unit Distance is in the file, which means ParaView's own, "
            f"{scene['opacity_unit']:.4g}"
        )
    elif unit <= 0.0:
        display.leave(
            rep.line,
            name,
            "no Scalar Opacity Unit Distance, which ParaView works out from the data; add --volume brain.h5, "
            "or write opacity_unit",
        )
    if blend == "Composite":
        scene["light"] = light_of(display, rep, is_on(rep, "Shade"))
    for key, what in _OF_VOLUMES.items():
        if is_on(rep, key):
            display.leave(rep.line_of(key), name, what)
    _complain_of_placing(display, rep)


def _complain_of_placing(display: Display, rep: Proxy) -> None:
    """Tells where a representation was moved, turned or scaled."""
    usual = {"Position": (0.0,) * 3, "Orientation": (0.0,) * 3, "Scale": (1.0,) * 3}
    moved = [key for key, value in usual.items() if (three(rep, key) or value) != value]
    if moved:
        why = f"it is moved, turned or scaled ({', '.join(moved)}); a movie shows the volume where it is"
        display.leave(rep.line_of(*moved), display.source(rep), why)


def usual_unit(grid: Any) -> float:
    """ParaView's Scalar Opacity Unit Distance for a grid: its diagonal over the cube root of its number of cells."""
    cells = math.prod(max(n - 1, 1) for n in grid.shape)
    return float(grid.bounds.diagonal / cells ** (1.0 / 3.0))
