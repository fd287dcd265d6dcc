"""A volume that is not finished, opened as if it were: all that is safe on the disk, nothing where more will come.

    open_volume("brain.h5.partial")

The file itself is no HDF5 yet; where its chunks lie, its journal says. Levels that wait for more samples are shown as
far as they go, from the look ahead beside the file (volume.preview), where a conversion that follows a scan left one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import CorruptChunkError, VolumeError
from stackreel.geometry import Index3, Placement, Spacing
from stackreel.volume.checkpoint import Progress
from stackreel.volume.codec import unpack
from stackreel.volume.counting import Counter
from stackreel.volume.holes import read_box
from stackreel.volume.journal import Record, journal_of, preview_of, read_journal
from stackreel.volume.levels import LevelWriter
from stackreel.volume.preview import read_preview
from stackreel.volume.pyramid import CHUNK, SLAB, LevelPlan, plan_levels
from stackreel.volume.reduction import Reduction
from stackreel.volume.sections import SectionHashes
from stackreel.volume.volume import Summary, Volume

ENDING = ".partial"


def open_partial(path: Path, name: str | None = None) -> Volume:
    """What there is of a volume that is still being made, or whose making was stopped.

    `provenance["unfinished"]` says how much that is. Later calls show more.
    Raises VolumeError where nothing can be shown yet.
    """
    found = read_journal(journal_of(path))
    if found is None:
        raise VolumeError(f"{path}: {journal_of(path).name} beside it is gone, or none; it cannot be opened without")
    settings, records, _ = found
    if not records:
        raise VolumeError(f"{path}: nothing of it is there yet; the first {SLAB} sections show when all of them are in")
    if str(settings.get("samples", "copied")) != "copied":
        raise VolumeError(f"{path}: linked volumes can be opened when they are finished")
    if name not in (None, settings["name"]):
        raise VolumeError(f'{path} holds no volume "{name}"; it holds {settings["name"]}')
    try:
        return _Partial(path, settings, records).volume()
    except (KeyError, TypeError, IndexError) as error:
        raise VolumeError(f"{path}: begun by another version of stackreel ({error}); --restart begins anew") from error


class PartialLevel:
    """One resolution of an unfinished volume; a Level.

    stored : of chunks that are not in the file yet, by place: (plain, hash, bytes) from the look ahead
    """

    def __init__(
        self,
        file: _File,
        level: LevelWriter,
        placement: Placement,
        empty: float,
        stored: Mapping[Index3, tuple[bool, int, bytes]],
    ) -> None:
        plan = level.plan
        self._file, self._shelf, self._empty, self._stored = file, level.samples, empty, stored
        self._statistics = level.statistics
        self.index, self.shape, self.factors, self.chunk = plan.index, plan.shape, plan.factors, plan.chunk
        self._brick = plan.brick
        self.placement = placement
        self.dataset = f"level {plan.index}"
        self.dtype = level.samples.dtype
        self.bytes_read = 0

    @property
    def stored_bytes(self) -> int:
        return int(self._shelf.sizes.sum()) + sum(len(stored) for _, _, stored in self._stored.values())

    def summary(self) -> Summary:
        return Summary(self._brick, *(self._statistics[key] for key in ("low", "high", "mask")))

    def stored_chunks(self) -> npt.NDArray[np.int64]:
        sizes = self._shelf.sizes.copy()
        if self._empty:
            sizes[~self._shelf.done] = 1  # what is not there is not zero, but background
        for place, (_, _, stored) in self._stored.items():
            sizes[place] = len(stored)
        return sizes

    def read_chunk(self, index: Index3) -> npt.NDArray[Any] | None:
        index = cast(Index3, tuple(int(i) for i in index))
        if self._shelf.done[index]:
            size = int(self._shelf.sizes[index])
            stored = self._file.read(int(self._shelf.offsets[index]), size) if size else b""
            plain, digest = bool(self._shelf.plain[index]), int(self._shelf.hashes[index])
        elif index in self._stored:
            plain, digest, stored = self._stored[index]
        elif self._empty:
            return np.full(self.chunk, self._empty, self.dtype)
        else:
            return None
        if not stored:
            return None
        self.bytes_read += len(stored)
        try:
            if xxhash.xxh3_64_intdigest(stored) != digest:
                raise ValueError("its hash differs from that of what was written; was its making begun anew?")
            return unpack(
                stored, self.chunk, self.dtype, shuffled=self.dtype.itemsize > 1 and not plain, deflated=not plain
            )
        except ValueError as error:
            raise CorruptChunkError(
                f"{self._file.path}: level {self.index}, chunk {index} is damaged ({error})"
            ) from error

    def read(self, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        return read_box(self, box)


class _Partial:
    def __init__(self, path: Path, settings: Mapping[str, Any], records: Sequence[Record]) -> None:
        self.path, self.settings = path, settings
        shape = cast(Index3, tuple(settings["shape"]))
        self.dtype = np.dtype(settings["type"])
        unit = settings["unit"]
        z, y, x = settings["spacing"]
        self.spacing = Spacing(z, y, x, "" if unit == "none" else unit)
        self.reduction = Reduction(**settings["reduction"])
        self.placement = Placement.of(shape, self.spacing)
        plans = plan_levels(shape, self.spacing, self.dtype.itemsize)
        if [[list(plan.shape), list(plan.chunk)] for plan in plans] != settings["levels"]:
            raise VolumeError(f"{path}: begun by another version of stackreel; --restart begins anew")
        self.empty = self.reduction.background or 0.0
        self.levels = [self._level(plan) for plan in plans]
        self.counter = Counter(self.dtype)
        hashes = [SectionHashes(shape) for key in ("hashes0", "hashes1") if key in records[-1]]
        self.bands = Progress(self.levels, self.counter, hashes).restore(records)
        self.said = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for one in hashes:
            self.said.update(one.table.tobytes())

    def _level(self, plan: LevelPlan) -> LevelWriter:
        level = LevelWriter(
            _Nowhere(), "", plan, self.dtype, CHUNK[1], companion=self.reduction.companion, empty=self.empty
        )
        level.low[...], level.high[...], level.mask[...] = self.empty, self.empty, 1
        return level

    def volume(self) -> Volume:
        ahead = self._ahead()
        file = _File(self.path)
        levels = [
            PartialLevel(file, level, self.placement.reduced(level.plan.factors), self.empty, ahead[level.plan.index])
            for level in self.levels
        ]
        full = self.levels[0].samples.done
        # a section is in when all chunks of its slab are
        sections = min(int(full.all(axis=(1, 2)).sum()) * self.levels[0].plan.chunk[0], self.placement.shape[0])
        return Volume(
            path=self.path,
            name=str(self.settings["name"]),
            kind=self.reduction.kind,
            period=self.reduction.period,
            background=self.reduction.background,
            dtype=self.dtype,
            spacing=self.spacing,
            placement=self.placement,
            value_range=self.counter.value_range,
            histogram=self.counter.histogram(),
            fingerprint=self.said.hexdigest()[:32],
            levels=tuple(levels),
            reduced_by=str(self.reduction.how),
            provenance={"unfinished": f"{sections} of {self.placement.shape[0]} sections"},
        )

    def _ahead(self) -> list[dict[Index3, tuple[bool, int, bytes]]]:
        """Of every level, the chunks that are not in the file yet but in the look ahead; and their statistics."""
        out: list[dict[Index3, tuple[bool, int, bytes]]] = [{} for _ in self.levels]
        found = read_preview(preview_of(self.path))
        if found is None:
            return out
        stored, at = found["stored"].tobytes(), 0
        for row in found["chunks"]:
            level = self.levels[int(row["shelf"])]
            place = cast(Index3, tuple(int(p) for p in row["place"]))
            where = level.bricks(place)
            count = level.mask[where].size
            if not level.samples.done[place]:
                begin = int(row["offset"])
                out[level.plan.index][place] = (
                    bool(row["plain"]),
                    int(row["hash"]),
                    stored[begin : begin + int(row["size"])],
                )
                for key, values in level.statistics.items():
                    values[where] = found[key][at : at + count].reshape(values[where].shape)
            at += count
        self.said.update(found["chunks"].tobytes())
        return out


class _File:
    """The unfinished file, open for reading: what was written to it stays where it is when it gets its final name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDONLY)

    def read(self, offset: int, size: int) -> bytes:
        try:
            return os.pread(self._handle, size, offset)
        except OSError as error:
            raise CorruptChunkError(f"{self.path} cannot be read ({error.strerror})") from error

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            os.close(self._handle)


class _Nowhere:
    """A Store that takes nothing: levels are only to remember what an earlier run wrote."""

    file: h5py.File = None

    def create(self, *_: Any, **__: Any) -> None:
        return None

    def add_again(self, *_: Any, **__: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)
