"""A transfer function as the renderer wants it: equally spaced entries of colour and extinction, and what they hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.scene import TransferFunction
from stackreel.volume import Summary, Volume

ENTRIES = 2048
ALMOST_OPAQUE = 1.0 - 1e-6
PACKED_STEPS = np.array([2047.0, 2047.0, 1023.0])


@dataclass(frozen=True)
class LookUp:
    """Equally spaced entries of a transfer function.

    colors : (entries, 4) float32: red, green, blue, extinction per world length
    packed : (2 · entries,) uint32, the same as kernels.march wants it
    sums   : (entries + 1,) int32: how many entries before each have an extinction
    scale  : value of the first entry, entries per unit of value
    """

    colors: npt.NDArray[np.float32]
    packed: npt.NDArray[np.uint32]
    sums: npt.NDArray[np.int32]
    scale: npt.NDArray[np.float64]

    @cached_property
    def areas(self) -> npt.NDArray[np.float64]:
        """Sums over the entries before each, ((entries + 1) · 4,): colours times extinction, and extinction."""
        colors = unpacked(self.packed).astype(np.float64)
        colors[:, :3] *= colors[:, 3:]
        return np.concatenate([np.zeros((1, 4)), np.cumsum(colors, axis=0)]).reshape(-1)


def look_up(transfer: TransferFunction, volume: Volume, added: Sequence[TransferFunction] = ()) -> LookUp:
    """The table over the range in which the transfer function changes; entries for every value where there are few.

    added : transfer functions of the same values that are added up with it: extinctions, and colours by them
    """
    layers = (transfer, *added)
    axial = volume.kind == "axial"
    whole = [axial or t.color_period is not None or bool(t.mask or t.brightness) for t in layers]
    spans = [volume.value_range if every else t.span for t, every in zip(layers, whole, strict=True)]
    values = values_over(volume, (min(low for low, _ in spans), max(high for _, high in spans)))
    total, rgb = np.zeros(len(values)), np.zeros((len(values), 3))
    for one in layers:
        extinction = -np.log1p(-np.minimum(one.opacities_at(values), ALMOST_OPAQUE)) / one.opacity_unit
        extinction *= one.mask_at(values)
        rgb += (one.colors_at(values).T * one.brightness_at(values)).T * (extinction[:, None] if added else 1.0)
        total += extinction
    if added:
        rgb = np.where(total[:, None] > 0.0, rgb / np.maximum(total, 1e-300)[:, None], 0.0)
    colors = np.concatenate([rgb, total[:, None]], axis=1).astype(np.float32)
    seen = _seen_between(colors[:, 3] > 0.0, values, volume) if axial else colors[:, 3] > 0.0
    sums = np.concatenate([[0], np.cumsum(seen)]).astype(np.int32)
    per_value = (len(values) - 1) / float(values[-1] - values[0])
    return LookUp(colors, packed(colors), sums, np.array([values[0], per_value]))


def _seen_between(
    seen: npt.NDArray[np.bool_], values: npt.NDArray[np.float64], volume: Volume
) -> npt.NDArray[np.bool_]:
    """Which of an axial volume's values have to count as visible, where some of them are.

    Between two directions lies the shorter way around the circle, and not what lies between their numbers: where any
    direction is visible, all are. What has none stays hidden.
    """
    if volume.background is None:
        return np.full_like(seen, seen.any())
    apart = 1.0 if volume.dtype.kind in "iu" else 1.5 * float(values[1] - values[0])
    none = np.abs(values - volume.background) < apart
    return np.where(none, seen, seen[~none].any())


def opacity_alone(transfer: TransferFunction) -> TransferFunction:
    """Only what says how opaque a transfer function is, and how bright, in grey."""
    grey = tuple((value, factor, factor, factor) for value, factor in transfer.brightness)
    color = grey or ((0.0, 1.0, 1.0, 1.0),)
    return TransferFunction(color, transfer.opacity, transfer.opacity_unit, transfer.channel)


def values_over(volume: Volume, span: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Equally spaced values for a table over a span.

    8-bit data get four a value, over all that they can hold; labels and angles exactly one.
    """
    low, high = span
    if volume.dtype.itemsize == 1:
        info = np.iinfo(volume.dtype)
        low, high, entries = float(info.min), float(info.max), 4 * 255 + 1
    elif volume.kind != "intensity" and volume.dtype.kind in "ui":
        low, high = np.floor(low) - 1.0, np.ceil(high) + 1.0
        entries = int(high - low) + 1
    else:
        entries = ENTRIES
        if not low < high:
            low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, entries)


def extinctions(look: LookUp, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Extinction at values of any shape."""
    # the difference first, in full: large numbers lose their ends as float32, as bricks would
    entry = (values - look.scale[0]).astype(np.float32) * np.float32(look.scale[1]) + np.float32(0.5)
    found: npt.NDArray[np.float32] = look.colors[:, 3][np.clip(entry, 0, len(look.colors) - 1).astype(np.int32)]
    return found


def packed(colors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """A table of colours in two numbers an entry, because looking up is what costs.

    colors : (n, 4) float32: red, green, blue 0..1, extinction; returns (2 n,) uint32: the extinction, then 11, 11 and
    10 bits of red, green and blue, so that a colour is off by an eighth of a step of an 8-bit picture at worst
    """
    steps = np.round(np.clip(colors[:, :3], 0.0, 1.0) * PACKED_STEPS).astype(np.uint32)
    both = np.empty((len(colors), 2), np.uint32)
    both[:, 0] = np.ascontiguousarray(colors[:, 3]).view(np.uint32)
    both[:, 1] = steps[:, 0] << np.uint32(21) | steps[:, 1] << np.uint32(10) | steps[:, 2]
    return both.reshape(-1)


def unpacked(packed: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Colours and extinction, (n, 4) float32, of what `packed` made: the numbers that the kernels see."""
    words = packed.reshape(-1, 2)
    colors = np.empty((len(words), 4), np.float32)
    for channel, (shift, steps) in enumerate(zip((21, 10, 0), PACKED_STEPS, strict=True)):
        part = words[:, 1] >> np.uint32(shift) & np.uint32(steps)
        colors[:, channel] = part.astype(np.float32) * np.float32(1.0 / steps)
    colors[:, 3] = np.ascontiguousarray(words[:, 0]).view(np.float32)
    return colors


def in_bricks(summary: Summary, shape: tuple[int, int, int], brick: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Lowest and highest value of every renderer's brick: statistics of thinner bricks joined along z."""
    low, high, depth = summary.low, summary.high, summary.brick[0]
    if depth < brick and shape[0] > depth:
        starts = np.arange(0, low.shape[0], brick // depth)
        low, high = np.minimum.reduceat(low, starts, axis=0), np.maximum.reduceat(high, starts, axis=0)
    return low, high
