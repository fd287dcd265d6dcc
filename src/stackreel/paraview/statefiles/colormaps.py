"""Colour maps of ParaView 4 and earlier, which many collections still offer (.xml).

    <ColorMaps><ColorMap name="Bathymetry" space="RGB"><Point x="0" o="1" r="0" g="0.1" b="0.5"/>…

Each becomes a lookup table with that name. Points may stand in any order; opacities are taken where one is not 1.
"""

from __future__ import annotations

from pathlib import Path

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, Setting, State, Unread, Value
from stackreel.paraview.statefiles.presets import SPACES
from stackreel.paraview.statefiles.xmltree import Node, walk


def read_color_maps(path: Path, root: str) -> State:
    """The colour maps in such a file. Raises ParaViewError where there is none."""
    proxies: list[Proxy] = []
    unread: list[Unread] = []

    def take(node: Node, _: tuple[Node, ...]) -> None:
        name, settings = node.get("name"), _settings(node)
        if "RGBPoints" in settings or "IndexedColors" in settings:
            key = f"preset {len(proxies) + len(unread) + 1}"
            proxies.append(Proxy(key, "lookup_tables", "PVLookupTable", name, settings, node.line))
        else:
            unread.append(Unread(node.line, name or node.tag, "has no points with colours r, g, b"))

    walk(path, ("ColorMap",), take)
    if not proxies:
        raise ParaViewError(f"{path}: has the root <{root}>, but holds no colour map with points")
    return State(path.name, tuple(proxies), tuple(unread))


def _settings(node: Node) -> dict[str, Setting]:
    found: dict[str, Value] = {}
    points = [[one.number(name) for name in "xrgbo"] for one in node.all("Point")]
    colored = [(x, r, g, b, 1.0 if o is None else o) for x, r, g, b, o in points if None not in (r, g, b)]
    if node.get("indexedLookup").lower() in ("1", "true"):
        found["IndexedColors"] = tuple(c for point in colored for c in point[1:4])
        found["InterpretValuesAsCategories"] = 1.0
    else:
        placed = sorted((p for p in colored if p[0] is not None), key=lambda p: p[0] or 0.0)
        found["RGBPoints"] = tuple(v for point in placed for v in point[:4])
        if any(point[4] != 1.0 for point in placed):
            found["Points"] = tuple(v for point in placed for v in (point[0], point[4], 0.5, 0.0))
        if space := node.get("space"):
            found["ColorSpace"] = SPACES.get(space, space)
            found["HSVWrap"] = float(space == "Wrapped")
    for one in node.all("NaN"):
        found["NanColor"] = tuple(one.number(name) for name in "rgb")
    notes = [(one.get("v"), one.get("t")) for one in node.all("Annotation")]
    found["Annotations"] = tuple(text for note in notes for text in note)
    return {key: Setting(value, node.line) for key, value in found.items() if value not in ((), None)}
