"""How large a sample is, as far as a TIFF tells: OME metadata, ImageJ's, or the resolution tags.

Three numbers are needed, and many files know two: the pixel size is in the header, the distance between
sections in a laboratory book. Two are passed on as a note; the printer's resolutions that every camera
writes are not believed.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple
from xml.etree import ElementTree

from stackreel.geometry import Spacing, format_um
from stackreel.slices.lengths import INCH_UM, UNITS, Size, spacing_or_note, to_um

_PRINTER_DPI = (72, 96, 100, 150, 200, 300, 600)


class Place(NamedTuple):
    """What a page of an OME file is a picture of; all from 0."""

    z: int
    channel: int
    time: int


def spacing_of(
    tif: Any, page: Any, sections: int, coarser: tuple[float, float] = (1, 1)
) -> tuple[Spacing | None, list[str]]:
    """The spacing in µm when the file knows all three lengths, and else None and a note of what it knows.

    tif, page : tifffile's TiffFile and the first page of the stack
    sections  : pages of the stack in this file
    coarser   : how many of the page's rows and columns make one of the resolution that is read
    """
    notes: list[str] = []
    size: Size = (None, None, None)
    if tif.is_ome and tif.ome_metadata:
        size, source = _from_ome(tif.ome_metadata), "OME metadata"
    elif tif.is_imagej and tif.imagej_metadata:
        size, source = _from_imagej(tif.imagej_metadata, page), "ImageJ metadata"
        if size[0] is None and size[2] is not None and sections > 1:
            unit = _imagej_unit(tif.imagej_metadata, "unit")
            assert unit is not None
            size = (unit, *size[1:])  # ImageJ leaves a depth of 1 out
            notes.append(f"ImageJ states no distance between sections, which for it means {format_um(unit)}")
    else:
        size, source = _from_resolution(page), "resolution tags"
    z, y, x = size
    size = (z, None if y is None else y * coarser[0], None if x is None else x * coarser[1])
    spacing, said = spacing_or_note(size, source)
    return spacing, [*notes, *said]


def ome_sizes(xml: str) -> dict[str, int]:
    """How many sections, channels and time points OME metadata speak of: {"Z": 234, "C": 1, "T": 1}.

    1 where they are silent. For a set of files that share their metadata: the sizes of the whole set.
    """
    pixels = _ome_pixels(xml)
    said = {axis: (pixels.get(f"Size{axis}") or "") if pixels is not None else "" for axis in "ZCT"}
    return {axis: int(n) if n.isdigit() else 1 for axis, n in said.items()}


def ome_channels(xml: str) -> tuple[str, ...]:
    """Names of the channels, "" for those without one."""
    pixels = _ome_pixels(xml)
    if pixels is None:
        return ()
    return tuple(node.get("Name") or "" for node in pixels if _tag(node) == "Channel")


def ome_places(xml: str, file_name: str) -> dict[int, Place]:
    """For the pages of one file of an OME set, by number: what they show. Empty where the metadata do not say."""
    pixels = _ome_pixels(xml)
    if pixels is None:
        return {}
    sizes = ome_sizes(xml)
    order = [axis for axis in pixels.get("DimensionOrder", "XYZCT") if axis in "ZCT"]
    found: dict[int, Place] = {}
    for data in (node for node in pixels if _tag(node) == "TiffData"):
        where = next((node for node in data if _tag(node) == "UUID"), None)
        if where is None or where.get("FileName") != file_name:
            continue
        first = {axis: int(data.get(f"First{axis}", "0")) for axis in "ZCT"}
        start = int(data.get("IFD", "0"))
        count = int(data.get("PlaneCount", "1" if data.get("IFD") else str(math.prod(sizes.values()))))
        index = sum(first[axis] * math.prod(sizes[a] for a in order[:i]) for i, axis in enumerate(order))
        for page in range(count):
            rest, at = index + page, {}
            for axis in order:
                rest, at[axis] = divmod(rest, sizes[axis])
            if rest:
                break
            found[start + page] = Place(at["Z"], at["C"], at["T"])
    return found


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _ome_pixels(xml: str) -> ElementTree.Element | None:
    """The Pixels element of the first image."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    return next((node for node in root.iter() if _tag(node) == "Pixels"), None)


def _from_ome(xml: str) -> Size:
    pixels = _ome_pixels(xml)
    if pixels is None:
        return (None, None, None)
    z, y, x = (
        to_um(
            pixels.get(f"PhysicalSize{axis}"),
            UNITS.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").casefold()),
        )
        for axis in "ZYX"
    )
    return (z, y, x)


def _from_imagej(metadata: dict[str, Any], page: Any) -> Size:
    unit = _imagej_unit(metadata, "unit")
    x, y = (_pixel(page, code) for code in (282, 283))
    depth = metadata.get("spacing")
    return (
        to_um(abs(depth) if isinstance(depth, int | float) else None, _imagej_unit(metadata, "zunit") or unit),
        to_um(y, _imagej_unit(metadata, "yunit") or unit),
        to_um(x, unit),
    )


def _imagej_unit(metadata: dict[str, Any], key: str) -> float | None:
    name = str(metadata.get(key, "")).replace("\\u00B5", "µ").replace("\\u00b5", "µ")
    return UNITS.get(name.casefold())


def _from_resolution(page: Any) -> Size:
    unit = page.tags.valueof(296, default=2)
    um = {2: INCH_UM, 3: 1e4, 4: 1e3, 5: 1.0}.get(int(unit))
    if um is None:
        return (None, None, None)
    x, y = (to_um(_pixel(page, code), um) for code in (282, 283))
    if x is None or y is None:
        return (None, None, None)
    per_unit = um / x
    if math.isclose(per_unit, 1, rel_tol=1e-3) or any(
        math.isclose(INCH_UM / x, dpi, rel_tol=5e-3) for dpi in _PRINTER_DPI
    ):
        return (None, None, None)
    return (None, y, x)


def _pixel(page: Any, code: int) -> float | None:
    """Units in one pixel from a resolution tag (pixels in one unit), None when it says nothing."""
    value = page.tags.valueof(code)
    try:
        n, d = value
        return float(d) / float(n) if n > 0 and d > 0 else None
    except (TypeError, ValueError):
        return None
