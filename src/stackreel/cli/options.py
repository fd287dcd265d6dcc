"""Options that the verbs around a movie file share: how large, with what engine, with how much of the machine."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from stackreel.cli.values import byte_count, positive

ENGINES = ("native", "paraview")
DEVICES = ("auto", "cpu", "cuda")


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """--size, --draft and --samples."""
    group = parser.add_argument_group("picture")
    group.add_argument(
        "--size",
        nargs=2,
        type=positive,
        metavar=("W", "H"),
        help="width and height in pixels, instead of the movie file's",
    )
    group.add_argument("--draft", action="store_true", help="a quarter of the size along each axis: a look, in seconds")
    group.add_argument(
        "--samples",
        type=int,
        choices=(1, 4, 9),
        help="rays a pixel, instead of the movie file's: more are smoother, and take as much longer",
    )


def add_transparent_option(parser: argparse.ArgumentParser) -> None:
    """--transparent."""
    parser.add_argument(
        "--transparent", action="store_true", help="no background: a PNG with an alpha channel, to lay over anything"
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--engine, --device, --memory, --threads, --mpi and --paraview."""
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default="native",
        help="what draws the frames: stackreel's own renderer, or the ParaView of this machine (default: native)",
    )
    group.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="what it draws on: cpu, or cuda, an NVIDIA graphics card; auto takes a card where there is one "
        "(default: auto)",
    )
    group.add_argument("--memory", type=byte_count, metavar="SIZE", help="memory for the volume, such as 4G")
    group.add_argument("--threads", type=positive, metavar="N", help="threads to draw with (default: all cores)")
    group.add_argument("--mpi", type=positive, metavar="N", help="processes to draw with; --engine paraview only")
    group.add_argument(
        "--paraview",
        metavar="PATH",
        help="which ParaView: its folder, its pvpython, or the beginning of its version, such as 5.11 "
        "(default: what STACKREEL_PARAVIEW names, or the first on the PATH)",
    )


def add_error_option(parser: argparse.ArgumentParser) -> None:
    """--on-error."""
    parser.add_argument(
        "--on-error",
        choices=("stop", "hole"),
        default="stop",
        help="at a chunk of the volume that cannot be read: stop, or draw nothing there and say in the end which "
        "frames show that (default: stop)",
    )


def picture_options(args: argparse.Namespace) -> dict[str, Any]:
    """What --size, --draft and --samples said, as `produce` takes it."""
    return {"size": tuple(args.size) if args.size else None, "draft": args.draft, "samples": args.samples}


def engine_options(args: argparse.Namespace) -> dict[str, Any]:
    """What --engine, --device, --memory, --threads, --mpi and --paraview said, as `produce` takes it."""
    return {name: getattr(args, name) for name in ("engine", "device", "memory", "threads", "mpi", "paraview")}


def note(text: str) -> None:
    """A word on stderr that is no error."""
    print(f"stackreel: note: {text}", file=sys.stderr)


def announce_compiling() -> None:
    """Have the first compilation of a first use announced on stderr."""
    from stackreel.kernels.compiling import when_compiling

    when_compiling(lambda: note("compiling for this machine; that happens once and takes up to half a minute"))
