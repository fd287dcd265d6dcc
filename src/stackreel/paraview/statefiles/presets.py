"""Colour maps as ParaView exports them (.json), and vtk.js: a list, each with a name, colours, and maybe opacities.

    [{"Name": "Tissue", "ColorSpace": "Lab", "RGBPoints": [x, r, g, b, …], "Points": [x, opacity, 0.5, 0, …]}]

Each becomes a lookup table with that name; opacities stand in its "Points".
"""

from __future__ import annotations

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, Setting, State, Unread
from stackreel.paraview.statefiles.loosejson import as_value, flat

_GROUPS = {"RGBPoints": 4, "IndexedColors": 3, "Points": 4, "IndexedOpacities": 1}
"""Lists of numbers → how many belong together."""

SPACES = {"CIELAB": "Lab", "LAB": "Lab", "Wrapped": "HSV"}
"""Other words for ParaView's colour spaces."""


def presets_of(data: object, name: str) -> State:
    """The colour maps that parsed JSON holds. Raises ParaViewError where there is none."""
    presets, proxies, unread = data if isinstance(data, list) else [data], [], []
    for k, preset in enumerate(presets, 1):
        called = str(preset.get("Name", "")) if isinstance(preset, dict) else ""
        wrong = _wrong_with(preset)
        if wrong or not isinstance(preset, dict):
            unread.append(Unread(0, called or f"colour map {k}", wrong))
        else:
            proxies.append(Proxy(f"preset {k}", "lookup_tables", "PVLookupTable", called, _settings(preset)))
    if not proxies:
        why = f" ({unread[0].text}: {unread[0].reason})" if unread else ""
        raise ParaViewError(
            f"{name}: holds no colour map of ParaView's{why}; in ParaView, Choose Preset > Export writes one"
        )
    return State(name, tuple(proxies), tuple(unread))


def _settings(preset: dict[str, object]) -> dict[str, Setting]:
    found = {key: as_value(one) for key, one in preset.items() if key != "Name"}
    found |= {key: flat(preset[key]) for key in _GROUPS if key in preset}
    space = found.get("ColorSpace")
    if isinstance(space, str) and space in SPACES:
        found["ColorSpace"] = SPACES[space]
    if "RGBPoints" not in found and "IndexedColors" in found:
        found["InterpretValuesAsCategories"] = 1.0
    return {key: Setting(value) for key, value in found.items() if value is not None}


def _wrong_with(preset: object) -> str:
    """Why that is no colour map; "" where it is one."""
    if not isinstance(preset, dict):
        return "is no colour map, which has RGBPoints or IndexedColors"
    if not any(key in preset for key in ("RGBPoints", "IndexedColors", "Points")):
        return "has no colours (RGBPoints or IndexedColors)"
    for key, size in _GROUPS.items():
        numbers = flat(preset[key]) if key in preset else ()
        if numbers is None:
            return f"{key} is no list of numbers"
        if len(numbers) % size:
            return f"{key} holds {len(numbers)} numbers, which are not groups of {size}"
    return ""
