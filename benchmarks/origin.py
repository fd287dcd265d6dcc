"""The size this project comes from: 234 sections of 28721 × 31076, 208.8 GB, from conversion to single fibres.

    python -m benchmarks origin            the real size: about an hour on two cores, and 60 GB of disk
    python -m benchmarks origin --small    an eighth along rows and columns: some minutes, and 1.2 GB

The sections are a synthetic hemisphere on glass, made as they are read, so that only the volume stands on the disk; it
is removed at the end. A run that is stopped goes on where it was when the same command is given again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, load
from benchmarks.measure import Run, RunError, run, say, settle
from benchmarks.origin_report import markdown
from benchmarks.start import forget
from benchmarks.view import COLOR, OPACITY, OPACITY_UNIT
from stackreel.volume import open_volume

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "origin-size.md"
RUNS = Path(__file__).parent / "runs"
MOVIE = Path(__file__).parent / "origin.yaml"
STACKREEL = (sys.executable, "-m", "stackreel")
PICTURES = {"dive.jpg": "origin-dive.jpg", "paraview.jpg": "origin-paraview.jpg"}
TISSUE = 0.8


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured: shape (z, y, x), and the level that ParaView opens."""

    shape: tuple[int, int, int]
    level: int

    @property
    def nbytes(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]


FULL, SMALL = Size((234, 28721, 31076), 3), Size((234, 3590, 3884), 1)


class Trial:
    """All steps at one size, in one folder; what was found by then is kept after each.

    work    : for the volume; removed at the end, unless `keep`
    tissue  : how much of a section's width and height the hemisphere takes
    kill    : whether the conversion is killed in the middle, and gone on with
    """

    def __init__(self, size: Size, work: Path, *, tissue: float = TISSUE, kill: bool = True) -> None:
        self.size, self.work, self.tissue, self.kill = size, work, tissue, kill
        self.volume, self.log, self.kept = work / "brain.h5", work / "convert.jsonl", work / "figures.json"
        self.found: dict[str, Any] = {}

    def measure(self, *, keep: bool = False) -> dict[str, Any]:
        """Take the steps that an earlier run has not taken; what was found, as written to the results file."""
        self.work.mkdir(parents=True, exist_ok=True)
        self._take_up()
        self._step("sample", self._sample)
        self._check_space()
        self._step("conversion", self._convert)
        self._step("verify", self._verify)
        self._step("paraview", self._paraview)
        self._step("dive", self._dive)
        if not keep:
            for path in [*self.work.glob("brain*"), self.log, self.kept]:
                path.unlink()
        return self.found

    def _take_up(self) -> None:
        """What an earlier run found, when it was one of the same thing; otherwise its leavings go."""
        told = {"shape": list(self.size.shape), "bytes": self.size.nbytes, "tissue": self.tissue, "killed": self.kill}
        if self.kept.exists():
            self.found = json.loads(self.kept.read_text())
            if all(self.found.get(key) == value for key, value in told.items()):
                say(f"going on with what stands in {self.work}")
                return
        for path in [*self.work.glob("brain*"), self.log]:
            path.unlink(missing_ok=True)
        self.found = told | {"missing": {}}

    def _step(self, name: str, take: Callable[[], dict[str, Any]]) -> None:
        """One step; only the volume itself must not be missing."""
        if name in self.found:
            return
        self.found["missing"].pop(name, None)
        before = load()
        try:
            self.found[name] = take() | {"load": (before, load())}
        except RunError as error:
            if name in ("sample", "conversion"):
                raise
            self.found["missing"][name] = str(error)
            say(f"  not measured: {error}")
        write(self.kept, json.dumps(self.found, indent=1) + "\n")

    def _run(self, script: str, *words: Any, watch: bool = False) -> Run:
        return run([sys.executable, "-m", f"benchmarks.runs.{script}", *map(str, words)], watch=watch)

    def _stack(self) -> list[Any]:
        return ["--shape", *self.size.shape, "--tissue", self.tissue]

    def _sample(self) -> dict[str, Any]:
        """What to expect, from a hundredth of the sections."""
        say("a sample of the sections, to know what to expect")
        out = self.work / "sample.json"
        self._run("origin_sample", self.work, out, *self._stack())
        found: dict[str, Any] = json.loads(out.read_text())
        times = self.size.nbytes / found["bytes"]
        busy = times * (found["generator"] + found["converter"])
        return found | {"expected_bytes": times * found["stored"], "expected_seconds": busy / os.cpu_count()}

    def _check_space(self) -> None:
        told = self.found["sample"]
        size, seconds = told["expected_bytes"], told["expected_seconds"]
        say(
            f"expected: {self.size.nbytes / 1e9:.1f} GB become {size / 1e9:.1f} GB in some {_time(seconds)} "
            f"on a quiet machine ({told['generator'] / (told['generator'] + told['converter']):.0%} of the work is "
            "making the sections); the other steps take about as long again"
        )
        have = sum(path.stat().st_size for path in self.work.glob("brain.h5*"))
        free = shutil.disk_usage(self.work).free
        if free + have < 1.05 * size:
            raise RunError(
                f"{self.work}: {free / 1e9:.1f} GB are free and {1.05 * size / 1e9:.1f} GB needed; give another folder "
                "with --work, or a smaller hemisphere on the glass with --tissue"
            )

    def _convert(self) -> dict[str, Any]:
        """Make the volume; killed once in the middle, unless an earlier run was stopped already."""
        command = [self.volume, self.log, *self._stack()]
        if self.kill and not self._lines():
            say("converting; the process kills itself in the middle")
            try:
                self._run("origin_convert", *command, "--kill", 0.5, watch=True)
            except RunError as error:
                if not any(line.get("killed") for line in self._lines()):
                    raise
                say(f"\n  {error}")
        say("converting")
        if not self.volume.exists():
            self._run("origin_convert", *command, watch=True)
        return self._told_by_log() | {"settled": settle(), "stored": self.volume.stat().st_size}

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def _told_by_log(self) -> dict[str, Any]:
        """All runs that the conversion took, together and one by one."""
        runs: list[dict[str, Any]] = []
        for line in self._lines():
            if runs and runs[-1]["process"] == line["process"]:
                runs[-1] = line
            else:
                runs.append(line)
        again = sum(before["at"] - after["start"] for before, after in pairwise(runs))
        total = {key: sum(one[key] for one in runs) for key in ("seconds", "cpu", "generator")}
        return total | {"peak": max(one["peak"] for one in runs), "again": again, "runs": runs}

    def _verify(self) -> dict[str, Any]:
        if not (ROOT / "src" / "stackreel" / "cli" / "verify.py").exists():
            raise RunError("this stackreel has no verb verify")
        say("verifying, from the disk")
        forget(self.volume)
        done = run([*STACKREEL, "verify", str(self.volume)], watch=True)
        return {"seconds": done.seconds, "cpu": done.cpu, "peak": done.peak}

    def _paraview(self) -> dict[str, Any]:
        absent = [program for program in ("pvpython", "xvfb-run") if shutil.which(program) is None]
        if absent:
            raise RunError(f"{' and '.join(absent)} not found: tools/system-packages")
        told = {"color": COLOR, "opacity": OPACITY, "opacity_unit": OPACITY_UNIT, "size": (1280, 720)}
        told |= {"position": (-0.62, -0.5, -1.3), "focal_point": (0.0, 0.0, 0.0), "view_up": (0.0, -1.0, 0.0)}
        scene = self.work / "scene.json"
        scene.write_text(json.dumps(told | {"view_angle": 30.0}))
        found: dict[str, Any] = {"level": self.size.level, "readers": {}}
        folders = []
        for name, ending in (("VTKHDF", ".hdf"), ("XDMF", ".xmf2")):
            if name == "VTKHDF" and self._samples() >= 2**31:
                say("ParaView 5.11 reads fewer than 2^31 samples at once through VTKHDF; XDMF only")
                continue
            path = self._beside(ending)
            say(f"ParaView opens {path.name}")
            out = self.work / f"paraview-{name}"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            forget(self.volume)
            screen = ["xvfb-run", "-a", "-s", "-screen 0 1280x720x24"]
            done = run([*screen, "pvpython", str(RUNS / "paraview_level.py"), str(path), str(scene), str(out)])
            one = json.loads((out / "result.json").read_text())
            figures = {key: one[key] for key in ("opening", "drawing", "shape", "bytes")}
            found["readers"][name] = figures | {"seconds": done.seconds, "peak": done.peak}
            folders.append(out)
        result = self.work / "values.json"
        self._run("origin_values", self.volume, self.size.level, result, self.work / "paraview.jpg", *folders)
        for name, compared in zip(found["readers"], json.loads(result.read_text())["compared"], strict=True):
            found["readers"][name] |= compared
        return found

    def _samples(self) -> int:
        """Of the level that ParaView opens."""
        return math.prod(open_volume(self.volume).levels[self.size.level].shape)

    def _beside(self, ending: str) -> Path:
        """The file for ParaView that shows the level."""
        pattern = f"brain.L{self.size.level}of*{ending}" if self.size.level else f"brain{ending}"
        found = sorted(self.work.glob(pattern))
        if len(found) != 1:
            raise RunError(f"{self.work / pattern}: {len(found)} files of that name")
        return found[0]

    def _dive(self) -> dict[str, Any]:
        """The movie four times: from the disk and from the page cache, with the default memory and with 1 GiB."""
        movie, out = self.work / "brain.yaml", self.work / "dive.json"
        shutil.copyfile(MOVIE, movie)
        frames = self.work / "frames"
        shutil.rmtree(frames, ignore_errors=True)
        frames.mkdir()
        say("the dive, not measured: Numba compiles once, and the pictures are kept")
        self._run("origin_dive", movie, out, "--save", frames)
        shutil.copyfile(frames / "dive.jpg", self.work / "dive.jpg")
        found: dict[str, Any] = {}
        for name, memory in (("default", ()), ("1G", ("--memory", "1G"))):
            for state in ("cold", "warm"):
                say(f"the dive, --memory {name}, {state}")
                if state == "cold":
                    forget(self.volume)
                done = self._run("origin_dive", movie, out, *memory)
                figures = json.loads(out.read_text())
                found[f"{name}, {state}"] = figures | {"seconds": done.seconds, "peak": done.peak}
        return {"runs": found}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks origin", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="234 sections of 3590 × 3884: 3.26 GB")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "bench-out" / "origin", metavar="DIR", help="for the volume"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out", metavar="DIR", help="where figures are kept")
    parser.add_argument(
        "--tissue",
        type=float,
        default=TISSUE,
        metavar="F",
        help="of a section's width, the rest is glass (default: 0.8)",
    )
    parser.add_argument("--no-kill", action="store_true", help="convert in one run")
    parser.add_argument("--keep", action="store_true", help="leave the volume")
    parser.add_argument("--note", metavar="TEXT", help="kept and shown with the figures")
    parser.add_argument("--refresh", type=Path, metavar="FILE.json", help="put kept figures into docs/origin-size.md")
    args = parser.parse_args(words)
    if not 0.1 <= args.tissue <= 1.0:
        parser.error("--tissue is a fraction from 0.1 to 1")
    try:
        if args.refresh:
            refresh(args.refresh)
            return 0
        size = SMALL if args.small else FULL
        work = (args.work / ("small" if args.small else "full")).resolve()
        trial = Trial(size, work, tissue=args.tissue, kill=not args.no_kill)
        result = {
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": " ".join(["python -m benchmarks origin", *_told(words)]),
            "note": args.note,
            "machine": describe(),
            "origin": trial.measure(keep=args.keep),
        }
    except (RunError, OSError, json.JSONDecodeError) as error:
        say(f"benchmarks: {error}")
        return 1
    except KeyboardInterrupt:
        say("benchmarks: stopped; the same command goes on from here")
        return 130
    print(markdown(result), end="")
    stem = datetime.datetime.fromisoformat(str(result["date"])).strftime("origin-%Y-%m-%d-%H%M%S")
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / f"{stem}.json", json.dumps(result, indent=1) + "\n")
    for name in PICTURES:
        if (work / name).exists():
            shutil.copyfile(work / name, args.out / f"{stem}-{name}")
    say(f"kept in {args.out / stem}.json; into the documentation with: "
        f"python -m benchmarks origin --refresh {args.out / stem}.json")  # fmt: skip
    return 0


def refresh(path: Path) -> None:
    """Put kept figures between the marks of docs/origin-size.md, and the pictures beside it."""
    old = PAGE.read_text()
    marks = re.compile(r"(<!-- origin: begin[^\n]*-->\n).*?(<!-- origin: end -->)", re.DOTALL)
    found = marks.search(old)
    if found is None:
        raise RunError(f"{PAGE}: needs one pair of lines <!-- origin: begin --> and <!-- origin: end -->")
    pictures = {}
    for name, there in PICTURES.items():
        picture = path.with_name(f"{path.stem}-{name}")
        if picture.exists():
            shutil.copyfile(picture, ROOT / "docs" / "images" / there)
            pictures[name] = f"images/{there}"
    text = markdown(json.loads(path.read_text()), pictures)
    write(PAGE, old[: found.end(1)] + text.strip() + "\n" + old[found.start(2) :])
    say(f"{PAGE}: figures of {path}")


def write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text)
    os.replace(temporary, path)


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"


def _told(words: list[str]) -> list[str]:
    """The command line without this machine's folders, and without the note."""
    kept, skip = [], False
    for word in words:
        hidden = word.split("=")[0] in ("--work", "--out", "--note")
        if not skip and not hidden:
            kept.append(word)
        skip = not skip and hidden and "=" not in word
    return kept
