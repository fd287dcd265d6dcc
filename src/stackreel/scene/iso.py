"""Surfaces of equal value, said as colours and opacities: so every engine can draw them, and they glide like any look.

An opaque surface is a steep ramp: nothing below its value, solid above. A translucent one is a narrow peak at it,
so that what lies within shows through. Ramps are steep, but no steps: on a step, the planes on which rays are sampled
would show like the rings in a plank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from stackreel.geometry import Vec3
from stackreel.scene.subject import Subject
from stackreel.scene.suggest import suggest
from stackreel.scene.transfer import ColorPoint, OpacityPoint, TransferFunction

WIDTH = 0.25
"""Share of the values in use that a ramp or a peak takes."""
DEPTH = 6.0
"""Voxels over which the opacity of a surface holds."""
SOLID = 0.95
"""Opacity per that length of what is opaque: several samples share the surface, which makes it smooth."""


@dataclass(frozen=True, slots=True)
class Iso:
    """One surface. width: of its ramp or peak in values, None for one that suits the volume."""

    value: float
    color: Vec3
    opacity: float = 1.0
    width: float | None = None


def is_inside_below(subject: Subject) -> bool:
    """Whether tissue has the lower values, as under a bright-field microscope."""
    low, high = suggest(subject).range
    return high < low


def values_in_use(subject: Subject) -> float:
    """From the darkest to the brightest values, a few outliers apart."""
    low, high = subject.color_range
    if subject.histogram is not None and sum(subject.histogram[1]) > 0:
        edges, counts = (np.asarray(v, dtype=np.float64) for v in subject.histogram)
        share = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
        low, high = (float(np.interp(s, share, edges)) for s in (0.001, 0.999))
    return high - low if high > low else subject.color_range[1] - subject.color_range[0]


def surfaces(isos: Sequence[Iso], subject: Subject, base: TransferFunction, *, below: bool) -> TransferFunction:
    """Colours and opacities that show these surfaces, over the channel of `base`.

    below : whether the inside of a surface is where values are lower
    """
    sign = -1.0 if below else 1.0
    usual = WIDTH * values_in_use(subject)
    ordered = sorted(isos, key=lambda iso: sign * iso.value)
    opacity: list[OpacityPoint] = []
    for k, iso in enumerate(ordered):
        width = usual if iso.width is None else iso.width
        at = sign * iso.value
        if k + 1 < len(ordered):  # two surfaces stay apart
            width = min(width, 0.98 * (sign * ordered[k + 1].value - at))
        if k > 0:
            width = min(width, 0.98 * (at - sign * ordered[k - 1].value))
        opacity.append((at - 0.5 * width, 0.0))
        if iso.opacity >= 1.0:
            opacity.append((at + 0.5 * width, SOLID))
            ordered = ordered[: k + 1]
            break
        opacity += [(at, iso.opacity), (at + 0.5 * width, 0.0)]
    color: list[ColorPoint] = [(sign * ordered[0].value, *ordered[0].color)]
    for a, b in pairwise(ordered):
        middle = 0.5 * sign * (a.value + b.value)
        color += [(middle, *a.color), (middle, *b.color)]
    if below:
        color, opacity = [(-v, r, g, b) for v, r, g, b in color[::-1]], [(-v, a) for v, a in opacity[::-1]]
    return replace(
        base,
        color=tuple(color),
        opacity=tuple(opacity),
        opacity_unit=DEPTH * float(np.cbrt(np.prod(subject.step))),
        color_channel=base.channel,
        color_period=None,
    )
