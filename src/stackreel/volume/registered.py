"""Several volumes of one place: retardation and direction of the same sections, dyes of the same tissue, its regions.

They must be registered: as many samples along every axis, equally far apart, so that a voxel of one is the same piece
of tissue in all. Then they can be shown together, at every level of detail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from stackreel.errors import VolumeError
from stackreel.geometry import Placement
from stackreel.volume.opening import open_volume
from stackreel.volume.volume import Volume

CLOSE = 1e-6
"""Spacings that differ by less, as shares, are the same written differently."""


def open_registered(files: Mapping[str, Path]) -> Volume:
    """The volumes in those files as one with channels; a single one named "" as it is.

    A file may be followed by the name of a volume in it, as in `brain.h5/direction`.
    Raises VolumeMissingError or VolumeError.
    """
    opened = {name: _open(path) for name, path in files.items()}
    return opened[""] if list(opened) == [""] else registered(opened)


def _open(path: Path) -> Volume:
    if not path.is_file() and path.parent.is_file():
        return open_volume(path.parent, path.name)
    return open_volume(path)


def registered(volumes: Mapping[str, Volume]) -> Volume:
    """The volumes as one, which is the first of them and has all as its channels. VolumeError unless they fit."""
    (name, first), *others = volumes.items()
    for other_name, other in others:
        if reason := _difference(first, other):
            raise VolumeError(
                f"the channels do not lie on the same voxels: {name} ({first.path}) and {other_name} ({other.path}) "
                f"differ in {reason}. Register the slices first, then convert them with the same --spacing"
            )
    together = hashlib.sha256("\n".join(f"{n}\t{v.fingerprint}" for n, v in volumes.items()).encode()).hexdigest()
    return replace(first, fingerprint=together[: len(first.fingerprint)], channels=dict(volumes))


def _difference(a: Volume, b: Volume) -> str | None:
    """What the grids differ in, with both sides; None where they are the same at every level."""
    if a.shape != b.shape:
        return f"shape: {_times(a.shape)} and {_times(b.shape)} (sections, rows, columns)"
    if not _same_steps(a.placement, b.placement):
        steps = [f"{v.spacing.z:g} {v.spacing.y:g} {v.spacing.x:g} {v.spacing.unit}" for v in (a, b)]
        return f"spacing: {steps[0]} and {steps[1]} (z, y, x)"
    sizes = [[level.shape for level in volume.levels] for volume in (a, b)]
    if sizes[0] != sizes[1]:
        k = next((i for i, (p, q) in enumerate(zip(*sizes, strict=False)) if p != q), min(map(len, sizes)))
        return f"their coarser levels (level {k}), as volumes of different versions may"
    return None


def _same_steps(a: Placement, b: Placement) -> bool:
    known = (a.um_per_unit is None) == (b.um_per_unit is None)
    same = np.allclose(a.step, b.step, rtol=CLOSE, atol=0.0)
    if a.um_per_unit is None or b.um_per_unit is None:
        return known and same
    return same and abs(a.um_per_unit - b.um_per_unit) <= CLOSE * a.um_per_unit


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
