"""A scene and a volume become what `stage` shows in ParaView: plain values, and the file with the level that suits.

ParaView draws a volume from a single grid in memory. So a level is chosen, and of it the box that the picture can show:
the finest that the picture asks for, where that fits into the memory; the next coarser one otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackreel.errors import EngineError
from stackreel.files import format_bytes
from stackreel.frames.engine import Output
from stackreel.frames.native.sheets import SHARP
from stackreel.geometry import Box, Index3, Placement
from stackreel.paraview.beside import vtkhdf_path, xdmf_path
from stackreel.paraview.exporting.region import finest, region
from stackreel.scene import Light, Scene, Slice, Title, edges_of
from stackreel.volume import Volume
from stackreel.volume.output import is_zarr

State = dict[str, Any]
Extent = tuple[int, int, int, int, int, int]

MOST_AT_ONCE = 2**31 - 1
"""Samples that ParaView 5.11 takes at once through VTKHDF."""
LONGEST = 2048
"""Samples along an axis that every graphics driver takes as one texture."""
COPIES = {"vtkhdf": 3, "xdmf": 3}
"""Times that a sample lies in memory while ParaView draws it: as read, as the view's, and as a texture."""
STEPS = 16
"""Places along an axis at which a box that is read may begin and end, so that a moving one is seldom read anew."""
FILL = 0.6
"""Weight of a lamp for a light that wraps softly around the shape, which ParaView's does not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What ParaView opens for a picture.

    level  : of the volume; wanted : the level that the picture asks for
    kind   : "vtkhdf" or "xdmf"
    extent : samples (x0, x1, y0, y1, z0, z1) to take, both ends counted; None takes all
    nbytes : memory that this will take
    """

    level: int
    wanted: int
    file: Path
    kind: str
    array: str
    extent: Extent | None
    nbytes: int

    @property
    def data(self) -> State:
        """The state's "data"."""
        extent = None if self.extent is None else list(self.extent)
        return {"file": str(self.file), "kind": self.kind, "array": self.array, "extent": extent}


def state_of(scene: Scene, data: State) -> State:
    """Everything of a frame, titles included, as `stage` describes it."""
    camera, transfer = scene.camera, scene.transfer
    top, bottom = edges_of(scene.background)
    return {
        "data": data,
        "camera": {
            "position": list(camera.position),
            "focal_point": list(camera.focal_point),
            "view_up": list(camera.view_up),
            "view_angle": camera.view_angle,
        },
        "color": [list(point) for point in transfer.color],
        "opacity": [list(point) for point in transfer.opacity],
        "opacity_unit": transfer.opacity_unit,
        "blend": scene.blend,
        "crop": _crop(scene.crop),
        "clip": [{"origin": list(plane.origin), "normal": list(plane.normal)} for plane in scene.clip],
        "slices": [_slice(some) for some in scene.slices],
        "light": _weights(scene.light) if scene.blend == "composite" else None,
        "lamps": _lamps(scene.light) if scene.blend == "composite" else [],
        "background": {"top": list(top), "bottom": list(bottom)},
        "titles": [_title(title) for title in scene.titles],
    }


def choose_level(volume: Volume, scene: Scene, output: Output, memory: int) -> Choice:
    """The level and box of a volume that ParaView opens for a scene, in so many bytes of memory.

    It depends on the scene alone, not on frames before it. Raises EngineError where ParaView cannot open the volume, or
    where its coarsest level does not fit.
    """
    if (reason := closed(volume)) is not None:
        raise EngineError(reason)
    placements = [level.placement for level in volume.levels]
    wanted = _wanted(scene, placements, output)
    seen = region([scene], volume.placement, output.size[0] / output.size[1])
    least: Choice | None = None
    for choice in _choices(volume, wanted, seen):
        if choice.nbytes <= memory and choice.level >= 0:
            return choice
        least = choice
    if least is None:
        raise EngineError(_no_level(volume))
    raise EngineError(
        f"{volume.path}: what this picture shows takes {format_bytes(least.nbytes)} in ParaView even at the "
        f"coarsest level that it has a file for; {format_bytes(memory)} may be used. --memory gives more, and "
        "--engine native draws it in any memory"
    )


def _wanted(scene: Scene, placements: list[Placement], output: Output) -> int:
    """The level that the picture asks for: what slices show is wanted sharper than the volume."""
    rows = output.fine.size[1]
    level = finest([scene], placements, rows, output.detail)
    return min(level, finest([scene], placements, rows, min(SHARP, output.detail))) if scene.slices else level


def closed(volume: Volume) -> str | None:
    """Why ParaView cannot open a volume, in a sentence; None when it can."""
    if is_zarr(volume.path):
        return (
            f"{volume.path}: ParaView does not read OME-Zarr 0.5; `stackreel convert {volume.path} brain.h5` makes a "
            "volume that it opens, and --engine native draws this one"
        )
    files = [file for k in range(len(volume.levels)) for file, _ in _files(volume, k)]
    if not any(file.is_file() for file in files):
        return (
            f"{volume.path}: the files through which ParaView opens it are not beside it; "
            f"`stackreel xdmf {volume.path}` writes them"
        )
    return None


def flat(volume: Volume) -> str | None:
    """Why ParaView draws no level of a volume, such as a single section, in a sentence; None when it does."""
    return _no_level(volume) if all(min(level.shape) < 2 for level in volume.levels) else None


def _no_level(volume: Volume) -> str:
    return (
        f"{volume.path}: no level has two samples or more along every axis and at most {LONGEST} in what the "
        "picture shows; ParaView draws no other volumes"
    )


def approximations(scene: Scene) -> list[str]:
    """What ParaView draws otherwise than the scene says, in sentences."""
    light, found = scene.light, []
    if scene.blend == "composite":
        lost = [name for name, weight in (("hollows", light.occlusion), ("shadows", light.shadows)) if weight > 0.0]
        if lost:
            found.append(
                f"ParaView's ray caster draws no {' and no '.join(lost)}; the light is otherwise as it should be"
            )
    return found


def _choices(volume: Volume, wanted: int, seen: Box | None) -> Iterator[Choice]:
    """What may be opened, best first."""
    for level in range(wanted, len(volume.levels)):
        placement = volume.levels[level].placement
        extent = None if seen is None else _extent(placement, seen)
        shape = placement.shape if extent is None else _shape(extent)
        if min(placement.shape) < 2 or max(shape) > LONGEST:
            continue
        for file, kind in _files(volume, level):
            if not file.is_file():
                continue
            samples = math.prod(shape)
            if kind == "vtkhdf" and samples > MOST_AT_ONCE:
                continue
            nbytes = COPIES[kind] * samples * volume.dtype.itemsize
            if kind == "xdmf" and extent is not None:  # it reads all, to throw most of it away
                nbytes += math.prod(placement.shape) * volume.dtype.itemsize
            yield Choice(level, wanted, file, kind, volume.name, extent, nbytes)


def _files(volume: Volume, level: int) -> list[tuple[Path, str]]:
    count = len(volume.levels)
    path = volume.path.absolute()
    return [(vtkhdf_path(path, level, count), "vtkhdf"), (xdmf_path(path, level, count), "xdmf")]


def _extent(placement: Placement, box: Box) -> Extent | None:
    """The samples that a world box needs, with one more on every side for the slopes; None where that is all."""
    ends: list[int] = []
    low, high = placement.index_from_world(box.lower), placement.index_from_world(box.upper)
    for axis in (2, 1, 0):
        last = placement.shape[axis] - 1
        step = max(1, math.ceil(last / STEPS))
        first = math.floor((min(max(low[axis], 0.0), last) - 2) / step) * step
        end = math.ceil((min(max(high[axis], 0.0), last) + 2) / step) * step
        ends += [max(0, min(first, last - 1)), max(1, min(end, last))]
    x0, x1, y0, y1, z0, z1 = ends
    nz, ny, nx = placement.shape
    return None if ends == [0, nx - 1, 0, ny - 1, 0, nz - 1] else (x0, x1, y0, y1, z0, z1)


def _shape(extent: Extent) -> Index3:
    x0, x1, y0, y1, z0, z1 = extent
    return (z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1)


def _crop(box: Box | None) -> list[list[float]] | None:
    return None if box is None else [[a, b] for a, b in zip(box.lower, box.upper, strict=True)]


def _slice(some: Slice) -> State:
    return {
        "origin": list(some.origin),
        "normal": list(some.normal),
        "opacity": some.opacity,
        "color": None if some.color is None else [list(point) for point in some.color],
        "masked": some.masked,
        "cropped": some.cropped,
        "cut": some.cut,
        "outline": None if some.outline is None else list(some.outline),
        "line": some.line,
    }


def _weights(light: Light) -> State | None:
    if max(light.diffuse, light.specular, light.fill, light.rim) == 0.0:
        return None
    names = ("ambient", "diffuse", "specular", "specular_power")
    return {name: getattr(light, name) for name in names}


def _lamps(light: Light) -> list[State]:
    """The lamps of a light; none where there is but one, at the camera."""
    if _weights(light) is None:
        return []
    found = [
        (light.direction, light.diffuse),
        (light.fill_direction, FILL * light.fill),
        (light.rim_direction, light.rim),
    ]
    lamps = [
        {"direction": list(at), "weight": weight} for k, (at, weight) in enumerate(found) if weight > 0.0 or k == 0
    ]
    plain = [{"direction": [0.0, 0.0, 1.0], "weight": light.diffuse}]
    return [] if lamps == plain else lamps


def _title(title: Title) -> State:
    return {
        "text": title.text,
        "place": title.place,
        "size": title.size,
        "color": list(title.color),
        "opacity": title.opacity,
    }
