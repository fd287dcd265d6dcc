"""What comes: the plans of the next frames, made a window at a time, and what follows from them for what is in memory.

With the future known, what gives way is what is used again latest (Belady 1966, "A study of replacement algorithms
for a virtual-storage computer", MIN), which no other rule can beat. Beyond the window, and when nothing has been
told, it is what was used longest ago.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stackreel.frames.native.plan import AnyPass, Planner
from stackreel.scene import Scene

FRAMES = 64
SOON = 1
MOST_BRICKS = 4_000_000
RAYS = 32  # of slices, to be planned one by one, take as long as a brick


class Future:
    """The passes that are still to be drawn: of the frame in hand, and of those that have been announced."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._scenes: Iterator[Scene] = iter(())
        self._frames: deque[tuple[Scene, tuple[AnyPass, ...]]] = deque()
        self._now: deque[AnyPass] = deque()
        self._load = 0
        self.changed = False

    def expect(self, scenes: Iterable[Scene]) -> None:
        """These scenes will be drawn, in this order; forget what was expected before. Taken one by one, as needed."""
        self._scenes = iter(scenes)
        self._frames.clear()
        self._load = 0

    def begin(self, scene: Scene) -> tuple[AnyPass, ...]:
        """The passes of a frame that is now drawn. Expected ones before it are taken as skipped."""
        scene = _bare(scene)
        while self._frames and self._frames[0][0] != scene:
            self._load -= self._weight(*self._frames.popleft())
        if self._frames:
            _, passes = self._frames[0]
            self._load -= self._weight(*self._frames.popleft())
        else:
            for coming in self._scenes:
                if _bare(coming) == scene:
                    break
            passes = self._planner.frame(scene)
        self._now = deque(passes)
        while len(self._frames) < FRAMES and self._load < MOST_BRICKS:
            following = next(self._scenes, None)
            if following is None:
                break
            self._frames.append((_bare(following), self._planner.frame(following)))
            self._load += self._weight(*self._frames[-1])
        self.changed = True
        return passes

    def _weight(self, scene: Scene, passes: Iterable[AnyPass]) -> int:
        """What it takes to look that far ahead, in bricks."""
        return _count(passes) + self._planner.rays(scene) // RAYS

    @property
    def most_bricks(self) -> int:
        """What the neediest of the frame in hand and the next ones needs."""
        return max(map(_different, [self._now, *(passes for _, passes in itertools.islice(self._frames, SOON))]))

    def advance(self) -> AnyPass | None:
        """The pass that is now drawn, and no future any more; None when the frame is finished."""
        return self._now.popleft() if self._now else None

    def passes(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Bricks of all coming passes one after the other, where each pass ends, and its level; for kernels.ahead."""
        coming = [*self._now, *(one for _, passes in self._frames for one in passes)]
        if not coming:
            return np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64)
        ends = np.cumsum([len(one.bricks) for one in coming])
        return np.concatenate([one.bricks for one in coming]), ends, np.array([one.level for one in coming])


def _bare(scene: Scene) -> Scene:
    return replace(scene, titles=(), background=(0.0, 0.0, 0.0))


def _count(passes: Iterable[AnyPass]) -> int:
    return sum(len(one.bricks) for one in passes)


def _different(passes: Iterable[AnyPass]) -> int:
    """How many bricks these passes hold together; what lies before and behind slices often holds the same ones."""
    several = list(passes)
    if not any(one.behind for one in several):
        return _count(several)
    levels = {one.level for one in several}
    return sum(len(np.unique(np.concatenate([p.bricks for p in several if p.level == level]))) for level in levels)
