"""The properties of a proxy as ParaView's XML files have them, under the names and with the words of a Python trace.

XML has names of its own ("ClipFunction") and numbers for choices (ColorSpace 2); a trace says "ClipType" and "Lab".
Whoever reads a state should not need to know which of the two it came from, so the trace's are taken.
"""

from __future__ import annotations

from collections.abc import Mapping

from stackreel.paraview.proxies import Ref, Setting, Value
from stackreel.paraview.statefiles.xmltree import Node, as_number

NAMES: Mapping[str, Mapping[str, str]] = {
    "Clip": {
        "ClipFunction": "ClipType",
        "HyperTreeGridClipFunction": "HyperTreeGridClipper",
        "InsideOut": "Invert",  # until 5.4
        "PreserveInputCells": "Crinkleclip",
        "SelectInputScalars": "Scalars",
    },
    "Cut": {
        "ContourValues": "SliceOffsetValues",
        "CutFunction": "SliceType",
        "HyperTreeGridImplicitFunction": "HyperTreeGridSlicer",
        "MergePoints": "Mergeduplicatedpointsintheslice",
        "PreserveInputCells": "Crinkleslice",
        "SetDual": "UseDual",
        "Triangulate the slice": "Triangulatetheslice",
    },
    "Contour": {"ContourValues": "Isosurfaces", "Locator": "PointMergeMethod", "SelectInputScalars": "ContourBy"},
    "Threshold": {"SelectInputScalars": "Scalars"},
    "CompositeKeyFrame": {"Type": "Interpolation"},
    "PVLookupTable": {
        "IndexedLookup": "InterpretValuesAsCategories",
        "ShowIndexedColorActiveValues": "ShowCategoricalColorsinDataRangeOnly",
    },
    "RenderView": {
        "BackLightK:B Ratio": "BackLightKBRatio",
        "BackgroundEast": "EnvironmentEast",
        "BackgroundMode": "Backgroundmode",
        "BackgroundNorth": "EnvironmentNorth",
        "EnableOSPRay": "EnableRayTracing",
        "FillLightK:F Ratio": "FillLightKFRatio",
        "HeadLightK:H Ratio": "HeadLightKHRatio",
        "MaxFrames": "ProgressivePasses",
        "OSPRayRendererType": "BackEnd",
        "OSPRayTemporalCacheSize": "TemporalCacheSize",
        "UseSSAO": "UseAmbientOcclusion",
    },
}
"""By type of proxy: a property's name in XML → in Python, where the two differ; as ParaView 5.11 has them."""

_LISTS = frozenset(
    [
        "Cues",
        "FileNames",
        "Isosurfaces",
        "KeyFrames",
        "KeyValues",
        "Representations",
        "SliceOffsetValues",
        "TimeSources",
        "Views",
        "ViewModules",
    ]
)
"""Lists also when they hold one thing."""

_TEXTS = frozenset(("AnimatedPropertyName", "FileName", "FileNames", "FilePattern", "FilePrefix", "Text", "Title"))
"""Texts also when they look like a number."""

_ASSOCIATIONS = ("POINTS", "CELLS", "FIELD", "NONE", "VERTICES", "EDGES", "ROWS")


def python_name(type_: str, name: str) -> str:
    """A property's name in Python."""
    return NAMES.get(type_, {}).get(name, name)


def settings_of(proxy: Node) -> dict[str, Setting]:
    """Every property of a <Proxy> that has a value."""
    found = {}
    for node in proxy.all("Property"):
        name = python_name(proxy.get("type"), node.get("name"))
        value = _value(node, name)
        if name and value is not None:
            found[name] = Setting(value, node.line)
    return found


def _value(node: Node, name: str) -> Value:
    refs = tuple(Ref(one.get("value")) for one in node.all("Proxy"))
    if refs:
        return refs if len(refs) > 1 or name in _LISTS else refs[0]
    texts = [one.get("value") for one in _in_order(list(node.all("Element")))]
    if not texts:
        return None
    if len(texts) == 5 and any(one.get("name") in ("array_list", "field_list") for one in node.all("Domain")):
        return _array(texts)
    words = {entry.get("value"): entry.get("text") for one in node.all("Domain") for entry in one.all("Entry")}
    values: tuple[Value, ...] = tuple(
        text if name in _TEXTS else words[text] if text in words else as_number(text) for text in texts
    )
    return values if len(values) > 1 or name in _LISTS else values[0]


def _array(texts: list[str]) -> Value:
    """(association, name) of a data array, as ("POINTS", "PLI")."""
    *_, association, array = texts
    number = as_number(association)
    known = isinstance(number, float) and number in range(len(_ASSOCIATIONS))
    return (_ASSOCIATIONS[int(number)] if known else None, array)


def _in_order(elements: list[Node]) -> list[Node]:
    """Elements by their index; as they stand where one has none."""
    places = [one.number("index") for one in elements]
    if any(place is None for place in places):
        return elements
    order = sorted(range(len(elements)), key=lambda i: places[i] or 0.0)
    return [elements[i] for i in order]
