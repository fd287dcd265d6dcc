"""`stackreel render`: a movie file becomes a movie."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stackreel.cli.options import (
    add_engine_options,
    add_error_option,
    add_picture_options,
    add_transparent_option,
    engine_options,
    note,
    picture_options,
)
from stackreel.cli.values import frame_range, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackreel.movie.production import Production
    from stackreel.movie.reel import Reel
    from stackreel.movie.shoot import Report, Take

DESCRIPTION = """\
Render a movie file to a movie.

Every finished frame is kept beside the movie, in a folder ending in .reel, under what is on it. So a run
that was stopped goes on where it was when the same command is given again, and after an edit of the movie
file only the frames that the edit changed are rendered. The folder may be deleted once the movie is done."""

EXAMPLES = """\
examples:
  stackreel render flight.yaml -o draft.mp4 --draft              a look: a quarter of the size
  stackreel render flight.yaml -o flight.mp4                     the movie
  stackreel render flight.yaml -o flight.mp4 --overwrite         again, after an edit
  stackreel render flight.yaml -o frames/%04d.png --frames 100:200   pictures for an editing program"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "render",
        help="render the movie; goes on where it stopped, renders only what an edit changed",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("movie", type=Path, help="the movie file, such as flight.yaml")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="what to write; the ending decides: .mp4, .webm, .mov, .mkv, .gif, or pictures such as frames/%%04d.png",
    )
    parser.add_argument(
        "--frames", type=frame_range, default=slice(None), metavar="A:B", help="only frames A to B-1, counted from 0"
    )
    parser.add_argument("--fps", type=positive, metavar="N", help="frames per second, instead of the movie file's")
    parser.add_argument("--overwrite", action="store_true", help="replace the output, once the new one is complete")
    add_error_option(parser)
    add_transparent_option(parser)
    add_picture_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    from stackreel.files import sweep, true_path
    from stackreel.movie.encode import check_output
    from stackreel.movie.production import produce
    from stackreel.movie.reel import Reel
    from stackreel.movie.shoot import check_room, hole_notes, shoot, takes

    production = produce(
        args.movie,
        fps=args.fps,
        on_error=args.on_error,
        transparent=args.transparent,
        **picture_options(args),
        **engine_options(args),
    )
    timeline, output = production.timeline, production.output
    frames = _chosen(args.frames, timeline.frames, timeline.seconds)
    advice = check_output(args.output, output.size, frames, overwrite=args.overwrite, transparent=output.transparent)
    movie = takes(
        timeline, frames, data=production.volume.fingerprint, engine=production.engine_identity, output=output
    )
    notes = production.check((timeline.time_of(take.number), take.scene) for take in movie)
    reel = Reel.beside(args.output)
    reel.check()
    absent = {take.key for take in movie if not reel.path(take.key).exists()}
    room = check_room(len(absent), output.size, args.output.absolute().parent)
    for text in filter(None, [*notes, advice, room]):
        note(text)
    sweep(true_path(args.output).parent)
    session = production.engine.open(production.volume, output)
    try:
        report = shoot(movie, session, reel, output.size, transparent=output.transparent)
    finally:
        session.close()
    _develop(movie, [report.picture(take, reel) for take in movie], reel, args.output, frames, production)
    for text in hole_notes(movie, report.holes):
        note(text)
    _tell(args, production, movie, reel, report)
    return 0


def _chosen(wanted: slice, count: int, seconds: float) -> range:
    from stackreel.errors import StackreelError

    frames = range(*wanted.indices(count))
    if not frames or (wanted.stop or 0) > count:
        asked = f"{'' if wanted.start is None else wanted.start}:{'' if wanted.stop is None else wanted.stop}"
        raise StackreelError(
            f"--frames {asked}: the movie has frames 0 to {count - 1} ({seconds:g} s); choose 0:{count} or less"
        )
    return frames


def _develop(
    movie: Sequence[Take],
    pictures: Sequence[Path],
    reel: Reel,
    path: Path,
    frames: range,
    production: Production,
) -> None:
    """Frames from the reel to the movie file, with progress."""
    from stackreel.movie.encode import encode
    from stackreel.movie.progress import frames_bar
    from stackreel.movie.shoot import Stopped

    try:
        with frames_bar(len(pictures), "writing") as bar:
            encode(pictures, path, production.timeline.fps, numbers=frames, step=bar.update)
    except KeyboardInterrupt as stop:
        raise Stopped(
            f"stopped while writing {path}; all {len(movie)} frames are kept in {reel.folder}, "
            "and the same command goes on from there"
        ) from stop


def _tell(args: argparse.Namespace, production: Production, movie: Sequence[Take], reel: Reel, report: Report) -> None:
    """What came of it, and what to do next."""
    from stackreel.files import format_bytes

    size, fps = " × ".join(str(n) for n in production.output.size), production.timeline.fps
    if args.output.suffix.lower() == ".png":
        what, weight = f"{args.output.with_name(args.output.name % movie[0].number)} and on", ""
    else:
        what, weight = str(args.output), f", {format_bytes(args.output.stat().st_size)}"
    print(f"{what}: {len(movie) / fps:.4g} s, {len(movie)} frames of {size} at {fps} per second{weight}")
    each = f" ({report.seconds / report.rendered:.2g} s each)" if report.rendered else ""
    print(
        f"  {report.rendered} frames rendered{each}, {report.reused} reused; "
        f"kept in {reel.folder} ({format_bytes(reel.size_bytes())}), which may be deleted"
    )
    if args.draft:
        full = " × ".join(str(n) for n in production.timeline.size)
        print(f"  next: the same without --draft, into another file, for the full size: {full}")
    else:
        print(f"  next: after an edit of {args.movie}, the same with --overwrite renders only what changed")
