"""The contract of everything that turns a scene into pixels: our own renderer, and ParaView."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from stackreel.kernels.compose import over, shrunk, straight
from stackreel.scene import Background, Scene, edges_of
from stackreel.volume import Volume
from stackreel.volume.holes import Hole


@dataclass(frozen=True, slots=True)
class Output:
    """The picture asked for.

    size   : (width, height) in pixels
    detail : a voxel may cover at most so many pixels; smaller is finer. 1.5 final, 3 draft
    samples : rays a pixel, a square number: so many times larger along each axis, then averaged
    transparent : whether pictures keep their alpha channel instead of a background
    """

    size: tuple[int, int] = (1920, 1080)
    detail: float = 1.5
    samples: int = 1
    transparent: bool = False

    @property
    def per_axis(self) -> int:
        """Rays a pixel along each axis."""
        return math.isqrt(self.samples)

    @property
    def fine(self) -> Output:
        """One ray a pixel: what has to be rendered, to be averaged."""
        width, height = self.size
        return replace(self, size=(width * self.per_axis, height * self.per_axis), samples=1)


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished picture.

    rgba    : float32 (height, width, 4), premultiplied, row 0 on top, background not yet behind it
    level   : the level of the volume that was sampled
    samples : voxel look-ups made along all rays
    holes   : damaged chunks that may be seen in it as nothing; none unless the volume is a forgiving one
    """

    rgba: npt.NDArray[np.float32]
    level: int = 0
    samples: int = 0
    holes: tuple[Hole, ...] = ()

    def over(self, background: Background) -> npt.NDArray[np.uint8]:
        """The picture on its background: uint8 (height, width, 3)."""
        top, bottom = (np.asarray(color, np.float32) for color in edges_of(background))
        picture = np.empty((*self.rgba.shape[:2], 3), np.uint8)
        over(self.rgba, top, bottom, picture)
        return picture

    @property
    def straight(self) -> npt.NDArray[np.uint8]:
        """The picture without a background: uint8 (height, width, 4), colours not multiplied by alpha, as in PNG."""
        picture = np.empty(self.rgba.shape, np.uint8)
        straight(self.rgba, picture)
        return picture

    def shrunk(self, per_axis: int) -> Frame:
        """The mean of every so many by so many pixels."""
        if per_axis == 1:
            return self
        height, width = self.rgba.shape[:2]
        rgba = np.empty((height // per_axis, width // per_axis, 4), np.float32)
        shrunk(self.rgba, per_axis, rgba)
        return replace(self, rgba=rgba)


class Session(Protocol):
    """An engine at work on one volume and one output size."""

    def render(self, scene: Scene) -> Frame: ...
    def close(self) -> None: ...


@runtime_checkable
class Foresighted(Protocol):
    """A session that works quicker when it knows what comes. Pictures do not depend on it."""

    def expect(self, scenes: Iterable[Scene]) -> None:
        """These scenes will be rendered, in this order; those that are skipped after all do no harm."""
        ...


@runtime_checkable
class Approximate(Protocol):
    """An engine that draws some things otherwise than scenes say, and tells so."""

    def remarks(self, scenes: Sequence[Scene], volume: Volume, output: Output) -> Sequence[str]:
        """What it will draw otherwise, in sentences. EngineError for what it cannot draw of this volume at all."""
        ...


class Engine(Protocol):
    """Something that draws scenes.

    name    : as given to `--engine`
    version : part of every frame's key; it changes when pictures change
    """

    name: str
    version: str

    def refuse(self, scene: Scene) -> str | None:
        """Why this engine cannot draw the scene, in a sentence; None when it can. Asked before the first frame."""
        ...

    def open(self, volume: Volume, output: Output) -> Session: ...
