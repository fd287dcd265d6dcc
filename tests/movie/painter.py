"""A small engine for tests of what lies around engines: it paints a plain picture from the scene, and counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stackreel.frames.engine import Frame, Output
from stackreel.scene import Camera, Scene, Title, TransferFunction
from stackreel.scene.timeline import Shot, Span, Timeline, TitleSpan

SIZE = (64, 36)
OUTPUT = Output(SIZE)


class Painter:
    """A session: a disc whose place is the camera's, as bright as its distance. `rendered` holds the scenes drawn."""

    def __init__(self, size=SIZE, after=None):
        self.size, self.rendered, self.after = size, [], after

    def render(self, scene: Scene) -> Frame:
        self.rendered.append(scene)
        width, height = self.size
        y, x = np.mgrid[:height, :width]
        px, py, pz = scene.camera.position
        inside = (x - width * (0.5 + 0.2 * px)) ** 2 + (y - height * (0.5 + 0.2 * py)) ** 2 < (height / 4) ** 2
        rgba = np.zeros((height, width, 4), np.float32)
        rgba[inside] = [0.2 * pz, 0.3, 0.1 + 0.1 * pz, 1.0]
        if self.after:
            self.after(len(self.rendered))
        return Frame(rgba)

    def close(self):
        pass


def scene(**changes) -> Scene:
    plain = Scene(Camera(), TransferFunction(((0, 0, 0, 0), (255, 1, 1, 1)), ((0, 0), (255, 0.5)), 0.01))
    return replace(plain, **changes)


def glide(to):
    """A move of the camera to (x, y, z)."""

    def move(start: Scene, t: float) -> Scene:
        here = tuple(float(a + (b - a) * t) for a, b in zip(start.camera.position, to, strict=True))
        return replace(start, camera=replace(start.camera, position=here))

    return move


def timeline(second=(-1.0, 0.5, 3.0), hold=1.0, title=None, fps=5) -> Timeline:
    """Three shots: 2 s of flight, a hold, and 2 s of flight to `second`. 25 frames at 5 a second."""
    opening = scene(camera=Camera(position=(-1.0, 0.0, 2.5)))
    first = Shot("first", 0.0, 2.0, opening, (Span(glide((1.0, 0.3, 2.0)), 0.0, 2.0, "linear"),))
    titles = (TitleSpan(Title(title), 0.0, hold, 0.4),) if title else ()
    still = Shot("hold", 2.0, hold, first.closing, (), titles)
    last = Shot("second", 2.0 + hold, 2.0, still.closing, (Span(glide(second), 0.0, 2.0, "linear"),))
    return Timeline((first, still, last), fps, SIZE)
