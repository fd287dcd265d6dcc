"""ParaView's tables of colours and opacities as points of a movie file, between which all is straight.

What is not straight in ParaView (other colour spaces, logarithmic scales, midpoints and sharpness) is laid out as
finely as 1/255 of a colour needs, and no finer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.paraview.importing.colors import SPACES, Array, between, on_grid
from stackreel.paraview.importing.reading import is_on, three
from stackreel.paraview.proxies import Proxy
from stackreel.scene.colormaps import color_points, map_points

KNOWN = (
    *("Cool to Warm", "Grayscale", "X Ray", "Black-Body Radiation", "Fast", "viridis", "magma", "plasma", "inferno"),
    *("Blue to Red Rainbow", "Cold and Hot", "bone", "turbo"),
)
"""Maps whose colours are recognised and written by name."""
DEFAULT = "Fast"
"""The map that ParaView 6 begins with."""
_COLOR_ERROR = 0.4 / 255.0
_OPACITY_ERROR = 1e-3
_MOST_AS_THEY_ARE = 32
_FINE = 1025

ColorNode = tuple[float, Array]


# ---------------------------------------------------------------- opacities


def opacity_points(flat: Sequence[float], *, log: bool = False) -> list[list[float]]:
    """Points [[value, opacity], …] of a vtkPiecewiseFunction's (value, opacity, midpoint, sharpness) in a row."""
    nodes = sorted((tuple(flat[k : k + 4]) for k in range(0, len(flat) - 3, 4)), key=lambda node: node[0])
    found: list[list[float]] = []
    for k, (x, y, *_) in enumerate(nodes):
        found.append([x, y])
        if k + 1 < len(nodes) and nodes[k + 1][0] > x:
            found += _opacity_between(nodes[k], nodes[k + 1], log=log and nodes[0][0] > 0.0)
    return _stepped([[x, min(max(y, 0.0), 1.0)] for x, y in found])


def _opacity_between(a: tuple[float, ...], b: tuple[float, ...], *, log: bool) -> list[list[float]]:
    """The points that are needed between two nodes."""
    (x1, y1, middle, sharp), (x2, y2) = a, b[:2]
    if y1 == y2:
        return []
    middle = min(max(middle, 1e-5), 1.0 - 1e-5)
    if not log:
        if sharp > 0.99:
            at = x1 + middle * (x2 - x1)
            return [[at, y1], [at, y2]]
        if sharp < 0.01:
            return [] if middle == 0.5 else [[x1 + middle * (x2 - x1), 0.5 * (y1 + y2)]]
    s = np.unique(np.concatenate([np.linspace(0.0, 1.0, _FINE), [middle]]))
    xs = x1 * (x2 / x1) ** s if log else x1 + s * (x2 - x1)
    ys = opacity_share(s, middle, sharp) * (y2 - y1) + y1
    keep = thinned(xs, ys[:, None], _OPACITY_ERROR * max(abs(y1), abs(y2)))
    return [[_rounded(float(xs[i]), x2 - x1), round(float(ys[i]), 6)] for i in keep[1:-1]]


def opacity_share(s: Array, middle: float, sharp: float) -> Array:
    """Share of the way from one opacity to the next at share s of the way between their values (VTK's midpoint and
    sharpness)."""
    s = np.where(s < middle, 0.5 * s / middle, 0.5 + 0.5 * (s - middle) / (1.0 - middle))
    if sharp > 0.99:
        return np.where(s < 0.5, 0.0, 1.0)
    if sharp < 0.01:
        return np.asarray(s)
    power = 1.0 + 10.0 * sharp
    bent = np.where(s < 0.5, 0.5 * (2.0 * s) ** power, 1.0 - 0.5 * (2.0 * (1.0 - s)) ** power)
    u, v = bent, 1.0 - bent
    slope = (1.0 - sharp) * (u * v * v - u * u * v)
    return np.clip(u * u * (3.0 - 2.0 * u) + slope, 0.0, 1.0)


def rescaled(flat: Sequence[float], low: float, high: float, size: int, *, log: bool = False) -> tuple[float, ...]:
    """Nodes of `size` numbers, the first of each a value, laid over another range."""
    values = np.asarray(flat[::size], dtype=np.float64)
    if not len(values) or not high > low:
        return tuple(flat)
    first, last = float(values.min()), float(values.max())
    moved = list(flat)
    if log and first > 0.0 and low > 0.0 and last > first:
        share = np.log(values / first) / math.log(last / first)
        laid = low * (high / low) ** share
    else:
        share = (values - first) / (last - first) if last > first else np.zeros_like(values)
        laid = low + share * (high - low)
    laid[values == first], laid[values == last] = low, high if last > first else low
    moved[::size] = [float(v) for v in laid]
    return tuple(moved)


# ---------------------------------------------------------------- colours


def color_data(table: Proxy, data: tuple[float, float] | None = None, *, preset: bool = False) -> tuple[Any, list[str]]:
    """(colours as a movie file has them, sentences about them); None where the table holds none.

    data   : the volume's own values, over which ParaView would lay colours that say none; None where they are not known
    preset : whether the table is a colour map for any data, whose values 0 to 1 only say where a colour lies
    """
    said: list[str] = []
    space = str(table.get("ColorSpace") or ("RGB" if preset else "Diverging"))  # ParaView's default
    space = {"CIELAB": "Lab", "LabCIEDE2000": "Lab/CIEDE2000", "Wrapped": "HSV"}.get(space, space)
    if space not in SPACES:
        said.append(f'the colour space "{space}" is not known; taken as RGB')
        space = "RGB"
    name = table.get("ApplyPreset")
    name = name[0] if isinstance(name, tuple) and name else name
    flat = table.numbers("RGBPoints")
    if isinstance(name, str):
        return _named(name or DEFAULT, table, data, said)
    if not flat or len(flat) < 4:
        return None, said
    nodes = sorted(
        ((flat[k], np.clip(flat[k + 1 : k + 4], 0.0, 1.0)) for k in range(0, len(flat) - 3, 4)), key=lambda n: n[0]
    )
    own = (nodes[0][0], nodes[-1][0])
    span = values_of(table, data)
    if span is None and preset and data is not None and 0.0 <= own[0] < own[1] <= 1.0:
        span = data
        said.append(f"its values, {own[0]:g} to {own[1]:g}, were laid over the volume's, {data[0]:g} to {data[1]:g}")
    log = is_on(table, "UseLogScale")
    if span is not None:
        moved = rescaled([x for x, _ in nodes], *span, 1, log=log)
        nodes = [(x, color) for x, (_, color) in zip(moved, nodes, strict=True)]
    if log and not nodes[0][0] > 0.0:
        said.append(
            "its scale is logarithmic, but begins at 0 or below; ParaView takes it as linear, and so is it here"
        )
        log = False
    if is_on(table, "InvertTransferFunction"):
        nodes = _reversed(nodes, log=log)
    wrap = is_on(table, "HSVWrap")
    known = None if log or _has_ends(table) else recognised(nodes, space, wrap)
    if known is not None:
        return {"map": known, "range": [nodes[0][0], nodes[-1][0]]}, [*said, f"the colours of {known}"]
    points = laid_out(nodes, space, log=log, wrap=wrap)
    if space != "RGB" or log:
        how = " on ".join(["colours"] + ["a logarithmic scale"] * log)
        said.append(f"{how}, in {space}, as {len(points)} points that show the same to 1/255")
    else:
        said.append(f"{len(points)} colour points")
    return [[x, hex_of(color)] for x, color in _beyond(table, points)], said


def values_of(table: Proxy, data: tuple[float, float] | None) -> tuple[float, float] | None:
    """The values that a table was rescaled to; None where it was not, or they are not known."""
    found = table.numbers("RescaleTransferFunction")
    if found is not None and len(found) >= 2:
        return (found[0], found[1]) if found[1] > found[0] else None
    return data if "RescaleToData" in table.settings else None


def _named(name: str, table: Proxy, data: tuple[float, float] | None, said: list[str]) -> tuple[Any, list[str]]:
    """The colours of a preset that is known by its name."""
    try:
        points = map_points(name)
    except ValueError as error:
        return None, [
            *said,
            f"{error}; in ParaView, Choose Preset > Export writes its colours to a file for this import",
        ]
    if is_on(table, "InvertTransferFunction"):
        name = name[:-2] if name.endswith("_r") else f"{name}_r"
        points = map_points(name)
    span = values_of(table, data)
    if span is None:
        return {"map": name}, [*said, f"the colours of {name}, over the volume's own values"]
    if not (is_on(table, "UseLogScale") and span[0] > 0.0):
        return {"map": name, "range": list(span)}, [*said, f"the colours of {name}"]
    nodes = [(span[0] * (span[1] / span[0]) ** v, np.array([r, g, b])) for v, r, g, b in points]
    laid = laid_out(nodes, "RGB", log=True)
    said.append(f"the colours of {name} on a logarithmic scale, as {len(laid)} points")
    return [[x, hex_of(c)] for x, c in laid], said


def _reversed(nodes: list[ColorNode], *, log: bool) -> list[ColorNode]:
    low, high = nodes[0][0], nodes[-1][0]
    return [(low * high / x if log else low + high - x, color) for x, color in nodes[::-1]]


def _rounded(x: float, span: float) -> float:
    """A value that stands between given ones, with as many digits as matter."""
    return round(x, max(5 - math.floor(math.log10(span)), 0)) if span > 0.0 else x


def laid_out(nodes: Sequence[ColorNode], space: str, *, log: bool = False, wrap: bool = True) -> list[ColorNode]:
    """The same colours with nothing but straight lines in red, green and blue between them.

    space : as `between` knows them; "" for colours on the grid of CIEDE2000
    """
    if space == "RGB" and not log and len(nodes) <= _MOST_AS_THEY_ARE:
        return _stepped(list(nodes))
    if space == "Lab/CIEDE2000" and len(nodes) > 1:  # VTK looks for a way on a grid of colours, ends included
        inside = laid_out([(x, on_grid(c)) for x, c in nodes], "", log=log)
        return _stepped([nodes[0], *inside, nodes[-1]])
    if space == "Step":
        found = [nodes[0]]
        for (x1, _), (x2, color) in pairwise(nodes):
            if x2 > x1:
                found += [(x1, color), (x2, color)]
        return _stepped(found)
    found, begin = [], 0
    for k in range(1, len(nodes) + 1):  # runs between steps
        if k < len(nodes) and nodes[k][0] > nodes[k - 1][0]:
            continue
        run, begin = nodes[begin:k], k
        xs, colors = [run[0][0]], [run[0][1][None]]
        s = np.linspace(0.0, 1.0, _FINE if log or space != "RGB" else 2)[1:]
        for (x1, first), (x2, last) in pairwise(run):
            xs += list(x1 * (x2 / x1) ** s if log else x1 + s * (x2 - x1))
            xs[-1] = x2
            colors.append(between(space or "Lab/CIEDE2000", first, last, s, wrap=wrap))
        at, rgb = np.asarray(xs, dtype=np.float64), np.clip(np.concatenate(colors), 0.0, 1.0)
        given, span = {x for x, _ in run}, nodes[-1][0] - nodes[0][0]
        kept = thinned(at, rgb, _COLOR_ERROR if space else 0.5 * _COLOR_ERROR)  # VTK rounds that space's to 1/255
        found += [(x if (x := float(at[i])) in given else _rounded(x, span), rgb[i]) for i in kept]
    return _stepped(found)


def thinned(at: Array, values: Array, tolerance: float) -> list[int]:
    """Indices of the samples (n, k) that straight lines between them need to stay within the tolerance."""
    keep, spans = {0, len(at) - 1}, [(0, len(at) - 1)]
    while spans:
        a, b = spans.pop()
        if b - a < 2:
            continue
        u = ((at[a : b + 1] - at[a]) / (at[b] - at[a]))[:, None]
        away = np.abs((1.0 - u) * values[a] + u * values[b] - values[a : b + 1]).max(axis=1)
        worst = a + int(np.argmax(away))
        if away.max() > tolerance and a < worst < b:
            keep.add(worst)
            spans += [(a, worst), (worst, b)]
    return sorted(keep)


def recognised(nodes: Sequence[ColorNode], space: str, wrap: bool) -> str | None:
    """The name of a map with just these colours."""
    low, high = nodes[0][0], nodes[-1][0]
    if not high > low:
        return None
    values = np.linspace(0.0, 1.0, 256)
    laid = _at(laid_out(nodes, space, wrap=wrap), low + values * (high - low))
    for name in KNOWN:
        try:
            points = map_points(name)
        except ValueError:
            continue
        other = _at([(p[0], np.asarray(p[1:])) for p in points], values)
        if float(np.abs(other - laid).max()) <= 1.0 / 255.0:
            return name
    return None


def _at(points: Sequence[ColorNode], values: npt.NDArray[np.float64]) -> Array:
    xs = [x for x, _ in points]
    return np.stack([np.interp(values, xs, [c[k] for _, c in points]) for k in range(3)], axis=-1)


def color_at(table: Proxy, value: float) -> str | None:
    """The colour of one value."""
    data, _ = color_data(table)
    if isinstance(data, dict):
        low, high = data.get("range", (0.0, 1.0))
        points = [(p[0], np.asarray(p[1:])) for p in color_points(data["map"], low, high)]
    elif data:
        points = [(x, np.array([int(c[i : i + 2], 16) / 255.0 for i in (1, 3, 5)])) for x, c in data]
    else:
        return None
    return hex_of(_at(points, np.array([value]))[0])


def _has_ends(table: Proxy) -> bool:
    return is_on(table, "UseBelowRangeColor") or is_on(table, "UseAboveRangeColor")


def _beyond(table: Proxy, points: list[ColorNode]) -> list[ColorNode]:
    """With the colours of values below and above the range, where these have their own."""
    below, above = three(table, "BelowRangeColor") or (0.0, 0.0, 0.0), three(table, "AboveRangeColor") or (0.5,) * 3
    if is_on(table, "UseBelowRangeColor"):
        points = [(points[0][0], np.asarray(below)), *points]
    if is_on(table, "UseAboveRangeColor"):
        points = [*points, (points[-1][0], np.asarray(above))]
    return _stepped(points)


def labels_of(table: Proxy) -> dict[int, str] | None:
    """A colour for each label, of a table that takes values as categories; None of one that does not."""
    categories = is_on(table, "InterpretValuesAsCategories") or is_on(table, "IndexedLookup")
    colors, notes = table.numbers("IndexedColors"), table.get("Annotations")
    if not categories or not colors or len(colors) < 3 or not isinstance(notes, tuple):
        return None
    listed = [colors[k : k + 3] for k in range(0, len(colors) - 2, 3)]
    found: dict[int, str] = {}
    for i, value in enumerate(notes[::2]):
        try:
            label = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if label == int(label):
            found[int(label)] = hex_of(listed[i % len(listed)])
    return found or None


def hex_of(color: npt.ArrayLike) -> str:
    return "#" + "".join(f"{round(255 * min(max(float(c), 0.0), 1.0)):02x}" for c in np.asarray(color))


def _stepped(points: list[Any]) -> list[Any]:
    """The same with no value more than twice: twice makes a step, and that is all a step needs."""
    found: list[Any] = []
    for point in points:
        if len(found) >= 2 and found[-1][0] == found[-2][0] == point[0]:
            found[-1] = point
        elif found and found[-1][0] == point[0] and np.array_equal(found[-1][1], point[1]):
            continue
        else:
            found.append(point)
    return found
