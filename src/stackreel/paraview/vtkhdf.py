"""VTKHDF: the door through which ParaView opens a volume file directly, and reads only the part it needs.

A small group `/VTKHDF` inside the volume file says "this is an image of that size at that place" and links to the
samples, which stay where they are. ParaView looks for that one group, so the full resolution has it, and every
level has a group like it at `/vtkhdf/<name>/<level>`. ParaView 5.11 goes by the ending .hdf; so beside the volume
stand files of a few kilobytes, brain.hdf and brain.L1of3.hdf, …, whose `/VTKHDF` leads to those groups.

A grid with a single sample along an axis gets no such group: the reader of ParaView 5.11 crashes on it, and XDMF
serves it well.

Format: VTK file formats, "VTKHDF", ImageData version 1.0. Extents, origin and spacing are in the order x, y, z;
the samples are (z, y, x).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from stackreel.files import replacing
from stackreel.geometry import Placement
from stackreel.paraview.beside import refuse_foreign, remove_stale, vtkhdf_path
from stackreel.volume import Volume

LIBVER = ("earliest", "v110")
"""Oldest HDF5 layout that will do; ParaView 5.11 (HDF5 1.10) cannot read what "latest" writes."""

_WRITER = "stackreel"


def write_vtkhdf(file: h5py.File, name: str, placements: Sequence[Placement]) -> None:
    """Put `/VTKHDF` and `/vtkhdf/<name>/<level>` into a volume file that is open for writing.

    file       : holds /<name> and /levels/<name>/<level>
    placements : of level 0 (full resolution), 1, 2, …
    Groups of an earlier call are replaced. No samples are read or copied.
    """
    for old in ("/VTKHDF", f"/vtkhdf/{name}"):
        if old in file:
            del file[old]
    for level, placement in enumerate(placements):
        if not is_readable(placement):
            continue
        group = file.create_group(level_group(name, level))
        describe_image(group, placement)
        group.create_group("PointData")[name] = file[f"/{name}" if level == 0 else f"/levels/{name}/{level}"]
    if level_group(name, 0) in file:
        file["/VTKHDF"] = file[level_group(name, 0)]


def write_vtkhdf_companions(volume: Volume) -> list[Path]:
    """Beside brain.h5: brain.hdf and brain.L1of3.hdf, …, which ParaView opens by their ending. Returns them.

    Each reaches into brain.h5 through a link by relative name and holds no samples. A volume file that itself ends
    in .hdf needs none for its full resolution. Raises OutputExistsError rather than replace a file that is not
    stackreel's.
    """
    path, count = volume.path, len(volume.levels)
    files = {
        vtkhdf_path(path, k, count): level_group(volume.name, k)
        for k, level in enumerate(volume.levels)
        if is_readable(level.placement) and vtkhdf_path(path, k, count).name != path.name
    }
    refuse_foreign(path, ".hdf", volume_of)
    remove_stale(path, ".hdf", files)
    for file, group in files.items():
        _write_link(file, path.name, group)
    return list(files)


def is_readable(placement: Placement) -> bool:
    """Whether ParaView 5.11's VTKHDF reader takes a grid of this shape: two samples or more along every axis."""
    return min(placement.shape) > 1


def level_group(name: str, level: int) -> str:
    """Where a level's VTKHDF group stands in the volume file."""
    return f"/vtkhdf/{name}/{level}"


def describe_image(group: h5py.Group, placement: Placement) -> None:
    """Make a group a VTKHDF ImageData: version, type, extent, origin, spacing, direction."""
    nz, ny, nx = placement.shape
    kind = b"ImageData"
    group.attrs.create("Version", np.array([1, 0], dtype=np.int64))
    group.attrs.create("Type", kind, dtype=h5py.string_dtype("ascii", len(kind)))
    group.attrs.create("WholeExtent", np.array([0, nx - 1, 0, ny - 1, 0, nz - 1], dtype=np.int64))
    group.attrs.create("Origin", np.array(placement.origin, dtype=np.float64))
    group.attrs.create("Spacing", np.array(placement.step, dtype=np.float64))
    group.attrs.create("Direction", np.eye(3, dtype=np.float64).ravel())


def volume_of(path: Path) -> str | None:
    """The name of the volume file that one of our companions leads to; None for a file that is none of them."""
    try:
        with h5py.File(path, "r") as file:
            link = file.get("VTKHDF", getlink=True)
            ours = str(file.attrs.get("writer", "")) == _WRITER and isinstance(link, h5py.ExternalLink)
            return str(link.filename) if ours else None
    except (OSError, RuntimeError):
        return None


def _write_link(path: Path, volume_name: str, group: str) -> None:
    with replacing(path) as temporary, h5py.File(temporary, "w", libver=LIBVER) as file:
        file.attrs["writer"] = _WRITER
        file["VTKHDF"] = h5py.ExternalLink(volume_name, group)
