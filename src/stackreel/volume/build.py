"""From slices to a volume file in one pass: every section is read once, in bands of rows, and never held whole.

A slab of 32 sections goes by in bands of 128 to 512 rows. Each band is cut into chunks; each chunk is summarised,
packed and reduced while it is in the processor's cache, in threads; the reduced samples fill the next level's band,
and so on up the pyramid. Every few seconds what is done is made safe on the disk; a run that is stopped or killed
loses no more than that. The file gets its name when it is complete.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stackreel.errors import SliceShapeError, VolumeError
from stackreel.files import sweep, true_path
from stackreel.geometry import Index3, Placement
from stackreel.slices.arriving import Arriving, Say
from stackreel.slices.checks import TYPES, way_out
from stackreel.slices.source import SliceSource
from stackreel.volume.bands import bands
from stackreel.volume.checkpoint import Progress as Checkpoints
from stackreel.volume.chunkfile import ChunkFile
from stackreel.volume.describe import describe
from stackreel.volume.journal import Journal, preview_of
from stackreel.volume.ledger import ledger_of, put_ledger
from stackreel.volume.levels import Band, Extent, LevelWriter
from stackreel.volume.linking import LinkedShelf
from stackreel.volume.opening import open_volume
from stackreel.volume.output import check_output, is_zarr, told, unfinished
from stackreel.volume.preview import write_preview
from stackreel.volume.pyramid import CHUNK, SLAB, plan_levels
from stackreel.volume.recipe import Recipe, agreement
from stackreel.volume.reduction import LENGTHS, Lengths
from stackreel.volume.seal import make_room, put_seal
from stackreel.volume.sections import SectionHashes
from stackreel.volume.shards import ShardStore
from stackreel.volume.shelf import Packed, Shelf
from stackreel.volume.store import left_to_others
from stackreel.volume.uninterrupted import uninterrupted
from stackreel.volume.volume import Volume
from stackreel.volume.work import ChunkWork
from stackreel.volume.zarrwriter import complete

BAND_BYTES = 32 << 20

Progress = Callable[[int], object]
Finish = Callable[[h5py.File, str, Sequence[Placement]], None]


def build(
    source: SliceSource,
    out: str | Path,
    recipe: Recipe,
    *,
    weights: SliceSource | None = None,
    arriving: Arriving | None = None,
    overwrite: bool = False,
    restart: bool = False,
    awaiting: Say = lambda _: None,
    progress: Progress = lambda _: None,
    resumed: Progress = lambda _: None,
    finish: Finish = lambda _file, _name, _placements: None,
) -> Volume:
    """Write the volume file for a stack and open it.

    out      : where it stands at the end; a symbolic link stays, and the file that it leads to is made
    weights  : of axial samples: a stack of uint8 of the same shape, 0 where a sample counts for nothing
    arriving : where `source` comes from a folder that still fills: what is waited for
    awaiting : called with what that is
    restart  : begin anew, even where a run that was stopped could be gone on with
    progress : called with the number of bytes of full resolution that have been taken in since the last call
    resumed  : called once with the bytes that an earlier run had taken in, when this one goes on with it
    finish   : called with the open file, the name and all levels' placements; adds what other programs want
    Raises OutputExistsError, DiskFullError, SliceError or VolumeError. What is safe on the disk by then stays there
    under another name (see volume.output), and the next call with the same arguments goes on from it.
    """
    out = Path(out)
    check_output(out, overwrite=overwrite)
    _check(source, weights, recipe)
    if recipe.links is not None and is_zarr(out):
        raise VolumeError(f"{out}: only HDF5 can tell where slices lie; end the name in .h5, or convert them")
    target = true_path(out)
    agreed = agreement(source, recipe, weights, arriving)
    with told(out), unfinished(target, agreed, restart=restart) as (partial, journal):
        with uninterrupted():
            builder = _Builder(partial, journal, source, weights, recipe, progress, target.parent)
        if arriving is not None:
            builder.follow(arriving, awaiting)
        builder.run(resumed, finish)
    return open_volume(out, recipe.name)


def _check(source: SliceSource, weights: SliceSource | None, recipe: Recipe) -> None:
    if source.dtype.name not in TYPES:
        raise VolumeError(
            f"slices of type {source.dtype} cannot become a volume; possible are {', '.join(TYPES)}: "
            f"{way_out(source.dtype)}"
        )
    recipe.reduction.check(source.dtype)
    if weights is None:
        return
    if not recipe.reduction.companion:
        raise VolumeError(f"weights belong to axial data; this is {recipe.reduction.kind} data")
    if weights.shape != source.shape or weights.dtype != np.uint8:
        raise SliceShapeError(
            f"weights must be uint8 {source.shape}, as the slices are; these are {weights.dtype} {weights.shape}"
        )


def band_rows(row_bytes: int) -> int:
    """Rows of a section in one band: whole chunks, as many as keep a slab of them within 32 MiB, one to four."""
    chunks = BAND_BYTES // (SLAB * CHUNK[1] * row_bytes)
    return CHUNK[1] * (4 if chunks >= 4 else 2 if chunks >= 2 else 1)


@dataclass(frozen=True)
class _Flight:
    """A band on its way through the pool: its chunks in order, and the band of the next level that it completes."""

    jobs: Sequence[Future[tuple[Packed, Packed | None]]]
    others: Sequence[Future[None]]
    level: LevelWriter
    completes: Band | None


def _store(partial: Path, journal: Journal) -> ChunkFile | ShardStore:
    return ShardStore(partial, anew=not journal.records) if partial.is_dir() else ChunkFile(partial)


class _Builder:
    """The pass itself. Only the calling thread touches the store; the pool does the numbers.

    Bands go through the pool one after the other, those of all levels, and are written in that order; the next band of
    sections is always begun before one is waited for, so that the pool never runs dry.
    """

    def __init__(
        self,
        partial: Path,
        journal: Journal,
        source: SliceSource,
        weights: SliceSource | None,
        recipe: Recipe,
        progress: Progress,
        scratch: Path,
    ) -> None:
        self.partial, self.journal, self.source, self.weights = partial, journal, source, weights
        self.recipe, self.progress, self.scratch = recipe, progress, scratch
        self.into = _store(partial, journal)
        with left_to_others(self.into):
            self._lay_out()
        self.work = ChunkWork(self.levels, recipe.reduction, source.shape, source.dtype)
        self.hashes = [SectionHashes(source.shape)] + [SectionHashes(source.shape)] * (weights is not None)
        self.checkpoints = Checkpoints(self.levels, self.work.counter, self.hashes)
        self.flights: deque[_Flight] = deque()
        self.arriving: Arriving | None = None
        self.awaiting: Say = lambda _: None
        self.done = 0
        self._weights_at: tuple[tuple[int, int], Any] | None = None  # the last band that was read again

    def _lay_out(self) -> None:
        """Make the arrays of all levels."""
        self.seal = make_room(self.into.file)
        plans = plan_levels(self.source.shape, self.recipe.spacing, self.source.dtype.itemsize)
        self.band_rows = band_rows(self.source.shape[2] * self.source.dtype.itemsize)
        companion, links = self.recipe.reduction.companion, self.recipe.links
        linked = None
        if links is not None:
            assert isinstance(self.into, ChunkFile)
            linked = LinkedShelf(self.into, self.recipe.name, plans[0], links)
        self.levels = [
            LevelWriter(
                self.into,
                self.recipe.name,
                plan,
                self.source.dtype,
                self.band_rows,
                companion=companion,
                samples=None if plan.index else linked,
                empty=self.recipe.reduction.background or 0.0,
            )
            for plan in plans
        ]

    def follow(self, arriving: Arriving, awaiting: Say) -> None:
        """Wait for sections that have not come yet."""
        sweep(self.partial.parent)  # a look ahead that was torn by a kill
        self.arriving, self.awaiting = arriving, awaiting

    def run(self, resumed: Progress, finish: Finish) -> None:
        """Fill the file and complete it; when that fails, leave it to a later run."""
        with left_to_others(self.into):
            threads = ThreadPoolExecutor(self.recipe.threads, "stackreel-pack")
            with self.into.behind() as self.behind, threads as self.pool:
                self.pool.submit(self.work.load)
                try:
                    self._fill(self._resume(resumed))
                finally:
                    self.pool.shutdown(wait=True, cancel_futures=True)
            if self.arriving is not None:
                self.arriving.check()
            self.into.sync()  # so that what follows takes seconds
            name, file = self.recipe.name, self.into.file
            with uninterrupted():
                describe(file, self.source, self.weights, self.recipe, self.levels, self.work.counter, self.hashes)
                if isinstance(self.into, ShardStore):
                    complete(self.into, name)
                    return
                full = Placement.of(self.source.shape, self.recipe.spacing)
                finish(file, name, [full.reduced(level.plan.factors) for level in self.levels])
                ledger = ledger_of(file, self.seal, name, self.levels, [one.table for one in self.hashes])
                self.into.check()  # of what could not be written, nothing is to be vouched for
                put_ledger(file, ledger)
        self.into.close()
        put_seal(self.partial, self.seal, ledger.extents)

    def _fill(self, start: int) -> None:
        last, self.done = time.monotonic(), start
        for band in self._bands(start):
            latest = self._begin(band)
            self.done += 1
            while self.flights[0] is not latest:
                self._finish(self.flights.popleft())
            self.progress(band.samples.nbytes)
            if time.monotonic() - last >= self.recipe.durable:
                self._save()
                last = time.monotonic()
        self._land()

    def _bands(self, start: int) -> Iterator[Band]:
        weights: Iterator[Any] | None = None
        if self.weights is not None:
            weights = bands(self.weights, SLAB, self.band_rows, self.scratch, start=start)
        for z0, y0, samples in bands(
            self.source, SLAB, self.band_rows, self.scratch, start=start, before=self._before_reading
        ):
            extent = Extent(0, z0, y0, *samples.shape[:2])
            yield Band(extent, samples, None if weights is None else next(weights)[2])

    def _land(self) -> None:
        while self.flights:
            self._finish(self.flights.popleft())

    def _save(self) -> None:
        """Have all bands that were begun so far safe on the disk."""
        self._land()
        self.into.sync()
        more = {} if self.arriving is None else self.arriving.state()
        self.checkpoints.save(self.journal, self.done, **more)

    def _before_reading(self, sections: range) -> None:
        """Wait until they are complete; that may take days, so that first all is made safe, and fit to be looked at."""
        if self.arriving is None or self.arriving.ready(sections):
            return
        if self.done:
            self._save()
            if isinstance(self.into, ChunkFile):
                write_preview(preview_of(self.partial), self.levels, self.work, self.pool)
        self.arriving.wait(sections, self.awaiting)

    def _begin(self, band: Band) -> _Flight:
        """Have the pool work on a band."""
        extent, level = band.extent, self.levels[band.extent.index]
        rows, columns = CHUNK[1:]
        jobs = []
        for y in range(0, extent.rows, rows):
            for x in range(0, band.samples.shape[2], columns):
                part = (slice(None), slice(y, y + rows), slice(x, x + columns))
                block, at = band.samples[part], (extent.z0, extent.y0 + y, x)
                lengths = None if band.lengths is None else band.lengths[part]
                room = self._room(extent.index, at, block.shape)
                jobs.append(self.pool.submit(self.work.chunk, level, block, lengths, at, room))
        others = []
        if extent.index == 0:
            arrays = [band.samples] if band.lengths is None else [band.samples, band.lengths]
            for array, hashes in zip(arrays, self.hashes, strict=True):
                others.append(self.pool.submit(hashes.add, array, extent.z0, extent.y0))
        done = self._completes(extent)
        completes = None if done is None else self.levels[done.index].take(done)
        flight = _Flight(jobs, others, level, completes)
        self.flights.append(flight)
        return flight

    def _finish(self, flight: _Flight) -> None:
        """Write a band, and begin with the one that it completes."""
        chunks = [job.result() for job in flight.jobs]
        with uninterrupted():
            for samples, lengths in chunks:
                self._put(flight.level.samples, samples)
                if lengths is not None and flight.level.lengths is not None:
                    self._put(flight.level.lengths, lengths)
        for other in flight.others:
            other.result()
        if flight.completes is not None:
            self._begin(flight.completes)

    def _put(self, shelf: Shelf, chunk: Packed) -> None:
        shelf.put(chunk)
        self.checkpoints.note(shelf, chunk.place)
        self.behind.wrote(len(chunk.stored))

    def _completes(self, below: Extent) -> Extent | None:
        return self.levels[below.index + 1].completed_by(below) if below.index + 1 < len(self.levels) else None

    def _room(self, index: int, at: Index3, shape: Sequence[int]) -> Any:
        return self.levels[index + 1].room(at, shape) if index + 1 < len(self.levels) else None

    def _resume(self, resumed: Progress) -> int:
        """Stand where an earlier run was; how many bands it had done."""
        if not self.journal.records:
            return 0
        done = self.checkpoints.restore(self.journal.records)
        count, height, _ = self.source.shape
        if self.arriving is not None:
            slabs = -(-done // -(-height // self.band_rows))  # one that was begun counts
            self.arriving.resume(self.journal.records[-1], min(slabs * SLAB, count))
        starts = [(z, y) for z in range(0, count, SLAB) for y in range(0, height, self.band_rows)][:done]
        rows_done = 0
        for z, y in starts:
            extent: Extent | None = Extent(0, z, y, min(SLAB, count - z), min(self.band_rows, height - y))
            assert extent is not None
            rows_done += extent.planes * extent.rows
            while extent is not None:
                extent = self._completes(extent)
        for level, above in zip(self.levels, self.levels[1:], strict=False):
            self._refill(level, above)
        resumed(rows_done * self.source.shape[2] * self.source.dtype.itemsize)
        return done

    def _refill(self, level: LevelWriter, above: LevelWriter) -> None:
        """Have the level above wait again for what it waited for: from the chunks that it was made of."""
        for place in zip(*np.nonzero(level.samples.done), strict=True):
            z, y, x = (int(p) * c for p, c in zip(place, level.plan.chunk, strict=True))
            shape = [min(c, n - o) for c, n, o in zip(level.plan.chunk, level.plan.shape, (z, y, x), strict=True)]
            room = above.room((z, y, x), shape)
            if room is None:
                continue
            block = level.samples.get(place)
            empty = block is None
            samples = np.zeros(shape, self.source.dtype) if block is None else np.ascontiguousarray(block)
            lengths = self._lengths_again(level, place, (z, y, x), shape)
            self.work.reduce(level, samples, lengths, (z, y, x), room, empty=empty)

    def _lengths_again(self, level: LevelWriter, place: Index3, at: Index3, shape: Sequence[int]) -> Lengths | None:
        if level.lengths is not None:
            self._weights_at = None
            found = level.lengths.get(place)
            return np.zeros(shape, LENGTHS) if found is None else np.ascontiguousarray(found)
        if level.plan.index == 0 and self.weights is not None:
            where = at[:2]
            if self._weights_at is None or self._weights_at[0] != where:  # sections are read at their full width
                rows = slice(at[1], at[1] + shape[1])
                band = np.stack([self.weights.read(at[0] + i, rows) for i in range(shape[0])])
                self._weights_at = where, band
            return np.ascontiguousarray(self._weights_at[1][:, :, at[2] : at[2] + shape[2]])
        return None
