"""Does a volume hold what the slices hold? Every sample of the full resolution, held against the slices themselves.

The slices are read once more, in the bands in which they were converted. Beside the comparison their hashes are made
again: so it is known not only that a slice and the volume differ, but which of them has changed since.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceShapeError
from stackreel.geometry import Index3
from stackreel.slices.source import SliceSource
from stackreel.volume.bands import bands
from stackreel.volume.codec import bits
from stackreel.volume.damage import Range
from stackreel.volume.ledger import Kept, Ledger
from stackreel.volume.pyramid import SLAB
from stackreel.volume.sections import PIECE, SectionHashes
from stackreel.volume.stored import open_chunks, samples_of

BAND_BYTES = 16 << 20

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a slice, first and last + 1."""

    slice: int
    rows: Range


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    changed : rows of slices that are not what was converted, by their hashes
    differ  : rows where some sample of the volume is not the slice's
    damaged : chunks of the full resolution that could not be compared
    redated : files that have another date of change than when they were converted, their samples the same
    """

    changed: tuple[Rows, ...] = ()
    differ: tuple[Rows, ...] = ()
    damaged: int = 0
    redated: tuple[Path, ...] = ()

    @property
    def same(self) -> bool:
        return not (self.changed or self.differ or self.damaged)


def check_fits(path: Path, ledger: Ledger, source: SliceSource) -> None:
    """Raises SliceShapeError unless a source can be what a volume was made of."""
    if source.shape != ledger.shape or source.dtype != ledger.dtype:
        raise SliceShapeError(
            f"{path} holds {_said(ledger.shape)} {ledger.dtype}, these slices are {_said(source.shape)} "
            f"{source.dtype}: name the slices, and give the options, that it was converted with"
        )


def compare(
    path: Path, ledger: Ledger, source: SliceSource, *, threads: int | None = None, progress: Progress = lambda _: None
) -> Comparison:
    """Hold a volume against the slices that it was made of. One that is linked to them holds nothing to compare:
    there it is seen whether they have changed.

    progress : called with the bytes of samples that have been compared since the last call
    Raises SliceShapeError when they do not fit, SliceReadError when a slice cannot be read.
    """
    check_fits(path, ledger, source)
    full = ledger.full
    # of a folder, full resolution is missing in the ledger where its tables cannot be read
    lost = full is None and path.is_dir()
    hashes = SectionHashes(source.shape)
    differs = np.zeros(ledger.shape[:2], bool)
    damaged = math.prod(-(-n // c) for n, c in zip(*ledger.settings["levels"][0], strict=True)) if lost else 0
    chunks = open_chunks(path, ledger)

    def job(full: Kept, samples: npt.NDArray[Any], z0: int, y0: int, place: Index3) -> bool:
        try:
            chunk = samples_of(chunks, full, place)
        except (ValueError, OSError):
            return False
        depth, tall, wide = full.inside(place)
        y, x = place[1] * full.chunk[1], place[2] * full.chunk[2]
        band = samples[:depth, y - y0 : y - y0 + tall, x : x + wide]
        differs[z0 : z0 + depth, y : y + tall] |= _different(band, chunk)
        return True

    try:
        with ThreadPoolExecutor(threads or os.cpu_count() or 1, "stackreel-compare") as pool:
            for z0, y0, samples in bands(source, SLAB, _band_rows(ledger), path.parent):
                hashing = pool.submit(hashes.add, samples, z0, y0)
                if full is not None:
                    # chunks of one row of them write to the same rows of `differs`: one thread for each row
                    last = -(-(y0 + samples.shape[1]) // full.chunk[1])
                    rows = range(y0 // full.chunk[1], last)
                    jobs = [pool.submit(_row_of, job, full, samples, z0, y0, y) for y in rows]
                    damaged += sum(one.result() for one in jobs)
                hashing.result()
                progress(samples.nbytes)
    finally:
        chunks.close()
    changed = hashes.table != ledger.slices[0]
    return Comparison(_by_piece(changed, ledger.shape[1]), _by_row(differs), damaged, _redated(ledger, source, changed))


def _row_of(
    job: Callable[[Kept, npt.NDArray[Any], int, int, Index3], bool],
    full: Kept,
    samples: npt.NDArray[Any],
    z0: int,
    y0: int,
    y: int,
) -> int:
    """Compare a row of chunks; how many of them are damaged."""
    places = [(z0 // full.chunk[0], y, x) for x in range(full.sizes.shape[2])]
    return sum(not job(full, samples, z0, y0, place) for place in places)


def _band_rows(ledger: Ledger) -> int:
    """Rows of a band: whole chunks, as many as keep a slab of them near 16 MiB."""
    piece = SLAB * PIECE * ledger.shape[2] * ledger.dtype.itemsize
    return PIECE * max(1, BAND_BYTES // piece)


def _different(band: npt.NDArray[Any], chunk: npt.NDArray[Any] | None) -> npt.NDArray[np.bool_]:
    """(z, y): whether any sample of a row differs; NaN is as good as NaN, but -0.0 is not 0.0."""
    if chunk is None:
        return np.asarray((bits(band) != 0).any(axis=2))
    differ = bits(band) != bits(chunk)
    if band.dtype.kind == "f":
        differ &= ~(np.isnan(band) & np.isnan(chunk))
    return np.asarray(differ.any(axis=2))


def _by_piece(changed: npt.NDArray[np.bool_], height: int) -> tuple[Rows, ...]:
    return tuple(Rows(z, (first * PIECE, min(last * PIECE, height))) for z, first, last in _stretches(changed))


def _by_row(differs: npt.NDArray[np.bool_]) -> tuple[Rows, ...]:
    return tuple(Rows(z, (first, last)) for z, first, last in _stretches(differs))


def _stretches(table: npt.NDArray[np.bool_]) -> Iterable[tuple[int, int, int]]:
    """(row, first, last + 1) of every stretch of True in a 2-D table."""
    for z in np.flatnonzero(table.any(axis=1)).tolist():
        edges = np.flatnonzero(np.diff(np.concatenate([[False], table[z], [False]]).astype(np.int8)))
        for first, last in edges.reshape(-1, 2).tolist():
            yield z, first, last


def _redated(ledger: Ledger, source: SliceSource, changed: npt.NDArray[np.bool_]) -> tuple[Path, ...]:
    before = ledger.settings.get("slices", [])
    if len(before) != len(source.files) or changed.any():
        return ()
    return tuple(
        file.path
        for (_, size, mtime_ns), file in zip(before, source.files, strict=True)
        if file.size == size and file.mtime_ns != mtime_ns
    )


def _said(shape: Index3) -> str:
    return f"{shape[0]} slices of {shape[1]} × {shape[2]}"
