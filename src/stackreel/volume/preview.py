"""A look ahead at a volume that still waits for sections: all that has come, in every resolution.

Coarser levels are written band by band, and what has not filled a band yet waits in memory, for days perhaps. This is
what it would become if nothing more came: it is worked out on copies, and kept in a file of its own beside the
unfinished volume, brain.h5.preview, of which every new one replaces the last.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from stackreel.files import replacing
from stackreel.geometry import Index3
from stackreel.volume.checkpoint import CHUNKS
from stackreel.volume.journal import Record
from stackreel.volume.levels import LevelWriter
from stackreel.volume.pyramid import CHUNK
from stackreel.volume.shelf import Packed
from stackreel.volume.work import ChunkWork


def write_preview(path: Path, levels: Sequence[LevelWriter], work: ChunkWork, pool: Executor) -> None:
    """Write what the samples that wait would give, level by level, with nothing in the place of those to come.

    It is a record as the journal has them, of samples alone; offsets are into its array `stored`.
    """
    asides = [level.aside() for level in levels]
    rows: list[tuple[int, Packed]] = []
    statistics: dict[str, list[Any]] = {"low": [], "high": [], "mask": []}
    for level, above in zip(asides[1:], [*asides[2:], None], strict=True):
        for chunk in _flushed(level, above, work, pool):
            rows.append((level.plan.index, chunk))
            for key, values in level.statistics.items():
                statistics[key].append(values[level.bricks(chunk.place)].ravel())
    chunks = np.zeros(len(rows), CHUNKS)
    offset = 0
    for row, (index, chunk) in zip(chunks, rows, strict=True):
        # here, the number of the level
        row["shelf"], row["place"], row["offset"], row["size"] = index, chunk.place, offset, len(chunk.stored)
        row["plain"], row["hash"] = chunk.plain, chunk.digest
        offset += len(chunk.stored)
    record: dict[str, Any] = {"chunks": chunks}
    record["stored"] = np.frombuffer(b"".join(chunk.stored for _, chunk in rows), np.uint8)
    for key, parts in statistics.items():
        record[key] = np.concatenate(parts) if parts else np.zeros(0)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **record)


def read_preview(path: Path) -> Record | None:
    """The look ahead that stands there; None where there is none, or none that is whole."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return dict(found)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _flushed(level: LevelWriter, above: LevelWriter | None, work: ChunkWork, pool: Executor) -> list[Packed]:
    """The chunks of what waits in a level; the level above gets what they are reduced to."""
    band = level.as_it_waits()
    extent = band.extent
    jobs = []
    for y in range(0, extent.rows if extent.planes else 0, CHUNK[1]):
        for x in range(0, band.samples.shape[2], CHUNK[2]):
            part = (slice(None), slice(y, y + CHUNK[1]), slice(x, x + CHUNK[2]))
            block, at = band.samples[part], (extent.z0, extent.y0 + y, x)
            lengths = None if band.lengths is None else band.lengths[part]
            room = None if above is None else above.room(at, block.shape)
            jobs.append(pool.submit(work.chunk, level, block, lengths, _index3(at), room))
    return [job.result()[0] for job in jobs]


def _index3(at: Sequence[int]) -> Index3:
    z, y, x = at
    return (z, y, x)
