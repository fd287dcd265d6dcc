"""What a movie will cost, before its first frame is rendered: data to read, memory, time, and where data run out.

Everything but the time follows from the plans of its frames (frames.native.plan), without reading samples. The time is
an estimate from a few real chunks, read and decoded, and two frames drawn small.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from stackreel.errors import EngineError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.forecast import Forecast, FrameNeeds, shown_of
from stackreel.movie.production import Production
from stackreel.scene import Scene
from stackreel.volume import Volume

TRIED_CHUNKS = 24
SMALLER = 4  # a frame is tried so many times smaller along each axis


@dataclass(frozen=True, slots=True)
class ShotSurvey:
    """What one shot needs.

    seconds  : from, to
    levels   : of the volume that its frames sample, finest first
    bricks   : bytes of bricks that its neediest frame holds
    passes   : of its neediest frame
    beyond   : seconds from and to, and how many pixels the finest voxel covers at most, where that is more than
    the pictures' detail allows; None where the data suffice
    """

    name: str
    seconds: tuple[float, float]
    levels: tuple[int, ...]
    bricks: int
    passes: int
    beyond: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Survey:
    """What a movie needs.

    frames, pictures : in the movie; to be rendered, equal ones once
    stored, decoded  : bytes to read from the file, and what they unpack to
    unique_stored, unique_decoded : the same, each chunk once: the least there can be
    bricks, most_bricks : different bricks met; bytes of those that the neediest frame holds
    brick_memory     : bytes that the memory given leaves for bricks
    passes, most_passes : over all pictures; of the neediest
    """

    frames: int
    pictures: int
    stored: int
    decoded: int
    unique_stored: int
    unique_decoded: int
    bricks: int
    most_bricks: int
    brick_memory: int
    passes: int
    most_passes: int
    shots: tuple[ShotSurvey, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried on this machine.

    chunks, chunk_bytes, chunk_seconds : chunks read and decoded, one after the other
    frames, frame_seconds              : frames drawn, and the time that one of full size takes, reading apart
    """

    chunks: int
    chunk_bytes: int
    chunk_seconds: float
    frames: int
    frame_seconds: float

    def seconds(self, survey: Survey, threads: int) -> float:
        """How long the movie takes: drawing, and what reading does not hide behind it."""
        reading = self.chunk_seconds / max(1, self.chunk_bytes) * survey.decoded / threads
        return self.frame_seconds * survey.pictures + reading


def survey(production: Production, frames: range) -> tuple[Survey, Forecast, list[tuple[Scene, FrameNeeds]]]:
    """What these frames of a movie need; with the forecast and the needs of each picture. Reads no samples.

    Raises EngineError when the memory is too little, or the engine makes no plans.
    """
    engine, timeline = production.engine, production.timeline
    if not isinstance(engine, NativeEngine):
        raise EngineError(f"the engine {engine.name} makes no plans; only native does")
    moments = [(timeline.time_of(k), timeline.at(timeline.time_of(k))) for k in frames]
    bare = [(at, replace(scene, titles=())) for at, scene in moments]
    scenes = list({scene: None for _, scene in bare})
    volume = shown_of(production.volume, scenes)
    forecast = Forecast(volume, production.output, engine.memory, engine.stride)
    pictures = list(zip(scenes, forecast.frames(scenes), strict=True))
    needs = dict(pictures)
    chunks = np.unique(np.concatenate([need.chunks for _, need in pictures]))
    level_of = np.searchsorted(forecast.books.chunks.first, chunks, "right") - 1
    each = forecast.brick_bytes
    detail = production.output.detail
    shots = []
    for name, some in groupby(bare, key=lambda one: timeline.shot_at(one[0]).name):
        here = [(at, scene, needs[scene]) for at, scene in some]
        covered = [(at, _pixels(scene, need, volume, production.output)) for at, scene, need in here]
        over = [(at, pixels) for at, pixels in covered if pixels > detail * 1.001]
        shots.append(
            ShotSurvey(
                name,
                (here[0][0], here[-1][0] + 1.0 / timeline.fps),
                tuple(sorted({k for _, _, need in here for k in need.levels})),
                max(len(need.bricks) for _, _, need in here) * each,
                max(need.passes for _, _, need in here),
                (over[0][0], over[-1][0], max(pixels for _, pixels in over)) if over else None,
            )
        )
    found = Survey(
        len(frames),
        len(pictures),
        sum(need.stored for _, need in pictures),
        sum(need.decoded for _, need in pictures),
        forecast.stored_bytes(chunks),
        sum(forecast.chunk_bytes(int(k)) for k in level_of),
        len(np.unique(np.concatenate([need.bricks for _, need in pictures]))),
        max(shot.bricks for shot in shots),
        forecast.books.capacity * each,
        sum(need.passes for _, need in pictures),
        max(shot.passes for shot in shots),
        tuple(shots),
    )
    return found, forecast, pictures


def _pixels(scene: Scene, need: FrameNeeds, volume: Volume, output: Output) -> float:
    """How many pixels the finest voxel covers where the nearest of what is in view lies."""
    if need.nearest is None:
        return 0.0
    return float(min(volume.placement.step) / (scene.camera.pixel_size(output.size[1]) * need.nearest))


def try_out(production: Production, forecast: Forecast, pictures: Sequence[tuple[Scene, FrameNeeds]]) -> Trial:
    """Read a few of the movie's chunks, and draw two of its frames small, with voxels as fine as in the large ones."""
    numbers = np.unique(np.concatenate([need.chunks for _, need in pictures]))
    numbers = numbers[np.unique(np.linspace(0, len(numbers) - 1, min(TRIED_CHUNKS, len(numbers))).astype(int))]
    begun, total = time.perf_counter(), 0
    for number in numbers.tolist():
        level, index = forecast.books.chunks.place(number)
        level.read_chunk(index)
        total += forecast.chunk_bytes(level.index)
    reading = time.perf_counter() - begun
    output = production.output
    size = (max(2, output.size[0] // SMALLER), max(2, output.size[1] // SMALLER))
    ratio = output.size[0] * output.size[1] / (size[0] * size[1])
    session = production.engine.open(production.volume, replace(output, size=size, detail=output.detail / SMALLER))
    spent = []
    try:
        for at in sorted({len(pictures) // 4, 3 * len(pictures) // 4}):
            for _ in range(2):  # the first time reads, and may compile
                begun = time.perf_counter()
                session.render(pictures[at][0])
                last = time.perf_counter() - begun
            spent.append(last)
    finally:
        session.close()
    return Trial(len(numbers), total, reading, len(spent), float(np.mean(spent)) * ratio)
