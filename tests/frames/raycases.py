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
from stackreel.scene import PRESETS, Camera, Scene, TransferFunction
from stackreel.scene.clip import ClipPlane
from stackreel.volume import open_volume
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction

SOFT = TransferFunction(
    ((0, 0.1, 0.2, 0.9), (120, 0.9, 0.6, 0.3), (255, 1, 0.95, 0.9)), ((0, 0), (60, 0), (200, 0.4), (255, 0.6)), 0.03
)


@dataclass(frozen=True)
class Case:
    """A scene of a volume, `size` and `detail` of its picture; few: with the least memory that is allowed."""

    scene: Scene
    volume: str = "brain"
    size: tuple[int, int] = (48, 32)
    detail: float = 1e-6
    few: bool = False


def brain(n: int) -> np.ndarray:
    """A folded ball with some noise on it, half empty: (z, y, x) uint8."""
    z, y, x = np.meshgrid(*[(np.arange(m) + 0.5) / n - 0.5 for m in (n // 2, n, n)], indexing="ij")
    z = z * 2 + 0.5
    r = np.sqrt(x**2 + y**2 + z**2) + 0.02 * np.sin(40 * x) * np.sin(35 * y)
    noise = np.random.default_rng(4).normal(0, 6, r.shape)
    return np.clip((0.36 - r) * n * 9 + 110 + 60 * np.sin(22 * x + 5 * y) + noise * (r < 0.4), 0, 255).astype(np.uint8)


def volumes(folder: Path, n: int) -> dict[str, Path]:
    """Sections of a brain; the same as large floating-point numbers; labels; a single section; very thick sections."""
    data = brain(n)
    labels = (data // 64).astype(np.uint16) * 7
    recipes: dict[str, tuple[np.ndarray, str]] = {
        "brain": (data, "intensity"),
        "float": (data.astype(np.float32) * 3.0 + 70_000.0, "intensity"),
        "labels": (labels, "label"),
        "section": (data[n // 4 : n // 4 + 1], "intensity"),
        "thick": (data[::5], "intensity"),
        "thick-float": (data[::5].astype(np.float32) * 3.0 + 70_000.0, "intensity"),
    }
    for name, (array, kind) in recipes.items():
        recipe = Recipe(name, Spacing(10 if "thick" in name else 2, 1, 1), Reduction(kind, None, None))
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
    counted = session.device = Counted(walker(session) if walker else session.device)
    try:
        return session.render(case.scene).rgba, counted.passes
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
        "the largest value": Case(replace(plain, blend="maximum")),
        "the smallest value": Case(replace(plain, blend="minimum", crop=Box((-0.1, -0.1, -0.1), (0.1, 0.1, 0.1)))),
        "the average": Case(replace(plain, blend="average")),
        "cut open": Case(replace(studio, clip=(ClipPlane((0.05, 0, 0), (-1, 0.3, -0.4)),))),
        "very thick sections": Case(studio, volume="thick"),
        "very thick sections, several levels": Case(replace(studio, camera=close), volume="thick", detail=0.7),
        "very thick sections, large numbers": Case(replace(studio, transfer=large), volume="thick-float"),
        "fill and rim": Case(replace(plain, light=replace(PRESETS["studio"], fill=0.4, rim=0.8))),
    }


class Counted:
    """A device that counts the passes."""

    def __init__(self, device: Any) -> None:
        self.device, self.passes = device, 0

    def walk(self, this: Walk) -> int:
        self.passes += 1
        return self.device.walk(this)

    def finish(self, state: np.ndarray) -> None:
        self.device.finish(state)

    def close(self) -> None:
        self.device.close()
