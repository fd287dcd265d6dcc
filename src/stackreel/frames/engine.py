"""The contract of everything that turns a scene into pixels: our own renderer, and ParaView."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Vec3
from stackreel.kernels.compose import over
from stackreel.scene import Scene
from stackreel.volume import Volume
from stackreel.volume.holes import Hole


@dataclass(frozen=True, slots=True)
class Output:
    """The picture asked for.

    size   : (width, height) in pixels
    detail : a voxel may cover at most so many pixels; smaller is finer. 1.5 final, 3 draft
    """

    size: tuple[int, int] = (1920, 1080)
    detail: float = 1.5


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

    def over(self, background: Vec3) -> npt.NDArray[np.uint8]:
        """The picture on its background: uint8 (height, width, 3)."""
        height, width = self.rgba.shape[:2]
        picture = np.empty((height, width, 3), np.uint8)
        over(self.rgba.reshape(-1, 4), np.asarray(background, np.float32), picture.reshape(-1, 3))
        return picture


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
