"""What a picture will need, as a value: which bricks of which level, pass by pass, before a byte of samples is read.

Camera, crop, transfer function, slices and the statistics of bricks say it all. The engine draws exactly these passes;
the pool, which is told the plans of coming frames, knows what to keep; and `stackreel plan` adds them up before a
night's rendering begins.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.frames.engine import Output
from stackreel.frames.native import view
from stackreel.frames.native.clipping import planes_of
from stackreel.frames.native.projecting import met_by
from stackreel.frames.native.sheets import Meeting, Sheets
from stackreel.frames.native.tables import LookUp, in_bricks, look_up, opacity_alone
from stackreel.geometry import Box, Index3
from stackreel.kernels import bricks as kernels
from stackreel.kernels.sample import BRICK
from stackreel.scene import Blend, Scene, TransferFunction
from stackreel.volume import Volume

FEW_PLANES = 8
NO_BRICKS = np.empty(0, np.int32)
FINER = 6.0  # times as many planes for projections: the brightest value of a thin vessel lies between two of them


def brick_grid(shape: Index3) -> Index3:
    """Bricks of the renderer along (z, y, x) of a level."""
    z, y, x = (-(-n // BRICK) for n in shape)
    return (z, y, x)


@dataclass(frozen=True, eq=False, slots=True)
class Pass:
    """Some planes of one level in a window of the picture, and the bricks that the rays may meet there.

    bricks : ascending places in the level's grid of bricks, flat; never none
    behind : how many crossings of slices lie in front of what rays gather here
    """

    planes: view.Planes
    window: view.Window
    bricks: npt.NDArray[np.int32]
    behind: int = 0

    @property
    def level(self) -> int:
        return self.planes.shell.level


@dataclass(frozen=True, eq=False, slots=True)
class SlicePass:
    """What slices show of one level in a window of the picture, where rays cross one after so many others.

    shells : all levels that slices show, near to far; turn : which of them this is
    bricks, behind : as in Pass
    """

    shells: tuple[view.Shell, ...]
    turn: int
    window: view.Window
    bricks: npt.NDArray[np.int32]
    behind: int

    @property
    def level(self) -> int:
        return self.shells[self.turn].level


AnyPass = Pass | SlicePass


class Planner:
    """Plans frames of one volume at one size; knows the bricks' statistics, and nothing of what is in memory.

    room    : how many bricks a pass of a scene may need at most
    stride  : step along rays in voxels of the level
    threads : that help; none without
    """

    def __init__(
        self,
        volume: Volume,
        output: Output,
        room: Callable[[Scene], int],
        stride: float,
        threads: ThreadPoolExecutor | None = None,
    ) -> None:
        self.volume, self.output, self.room, self.stride, self.threads = volume, output, room, stride, threads
        self._room = 0
        self._seen: tuple[tuple[TransferFunction, ...], Blend] = ((), "composite")
        self._clip = planes_of(())
        self._looks: tuple[tuple[str, LookUp], ...] = ()
        self._ranges: dict[tuple[str, int], tuple[npt.NDArray[Any], npt.NDArray[Any]]] = {}
        self._visible: dict[int, npt.NDArray[np.bool_]] = {}

    def rays(self, scene: Scene) -> int:
        """How many rays have to be followed, one by one, to plan a scene."""
        width, height = self.output.size
        return width * height if any(some.opacity > 0.0 for some in scene.slices) else 0

    def frame(self, scene: Scene) -> tuple[AnyPass, ...]:
        """The passes that draw a scene, in the order in which they must be drawn.

        Near to far, then by window; where there are slices, what lies before the first crossing of every ray, then what
        the slices show there, what lies before the second crossing, and so on.
        """
        self._clip, self._room = planes_of(scene.cuts), self.room(scene)
        if (scene.layers, scene.blend) != self._seen:
            self._seen = scene.layers, scene.blend
            self._looks = tuple((name, met_by(look, scene.blend)) for name, look in self.volume_looks(scene))
            self._visible.clear()
        sheets = Sheets.of(scene, self.volume, self.output.size[1])
        found: list[AnyPass] = []
        if not len(sheets.planes):
            self._volume(scene, 0, (0.0, np.inf), found)
            return tuple(found)
        meeting = Meeting(sheets, scene, self.volume, self.output, self._clip, self.threads)
        crossings, reach = meeting.within(meeting.window)
        for behind, (near, far) in enumerate(reach):
            if near < far:
                self._volume(scene, behind, (near, far), found)
            for turn, bricks in enumerate(crossings[behind] if behind < len(crossings) else ()):
                self._slices(meeting, SlicePass(meeting.shells, turn, meeting.window, bricks, behind), found)
        return tuple(found)

    def _slices(self, meeting: Meeting, one: SlicePass, found: list[AnyPass]) -> None:
        """Adds a pass of slices; cuts its window in half until the bricks fit into the pool."""
        if len(one.bricks) <= self._room or (parts := one.window.halves()) is None:
            if len(one.bricks):
                found.append(one)
            return
        for window in parts:
            bricks = meeting.within(window)[0][one.behind][one.turn]
            self._slices(meeting, replace(one, window=window, bricks=bricks), found)

    def _volume(self, scene: Scene, behind: int, reach: tuple[float, float], found: list[AnyPass]) -> None:
        """Adds the passes of the volume between two depths."""
        box = view.visible_box(self.volume.placement, scene.crop)
        if box.is_empty:
            return
        window = view.window_of(box, scene.camera, self.output.size)
        frame = view.ray_frame(scene.camera, self.output.size)
        placements = [level.placement for level in self.volume.levels]
        stride = self.stride if scene.blend == "composite" else self.stride / FINER
        for shell in view.shells(scene.camera, box, placements, self.output.size[1], self.output.detail):
            planes = view.Planes.of(shell, scene.camera, placements[shell.level], stride).narrowed(*reach)
            if planes.count:
                self._cut(Pass(planes, window, NO_BRICKS, behind), frame, box, found)

    def _cut(self, one: Pass, frame: npt.NDArray[np.float64], box: Box, found: list[AnyPass]) -> None:
        """Adds a pass with its bricks; cuts its planes or its window in half until the bricks fit into the pool."""
        planes, window = one.planes, one.window
        bricks = self._bricks_in_view(planes, window, frame, box)
        if len(bricks) <= self._room:
            if len(bricks):
                found.append(replace(one, bricks=bricks))
        elif planes.count > FEW_PLANES or (parts := window.halves()) is None:
            for half in planes.halves():
                self._cut(replace(one, planes=half), frame, box, found)
        else:
            for part in parts:
                self._cut(replace(one, window=part), frame, box, found)

    def _bricks_in_view(
        self, planes: view.Planes, window: view.Window, frame: npt.NDArray[np.float64], box: Box
    ) -> npt.NDArray[np.int32]:
        """The bricks, flat places, that the rays of a window may meet on such planes."""
        placement = self.volume.levels[planes.shell.level].placement
        lower, upper = view.box_in_index(box, placement)
        visible = self._visible_bricks(planes.shell.level)
        near, far = planes.depths
        corners = view.frustum_corners(frame, window, self.output.size, near, far)
        # where a ray enters and leaves the box, its sample may stand half a step from the plane
        margin = 0.5 * planes.step * float(np.linalg.norm(frame[1:], axis=1).sum())
        seen_lower, seen_upper = view.bounds_in_index(corners, margin, placement)
        shape = np.array(visible.shape)
        last = np.maximum(upper, lower)
        begin = np.floor(np.clip(seen_lower, lower, last)[::-1] / BRICK).astype(int)
        end = np.floor(np.clip(seen_upper, lower, last)[::-1] / BRICK).astype(int) + 1
        wanted = np.zeros(visible.shape, bool)
        bounds = view.frustum(frame, window, self.output.size, near, far, margin)
        bounds = np.concatenate([bounds, self._clip + np.array([0.0, 0.0, 0.0, margin])])
        kernels.bricks_in_view(
            visible,
            np.clip(begin, 0, shape - 1),
            np.clip(end, 1, shape),
            view.planes_in_index(bounds, placement),
            wanted,
        )
        return np.flatnonzero(wanted).astype(np.int32)

    def volume_looks(self, scene: Scene) -> tuple[tuple[str, LookUp], ...]:
        """By which channels something is visible, and at which of their values."""
        if not self.volume.channels:
            return (("", look_up(scene.transfer, self.volume, scene.added)),)
        return tuple((t.channel, look_up(opacity_alone(t), self.volume.channel(t.channel))) for t in scene.layers)

    def _visible_bricks(self, index: int) -> npt.NDArray[np.bool_]:
        """The bricks of a level, (z, y, x), that the transfer functions do not hide, by their statistics."""
        if index not in self._visible:
            shape = self.volume.levels[index].shape
            self._visible[index] = np.zeros(brick_grid(shape), bool)
            for name, table in self._looks:
                if (name, index) not in self._ranges:
                    level = self.volume.channel(name).levels[index]
                    self._ranges[name, index] = in_bricks(level.summary(), shape, BRICK)
                low, high = self._ranges[name, index]
                out = np.zeros_like(self._visible[index])
                kernels.visible_bricks(low, high, table.sums, table.scale[0], table.scale[1], out)
                self._visible[index] |= out
        return self._visible[index]
