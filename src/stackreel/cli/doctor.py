"""`stackreel doctor`: what this machine can do, and whether ParaView would really show a file."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackreel.cli.machine import Line
from stackreel.cli.values import byte_count

if TYPE_CHECKING:
    from stackreel.paraview.finding import Installation
    from stackreel.paraview.showing import Shown
    from stackreel.paraview.ways import Looked, Remark
    from stackreel.volume import Volume

DESCRIPTION = """\
Without a file: what this machine has that stackreel uses, what is missing and what that would be good for.

With a file: opens it here and in every ParaView that is found, with each of its readers, and compares what
comes with what is in the file. A reader that shows zeros where the brain is says nothing; this does.

The exit code is 0, or 1 when something is broken that stackreel cannot do without, or when the file
is shown in no way."""

EXAMPLES = """\
examples:
  stackreel doctor                                   what this machine can do
  stackreel doctor brain.h5                          will ParaView show it?
  stackreel doctor scan.xmf --paraview 5.13          of several ParaViews, in this one only
  stackreel doctor --json | jq '.machine[] | select(.state != "ok")'"""

_WIDEST = 100
_MARKS = {"ok": "ok", "note": "note", "missing": "none", "bad": "BAD"}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="what this machine can do, and whether ParaView really shows a file",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="a volume (HDF5, OME-Zarr), or XDMF or VTKHDF of any program"
    )
    parser.add_argument("--json", action="store_true", help="for programs: the same, as JSON")
    parser.add_argument(
        "--paraview", metavar="WHICH", help="a version such as 5.13, or a folder (default: all that are found)"
    )
    parser.add_argument(
        "--memory",
        type=byte_count,
        metavar="SIZE",
        help="what opening the file may take, such as 20G (default: 60 %% of what is free, and 4G at most)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return _file(args) if args.file is not None else _machine(args)


def _machine(args: argparse.Namespace) -> int:
    from stackreel.cli import fittings, machine

    sections = {
        "machine": list(machine.system()),
        "movies": list(fittings.drawing()),
        "files": list(fittings.reading()),
        "paraview": [*_paraviews(args.paraview), *fittings.around_paraview()],
    }
    bad = [line for lines in sections.values() for line in lines if line.state == "bad"]
    if args.json:
        _print_json({name: [_plain(line) for line in lines] for name, lines in sections.items()})
        return 1 if bad else 0
    titles = {"machine": "This machine", "movies": "Movies", "files": "Files of others", "paraview": "ParaView"}
    for name, lines in sections.items():
        print(titles[name])
        _print_lines(lines)
    if bad:
        print(f"broken: {', '.join(line.name for line in bad)}; what stands after → mends it")
    else:
        print("all that stackreel needs is here; `stackreel doctor FILE` tells whether ParaView shows a file")
    return 1 if bad else 0


def _paraviews(wanted: str | None) -> list[Line]:
    """A line for each ParaView; one that says where to get it when there is none."""
    from stackreel.errors import StackreelError
    from stackreel.paraview.finding import display, find_paraview

    try:
        found = find_paraview(wanted)
    except StackreelError as error:
        return [Line("note", "ParaView", *_halves(str(error)))]
    if not found:
        out = "to look around in volumes: apt install paraview, or paraview.org; STACKREEL_PARAVIEW=FOLDER if elsewhere"
        return [Line("missing", "ParaView", "none on the PATH or in the usual places", out)]
    can_draw = bool(display().server or display().xvfb_run)
    return [_paraview_line(one, can_draw) for one in found]


def _paraview_line(one: Installation, can_draw: bool) -> Line:
    from stackreel.errors import StackreelError
    from stackreel.paraview.trying import ask

    value: dict[str, Any] = {"version": one.version_text, "folder": str(one.folder), "found_by": one.found_by}
    name = f"ParaView {one.version_text}"
    if one.pvpython is None and one.pvbatch is None:
        out = "for scripts, `stackreel render --engine paraview` and this check: apt install python3-paraview"
        return Line("note", name, f"{one.folder}, without pvpython", out, value)
    try:
        has = ask(one)
    except StackreelError as error:
        return Line("note", name, str(error), "try it by hand, or install it anew", value)
    value |= {
        "readers": list(has.readers),
        "windows": list(has.windows),
        "mpi": has.mpi,
        "hdf5": has.hdf5 or None,
        "python": has.python,
    }
    mpi = "MPI" if has.mpi else "no MPI"
    inner = f"HDF5 {has.hdf5}, " if has.hdf5 else ""
    draws = f"draws with {' or '.join(has.windows)}" if has.windows else "draws nothing"
    text = f"{one.folder}: reads {', '.join(has.readers)}; {draws}; {inner}{mpi}, Python {has.python}"
    if has.windows == ("X",) and not can_draw:
        return Line(
            "note", name, text, "opens files, but draws no pictures here: it needs a display (see below)", value
        )
    return Line("ok", name, text, value=value)


def _file(args: argparse.Namespace) -> int:
    import tempfile

    from stackreel.cli.machine import memory
    from stackreel.paraview.finding import find_paraview
    from stackreel.paraview.showing import show
    from stackreel.paraview.ways import look

    with tempfile.TemporaryDirectory(prefix="stackreel-") as scratch:
        looked = look(args.file, Path(scratch))
        found = [one for one in find_paraview(args.paraview) if one.pvpython or one.pvbatch]
        room = memory().free
        shown = [(one, show(one, looked.ways, looked.volume, room=room, asked=args.memory)) for one in found]
    fails = any(remark.state == "bad" for remark in looked.remarks)
    tried = [one for _, every in shown for one in every]
    works = any(one.verdict in ("right", "opens", "untried") and one.chosen for one in tried)
    code = 0 if works or (not tried and not fails) else 1
    if args.json:
        _print_json(_facts(looked, shown, works if tried else None))
        return code
    _print_file(looked, shown)
    return code


def _print_file(looked: Looked, shown: Sequence[tuple[Installation, Sequence[Shown]]]) -> None:
    print(f"{looked.path}: {looked.title}")
    _print_lines([Line(remark.state, remark.who, remark.text, remark.way_out) for remark in looked.remarks])
    for one, every in shown:
        if not every:
            continue
        print(f"ParaView {one.version_text} ({one.folder})")
        _print_lines([_shown_line(way) for way in every], end=not any(_by_hand(way) for way in every))
        if any(_by_hand(way) for way in every):
            print("  * not the reader that File > Open takes\n")
    print(_conclusion(looked, shown))


def _shown_line(one: Shown) -> Line:
    way = one.way
    name = "as XDMF" if way.made and way.reader != "VTKHDF" else way.file.name
    label = f"{name} ({way.label})" if way.made else name
    return Line(one.state, f"{label}, {way.reader}{'' if one.chosen else ' *'}", one.text, one.way_out)


def _by_hand(one: Shown) -> bool:
    return not one.chosen


def _conclusion(looked: Looked, shown: Sequence[tuple[Installation, Sequence[Shown]]]) -> str:
    """What to do next."""
    if not shown:
        return "no ParaView is here to try it; STACKREEL_PARAVIEW=FOLDER names one elsewhere"
    tried = [one for _, every in shown for one in every]
    if not tried:
        return "there is nothing that ParaView could open" if not _ready(looked) else "all is well here"
    good = [one for one in tried if one.verdict == "right" and one.chosen]
    doors = [one for one in good if not one.way.made]
    if doors:
        best = next((one for one in reversed(doors) if one.way.reader == "Xdmf2"), doors[-1])
        less = "not everything is shown; " if any(one.state == "bad" for one in tried) else ""
        return f"{less}next: in ParaView, File > Open > {_best(best, doors, looked.volume)}, Apply"
    if good and looked.volume is not None:
        return f"ParaView shows it; first write what it opens: stackreel xdmf {looked.path}"
    if good:
        return "ParaView can show what is in it, once there is an XDMF file for it; see above"
    if any(one.verdict == "opens" for one in tried):
        return "ParaView opens it; compare it with what you know of it"
    if all(one.verdict == "untried" for one in tried):
        return "too large to be tried here"
    return "ParaView does not show this file as it is; what stands after → says what to do"


def _best(best: Shown, doors: Sequence[Shown], volume: Volume | None) -> Path:
    """The door to a level that leaves room on a small machine, where that is a volume of ours."""
    if volume is None or best.way.file.stem != volume.path.stem:
        return best.way.file
    from stackreel.paraview.xdmf import level_grids, recommended_level, xdmf_paths

    path = xdmf_paths(volume)[recommended_level(level_grids(volume))]
    return path if path.is_file() and best.way.memory else best.way.file


def _ready(looked: Looked) -> bool:
    return not any(remark.state == "bad" for remark in looked.remarks)


def _print_lines(lines: Sequence[Line], *, end: bool = True) -> None:
    """Aligned in columns, what to do below what it is about; the same advice is given once. end : with an empty line"""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    names = min(max((len(line.name) for line in lines), default=0), 34)
    told: set[str] = set()
    for line in lines:
        head = f"  {_MARKS[line.state]:<4}  {line.name:<{names}}  "
        indent = " " * (8 + names + 2)
        print("\n".join(textwrap.wrap(line.text, width, initial_indent=head, subsequent_indent=indent)))
        if line.way_out and line.way_out not in told:
            told.add(line.way_out)
            more = textwrap.wrap(
                line.way_out, width, initial_indent=f"{indent}→ ", subsequent_indent=f"{indent}  ",
                break_on_hyphens=False, break_long_words=False,
            )  # fmt: skip
            print("\n".join(more))
    if lines and end:
        print()


def _facts(looked: Looked, shown: Iterable[tuple[Installation, Sequence[Shown]]], works: bool | None) -> dict[str, Any]:
    """What was found of a file, for programs."""
    return {
        "path": str(looked.path),
        "title": looked.title,
        "shows": works,
        "remarks": [_remark(remark) for remark in looked.remarks],
        "paraview": [
            {
                "version": one.version_text,
                "folder": str(one.folder),
                "ways": [
                    {
                        "state": way.state,
                        "verdict": way.verdict,
                        "file": None if way.way.made else str(way.way.file),
                        "what": way.way.label,
                        "reader": way.way.reader,
                        "chosen_by_paraview": way.chosen,
                        "text": way.text,
                        "way_out": way.way_out or None,
                        "compared": way.compared,
                        "differ": way.differ,
                        "memory": way.way.memory,
                        "seconds": round(way.seconds, 3),
                    }
                    for way in every
                ],
            }
            for one, every in shown
        ],
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {"state": remark.state, "who": remark.who, "text": remark.text, "way_out": remark.way_out or None}


def _plain(line: Line) -> dict[str, Any]:
    told = {"state": line.state, "name": line.name, "text": line.text, "way_out": line.way_out or None}
    return told if line.value is None else {**told, "value": line.value}


def _halves(text: str) -> tuple[str, str]:
    """What is wrong, and the way out, of an error's message."""
    words, _, out = text.partition("; ")
    return words, out


def _print_json(facts: Any) -> None:
    import json

    print(json.dumps(facts, indent=2, ensure_ascii=False))
