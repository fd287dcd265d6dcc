"""`stackreel paraview`: what was found in ParaView comes in, and what is made here goes out to it."""

from __future__ import annotations

import argparse
import importlib

VERBS: tuple[str, ...] = ()  # modules of this folder, in the order of the help

DESCRIPTION = """\
What was found in ParaView becomes part of a movie file, and a movie or a volume goes to ParaView."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "paraview",
        help="take cameras, colours and cuts over from ParaView; make scripts and macros for it",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    below = parser.add_subparsers(dest="paraview_verb", metavar="<verb>", required=True)
    for verb in VERBS:
        importlib.import_module(f"stackreel.cli.paraview.{verb}").add(below)
