"""Options for stacks that are not whole: sections that are missing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackreel.slices.missing import Missing

HOWS = ("fill", "repeat", "interpolate", "refuse")


def add_missing_options(parser: argparse.ArgumentParser) -> None:
    """--missing, --absent and --fill-value."""
    group = parser.add_argument_group("sections that are missing")
    group.add_argument(
        "--missing",
        choices=HOWS,
        help="what stands in for them: an empty section, the nearest one again, something between both neighbours; or "
        "stop and name them (default: gaps in the numbering are closed up)",
    )
    group.add_argument(
        "--absent",
        metavar="N,N-M",
        help="sections that count as missing besides gaps in the numbering, such as 17,45-47, whether their files are "
        "there or not: by the numbers in the files' names; by place from 0 in a stack without such names",
    )
    group.add_argument(
        "--fill-value", type=float, metavar="V", help="of --missing fill (default: --background if given, else 0)"
    )


def missing_of(args: argparse.Namespace, kind: str | None = None) -> Missing | None:
    """What is to become of missing sections; None where nothing was said. kind : of samples, if not what --kind says"""
    from stackreel.errors import SliceError
    from stackreel.slices.missing import WAYS, Missing, parse_ranges

    how, absent, value = (getattr(args, key, None) for key in ("missing", "absent", "fill_value"))
    if how is None:
        for option, given in (("--absent", absent), ("--fill-value", value)):
            if given is not None:
                raise SliceError(f"{option} says nothing of what stands in for missing sections; add {WAYS}")
        return None
    numbers = () if absent is None else parse_ranges(absent)
    if kind not in (None, args.kind):
        return Missing(how, numbers, kind=str(kind))
    return Missing(how, numbers, value, args.kind, args.period, args.background)


def ask_of_absent(said: str, args: argparse.Namespace) -> str:
    """An error about a section that cannot be read, and how to do without it."""
    damaged = any(word in said for word in ("truncated", "damaged", "cannot be read", "breaks off", "does not decode"))
    if getattr(args, "absent", None) is not None or not (damaged and said.startswith("slice ")):
        return said
    return f"{said.rstrip('.')}. If it is lost: --missing interpolate --absent N, its number, does without it"
