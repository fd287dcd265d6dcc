"""Small volumes and scenes that between them ask a renderer for everything it can do to a ray."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stackreel.errors import EngineError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.device import Walk
from stackreel.geometry import Box, Spacing
from stackreel.kernels.run import AVERAGE, COMPOSITE, MAXIMUM, MINIMUM
from stackreel.scene import PRESETS, Camera, Scene, TransferFunction
from stackreel.volume import open_volume
from stackreel.volume.build import Recipe, build
from stackreel.volume.reduction import Reduction

SOFT = TransferFunction(
    ((0, 0.1, 0.2, 0.9), (120, 0.9, 0.6, 0.3), (255, 1, 0.95, 0.9)), ((0, 0), (60, 0), (200, 0.4), (255, 0.6)), 0.03
)


MOST = 255.0  # what a sample of the brain can be


@dataclass(frozen=True)
class Case:
    """A scene of a volume: `size`, `detail` and `stride` of the pictures, and what is done to every pass.

    few : with the least memory that is allowed
    """

    scene: Scene
    volume: str = "brain"
    size: tuple[int, int] = (48, 32)
    detail: float = 1e-6
    few: bool = False
    blend: int = COMPOSITE
    limited: bool = False


def brain(n: int) -> np.ndarray:
    """A folded ball with some noise on it, half empty: (z, y, x) uint8."""
    z, y, x = np.meshgrid(*[(np.arange(m) + 0.5) / n - 0.5 for m in (n // 2, n, n)], indexing="ij")
    z = z * 2 + 0.5
    r = np.sqrt(x**2 + y**2 + z**2) + 0.02 * np.sin(40 * x) * np.sin(35 * y)
    noise = np.random.default_rng(4).normal(0, 6, r.shape)
    return np.clip((0.36 - r) * n * 9 + 110 + 60 * np.sin(22 * x + 5 * y) + noise * (r < 0.4), 0, 255).astype(np.uint8)


def volumes(folder: Path, n: int) -> dict[str, Path]:
    """Thick sections of a brain; the same as large floating-point numbers; labels; a single section."""
    data = brain(n)
    labels = (data // 64).astype(np.uint16) * 7
    recipes: dict[str, tuple[np.ndarray, str]] = {
        "brain": (data, "intensity"),
        "float": (data.astype(np.float32) * 3.0 + 70_000.0, "intensity"),
        "labels": (labels, "label"),
        "section": (data[n // 4 : n // 4 + 1], "intensity"),
    }
    for name, (array, kind) in recipes.items():
        recipe = Recipe(name, Spacing(2, 1, 1), Reduction(kind, None, None))
        build(InMemory(array), folder / f"{name}.h5", recipe)
    return {name: folder / f"{name}.h5" for name in recipes}


class InMemory:
    """A stack of sections that already is an array (z, y, x)."""

    spacing, files, notes, banded = None, (), (), True

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = np.ascontiguousarray(array), array.shape, array.dtype

    def read(self, z: int, rows: slice, out: np.ndarray | None = None) -> np.ndarray:
        if out is None:
            return self.array[z, rows].copy()
        out[...] = self.array[z, rows]
        return out

    def close(self) -> None:
        pass


def draw(
    volumes: dict[str, Path], case: Case, walker: Callable[[Any], Any] | None = None, **engine: Any
) -> tuple[np.ndarray, int]:
    """The picture of a case, (height, width, 4) float32, and the passes it took.

    walker : makes another device for a session; engine : more arguments of NativeEngine
    """
    volume, output = open_volume(volumes[case.volume]), Output(case.size, case.detail)
    memory = 256 << 20
    if case.few:
        try:
            NativeEngine(1, 2, **engine).open(volume, output)
        except EngineError as refused:
            memory = int(re.search(r"at least (\d+)M", str(refused))[1]) << 20  # type: ignore[index]
    session = NativeEngine(memory, 2, **engine).open(volume, output)
    told = session.device = Told(walker(session) if walker else session.device, case)
    try:
        return session.render(case.scene).rgba, told.passes
    finally:
        session.close()


def cases() -> dict[str, Case]:
    close = Camera((0.35, -0.2, 0.6), (0, 0, 0.1), (0, -1, 0), 60.0)
    outside, inside = Camera((0.5, -0.6, 1.2), (0, 0, 0), (0, -1, 0), 40.0), Camera((0.1, -0.1, 0.3), (0, 0, 0))
    large = TransferFunction(
        tuple((v * 3 + 70_000.0, *rgb) for v, *rgb in SOFT.color),
        tuple((v * 3 + 70_000.0, o) for v, o in SOFT.opacity),
        SOFT.opacity_unit,
    )
    areas = TransferFunction(
        ((0, 0, 0, 0), (7, 0.9, 0.2, 0.2), (14, 0.2, 0.9, 0.3), (21, 0.2, 0.4, 1)), ((0, 0), (6, 0), (7, 0.4)), 0.1
    )
    plain = Scene(outside, SOFT, light=PRESETS["none"])
    studio = replace(plain, light=PRESETS["studio"])
    return {
        "no light": Case(plain),
        "studio": Case(studio),
        "raking": Case(replace(plain, light=PRESETS["raking"])),
        "headlight from within": Case(replace(plain, camera=inside, light=PRESETS["headlight"])),
        "crop": Case(replace(studio, crop=Box((-0.2, -0.31, -0.1), (0.33, 0.2, 0.27)))),
        "several levels": Case(replace(plain, camera=close), detail=1.5),
        "several passes": Case(studio, few=True),
        "large numbers": Case(replace(studio, transfer=large), volume="float"),
        "labels": Case(replace(plain, transfer=areas), volume="labels"),
        "a single section": Case(plain, volume="section"),
        "the largest value": Case(plain, blend=MAXIMUM),
        "the smallest value": Case(plain, blend=MINIMUM),
        "the average": Case(plain, blend=AVERAGE),
        "rays with limits": Case(studio, limited=True),
    }


class Told:
    """A device that is told, beside what the engine says, the blend and the limits of a case."""

    def __init__(self, device: Any, case: Case) -> None:
        self.device, self.case = device, case
        width, height = case.size
        self.limits = np.zeros((height, width, 2), np.float32)
        self.limits[..., 0] = np.linspace(0.9, 1.4, width)
        self.limits[..., 1] = np.linspace(1.2, 2.0, height)[:, None]
        self.passes = 0

    def walk(self, this: Walk) -> int:
        self.passes += 1
        if self.passes == 1 and self.case.blend == MINIMUM:
            this.state[..., 0] = MOST
        limits = self.limits if self.case.limited else this.limits
        return self.device.walk(replace(this, blend=self.case.blend, limits=limits))

    def finish(self, state: np.ndarray) -> None:
        self.device.finish(state)

    def close(self) -> None:
        self.device.close()
