"""`stackreel paraview import`: what was found in ParaView becomes a movie file, or goes into one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli.values import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackreel.paraview.importing import Parts, Wanted
    from stackreel.paraview.proxies import State

DESCRIPTION = """\
Take over what was found in ParaView: cameras, colours, opacities, light, clip planes, slices and key frames, from

  a Python trace or state (.py)     Tools > Start Trace … Stop Trace; File > Save State; nothing in it is run
  a state (.pvsm)                   File > Save State
  a camera (.pvcc, .pvcvbc)         Adjust Camera > Save
  key frames (.pvkfc)               the Animation View's export, of ParaView 5.12 and later
  colours (.json, .xml)             Color Map Editor > Choose Preset > Export

-o writes a new movie file; --into adds to one that is there, whose other parts stay as they were, comments included.
Without either, the movie file is printed. In the end stands what came over, and what did not, with its line."""

EXAMPLES = """\
examples:
  stackreel paraview import session.pvsm --volume brain.h5 -o flight.yaml
  stackreel paraview import trace.py --volume brain.h5 --keys --seconds 12 -o flight.yaml
  stackreel paraview import left.pvcc top.pvcc --into flight.yaml      adds places: left, top
  stackreel paraview import colours.json --into flight.yaml --scene    replaces the scene's colours"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "import",
        help="take cameras, colours, cuts and key frames over into a movie file",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a file of ParaView's")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("-o", "--output", type=Path, metavar="MOVIE", help="the movie file to write")
    target.add_argument(
        "--into", type=Path, metavar="MOVIE", help="the movie file to add to; the old one stays as .bak, .bak.1 …"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the movie file of -o when it stands already")
    parser.add_argument(
        "--volume",
        type=Path,
        metavar="VOLUME",
        help="the volume: converts voxels and micrometres, fits colours without values, and checks the movie "
        "(default with --into: that movie's own, if it is there)",
    )
    parser.add_argument("--array", metavar="NAME", help="whose colours and opacities, where there are several")
    parser.add_argument("--view", metavar="NAME", help="whose camera, where there are several")
    parser.add_argument(
        "--frame",
        choices=("auto", "world", "voxel"),
        default="auto",
        help="what ParaView's coordinates are: the movie's world, as the files beside a volume have it, or voxels "
        "(default: auto, which looks and says so)",
    )
    parser.add_argument("--keys", action="store_true", help="make shots of key frames, or of several cameras")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="how long these shots last together")
    parser.add_argument(
        "--scene",
        action="store_true",
        help="with --into: replace the scene's own parts, instead of adding a look and places",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON, for other programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from stackreel.errors import ParaViewError
    from stackreel.files import check_writable
    from stackreel.paraview.importing import imported

    if args.scene and args.into is None:
        raise ParaViewError("--scene goes with --into; a new movie file has nothing to replace")
    if args.seconds is not None and not args.seconds > 0.0:
        raise ParaViewError("--seconds must be longer than 0")
    if args.output is not None:
        _check_output(args.output, args.files)
        check_writable(args.output, overwrite=args.overwrite)
    if args.into is not None:
        check_writable(args.into, overwrite=True)
    wanted, volume = _wanted(args)
    states = [_read(file) for file in args.files]
    parts = imported(states, wanted)
    if parts.empty:
        reasons = "; ".join(str(one) for one in parts.report.left[:3])
        raise ParaViewError(
            f"{', '.join(str(f) for f in args.files)}: nothing in it that a movie file could take"
            + (f" ({reasons})" if reasons else "; is it the right file?")
        )
    said: list[str] = []
    text, backup = "", ""
    if args.into is not None:
        said, backup = _merge(args, parts, wanted)
    else:
        text = _new(args, parts, volume, wanted)
    _tell(args, parts, said, text, backup)
    return 0


def _check_output(output: Path, files: Sequence[Path]) -> None:
    """Raises ParaViewError where a movie file would replace what it is made of, or look like something else."""
    from stackreel.errors import ParaViewError

    if output.exists() and any(file.exists() and output.samefile(file) for file in files):
        raise ParaViewError(f"{output}: is what should be read; give the movie file another name")
    if output.suffix.lower() not in (".yaml", ".yml", ".json"):
        raise ParaViewError(f"{output}: a movie file's name ends in .yaml, .yml or .json")


def _read(file: Path) -> State:
    """What a file holds; Python is told from the rest by its name, and by what stands in it."""
    from stackreel.paraview.statefiles import read_state_file
    from stackreel.paraview.trace import read_trace_file

    if file.suffix.lower() in (".py", ".txt", "") and not _is_xml(file):
        return read_trace_file(file)
    return read_state_file(file)


def _is_xml(file: Path) -> bool:
    """SaveState in pvpython 5.11 writes a state, whatever it is to be called."""
    try:
        with file.open("rb") as text:
            return text.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    except OSError:  # said by whoever reads it
        return False


def _wanted(args: argparse.Namespace) -> tuple[Wanted, Path | None]:
    """What is asked for, and the volume's file."""
    from stackreel.movie.subject import subject_of
    from stackreel.paraview.importing import Wanted, with_volume
    from stackreel.paraview.importing.frame import Ground
    from stackreel.scene.document import load
    from stackreel.volume import open_volume

    wanted = Wanted(args.array, args.view, args.frame, args.keys, args.seconds)
    path = args.volume
    if path is None and args.into is not None:
        document = load(args.into)
        path = document.volume if document.volume.exists() else None
    if path is None:
        return wanted, None
    volume = open_volume(path)
    ground = Ground(tuple(level.placement for level in volume.levels), volume.name)
    return with_volume(wanted, ground, subject_of(volume)), path


def _new(args: argparse.Namespace, parts: Parts, volume: Path | None, wanted: Wanted) -> str:
    """The text of a new movie file, which is written where -o says."""
    import os

    from stackreel.files import replacing
    from stackreel.paraview.importing import movie_text
    from stackreel.scene.document import parse

    folder = (args.output or Path("movie.yaml")).absolute().parent
    seen = "brain.h5"
    if volume is not None:
        try:
            seen = Path(os.path.relpath(volume.absolute(), folder)).as_posix()
        except ValueError:  # another drive
            seen = str(volume.absolute())
    text = movie_text(parts, seen, [file.name for file in args.files])
    if wanted.subject is not None:
        parse(text, (args.output or Path("movie.yaml")).name, folder).timeline(wanted.subject)
    if args.output is not None:
        with replacing(args.output) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return text


def _merge(args: argparse.Namespace, parts: Parts, wanted: Wanted) -> tuple[list[str], str]:
    """Adds to a movie file, of which a copy is kept beside it: what changed there, and the copy's name."""
    import itertools

    from stackreel.files import replacing
    from stackreel.paraview.importing import merged
    from stackreel.scene.document import load, parse

    before = args.into.read_bytes()
    document = load(args.into)
    text = before.decode("utf-8-sig")
    look = args.files[0].stem
    after, said = merged(text.replace("\r\n", "\n"), parts, args.into.name, look, scene=args.scene)
    if wanted.subject is not None and len(document.volumes) == 1:
        parse(after, args.into.name, args.into.absolute().parent).timeline(wanted.subject)
    if "\r\n" in text:
        after = after.replace("\n", "\r\n")
    backup = args.into.with_name(f"{args.into.name}.bak")
    for number in itertools.count(1):  # an older copy is never lost
        if not backup.exists() or backup.read_bytes() == before:
            break
        backup = args.into.with_name(f"{args.into.name}.bak.{number}")
    with replacing(backup) as temporary:
        temporary.write_bytes(before)
    with replacing(args.into) as temporary:
        temporary.write_bytes(after.encode("utf-8"))
    return said, backup.name


def _tell(args: argparse.Namespace, parts: Parts, said: list[str], text: str, backup: str) -> None:
    import json
    import shlex
    import sys

    report = parts.report
    target = args.output or args.into
    if args.json:
        left: list[Any] = [
            {"file": one.file, "line": one.line, "what": one.what, "reason": one.reason} for one in report.left
        ]
        data = {"movie": str(target) if target else None, "taken": report.taken, "left": left, "changes": said}
        if target is None:
            data["text"] = text
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    out = sys.stdout if target is not None else sys.stderr
    if target is None:
        print(text, end="")
    print("came over:", file=out)
    for sentence in report.taken:
        print(f"  {sentence}", file=out)
    if report.left:
        print("did not:", file=out)
        for one in report.left:
            print(f"  {one}", file=out)
    if said:
        print(f"{args.into}:", file=out)
        for sentence in said:
            print(f"  {sentence}", file=out)
        print(f"  the file as it was: {backup}", file=out)
    if target is not None:
        print(f"  next: `stackreel frame {shlex.quote(str(target))} -o frame.png` shows it", file=out)
    else:
        print("next: -o movie.yaml writes it, --into movie.yaml adds it to one", file=out)
