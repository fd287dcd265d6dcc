"""Surfaces of one value: ParaView's contours, and volumes that are drawn as their isosurfaces.

A scene shows either surfaces or the volume; where ParaView shows both, the surfaces become a look of the movie.
"""

from __future__ import annotations

from typing import Any

from stackreel.paraview.importing import tables
from stackreel.paraview.importing.light import light_of
from stackreel.paraview.importing.reading import array_of, called, number, three, type_of
from stackreel.paraview.importing.report import free_name
from stackreel.paraview.importing.shown import Display
from stackreel.paraview.proxies import Proxy


def put_contours(display: Display, volume: Proxy | None, reps: list[Proxy]) -> None:
    """The surfaces that the filter Contour makes."""
    for rep in reps:
        source = display.state.behind(rep, "Input")
        if source is None or type_of(source) != "Contour":
            continue
        values = source.numbers("Isosurfaces", "ContourValues")
        display.shown.used |= {rep.key, source.key}
        if not values:
            display.leave(source.line, called(source), "it has no values (Isosurfaces)")
            continue
        _put(display, _iso(display, rep, values), called(source), rep, beside=volume is not None)


def put_isosurfaces(display: Display, rep: Proxy) -> None:
    """The surfaces of a volume whose blend mode is Isosurface."""
    values = rep.numbers("IsosurfaceValues")
    if values:
        _put(display, _iso(display, rep, values), display.source(rep), rep, beside=False)


def _iso(display: Display, rep: Proxy, values: tuple[float, ...]) -> list[dict[str, Any]]:
    """A surface for each value, in the colour that it has in ParaView."""
    table = display.state.behind(rep, "LookupTable")
    solid = three(rep, "DiffuseColor", "AmbientColor") or (1.0, 1.0, 1.0)
    opacity = min(max(number(rep, "Opacity", 1.0), 0.0), 1.0)
    found = []
    for value in sorted(set(values)):
        color = tables.color_at(table, value) if table is not None and array_of(rep) else None
        found.append(
            {
                "value": value,
                "color": color or tables.hex_of(solid),
                **({"opacity": opacity} if opacity < 1.0 else {}),
            }
        )
    return found


def _put(display: Display, iso: list[dict[str, Any]], name: str, rep: Proxy, *, beside: bool) -> None:
    """Surfaces into the scene; into a look, where they are beside something else."""
    listed = ", ".join(f"{one['value']:g}" for one in iso)
    scene = display.shown.scene
    if beside or "iso" in scene:
        look = free_name(name, display.shown.looks)
        display.shown.looks[look] = {"iso": iso}
        display.took(f'{name}: surfaces at {listed} are the look "{look}"; a scene shows either them or the volume')
        return
    for key in ("color", "opacity", "opacity_unit"):
        scene.pop(key, None)
    scene["iso"] = iso
    scene["light"] = light_of(display, rep, True)
    display.took(f"{name}: surfaces at {listed}")
