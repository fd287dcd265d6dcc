"""The order in which sections are read: slab by slab, band by band, the next band while the last one is worked on."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.slices.arriving import waiting_ends_with
from stackreel.slices.source import SliceSource

STAGE_BYTES = 256 << 20
READERS = 2

Band = tuple[int, int, npt.NDArray[Any]]
Before = Callable[[range], object]


def bands(
    source: SliceSource,
    slab: int,
    rows: int,
    scratch: Path,
    *,
    start: int = 0,
    before: Before = lambda _: None,
) -> Iterator[Band]:
    """(z0, y0, samples (z, y, x)) for every band of a stack, in order; two of the arrays are valid at a time: one is
    overwritten when the next but one is asked for.

    slab, rows : sections and rows in a band; the last ones are smaller
    scratch    : folder for a temporary file, used only when slices that must be decoded whole are so large that a
                 slab of them would not fit in memory
    start      : how many bands to leave out at the beginning
    before     : called with sections that are about to be read
    """
    if source.banded:
        yield from _direct(source, slab, rows, start, before)
    else:
        yield from _staged(source, slab, rows, scratch, start, before)


def staging_bytes(source: SliceSource, slab: int) -> int:
    """Size of the temporary file that `bands` will need: 0 where none."""
    count, height, width = source.shape
    size = min(slab, count) * height * width * source.dtype.itemsize
    return 0 if source.banded or size <= STAGE_BYTES else size


def _direct(source: SliceSource, slab: int, rows: int, start: int, before: Before) -> Iterator[Band]:
    count, height, width = source.shape
    places = [(z, y) for z in range(0, count, slab) for y in range(0, height, rows)][start:]
    shape = (min(slab, count), min(rows, height), width)
    buffers = [np.empty(shape, source.dtype) for _ in range(min(2, len(places)))]

    with _readers(READERS) as pool:

        def fetch(k: int) -> tuple[npt.NDArray[Any], list[Future[Any]]]:
            z0, y0 = places[k]
            depth, tall = min(slab, count - z0), min(rows, height - y0)
            # the head of the buffer, so that a short band is contiguous too
            band = buffers[k % 2].reshape(-1)[: depth * tall * width].reshape(depth, tall, width)
            jobs = [pool.submit(source.read, z0 + i, slice(y0, y0 + tall), band[i]) for i in range(depth)]
            return band, jobs

        for k, (z0, y0) in enumerate(places):
            before(range(z0, min(z0 + slab, count)))
            band, jobs = fetch(k)
            for job in jobs:
                job.result()
            yield z0, y0, band


def _staged(source: SliceSource, slab: int, rows: int, scratch: Path, start: int, before: Before) -> Iterator[Band]:
    count, height, width = source.shape
    slabs, within = divmod(start, -(-height // rows))
    depth = min(slab, count)
    slice_bytes = height * width * source.dtype.itemsize
    readers = max(1, min(READERS, STAGE_BYTES // max(slice_bytes, 1)))
    stage = _stage((depth, height, width), source.dtype, staging_bytes(source, slab), scratch)
    with _readers(readers) as pool:
        for z0 in range(slabs * slab, count, slab):
            n = min(slab, count - z0)
            before(range(z0, z0 + n))
            jobs = [pool.submit(source.read, z0 + i, slice(0, height), stage[i]) for i in range(n)]
            for job in jobs:
                job.result()
            for y0 in range(within * rows, height, rows):
                yield z0, y0, np.array(stage[:n, y0 : y0 + rows], order="C")
            within = 0


@contextmanager
def _readers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that read; when it ends, whyever, they begin with nothing more and wait for no section any more."""
    stopped = threading.Event()
    pool = ThreadPoolExecutor(threads, "stackreel-read", waiting_ends_with, (stopped,))
    try:
        yield pool
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _stage(shape: Index3, dtype: np.dtype[Any], in_file: int, scratch: Path) -> npt.NDArray[Any]:
    """Room for a slab: in memory, or `in_file` bytes of a file without a name, which goes however the run ends."""
    if not in_file:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(dir=scratch) as file:  # the mapping keeps it until nobody uses the array any more
        _claim(file, in_file)
        return np.memmap(file, dtype, "r+", shape=shape)


def _claim(file: IO[bytes], size: int) -> None:
    """Have the disk set the room aside: a mapped file that outgrows its disk would end the process without a word."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    piece = bytes(1 << 24)
    for done in range(0, size, len(piece)):
        file.write(piece[: size - done])
    file.flush()
