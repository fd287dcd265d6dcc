"""`stackreel sheet`: a movie on one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from stackreel.cli.options import add_engine_options, engine_options, note
from stackreel.cli.values import positive

EXAMPLES = """\
examples:
  stackreel sheet flight.yaml -o sheet.png                one row for each shot
  stackreel sheet flight.yaml -o sheet.png --count 24     evenly over the whole movie"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "sheet",
        help="the whole movie on one page: small frames with their times",
        description="Draw a contact sheet of a movie file: a few small frames of every shot, with their times.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("movie", type=Path, help="the movie file, such as flight.yaml")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture to write, such as sheet.png")
    parser.add_argument("--columns", type=positive, default=5, metavar="N", help="frames side by side (default: 5)")
    parser.add_argument(
        "--count",
        type=positive,
        metavar="N",
        help="so many frames evenly over the movie, instead of a row for each shot",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the picture when it stands already")
    add_engine_options(parser)
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    from stackreel.errors import StackreelError
    from stackreel.movie.picture import check_picture, write_picture
    from stackreel.movie.production import produce
    from stackreel.movie.progress import frames_bar
    from stackreel.movie.sheet import cell_size, clock, draw_sheet, rows_by_shot, rows_evenly
    from stackreel.movie.shoot import draw

    if args.columns > 24:
        raise StackreelError(f"--columns {args.columns}: frames would be smaller than a thumbnail; use 24 or fewer")
    check_picture(args.output, overwrite=args.overwrite)
    production = produce(args.movie, **engine_options(args))
    timeline = production.timeline
    columns = min(args.columns, args.count) if args.count else args.columns
    rows = rows_evenly(timeline, columns, args.count) if args.count else rows_by_shot(timeline, columns)
    moments = [(cell.seconds, timeline.at(cell.seconds)) for row in rows for cell in row.cells]
    for text in production.check(moments):
        note(text)
    small = production.at_size(cell_size(columns, timeline.size))
    session = small.engine.open(small.volume, small.output)
    try:
        with frames_bar(len(moments), "rendering") as bar:
            pictures = []
            for _, scene in moments:
                pictures.append(draw(scene, session))
                bar.update()
    finally:
        session.close()
    picture = " × ".join(str(n) for n in timeline.size)
    title = f"{args.movie.name}   {clock(timeline.seconds)}, {timeline.frames} frames, {picture}, {timeline.fps} fps"
    write_picture(args.output, draw_sheet(title, rows, pictures))
    print(
        f"{args.output}: {len(pictures)} frames of {args.movie}, {timeline.seconds:g} s in {len(timeline.shots)} shots"
    )
    print(f"  next: `stackreel frame {args.movie} --at {timeline.seconds / 2:.3g}s -o frame.png` for one moment,")
    print(f"        `stackreel render {args.movie} -o draft.mp4 --draft` for the movie, small")
    return 0
