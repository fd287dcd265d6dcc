"""Draws cases on a graphics card or in the simulator of one: VOLUMES OUT.npz SIZE NAME…, for tests/frames/test_cuda.py

To be run with NUMBA_ENABLE_CUDASIM=1 where there is no card. SIZE is width,height.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import raycases

from stackreel.frames.native import NativeEngine

STRIDE = 3.0


def main(folder: Path, out: Path, size: tuple[int, int], names: list[str]) -> None:
    cases, volumes = raycases.cases(), {path.stem: path for path in folder.glob("*.h5")}
    found = {}
    for name in names:
        case = replace(cases[name], size=size)
        found[name], found[f"{name}: passes"] = raycases.draw(volumes, case, stride=STRIDE, device="cuda")
    found["version"] = NativeEngine(device="cuda").version
    found["memory"] = NativeEngine(300 << 20, device="cuda").memory
    np.savez(out, **found)


if __name__ == "__main__":
    width, height = map(int, sys.argv[3].split(","))
    main(Path(sys.argv[1]), Path(sys.argv[2]), (width, height), sys.argv[4:])
