"""Shooting: every frame of a movie that the reel does not hold yet is rendered and kept.

A movie is a function of time, so each frame stands for itself: which frames are missing is known before the first
is rendered, a hold is rendered once however long it lasts, and a run that was stopped — Ctrl-C, a power cut, a job's
time limit — goes on with the frames that are missing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import numpy as np
import numpy.typing as npt

from stackreel.errors import DiskFullError
from stackreel.files import format_bytes
from stackreel.frames.engine import Foresighted, Frame, Output, Session
from stackreel.frames.overlay import draw_titles
from stackreel.movie.progress import frames_bar
from stackreel.movie.reel import Reel, frame_key
from stackreel.scene import Scene
from stackreel.scene.timeline import Timeline
from stackreel.volume.holes import Hole

_WAITING = 3  # finished pictures that may wait for the disk


@dataclass(frozen=True, slots=True)
class Take:
    """One frame of the movie: its number, its scene and the key under which the reel keeps it."""

    number: int
    scene: Scene
    key: str


@dataclass(frozen=True, slots=True)
class Report:
    """What shooting came to.

    rendered : frames that this run made (a hold counts once)
    reused   : frames that were there already or are the same picture as another
    seconds  : time spent, wall clock
    holes    : by the key of a take, the damaged chunks that its picture shows as nothing
    """

    rendered: int
    reused: int
    seconds: float
    holes: Mapping[str, tuple[Hole, ...]] = field(default_factory=dict)

    def picture(self, take: Take, reel: Reel) -> Path:
        """Where the picture of a take is; one with holes is kept apart, never as if it were whole."""
        return reel.path(_with_holes(take.key) if take.key in self.holes else take.key)


class Stopped(KeyboardInterrupt):
    """Ctrl-C or a request to end, obeyed after the frame in hand; str() says what is kept."""


def takes(timeline: Timeline, frames: range, *, data: str, engine: str, output: Output) -> tuple[Take, ...]:
    """The frames of a movie in order, each with its key.

    data   : the volume's fingerprint
    engine : name and version
    """
    scenes = ((number, timeline.at(timeline.time_of(number))) for number in frames)
    return tuple(Take(n, scene, frame_key(scene, data=data, engine=engine, output=output)) for n, scene in scenes)


def missing(movie: Sequence[Take], reel: Reel, size: tuple[int, int]) -> list[Take]:
    """The takes that have to be rendered, in order: those whose picture the reel does not hold whole, each once."""
    first = {take.key: take for take in reversed(movie)}
    wanted = sorted(first.values(), key=lambda take: take.number)
    if not reel.folder.is_dir():
        return wanted
    return [take for take in wanted if not reel.holds(take.key, size)]


def check_room(count: int, size: tuple[int, int], folder: Path) -> str | None:
    """A warning when count frames will probably not fit on the disk of folder; None when they will.

    Raises DiskFullError when they cannot fit. A rendered volume compresses to between a quarter byte and two
    bytes a pixel; the movie itself is small beside that.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    pixels = count * size[0] * size[1]
    least, likely = 0.05 * pixels, 1.5 * pixels
    if free < least:
        raise DiskFullError(
            f"{folder}: {format_bytes(free)} free, but {count} frames of {size[0]} × {size[1]} need about "
            f"{format_bytes(int(likely))}; free some space, write elsewhere with -o, or render smaller"
        )
    if free < likely:
        return f"{folder}: {format_bytes(free)} free; {count} frames may need up to {format_bytes(int(likely))}"
    return None


def draw(scene: Scene, session: Session) -> npt.NDArray[np.uint8]:
    """The finished picture of a scene, on its background and with its titles: uint8 (height, width, 3)."""
    return draw_titles(session.render(scene).over(scene.background), scene.titles)


def developed(frame: Frame, scene: Scene, transparent: bool) -> npt.NDArray[np.uint8]:
    """A frame on the scene's background, uint8 (height, width, 3); or without, (height, width, 4)."""
    return frame.straight if transparent else frame.over(scene.background)


def shoot(
    movie: Sequence[Take],
    session: Session,
    reel: Reel,
    size: tuple[int, int],
    *,
    transparent: bool = False,
    progress: bool = True,
) -> Report:
    """Render the frames that the reel misses; afterwards it holds them all.

    One frame is rendered at a time, on all cores; the one before is compressed and written meanwhile. Frames that
    another run puts into the reel in the meantime are taken as they come.
    Raises Stopped after Ctrl-C, DiskFullError when the disk is full, and what the session raises.
    """
    begun = time.perf_counter()
    wanted = missing(movie, reel, size)
    reel.sweep()
    rendered = done = 0
    drawn: tuple[Scene, npt.NDArray[np.uint8], tuple[Hole, ...]] | None = None
    holes: dict[str, tuple[Hole, ...]] = {}
    if isinstance(session, Foresighted):
        session.expect(bare for bare, _ in itertools.groupby(replace(take.scene, titles=()) for take in wanted))
    waiting: deque[Future[Path]] = deque()
    bar = frames_bar(len(wanted), "rendering", quiet=not progress)
    bar.set_postfix_str(f"{len(movie) - len(wanted)} reused", refresh=False)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="reel") as writer, bar, _stop_request() as stop:
            for take in wanted:
                if stop.is_set():
                    break
                if not reel.path(take.key).exists() or not reel.holds(take.key, size):
                    bare = replace(take.scene, titles=())
                    if drawn is None or drawn[0] != bare:
                        frame = session.render(bare)
                        drawn = (bare, developed(frame, bare, transparent), frame.holes)
                    if drawn[2]:
                        holes[take.key] = drawn[2]
                    key = _with_holes(take.key) if drawn[2] else take.key
                    waiting.append(writer.submit(reel.keep, key, draw_titles(drawn[1], take.scene.titles)))
                    rendered += 1
                done += 1
                bar.update()
                while waiting and (len(waiting) > _WAITING or waiting[0].done()):
                    waiting.popleft().result()
            while waiting:
                waiting.popleft().result()
    except DiskFullError as error:
        raise DiskFullError(
            f"{reel.folder}: the disk is full; {_kept(movie, reel)}; "
            "make room, then the same command goes on from there"
        ) from error
    if stop.is_set() and done < len(wanted):
        raise Stopped(f"stopped; {_kept(movie, reel)} in {reel.folder}, and the same command goes on from there")
    return Report(rendered, len(movie) - rendered, time.perf_counter() - begun, holes)


def hole_notes(movie: Sequence[Take], holes: Mapping[str, tuple[Hole, ...]]) -> list[str]:
    """What is missing in which frames, a sentence for each damaged chunk."""
    shown: dict[Hole, list[int]] = {}
    for take in movie:
        for hole in holes.get(take.key, ()):
            shown.setdefault(hole, []).append(take.number)
    return [f"{hole} cannot be read: nothing is drawn there in {_spans(numbers)}" for hole, numbers in shown.items()]


def _spans(numbers: Sequence[int]) -> str:
    """Frame numbers in words: "frame 3", "frames 3 to 8 and 12"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    said = [f"{a}" if a == b else f"{a} to {b}" for a, b in spans]
    together = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"frame{'s' if len(numbers) > 1 else ''} {together}"


def _with_holes(key: str) -> str:
    return f"{key}-holes"


def _kept(movie: Sequence[Take], reel: Reel) -> str:
    return f"{sum(reel.path(take.key).exists() for take in movie)} of {len(movie)} frames are kept"


@contextlib.contextmanager
def _stop_request() -> Iterator[threading.Event]:
    """An event that Ctrl-C (or SIGTERM, as a job scheduler sends it) sets; a second one stops at once."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        os.write(2, b"\nstopping after this frame; Ctrl-C once more stops at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
