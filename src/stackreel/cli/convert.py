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
before anything is written, and the output gets its name only when it is complete."""

EXAMPLES = """\
examples:
  stackreel convert sections/ brain.h5 --spacing 60um 1.3um 1.3um          TIFF, PNG or JPEG sections
  stackreel convert 'scan/*_red.tif' red.h5                                 some of a folder
  stackreel convert raw/ brain.h5 --shape 28721 31076 --dtype uint8 --spacing 40 1 1
  stackreel convert direction/ direction.h5 --kind axial --period 256       fibre angles, averaged as angles
  stackreel convert regions/ atlas.h5 --kind label                          labels, reduced by majority"""

ENDINGS = (".h5", ".hdf5", ".hdf")


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="sections (raw, TIFF, PNG, JPEG) become one HDF5 volume with all its resolutions",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SRC", help="a folder of sections, a quoted glob, or one file")
    parser.add_argument("out", metavar="OUT.h5", type=Path, help="the volume file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.h5, once the new one is complete")
    parser.add_argument("--name", help="of the data, as ParaView will show it (default: from OUT.h5)")
    group = parser.add_argument_group("where the samples are")
    group.add_argument(
        "--spacing",
        nargs=3,
        metavar=("Z", "Y", "X"),
        help="between sections, rows and columns, such as 60um 1.3um 1.3um; or their ratio, 40 1 1 "
        "(default: what the files say)",
    )
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
    import time

    with loading():
        from tqdm import tqdm

        from stackreel.files import true_path
        from stackreel.paraview.doors import check_doors, write_doors
        from stackreel.paraview.vtkhdf import write_vtkhdf
        from stackreel.slices import open_slices
        from stackreel.volume.bands import staging_bytes
        from stackreel.volume.build import Recipe, build
        from stackreel.volume.output import check_output
        from stackreel.volume.pyramid import SLAB
        from stackreel.volume.reduction import Reduction

    reduction = Reduction(args.kind, args.period, args.background)
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
    )
    for text in source.notes:
        note(text)
    recipe = Recipe(
        args.name or _name_from(args.out),
        spacing or _found_spacing(source),
        reduction,
        {"source": os.path.abspath(args.source), "files": str(len(source.files))},
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
            volume = build(source, args.out, recipe, overwrite=args.overwrite, progress=bar.update, finish=write_vtkhdf)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {args.out} was not written and nothing was left behind") from None
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
    from stackreel.volume.hdf5 import RESERVED

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
            + ". If it does not fit, nothing is left behind"
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
