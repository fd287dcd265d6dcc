"""A production: a movie file, its volume and an engine, brought together and checked before the first frame.

What can be wrong with any frame of the movie is found here, in seconds, and not in the middle of the night.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from stackreel.errors import EngineError, StackreelError
from stackreel.frames.engine import Approximate, Engine, Output
from stackreel.frames.overlay import doubts
from stackreel.movie.subject import nothing_to_see, subject_of, without_background
from stackreel.scene.document import load
from stackreel.scene.scene import Scene
from stackreel.scene.timeline import Timeline
from stackreel.volume import Volume, open_registered
from stackreel.volume.holes import forgiving
from stackreel.volume.linked import amiss

FINAL_DETAIL, DRAFT_DETAIL = 1.5, 3.0
DRAFT = 4  # a draft is so many times smaller along each axis


@dataclass(frozen=True, slots=True)
class Production:
    """Everything that shooting needs, open and checked.

    timeline : at the frame rate and size asked for
    output   : size and detail of the pictures to render
    """

    timeline: Timeline
    volume: Volume
    engine: Engine
    output: Output

    @property
    def engine_identity(self) -> str:
        return f"{self.engine.name} {self.engine.version}"

    def at_size(self, size: tuple[int, int]) -> Production:
        """The same with pictures of (width, height)."""
        return replace(self, output=replace(self.output, size=size))

    def check(self, scenes: Iterable[tuple[float, Scene]]) -> list[str]:
        """What a viewer would miss in these scenes and their times, in sentences.

        Raises EngineError, naming the time, for a scene that the engine cannot draw.
        """
        titles = {}
        scenes = list(scenes)
        for seconds, scene in scenes:
            if reason := self.engine.refuse(scene):
                raise EngineError(f"at {seconds:g} s: the engine {self.engine.name} cannot draw this: {reason}")
            for title in scene.titles:
                titles[title.text, title.size] = title
        empty = nothing_to_see(self.volume)
        return [
            *([empty] if empty else []),
            *without_background(self.volume),
            *(said for one in self.volume.channels.values() or (self.volume,) for said in amiss(one)),
            *self._remarks([scene for _, scene in scenes]),
            *doubts(titles.values(), self.output.size),
        ]

    def _remarks(self, scenes: list[Scene]) -> list[str]:
        """What the engine draws otherwise than these scenes say."""
        if not isinstance(self.engine, Approximate):
            return []
        return list(self.engine.remarks(scenes, self.volume, self.output))


def produce(
    movie: Path,
    *,
    size: tuple[int, int] | None = None,
    fps: int | None = None,
    draft: bool = False,
    engine: str = "native",
    memory: int | None = None,
    threads: int | None = None,
    device: str = "auto",
    mpi: int | None = None,
    paraview: str | None = None,
    on_error: str = "stop",
    samples: int | None = None,
    transparent: bool = False,
) -> Production:
    """The production of a movie file.

    size, fps : other than the movie file says
    draft     : a quarter of the size along each axis, and coarser data
    memory    : bytes that the engine may use for the volume; its own choice without
    device    : "auto", "cpu" or "cuda": what the engine draws on
    mpi, paraview : how many processes, and which ParaView; see ParaViewEngine
    on_error  : "stop" at data that cannot be read, or draw a "hole" there
    samples   : rays a pixel, other than the movie file says; a draft has one
    transparent : without a background, whatever the movie file says

    Raises MovieFileError, VolumeError or EngineError, each saying where and how to mend it.
    """
    document = load(movie)
    if size or fps:
        output = document.spec.output
        output = output.model_copy(update={"size": size or output.size, "fps": fps or output.fps})
        document = replace(document, spec=document.spec.model_copy(update={"output": output}))
    chosen = engine_named(engine, memory=memory, threads=threads, device=device, mpi=mpi, paraview=paraview)
    volume = open_registered(document.volumes)
    if on_error == "hole":
        volume = forgiving(volume)
    timeline = document.timeline(subject_of(volume))
    if min(timeline.size) < 2:
        raise StackreelError(f"a picture of {timeline.size[0]} × {timeline.size[1]} pixels is too small to see")
    clear = transparent or document.spec.output.transparent
    if draft:
        picture = Output(draft_size(timeline.size), DRAFT_DETAIL, samples or 1, clear)
    else:
        picture = Output(timeline.size, FINAL_DETAIL, samples or document.spec.output.samples, clear)
    return Production(timeline, volume, chosen, picture)


def draft_size(size: tuple[int, int]) -> tuple[int, int]:
    """A quarter of the size along each axis, even: what MP4 can hold."""
    width, height = (max(2, 2 * round(n / DRAFT / 2)) for n in size)
    return width, height


def engine_named(
    name: str,
    *,
    memory: int | None = None,
    threads: int | None = None,
    device: str = "auto",
    mpi: int | None = None,
    paraview: str | None = None,
) -> Engine:
    """The engine with that name, ready to be opened."""
    if name == "paraview":
        if device == "cuda" or threads is not None:
            what = "--threads" if threads is not None else "--device cuda"
            raise EngineError(f"{what} is for the engine native; ParaView draws with what it was built for")
        from stackreel.paraview.engine import ParaViewEngine

        return ParaViewEngine(memory, mpi, paraview)
    if mpi is not None or paraview is not None:
        raise EngineError(f"{'--mpi' if mpi is not None else '--paraview'} goes with --engine paraview")
    if name == "native":
        from stackreel.frames.native import NativeEngine

        return NativeEngine(memory=memory, threads=threads, device=device)
    raise EngineError(f'there is no engine "{name}"; there are native and paraview')
