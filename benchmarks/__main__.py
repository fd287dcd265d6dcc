"""`python -m benchmarks`: measure, print a table, keep the figures in bench-out/; or show kept figures again."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks import conversion, detail, flight, frames, gpu, memory, origin, start
from benchmarks.machine import describe, load
from benchmarks.measure import RunError, say
from benchmarks.report import markdown, speed
from benchmarks.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
HIDDEN = ("--work", "--out", "--note")
FULL, SMALL, LARGE = (234, 1795, 1942), (120, 640, 720), (234, 3590, 3884)


def main() -> int:
    if sys.argv[1:2] == ["flight"]:
        return flight.main(sys.argv[2:])
    if sys.argv[1:2] == ["origin"]:
        return origin.main(sys.argv[2:])
    args = arguments()
    try:
        if args.table or args.refresh:
            result = json.loads((args.table or args.refresh).read_text())
            if args.table:
                print(markdown(result), end="")
            else:
                refresh(result)
            return 0
        result = measure(args)
    except (RunError, OSError, json.JSONDecodeError) as error:
        say(f"benchmarks: {error}")
        return 1
    except KeyboardInterrupt:
        say("benchmarks: stopped; parts that were done are kept")
        return 130
    print(markdown(result), end="")
    path = kept_in(args.out, result)
    say(f"kept in {path}; into the documentation with: python -m benchmarks --refresh {path}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("convert", "frames", "detail", "start", "origin-small", "all", "gpu"),
        default="all",
        help="(default: all, which is all but gpu; that one needs a graphics card)",
    )
    parser.add_argument("--quick", action="store_true", help="a small stack, one round, small frames: does it run?")
    parser.add_argument("--large", action="store_true", help="convert 3.26 GB instead of 816 MB; 13 GB of disk")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of every conversion (default: 5)")
    parser.add_argument("--frame-rounds", type=int, default=1, metavar="N", help="of every renderer (default: 1)")
    parser.add_argument("--vtk", action="store_true", help="frames by VTK's own mappers, too; takes minutes more")
    parser.add_argument("--shaded", action="store_true", help="shaded frames, too, for information")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "bench-out" / "work", metavar="DIR", help="4 GB for stack and outputs"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out", metavar="DIR", help="where figures are kept")
    parser.add_argument("--note", metavar="TEXT", help="kept and shown with the figures, such as what else ran")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--table", type=Path, metavar="FILE.json", help="print kept figures as Markdown and end")
    shown.add_argument("--refresh", type=Path, metavar="FILE.json", help="put kept figures into docs and README")
    args = parser.parse_args()
    if args.rounds < 1 or args.frame_rounds < 1:
        parser.error("a round less than one measures nothing")
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Everything asked for, in the form in which it is kept."""
    stack = Stack(args.work.resolve(), SMALL if args.quick else LARGE if args.large else FULL)
    size = (960, 540) if args.quick else (1920, 1080)
    rounds = 1 if args.quick else args.rounds
    if args.what == "gpu":
        gpu.require_card()
    stack.check_space()
    stack.prepare()
    before = load()
    found: dict[str, Any] = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks", *_told(sys.argv[1:])]),
        "quick": args.quick,
        "note": args.note,
        "machine": describe(),
    }
    found["load"] = (before, before)
    if args.what in ("convert", "all"):
        found["conversion"] = conversion.measure(stack, rounds)
        keep(args.out, found)
    if args.what in ("frames", "all"):
        volume = stack.volume()
        turns = 1 if args.quick else args.frame_rounds
        found["frames"] = frames.measure(volume, stack.work, size, turns, vtk=args.vtk, shaded=args.shaded)
        keep(args.out, found)
        found["memory"] = memory.measure(volume, stack.work, size)
        keep(args.out, found)
    if args.what in ("detail", "all"):
        found["detail"] = detail.measure(stack.volume(), stack.work, size)
        keep(args.out, found)
    if args.what in ("start", "all"):
        found["start"] = start.measure(stack.volume(), stack.work)
    if args.what == "origin-small" or (args.what == "all" and not args.quick):
        trial = origin.Trial(origin.SMALL, stack.work / "origin-small")
        found["origin"] = trial.measure()
    if args.what == "gpu":
        found["gpu"] = gpu.measure(stack.volume(), stack.work, size if args.quick else (3840, 2160), rounds)
    found["load"] = (before, load())
    keep(args.out, found)
    return found


def kept_in(folder: Path, result: dict[str, Any]) -> Path:
    return folder / datetime.datetime.fromisoformat(result["date"]).strftime("%Y-%m-%d-%H%M%S.json")


def keep(folder: Path, result: dict[str, Any]) -> None:
    """Write what is known so far, so that a later part that fails takes nothing along."""
    folder.mkdir(parents=True, exist_ok=True)
    path = kept_in(folder, result)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(temporary, path)


def _told(given: list[str]) -> list[str]:
    """The command line without this machine's folders, and without the note."""
    kept, skip = [], False
    for word in given:
        name = word.split("=")[0]
        if not skip and name not in HIDDEN:
            kept.append(word)
        skip = not skip and word in HIDDEN
    return kept


def refresh(result: dict[str, Any]) -> None:
    """Put the figures between the marks in docs/benchmarks.md and README.md."""
    for path, mark, text in (
        (ROOT / "docs" / "benchmarks.md", "bench", markdown(result)),
        (ROOT / "README.md", "speed", speed(result)),
    ):
        old = path.read_text()
        marks = re.compile(rf"(<!-- {mark}: begin[^\n]*-->\n).*?(<!-- {mark}: end -->)", re.DOTALL)
        found = marks.search(old)
        if found is None:
            raise RunError(f"{path}: needs one pair of lines <!-- {mark}: begin --> and <!-- {mark}: end -->")
        new = old[: found.end(1)] + text.strip() + "\n" + old[found.start(2) :]
        temporary = path.with_name(f".{path.name}.part")
        temporary.write_text(new)
        os.replace(temporary, path)
        say(f"{path}: figures of {result['date']}")


if __name__ == "__main__":
    sys.exit(main())
