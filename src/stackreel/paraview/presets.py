"""Colours and opacities as ParaView takes them: points of its two transfer functions, and colour maps to import.

ParaView's colour map files (.json) are a list of presets, each with a name, colours over value, and opacities over
value. ParaView stretches a preset over the data unless it is told to keep the preset's own range.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stackreel.scene.colormaps import color_points
from stackreel.scene.transfer import TransferFunction

Span = tuple[float, float]
_MOST_TURNS = 2000


def rgb_points(transfer: TransferFunction, span: Span) -> list[float]:
    """Colours as RGBPoints: value, r, g, b, …

    span : the values that occur; colours that repeat are written out over them, since ParaView's do not repeat
    """
    points = list(transfer.color)
    if transfer.color_period is not None:
        points = _unrolled(points, transfer.color_period, span)
    return _flat(_at_least_two(points, span))


def opacity_points(transfer: TransferFunction, span: Span) -> list[float]:
    """Opacities as Points: value, opacity, midpoint 0.5, sharpness 0, …"""
    return _flat([(value, alpha, 0.5, 0.0) for value, alpha in _at_least_two(list(transfer.opacity), span)])


def map_preset(name: str, span: Span = (0.0, 1.0)) -> dict[str, Any]:
    """A named colour map as a preset over those values. ValueError, with the nearest names, for an unknown one."""
    return _preset(name, _flat(color_points(name, *span)))


def look_preset(name: str, transfer: TransferFunction, span: Span) -> dict[str, Any]:
    """Colours and opacities of a look as a preset."""
    return {**_preset(name, rgb_points(transfer, span)), "Points": opacity_points(transfer, span)}


def presets_text(presets: Sequence[Mapping[str, Any]]) -> str:
    """The file that ParaView imports; a point a line."""
    return "[\n" + ",\n".join(_text(preset) for preset in presets) + "\n]\n"


def _preset(name: str, colors: list[float]) -> dict[str, Any]:
    return {"Name": name, "Creator": "stackreel", "ColorSpace": "RGB", "RGBPoints": colors}


def _text(preset: Mapping[str, Any]) -> str:
    lines = []
    for key, value in preset.items():
        if key in ("RGBPoints", "Points"):
            rows = (", ".join(json.dumps(v) for v in value[i : i + 4]) for i in range(0, len(value), 4))
            said = "[\n      " + ",\n      ".join(rows) + "\n    ]"
        else:
            said = json.dumps(value, ensure_ascii=False)
        lines.append(f'    "{key}": {said}')
    return "  {\n" + ",\n".join(lines) + "\n  }"


def _unrolled(points: list[Any], period: float, span: Span) -> list[Any]:
    """Colours that come round again, over all values of the span."""
    start = points[0][0]
    first = math.floor((span[0] - start) / period)
    last = min(max(math.ceil((span[1] - start) / period), first + 1), first + _MOST_TURNS)
    return [(value + turn * period, *rgb) for turn in range(first, last) for value, *rgb in points]


def _at_least_two(points: list[Any], span: Span) -> list[Any]:
    if len(points) > 1:
        return points
    value, *rest = points[0]
    low, high = (span[0], span[1]) if span[0] < span[1] else (value, value + 1.0)
    return [(low, *rest), (high, *rest)]


def _flat(points: Sequence[Sequence[float]]) -> list[float]:
    return [round(float(v), 9) if np.isfinite(v) else 0.0 for point in points for v in point]
