"""How a slice moves: it travels through the tissue, turns, appears and fades."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stackreel.geometry import Vec3
from stackreel.scene.clip import turned
from stackreel.scene.paths import as_vec, unit
from stackreel.scene.scene import Scene
from stackreel.scene.slice import Slice


def coordinate_along(normal: Vec3) -> Vec3:
    """The direction along which a slice's place is measured: its normal, or the axis itself where it is one."""
    n = unit(normal)
    axis = int(np.argmax(np.abs(n)))
    return as_vec(-n if abs(n[axis]) == 1.0 and n[axis] < 0.0 else n)


def placed(some: Slice, at: float) -> Slice:
    """The same slice, moved along its normal until it lies that far from the centre of the world."""
    n = np.asarray(coordinate_along(some.normal))
    return replace(some, origin=as_vec(np.asarray(some.origin) + (at - float(n @ some.origin)) * n))


@dataclass(frozen=True, slots=True)
class SliceGlide:
    """A slice goes from one state to another. One that is not there yet stands at its start from the shot's beginning.

    Origins go straight, normals turn the shortest way; everything but these and the opacity is as at the end.
    """

    start: Slice
    end: Slice

    def __call__(self, opening: Scene, u: float) -> Scene:
        now = self.at(u)
        there = [s.name for s in opening.slices]
        if now.name not in there:
            return replace(opening, slices=(*opening.slices, now))
        i = there.index(now.name)
        return replace(opening, slices=(*opening.slices[:i], now, *opening.slices[i + 1 :]))

    def at(self, u: float) -> Slice:
        if u <= 0.0:
            return self.start
        if u >= 1.0:
            return self.end
        a, b = self.start, self.end
        return replace(
            b,
            origin=as_vec((1.0 - u) * np.asarray(a.origin) + u * np.asarray(b.origin)),
            normal=turned(a.normal, b.normal, u),
            opacity=(1.0 - u) * a.opacity + u * b.opacity,
        )
