"""From slices to a volume file in one pass: every section is read once, in bands of rows, and never held whole.

A slab of 32 sections goes by in bands of 128 to 512 rows. Each band is cut into chunks; each chunk is summarised,
packed and reduced while it is in the processor's cache, in threads; the reduced samples fill the next level's band,
and so on up the pyramid. The file stands under a temporary name until it is complete.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import math
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stackreel._version import __version__
from stackreel.errors import DiskFullError, OutputExistsError, StackreelError, VolumeError
from stackreel.files import true_path
from stackreel.geometry import Index3, Placement, Spacing
from stackreel.kernels import summarise as kernels
from stackreel.slices.checks import TYPES, way_out
from stackreel.slices.source import SliceSource
from stackreel.volume.bands import bands
from stackreel.volume.codec import LEVEL, NOT_WORTH_PACKING, SKIP_FILTERS, checksum, pack, shrinks_to
from stackreel.volume.counting import Counter
from stackreel.volume.hdf5 import FORMAT, RESERVED, open_volume
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
        with _temporary(target) as partial:
            with h5py.File(partial, "w", libver=("earliest", "v110"), locking=False) as file:
                builder = _Builder(file, source, recipe, progress, target.parent)
                builder.run()
                full = Placement.of(source.shape, recipe.spacing)
                finish(file, recipe.name, [full.reduced(level.plan.factors) for level in builder.levels])
            _sync(partial)
        _sync(target.parent)
    except (OSError, RuntimeError) as error:
        if isinstance(error, StackreelError):
            raise
        if _says_no_room(error):
            raise DiskFullError(
                f"{target.parent}: the disk is full, or a quota or limit is reached; nothing was left behind. "
                "Free some space, or write elsewhere"
            ) from error
        raise VolumeError(f"{out}: could not be written ({str(error).splitlines()[0]})") from error
    return open_volume(out, recipe.name)


def check_output(out: Path, *, overwrite: bool) -> None:
    """Raises unless a file can be made at `out`, and what goes beside it."""
    try:
        str(out).encode()
    except UnicodeEncodeError:
        raise VolumeError(
            f"{str(out)!a} is not text in UTF-8, and neither HDF5 nor XDMF could say it; choose another name"
        ) from None
    if out.is_dir():
        raise VolumeError(f"{out} is a folder; name a file in it, such as {out / 'brain.h5'}")
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} stands already; give another name, or --overwrite to replace it")
    for folder in (out.parent, true_path(out).parent):
        if not folder.is_dir():
            raise VolumeError(f"{folder}: there is no such folder; create it first")
        if not os.access(folder, os.W_OK):
            raise VolumeError(f"{folder}: no right to write here; choose another folder")


@contextlib.contextmanager
def _temporary(out: Path) -> Iterator[Path]:
    """The name that `out` has until the block ends well, for this process alone; otherwise nothing is left of it.

    The name is the same for every run and, unlike those of `files.replacing`, in plain sight: two runs can tell that
    they would write one file, and what a killed run left, up to hundreds of gigabytes, is seen and is overwritten by
    the next. Raises VolumeError while another run is at work on it.
    """
    partial = out.with_name(f"{out.name}.partial")
    handle = os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, partial, out)
        try:
            yield partial
            os.replace(partial, out)
        finally:
            if _leads_to(partial, handle):  # once it is `out`, another run may have begun one of that name
                partial.unlink()
    finally:
        os.close(handle)


def _leads_to(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _lock(handle: int, partial: Path, out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = _leads_to(partial, handle)  # not so when the other run has just come to its end
    except BlockingIOError:
        ours = False
    except OSError:  # some network file systems have no locks
        return
    if not ours:
        raise VolumeError(
            f"{out}: another stackreel is writing it at this moment; wait for that one, or give another name"
        )


def _says_no_room(error: OSError | RuntimeError) -> bool:
    """Whether an error of ours or of HDF5, which hides the number in its message, means that nothing more fits."""
    number = re.search(r"errno = (\d+)", str(error))
    code = int(number[1]) if number else getattr(error, "errno", None)
    return code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space left" in str(error)


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
        waiting = (min(self.depth, plan.shape[0]), min(self.rows, plan.shape[1]), plan.shape[2])
        self.waiting = np.zeros(waiting if plan.index else (0, 0, 0), dtype)
        self.statistics = (("low", self.low), ("high", self.high), ("mask", self.mask), ("checksums", self.checksums))
        self.z0 = 0  # plane and row where the waiting samples begin
        self.y0 = 0


class _Builder:
    """The pass itself. Only the calling thread touches the HDF5 file; the pool does the numbers."""

    def __init__(self, file: h5py.File, source: SliceSource, recipe: Recipe, progress: Progress, scratch: Path) -> None:
        self.file, self.source, self.recipe, self.progress, self.scratch = file, source, recipe, progress, scratch
        self.dtype = source.dtype
        plans = plan_levels(source.shape, recipe.spacing, source.dtype.itemsize)
        self.band_rows = band_rows(source.shape[2] * source.dtype.itemsize)
        self.levels = [_LevelWriter(file, recipe.name, plan, source.dtype, self.band_rows) for plan in plans]
        self.counter = Counter(source.dtype)
        self.own = threading.local()

    def run(self) -> None:
        with ThreadPoolExecutor(self.recipe.threads, "stackreel-pack") as self.pool:
            for z0, y0, band in bands(self.source, SLAB, self.band_rows, self.scratch):
                self._take(0, band, z0, y0)
                self.progress(band.nbytes)
        self._describe()

    def _take(self, index: int, band: npt.NDArray[Any], z0: int, y0: int) -> None:
        """Write the band of a level that begins at plane z0 and row y0, and reduce it into the next level."""
        level = self.levels[index]
        rows, columns = CHUNK[1:]
        jobs: list[Future[Packed | None]] = [
            self.pool.submit(self._chunk, index, band[:, y : y + rows, x : x + columns], (z0, y0 + y, x))
            for y in range(0, band.shape[1], rows)
            for x in range(0, band.shape[2], columns)
        ]
        try:
            for job in jobs:
                if (packed := job.result()) is not None:
                    at, stored, filters = packed
                    level.dataset.id.write_direct_chunk(at, stored, filters)
        finally:
            for job in jobs:
                job.cancel()
        if index + 1 < len(self.levels):
            self._advance(index + 1, z0 + band.shape[0], y0 + band.shape[1])

    def _advance(self, index: int, z_below: int, y_below: int) -> None:
        """Take what waits in a level once it is a full band; the level below has come to plane and row *_below."""
        level = self.levels[index]
        plan = level.plan
        z_end, y_end = -(-z_below // plan.halved[0]), -(-y_below // plan.halved[1])
        plane_done = y_end == plan.shape[1]
        if plan.streamed:
            if plane_done or y_end - level.y0 == level.rows:
                self._take(index, level.waiting[: z_end - level.z0, : y_end - level.y0], level.z0, level.y0)
                level.y0 = y_end
            if plane_done:
                level.z0, level.y0 = z_end, 0
        elif plane_done and (z_end - level.z0 == level.depth or z_end == plan.shape[0]):
            self._take(index, level.waiting[: z_end - level.z0], level.z0, 0)
            level.z0 = z_end

    def _chunk(self, index: int, block: npt.NDArray[Any], at: Index3) -> Packed | None:
        """All that is done to one chunk, in any thread; None when there is nothing to store."""
        level = self.levels[index]
        copy = self._buffer(block.shape)
        empty = not kernels.copy_unless_zero(block, copy)
        block = copy
        if index + 1 < len(self.levels):
            self._reduce(index, block, at, empty)
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
        level.checksums[tuple(o // c for o, c in zip(at, level.plan.chunk, strict=True))] = checksum(chunk)
        return at, packed, 0 if worth_packing else SKIP_FILTERS

    def _buffer(self, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """This thread's own contiguous array of such shape: a copy in it is by far the fastest to go through."""
        buffer: npt.NDArray[Any] | None = getattr(self.own, "buffer", None)
        if buffer is None:
            buffer = self.own.buffer = np.empty(CHUNK[0] * CHUNK[1] * CHUNK[2], self.dtype)
        return buffer[: math.prod(shape)].reshape(shape)

    def _reduce(self, index: int, block: npt.NDArray[Any], at: Index3, empty: bool) -> None:
        level, above = self.levels[index], self.levels[index + 1]
        halved = above.plan.halved
        ends = [o + n == size for o, n, size in zip(at, block.shape, level.plan.shape, strict=True)]
        weights = level.plan.tail_weights(self.source.shape)
        wz, wy, wx = (w if end else 1.0 for w, end in zip(weights, ends, strict=True))
        begins = [o // f - first for o, f, first in zip(at, halved, (above.z0, above.y0, 0), strict=True)]
        counts = [-(-n // f) for n, f in zip(block.shape, halved, strict=True)]
        out = above.waiting[tuple(slice(b, b + n) for b, n in zip(begins, counts, strict=True))]
        if empty:
            out[...] = 0
        else:
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


def _sync(path: Path) -> None:
    """Make sure that what was written outlives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
