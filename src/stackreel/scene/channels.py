"""Several channels of one place: which says how opaque, which says which colour, and how labels are told apart.

A fibre orientation map takes its colours from the directions and its opacities from the retardation. Fluorescence
channels shine side by side. A map of regions lends its colours to the tissue, and lets one region stand out by dimming
the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from stackreel.geometry import Vec3
from stackreel.scene.colormaps import color_points, map_points, parse_color
from stackreel.scene.subject import Subject
from stackreel.scene.suggest import Suggestion, suggest
from stackreel.scene.transfer import ColorPoint, OpacityPoint, TransferFunction

_T = TypeVar("_T")

CATEGORIES = "glasbey"
GREY: Vec3 = (0.5, 0.5, 0.5)
FLUORESCENCE = ("#00d050", "#ff30d0", "#20a0ff", "#ffb020", "#ffffff")
"""Colours of channels that shine side by side; the first two are told apart by colour-blind people, too."""


def first_layers(subject: Subject) -> tuple[TransferFunction, ...]:
    """How a volume, or several that belong together, are shown where nothing is said.

    Directions and labels colour the first channel of intensities; intensities alone shine side by side.
    """
    if not subject.channels:
        return (own_look("", subject, suggest(subject)),)
    intensities = [(name, s) for name, s in subject.channels if s.kind == "intensity"]
    tinting = [(name, s) for kind in ("axial", "label") for name, s in subject.channels if s.kind == kind]
    if len(intensities) > 1 and not tinting:
        return tuple(
            in_color(own_look(name, one, suggest(one)), parse_color(FLUORESCENCE[i % len(FLUORESCENCE)]))
            for i, (name, one) in enumerate(intensities)
        )
    name, seen = (intensities or tinting)[0]
    look = own_look(name, seen, suggest(seen))
    if not (intensities and tinting):
        return (look,)
    other, colors = tinting[0]
    return (colored_by(fibres(look) if colors.kind == "axial" else look, other, colors),)


def own_look(name: str, subject: Subject, first: Suggestion) -> TransferFunction:
    """A channel in its own colours."""
    look = TransferFunction(
        color_points(first.map, *first.range), first.opacity, first.opacity_unit, channel=name, color_channel=name
    )
    return colored_by(look, name, subject) if name and subject.kind != "intensity" else look


def fibres(look: TransferFunction) -> TransferFunction:
    """The same with what is weak far more transparent, so that white matter shows through the cortex."""
    opacity = tuple((value, round(0.9 * (alpha / 0.9) ** 4.5, 3)) for value, alpha in look.opacity)
    return replace(look, opacity=opacity, opacity_unit=float(f"{1.5 * look.opacity_unit:.3g}"))


def in_color(look: TransferFunction, color: Vec3) -> TransferFunction:
    """The same in one colour."""
    points = ((look.opacity[0][0], *color),)
    return replace(look, color=points, color_channel=look.channel, color_period=None, brightness=())


def colored_by(look: TransferFunction, name: str, subject: Subject) -> TransferFunction:
    """The same in the colours of another channel: a circle of hues for directions, one colour for each label."""
    first, period = suggest(subject), None
    if subject.kind == "label":
        points, period = categories(CATEGORIES)
    else:
        points = color_points(first.map, *first.range)
        period = period_of(subject) if subject.kind == "axial" else None
    return replace(look, color=points, color_channel=name, color_period=period, brightness=shading(look, name, subject))


def shading(look: TransferFunction, name: str, colors: Subject) -> tuple[OpacityPoint, ...]:
    """How bright a colour is by the values that make it opaque: hues of directions are dark where these are low.

    So a fibre orientation map looks as it does in print, and its texture is seen where all is opaque.
    """
    span = look.opacity_span
    if colors.kind != "axial" or name == look.channel or span is None:
        return ()
    low, high = span
    return ((low, 0.3), (low + 0.35 * (high - low), 0.85), (high, 1.0))


def period_of(subject: Subject) -> float:
    """The step after which a direction is the same again."""
    low, high = subject.color_range
    return subject.period or high - low


def is_cyclic(name: str) -> bool:
    """Whether a colour map ends where it begins, so that directions may be laid over it."""
    points = map_points(name)
    return float(np.abs(np.subtract(points[0][1:], points[-1][1:])).max()) < 0.12


def is_categorical(name: str) -> bool:
    """Whether a colour map is a list of colours to be told apart."""
    points = map_points(name)
    return len(points) > 2 and all(a[1:] == b[1:] for a, b in zip(points[::2], points[1::2], strict=False))


def categories(name: str) -> tuple[tuple[ColorPoint, ...], float]:
    """The colours of such a list by label, the first for label 1, and after how many labels they come round again."""
    colors = [p[1:] for p in map_points(name)[::2]]
    edges = [(i + side, *color) for i, color in enumerate(colors, start=1) for side in (-0.5, 0.5)]
    return tuple((e[0], e[1], e[2], e[3]) for e in edges), float(len(colors))


def label_colors(table: Mapping[int, Vec3], other: Vec3 = GREY) -> tuple[ColorPoint, ...]:
    """A colour for each label, and one for all others."""
    return tuple((at, *color) for at, color in _steps(table, other))


def label_mask(highlight: Iterable[int], hide: Iterable[int], dim: float) -> tuple[OpacityPoint, ...]:
    """Factors on the extinction: 1 where a label is highlighted, `dim` elsewhere, 0 where one is hidden."""
    lit = dict.fromkeys(highlight, 1.0)
    return tuple(_steps({**lit, **dict.fromkeys(hide, 0.0)}, dim if lit else 1.0))


def _steps(table: Mapping[int, _T], other: _T) -> list[tuple[float, _T]]:
    """Points of a curve that is constant within half of every label, and `other` between and beyond."""
    points: list[tuple[float, _T]] = []
    for label in sorted(table):
        if not points or points[-1][0] < label - 0.5:
            points.append((label - 0.5, other))
        else:
            points.pop()
        points += [(label - 0.5, table[label]), (label + 0.5, table[label]), (label + 0.5, other)]
    return points or [(0.0, other)]
