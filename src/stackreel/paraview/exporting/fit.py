"""Whether ParaView can draw a movie as it is meant, asked of every frame before anything is written.

What it cannot draw at all stops the export, with the place in the movie file; what it draws a little differently is
said once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stackreel.errors import EngineError
from stackreel.paraview.engine import refusal, shown
from stackreel.scene import Scene
from stackreel.scene.document import Document
from stackreel.scene.timeline import Timeline
from stackreel.volume import Volume


def notes_on(
    document: Document,
    timeline: Timeline,
    refuse: Callable[[Scene], str | None],
    approximations: Callable[[Scene], list[str]],
) -> list[str]:
    """What ParaView draws a little differently, with the place where it begins; each sentence once.

    refuse         : why a scene cannot be drawn at all, or None
    approximations : what a scene looks a little different in
    Raises EngineError for a movie with a frame that cannot be drawn.
    """
    found: dict[str, str] = {}
    for place, scene in _scenes(document, timeline):
        if reason := refuse(scene):
            raise EngineError(f"{place}: ParaView cannot draw this: {reason}")
        for said in approximations(scene):
            found.setdefault(said, place)
    return [f"{place}: {said}" for said, place in found.items()]


def refuse(scene: Scene) -> str | None:
    """Why a script cannot draw a scene; None when it can."""
    if scene.fade is not None:
        return (
            "one blend dissolves into another, which takes two pictures; let the blend change between two shots, "
            "in no time, or render with --engine native"
        )
    return refusal(scene)


def single_volume(volume: Volume, timeline: Timeline) -> Volume:
    """The one volume that all of a movie shows, of several that are registered.

    Raises EngineError where there are more, or where ParaView would draw it wrongly.
    """
    scenes = {name: scene for scene in timeline for name in scene.transfer.channels}
    if len({volume.channel(name).path for name in scenes}) > 1:
        raise EngineError(
            f"the movie shows several volumes ({', '.join(sorted(scenes))}), and a script for ParaView draws one; "
            "write a movie file for each, or render with --engine native"
        )
    return shown(volume, next(iter(scenes.values())))


def _scenes(document: Document, timeline: Timeline) -> Iterator[tuple[str, Scene]]:
    """Every frame's scene, and where in the movie file it comes from."""
    shots = {id(shot): k for k, shot in enumerate(timeline.shots)}
    before: Scene | None = None
    place = ""
    for frame in range(timeline.frames):
        seconds = timeline.time_of(frame)
        shot, scene = timeline.shot_at(seconds), timeline.at(seconds)
        if scene == before:
            continue
        k = shots[id(shot)]
        place = (
            _named(document, ("scene",), "scene")
            if frame == 0
            else _named(document, ("shots", k), f'shots[{k}] "{shot.name}", at {seconds:g} s')
        )
        yield place, scene
        before = scene


def _named(document: Document, path: tuple[str | int, ...], words: str) -> str:
    line = document._parsed.line_of(path)
    return f"{document.name}, {words}" if line is None else f"{document.name}:{line}, {words}"
