"""`stackreel convert`: slices become a volume file, with everything ParaView wants beside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli import converting
from stackreel.cli.following import add_follow_options, opened
from stackreel.cli.lacking import add_missing_options, ask_of_absent
from stackreel.cli.options import note
from stackreel.cli.start import loading

if TYPE_CHECKING:
    from stackreel.volume import Volume

DESCRIPTION = """\
Convert a stack of sections to one HDF5 file that holds the full resolution, all reduced levels and what is
known of every brick; and write small XDMF and VTKHDF files beside it, so that ParaView opens any level.
Where OUT ends in .ome.zarr, a folder of OME-Zarr 0.5 with the same content is written instead: napari, Neuroglancer
and others open it, ParaView does not.

Sections are read once, in bands of rows: memory stays far below the size of a slice. Every file is checked
before anything is written, and the output gets its name only when it is complete. A run that is stopped or
killed loses seconds at most: the same command goes on from there."""

EXAMPLES = """\
examples:
  stackreel convert sections/ brain.h5 --spacing 60um 1.3um 1.3um          TIFF, PNG or JPEG sections
  stackreel convert 'scan/*_red.tif' red.h5                                 some of a folder
  stackreel convert raw/ brain.h5 --shape 28721 31076 --dtype uint8 --spacing 40 1 1
  stackreel convert direction/ direction.h5 --kind axial --period 256       fibre angles, averaged as angles
  stackreel convert regions/ atlas.h5 --kind label                          labels, reduced by majority
  stackreel convert scan16/ brain.h5 --to uint8 --window 200 4000           16 bits in fewer grey values
  stackreel convert sections/ brain.h5 --missing interpolate                gaps in the numbering keep their place
  stackreel convert scan/ brain.h5 --follow --count 234                     while the microscope is still at work
  stackreel convert scan.ome.tif gfp.h5 --channel GFP                       one channel of a microscope's file
  stackreel convert https://host/brain.ome.zarr brain.h5 --level 2          OME-Zarr, also from the web
  stackreel convert scan.h5:/entry/data brain.h5                            a data set in an HDF5 file
  stackreel convert T1w.nii.gz brain.h5                                     NIfTI, MGH, NRRD, MINC: turned to RAS+
  stackreel convert sections/ brain.ome.zarr --spacing 60um 1.3um 1.3um     OME-Zarr 0.5, for napari, Neuroglancer …"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="sections or a volume (TIFF, PNG, raw, NIfTI …) become one HDF5 file, or OME-Zarr, with all resolutions",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        metavar="SRC",
        help="a folder of sections, a quoted glob, or one file; OME-Zarr as a folder or URL; "
        "a data set in HDF5 as file.h5:/name; a volume as NIfTI, MGH, NRRD or MINC",
    )
    converting.add_output(parser)
    converting.add_spacing_option(parser)
    converting.add_part_options(parser)
    group = converting.add_meaning_options(parser)
    group.add_argument(
        "--to", choices=("uint8", "uint16"), help="store samples as this type; needs --window unless all fit"
    )
    group.add_argument(
        "--window",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="the values that become 0 and the largest of --to; between them linear, beyond them clipped",
    )
    converting.add_raw_options(parser)
    add_missing_options(parser)
    add_follow_options(parser)
    converting.add_threads_option(parser)
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    from stackreel.errors import SliceReadError, SliceShapeError

    try:
        return _convert(args)
    except (SliceReadError, SliceShapeError) as error:
        raise type(error)(ask_of_absent(str(error), args)) from error


def _convert(args: argparse.Namespace) -> int:
    import time

    with loading():
        from stackreel.files import true_path
        from stackreel.paraview.doors import write_doors
        from stackreel.slices.mapped import mapped
        from stackreel.volume.bands import staging_bytes
        from stackreel.volume.pyramid import SLAB
        from stackreel.volume.reduction import Reduction

    Reduction(args.kind, args.period, args.background, args.reduce)  # before the files are looked at
    converting.stated_spacing(args)
    converting.check_outputs(args, zarr=True)
    found, arriving = opened(args)
    source = mapped(found, args.window, args.to, kind=args.kind)
    for text in source.notes:
        note(text)
    recipe = converting.recipe_of(args, source)
    slices, rows, columns = source.shape
    total = slices * rows * columns * source.dtype.itemsize
    _warn_of_space(true_path(args.out).parent, total, staging_bytes(source, SLAB))
    print(converting.said_of(source, recipe))
    begin = time.perf_counter()
    volume = converting.build_shown(args, source, recipe, "converting", arriving)
    seconds = time.perf_counter() - begin
    _tell(volume, len(write_doors(volume)), seconds)
    return 0


def _warn_of_space(folder: Path, total: int, staged: int) -> None:
    import shutil

    from stackreel.files import format_bytes

    free = shutil.disk_usage(folder).free
    worst = int(total * 1.4) + staged
    if free < worst:
        note(
            f"{format_bytes(free)} are free on {folder}; data that do not compress would need "
            f"{format_bytes(worst)} (brain sections usually take a third)"
            + (f", {format_bytes(staged)} of it for whole sections on their way" if staged else "")
            + ". If it does not fit, the conversion can be gone on with once there is room"
        )


def _tell(volume: Volume, beside: int, seconds: float) -> None:
    from stackreel.files import format_bytes, size_on_disk

    stored = size_on_disk(volume.path)
    print(
        f"{volume.path}: {converting.levels_of(volume)}, "
        f"{format_bytes(stored)} ({stored / max(volume.nbytes, 1):.0%} of the sections), "
        f"{seconds:.1f} s, {volume.nbytes / 1e6 / max(seconds, 1e-9):,.0f} MB/s"
    )
    converting.tell_next(volume, beside)
