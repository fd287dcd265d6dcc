"""The same picture in little memory: frames drawn with a small --memory, compared float by float."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.frames import draw, native_command, write_scene
from benchmarks.measure import RunError, say

MEGABYTES = (256, 96)


def measure(volume: Path, work: Path, size: tuple[int, int]) -> dict[str, Any]:
    """For every budget: peak memory, seconds a frame, and whether all frames equal those of the default budget."""
    scene, out = write_scene(work, size), work / "pictures" / "memory"
    say("memory: the default, for comparison")
    plenty = draw(native_command(volume, scene, out), out)
    budgets: dict[str, Any] = {"default": _figures(plenty, plenty)}
    missing: dict[str, str] = {}
    for megabytes in MEGABYTES:
        name = f"{megabytes}M"
        say(f"memory: {name}")
        try:
            done = draw(native_command(volume, scene, out, megabytes << 20), out)
        except RunError as error:
            missing[name] = str(error)
            say(f"  not measured: {error}")
            continue
        budgets[name] = _figures(done, plenty)
    return {"size": size, "budgets": budgets, "missing": missing}


def _figures(done: dict[str, Any], plenty: dict[str, Any]) -> dict[str, Any]:
    return {
        "peak": done["peak"],
        "frame": statistics.median(done["frames"][1:]),
        "identical": done["checksum"] == plenty["checksum"],
    }
