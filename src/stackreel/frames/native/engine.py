"""Our own renderer: any volume, in a fixed memory, on the processor's cores.

Each frame has a plan: the levels' shells from the camera; in each, the bricks that are in view and not hidden by the
transfer function. Pass by pass these are made resident, and the rays walk through them front to back. Where a shell
needs more bricks than there are slots, it is drawn in several passes, near to far and at last window by window: the
rays go on where they stopped, and the picture is the same to the last bit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import EngineError
from stackreel.frames.engine import Frame, Output, Session
from stackreel.frames.native import plan, projecting, view
from stackreel.frames.native.around import NOTHING_AROUND, Around, Surroundings, toward_light, weight_of
from stackreel.frames.native.books import brick_budget, open_books
from stackreel.frames.native.choosing import chosen, memory_of, open_device
from stackreel.frames.native.clipping import limits_of, planes_of
from stackreel.frames.native.device import Walk
from stackreel.frames.native.occlusion import coarse_level, coarse_values
from stackreel.frames.native.pool import BrickPool, for_each
from stackreel.frames.native.relief import Relief, field_of, no_relief, relief_level
from stackreel.frames.native.sheets import Sheets
from stackreel.frames.native.slicing import Inks, Slicer
from stackreel.frames.native.tables import LookUp, extinctions, look_up
from stackreel.geometry import Box, Placement
from stackreel.kernels import bricks as kernels
from stackreel.scene import Blend, Camera, Light, Scene, TransferFunction
from stackreel.volume import Level, Volume
from stackreel.volume.holes import Hole, holes_in

MOST_LABELS = 65_536


NOISE = 0.07


class NativeEngine:
    """stackreel's own renderer.

    memory : bytes that bricks may take; a quarter of the machine's, or what a graphics card has room for, when None
    threads: as many as there are cores when None
    stride : step along rays in voxels of the level
    device : "cpu", "cuda", or "auto", which is a graphics card where there is one

    Raises EngineError when the device is not there.
    """

    name = "native"
    version = "5"

    def __init__(
        self, memory: int | None = None, threads: int | None = None, stride: float = 1.5, device: str = "cpu"
    ) -> None:
        self.device = chosen(device)
        if self.device != "cpu":
            # its pictures differ from the processor's in the last bits
            self.version = f"{NativeEngine.version} {self.device}"
        self.memory = memory_of(self.device, memory)
        self.threads = threads or os.cpu_count() or 1
        self.stride = stride

    def refuse(self, scene: Scene) -> str | None:
        return several_channels(scene)

    def open(self, volume: Volume, output: Output) -> Session:
        if volume.channels or volume.kind == "axial":
            from stackreel.frames.native.mixed import MixedSession

            return MixedSession(self, volume, output)
        return NativeSession(self, volume, output)


def only_channel(scene: Scene) -> str | None:
    """The channel that gives all colours and opacities; None where there are several."""
    names = frozenset[str]().union(*(layer.channels for layer in scene.layers))
    return next(iter(names)) if len(names) == 1 else None


def several_channels(scene: Scene) -> str | None:
    """What cannot be drawn yet of a scene that shows several channels; None where there is nothing."""
    if only_channel(scene) is not None:
        return None
    if scene.blend != "composite" or scene.fade is not None:
        return "projections show one channel, and here colours or opacities come from several"
    return None


@dataclass(frozen=True)
class _Shot:
    """One frame on its way: what all its passes share. `state`, `cuts` and `limits` are as in kernels.march."""

    scene: Scene
    frame: npt.NDArray[np.float64]
    box: Box
    state: npt.NDArray[np.float32]
    cuts: npt.NDArray[np.float64]
    limits: npt.NDArray[np.float32]


class NativeSession:
    """The renderer at work on one volume: keeps bricks from frame to frame."""

    def __init__(self, engine: NativeEngine, volume: Volume, output: Output) -> None:
        self.volume, self.output, self.stride = volume, output.fine, engine.stride
        self._per_axis, output = output.per_axis, output.fine
        self.threads = ThreadPoolExecutor(engine.threads, "stackreel-render")
        if volume.kind != "intensity" and np.subtract(*volume.value_range[::-1]) > MOST_LABELS:
            raise EngineError(
                f"{volume.path}: {volume.kind} values run from {volume.value_range[0]:.0f} to "
                f"{volume.value_range[1]:.0f}; up to {MOST_LABELS} can be told apart. Renumber them, or convert "
                "with --kind intensity"
            )
        budget = brick_budget(engine.memory, volume, output)
        fetchers = max(1, engine.threads // 4)
        self.books = open_books(volume, output, budget, engine.stride, fetchers, threads=self.threads)
        self.pool = self._new_pool()
        self.cells = np.zeros(self.pool.capacity, np.uint64)
        self.device = open_device(engine.device, self.pool.samples, self.threads)
        self._layers: tuple[TransferFunction, ...] = ()
        self._blend: Blend = "composite"
        self._look_up: LookUp | None = None
        self._coarse: tuple[npt.NDArray[Any], Placement] | None = None
        self._relief: Relief | None = None
        self._flat = no_relief(self.pool.samples.dtype)
        self.surroundings = Surroundings()

    def close(self) -> None:
        self.books.chunks.close()
        self.device.close()
        self.threads.shutdown(wait=True, cancel_futures=True)

    def expect(self, scenes: Iterable[Scene]) -> None:
        """These scenes will be rendered, in this order: what they share is kept, and reading begins early."""
        self.books.expect(part for scene in scenes for part, _ in projecting.parts_of(scene))

    def render(self, scene: Scene) -> Frame:
        parts = [(self._rendered(part), share) for part, share in projecting.parts_of(scene)]
        first, share = parts[0]
        if len(parts) > 1:
            first = replace(
                first,
                rgba=np.float32(share) * first.rgba + sum(np.float32(s) * frame.rgba for frame, s in parts[1:]),
                samples=sum(frame.samples for frame, _ in parts),
                holes=tuple(sorted({hole for frame, _ in parts for hole in frame.holes})),
            )
        return first.shrunk(self._per_axis)

    def _rendered(self, scene: Scene) -> Frame:
        """A picture of one blend, with one ray a pixel."""
        width, height = self.output.size
        state = np.empty((height, width, 4), np.float32)
        projecting.begin(state, scene.blend)
        passes = self.books.frame(scene)
        laid = projecting.NOTHING_LAID
        samples = 0
        if passes:
            self._use(scene)
            frame, cuts = view.ray_frame(scene.camera, self.output.size), planes_of(scene.cuts)
            box = view.visible_box(self.volume.placement, scene.crop)
            shot = _Shot(scene, frame, box, state, cuts, limits_of(cuts, frame, self.output.size))
            if len((sheets := Sheets.of(scene, self.volume, height)).planes):
                laid = projecting.laid_on(state, scene.blend)
                samples = self._with_slices(shot, sheets, laid)
            else:
                while (one := self.books.future.advance()) is not None:
                    assert isinstance(one, plan.Pass)
                    samples += self._draw(one, shot)
            self.device.finish(state)
        finest = min((one.level for one in passes), default=len(self.volume.levels) - 1)
        look = self._look_up if passes else None
        projecting.finish(state, scene.blend, look, scene.transfer.opacity_unit, self.pool.offset, laid)
        return Frame(state, finest, samples, self._holes())

    def _with_slices(self, shot: _Shot, sheets: Sheets, laid: npt.NDArray[np.float32]) -> int:
        """Draw the slices of a scene, and the volume between them; returns the samples taken.

        laid : takes what slices show in a projection
        """
        scene, state, samples, at = shot.scene, shot.state, 0, -1
        inks, projected = self._inks(scene, sheets), None
        if scene.blend != "composite":
            assert self._look_up is not None
            shades = projecting.shades(self._look_up, scene.transfer.opacity_unit, self.pool.offset)
            projected = (laid, scene.blend == "average", *shades)
        slicer = Slicer(sheets, self.volume, shot.frame, state, shot.limits, self.threads)
        shot = replace(shot, limits=slicer.limits)
        while (one := self.books.future.advance()) is not None:
            if one.behind != at:
                self.device.finish(state)
                at = one.behind
                slicer.cross(at)
            if isinstance(one, plan.Pass):
                samples += self._draw(one, shot)
            else:
                self.device.finish(state)
                self._hold(one.level, self._wanted(one))
                slicer.lay(one, self.pool.slots[one.level], inks, projected)
        return samples

    def _inks(self, scene: Scene, sheets: Sheets) -> Inks:
        """What values look like on slices."""
        return Inks.of(sheets, scene, self.volume, self.pool)

    def _holes(self) -> tuple[Hole, ...]:
        """The damaged chunks that the frame just drawn may show."""
        found = self.books.holes()
        if self._coarse is not None:
            found.update(*holes_in(coarse_level(self.volume)).values())
        if self._relief is not None and (level := relief_level(self.volume)) is not None:
            found.update(*holes_in(level).values())
        return tuple(sorted(found))

    def _new_pool(self) -> BrickPool:
        return BrickPool(self.volume, self.books, self.threads)

    def _use(self, scene: Scene) -> None:
        """Forget what other transfer functions made visible."""
        if (scene.layers, scene.blend) != (self._layers, self._blend):
            self._layers, self._blend = scene.layers, scene.blend
            self._look_up = projecting.met_by(look_up(scene.transfer, self.volume, scene.added), scene.blend)
            self._note_cells(self.books.resident)

    def _note_cells(self, slots: npt.NDArray[np.int32]) -> None:
        table = self._look_up
        assert table is not None
        first = table.scale[0] - self.pool.offset
        parts = [part for part in np.array_split(slots, 8) if len(part)]
        for_each(
            self.threads,
            parts,
            lambda part: kernels.visible_cells(
                self.pool.low, self.pool.high, table.sums, first, table.scale[1], part, self.cells
            ),
        )

    def _draw(self, one: plan.Pass, shot: _Shot) -> int:
        """Make the bricks of a pass resident and send the rays of its window through them."""
        wanted = self._wanted(one)
        self._hold(one.level, wanted)
        return self._walk(one.planes, one.window, shot, self.volume.levels[one.level].placement, wanted)

    def _wanted(self, one: plan.AnyPass) -> npt.NDArray[np.bool_]:
        """The bricks of a pass, (z, y, x) of its level."""
        wanted = np.zeros(plan.brick_grid(self.volume.levels[one.level].shape), bool)
        wanted.reshape(-1)[one.bricks] = True
        return wanted

    def _hold(self, level: int, wanted: npt.NDArray[np.bool_]) -> None:
        filled = self.pool.hold(level, wanted)
        if len(filled):
            self._note_cells(filled)

    def _openness(self, scene: Scene) -> Around:
        """What kernels.march wants to know of hollows and shadows."""
        if self.volume.kind != "intensity":
            return NOTHING_AROUND
        planes = planes_of(scene.cuts)
        return self.surroundings.around(scene.layers, self._extinction, scene.crop, planes, scene.light, scene.camera)

    def _extinction(self) -> tuple[npt.NDArray[np.float32], Placement]:
        """Extinctions at the samples of a coarse level."""
        if self._coarse is None:
            level = coarse_level(self.volume)
            self._coarse = coarse_values(level, self.volume.value_range[0]), level.placement
        assert self._look_up is not None
        values, grid = self._coarse
        return extinctions(self._look_up, values), grid

    def _walk(
        self,
        planes: view.Planes,
        window: view.Window,
        shot: _Shot,
        grid: Placement,
        wanted: npt.NDArray[np.bool_],
    ) -> int:
        """Send the rays of a window through resident bricks."""
        assert self._look_up is not None
        scene, pool = shot.scene, self.pool
        return self.device.walk(
            Walk(
                planes=planes,
                window=window,
                frame=shot.frame,
                size=self.output.size,
                bounds=view.box_in_index(shot.box, grid),
                grid=grid,
                state=shot.state,
                limits=shot.limits,
                wanted=wanted,
                slots=pool.slots[planes.shell.level],
                samples=pool.samples,
                offset=pool.offset,
                cells=self.cells,
                look=self._look_up,
                light=self._light(scene),
                around=self._openness(scene),
                relief=self._slopes(scene).for_level(planes.shell.level),
                nearest=self.volume.kind != "intensity",
                blend=projecting.MODES[scene.blend],
                lamps=lamps_of(scene.light, scene.camera),
                cuts=shot.cuts,
                mixture=self._mixture(),
            )
        )

    def _slopes(self, scene: Scene) -> Relief:
        """What slopes are taken from; it is read when the first scene is drawn that has a lamp."""
        light = scene.light
        lit = max(light.diffuse, light.specular, light.fill, light.rim) > 0.0 and scene.blend == "composite"
        if self._relief is None and lit and (level := relief_level(self.volume)) is not None:
            self._relief = self._relief_of(level)
        return self._relief or self._flat

    def _relief_of(self, level: Level) -> Relief:
        values, grid = field_of(level, self.pool.samples.dtype, self.pool.kept, self.threads)
        return Relief(values, np.zeros(1, np.int64), grid, level.index)

    def _light(self, scene: Scene) -> npt.NDArray[np.float64]:
        return light_vector(scene.light, scene.camera, scene.transfer, self.output)

    def _mixture(self) -> tuple[Any, ...] | None:
        """What kernels.march wants to know where there are several channels."""
        return None


def lamps_of(light: Light, camera: Camera) -> npt.NDArray[np.float64]:
    """Fill and rim light as kernels.run.light_up wants them: weights and directions in the world, (2, 4)."""
    lamps = ((light.fill, light.fill_direction), (light.rim, light.rim_direction))
    return np.array([[weight, *toward_light(replace(light, direction=at), camera)] for weight, at in lamps])


def light_vector(light: Light, camera: Camera, transfer: TransferFunction, output: Output) -> npt.NDArray[np.float64]:
    """A light as kernels.run.light_up wants it: weights, direction in the world, what is noise, how far slopes reach.

    Slopes reach as far as a voxel that covers `detail` pixels.
    """
    low, high = transfer.span
    noise = NOISE * max(high - low, 1e-30)
    reach = camera.pixel_size(output.size[1]) * output.detail
    weights = (light.ambient, light.diffuse, light.specular, light.specular_power)
    return np.array([*weights, *toward_light(light, camera), noise, weight_of(light), reach])
