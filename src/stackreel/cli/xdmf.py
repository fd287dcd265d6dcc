"""`stackreel xdmf`: the files through which ParaView opens a volume, or any part of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli.values import positive

if TYPE_CHECKING:
    from stackreel.volume import Volume

DESCRIPTION = """\
Write XDMF for ParaView. Without options: again all the files that `stackreel convert` wrote beside FILE, one for
each level. With options: one file for a level or for part of it, every n-th sample of a box. No samples are
copied. A feature stands at the same place in ParaView whichever of these files shows it."""

EXAMPLES = """\
examples:
  stackreel xdmf brain.h5                                              all levels again
  stackreel xdmf brain.h5 --stride 1 4 4 -o quarter.xmf2               every 4th row and column
  stackreel xdmf brain.h5 --start 100 8000 9000 --count 20 2000 2000   a box at full resolution
  stackreel xdmf brain.h5 --level 2 --start 25 0 0 --count 50 900 900  a box of a reduced level, in its samples

Opening a part costs ParaView three times the part's own size; a whole level costs its size once. On a large
volume the .hdf files beside it are the better way to a box: their reader reads only what a script asks for."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "xdmf",
        help="files for ParaView: every level of a volume, or every n-th sample of a part",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a volume made by `stackreel convert`")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.xmf2", help="the file (default: FILE.part.xmf2)")
    parser.add_argument("--overwrite", action="store_true", help="replace the output when it stands already")
    group = parser.add_argument_group("which samples (numbers in the order slice row column)")
    group.add_argument("--level", type=int, metavar="K", help="0 is full resolution, 1, 2, … are reduced (default: 0)")
    zyx = ("Z", "Y", "X")
    group.add_argument("--start", nargs=3, type=int, metavar=zyx, help="the first sample (default: 0 0 0)")
    group.add_argument("--stride", nargs=3, type=positive, metavar=zyx, help="take every n-th (default: 1 1 1)")
    group.add_argument("--count", nargs=3, type=positive, metavar=zyx, help="how many (default: as many as fit)")
    parser.add_argument(
        "--renormalise",
        action="store_true",
        help="rescale the part to an extent of 1 of its own; it then no longer lies on top of the other files",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from stackreel.errors import VolumeError
    from stackreel.volume import open_volume

    volume = open_volume(args.file)
    if volume.path.is_dir():
        raise VolumeError(
            f"{volume.path} is OME-Zarr, which ParaView does not open; make a file that it opens with "
            f"`stackreel export {volume.path} brain.h5`"
        )
    if "unfinished" in volume.provenance:
        raise VolumeError(f"{volume.path} is still being made, and no HDF5 file yet; ParaView opens it when it is done")
    chosen = (args.output, args.level, args.start, args.stride, args.count)
    if all(option is None for option in chosen) and not args.renormalise:
        return _write_all(volume)
    return _write_part(volume, args)


def _write_all(volume: Volume) -> int:
    from stackreel.files import format_bytes
    from stackreel.paraview.doors import write_doors
    from stackreel.paraview.xdmf import level_grids, recommended_level, size_text, xdmf_paths

    written = write_doors(volume)
    grids, paths = level_grids(volume), xdmf_paths(volume)
    width = max(len(str(path)) for path in written)
    print("opened in ParaView, each takes this much memory:")
    for path, grid in zip(paths, grids, strict=True):
        print(f"  {path!s:{width}}  {format_bytes(grid.nbytes):>10}  {size_text(grid.placement.shape)}")
    for path in written:
        if path not in paths:
            print(f"  {path!s:{width}}  the same, for ParaView's VTKHDF reader")
    print(f"next: in ParaView, File > Open > {paths[recommended_level(grids)]}, Apply (fits a machine with 8 GB)")
    return 0


def _write_part(volume: Volume, args: argparse.Namespace) -> int:
    from stackreel.errors import VolumeError
    from stackreel.files import format_bytes
    from stackreel.paraview.grid import HYPERSLAB_COPIES, Slab
    from stackreel.paraview.xdmf import cheaper_level, level_grids, size_text, write_part, xdmf_paths

    level = args.level or 0
    if not 0 <= level < len(volume.levels):
        raise VolumeError(f"{volume.path} has no level {level}; it has 0 to {len(volume.levels) - 1}")
    grids = level_grids(volume)
    slab = None
    if args.start or args.stride or args.count:
        slab = Slab.of(grids[level].placement.shape, args.start or (0, 0, 0), args.stride or (1, 1, 1), args.count)
    output = args.output or volume.path.with_name(f"{volume.path.stem}.part.xmf2")
    write_part(volume, output, level=level, slab=slab, renormalise=args.renormalise, overwrite=args.overwrite)
    shape = grids[level].placement.shape if slab is None else slab.count
    memory = grids[level].nbytes if slab is None else slab.nbytes(volume.dtype)
    why = "" if slab is None else f", {HYPERSLAB_COPIES} times the samples' own size: the reader copies a part"
    print(f"{output}: {size_text(shape)} samples of level {level}; opening it takes {format_bytes(memory)}{why}")
    if slab is not None and (k := cheaper_level(grids, level, slab)) is not None:
        print(
            f"less: {xdmf_paths(volume)[k].name} shows the whole volume in {size_text(grids[k].placement.shape)} "
            f"samples for {format_bytes(grids[k].nbytes)}, every sample counted where a stride skips"
        )
    print(f"next: in ParaView, File > Open > {output}, Apply")
    return 0
