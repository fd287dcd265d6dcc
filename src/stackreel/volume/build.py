"""From slices to a volume file in one pass: every section is read once, in bands of rows, and never held whole.

A slab of 32 sections goes by in bands of 128 to 512 rows. Each band is cut into chunks; each chunk is summarised,
packed and reduced while it is in the processor's cache, in threads; the reduced samples fill the next level's band,
and so on up the pyramid. The file stands under a temporary name until it is complete.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stackreel._version import __version__
from stackreel.errors import DiskFullError, StackreelError, VolumeError
from stackreel.files import true_path
from stackreel.geometry import Index3, Placement, Spacing
from stackreel.kernels import summarise as kernels
from stackreel.slices.checks import TYPES, way_out
from stackreel.slices.source import SliceSource
from stackreel.volume.bands import bands
from stackreel.volume.behind import WriteBehind
from stackreel.volume.codec import LEVEL, NOT_WORTH_PACKING, SKIP_FILTERS, checksum, checksum_within, pack, shrinks_to
from stackreel.volume.counting import Counter
from stackreel.volume.hdf5 import FORMAT, RESERVED, open_volume
from stackreel.volume.output import check_output, says_no_room, sync, temporary
from stackreel.volume.pyramid import CHUNK, SLAB, LevelPlan, plan_levels
from stackreel.volume.reduction import Reduction
from stackreel.volume.volume import Volume

BAND_BYTES = 32 << 20

Progress = Callable[[int], object]
Finish = Callable[[h5py.File, str, Sequence[Placement]], None]
Packed = tuple[Index3, bytes, int]  # offset, stored bytes, HDF5 filter mask


@dataclass(frozen=True)
class Recipe:
    """What to make of the slices.

    name       : of the data set, as ParaView will show it
    spacing    : of the samples
    reduction  : what coarser levels hold
    provenance : words to keep with the data
    threads    : that pack and reduce
    """

    name: str
    spacing: Spacing
    reduction: Reduction = field(default_factory=lambda: Reduction("intensity"))
    provenance: Mapping[str, str] = field(default_factory=dict)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        if not self.name or self.name in RESERVED or any(c in self.name for c in "/.:\\ \t\n\"'<>&"):
            raise VolumeError(
                f'"{self.name}" cannot name a volume: use letters, digits, - and _, and none of {", ".join(RESERVED)}'
            )


def build(
    source: SliceSource,
    out: str | Path,
    recipe: Recipe,
    *,
    overwrite: bool = False,
    progress: Progress = lambda _: None,
    finish: Finish = lambda _file, _name, _placements: None,
) -> Volume:
    """Write the volume file for a stack and open it.

    out      : where it stands at the end; a symbolic link stays, and the file that it leads to is made
    progress : called with the number of bytes of full resolution that have been taken in since the last call
    finish   : called with the open file, the name and all levels' placements; adds what other programs want
    Raises OutputExistsError, DiskFullError, SliceError or VolumeError; then nothing is left behind.
    """
    out = Path(out)
    check_output(out, overwrite=overwrite)
    if source.dtype.name not in TYPES:
        raise VolumeError(
            f"slices of type {source.dtype} cannot become a volume; possible are {', '.join(TYPES)}: "
            f"{way_out(source.dtype)}"
        )
    recipe.reduction.check(source.dtype)
    target = true_path(out)
    try:
        with temporary(target) as partial:
            with h5py.File(partial, "w", libver=("earliest", "v110"), locking=False) as file:
                with WriteBehind(partial) as behind:
                    builder = _Builder(file, source, recipe, progress, target.parent, behind)
                    builder.run()
                full = Placement.of(source.shape, recipe.spacing)
                finish(file, recipe.name, [full.reduced(level.plan.factors) for level in builder.levels])
            sync(partial)
        sync(target.parent)
    except (OSError, RuntimeError) as error:
        if isinstance(error, StackreelError):
            raise
        if says_no_room(error):
            raise DiskFullError(
                f"{target.parent}: the disk is full, or a quota or limit is reached; nothing was left behind. "
                "Free some space, or write elsewhere"
            ) from error
        raise VolumeError(f"{out}: could not be written ({str(error).splitlines()[0]})") from error
    return open_volume(out, recipe.name)


def band_rows(row_bytes: int) -> int:
    """Rows of a section in one band: whole chunks, as many as keep a slab of them within 32 MiB, one to four."""
    chunks = BAND_BYTES // (SLAB * CHUNK[1] * row_bytes)
    return CHUNK[1] * (4 if chunks >= 4 else 2 if chunks >= 2 else 1)


class _LevelWriter:
    """One level under construction: its data set, its statistics, and the samples that wait for a full band."""

    def __init__(self, file: h5py.File, name: str, plan: LevelPlan, dtype: np.dtype[Any], band_rows: int) -> None:
        self.plan = plan
        where = f"/{name}" if plan.index == 0 else f"/levels/{name}/{plan.index}"
        self.dataset = file.create_dataset(
            where,
            plan.shape,
            dtype,
            chunks=plan.chunk,
            fillvalue=0,
            compression="gzip",
            compression_opts=LEVEL,
            shuffle=dtype.itemsize > 1,
        )
        if plan.index == 0:
            file[f"/levels/{name}/0"] = self.dataset
        self.dataset.attrs["factors"] = np.asarray(plan.factors, np.int64)
        self.low = np.zeros(plan.bricks, dtype)
        self.high = np.zeros(plan.bricks, dtype)
        self.mask = np.zeros(plan.bricks, np.uint64)
        self.checksums = np.zeros(plan.chunks, np.uint32)
        self.depth = SLAB // plan.factors[0] if plan.streamed else SLAB
        self.rows = max(CHUNK[1], band_rows // plan.factors[1]) if plan.streamed else plan.shape[1]
        self.band = (min(self.depth, plan.shape[0]), min(self.rows, plan.shape[1]), plan.shape[2])
        self.waiting = np.empty(self.band if plan.index else (0, 0, 0), dtype)
        self.statistics = (("low", self.low), ("high", self.high), ("mask", self.mask), ("checksums", self.checksums))
        self.z0 = 0  # plane and row where the waiting samples begin
        self.y0 = 0


@dataclass(frozen=True)
class _Band:
    """Samples (z, y, x) of a level that are complete, and the plane and row where they begin."""

    index: int
    samples: npt.NDArray[Any]
    z0: int
    y0: int


@dataclass(frozen=True)
class _Flight:
    """A band on its way through the pool: its chunks in order, and the band of the next level that it completes."""

    jobs: Sequence[Future[Packed | None]]
    level: _LevelWriter
    completes: _Band | None


class _Builder:
    """The pass itself. Only the calling thread touches the HDF5 file; the pool does the numbers.

    Bands go through the pool one after the other, those of all levels, and are written in that order; the next band of
    sections is always begun before one is waited for, so that the pool never runs dry.
    """

    def __init__(
        self,
        file: h5py.File,
        source: SliceSource,
        recipe: Recipe,
        progress: Progress,
        scratch: Path,
        behind: WriteBehind,
    ) -> None:
        self.file, self.source, self.recipe, self.progress, self.scratch = file, source, recipe, progress, scratch
        self.behind = behind
        self.dtype = source.dtype
        plans = plan_levels(source.shape, recipe.spacing, source.dtype.itemsize)
        self.band_rows = band_rows(source.shape[2] * source.dtype.itemsize)
        self.levels = [_LevelWriter(file, recipe.name, plan, source.dtype, self.band_rows) for plan in plans]
        self.counter = Counter(source.dtype)
        self.own = threading.local()
        self.flights: deque[_Flight] = deque()

    def run(self) -> None:
        with ThreadPoolExecutor(self.recipe.threads, "stackreel-pack") as self.pool:
            self.pool.submit(self._load_kernels)
            try:
                for z0, y0, samples in bands(self.source, SLAB, self.band_rows, self.scratch):
                    latest = self._begin(_Band(0, samples, z0, y0))
                    while self.flights[0] is not latest:
                        self._finish(self.flights.popleft())
                    self.progress(samples.nbytes)
                while self.flights:
                    self._finish(self.flights.popleft())
            finally:
                self.pool.shutdown(wait=True, cancel_futures=True)
        self._describe()

    def _load_kernels(self) -> None:
        """Have Numba fetch its compiled code while the first sections are read."""
        kernels.copy_unless_zero(np.zeros((1, 1, 2), self.dtype)[:, :, :1], np.zeros((1, 1, 1), self.dtype))

    def _begin(self, band: _Band) -> _Flight:
        """Have the pool work on a band."""
        samples, (rows, columns) = band.samples, CHUNK[1:]
        jobs = []
        for y in range(0, samples.shape[1], rows):
            for x in range(0, samples.shape[2], columns):
                block, at = samples[:, y : y + rows, x : x + columns], (band.z0, band.y0 + y, x)
                jobs.append(self.pool.submit(self._chunk, band.index, block, at, self._above(band.index, block, at)))
        flight = _Flight(jobs, self.levels[band.index], self._completed(band))
        self.flights.append(flight)
        return flight

    def _finish(self, flight: _Flight) -> None:
        """Write a band, and begin with the one that it completes."""
        for job in flight.jobs:
            if (packed := job.result()) is not None:
                at, stored, filters = packed
                flight.level.dataset.id.write_direct_chunk(at, stored, filters)
                self.behind.wrote(len(stored))
        if flight.completes is not None:
            self._begin(flight.completes)

    def _completed(self, below: _Band) -> _Band | None:
        """What waits in the next level, where a band below makes it a full band; others begin to wait in its place."""
        if below.index + 1 == len(self.levels):
            return None
        level = self.levels[below.index + 1]
        plan, z0, y0 = level.plan, level.z0, level.y0
        z_end = -(-(below.z0 + below.samples.shape[0]) // plan.halved[0])
        y_end = -(-(below.y0 + below.samples.shape[1]) // plan.halved[1])
        plane_done = y_end == plan.shape[1]
        if plan.streamed:
            full = plane_done or y_end - y0 == level.rows
        else:
            full = plane_done and (z_end - z0 == level.depth or z_end == plan.shape[0])
        if not full:
            return None
        band = _Band(plan.index, level.waiting[: z_end - z0, : y_end - y0], z0, y0)
        level.waiting = np.empty(level.band, self.dtype)
        level.z0, level.y0 = (z_end, 0) if plane_done else (z0, y_end)
        return band

    def _above(self, index: int, block: npt.NDArray[Any], at: Index3) -> npt.NDArray[Any] | None:
        """Where in the next level a block at such a place goes; None at the top."""
        if index + 1 == len(self.levels):
            return None
        above = self.levels[index + 1]
        halved = above.plan.halved
        begins = [o // f - first for o, f, first in zip(at, halved, (above.z0, above.y0, 0), strict=True)]
        counts = [-(-n // f) for n, f in zip(block.shape, halved, strict=True)]
        return above.waiting[tuple(slice(b, b + n) for b, n in zip(begins, counts, strict=True))]

    def _chunk(self, index: int, block: npt.NDArray[Any], at: Index3, above: npt.NDArray[Any] | None) -> Packed | None:
        """All that is done to one chunk, in any thread; None when there is nothing to store."""
        level = self.levels[index]
        copy = self._buffer(block.shape)
        empty = not kernels.copy_unless_zero(block, copy)
        block = copy
        if above is not None:
            self._reduce(level, block, at, empty, above)
        bricks = tuple(
            slice(o // b, -(-(o + n) // b)) for o, n, b in zip(at, block.shape, level.plan.brick, strict=True)
        )
        if empty:
            level.mask[bricks] = 1
            if index == 0:
                self.counter.add_zeros(block.size)
            return None
        worth_packing = self._summarise(level, block, bricks)
        chunk = block if block.shape == level.plan.chunk else np.zeros(level.plan.chunk, self.dtype)
        if chunk is not block:
            chunk[tuple(slice(0, n) for n in block.shape)] = block
        packed = pack(chunk) if worth_packing else chunk.tobytes()
        place = tuple(o // c for o, c in zip(at, level.plan.chunk, strict=True))
        known = worth_packing and chunk.itemsize == 1  # others are shuffled before they are packed
        level.checksums[place] = checksum_within(packed) if known else checksum(chunk)
        return at, packed, 0 if worth_packing else SKIP_FILTERS

    def _buffer(self, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """This thread's own contiguous array of such shape: a copy in it is by far the fastest to go through."""
        buffer: npt.NDArray[Any] | None = getattr(self.own, "buffer", None)
        if buffer is None:
            buffer = self.own.buffer = np.empty(CHUNK[0] * CHUNK[1] * CHUNK[2], self.dtype)
        return buffer[: math.prod(shape)].reshape(shape)

    def _reduce(
        self, level: _LevelWriter, block: npt.NDArray[Any], at: Index3, empty: bool, out: npt.NDArray[Any]
    ) -> None:
        if empty:
            out[...] = 0
            return
        ends = [o + n == size for o, n, size in zip(at, block.shape, level.plan.shape, strict=True)]
        weights = level.plan.tail_weights(self.source.shape)
        wz, wy, wx = (w if end else 1.0 for w, end in zip(weights, ends, strict=True))
        halved = self.levels[level.plan.index + 1].plan.halved
        self.recipe.reduction.into(block, out, halved, (wz, wy, wx))

    def _summarise(self, level: _LevelWriter, block: npt.NDArray[Any], bricks: tuple[slice, ...]) -> bool:
        """Note a block's statistics; whether packing saves enough to be worth the time, now and at every reading."""
        low, high, mask = level.low[bricks], level.high[bricks], level.mask[bricks]
        first = level.plan.index == 0
        if self.dtype == np.uint8:
            counts = np.zeros(256, np.int64)
            kernels.summarise_bytes(block, *level.plan.brick, low, high, mask, counts)
            if first:
                self.counter.table()[:] += counts
                self.counter.span(float(low.min()), float(high.max()))
        else:
            span = kernels.summarise(block, *level.plan.brick, low, high, mask)
            if first:
                self.counter.add(block)
                self.counter.span(*span)
        return self.dtype != np.uint8 or shrinks_to(counts) < NOT_WORTH_PACKING

    def _describe(self) -> None:
        """Statistics, geometry and provenance, once all samples are in."""
        recipe, name = self.recipe, self.recipe.name
        digest = hashlib.sha256(repr((self.source.shape, self.dtype.name, recipe.spacing, recipe.reduction)).encode())
        for level in self.levels:
            group = self.file.create_group(f"/summary/{name}/{level.plan.index}")
            group.attrs["brick"] = np.asarray(level.plan.brick, np.int64)
            for key, values in level.statistics:
                group.create_dataset(key, data=values, compression="gzip", compression_opts=1, shuffle=True)
                digest.update(values.tobytes())
        histogram = self.counter.histogram()
        group = self.file.create_group(f"/summary/{name}/histogram")
        group["edges"], group["counts"] = histogram.edges, histogram.counts
        attrs = self.file[f"/levels/{name}"].attrs
        placement = Placement.of(self.source.shape, recipe.spacing)
        attrs["format"] = FORMAT
        attrs["kind"] = recipe.reduction.kind
        if recipe.reduction.period is not None:
            attrs["period"] = recipe.reduction.period
        if recipe.reduction.background is not None:
            attrs["background"] = recipe.reduction.background
        attrs["spacing"], attrs["spacing_unit"] = recipe.spacing.zyx, recipe.spacing.unit
        attrs["origin_xyz"], attrs["step_xyz"] = placement.origin, placement.step
        if placement.um_per_unit is not None:
            attrs["um_per_unit"] = placement.um_per_unit
        attrs["value_range"] = self.counter.value_range
        attrs["fingerprint"] = digest.hexdigest()[:32]
        words = {"written_by": f"stackreel {__version__}", "written_at": _now(), **recipe.provenance}
        for key, text in words.items():
            # names of files need not be text
            attrs[f"provenance_{key}"] = text.encode(errors="backslashreplace").decode()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
