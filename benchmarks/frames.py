"""Frames of one scene: stackreel's own renderer next to ParaView's two ways of drawing a volume, and VTK's mappers.

Each renderer is one process that opens the volume and saves four frames as PNG. ParaView reads the XDMF file that
stackreel wrote beside the volume. How true a picture is, its distance from a converged one tells: PSNR in dB, where
a higher number is nearer.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.measure import RunError, in_turn, median_ratio, run, say
from benchmarks.view import description

RUNS = Path(__file__).parent / "runs"
OURS = "stackreel"
LONGER = "stackreel, 2.5-voxel steps"
PARAVIEW = {'ParaView "GPU Based"': "GPU Based", 'ParaView "Ray Cast Only"': "Ray Cast Only"}
VTK = {"VTK GPU mapper": "gpu", "VTK fixed-point mapper": "fixed"}


def native_command(volume: Path, scene: Path, out: Path, memory: int | None = None) -> list[str]:
    told = [] if memory is None else ["--memory", str(memory)]
    return [sys.executable, str(RUNS / "native_frames.py"), str(volume), str(scene), str(out), *told]


def write_scene(folder: Path, size: tuple[int, int], *, shaded: bool = False) -> Path:
    path = folder / ("scene-shaded.json" if shaded else "scene.json")
    path.write_text(json.dumps(description(size, shaded=shaded)))
    return path


def draw(command: list[str], out: Path) -> dict[str, Any]:
    """Run a renderer into an empty folder: what it reports, with the process's time and peak memory."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    done = run(command)
    result: dict[str, Any] = json.loads((out / "result.json").read_text())
    return result | {"seconds": done.seconds, "cpu": done.cpu, "peak": done.peak}


def measure(volume: Path, work: Path, size: tuple[int, int], rounds: int, *, vtk: bool, shaded: bool) -> dict[str, Any]:
    """Seconds, memory and truth of every renderer, as written to the results file."""
    scene, pictures = write_scene(work, size), work / "pictures"
    say("a first frame of stackreel, not measured: Numba compiles once")
    draw(native_command(volume, scene, pictures / "first"), pictures / "first")
    say("the converged picture: full resolution, four rays a pixel, quarter-voxel steps")
    reference = work / "reference.png"
    run([sys.executable, str(RUNS / "converged.py"), str(volume), str(scene), str(reference)])
    commands, missing = _commands(volume, scene, pictures, vtk=vtk)
    results, failed = _take_turns(commands, pictures, rounds)
    truth = _psnr(reference, {name: pictures / _folder(name) / "last.png" for name in results})
    found = {
        "size": size,
        "rounds": rounds,
        "renderers": {name: _figures(done, results[OURS]) | {"psnr": truth[name]} for name, done in results.items()},
        "missing": missing | failed,
    }
    if shaded:
        scene, pictures = write_scene(work, size, shaded=True), work / "pictures-shaded"
        draw(native_command(volume, scene, pictures / "first"), pictures / "first")
        commands, missing = _commands(volume, scene, pictures, vtk=vtk)
        results, failed = _take_turns(commands, pictures, 1)
        found["shaded"] = {
            "renderers": {name: _figures(done, results[OURS]) for name, done in results.items()},
            "missing": missing | failed,
        }
    return found


def _folder(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")


def _commands(volume: Path, scene: Path, pictures: Path, *, vtk: bool) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Every renderer's command line, and who is missing here, with the way out."""
    commands, missing = {OURS: native_command(volume, scene, pictures / _folder(OURS))}, {}
    commands[LONGER] = [*native_command(volume, scene, pictures / _folder(LONGER)), "--stride", "2.5"]
    absent = [program for program in ("pvbatch", "xvfb-run") if shutil.which(program) is None]
    width, height = json.loads(scene.read_text())["size"]
    screen = ["xvfb-run", "-a", "-s", f"-screen 0 {width}x{height}x24"]
    for name, mode in PARAVIEW.items():
        if absent:
            missing[name] = f"{' and '.join(absent)} not found: tools/system-packages"
            continue
        script = [str(RUNS / "paraview_frames.py"), str(volume.with_suffix(".xmf2")), str(scene)]
        commands[name] = [*screen, "pvbatch", *script, str(pictures / _folder(name)), mode]
    for name, kind in VTK.items() if vtk else ():
        if find_spec("vtkmodules") is None:
            missing[name] = "vtk is not installed: pip install -e '.[test]'"
            continue
        script = [str(RUNS / "vtk_frames.py"), str(volume), str(scene), str(pictures / _folder(name)), kind]
        commands[name] = [sys.executable, *script]
    return commands, missing


def _take_turns(
    commands: dict[str, list[str]], pictures: Path, rounds: int
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    contestants: dict[str, Callable[[], dict[str, Any]]] = {
        name: partial(draw, command, pictures / _folder(name)) for name, command in commands.items()
    }
    results, failed = in_turn(contestants, rounds)
    if OURS not in results:
        raise RunError(failed[OURS])
    return results, failed


def _psnr(reference: Path, pictures: dict[str, Path]) -> dict[str, float]:
    """Every picture's PSNR in dB against the converged one."""
    names = [str(path) for path in pictures.values()]
    run([sys.executable, str(RUNS / "converged.py"), "--compare", str(reference), *names])
    found = json.loads((reference.parent / "truth.json").read_text())
    return {name: truth["psnr"] for name, truth in zip(pictures, found, strict=True)}


def _later(done: dict[str, Any]) -> float:
    """Seconds a frame takes once the volume is open and the first one drawn."""
    return float(statistics.median(done["frames"][1:]))


def _figures(done: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    later = [_later(each) for each in done]
    return {
        "opening": statistics.median(each["opening"] for each in done),
        "first": statistics.median(each["opening"] + each["frames"][0] for each in done),
        "frame": statistics.median(later),
        "fastest": min(second for each in done for second in each["frames"][1:]),
        "peak": max(each["peak"] for each in done),
        "cpu": statistics.median(each["cpu"] for each in done),
        "ratio": median_ratio([_later(each) for each in ours], later),
        "runs": done,
    }
