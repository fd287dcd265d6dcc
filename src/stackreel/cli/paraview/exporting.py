"""`stackreel paraview export`: a movie file becomes a script that ParaView runs by itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli.values import byte_count, positive

if TYPE_CHECKING:
    from stackreel.scene.document.picture import OutputSpec

DESCRIPTION = """\
Write a Python script that draws the movie with ParaView alone: it holds every camera, colour and cut as numbers that
can be read and edited, and needs no stackreel where it runs. Copied to a cluster together with the volume and the
small files beside it, it renders there with pvbatch, alone or in a job array, and goes on where it was stopped."""

EXAMPLES = """\
examples:
  stackreel paraview export flight.yaml -o flight_pv.py
  pvpython flight_pv.py --frames 0:25 --size 640 360           the first second, small
  pvbatch flight_pv.py --part 3/8                              the third of eight jobs
  stackreel paraview export flight.yaml --memory 64G -o flight_pv.py     for a machine with more memory"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "export",
        help="write the movie as a script for pvpython and pvbatch",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("movie", type=Path, help="the movie file, such as flight.yaml")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the script to write, such as flight_pv.py")
    parser.add_argument("--overwrite", action="store_true", help="replace the script when it stands already")
    parser.add_argument(
        "--size", nargs=2, type=positive, metavar=("W", "H"), help="pixels, instead of the movie file's"
    )
    parser.add_argument("--fps", type=positive, metavar="N", help="frames per second, instead of the movie file's")
    parser.add_argument(
        "--memory",
        type=byte_count,
        metavar="SIZE",
        help="what the samples of a shot may take where the script will run, such as 8G (default: a quarter of this "
        "machine's memory); the script can be told otherwise later",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import os
    import shlex
    from dataclasses import replace

    from stackreel.cli.options import note
    from stackreel.errors import EngineError, StackreelError
    from stackreel.files import check_writable, format_bytes, replacing
    from stackreel.frames.engine import Output
    from stackreel.frames.native.choosing import default_memory
    from stackreel.movie.production import FINAL_DETAIL
    from stackreel.movie.subject import nothing_to_see, subject_of
    from stackreel.paraview.exporting.fit import notes_on, refuse, single_volume
    from stackreel.paraview.script import script_of
    from stackreel.paraview.staging import approximations, closed, flat
    from stackreel.scene.document import load
    from stackreel.volume import open_registered

    if args.output.suffix != ".py":
        raise StackreelError(f"{args.output}: ParaView takes Python scripts by their ending; name it {args.output}.py")
    check_writable(args.output, overwrite=args.overwrite)
    document = load(args.movie)
    said = _with(document.spec.output, {"size": args.size, "fps": args.fps})
    document = replace(document, spec=document.spec.model_copy(update={"output": said}))
    volume = open_registered(document.volumes)
    timeline = document.timeline(subject_of(volume))
    output = Output(timeline.size, FINAL_DETAIL, said.samples, said.transparent)
    notes = notes_on(document, timeline, refuse, approximations)
    volume = single_volume(volume, timeline)
    if reason := closed(volume) or flat(volume):
        raise EngineError(reason)
    if output.samples > 1:
        notes.append(f"output.samples: {output.samples}: the script draws one ray a pixel")
    if any(shot.titles for shot in timeline.shots):
        notes.append("titles are set in ParaView's letters, at the same places")
    if empty := nothing_to_see(volume):
        notes.append(empty)
    folder = args.output.absolute().parent
    try:
        seen = Path(os.path.relpath(volume.path.absolute().parent, folder)).as_posix()
    except ValueError:  # another drive
        seen = volume.path.absolute().parent.as_posix()
    memory = args.memory or default_memory()
    script = script_of(
        args.movie.stem,
        volume,
        timeline,
        output,
        data_folder=seen,
        memory=memory,
        script=args.output.name,
        movie_file=args.movie.name,
    )
    with replacing(args.output) as temporary:
        temporary.write_text(script, encoding="utf-8", newline="\n")
    for text in notes:
        note(text)
    print(
        f"{args.output}: {timeline.seconds:g} s, {timeline.frames} frames of {timeline.size[0]} × {timeline.size[1]} "
        f"for ParaView 5.11 or later; {format_bytes(args.output.stat().st_size)} of Python"
    )
    print(f"  next: `pvpython {shlex.quote(str(args.output))} --plan` says what it will draw, and from which samples")
    return 0


def _with(said: OutputSpec, asked: dict[str, Any]) -> OutputSpec:
    """What the movie file says of the picture, but for what the command line asks, within the same bounds."""
    from pydantic import ValidationError

    from stackreel.errors import StackreelError
    from stackreel.scene.document.problems import problem_of

    wanted = said.model_dump() | {key: value for key, value in asked.items() if value is not None}
    try:
        return type(said).model_validate(wanted)
    except ValidationError as error:
        problem = problem_of(dict(error.errors()[0]), wanted, {})
        raise StackreelError(f"--{problem.path[0]}: {problem.message}") from error
