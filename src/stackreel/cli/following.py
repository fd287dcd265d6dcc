"""Options for sections that are still arriving, and what is said while they are waited for."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli import converting
from stackreel.cli.lacking import missing_of
from stackreel.cli.options import note
from stackreel.cli.values import positive

if TYPE_CHECKING:
    from stackreel.slices.arriving import Arriving, Awaiting, Say
    from stackreel.slices.source import SliceSource

_QUIET = 600.0  # seconds between two lines about the same


def add_follow_options(parser: argparse.ArgumentParser) -> None:
    """--follow, --count, --names, --first, --settle and --marker."""
    group = parser.add_argument_group("sections that are still arriving")
    group.add_argument(
        "--follow",
        action="store_true",
        help="SRC is a folder that fills: take each section in when it is complete, and wait for the others; stop and "
        "start as you like",
    )
    group.add_argument("--count", type=positive, metavar="N", help="how many sections will come")
    group.add_argument(
        "--names", metavar="NAME", help="what they are called, as 'slice_%%04d.raw' (default: as the first ones are)"
    )
    group.add_argument("--first", type=int, metavar="N", help="the number of the first section (default: 0)")
    group.add_argument(
        "--settle",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds for which a file must not have changed to be complete (default: 10)",
    )
    group.add_argument(
        "--marker",
        metavar="END",
        help="a section is complete when a file of its name with this ending is there, as .done; instead of --settle",
    )


def opened(args: argparse.Namespace) -> tuple[SliceSource, Arriving | None]:
    """The stack that SRC names, and the same as one that arrives, with --follow."""
    from stackreel.errors import SliceError

    if not args.follow:
        for option in ("count", "names", "first", "marker"):
            if getattr(args, option) is not None:
                raise SliceError(f"--{option} is about sections that are still arriving; add --follow, or leave it out")
        return converting.open_source(args), None
    from stackreel.slices.following import follow, without_waiting

    if args.count is None:
        raise SliceError("--follow: say how many sections will come with --count N")
    for option in ("channel", "time", "level"):
        if getattr(args, option) is not None:
            raise SliceError(f"--{option}: files that hold several cannot be followed; convert them when all are there")
    tell = _Lines()
    arriving = follow(
        Path(args.source),
        args.count,
        names=args.names,
        first=args.first or 0,
        settle=args.settle,
        marker=args.marker,
        shape=tuple(args.shape) if args.shape else None,
        dtype=args.dtype,
        byte_order=args.byte_order,
        skip_bytes=args.skip_bytes,
        say=tell,
    )
    missing = missing_of(args)
    return (arriving if missing is None else without_waiting(arriving, missing, tell)), arriving


def on_bar(bar: Any, out: Path) -> Say:
    """Says above a bar of progress what is waited for, and behind it how much; and once, how to look at it by now."""
    from stackreel.volume.journal import preview_of
    from stackreel.volume.partial import ENDING

    partial = out.with_name(out.name + ENDING)
    lines = _Lines(lambda text: bar.write(text, file=sys.stderr))
    told = False

    def say(status: Awaiting) -> None:
        nonlocal told
        lines(status)
        if not told and preview_of(partial).exists():
            bar.write(f"what is there by now can be looked at meanwhile: stackreel info {partial}", file=sys.stderr)
            told = True
        bar.set_postfix_str(f"{status.arrived} of {status.count} sections, waiting for {len(status.names)}")

    return say


class _Lines:
    """Says what is waited for, in a line: at once when it is something else, and now and then when it changes."""

    def __init__(self, write: Callable[[str], object] = note) -> None:
        self._write = write
        self._last: Awaiting | None = None
        self._when = 0.0

    def __call__(self, status: Awaiting) -> None:
        last = self._last
        new = last is None or (last.since, last.troubles) != (status.since, status.troubles)
        if new or (str(status) != str(last) and time.monotonic() - self._when > _QUIET):
            self._write(str(status))
            self._last, self._when = status, time.monotonic()
