"""`stackreel frame`: one moment of a movie as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from stackreel.cli.options import (
    add_engine_options,
    add_error_option,
    add_picture_options,
    add_transparent_option,
    engine_options,
    note,
    picture_options,
)
from stackreel.cli.values import seconds

EXAMPLES = """\
examples:
  stackreel frame flight.yaml --at 3.2s -o frame.png
  stackreel frame flight.yaml --at 1:03.5 -o poster.png --size 3840 2160 --samples 9
  stackreel frame flight.yaml --at 10s -o brain.png --transparent      to lay over a slide"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "frame",
        help="one moment of the movie as a picture",
        description="Render one moment of a movie file as a PNG picture: exactly what the movie shows then.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("movie", type=Path, help="the movie file, such as flight.yaml")
    parser.add_argument(
        "--at", type=seconds, default=0.0, metavar="TIME", help="when: 3.2s, 3.2 or 1:03.5 (default: the beginning)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture to write, such as frame.png")
    parser.add_argument("--overwrite", action="store_true", help="replace the picture when it stands already")
    add_error_option(parser)
    add_transparent_option(parser)
    add_picture_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    import time

    from stackreel.frames.overlay import draw_titles
    from stackreel.movie.picture import check_picture, write_picture
    from stackreel.movie.production import produce
    from stackreel.movie.shoot import developed

    check_picture(args.output, overwrite=args.overwrite)
    production = produce(
        args.movie,
        on_error=args.on_error,
        transparent=args.transparent,
        **picture_options(args),
        **engine_options(args),
    )
    scene = production.timeline.at(args.at)
    for text in production.check([(args.at, scene)]):
        note(text)
    begun = time.perf_counter()
    session = production.engine.open(production.volume, production.output)
    try:
        frame = session.render(scene)
    finally:
        session.close()
    write_picture(args.output, draw_titles(developed(frame, scene, production.output.transparent), scene.titles))
    for hole in frame.holes:
        note(f"{hole} cannot be read: nothing is drawn there")
    width, height = production.output.size
    print(f"{args.output}: {args.movie} at {args.at:g} s, {width} × {height}, {time.perf_counter() - begun:.2g} s")
    print(f"  next: `stackreel sheet {args.movie} -o sheet.png` shows the whole movie on a page")
    return 0
