"""`stackreel paraview open`: a volume in ParaView's window, looking well, with one click."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli.values import byte_count

if TYPE_CHECKING:
    from stackreel.scene.scene import Scene
    from stackreel.volume import Volume

WINDOW = 1.2  # a view of ParaView's between its panels, wide to high

DESCRIPTION = """\
Write a macro for ParaView that opens a level of the volume as `stackreel new` would film it: volume rendering, colours
and opacities picked from its values, light, camera, background, a box around it. The macro is a short script with
comments, to be read and changed; it needs only ParaView."""

EXAMPLES = """\
examples:
  stackreel paraview open brain.h5               writes open_brain.py, for ParaView's Macros > Import new macro…
  stackreel paraview open brain.h5 --install     puts it into ParaView's Macros menu
  stackreel paraview open brain.h5 --run         and starts ParaView with it
  stackreel paraview open brain.h5 --memory 32G -o fine.py

A level is chosen that fits the memory, drawn and all, and that has no more than 2048 samples along an axis, which every
graphics card takes; --level chooses another."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "open",
        help="a macro that opens a volume in ParaView's window, looking well",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a volume made by `stackreel convert`")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="MACRO.py", help="(default: open_FILE.py beside the volume)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the macro when it stands already")
    parser.add_argument("--install", action="store_true", help="write it to where ParaView keeps its user's macros")
    parser.add_argument("--run", dest="start", action="store_true", help="start ParaView with it")
    parser.add_argument(
        "--paraview", metavar="WHICH", help="with --run: a version such as 5.11, or the folder of a ParaView"
    )
    group = parser.add_argument_group("which level")
    choice = group.add_mutually_exclusive_group()
    choice.add_argument("--level", type=int, metavar="K", help="0 is full resolution, 1, 2, … are reduced")
    choice.add_argument(
        "--memory",
        type=byte_count,
        metavar="SIZE",
        help="what ParaView may take to show it, such as 8G (default: a quarter of this machine's memory)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from stackreel.cli.options import note
    from stackreel.errors import EngineError, StackreelError
    from stackreel.files import check_writable, format_bytes, replacing
    from stackreel.frames.native.choosing import default_memory
    from stackreel.paraview.macro import level_for, macro_folder, macro_of, memory_of_level
    from stackreel.paraview.xdmf import size_text
    from stackreel.volume import open_volume

    if args.output and args.output.suffix != ".py":
        raise StackreelError(f"{args.output}: ParaView takes macros by their ending; name it {args.output}.py")
    volume = _openable(open_volume(args.file))
    name = f"open_{volume.path.stem}.py"
    output = args.output or (macro_folder() / name if args.install else volume.path.with_name(name))
    if args.install:
        output = macro_folder() / output.name
        _make(output.parent)
    check_writable(output, overwrite=args.overwrite)
    program = _program(args.paraview) if args.start else None
    memory = args.memory or default_memory()
    level = level_for(volume, memory) if args.level is None else args.level
    if not 0 <= level < len(volume.levels):
        raise EngineError(f"{volume.path} has no level {level}; it has 0 to {len(volume.levels) - 1}")
    takes = memory_of_level(volume, level)
    if takes > memory:
        note(f"level {level} takes {format_bytes(takes)} to draw, more than {format_bytes(memory)}")
    text = macro_of(volume, _first_scene(volume), level)
    with replacing(output) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    shape = size_text(volume.levels[level].shape)
    print(f"{output}: opens level {level}, {shape} samples, which takes {format_bytes(takes)} to draw")
    if program is not None:
        _start(program, output)
        print(f"  {program} starts with it")
    elif args.install:
        print(f"  next: start ParaView; the macro is in its menu Macros > {output.stem}")
    else:
        script = shlex.quote(str(output))
        print(f"  next: in ParaView, Macros > Import new macro… > {output.name}; or: paraview --script={script}")
    return 0


def _openable(volume: Volume) -> Volume:
    """The volume, if ParaView can open it; the small files beside it are written where they are missing."""
    from stackreel.errors import VolumeError
    from stackreel.paraview.doors import write_doors
    from stackreel.paraview.xdmf import xdmf_paths

    if volume.path.is_dir():
        raise VolumeError(
            f"{volume.path} is OME-Zarr, which ParaView does not open; make a file that it opens with "
            f"`stackreel export {volume.path} brain.h5`"
        )
    if "unfinished" in volume.provenance:
        raise VolumeError(f"{volume.path} is still being made, and no HDF5 file yet; ParaView opens it when it is done")
    if not all(path.is_file() for path in xdmf_paths(volume)):
        write_doors(volume)
    return volume


def _first_scene(volume: Volume) -> Scene:
    """What a movie file that nobody has changed yet begins with, from far enough to see the box around the volume."""
    from dataclasses import replace

    from stackreel.cli.options import note
    from stackreel.movie.subject import nothing_to_see, subject_of
    from stackreel.scene.document import from_data, parse
    from stackreel.scene.paths import frame_box
    from stackreel.scene.starter import starter

    subject = subject_of(volume)
    if empty := nothing_to_see(volume):
        note(empty)
    if min(volume.shape) == 1:  # nothing to turn around: as the section was imaged
        plain = {"stackreel": 1, "volume": volume.path.name, "shots": [{"seconds": 1}]}
        return from_data(plain, volume.path.name, volume.path.parent).timeline(subject).at(0.0)
    text = starter(subject, volume.path.name, volume.name)
    scene = parse(text, volume.path.name, volume.path.parent).timeline(subject).at(0.0)
    camera = scene.camera
    side = tuple(p - f for p, f in zip(camera.position, camera.focal_point, strict=True))
    framed = frame_box(subject.bounds, side, camera.view_up, camera.view_angle, WINDOW, margin=0.06)
    return replace(scene, camera=framed)


def _make(folder: Path) -> None:
    from stackreel.errors import StackreelError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackreelError(
            f"{folder}: ParaView's folder of macros cannot be made ({error.strerror}); write the macro "
            "elsewhere with -o, and import it in ParaView"
        ) from error


def _program(wanted: str | None) -> Path:
    """ParaView with its window, and something to open that on. Raises EngineError where there is none."""
    from stackreel.errors import EngineError
    from stackreel.paraview.finding import display, find_paraview

    found = [one.paraview for one in find_paraview(wanted) if one.paraview is not None]
    if not found:
        raise EngineError(
            "no ParaView with a window was found; install it (https://www.paraview.org/download), or let "
            "STACKREEL_PARAVIEW name its folder. Without --run the macro is only written"
        )
    if display().server is None:
        raise EngineError("there is no display to open ParaView's window on; without --run the macro is only written")
    return found[0]


def _start(program: Path, macro: Path) -> None:
    """Starts ParaView and leaves it to itself. Raises EngineError where it ends at once."""
    import subprocess

    from stackreel.errors import EngineError
    from stackreel.paraview.finding import environment

    try:
        process = subprocess.Popen(
            [str(program), f"--script={macro.absolute()}"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{program}: does not start ({error.strerror})") from error
    try:
        code = process.wait(timeout=2.0)
    except subprocess.TimeoutExpired:
        return
    if code:
        raise EngineError(f"{program}: ended at once, with code {code}; start it by itself to see what it says")
