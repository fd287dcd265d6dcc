"""How long until something is there: the import, the help, and the first picture of a volume nobody has read yet."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import run, say

ROUNDS = 5


def measure(volume: Path, work: Path) -> dict[str, Any]:
    """Seconds: whole processes, the median of a few; the volume's pages are dropped from memory before each picture."""
    command = shutil.which("stackreel", path=os.path.dirname(sys.executable)) or "stackreel"
    movie, picture = work / "first.yaml", work / "first.png"
    for path in (movie, picture):
        path.unlink(missing_ok=True)
    say("start: python, import, help")
    found = {
        "python": _median([sys.executable, "-c", "pass"]),
        "import": _median([sys.executable, "-c", "import stackreel"]),
        "help": _median([command, "--help"]),
    }
    say("start: the first picture")
    run([command, "new", str(volume), "-o", str(movie)])
    frame = [command, "frame", str(movie), "--at", "0s", "-o", str(picture), "--overwrite"]
    run(frame)
    warm, cold = [], []
    for _ in range(ROUNDS):
        warm.append(run(frame).seconds)
        forget(volume)
        cold.append(run(frame).seconds)
    return found | {"warm": statistics.median(warm), "cold": statistics.median(cold), "bytes": volume.stat().st_size}


def _median(command: list[str]) -> float:
    run(command)
    return statistics.median(run(command).seconds for _ in range(ROUNDS))


def forget(path: Path) -> None:
    """Have the operating system drop what it keeps of a file in memory."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
