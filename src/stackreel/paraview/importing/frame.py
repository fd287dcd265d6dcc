"""Where ParaView's numbers stand in the movie's world.

The files that stackreel puts beside a volume have world coordinates, so that numbers carry over as they are. Someone
who opened the raw slices looked at voxels, or at micrometres; with the volume at hand, that is converted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stackreel.errors import ParaViewError
from stackreel.geometry import Box, Placement, Vec3
from stackreel.paraview.importing.reading import three, word
from stackreel.paraview.proxies import Proxy, State

WORLD_FILES = (".xmf2", ".xdmf2", ".hdf", ".vtkhdf")
"""Endings of the files that lie beside a volume, in world coordinates."""
FRAMES = ("auto", "world", "voxel")
_FAR = 20.0
_LEVEL = re.compile(r"\.L(\d+)of\d+\.")


@dataclass(frozen=True, slots=True)
class Frame:
    """World point = offset + scale · ParaView's point, axis by axis.

    grid  : the samples as ParaView saw them, for boxes that are given in samples; None where that is not known
    about : a sentence on where it comes from; "" where there is nothing to say
    """

    scale: Vec3 = (1.0, 1.0, 1.0)
    offset: Vec3 = (0.0, 0.0, 0.0)
    grid: Placement | None = None
    about: str = ""

    @property
    def is_world(self) -> bool:
        return self.scale == (1.0, 1.0, 1.0) and self.offset == (0.0, 0.0, 0.0)

    @property
    def even(self) -> bool:
        """Whether it is as long along all axes, so that pictures stay as they were."""
        return max(self.scale) <= min(self.scale) * (1.0 + 1e-6)

    def point(self, p: Sequence[float]) -> list[float]:
        if self.is_world:
            return [float(v) for v in p]
        return [o + s * v for o, s, v in zip(self.offset, self.scale, p, strict=True)]

    def direction(self, d: Sequence[float]) -> list[float]:
        most = max(self.scale)
        return [v if self.even else s / most * v for s, v in zip(self.scale, d, strict=True)]

    def normal(self, n: Sequence[float]) -> list[float]:
        """Perpendicular to a plane: goes the other way round than directions do."""
        return [v if self.even else v / s for s, v in zip(self.scale, n, strict=True)]

    def length(self, value: float) -> float:
        return value if self.is_world else value * float(np.cbrt(np.prod(self.scale)))


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of the volume: its samples at full resolution and at every level; what its file is called."""

    levels: tuple[Placement, ...]
    name: str = ""

    @property
    def full(self) -> Placement:
        return self.levels[0]

    def level_of(self, file: str) -> Placement:
        """The samples that a file beside the volume shows: brain.L2of4.xmf2 the second reduction's."""
        found = _LEVEL.search(file)
        k = int(found[1]) if found else 0
        return self.levels[k] if k < len(self.levels) else self.full


def frame_of(state: State, wanted: str, ground: Ground | None) -> Frame:
    """How a state's coordinates become the world's.

    wanted : auto, world or voxel
    ground : the volume; None where it is not known
    Raises ParaViewError where voxels are asked for without a volume.
    """
    if wanted == "voxel":
        if ground is None:
            raise ParaViewError("--frame voxel needs the volume whose voxels are meant: add --volume brain.h5")
        return _voxels(ground, "its coordinates were taken as voxels, as --frame says")
    grid = None if ground is None else ground.full
    file = next((name for source in _readers(state) if (name := _file_of(source)).endswith(WORLD_FILES)), "")
    if wanted == "world" or file:
        seen = grid if ground is None or not file else ground.level_of(file)
        return Frame(grid=seen, about=f"{file} lies in the movie's world: numbers are as they were" if file else "")
    if ground is not None:
        for source in _readers(state):
            found = _declared(source, ground)
            if found is not None:
                return found
    return _guessed(state, ground)


def _readers(state: State) -> list[Proxy]:
    return [p for p in state.proxies if p.group in ("sources", "") and _file_of(p)]


def _file_of(source: Proxy) -> str:
    name = word(source, "FileName", "FileNames", "FilePrefix")
    if not name:
        value = source.get("FileName", "FileNames")
        name = value[0] if isinstance(value, tuple) and value and isinstance(value[0], str) else ""
    return name.replace("\\", "/").rpartition("/")[2]


def _declared(source: Proxy, ground: Ground) -> Frame | None:
    """The frame of a reader of raw slices, which was told the samples' number, distance and origin."""
    extent = source.numbers("DataExtent", "WholeExtent")
    if extent is None or len(extent) != 6:
        return None
    spacing = three(source, "DataSpacing", "DataSampleSpacing", "Spacing") or (1.0, 1.0, 1.0)
    origin = three(source, "DataOrigin", "Origin") or (0.0, 0.0, 0.0)
    count = [int(b - a) + 1 for a, b in zip(extent[::2], extent[1::2], strict=True)]
    if min(count) < 1 or min(spacing) <= 0.0:
        return None
    fits = [one for one in ground.levels if list(one.shape[::-1]) == count]
    grid = fits[0] if fits else None
    if grid is None:
        return None
    scale = [step / own for step, own in zip(grid.step, spacing, strict=True)]
    offset = [o - s * own for o, s, own in zip(grid.origin, scale, origin, strict=True)]
    size = " × ".join(str(n) for n in count[::-1])
    return Frame(_vec(scale), _vec(offset), grid, f"{size} samples from {_file_of(source)}, converted to the world")


def _voxels(ground: Ground, about: str) -> Frame:
    return Frame(ground.full.step, ground.full.origin, ground.full, about)


def _guessed(state: State, ground: Ground | None) -> Frame:
    """World, voxels or micrometres: that in which the cameras look at the volume."""
    points = [p for view in state.of("views") if (p := three(view, "CameraFocalPoint")) is not None]
    points += [p for key in state.of("animation_keyframes") if (p := three(key, "FocalPoint")) is not None]
    far = max((max(map(abs, p)) for p in points), default=0.0)
    if ground is None:
        if far > _FAR:
            return Frame(
                about=f"it looks at points {far:.3g} away from the origin, where no volume is in the movie's world "
                "(its longest side is 1): add --volume brain.h5, so that voxels or micrometres are converted"
            )
        return Frame()
    full = ground.full
    if not points or all(_within(full.bounds, p) for p in points):
        return Frame(grid=full)
    um = full.um_per_unit
    tried = [_voxels(ground, "its cameras look at voxels; they were converted to the world")]
    if um:
        scale = 1.0 / um
        about = "its cameras look at micrometres; they were converted to the world"
        tried += [Frame((scale,) * 3, full.origin, full, about), Frame((scale,) * 3, (0.0,) * 3, full, about)]
    for frame in tried:
        if all(_within(full.bounds, frame.point(p)) for p in points):
            return frame
    return Frame(
        grid=full,
        about="its cameras look beside the volume; numbers were taken as they are. --frame voxel takes them as voxels",
    )


def _within(box: Box, point: Sequence[float]) -> bool:
    reach = 0.5 * max(box.size)
    return all(a - reach <= p <= b + reach for a, p, b in zip(box.lower, point, box.upper, strict=True))


def _vec(values: Sequence[float]) -> Vec3:
    return (float(values[0]), float(values[1]), float(values[2]))
