"""What lies between the colours of a table, as VTK has it: seven ways from one colour to the next.

A movie file's colours are straight in red, green and blue. ParaView's may go through hues, through what the eye takes
for even steps, or through white; laid out finely enough, straight pieces show the same.
"""

from __future__ import annotations

import heapq
import math
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SPACES = ("RGB", "HSV", "Lab", "Diverging", "Lab/CIEDE2000", "Step")
"""ParaView's colour spaces, in the order of their numbers in a state file."""
_WHITE = np.array([0.9505, 1.0, 1.089])  # D65, as VTK rounds it
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


def between(space: str, first: Array, last: Array, s: Array, *, wrap: bool = True) -> Array:
    """Display colours (n, 3) at shares s (n,) of the way from one colour to another.

    space : one of SPACES
    wrap  : whether hues take the shorter way round (HSV)
    """
    u = s[:, None]
    if space == "HSV":
        return _through_hues(first, last, s, wrap=wrap)
    if space == "Lab":
        return rgb_of_lab((1.0 - u) * lab_of_rgb(first) + u * lab_of_rgb(last))
    if space == "Diverging":
        return _diverging(first, last, s)
    if space == "Lab/CIEDE2000":
        return _by_even_steps(first, last, s)
    if space == "Step":
        return np.where(u > 0.0, last, first)
    return np.asarray((1.0 - u) * first + u * last)


def lab_of_rgb(rgb: npt.ArrayLike) -> Array:
    """CIE L*a*b* of display colours (…, 3)."""
    c = np.asarray(rgb, dtype=np.float64)
    linear = np.where(c > 0.04045, ((np.maximum(c, 0.0) + 0.055) / 1.055) ** 2.4, c / 12.92)
    v = linear @ _XYZ.T / _WHITE
    f = np.where(v > 0.008856, np.cbrt(v), 7.787 * v + 16.0 / 116.0)
    return np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], -1)


def rgb_of_lab(lab: npt.ArrayLike) -> Array:
    """Display colours (…, 3); those that no screen has are dimmed till it has them, as VTK does."""
    L, a, b = np.moveaxis(np.asarray(lab, dtype=np.float64), -1, 0)
    y = (L + 16.0) / 116.0
    f = np.stack([a / 500.0 + y, y, y - b / 200.0], axis=-1)
    v = np.where(f**3 > 0.008856, f**3, (f - 16.0 / 116.0) / 7.787) * _WHITE
    linear = v @ _RGB.T
    rgb = np.where(linear > 0.0031308, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.asarray(np.clip(rgb / np.maximum(rgb.max(axis=-1, keepdims=True), 1.0), 0.0, 1.0))


def _through_hues(first: Array, last: Array, s: Array, *, wrap: bool) -> Array:
    h1, s1, v1 = _hsv_of_rgb(first)
    h2, s2, v2 = _hsv_of_rgb(last)
    if wrap and abs(h1 - h2) > 0.5:
        h1, h2 = (h1, h2 + 1.0) if h1 > h2 else (h1 + 1.0, h2)
    hue = np.mod((1.0 - s) * h1 + s * h2, 1.0) if wrap else (1.0 - s) * h1 + s * h2
    saturation, value = (1.0 - s) * s1 + s * s2, (1.0 - s) * v1 + s * v2
    ramp = np.abs(np.mod(hue[:, None] * 6.0 + np.array([0.0, 4.0, 2.0]), 6.0) - 3.0) - 1.0
    return np.asarray(value[:, None] * (1.0 - saturation[:, None] * (1.0 - np.clip(ramp, 0.0, 1.0))))


def _hsv_of_rgb(rgb: Array) -> tuple[float, float, float]:
    r, g, b = (float(v) for v in rgb)
    high, low = max(r, g, b), min(r, g, b)
    if high <= 0.0 or high == low:
        return 0.0, 0.0, high
    span = high - low
    if r == high:
        hue = (g - b) / span / 6.0
    elif g == high:
        hue = 1.0 / 3.0 + (b - r) / span / 6.0
    else:
        hue = 2.0 / 3.0 + (r - g) / span / 6.0
    return hue % 1.0, span / high, high


def _diverging(first: Array, last: Array, s: Array) -> Array:
    """Through white, by magnitude, saturation and hue of CIELAB (Moreland 2009, doi:10.1007/978-3-642-10520-3_9)."""
    ends = [_msh_of_lab(lab_of_rgb(first)), _msh_of_lab(lab_of_rgb(last))]
    if min(ends[0][1], ends[1][1]) > 0.05 and _apart(ends[0][2], ends[1][2]) > 0.33 * math.pi:
        white = (max(ends[0][0], ends[1][0], 88.0), 0.0, 0.0)
        halves = [(ends[0], white, 2.0 * s), (white, ends[1], 2.0 * s - 1.0)]
        parts = [_msh_between(a, b, np.clip(u, 0.0, 1.0)) for a, b, u in halves]
        return np.where((s < 0.5)[:, None], parts[0], parts[1])
    return _msh_between(ends[0], ends[1], s)


Msh = tuple[float, float, float]


def _msh_between(a: Msh, b: Msh, s: Array) -> Array:
    if a[1] < 0.05 < b[1]:
        a = (a[0], a[1], _spun_hue(b, a[0]))
    elif b[1] < 0.05 < a[1]:
        b = (b[0], b[1], _spun_hue(a, b[0]))
    m, sat, hue = ((1.0 - s) * p + s * q for p, q in zip(a, b, strict=True))
    return rgb_of_lab(np.stack([m * np.cos(sat), m * np.sin(sat) * np.cos(hue), m * np.sin(sat) * np.sin(hue)], -1))


def _msh_of_lab(lab: Array) -> Msh:
    size = float(np.linalg.norm(lab))
    saturation = math.acos(min(max(float(lab[0]) / size, -1.0), 1.0)) if size > 0.001 else 0.0
    return size, saturation, math.atan2(lab[2], lab[1]) if saturation > 0.001 else 0.0


def _apart(a: float, b: float) -> float:
    turn = abs(a - b) % (2.0 * math.pi)
    return min(turn, 2.0 * math.pi - turn)


def _spun_hue(saturated: Msh, magnitude: float) -> float:
    """The hue with which a colourless end begins, so that the way there looks even."""
    m, s, hue = saturated
    if m >= magnitude - 0.1:
        return hue
    spin = s * math.sqrt(magnitude**2 - m**2) / (m * math.sin(s))
    return hue + spin if hue > -0.3 * math.pi else hue - spin


# ---------------------------------------------------------------- CIEDE2000

_SIDE = 17
"""Colours along each axis of the grid on which the shortest way is looked for, as in VTK."""


def delta_e(first: npt.ArrayLike, last: npt.ArrayLike) -> Array:
    """How different two colours look, by CIEDE2000 (Sharma 2005, doi:10.1002/col.20070); L*a*b* (…, 3)."""
    l1, a1, b1 = np.moveaxis(np.asarray(first, dtype=np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(last, dtype=np.float64), -1, 0)

    def share(c: Array) -> Array:
        return np.asarray(np.sqrt(c**7 / (c**7 + 25.0**7)))

    grow = 1.5 - 0.5 * share(0.5 * (np.hypot(a1, b1) + np.hypot(a2, b2)))
    a1, a2 = grow * a1, grow * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.mod(np.arctan2(b, a), 2.0 * np.pi) for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0.0
    turn = np.where(grey, 0.0, h2 - h1)
    turn = np.where(turn < -np.pi, turn + 2.0 * np.pi, np.where(turn > np.pi, turn - 2.0 * np.pi, turn))
    dh = 2.0 * np.sqrt(c1 * c2) * np.sin(0.5 * turn)
    both = h1 + h2
    far = np.abs(h1 - h2) > np.pi
    mean = np.where(far, np.where(both < 2.0 * np.pi, 0.5 * both + np.pi, 0.5 * both - np.pi), 0.5 * both)
    mean = np.where(grey, both, mean)
    lightness, chroma = 0.5 * (l1 + l2) - 50.0, 0.5 * (c1 + c2)
    t = 1.0 - 0.17 * np.cos(mean - np.pi / 6.0) + 0.24 * np.cos(2.0 * mean)
    t = t + 0.32 * np.cos(3.0 * mean + np.radians(6.0)) - 0.20 * np.cos(4.0 * mean - np.radians(63.0))
    theta = np.pi / 6.0 * np.exp(-(((mean - np.radians(275.0)) / np.radians(25.0)) ** 2))
    dl = (l2 - l1) / (1.0 + 0.015 * lightness**2 / np.sqrt(20.0 + lightness**2))
    dc = (c2 - c1) / (1.0 + 0.045 * chroma)
    dh = dh / (1.0 + 0.015 * chroma * t)
    return np.asarray(np.sqrt(dl**2 + dc**2 + dh**2 - np.sin(2.0 * theta) * 2.0 * share(chroma) * dc * dh))


@lru_cache(maxsize=1)
def _neighbours() -> tuple[list[list[tuple[int, float]]], Array]:
    """For every colour of the grid those next to it and how far they look; and the colours, (_SIDE³, 3)."""
    grid = np.stack(np.meshgrid(*[np.arange(_SIDE)] * 3, indexing="ij"), -1).reshape(-1, 3)
    lab = lab_of_rgb(grid / (_SIDE - 1))
    edges: list[list[tuple[int, float]]] = [[] for _ in grid]
    for step in product((-1, 0, 1), repeat=3):
        if any(step):
            there = grid + step
            inside = np.flatnonzero(((there >= 0) & (there < _SIDE)).all(axis=1))
            to = there[inside] @ np.array([_SIDE * _SIDE, _SIDE, 1])
            for i, j, far in zip(inside, to, delta_e(lab[inside], lab[to]), strict=True):
                edges[i].append((int(j), float(far)))
    return edges, grid / (_SIDE - 1)


def _by_even_steps(first: Array, last: Array, s: Array) -> Array:
    """The way on which colours look least different, one step after the other (Dijkstra on a grid of colours)."""
    edges, grid = _neighbours()
    start, goal = (
        int((v * (_SIDE - 1) + 0.5).astype(int) @ np.array([_SIDE * _SIDE, _SIDE, 1])) for v in (first, last)
    )
    far = np.full(len(grid), np.inf)
    after = np.full(len(grid), -1)
    far[goal] = 0.0
    queue = [(0.0, goal)]
    while queue:
        d, i = heapq.heappop(queue)
        if i == start:
            break
        if d > far[i]:
            continue
        for j, length in edges[i]:
            if d + length < far[j]:
                far[j], after[j] = d + length, i
                heapq.heappush(queue, (d + length, j))
    way = [start]
    while way[-1] != goal:
        way.append(int(after[way[-1]]))
    lab = lab_of_rgb(grid[way])
    at = 1.0 - far[way] / max(far[start], 1e-30)
    return rgb_of_lab(np.stack([np.interp(s, at, lab[:, k]) for k in range(3)], axis=-1))


def on_grid(color: Array) -> Array:
    """The nearest colour of the grid."""
    return np.asarray((color * (_SIDE - 1) + 0.5).astype(int) / (_SIDE - 1))
