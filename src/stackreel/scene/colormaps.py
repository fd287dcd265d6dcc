"""Colours by name: "#ff8800", "white", `bone`, or ParaView's own "Cool to Warm".

Named maps come from the package `cmap`, which carries matplotlib's, cmocean's, colorcet's, Crameri's and more.
Names that ParaView's colour-map editor shows are understood wherever the same colours exist.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Vec3
from stackreel.scene.transfer import ColorPoint

PARAVIEW: dict[str, str] = {
    "cool to warm": "paraview:coolwarm",
    "coolwarm": "paraview:coolwarm",
    "warm to cool": "paraview:coolwarm_r",
    "black-body radiation": "paraview:blackbody",
    "fast": "paraview:fast",
    "viridis (matplotlib)": "viridis",
    "magma (matplotlib)": "magma",
    "plasma (matplotlib)": "plasma",
    "inferno (matplotlib)": "inferno",
    "grayscale": "matlab:gray",
    "greyscale": "matlab:gray",
    "x ray": "matlab:gray_r",
    "xray": "matlab:gray_r",
    "bone_matlab": "bone",
    "copper_matlab": "copper",
    "pink_matlab": "pink",
}
"""ParaView's names (in lower case) → the same colours in `cmap`."""

_POINTS: dict[str, tuple[tuple[float, str], ...]] = {
    "blue to red rainbow": (
        (0, "#0000ff"),
        (0.25, "#00ffff"),
        (0.5, "#00ff00"),
        (0.75, "#ffff00"),
        (1, "#ff0000"),
    ),
    "black, blue and white": ((0, "#000000"), (1 / 3, "#000080"), (2 / 3, "#0080ff"), (1, "#ffffff")),
    "black, orange and white": ((0, "#000000"), (1 / 3, "#800000"), (2 / 3, "#ff8000"), (1, "#ffffff")),
    "cold and hot": ((0, "#00ffff"), (0.45, "#0000ff"), (0.5, "#000080"), (0.55, "#ff0000"), (1, "#ffff00")),
    "tissue": ((0, "#1b0f0b"), (0.3, "#7d4a35"), (0.6, "#d9ab84"), (0.85, "#f6e6cf"), (1, "#ffffff")),
}
"""Maps given by a few colours of their own; `tissue` is ours: warm, dark to white, for anatomy on black."""


_COMMON = (
    *("black", "white", "gray", "grey", "silver", "red", "green", "blue", "yellow", "orange", "purple", "violet"),
    *("magenta", "cyan", "pink", "brown", "gold", "navy", "teal", "maroon", "olive", "lime", "ivory", "beige"),
    *("coral", "salmon", "crimson", "indigo", "turquoise", "steelblue", "slategray", "midnightblue", "whitesmoke"),
)


def parse_color(value: object) -> Vec3:
    """A display colour, 0..1: "#rrggbb", "#rgb", a CSS name, or three numbers 0..1. Otherwise ValueError."""
    if isinstance(value, (list, tuple)):
        if len(value) == 3 and all(isinstance(c, (int, float)) and 0.0 <= c <= 1.0 for c in value):
            return (float(value[0]), float(value[1]), float(value[2]))
        raise ValueError(f"{list(value)} is not a colour; three numbers from 0 to 1 are, as in [1, 0.5, 0]")
    text = str(value).strip()
    if text.startswith("#"):
        digits = text[1:]
        if len(digits) == 3:
            digits = "".join(2 * d for d in digits)
        if len(digits) == 6 and all(d in "0123456789abcdefABCDEF" for d in digits):
            r, g, b = (int(digits[i : i + 2], 16) / 255.0 for i in (0, 2, 4))
            return (r, g, b)
        raise ValueError(f'"{text}" is not a colour; write "#rrggbb", as in "#ff8800"')
    from cmap import Color

    name = text.lower().replace(" ", "")
    try:
        if name in ("", "none", "transparent"):
            raise ValueError(name)
        rgba = Color(name).rgba
    except (ValueError, TypeError, KeyError):
        near = difflib.get_close_matches(name, _COMMON, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else '; write "#rrggbb" or a name such as white'
        raise ValueError(f'"{text}" is not a colour{hint}') from None
    return (float(rgba.r), float(rgba.g), float(rgba.b))


@contextmanager
def _quiet() -> Iterator[None]:
    """`cmap` warns about names that several publishers use; a movie file need not hear of it."""
    logger = logging.getLogger("cmap")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@lru_cache(maxsize=64)
def map_points(name: str) -> tuple[ColorPoint, ...]:
    """A named map as points (0..1, r, g, b), as few as show the same colours; steps stand as two points at one value.

    A trailing `_r` reverses it. Raises ValueError, with the nearest names, when there is no such map.
    """
    key = " ".join(name.strip().lower().split())
    reverse = key.endswith("_r")
    if (key[:-2] if reverse else key) in _POINTS:
        stops = [(at, *parse_color(c)) for at, c in _POINTS[key[:-2] if reverse else key]]
        return tuple([(1.0 - p[0], *p[1:]) for p in stops[::-1]] if reverse else stops)
    if reverse and key[:-2] in PARAVIEW:
        base = PARAVIEW[key[:-2]]
        return map_points(base[:-2] if base.endswith("_r") else base + "_r")
    import cmap

    with _quiet():
        try:
            found: Any = cmap.Colormap(PARAVIEW.get(key, name.strip()))
        except (ValueError, TypeError, KeyError):
            near = difflib.get_close_matches(key, map_names(), n=3, cutoff=0.6)
            hint = f"; did you mean {' or '.join(near)}?" if near else "; try viridis, bone or tissue"
            raise ValueError(f'there is no colour map "{name}"{hint}') from None
    if found.interpolation == "nearest":
        colors = np.asarray([s.color.rgba[:3] for s in found.color_stops], dtype=np.float64)
        n = len(colors)
        edges = [((i + side) / n, *map(float, c)) for i, c in enumerate(colors) for side in (0, 1)]
        return tuple((e[0], e[1], e[2], e[3]) for e in edges)
    at = np.linspace(0.0, 1.0, 256)
    rgb = np.clip(np.asarray(found.lut(256), dtype=np.float64)[:, :3], 0.0, 1.0)
    return tuple((float(at[i]), *map(float, rgb[i])) for i in _thin(at, rgb))  # type: ignore[misc]


def _thin(at: npt.NDArray[np.float64], rgb: npt.NDArray[np.float64], tolerance: float = 0.4 / 255) -> list[int]:
    """Indices of the samples that straight lines between them need to stay within the tolerance everywhere."""
    keep, spans = {0, len(at) - 1}, [(0, len(at) - 1)]
    while spans:
        a, b = spans.pop()
        u = ((at[a : b + 1] - at[a]) / (at[b] - at[a]))[:, None]
        away = np.abs((1.0 - u) * rgb[a] + u * rgb[b] - rgb[a : b + 1]).max(axis=1)
        worst = a + int(np.argmax(away))
        if away.max() > tolerance and a < worst < b:
            keep.add(worst)
            spans += [(a, worst), (worst, b)]
    return sorted(keep)


@lru_cache(maxsize=1)
def map_names() -> tuple[str, ...]:
    """Every short name that `map_points` understands, sorted."""
    import cmap

    with _quiet():
        known = {str(k) for k in cmap.Catalog()}
    short = {k.split(":")[-1] for k in known if len(k) < 40}
    return tuple(sorted(short | set(PARAVIEW) | set(_POINTS)))


def color_points(name: str, lo: float, hi: float) -> tuple[ColorPoint, ...]:
    """A named map laid over the values lo..hi, as a TransferFunction's colours; hi < lo turns it round."""
    points = map_points(name)
    if hi < lo:
        points, lo, hi = tuple((1.0 - p[0], *p[1:]) for p in points[::-1]), hi, lo
    return tuple((lo + (hi - lo) * p[0], p[1], p[2], p[3]) for p in points)
