"""Frames of 3840 × 2160 on a graphics card: stackreel next to VTK's GPU mapper on the same card.

All that is drawn is in the card's memory already: what is timed is drawing, and bringing the picture back.
"""

from __future__ import annotations

import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.frames import RUNS, draw, write_scene
from benchmarks.measure import RunError, in_turn, median_ratio, run, say

OURS = "stackreel"
VTK = {"VTK GPU mapper, half-voxel steps": "0.5", "VTK GPU mapper, steps of 1.5 voxels": "1.5"}


def require_card() -> None:
    """Raises RunError, saying why, when stackreel can draw on no graphics card here."""
    try:
        run([sys.executable, str(RUNS / "gpu_frames.py"), "card"])
    except RunError as error:
        raise RunError(f"gpu: nothing to measure: {error}") from error


def measure(volume: Path, work: Path, size: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Seconds of every renderer, as written to the results file."""
    scene, pictures = write_scene(work, size), work / "pictures"
    told = {OURS: ["stackreel"], **{name: ["vtk", step] for name, step in VTK.items()}}
    contestants = {}
    for name, (who, *step) in told.items():
        out = pictures / f"gpu-{who}{''.join(step)}"
        command = [sys.executable, str(RUNS / "gpu_frames.py"), who, str(volume), str(scene), str(out), *step]
        contestants[name] = partial(draw, command, out)
    say("a first frame of stackreel, not measured: Numba-CUDA compiles once")
    contestants[OURS]()
    results, missing = in_turn(contestants, rounds)
    if OURS not in results:
        raise RunError(missing[OURS])
    frame = {name: [statistics.median(each["frames"]) for each in done] for name, done in results.items()}
    return {
        "size": size,
        "rounds": rounds,
        "renderers": {
            name: {
                "card": done[0]["card"],
                "first": statistics.median(each["first"] for each in done),
                "frame": statistics.median(frame[name]),
                "ratio": median_ratio(frame[OURS], frame[name]),
                "runs": done,
            }
            for name, done in results.items()
        },
        "missing": missing,
    }
