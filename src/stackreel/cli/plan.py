"""`stackreel plan`: what rendering a movie will read, hold and take, before it begins."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli.options import add_engine_options, add_picture_options, engine_options, note, picture_options
from stackreel.cli.values import frame_range, positive

if TYPE_CHECKING:
    from stackreel.movie.survey import ShotSurvey, Survey, Trial

DESCRIPTION = """\
Say what rendering a movie file will need, before a night is spent on it: how much is read, whether the memory
suffices, which resolution each shot shows, about how long it takes here, and where the camera comes nearer than
the data are fine. Nothing is rendered, apart from two frames drawn small to measure this machine."""

EXAMPLES = """\
examples:
  stackreel plan flight.yaml                           the movie as `stackreel render flight.yaml` would render it
  stackreel plan flight.yaml --memory 4G               is that enough?
  stackreel plan flight.yaml --size 3840 2160 --json   for a script"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "plan",
        help="what rendering the movie will read, hold and take",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("movie", type=Path, help="the movie file, such as flight.yaml")
    parser.add_argument(
        "--frames", type=frame_range, default=slice(None), metavar="A:B", help="only frames A to B-1, counted from 0"
    )
    parser.add_argument("--fps", type=positive, metavar="N", help="frames per second, instead of the movie file's")
    parser.add_argument("--json", action="store_true", help="the figures as JSON; bytes and seconds")
    add_picture_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=run, compiles=True)


def run(args: argparse.Namespace) -> int:
    import json
    import os
    from dataclasses import asdict

    from stackreel.cli.render import _chosen
    from stackreel.errors import StackreelError
    from stackreel.movie.production import produce
    from stackreel.movie.survey import survey, try_out

    if args.engine != "native":
        raise StackreelError(f"what {args.engine} will need is not known; plan tells it of --engine native")
    production = produce(args.movie, fps=args.fps, **picture_options(args), **engine_options(args))
    timeline = production.timeline
    frames = _chosen(args.frames, timeline.frames, timeline.seconds)
    notes = production.check((timeline.time_of(k), timeline.at(timeline.time_of(k))) for k in frames)
    found, forecast, pictures = survey(production, frames)
    trial = try_out(production, forecast, pictures)
    threads = args.threads or os.cpu_count() or 1
    seconds = trial.seconds(found, threads)
    if args.json:
        said: dict[str, Any] = asdict(found) | {"trial": asdict(trial), "threads": threads, "seconds": seconds}
        print(json.dumps(said, indent=1))
        return 0
    for text in notes:
        note(text)
    width, height = production.output.size
    print(f"{args.movie}: {found.frames} frames of {width} × {height}, {found.pictures} to be rendered")
    for line in (*_reading(found), *_memory(found), *_time(found, trial, seconds, threads)):
        print(f"  {line}")
    print()
    print(_table(found.shots))
    for line in _beyond(found.shots, production.output.detail):
        print(line)
    print(f"next: stackreel render {args.movie} -o {args.movie.with_suffix('.mp4')}")
    return 0


def _reading(found: Survey) -> list[str]:
    from stackreel.files import format_bytes

    lines = [f"reads {format_bytes(found.stored)} from the file, {format_bytes(found.decoded)} when decoded"]
    again = found.decoded - found.unique_decoded
    if again > 0.02 * found.unique_decoded:
        lines.append(
            f"      of that {format_bytes(again)} again, for want of memory: "
            f"{found.decoded / found.unique_decoded:.1f} × what the movie shows; more --memory reads less"
        )
    return lines


def _memory(found: Survey) -> list[str]:
    from stackreel.files import format_bytes

    held = f"holds up to {format_bytes(found.most_bricks)} of bricks in a frame"
    if found.most_bricks > found.brick_memory:
        held += (
            f", but there is room for {format_bytes(found.brick_memory)}: frames are drawn in up to "
            f"{found.most_passes} passes, which costs time and changes no picture"
        )
    return [f"{held}; {found.bricks:,} different bricks in all"]


def _time(found: Survey, trial: Trial, seconds: float, threads: int) -> list[str]:
    rate = trial.chunk_bytes / max(trial.chunk_seconds, 1e-9) / 1e6
    return [
        f"takes about {_clock(seconds)} here, with {threads} thread{'s' if threads > 1 else ''}",
        f"      measured: {trial.chunks} chunks read and decoded at {rate:.0f} MB/s; {trial.frames} frames drawn "
        f"small, {trial.frame_seconds:.2g} s each at full size",
    ]


def _table(shots: tuple[ShotSurvey, ...]) -> str:
    from stackreel.files import format_bytes

    head = ("shot", "seconds", "levels", "bricks", "passes")
    rows = [
        (s.name, f"{s.seconds[0]:g} – {s.seconds[1]:g}", ", ".join(map(str, s.levels)) or "nothing in view",
         format_bytes(s.bricks), str(s.passes))
        for s in shots
    ]  # fmt: skip
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )


def _beyond(shots: tuple[ShotSurvey, ...], detail: float) -> list[str]:
    """A sentence for every shot that comes nearer than the data are fine."""
    return [
        f'shot "{s.name}", {s.beyond[0]:g} to {s.beyond[1]:g} s: nearer than the data are fine; a voxel of the full '
        f"resolution covers up to {s.beyond[2]:.1f} pixels, {s.beyond[2] / detail:.1f} × the {detail:g} aimed at"
        for s in shots
        if s.beyond is not None
    ]


def _clock(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
