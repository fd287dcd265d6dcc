"""ParaView as an engine: `stackreel render --engine paraview` has the same movie drawn by ParaView itself.

It is there to look at a movie in the very program that it was tried in, to have a second opinion on a picture, and for
machines that have ParaView on graphics cards. What ParaView cannot draw is told before the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stackreel.errors import EngineError
from stackreel.files import format_bytes
from stackreel.frames.engine import Frame, Output
from stackreel.frames.native.choosing import default_memory
from stackreel.paraview import staging
from stackreel.paraview.finding import Installation, find_paraview
from stackreel.paraview.process import Process
from stackreel.scene import Blend, Scene
from stackreel.volume import Volume

DRAWN = 1  # part of every frame's key: raise it when pictures change

_NATIVE = "--engine native draws it"


class ParaViewEngine:
    """The ParaView of this machine.

    memory   : bytes that it may hold of the volume; a quarter of the machine's, as a power of two, when None
    mpi      : processes that draw together; 1 is one without MPI
    paraview : a folder, a program, or a version's beginning, as `find_paraview` takes it; the first found when None

    Raises EngineError when there is no ParaView.
    """

    name = "paraview"

    def __init__(self, memory: int | None = None, mpi: int | None = None, paraview: str | None = None) -> None:
        found = [one for one in find_paraview(paraview) if one.pvpython or one.pvbatch]
        if not found:
            raise EngineError(
                "there is no ParaView with pvpython here; install it (Debian, Ubuntu: apt install paraview "
                "python3-paraview; else paraview.org/download), or name it: --paraview FOLDER, or STACKREEL_PARAVIEW"
            )
        self.installation: Installation = found[0]
        self.memory = memory or 1 << (default_memory().bit_length() - 1)
        self.processes = mpi or 1
        together = f", {self.processes} processes" if self.processes > 1 else ""
        # how much fits decides which level is drawn
        self.version = f"{DRAWN} ({self.installation.version_text}, {self.memory} bytes{together})"

    def refuse(self, scene: Scene) -> str | None:
        """Why ParaView cannot draw a scene; None when it can."""
        return refusal(scene)

    def remarks(self, scenes: Sequence[Scene], volume: Volume, output: Output) -> list[str]:
        """What ParaView will draw otherwise than these scenes say, in sentences. EngineError where it cannot at all."""
        said: dict[str, None] = {}
        coarser: dict[tuple[int, int], int] = {}
        for scene in scenes:
            said.update(dict.fromkeys(staging.approximations(scene)))
            choice = staging.choose_level(shown(volume, scene), scene, output, self.memory)
            if choice.level > choice.wanted:
                key = (choice.wanted, choice.level)
                coarser[key] = coarser.get(key, 0) + 1
        for (wanted, level), count in sorted(coarser.items()):
            said[
                f"in {count} of {len(scenes)} frames ParaView draws level {level} where the picture asks for {wanted}: "
                f"more does not fit into {format_bytes(self.memory)} (--memory), or into what it takes at once"
            ] = None
        return list(said)

    def open(self, volume: Volume, output: Output) -> ParaViewSession:
        return ParaViewSession(self, volume, output)


class ParaViewSession:
    """ParaView at work on one volume: started once, told frame after frame."""

    def __init__(self, engine: ParaViewEngine, volume: Volume, output: Output) -> None:
        for one in volume.channels.values() or (volume,):
            if (reason := staging.closed(one)) is not None:
                raise EngineError(reason)
        self.volume, self.output, self.memory = volume, output, engine.memory
        self._process = Process(engine.installation, output.fine.size, engine.processes)
        self._alone = engine.processes == 1
        self._checked: set[tuple[str, tuple[int, ...] | None]] = set()

    def close(self) -> None:
        self._process.close()

    def render(self, scene: Scene) -> Frame:
        """The picture. EngineError, saying what ParaView said, when there is none."""
        bare = replace(scene, titles=(), fade=None)
        frame = self._drawn(bare)
        if scene.fade is not None:
            blend, share = scene.fade
            other = self._drawn(replace(bare, blend=blend))
            frame = replace(frame, rgba=np.float32(1.0 - share) * frame.rgba + np.float32(share) * other.rgba)
        return frame.shrunk(self.output.per_axis)

    def _drawn(self, scene: Scene) -> Frame:
        volume = shown(self.volume, scene)
        choice = staging.choose_level(volume, scene, self.output, self.memory)
        state = staging.state_of(scene, choice.data)
        state["interpolation"] = "nearest" if volume.kind == "label" else "linear"
        pixels, told = self._process.draw(state, self.output.transparent)
        self._check(volume, choice, told)
        width, height = self.output.fine.size
        rgba = np.frombuffer(pixels, np.uint8).reshape(height, width, 4)[::-1].astype(np.float32) / np.float32(255.0)
        if not self.output.transparent:
            rgba[..., 3] = 1.0  # ParaView's background is behind it
        return Frame(np.ascontiguousarray(rgba), choice.level)

    def _check(self, volume: Volume, choice: staging.Choice, told: dict[str, Any]) -> None:
        """EngineError where ParaView took zeros for samples, without a word, as its readers do."""
        key = (str(choice.file), choice.extent)
        if key in self._checked:
            return
        self._checked.add(key)
        low, high = told["samples"]  # of several processes, what the first one holds
        if self._alone and low == high == 0.0 and _highest(volume, choice) > 0.0:
            raise EngineError(
                f"{choice.file}: ParaView reads nothing but zeros where there are samples; does its HDF5 lack the "
                f"filter that packed them? `stackreel doctor {volume.path}` tells. --engine native draws them"
            )


def refusal(scene: Scene) -> str | None:
    """Why ParaView cannot draw a scene; None when it can."""
    channels = frozenset[str]().union(*(layer.channels for layer in scene.layers))
    if len(scene.layers) > 1 or len(channels) > 1:
        return f"ParaView draws one channel, and here {len(channels)} are shown together; {_NATIVE}"
    transfer = scene.transfer
    if transfer.mask or transfer.brightness:
        return f"parts are hidden, dimmed or shaded by labels, which ParaView's ray caster does not do; {_NATIVE}"
    if transfer.color_period is not None:
        return f"its colours come round again with the values, which ParaView's colour maps do not; {_NATIVE}"
    blends: tuple[Blend, ...] = (scene.blend, *([scene.fade[0]] if scene.fade else []))
    if "average" in blends:
        return f"ParaView shows a mean along rays without its colours and opacities; {_NATIVE}"
    if scene.slices and set(blends) != {"composite"}:
        return f"there are slices in a projection, which ParaView draws behind it; {_NATIVE}"
    return None


def shown(volume: Volume, scene: Scene) -> Volume:
    """The volume of the one channel that a scene shows. EngineError where ParaView would draw it wrongly."""
    shown = volume.channel(scene.transfer.channel)
    if shown.kind == "axial":
        raise EngineError(
            f"{shown.path}: between two directions ParaView takes the mean of their numbers, and between 179° and 1° "
            f"lies 90° then; {_NATIVE}"
        )
    return shown


def _highest(volume: Volume, choice: staging.Choice) -> float:
    """The highest value that the bricks well inside of what is read hold."""
    summary = volume.levels[choice.level].summary()
    if choice.extent is None:
        return float(summary.high.max())
    ends: list[slice] = []
    for axis, brick in zip((2, 1, 0), summary.brick, strict=True):
        first, last = choice.extent[2 * axis], choice.extent[2 * axis + 1]
        ends.append(slice(-(-first // brick), max(-(-first // brick), (last + 1) // brick)))
    inside = summary.high[tuple(ends)]
    return float(inside.max()) if inside.size else 0.0
