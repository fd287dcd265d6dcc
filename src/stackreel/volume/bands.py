"""The order in which sections are read: slab by slab, band by band, the next band while the last one is worked on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.slices.source import SliceSource

STAGE_BYTES = 256 << 20
READERS = 2

Band = tuple[int, int, npt.NDArray[Any]]


def bands(source: SliceSource, slab: int, rows: int, scratch: Path) -> Iterator[Band]:
    """(z0, y0, samples (z, y, x)) for every band of a stack, in order; the array is valid until the next is asked for.

    slab, rows : sections and rows in a band; the last ones are smaller
    scratch    : folder for a temporary file, used only when slices that must be decoded whole are so large that a
                 slab of them would not fit in memory
    """
    if source.banded:
        yield from _direct(source, slab, rows)
    else:
        yield from _staged(source, slab, rows, scratch)


def _direct(source: SliceSource, slab: int, rows: int) -> Iterator[Band]:
    count, height, width = source.shape
    places = [(z, y) for z in range(0, count, slab) for y in range(0, height, rows)]
    shape = (min(slab, count), min(rows, height), width)
    buffers = [np.empty(shape, source.dtype) for _ in range(min(2, len(places)))]

    with ThreadPoolExecutor(READERS, "stackreel-read") as pool:

        def fetch(k: int) -> tuple[npt.NDArray[Any], list[Future[Any]]]:
            z0, y0 = places[k]
            depth, tall = min(slab, count - z0), min(rows, height - y0)
            # the head of the buffer, so that a short band is contiguous too
            band = buffers[k % 2].reshape(-1)[: depth * tall * width].reshape(depth, tall, width)
            jobs = [pool.submit(source.read, z0 + i, slice(y0, y0 + tall), band[i]) for i in range(depth)]
            return band, jobs

        ahead = fetch(0)
        try:
            for k, (z0, y0) in enumerate(places):
                band, jobs = ahead
                for job in jobs:
                    job.result()
                if k + 1 < len(places):
                    ahead = fetch(k + 1)
                yield z0, y0, band
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _staged(source: SliceSource, slab: int, rows: int, scratch: Path) -> Iterator[Band]:
    count, height, width = source.shape
    depth = min(slab, count)
    slice_bytes = height * width * source.dtype.itemsize
    readers = max(1, min(READERS, STAGE_BYTES // max(slice_bytes, 1)))
    with tempfile.TemporaryDirectory(prefix=".stackreel-", dir=scratch) as folder:
        if depth * slice_bytes <= STAGE_BYTES:
            stage: npt.NDArray[Any] = np.empty((depth, height, width), source.dtype)
        else:
            stage = np.memmap(Path(folder) / "slab", source.dtype, "w+", shape=(depth, height, width))
        with ThreadPoolExecutor(readers, "stackreel-read") as pool:
            for z0 in range(0, count, slab):
                n = min(slab, count - z0)
                jobs = [pool.submit(source.read, z0 + i, slice(0, height), stage[i]) for i in range(n)]
                try:
                    for job in jobs:
                        job.result()
                finally:
                    for job in jobs:
                        job.cancel()
                for y0 in range(0, height, rows):
                    yield z0, y0, np.ascontiguousarray(stage[:n, y0 : y0 + rows])
