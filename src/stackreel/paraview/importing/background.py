"""What lies behind the volume: a colour, a gradient, or what a palette of ParaView's has.

What else a view can have (ray tracing, shadows, axes, lights of its own) is told, with what a movie file has for it.
"""

from __future__ import annotations

from stackreel.paraview.importing import tables
from stackreel.paraview.importing.reading import called, is_on, three, word
from stackreel.paraview.importing.shown import Display
from stackreel.paraview.proxies import Proxy

_PALETTES = {
    "BlueGrayBackground": (0.32, 0.34, 0.43),
    "DefaultBackground": (0.32, 0.34, 0.43),
    "WhiteBackground": (1.0, 1.0, 1.0),
    "PrintBackground": (1.0, 1.0, 1.0),
    "WarmGrayBackground": (0.29, 0.27, 0.26),
    "NeutralGrayBackground": (0.42, 0.42, 0.42),
    "LightGrayBackground": (0.46, 0.44, 0.42),
    "BlackBackground": (0.0, 0.0, 0.0),
    "GradientBackground": (0.32, 0.34, 0.43),
}
"""Backgrounds of ParaView's palettes; the gradient's is its lower end."""
_DUSK = (0.0, 0.0, 0.16)
_OF_VIEWS = {
    "EnableRayTracing": "ray tracing; the movie's light has shadows and occlusion of its own",
    "UseAmbientOcclusion": "ambient occlusion; write occlusion into light",
    "Shadows": "shadows; write shadows into light",
    "StereoRender": "stereo pictures, which a movie is not",
    "UseToneMapping": "tone mapping; colours are shown as they are",
    "CenterAxesVisibility": "axes at the centre of rotation",
    "AxesGrid.Visibility": "a grid of axes",
}


def put_background(display: Display, view: Proxy) -> None:
    """The view's background; and tells what else the view has that a scene has not."""
    first, second = three(view, "Background"), three(view, "Background2")
    mode = word(view, "BackgroundColorMode") or ("Gradient" if is_on(view, "UseGradientBackground") else "Single Color")
    line = view.line_of("BackgroundColorMode", "Background")
    if mode == "Gradient":
        top, bottom = second or (0.0, 0.0, 0.165), first or (0.32, 0.34, 0.43)
        display.shown.scene["background"] = {"top": tables.hex_of(top), "bottom": tables.hex_of(bottom)}
        display.took("the background's gradient")
    elif mode == "Single Color":
        if first is not None:
            display.shown.scene["background"] = tables.hex_of(first)
            display.took(f"the background, {tables.hex_of(first)}")
        else:
            _palette(display, view)
    else:
        display.leave(line, "the background", f"{mode.lower()}; a movie's is a colour or a gradient")
    for key, what in _OF_VIEWS.items():
        if is_on(view, key):
            display.leave(view.line_of(key), called(view), what)
    if view.get("AdditionalLights"):
        why = "lights of its own; write them into light (fill, rim)"
        display.leave(view.line_of("AdditionalLights"), called(view), why)


def _palette(display: Display, view: Proxy) -> None:
    """The background of the palette that was loaded; of a picture's own, where it was saved with one."""
    saved = [word(p, "OverrideColorPalette") for p in display.state.of("misc") if p.type.startswith("Save")]
    loaded = [p.name for p in display.state.of("misc", "LoadPalette")]
    name = next((n for n in [*saved[::-1], *loaded[::-1]] if n.replace(" ", "") in _PALETTES), None)
    if name is None:
        usual = tables.hex_of(_PALETTES["DefaultBackground"])
        why = f"it is not in the file, and the movie's is black; ParaView's own is background: \"{usual}\""
        display.leave(view.line, "the background", why)
        return
    plain = name.replace(" ", "")
    color = tables.hex_of(_PALETTES[plain])
    gradient = plain == "GradientBackground"
    display.shown.scene["background"] = {"top": tables.hex_of(_DUSK), "bottom": color} if gradient else color
    display.took(f"the background of the palette {name}")
