"""`stackreel convert`: slices become a volume file, with everything ParaView wants beside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli.options import note
from stackreel.cli.start import loading
from stackreel.cli.values import positive

if TYPE_CHECKING:
    from stackreel.geometry import Spacing
    from stackreel.slices.source import SliceSource
    from stackreel.volume import Volume

DESCRIPTION = """\
Convert a stack of sections to one HDF5 file that holds the full resolution, all reduced levels and what is
known of every brick; and write small XDMF and VTKHDF files beside it, so that ParaView opens any level.

Sections are read once, in bands of rows: memory stays far below the size of a slice. Every file is checked
before anything is written, and the output gets its name only when it is complete. A run that is stopped or
killed loses seconds at most: the same command goes on from there.

Whole heads (NIfTI, MGH, NRRD, MINC) are turned to RAS+: columns to the right, rows to the front, sections upwards.
Their values are the real ones; --raw-values keeps the numbers as stored."""

EXAMPLES = """\
examples:
  stackreel convert sections/ brain.h5 --spacing 60um 1.3um 1.3um          TIFF, PNG or JPEG sections
  stackreel convert 'scan/*_red.tif' red.h5                                 some of a folder
  stackreel convert raw/ brain.h5 --shape 28721 31076 --dtype uint8 --spacing 40 1 1
  stackreel convert direction/ direction.h5 --kind axial --period 256       fibre angles, averaged as angles
  stackreel convert regions/ atlas.h5 --kind label                          labels, reduced by majority
  stackreel convert scan16/ brain.h5 --to uint8 --window 200 4000           16 bits in fewer grey values
  stackreel convert scan.ome.tif gfp.h5 --channel GFP                       one channel of a microscope's file
  stackreel convert https://host/brain.ome.zarr brain.h5 --level 2          OME-Zarr, also from the web
  stackreel convert scan.h5:/entry/data brain.h5                            a data set in an HDF5 file
  stackreel convert T1w.nii.gz brain.h5                                     NIfTI, MGH, NRRD, MINC: turned to RAS+"""

ENDINGS = (".h5", ".hdf5", ".hdf")


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="sections or a volume (TIFF, PNG, raw, OME-Zarr, NIfTI …) become one HDF5 file with all resolutions",
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
    parser.add_argument("out", metavar="OUT.h5", type=Path, help="the volume file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.h5, once the new one is complete")
    parser.add_argument(
        "--restart", action="store_true", help="begin anew instead of going on with a run that was stopped"
    )
    parser.add_argument("--name", help="of the data, as ParaView will show it (default: from OUT.h5)")
    group = parser.add_argument_group("where the samples are")
    group.add_argument(
        "--spacing",
        nargs=3,
        metavar=("Z", "Y", "X"),
        help="between sections, rows and columns, such as 60um 1.3um 1.3um; or their ratio, 40 1 1 "
        "(default: what the files say)",
    )
    group = parser.add_argument_group("which part, where a source holds several")
    group.add_argument(
        "--channel", metavar="C", help="its number, from 0, or its name; left out, a message lists what there is"
    )
    group.add_argument("--time", type=int, metavar="N", help="the time point, from 0")
    group.add_argument("--level", type=int, metavar="N", help="the resolution: 0 is the finest (default)")
    group = parser.add_argument_group("what the samples mean")
    group.add_argument(
        "--kind",
        choices=("intensity", "axial", "label"),
        default="intensity",
        help="decides how coarser levels are made: mean, mean of the doubled angle, or majority (default: intensity)",
    )
    group.add_argument(
        "--period", type=float, metavar="P", help="of axial data: the step in value after which the direction repeats"
    )
    group.add_argument("--background", type=float, metavar="V", help="of axial data: the value of no direction")
    group.add_argument(
        "--reduce",
        choices=("mean", "max"),
        help="of intensities, in coarser levels: mean (default), or max, so that thin bright things stay bright",
    )
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
    group.add_argument(
        "--raw-values",
        action="store_true",
        help="of NIfTI with a slope: keep the stored numbers (default: real values, slope and intercept applied)",
    )
    group = parser.add_argument_group("raw files")
    group.add_argument("--shape", nargs=2, type=positive, metavar=("ROWS", "COLS"), help="of one slice")
    group.add_argument("--dtype", metavar="TYPE", help="of the samples: uint8, uint16, int16, float32, …")
    group.add_argument("--byte-order", choices=("little", "big"), help="of the samples (default: little)")
    group.add_argument("--skip-bytes", type=int, default=0, metavar="N", help="header before the samples of each file")
    group = parser.add_argument_group("machine")
    group.add_argument("--threads", type=positive, metavar="N", help="that compress and reduce (default: all cores)")
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    import os
    import sys
    import time

    with loading():
        from tqdm import tqdm

        from stackreel.files import true_path
        from stackreel.paraview.doors import check_doors, write_doors
        from stackreel.paraview.vtkhdf import write_vtkhdf
        from stackreel.slices import open_slices
        from stackreel.slices.mapped import mapped
        from stackreel.volume.bands import staging_bytes
        from stackreel.volume.build import build
        from stackreel.volume.output import check_output, left_by
        from stackreel.volume.pyramid import SLAB
        from stackreel.volume.recipe import Recipe
        from stackreel.volume.reduction import Reduction

    reduction = Reduction(args.kind, args.period, args.background, args.reduce)
    spacing = _stated_spacing(args)
    _check_ending(args.out)
    check_output(args.out, overwrite=args.overwrite)
    check_doors(args.out)
    source = open_slices(
        args.source,
        shape=tuple(args.shape) if args.shape else None,
        dtype=args.dtype,
        byte_order=args.byte_order,
        skip_bytes=args.skip_bytes,
        channel=args.channel,
        time=args.time,
        level=args.level,
        raw_values=args.raw_values,
    )
    source = mapped(source, args.window, args.to, kind=args.kind)
    for text in source.notes:
        note(text)
    recipe = Recipe(
        args.name or _name_from(args.out),
        spacing or _found_spacing(source),
        reduction,
        {
            "source": os.path.abspath(args.source),
            "files": str(len(source.files)),
            **getattr(source, "provenance", {}),
        },
        args.threads or os.cpu_count() or 1,
    )
    slices, rows, columns = source.shape
    total = slices * rows * columns * source.dtype.itemsize
    _warn_of_space(true_path(args.out).parent, total, staging_bytes(source, SLAB))
    print(f"{_count(slices, 'section')} of {rows} × {columns} {source.dtype.name}, {recipe.spacing} (z × y × x)")
    _keep_freed_memory()
    begin = time.perf_counter()
    try:
        with tqdm(total=total, unit="B", unit_scale=True, desc="converting", smoothing=0.1) as bar:

            def go_on(done: int) -> None:
                tqdm.write(f"going on where an earlier run was stopped, at {done / total:.0%}", sys.stderr)
                bar.initial = bar.n = done

            volume = build(
                source,
                args.out,
                recipe,
                overwrite=args.overwrite,
                restart=args.restart,
                progress=bar.update,
                resumed=go_on,
                finish=write_vtkhdf,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {args.out} was not written. {left_by(args.out)}") from None
    finally:
        source.close()
    seconds = time.perf_counter() - begin
    _tell(volume, len(write_doors(volume)), seconds)
    return 0


def _check_ending(out: Path) -> None:
    """Other programs, and the files written beside it, know the volume by its ending."""
    from stackreel.errors import VolumeError

    if out.suffix.lower() not in ENDINGS and not out.is_dir():
        raise VolumeError(f"{out}: end the name in .h5, so that other programs know what it is")


def _keep_freed_memory() -> None:
    """Have the C library keep the few megabytes that packed chunks come and go in.

    glibc hands blocks of this size back to the system at once and gets them again page by page: a tenth of the time
    of a conversion. Elsewhere this does nothing.
    """
    import contextlib
    import ctypes
    import sys

    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            trim_threshold, mmap_threshold = -1, -3  # names from malloc.h
            mallopt(trim_threshold, 256 << 20)
            mallopt(mmap_threshold, 32 << 20)


def _stated_spacing(args: argparse.Namespace) -> Spacing | None:
    from stackreel.geometry import Spacing

    return Spacing.parse(args.spacing) if args.spacing else None


def _found_spacing(source: SliceSource) -> Spacing:
    from stackreel.geometry import Spacing

    if source.spacing is not None:
        return source.spacing
    note(
        "the files do not say how far apart samples are; cubes are assumed. "
        "Sections are usually thicker: give --spacing Z Y X"
    )
    return Spacing(1.0, 1.0, 1.0)


def _name_from(out: Path) -> str:
    """A file's stem as a data set's name: what ParaView's readers cannot take becomes an underscore."""
    from stackreel.volume.recipe import RESERVED

    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in out.stem)
    return f"{name}_" if name in RESERVED else name


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
    import shlex

    from stackreel.files import format_bytes

    stored = volume.path.stat().st_size
    coarse, levels = volume.levels[-1].shape, len(volume.levels)
    down = f" down to {coarse[0]} × {coarse[1]} × {coarse[2]}" if levels > 1 else ""
    print(
        f"{volume.path}: {_count(levels, 'level')}{down}, "
        f"{format_bytes(stored)} ({stored / max(volume.nbytes, 1):.0%} of the sections), "
        f"{seconds:.1f} s, {volume.nbytes / 1e6 / max(seconds, 1e-9):,.0f} MB/s"
    )
    print(f"and {_count(beside, 'small file')} beside it for ParaView: {volume.path.stem}*.xmf2 and .hdf")
    file = shlex.quote(str(volume.path))
    print(f"next: stackreel new {file} -o movie.yaml    (or: stackreel info {file})")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
