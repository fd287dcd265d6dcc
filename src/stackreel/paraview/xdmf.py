"""XDMF files for a volume: one for each level beside it, or one for any part of it.

Each is a page of XML that points into the volume file (see `grid`) and begins with a comment for people: what it
shows, what opening it costs in memory, and which of its siblings to open on a small machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from stackreel.errors import OutputExistsError, VolumeError
from stackreel.files import format_bytes, replacing
from stackreel.geometry import Placement, format_um
from stackreel.paraview.beside import refuse_foreign, remove_stale, xdmf_path
from stackreel.paraview.grid import (
    HYPERSLAB_COPIES,
    Grid,
    Slab,
    grid_xml,
    numbers,
    referenced_file,
)
from stackreel.volume import Volume

SMALL_MACHINE_BYTES = 2_000_000_000
"""What a volume may take in a laptop of 8 GB that also has to draw it."""

MARK = "written by stackreel"


def write_xdmf(volume: Volume) -> list[Path]:
    """Beside brain.h5: brain.xmf2 for the full resolution and brain.L1of3.xmf2, … for the reduced levels.

    Each begins with a comment that says what opening it costs and which one suits a small machine. Returns the
    files, finest first. Raises OutputExistsError rather than replace a file that is not stackreel's.
    """
    path = volume.path
    grids = level_grids(volume)
    files = xdmf_paths(volume)
    texts = [grid_xml(grid, comment=_level_comment(k, grids, files)) for k, grid in enumerate(grids)]
    refuse_foreign(path, ".xmf2", volume_of)
    remove_stale(path, ".xmf2", files)
    return [_write_text(file, text) for file, text in zip(files, texts, strict=True)]


def write_part(
    volume: Volume,
    output: Path,
    *,
    level: int = 0,
    slab: Slab | None = None,
    renormalise: bool = False,
    overwrite: bool = False,
) -> Path:
    """One XDMF file, anywhere, for a level or for a slab of it; brain.h5 is referenced by relative path.

    Raises OutputExistsError, unless `overwrite`, when the file is there; VolumeError for an ending other than
    .xmf2 or .xdmf2, since ParaView would choose a reader that leaves hyperslabs out in silence.
    """
    if output.suffix not in (".xmf2", ".xdmf2"):
        raise VolumeError(f"{output}: end the name in .xmf2, so that ParaView chooses the reader that can read it")
    if not output.parent.is_dir():
        raise VolumeError(f"{output.parent}: there is no such folder; make it first")
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output} stands already; --overwrite replaces it, -o chooses another name")
    grid = level_grids(volume, output.parent)[level]
    comment = part_comment(grid, slab, level, renormalise)
    return _write_text(output, grid_xml(grid, slab, renormalise=renormalise, comment=comment))


def level_grids(volume: Volume, folder: Path | None = None) -> list[Grid]:
    """The Grid of every level, as seen from an XDMF file in `folder` (default: the volume's own)."""
    file = volume.path.name if folder is None else _relative(volume.path, folder)
    return [
        Grid(
            file,
            f"/{volume.name}" if level.index == 0 else level.dataset,
            volume.name,
            volume.dtype,
            level.placement,
        )
        for level in volume.levels
    ]


def xdmf_paths(volume: Volume) -> list[Path]:
    """Where `write_xdmf` puts its files, finest level first."""
    return [xdmf_path(volume.path, k, len(volume.levels)) for k in range(len(volume.levels))]


def recommended_level(grids: Sequence[Grid]) -> int:
    """The finest level that a laptop of 8 GB can open; the coarsest when none is small enough."""
    for level, grid in enumerate(grids):
        if grid.nbytes <= SMALL_MACHINE_BYTES:
            return level
    return len(grids) - 1


def cheaper_level(grids: Sequence[Grid], level: int, slab: Slab) -> int | None:
    """The finest reduced level that takes less memory than a strided slab of `level`; None when there is none.

    Where samples would only be skipped, a reduced level shows the same region without the reader's copies, and each
    of its samples is the mean of those it replaces.
    """
    if max(slab.stride) == 1:
        return None
    for k in range(level + 1, len(grids)):
        if grids[k].nbytes < slab.nbytes(grids[level].dtype):
            return k
    return None


def volume_of(path: Path) -> str | None:
    """The volume file that an XDMF file of ours points into, as it names it; None for a file that is not ours."""
    try:
        with path.open("rb") as file:
            text = file.read(16384).decode(errors="replace")
    except OSError:
        return None
    return referenced_file(text) if MARK in text else None


def size_text(shape: Sequence[int]) -> str:
    """ "234 × 28721 × 31076" """
    return " × ".join(str(n) for n in shape)


def voxel_text(placement: Placement) -> str:
    """Voxel size (z, y, x): "60 µm × 1.3 µm × 1.3 µm", or the ratios "40 : 1 : 1" where no unit is known."""
    steps = placement.step[::-1]
    if placement.um_per_unit is None:
        return " : ".join(f"{s / min(steps):.5g}" for s in steps) + " (ratios; the unit is not known)"
    return " × ".join(format_um(s * placement.um_per_unit) for s in steps)


def part_comment(grid: Grid, slab: Slab | None, level: int, renormalise: bool) -> str:
    """What the XDMF file of a part says of itself."""
    placement = grid.placement if slab is None else slab.placement(grid.placement)
    memory = grid.nbytes if slab is None else slab.nbytes(grid.dtype)
    lines = [f"{grid.file}, level {level}: {_samples(grid)}."]
    if slab is not None:
        lines.append(
            f"Of these, in the order z y x: start {numbers(slab.start)}, stride {numbers(slab.stride)}, "
            f"count {numbers(slab.count)}."
        )
    lines.append(f"Voxel (z, y, x): {voxel_text(placement)}.")
    if renormalise:
        lines.append("Rescaled to an extent of 1 of its own: does not lie on top of the volume's other files.")
    lines.append(
        f"Opening this file takes {memory} bytes ({format_bytes(memory)}) of memory"
        + ("." if slab is None else f", {HYPERSLAB_COPIES} times the samples' own size.")
    )
    lines.append(_READER)
    return "\n".join(lines)


_READER = f"XDMF for ParaView's reader Xdmf2, which the ending .xmf2 selects; {MARK}."


def _level_comment(level: int, grids: Sequence[Grid], files: Sequence[Path]) -> str:
    grid = grids[level]
    what = "full resolution" if level == 0 else f"reduced level {level} of {len(grids) - 1}"
    width = max(len(f.name) for f in files)
    table = (
        f"  {f.name:{width}}  {format_bytes(g.nbytes):>10}  {size_text(g.placement.shape)}"
        for f, g in zip(files, grids, strict=True)
    )
    return "\n".join(
        [
            f"{grid.file}, {what}: {_samples(grid)}.",
            f"Voxel (z, y, x): {voxel_text(grid.placement)}.",
            f"Opening this file takes {grid.nbytes} bytes ({format_bytes(grid.nbytes)}) of memory.",
            "The whole family, which lies on top of each other in ParaView:",
            *table,
            f"On a small machine (8 GB of memory) open {files[recommended_level(grids)].name}.",
            _READER,
        ]
    )


def _samples(grid: Grid) -> str:
    return f"{size_text(grid.placement.shape)} samples (z, y, x) of {grid.dtype.name}"


def _write_text(path: Path, text: str) -> Path:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()
