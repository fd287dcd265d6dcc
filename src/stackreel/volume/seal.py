"""Every byte of a volume file is vouched for: those of chunks by the chunk's own hash, all others by one seal.

The seal is a data set of one number: the xxh3 of everything in the file that belongs to no chunk, HDF5's own index
among it, with zeros where the seal itself lies. It is written last.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

SEAL = "/seal"
STEP = 16 << 20

Extents = npt.NDArray[np.int64]  # (chunks, 2): offset and size


def make_room(file: h5py.File) -> int:
    """Have a new file hold an empty seal; the byte where it lies."""
    seal = file.create_dataset(SEAL, data=np.zeros(1, "<u8"))
    file.flush()
    return int(seal.id.get_offset())


def put_seal(path: Path, at: int, chunks: Sequence[Extents]) -> None:
    """Seal a file that is otherwise complete. at : the byte where the seal lies; chunks : of all data sets."""
    value = digest(path, at, chunks)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(np.uint64(value).astype("<u8").tobytes())
        file.flush()
        os.fsync(file.fileno())


def seal_of(path: Path, at: int) -> int:
    """The seal that a file bears at byte `at`."""
    with open(path, "rb") as file:
        file.seek(at)
        return int.from_bytes(file.read(8), "little")


def digest(path: Path, at: int, chunks: Sequence[Extents]) -> int:
    """What the seal at byte `at` of a file should be."""
    state = xxhash.xxh3_64()
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for begin, end in gaps(chunks, size):
            for first in range(begin, end, STEP):
                piece = bytearray(os.pread(file.fileno(), min(STEP, end - first), first))
                low, high = max(at - first, 0), min(at + 8 - first, len(piece))
                if low < high:
                    piece[low:high] = bytes(high - low)
                state.update(piece)
    return state.intdigest()


def gaps(chunks: Sequence[Extents], size: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of all bytes that lie in no chunk."""
    stored = np.concatenate([one[one[:, 1] > 0] for one in chunks] or [np.zeros((0, 2), np.int64)])
    stored = stored[np.argsort(stored[:, 0])]
    ends = np.concatenate([[0], stored.sum(axis=1)])
    begins = np.concatenate([stored[:, 0], [size]])
    for end, begin in zip(ends.tolist(), begins.tolist(), strict=True):
        if begin > end:
            yield end, begin
