"""Half-way between two looks: transfer functions, lights, boxes and colours that glide into each other.

Opacity curves are compared value by value on a common grid. Colours pass through OKLab (Ottosson 2020), where equal
steps look equal, so that blue to yellow does not go through mud. Lengths glide by equal ratios.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Box, Vec3
from stackreel.scene.light import Light
from stackreel.scene.paths import as_vec, log_between
from stackreel.scene.scene import Background, Gradient, edges_of
from stackreel.scene.transfer import TransferFunction

Array = npt.NDArray[np.float64]

_LMS_FROM_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB_FROM_LMS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_RGB_FROM_LMS = np.linalg.inv(_LMS_FROM_RGB)
_LMS_FROM_LAB = np.linalg.inv(_LAB_FROM_LMS)
_FINENESS = 64

Layers = tuple[TransferFunction, ...]


def oklab_from_srgb(rgb: npt.ArrayLike) -> Array:
    """OKLab of display colours (..., 3) in 0..1."""
    c = np.asarray(rgb, dtype=np.float64)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _LMS_FROM_RGB.T) @ _LAB_FROM_LMS.T)


def srgb_from_oklab(lab: npt.ArrayLike) -> Array:
    """Display colours (..., 3), kept within 0..1, of OKLab."""
    linear = np.clip((np.asarray(lab, dtype=np.float64) @ _LMS_FROM_LAB.T) ** 3 @ _RGB_FROM_LMS.T, 0.0, 1.0)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1.0 / 2.4) - 0.055)
    return np.asarray(np.clip(rgb, 0.0, 1.0))


def blend_colors(a: npt.ArrayLike, b: npt.ArrayLike, u: float) -> Array:
    """Display colours at share u of the way from a to b, both (..., 3), straight through OKLab."""
    return srgb_from_oklab((1.0 - u) * oklab_from_srgb(a) + u * oklab_from_srgb(b))


def blend_color(a: Vec3, b: Vec3, u: float) -> Vec3:
    return a if u <= 0.0 or a == b else b if u >= 1.0 else as_vec(blend_colors(a, b, u))


def _table(points: tuple[tuple[float, ...], ...]) -> tuple[Array, Array]:
    """Values, strictly increasing (a step becomes a very steep ramp), and what stands there: (n,), (n, k)."""
    table = np.asarray(points, dtype=np.float64)
    values = table[:, 0].copy()
    for i in range(1, len(values)):
        values[i] = max(values[i], np.nextafter(values[i - 1], np.inf))
    return values, table[:, 1:]


def _curve(values: Array, table: tuple[Array, Array]) -> Array:
    xs, ys = table
    return np.stack([np.interp(values, xs, ys[:, k]) for k in range(ys.shape[1])], axis=-1)


def blend_transfer(a: TransferFunction, b: TransferFunction, u: float) -> TransferFunction:
    """The transfer function at share u of the way from a to b, of the same channels; a itself at 0, b itself at 1."""
    if u <= 0.0 or a == b:
        return a
    if u >= 1.0:
        return b
    color, opacity, mask, brightness = a.color, a.opacity, a.mask, a.brightness
    if a.color != b.color:
        ca, cb = _table(a.color), _table(b.color)
        grid = np.union1d(ca[0], cb[0])
        grid = np.union1d(grid, np.linspace(grid[0], grid[-1], _FINENESS + 1))
        rgb = blend_colors(_curve(grid, ca), _curve(grid, cb), u)
        color = tuple((float(v), float(r), float(g), float(k)) for v, (r, g, k) in zip(grid, rgb, strict=True))
    if a.opacity != b.opacity:
        opacity = _blend_curves(a.opacity, b.opacity, u)
    if a.mask != b.mask:
        mask = _blend_curves(a.mask or ((0.0, 1.0),), b.mask or ((0.0, 1.0),), u)
    if a.brightness != b.brightness:
        brightness = _blend_curves(a.brightness or ((0.0, 1.0),), b.brightness or ((0.0, 1.0),), u)
    return replace(
        a,
        color=color,
        opacity=opacity,
        opacity_unit=log_between(a.opacity_unit, b.opacity_unit, u),
        mask=mask,
        brightness=brightness,
        mask_channel=a.mask_channel if a.mask else b.mask_channel,
    )


def _blend_curves(
    a: tuple[tuple[float, float], ...], b: tuple[tuple[float, float], ...], u: float
) -> tuple[tuple[float, float], ...]:
    oa, ob = _table(a), _table(b)
    grid = np.union1d(oa[0], ob[0])
    y = np.clip((1.0 - u) * _curve(grid, oa) + u * _curve(grid, ob), 0.0, 1.0)[:, 0]
    return tuple((float(v), float(y_v)) for v, y_v in zip(grid, y, strict=True))


def blend_layers(a: Layers, b: Layers, u: float) -> Layers:
    """What is added up at share u of the way: equal channels glide into each other, others dissolve.

    To dissolve is exact: extinctions are (1 - u) times those of a and u times those of b.
    """
    if u <= 0.0 or a == b:
        return a
    if u >= 1.0:
        return b
    found, rest = [], list(b)
    for one in a:
        other = next((t for t in rest if _alike(one, t)), None)
        if other is None:
            found.append(replace(one, opacity_unit=one.opacity_unit / (1.0 - u)))
        else:
            rest.remove(other)
            found.append(blend_transfer(one, other, u))
    return (*found, *(replace(t, opacity_unit=t.opacity_unit / u) for t in rest))


def _alike(a: TransferFunction, b: TransferFunction) -> bool:
    """Whether the two are curves over the same values."""
    if (a.channel, a.color_channel, a.color_period) != (b.channel, b.color_channel, b.color_period):
        return False
    if a.color_period is not None and a.color[0][0] != b.color[0][0]:
        return False
    return not (a.mask and b.mask) or a.mask_channel == b.mask_channel


def blend_light(a: Light, b: Light, u: float) -> Light:
    """Every field on the straight way from a to b."""
    if u <= 0.0 or a == b:
        return a
    if u >= 1.0:
        return b
    fields = ("ambient", "diffuse", "specular", "specular_power", "occlusion", "shadows", "fill", "rim")
    return replace(
        a,
        **{name: (1.0 - u) * getattr(a, name) + u * getattr(b, name) for name in fields},
        direction=_between_directions(a.direction, b.direction, u),
        fill_direction=_between_directions(a.fill_direction, b.fill_direction, u),
        rim_direction=_between_directions(a.rim_direction, b.rim_direction, u),
    )


def _between_directions(a: Vec3, b: Vec3, u: float) -> Vec3:
    mixed = as_vec((1.0 - u) * np.asarray(a) + u * np.asarray(b))
    # from one side to the very opposite: the moment between has no direction
    return mixed if any(abs(x) > 1e-9 for x in mixed) else a


def blend_background(a: Background, b: Background, u: float) -> Background:
    """Both edges of the picture, each through OKLab."""
    if u <= 0.0 or a == b:
        return a
    if u >= 1.0:
        return b
    (top, bottom), (end_top, end_bottom) = edges_of(a), edges_of(b)
    if top == bottom and end_top == end_bottom:
        return blend_color(top, end_top, u)
    return Gradient(blend_color(top, end_top, u), blend_color(bottom, end_bottom, u))


def blend_box(a: Box, b: Box, u: float) -> Box:
    """Each face on the straight way from a to b."""
    if u <= 0.0 or a == b:
        return a
    if u >= 1.0:
        return b
    mix = [as_vec((1.0 - u) * np.asarray(p) + u * np.asarray(q)) for p, q in ((a.lower, b.lower), (a.upper, b.upper))]
    return Box(mix[0], mix[1])
