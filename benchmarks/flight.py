"""A flight with a cache of a quarter of what it sees: `python -m benchmarks flight [--quick] [--shape Z Y X]`.

Draws 250 frames of one flight over a synthetic brain three times: with ample memory, with a quarter of the flight's
data knowing what comes, and with the same quarter giving up what was unused longest. Printed as Markdown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, load
from benchmarks.measure import RunError, run, say
from benchmarks.stack import Stack

SCRIPT = "benchmarks.runs.flight_frames"
FULL, SMALL = (590, 4500, 4880), (290, 2200, 2400)


def main(words: list[str]) -> int:
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(prog="python -m benchmarks flight", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1.5 GB of sections and small pictures")
    parser.add_argument("--shape", nargs=3, type=int, metavar=("Z", "Y", "X"), help="of the sections (default: 13 GB)")
    parser.add_argument("--size", nargs=2, type=int, metavar=("W", "H"), help="of the pictures (default: 960 540)")
    parser.add_argument("--frames", type=int, default=250, metavar="N", help="of the flight (default: 250)")
    parser.add_argument("--work", type=Path, default=root / "bench-out" / "work", metavar="DIR", help="for the volume")
    parser.add_argument("--volume", type=Path, metavar="FILE.h5", help="fly over this one instead of making one")
    args = parser.parse_args(words)
    shape = tuple(args.shape or (SMALL if args.quick else FULL))
    size = tuple(args.size or ((384, 216) if args.quick else (960, 540)))
    try:
        volume = args.volume or make(Stack(args.work.resolve(), shape))
        print(table(measure(volume, size, args.frames, args.work), volume, shape, words), end="")
    except RunError as error:
        say(f"benchmarks: {error}")
        return 1
    return 0


def make(stack: Stack) -> Path:
    """The volume; the sections are removed when it stands."""
    stack.check_space()
    volume = stack.work / f"volume-{'x'.join(map(str, stack.shape))}" / "stack.h5"
    if not volume.exists():
        stack.prepare()
        stack.volume()
        shutil.rmtree(stack.folder)
    return volume


def measure(volume: Path, size: tuple[int, ...], frames: int, work: Path) -> dict[str, Any]:
    work.mkdir(parents=True, exist_ok=True)
    out = work / "flight.json"

    def once(*flags: str) -> dict[str, Any]:
        told = ["--size", *map(str, size), "--frames", str(frames), *flags]
        done = run([sys.executable, "-m", SCRIPT, str(volume), str(out), *told])
        result: dict[str, Any] = json.loads(out.read_text())
        return result | {"peak": done.peak}

    say("a few frames, not measured: Numba compiles once")
    run([sys.executable, "-m", SCRIPT, str(volume), str(out), "--size", *map(str, size), "--frames", "6"])
    say("what the flight needs, worked out without drawing it")
    before = load()
    found: dict[str, Any] = {"size": size, "frames": frames, "unique": once("--forecast")}
    memory = str(found["unique"]["decoded"] // 4)
    quarter = ("--memory", memory)
    found["memory"] = int(memory)
    found["bricks alone"] = once("--forecast", "--no-foresight", "--bricks-alone", *quarter)
    found["foretold"] = once("--forecast", *quarter)
    for name, flags in {
        "ample memory": (),
        "a quarter, knowing what comes": quarter,
        "a quarter, longest unused gives way": (*quarter, "--no-foresight"),
    }.items():
        say(name)
        found[name] = once(*(flags or ("--memory", str(5 * found["unique"]["decoded"] // 2))))
    found["load"] = (before, load())
    return found


def table(found: dict[str, Any], volume: Path, shape: tuple[int, ...], words: list[str]) -> str:
    unique, ample = found["unique"], found["ample memory"]
    rows = [
        f"A flight of {found['frames']} frames at {found['size'][0]} × {found['size'][1]}, unshaded, over "
        f"{shape[0]} sections of {shape[1]} × {shape[2]} ({_gb(shape[0] * shape[1] * shape[2])} of samples, "
        f"{_gb(volume.stat().st_size)} in the file). It meets {unique['bricks']:,} bricks, which lie in chunks of "
        f"{_gb(unique['decoded'])} decoded ({_gb(unique['stored'])} stored); the neediest frame holds "
        f"{_gb(unique['most'])} of bricks. A quarter of the decoded bytes: `--memory {found['memory']}`. "
        f"{describe()['processor']}, {describe()['cores']} cores; load {found['load'][0]:.1f} before and "
        f"{found['load'][1]:.1f} after; `python -m benchmarks flight{''.join(' ' + w for w in _told(words))}`.",
        "",
        "| memory | decoded | ÷ unique | time | against ample | peak of the process | pictures |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in ("ample memory", "a quarter, knowing what comes", "a quarter, longest unused gives way"):
        one = found[name]
        same = "identical" if one["checksum"] == ample["checksum"] else "DIFFERENT"
        lost = one["seconds"] / ample["seconds"] - 1.0
        rows.append(
            f"| {name} | {_gb(one['decoded'])} | {one['decoded'] / unique['decoded']:.2f} × | {one['seconds']:.1f} s "
            f"| {lost:+.0%} | {_gb(one['peak'])} | {same} |"
        )
    alone = found["bricks alone"]["decoded"]
    rows += [
        f"| a quarter, bricks alone, longest unused gives way | {_gb(alone)} | {alone / unique['decoded']:.2f} × | "
        "not drawn | | | |",
        "",
        f"`stackreel plan`'s books foretold {_gb(found['foretold']['decoded'])} for the second row, in "
        f"{found['foretold']['seconds'] / found['frames'] * 1e3:.0f} ms a frame.",
    ]
    return "\n".join(rows) + "\n"


def _told(words: list[str]) -> list[str]:
    """The command line without folders and files of this machine."""
    kept, skip = [], False
    for word in words:
        if not skip and word not in ("--work", "--volume"):
            kept.append(word)
        skip = not skip and word in ("--work", "--volume")
    return kept


def _gb(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
