"""`stackreel link`: a volume whose full resolution stays in the slices' own files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stackreel.cli import converting
from stackreel.cli.options import note
from stackreel.cli.start import loading

if TYPE_CHECKING:
    from stackreel.slices.source import SliceSource
    from stackreel.volume import Volume
    from stackreel.volume.recipe import Recipe

DESCRIPTION = """\
Make a volume file without copying the samples: the full resolution stays in the slices' own files, and OUT.h5
holds the reduced levels, what is known of every brick, and where each slice lies. It shows what `stackreel
convert` would show, in stackreel, in ParaView and in any HDF5 program, and takes a small part of the room.

That goes for samples that lie bare in their files: raw slices, uncompressed TIFF in strips, one file that holds
the whole stack, and NIfTI or NRRD that needs no turning. The slices must stay where they are and as they are;
stackreel notices when one is missing or has changed, other programs show zeros or the new samples."""

EXAMPLES = """\
examples:
  stackreel link raw/ brain.h5 --shape 28721 31076 --dtype uint8 --spacing 60um 1.3um 1.3um
  stackreel link raw/ brain.h5 --shape 28721 31076 --dtype uint8 --no-levels     at once, for ParaView alone
  stackreel link sections/ sections/brain.h5 --relative    may move together, to another disk or computer
  stackreel link stack.raw brain.h5 --shape 2048 2048 --dtype uint16 --byte-order big"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "link",
        help="the same without a copy: the full resolution stays in the slices' own files",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        metavar="SRC",
        help="a folder of sections, a quoted glob, or one file: raw, or TIFF without compression",
    )
    converting.add_output(parser)
    parser.add_argument(
        "--relative",
        action="store_true",
        help="name the slices as seen from OUT.h5's folder, so that both may move together (default: by their full "
        "path, so that OUT.h5 may move alone)",
    )
    parser.add_argument(
        "--no-levels",
        action="store_true",
        help="write no reduced levels and no statistics: done at once, and enough for ParaView, not for a movie",
    )
    converting.add_spacing_option(parser)
    converting.add_part_options(parser)
    converting.add_meaning_options(parser)
    converting.add_raw_options(parser)
    converting.add_threads_option(parser)
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    import time
    from dataclasses import replace

    with loading():
        from stackreel.files import true_path
        from stackreel.paraview.doors import write_doors
        from stackreel.volume.links import links_to
        from stackreel.volume.reduction import Reduction

    Reduction(args.kind, args.period, args.background, args.reduce)  # before the files are looked at
    converting.stated_spacing(args)
    converting.check_outputs(args)
    source = converting.open_source(args)
    links = links_to(source, true_path(args.out).parent if args.relative else None)
    for text in source.notes:
        note(text)
    recipe = replace(converting.recipe_of(args, source), links=links)
    print(converting.said_of(source, recipe))
    begin = time.perf_counter()
    volume = (
        _describe(args, source, recipe) if args.no_levels else converting.build_shown(args, source, recipe, "reading")
    )
    seconds = time.perf_counter() - begin
    _tell(args, volume, len(write_doors(volume)), seconds)
    return 0


def _describe(args: argparse.Namespace, source: SliceSource, recipe: Recipe) -> Volume:
    import contextlib

    from stackreel.paraview.vtkhdf import write_vtkhdf
    from stackreel.volume.linking import link_alone

    with contextlib.closing(source):
        return link_alone(source, args.out, recipe, write_vtkhdf, overwrite=args.overwrite, restart=args.restart)


def _tell(args: argparse.Namespace, volume: Volume, beside: int, seconds: float) -> None:
    import shlex

    from stackreel.files import format_bytes

    stored = volume.path.stat().st_size
    how = "no reduced levels" if args.no_levels else converting.levels_of(volume)
    print(
        f"{volume.path}: {how}, {format_bytes(stored)} ({stored / max(volume.nbytes, 1):.0%} of the sections), "
        f"{seconds:.1f} s; {format_bytes(volume.nbytes)} of full resolution stay where they are"
    )
    if args.no_levels:
        print(f"and {converting.count(beside, 'small file')} beside it: {volume.path.stem}.xmf2 and .hdf")
        print(f"next: in ParaView, File > Open > {shlex.quote(str(volume.path.with_suffix('.xmf2')))}, Apply")
    else:
        converting.tell_next(volume, beside)
    if args.relative:
        print("other programs find slices with relative names when started with HDF5_EXTFILE_PREFIX='${ORIGIN}' set:")
        print("      HDF5_EXTFILE_PREFIX='${ORIGIN}' paraview    (stackreel itself does not need it)")
