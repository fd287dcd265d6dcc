"""What the verbs that make a volume of a stack share: the options that name and explain the stack, and the work shown.

`convert` copies the samples, `link` leaves them where they are; both open the same sources in the same words.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli.lacking import missing_of
from stackreel.cli.options import note
from stackreel.cli.values import positive

if TYPE_CHECKING:
    from stackreel.geometry import Spacing
    from stackreel.slices.arriving import Arriving
    from stackreel.slices.source import SliceSource
    from stackreel.volume import Volume
    from stackreel.volume.recipe import Recipe

ENDINGS = (".h5", ".hdf5", ".hdf")
FOLDERS = (".zarr",)


def add_output(parser: argparse.ArgumentParser) -> None:
    """OUT.h5, --overwrite, --restart and --name."""
    parser.add_argument("out", metavar="OUT.h5", type=Path, help="the volume file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.h5, once the new one is complete")
    parser.add_argument(
        "--restart", action="store_true", help="begin anew instead of going on with a run that was stopped"
    )
    parser.add_argument("--name", help="of the data, as ParaView will show it (default: from OUT.h5)")


def add_spacing_option(parser: argparse.ArgumentParser) -> None:
    """--spacing."""
    group = parser.add_argument_group("where the samples are")
    group.add_argument(
        "--spacing",
        nargs=3,
        metavar=("Z", "Y", "X"),
        help="between sections, rows and columns, such as 60um 1.3um 1.3um; or their ratio, 40 1 1 "
        "(default: what the files say)",
    )


def add_part_options(parser: argparse.ArgumentParser) -> None:
    """--channel, --time and --level."""
    group = parser.add_argument_group("which part, where a source holds several")
    group.add_argument(
        "--channel", metavar="C", help="its number, from 0, or its name; what there is, the question lists"
    )
    group.add_argument("--time", type=int, metavar="N", help="the time point, from 0")
    group.add_argument("--level", type=int, metavar="N", help="the resolution: 0 is the finest (default)")


def add_meaning_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """--kind, --period, --background, --reduce and --raw-values; more may be added to the group."""
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
        "--weights",
        metavar="SRC",
        help="of axial data: sections of the same size that say how much each direction counts in coarser levels, such "
        "as retardation: uint8, uint16 or 0 … 1; raw ones are uint8",
    )
    group.add_argument(
        "--raw-values",
        action="store_true",
        help="of NIfTI with a slope: keep the stored numbers (default: real values, slope and intercept applied)",
    )
    return group


def add_raw_options(parser: argparse.ArgumentParser) -> None:
    """--shape, --dtype, --byte-order and --skip-bytes."""
    group = parser.add_argument_group("raw files")
    group.add_argument("--shape", nargs=2, type=positive, metavar=("ROWS", "COLS"), help="of one slice")
    group.add_argument("--dtype", metavar="TYPE", help="of the samples: uint8, uint16, int16, float32, …")
    group.add_argument("--byte-order", choices=("little", "big"), help="of the samples (default: little)")
    group.add_argument("--skip-bytes", type=int, default=0, metavar="N", help="header before the samples of each file")


def add_threads_option(parser: argparse.ArgumentParser) -> None:
    """--threads."""
    group = parser.add_argument_group("machine")
    group.add_argument("--threads", type=positive, metavar="N", help="that compress and reduce (default: all cores)")


def check_outputs(args: argparse.Namespace, *, zarr: bool = False) -> None:
    """Raises unless OUT.h5 and what goes beside it can be written; other programs know the volume by its ending.

    zarr : whether OUT may be a folder of OME-Zarr
    """
    from stackreel.errors import VolumeError
    from stackreel.paraview.doors import check_doors
    from stackreel.volume.output import check_output

    endings = ENDINGS + FOLDERS if zarr else ENDINGS
    ending = args.out.suffix.lower()
    if ending not in endings and (ending in FOLDERS or not args.out.is_dir()):
        raise VolumeError(
            f"{args.out}: end the name in .h5{' or .ome.zarr' * zarr}, so that other programs know what it is"
        )
    check_output(args.out, overwrite=args.overwrite)
    check_doors(args.out)


def open_source(args: argparse.Namespace) -> SliceSource:
    """The stack that SRC, and the options about it, name."""
    from stackreel.slices import open_slices

    return open_slices(
        args.source,
        shape=tuple(args.shape) if args.shape else None,
        dtype=args.dtype,
        byte_order=args.byte_order,
        skip_bytes=args.skip_bytes,
        channel=args.channel,
        time=args.time,
        level=args.level,
        raw_values=args.raw_values,
        missing=missing_of(args),
    )


def open_weights(args: argparse.Namespace) -> SliceSource | None:
    """The stack that says what directions are worth, as uint8; None where they are all worth the same."""
    if args.weights is None:
        return None
    import numpy as np

    from stackreel.slices import open_slices
    from stackreel.slices.mapped import mapped

    found = open_slices(
        args.weights,
        shape=tuple(args.shape) if args.shape else None,
        dtype="uint8" if args.shape else None,
        missing=missing_of(args, "intensity"),
    )
    if found.dtype == np.uint8:
        return found
    most = 1.0 if found.dtype.kind == "f" else float(np.iinfo(found.dtype).max)
    return mapped(found, (0.0, most), "uint8")


def recipe_of(args: argparse.Namespace, source: SliceSource) -> Recipe:
    """What to make of the stack, as the options say."""
    import os

    from stackreel.volume.recipe import Recipe
    from stackreel.volume.reduction import Reduction

    return Recipe(
        args.name or name_from(args.out),
        stated_spacing(args) or _found_spacing(source),
        Reduction(args.kind, args.period, args.background, args.reduce),
        {
            "source": os.path.abspath(args.source),
            "files": str(len(source.files)),
            **getattr(source, "provenance", {}),
        },
        args.threads or os.cpu_count() or 1,
    )


def stated_spacing(args: argparse.Namespace) -> Spacing | None:
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


def name_from(out: Path) -> str:
    """A file's stem as a data set's name: what ParaView's readers cannot take becomes an underscore."""
    from stackreel.volume.recipe import RESERVED

    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in out.stem.removesuffix(".ome"))
    return f"{name}_" if name in RESERVED else name


def build_shown(
    args: argparse.Namespace, source: SliceSource, recipe: Recipe, doing: str, arriving: Arriving | None = None
) -> Volume:
    """Build the volume with a bar of progress on stderr, and close the source.

    doing    : the word before the bar, as "converting"
    arriving : the source, or what is behind it, where its sections are still to come
    """
    import sys

    from tqdm import tqdm

    from stackreel.cli.following import on_bar
    from stackreel.paraview.vtkhdf import write_vtkhdf
    from stackreel.volume.build import build
    from stackreel.volume.output import left_by

    weights = open_weights(args)
    slices, rows, columns = source.shape
    total = slices * rows * columns * source.dtype.itemsize
    _keep_freed_memory()
    try:
        with tqdm(total=total, unit="B", unit_scale=True, desc=doing, smoothing=0.1) as bar:

            def go_on(done: int) -> None:
                tqdm.write(f"going on where an earlier run was stopped, at {done / total:.0%}", sys.stderr)
                bar.initial = bar.n = done

            return build(
                source,
                args.out,
                recipe,
                weights=weights,
                arriving=arriving,
                awaiting=on_bar(bar, args.out),
                overwrite=args.overwrite,
                restart=args.restart,
                progress=bar.update,
                resumed=go_on,
                finish=write_vtkhdf,
            )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(str(stop) or f"stopped; {args.out} was not written. {left_by(args.out)}") from None
    finally:
        source.close()


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


def said_of(source: SliceSource, recipe: Recipe) -> str:
    """ "234 sections of 1795 × 1942 uint8, 60 µm × …" """
    slices, rows, columns = source.shape
    return f"{count(slices, 'section')} of {rows} × {columns} {source.dtype.name}, {recipe.spacing} (z × y × x)"


def levels_of(volume: Volume) -> str:
    """ "5 levels down to 58 × 56 × 61" """
    coarse, levels = volume.levels[-1].shape, len(volume.levels)
    down = f" down to {coarse[0]} × {coarse[1]} × {coarse[2]}" if levels > 1 else ""
    return f"{count(levels, 'level')}{down}"


def tell_next(volume: Volume, beside: int) -> None:
    """What stands beside the volume, and what to do now."""
    import shlex

    file = shlex.quote(str(volume.path))
    if beside:
        print(f"and {count(beside, 'small file')} beside it for ParaView: {volume.path.stem}*.xmf2 and .hdf")
    else:
        print(f"ParaView does not open OME-Zarr; it opens what `stackreel export {file} brain.h5` writes")
    print(f"next: stackreel new {file} -o movie.yaml    (or: stackreel info {file})")


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
