"""`stackreel new`: a volume gets a first movie file, tuned to its values."""

from __future__ import annotations

import argparse
from pathlib import Path

from stackreel.cli.values import positive

DESCRIPTION = """\
Write a movie file to start from: ten seconds that turn around the volume, cut it open and dive to the cut face.
Colours and opacities are picked from the volume's histogram; comments say what can be changed."""

EXAMPLES = """\
examples:
  stackreel new brain.h5                          writes movie.yaml
  stackreel new brain.h5 -o flight.yaml --title "Mouse brain, light sheet" """


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "new",
        help="write a movie file to start from, tuned to the volume",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("volume", type=Path, help="the volume, such as brain.h5")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("movie.yaml"), help="the movie file to write (default: movie.yaml)"
    )
    parser.add_argument("--title", help="words on the picture (default: the volume's name)")
    parser.add_argument(
        "--size", nargs=2, type=positive, metavar=("W", "H"), default=(1280, 720), help="width and height in pixels"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the movie file when it stands already")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import os

    from stackreel.cli.options import note
    from stackreel.files import check_writable, replacing
    from stackreel.movie.subject import nothing_to_see, subject_of
    from stackreel.scene.document import parse
    from stackreel.scene.starter import starter
    from stackreel.volume import open_volume

    check_writable(args.output, overwrite=args.overwrite)
    volume = open_volume(args.volume)
    subject = subject_of(volume)
    if empty := nothing_to_see(volume):
        note(empty)
    folder = args.output.absolute().parent
    try:
        seen = Path(os.path.relpath(args.volume.absolute(), folder)).as_posix()
    except ValueError:  # another drive
        seen = str(args.volume.absolute())
    text = starter(subject, seen, args.title or volume.name.replace("_", " "), (args.size[0], args.size[1]))
    timeline = parse(text, args.output.name, folder).timeline(subject)
    with replacing(args.output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    shots = ", ".join(f"{shot.name} {shot.seconds:g} s" for shot in timeline.shots)
    print(f"{args.output}: {timeline.seconds:g} s, {timeline.frames} frames: {shots}")
    print(f"  next: `stackreel sheet {args.output} -o sheet.png` shows it on a page; edit the file and look again")
    return 0
