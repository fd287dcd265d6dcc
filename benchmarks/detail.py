"""What coarser levels and longer steps cost in truth and save in time: stackreel against its own full resolution."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.frames import RUNS, draw, native_command, write_scene
from benchmarks.measure import RunError, run, say

# pixels that a voxel may cover, voxels that a step may span
SETTINGS = {"full resolution": (1e-9, 1.5), "1 pixel": (1.0, 1.5), "default": (1.5, 1.5), "longer steps": (1.5, 2.5)}
SETTINGS |= {"draft": (3.0, 1.5), "coarse": (6.0, 2.5)}


def measure(volume: Path, work: Path, size: tuple[int, int]) -> dict[str, Any]:
    """For every setting: seconds a frame, the finest level drawn, PSNR and SSIM against a converged picture."""
    scene, out = write_scene(work, size), work / "pictures" / "detail"
    reference = work / "reference.png"
    if not reference.exists():
        say("the converged picture: full resolution, four rays a pixel, quarter-voxel steps")
        run([sys.executable, str(RUNS / "converged.py"), str(volume), str(scene), str(reference)])
    settings: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, (detail, stride) in SETTINGS.items():
        say(f"detail: {name}")
        command = [*native_command(volume, scene, out), "--detail", str(detail), "--stride", str(stride)]
        try:
            done = draw(command, out)
            run([sys.executable, str(RUNS / "converged.py"), "--compare", str(reference), str(out / "last.png")])
        except RunError as error:
            missing[name] = str(error)
            say(f"  not measured: {error}")
            continue
        told = json.loads((reference.parent / "truth.json").read_text())[0]
        settings[name] = {
            "detail": detail,
            "stride": stride,
            "frame": statistics.median(done["frames"][1:]),
            "level": done["level"],
            "psnr": told["psnr"],
            "ssim": told["ssim"],
        }
    return {"size": size, "settings": settings, "missing": missing}
