"""`stackreel paraview`: what was found in ParaView comes in, and what is made here goes out to it."""

from __future__ import annotations

import argparse
import importlib

# modules of this folder, in the order of the help
VERBS: tuple[str, ...] = ("importing", "opening", "preset", "exporting")

DESCRIPTION = """\
What was found in ParaView becomes part of a movie file, and a movie or a volume goes to ParaView."""

EXAMPLES = """\
for example:
  stackreel paraview open brain.h5 --install            brain.h5 in ParaView's window, with one click
  stackreel paraview preset "flight.yaml#fibres" -o fibres.json
  stackreel paraview <verb> --help                      tells more of each"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "paraview",
        help="take cameras, colours and cuts over from ParaView; make scripts and macros for it",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    below = parser.add_subparsers(dest="paraview_verb", metavar="<verb>", required=True)
    for verb in VERBS:
        importlib.import_module(f"stackreel.cli.paraview.{verb}").add(below)
