"""A volume that can be shown although some of its chunks are damaged: these are empty, and it is known where.

One bad sector should not cost a night's rendering. What cannot be read counts as the background, or as the lowest value
where there is none; every such hole is kept in mind, so that whoever draws it can say so.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stackreel.errors import CorruptChunkError
from stackreel.geometry import Index3
from stackreel.volume.volume import Level, Volume


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """A stored chunk that could not be read: file, data set, level, place (z, y, x) in the chunk grid."""

    path: Path
    dataset: str
    level: int
    chunk: Index3

    def __str__(self) -> str:
        return f"{self.path}: level {self.level}, chunk {self.chunk} of {self.dataset}"


class ForgivingLevel:
    """A level whose damaged chunks read as `empty`; `holes` says, by place, which were met so far."""

    def __init__(self, level: Level, path: Path, empty: float) -> None:
        self._level, self._path, self._empty = level, path, empty
        self._lock = threading.Lock()
        self.holes: dict[Index3, Hole] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._level, name)

    def read_chunk(self, index: Index3) -> npt.NDArray[Any] | None:
        try:
            return self._level.read_chunk(index)
        except CorruptChunkError:
            with self._lock:
                self.holes[index] = Hole(self._path, self._level.dataset, self._level.index, index)
            return np.full(self._level.chunk, self._empty, self._level.dtype)

    def read(self, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        return read_box(cast(Level, self), box)


def forgiving(volume: Volume) -> Volume:
    """The same volume, with all its channels, showing holes instead of raising CorruptChunkError."""
    empty = volume.value_range[0] if volume.background is None else volume.background
    levels = tuple(cast(Level, ForgivingLevel(level, volume.path, empty)) for level in volume.levels)
    return replace(volume, levels=levels, channels={name: forgiving(v) for name, v in volume.channels.items()})


def holes_in(level: Level) -> dict[Index3, list[Hole]]:
    """The holes met so far in a level, by place in its chunk grid; of all its parts where it has several."""
    found: dict[Index3, list[Hole]] = {}
    for part in (level, *getattr(level, "levels", ())):
        for index, hole in list(getattr(part, "holes", {}).items()):
            found.setdefault(index, []).append(hole)
    return found


def read_box(level: Level, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
    """Samples of a (z, y, x) box inside a level, chunk by chunk."""
    starts = [s.start or 0 for s in box]
    stops = [n if s.stop is None else min(s.stop, n) for s, n in zip(box, level.shape, strict=True)]
    out = np.zeros([max(0, b - a) for a, b in zip(starts, stops, strict=True)], level.dtype)
    if out.size == 0:
        return out
    spans = [range(a // c, -(-b // c)) for a, b, c in zip(starts, stops, level.chunk, strict=True)]
    for index in itertools.product(*spans):
        chunk = level.read_chunk(cast(Index3, index))
        if chunk is None:
            continue
        into, take = [], []
        for i, c, a, b in zip(index, level.chunk, starts, stops, strict=True):
            lower, upper = max(i * c, a), min(i * c + c, b)
            into.append(slice(lower - a, upper - a))
            take.append(slice(lower - i * c, upper - i * c))
        out[tuple(into)] = chunk[tuple(take)]
    return out
