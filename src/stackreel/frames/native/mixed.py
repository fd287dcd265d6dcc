"""Our own renderer at work on several channels of one place, or on directions, whose samples are kept as vectors."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.engine import Frame, Output
from stackreel.frames.native.around import Around
from stackreel.frames.native.clipping import planes_of
from stackreel.frames.native.engine import NOISE, NativeSession, only_channel
from stackreel.frames.native.mixedslices import inks_of, needs_of
from stackreel.frames.native.mixture import (
    ALIGNED,
    Mixed,
    MixedPool,
    Mixture,
    Need,
    coarse_extinction,
    mixed,
    with_channels,
)
from stackreel.frames.native.occlusion import coarse_level
from stackreel.frames.native.pool import BrickPool, for_each
from stackreel.frames.native.relief import Relief, field_of
from stackreel.frames.native.sheets import Sheets
from stackreel.frames.native.slicing import Inks
from stackreel.frames.native.tables import look_up, opacity_alone
from stackreel.geometry import Placement
from stackreel.scene import Scene
from stackreel.volume import Level, Volume

if TYPE_CHECKING:
    from stackreel.frames.native.engine import NativeEngine


class MixedSession:
    """Keeps what the scenes shown need of the channels, and nothing else.

    Scenes of one channel only are drawn as of a volume alone, unless it is one of directions: these are interpolated as
    vectors, except in projections, which know numbers only and take the nearest sample.
    """

    def __init__(self, engine: NativeEngine, volume: Volume, output: Output) -> None:
        self.engine, self.volume, self.output = copy(engine), with_channels(volume), output
        # a graphics card draws one channel
        self.engine.device = "cpu"
        self._needs: frozenset[Need] = frozenset()
        self._coming: list[Scene] = []
        self._session: NativeSession | None = None
        self._shows: str | frozenset[Need] | None = None

    def expect(self, scenes: Iterable[Scene]) -> None:
        """These scenes will be rendered, in this order."""
        self._coming = list(scenes)
        several = [scene for scene in self._coming if self._is_mixed(scene)]
        self._needs |= frozenset[Need]().union(*(needs_of(scene, self.volume) for scene in several))
        self._shows = None

    def render(self, scene: Scene) -> Frame:
        if self._is_mixed(scene):
            self._needs |= needs_of(scene, self.volume)
        shows = self._shown(scene)
        if self._session is None or self._shows != shows:
            self.close()
            self._session, self._shows = self._opened(shows), shows
            self._session.expect([self._asked(one, shows) for one in self._coming if self._shown(one) == shows])
        return self._session.render(self._asked(scene, shows))

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _shown(self, scene: Scene) -> str | frozenset[Need]:
        """The only channel of a scene, or all planes that the movie needs: whatever was drawn before."""
        name = only_channel(scene)
        return self._needs if name is None or self._is_mixed(scene) else name

    def _is_mixed(self, scene: Scene) -> bool:
        name = only_channel(scene)
        if name is None:
            return True
        return self.volume.channel(name).kind == "axial" and scene.blend == "composite" and scene.fade is None

    def _opened(self, shows: str | frozenset[Need]) -> NativeSession:
        if isinstance(shows, str):
            return NativeSession(self.engine, self.volume.channel(shows), self.output)
        return _AtWork(self.engine, mixed(self.volume, shows), self.output)

    def _asked(self, scene: Scene, shows: str | frozenset[Need]) -> Scene:
        if not isinstance(shows, str):
            return scene
        layers = [replace(layer, channel="", color_channel="", mask_channel="") for layer in scene.layers]
        return replace(scene, transfer=layers[0], added=tuple(layers[1:]))


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

    def _openness(self, scene: Scene) -> Around:
        planes = planes_of(scene.cuts)
        return self.surroundings.around(scene.layers, self._extinction, scene.crop, planes, scene.light, scene.camera)

    def _extinction(self) -> tuple[npt.NDArray[np.float32], Placement]:
        level = coarse_level(self.volume)
        return coarse_extinction(self._layers, self.volume, level.index), level.placement

    def _relief_of(self, level: Level) -> Relief:
        planes, parts, size, grid = self.volume.planes, [], 0, level.placement
        begins = np.zeros(len(planes), np.int64)
        for number, plane in enumerate(planes):
            if plane.nearest or plane.vector:
                continue
            values, grid = field_of(plane.volume.levels[level.index], plane.dtype, plane.kept, self.threads)
            begins[number] = size // plane.dtype.itemsize
            size += -(-values.nbytes // ALIGNED) * ALIGNED
            parts.append(np.resize(values.view(np.uint8), size - begins[number] * plane.dtype.itemsize))
        return Relief(np.concatenate([np.zeros(0, np.uint8), *parts]), begins, grid, level.index)

    def _light(self, scene: Scene) -> npt.NDArray[np.float64]:
        light = super()._light(replace(scene, transfer=opacity_alone(scene.transfer)))
        light[7] = 1.0  # slopes come in units of what counts as noise
        return light

    def _mixture(self) -> tuple[Any, ...]:
        assert self._mixed is not None
        return self._mixed.for_march(self.pool, NOISE)

    def _inks(self, scene: Scene, sheets: Sheets) -> Inks:
        return inks_of(sheets, scene, self.pool)
