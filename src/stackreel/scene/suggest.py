"""A first look at a volume that nobody has seen yet: colours and opacities picked from its histogram.

Most of a scan is empty: the peak at one end of the histogram is background and becomes transparent. What is left gets
opacities that rise from its threshold to its brightest values, and an opacity unit dense enough for surfaces and cut
faces to be read, but not a solid block. A stack that tissue fills from edge to edge, as in electron microscopy, has no
such peak: it is shown as grey sections, nearly opaque and unlit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stackreel.scene.subject import Subject

Array = npt.NDArray[np.float64]

_DEPTH = 20.0
"""Optical depth wanted along an average line of sight through the volume and its empty surroundings."""

_LEAST_PEAK, _LEAST_FLOOR = 0.25, 0.08
"""Shares of the samples near the most frequent value, and near the lowest, below which a stack has no background.
Electron microscopy of neuropil has 0.12 and 0.00; a brain in its surroundings 0.55 and more of the first."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A first look.

    map, range   : colour map and the values at its ends
    opacity      : points (value, opacity)
    opacity_unit : world length
    light        : a preset's name
    threshold    : value that parts background from the rest; None when there is no background to part
    share        : share of the volume that is not background
    """

    map: str
    range: tuple[float, float]
    opacity: tuple[tuple[float, float], ...]
    opacity_unit: float
    light: str
    threshold: float | None
    share: float = 1.0


def otsu(edges: npt.ArrayLike, counts: npt.ArrayLike) -> float:
    """The value that parts a histogram into the two most compact halves (Otsu 1979)."""
    e, c = np.asarray(edges, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    middle = 0.5 * (e[:-1] + e[1:])
    below, first = np.cumsum(c), np.cumsum(c * middle)
    above, total = below[-1] - below, first[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = below * above * (first / below - (total - first) / above) ** 2
    return float(e[int(np.nanargmax(np.where(np.isfinite(gain), gain, -1.0))) + 1])


def _above_background(edges: Array, counts: Array) -> float:
    """The value that parts a dark background from all tissue, the dim included.

    Where tissue is of two kinds, as grey and white matter, one cut into two parts may run between them. The half
    below it is cut once more when it, too, falls into two heaps clearly apart: their means by more than four
    standard deviations within. One Gaussian cut in the middle has 2.6, an exponential tail 3.5.
    """
    first = otsu(edges, counts)
    below = edges[1:] <= first
    if below.sum() < 2 or counts[below].sum() <= 0:
        return first
    c, e = counts[below], edges[: int(below.sum()) + 1]
    second, middle = otsu(e, c), 0.5 * (e[:-1] + e[1:])
    heaps = [(c * side, float((c * side).sum())) for side in (middle < second, middle > second)]
    if min(n for _, n in heaps) < 0.005 * counts.sum():
        return first
    means = [float((h * middle).sum() / n) for h, n in heaps]
    within = sum(float((h * (middle - m) ** 2).sum()) for (h, _), m in zip(heaps, means, strict=True)) / c.sum()
    return second if means[1] - means[0] > 4.0 * np.sqrt(within) else first


def _quantile(edges: Array, counts: Array, share: float) -> float:
    """The value below which that share of the counts lies."""
    cumulated = np.concatenate([[0.0], np.cumsum(counts)])
    return float(np.interp(share * cumulated[-1], cumulated, edges))


def _tidy(value: float, span: float) -> float:
    """The value rounded to about three figures of the range, for a file that people read."""
    digits = int(np.ceil(-np.log10(span))) + 3
    return float(round(value, max(digits, 0)))


def _mean_chord(subject: Subject) -> float:
    """Average length of a line of sight through the volume: 4 V / S, as for every convex body."""
    a, b, c = (max(s, 1e-9) for s in subject.extent.size)
    return 2.0 * a * b * c / (a * b + b * c + c * a)


def _unit_for(depth_at_unit: float, subject: Subject) -> float:
    """Opacity unit for which an average line of sight gathers the wanted depth.

    depth_at_unit : mean of -ln(1 - opacity) over the volume
    """
    unit = _mean_chord(subject) * depth_at_unit / _DEPTH
    low, high = 0.25 * min(subject.step), max(subject.extent.size)
    unit = float(min(max(unit, low), high))
    return float(f"{unit:.3g}")


def suggest(subject: Subject) -> Suggestion:
    """The first look for that volume; a pure function of it."""
    lo, hi = subject.color_range
    if subject.kind == "label":
        step = min(1.0, 0.5 * (hi - lo))
        opacity: tuple[tuple[float, float], ...] = ((lo, 0.0), (lo + 0.5 * step, 0.0), (lo + step, 0.6), (hi, 0.6))
        return Suggestion("glasbey", (lo, hi), opacity, _unit_for(_mean_depth(subject, opacity), subject), "none", lo)
    if subject.kind == "axial":
        return _as_directions(subject)
    if subject.histogram is None or sum(subject.histogram[1]) <= 0 or hi <= lo:
        points = [(lo, 0.0), (lo + 0.2 * (hi - lo), 0.0), (hi, 0.5)]
        threshold: float | None = None
        bright, share = False, 1.0
        shown = (lo, hi)
    else:
        edges, counts = (np.asarray(v, dtype=np.float64) for v in subject.histogram)
        masked = subject.numbers < 1.0 - _LEAST_FLOOR
        if not masked and not _has_background(edges, counts):
            return _as_sections(subject, edges, counts)
        if masked and _share_at_the_foot(edges, counts) < _LEAST_PEAK:
            # what is outside is no number at all, and is drawn like the lowest value
            threshold, bright, kept = None, False, counts
        else:
            bright = _is_background_bright(edges, counts)
            threshold = otsu(edges, counts) if bright else _above_background(edges, counts)
            kept = counts * ((edges[1:] <= threshold) if bright else (edges[:-1] >= threshold))
            if kept.sum() <= 0:
                kept = counts
        share = subject.numbers * float(kept.sum() / counts.sum())
        if bright and threshold is not None:
            q = [_quantile(edges, kept, s) for s in (0.995, 0.9, 0.5)]
            points = [(lo, 0.6), (q[2], 0.25), (q[1], 0.06), (threshold, 0.0), (hi, 0.0)]
            shown = (min(_quantile(edges, kept, 0.005), q[2]), threshold)
        else:
            q = [_quantile(edges, kept, s) for s in (0.02, 0.2, 0.5, 0.995)]
            foot = q[0]
            if threshold is not None:
                empty = counts - kept
                outside = _quantile(edges, empty, 0.5) if empty.sum() > 0 else lo
                foot = threshold - 0.3 * max(threshold - outside, 0.0)
            points = [(lo, 0.0), (foot, 0.0), (q[1], 0.35), (q[2], 0.6), (q[3], 0.9), (hi, 0.9)]
            if threshold is None:
                points[1] = (foot, 0.2)
            top = _quantile(edges, kept, 0.95)
            shown = (foot - 0.25 * (top - foot), top)  # so that what is usual is bright, and nothing seen is black
    span = hi - lo
    tidy = [(_tidy(min(max(v, lo), hi), span), a) for v, a in points]
    increasing = [p for i, p in enumerate(tidy) if i == 0 or p[0] > tidy[i - 1][0]]
    opacity = tuple(increasing) if len(increasing) > 1 else ((lo, 0.0), (hi, 0.5))
    unit = _unit_for(_mean_depth(subject, opacity), subject)
    low, high = _tidy(shown[0], span), _tidy(shown[1], span)
    color_range = (low, high) if high > low else (lo, hi)
    if bright:
        color_range = (color_range[1], color_range[0])
    return Suggestion(
        "tissue", color_range, opacity, unit, "studio", None if threshold is None else _tidy(threshold, span), share
    )


def _has_background(edges: Array, counts: Array) -> bool:
    """Whether part of the stack is empty: many samples of one value, or many at the dark end."""
    middle, span = 0.5 * (edges[:-1] + edges[1:]), edges[-1] - edges[0]
    near = np.abs(middle - middle[int(np.argmax(counts))]) <= 0.03 * span
    floor = _share_at_the_foot(edges, counts)
    return bool(counts[near].sum() >= _LEAST_PEAK * counts.sum() or floor >= _LEAST_FLOOR)


def _share_at_the_foot(edges: Array, counts: Array) -> float:
    """Share of the samples at the dark end."""
    dark = 0.5 * (edges[:-1] + edges[1:]) <= edges[0] + 0.08 * (edges[-1] - edges[0])
    return float(counts[dark].sum() / counts.sum())


def _as_directions(subject: Subject) -> Suggestion:
    """The look of angles: hue is direction, all around the circle; what has no direction is not there."""
    lo, hi = subject.color_range
    alpha = 0.6
    opacity: tuple[tuple[float, float], ...] = ((lo, alpha), (hi, alpha))
    period, background = subject.period or hi - lo, subject.background
    if background is not None:
        # samples are not interpolated, so that a notch as wide as one whole number is enough
        half = min(0.5, period / 360.0)
        lo, hi = min(lo, background - half), max(hi, background + half)
        notch = [(-half, alpha), (-half / 2.0, 0.0), (half / 2.0, 0.0), (half, alpha)]
        around = [(background + away, a) for away, a in notch]
        opacity = ((lo, alpha),) * (lo < around[0][0]) + tuple(around) + ((hi, alpha),) * (hi > around[-1][0])
    lowest = subject.value_range[0]
    start = -period / 2.0 if lowest < 0.0 and lowest != background else 0.0
    unit = _unit_for(_mean_depth(subject, opacity), subject)
    return Suggestion(
        "cmocean:phase", (start, start + period), opacity, unit, "none", background, _share(subject, opacity)
    )


def _share(subject: Subject, opacity: tuple[tuple[float, float], ...]) -> float:
    """Share of the volume that is visible."""
    if subject.histogram is None or sum(subject.histogram[1]) <= 0:
        return 1.0
    edges, counts = (np.asarray(v, dtype=np.float64) for v in subject.histogram)
    table = np.asarray(opacity)
    seen = np.interp(0.5 * (edges[:-1] + edges[1:]), table[:, 0], table[:, 1]) > 0.0
    return subject.numbers * float(counts[seen].sum() / counts.sum())


def _as_sections(subject: Subject, edges: Array, counts: Array) -> Suggestion:
    """The look of a stack without background: grey, nearly opaque, unlit, so that faces and cuts show the sections."""
    lo, hi = subject.color_range
    dark, light = (_tidy(_quantile(edges, counts, s), hi - lo) for s in (0.01, 0.99))
    shown = (dark, light) if dark < light else (lo, hi)
    unit = float(f"{0.5 * max(subject.step):.3g}")
    return Suggestion("gray", shown, ((lo, 0.9), (hi, 0.9)), unit, "none", None)


def _is_background_bright(edges: Array, counts: Array) -> bool:
    """Whether the empty part is white, as under a bright-field microscope: much at the top, little at the bottom."""
    lo, hi = edges[0], edges[-1]
    middle = 0.5 * (edges[:-1] + edges[1:])
    top = counts[middle > hi - 0.06 * (hi - lo)].sum()
    bottom = counts[middle < lo + 0.06 * (hi - lo)].sum()
    return bool(top > 0.25 * counts.sum() and top > 2.0 * bottom)


def _mean_depth(subject: Subject, opacity: tuple[tuple[float, float], ...]) -> float:
    """Mean of -ln(1 - opacity) over the volume: optical depth gathered in one opacity unit."""
    table = np.asarray(opacity, dtype=np.float64)
    if subject.histogram is None or sum(subject.histogram[1]) <= 0:
        values = np.linspace(*subject.color_range, 256)
        weights = np.full(256, 0.3 / 256)
    else:
        edges, counts = (np.asarray(v, dtype=np.float64) for v in subject.histogram)
        values, weights = 0.5 * (edges[:-1] + edges[1:]), subject.numbers * counts / counts.sum()
    alpha = np.minimum(np.interp(values, table[:, 0], table[:, 1]), 0.98)
    return float((weights * -np.log1p(-alpha)).sum())
