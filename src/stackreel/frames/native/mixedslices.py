"""Slices through several channels: each shows them together, as they are mixed in the volume around it.

A colour that changes with the values, such as hues of directions or the colours of regions, is shown wherever the
plane is, as on the slices of one channel. A channel that is shown in one colour only, as a dye is, says what it says by
how opaque it is: it shines on the plane as bright as it would be opaque, and is black where it is not there. Where
channels meet, their colours are weighted by their extinctions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.mixture import MixedPool, Mixture, Need, Plane, needs_of_layers, table_of
from stackreel.frames.native.sheets import Sheets
from stackreel.frames.native.slicing import Inks
from stackreel.kernels import layers as kernel
from stackreel.scene import Scene, Slice, TransferFunction
from stackreel.volume import Volume

FAINT = 1e-4
"""What is transparent counts so much, of the most that its layer absorbs: enough to give its colour where all is."""


def layers_on(scene: Scene, some: Slice) -> tuple[TransferFunction, ...]:
    """What a slice shows: the scene's layers, or the channel that opacities come from in its own colours.

    Parts that labels hide or dim are shown unless the slice is masked.
    """
    layers = scene.layers
    if some.color is not None:
        own = scene.transfer
        layers = (replace(own, color=some.color, color_channel=own.channel, color_period=None, brightness=()),)
    return layers if some.masked else tuple(replace(layer, mask=(), mask_channel="") for layer in layers)


def needs_of(scene: Scene, volume: Volume) -> frozenset[Need]:
    """The planes that a scene shows, its slices included."""
    on_slices: Iterable[TransferFunction] = (layer for some in scene.slices for layer in layers_on(scene, some))
    return needs_of_layers((*scene.layers, *on_slices), volume)


def inks_of(sheets: Sheets, scene: Scene, pool: MixedPool) -> Inks:
    """What the values of all channels look like on the slices of a scene."""
    layers, scales, tables, parts, entries = [np.empty((0, 9), np.int64)], [np.empty((0, 7))], [], [0], 0
    for some in sheets.shown:
        table = partial(_table, faint=not some.masked, dyes=some.color is None)
        one = Mixture.of(layers_on(scene, some), pool.mixed, table)
        rows = one.layers.copy()
        rows[:, kernel.TABLE :] += entries
        layers.append(rows)
        scales.append(one.scales)
        tables.append(one.tables)
        parts.append(parts[-1] + len(rows))
        entries += len(one.tables) // 2
    mixture: tuple[Any, ...] = (
        pool.views, pool.channels, np.concatenate(layers), np.concatenate(scales), np.concatenate(tables),
        np.array(parts, np.int64),
    )  # fmt: skip
    nothing = np.zeros((0, 4), np.float32)
    return Inks(pool.samples, False, nothing, np.zeros(1, np.int64), np.zeros((0, 2)), mixture)


def _table(
    layer: TransferFunction, part: int, plane: Plane, *, faint: bool, dyes: bool
) -> tuple[npt.NDArray[np.float64], float, float]:
    """A layer's table for slices, as mixture.table_of's.

    faint : whether its colour shows where it is transparent; dyes : whether one colour is as bright as it is opaque
    """
    entries, first, per_value = table_of(layer, part, plane)
    if part != kernel.EXTINCTION:
        return entries, first, per_value
    entries = entries.copy()
    most = float(entries[:, 3].max())
    if dyes and layer.color_span is None:
        opaque = -np.expm1(-entries[:, 3] * layer.opacity_unit)
        entries[:, :3] *= (opaque / max(float(opaque.max()), 1e-30))[:, None]
    elif faint:
        entries[:, 3] += FAINT * most if most > 0.0 else 1.0
    return entries, first, per_value
