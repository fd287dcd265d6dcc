"""Our own renderer at work on several channels of one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.engine import Frame, Output
from stackreel.frames.native.engine import NOISE, NativeSession
from stackreel.frames.native.mixture import Mixed, MixedPool, Mixture, Need, coarse_extinction, mixed, needs_of
from stackreel.frames.native.occlusion import EVERYWHERE, coarse_level, openness_in
from stackreel.frames.native.pool import BrickPool, for_each
from stackreel.frames.native.tables import look_up, opacity_alone
from stackreel.scene import Scene
from stackreel.volume import Volume

if TYPE_CHECKING:
    from stackreel.frames.native.engine import NativeEngine


class MixedSession:
    """Keeps what the scenes shown need of the channels, and nothing else."""

    def __init__(self, engine: NativeEngine, volume: Volume, output: Output) -> None:
        self.engine, self.volume, self.output = engine, volume, output
        self._at_work: _AtWork | None = None
        self._needs: frozenset[Need] = frozenset()

    def expect(self, scenes: Iterable[Scene]) -> None:
        """These scenes will be rendered, in this order."""
        coming = list(scenes)
        needs = frozenset[Need]().union(*(needs_of(scene, self.volume) for scene in coming))
        if needs:
            self._with(needs).expect(coming)

    def render(self, scene: Scene) -> Frame:
        return self._with(needs_of(scene, self.volume)).render(scene)

    def close(self) -> None:
        if self._at_work is not None:
            self._at_work.close()
            self._at_work = None

    def _with(self, needs: frozenset[Need]) -> _AtWork:
        """The renderer with these planes, and those that it has had to keep before."""
        if self._at_work is None or not needs <= self._needs:
            self.close()
            self._needs |= needs
            self._at_work = _AtWork(self.engine, mixed(self.volume, self._needs), self.output)
        return self._at_work


class _AtWork(NativeSession):
    """The renderer with certain planes of certain channels."""

    volume: Mixed
    pool: MixedPool

    def __init__(self, engine: NativeEngine, volume: Mixed, output: Output) -> None:
        self._mixed: Mixture | None = None
        super().__init__(engine, volume, output)

    def _new_pool(self) -> BrickPool:
        return MixedPool(self.volume, self.books, self.threads)

    def _use(self, scene: Scene) -> None:
        if scene.layers != self._layers:
            self._layers, self._mixed = scene.layers, Mixture.of(scene.layers, self.volume)
            own = self.volume.channel(scene.transfer.channel)
            self._look_up = look_up(opacity_alone(scene.transfer), own)
            self._note_cells(self.books.resident)

    def _note_cells(self, slots: npt.NDArray[np.int32]) -> None:
        assert self._mixed is not None
        mixture, parts = self._mixed, [part for part in np.array_split(slots, 8) if len(part)]
        for_each(self.threads, parts, lambda part: mixture.note_cells(self.pool, part, self.cells))

    def _openness(self, scene: Scene) -> tuple[npt.NDArray[Any], ...]:
        if not scene.light.occlusion:
            return EVERYWHERE, np.ones(3, np.int64), np.zeros(3), np.ones(3)
        key = (scene.layers, scene.crop)
        if self._open is None or self._open[0] != key:
            level = coarse_level(self.volume)
            kappa = coarse_extinction(scene.layers, self.volume, level.index)
            self._open = key, openness_in(kappa, level.placement, scene.crop)
        opened = self._open[1]
        size = np.array(opened.values.shape[::-1])
        return opened.padded, size, np.asarray(opened.grid.origin), np.asarray(opened.grid.step)

    def _light(self, scene: Scene) -> npt.NDArray[np.float64]:
        light = super()._light(replace(scene, transfer=opacity_alone(scene.transfer)))
        light[7] = 1.0  # slopes come in units of what counts as noise
        return light

    def _mixture(self) -> tuple[Any, ...]:
        assert self._mixed is not None
        return self._mixed.for_march(self.pool, NOISE)
