"""One chunk, packed and unpacked: ordinary HDF5 shuffle and deflate, done by ISA-L outside HDF5's global lock.

Chunks that would hardly shrink are stored as they are, by HDF5's own filter mask: they cost nothing to pack and nothing
to unpack. What is written here opens in any program with HDF5 1.8 or later; what such programs write with gzip, with or
without shuffle, opens here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

LEVEL = 1
NOT_WORTH_PACKING = 0.8
SKIP_FILTERS = 0xFFFFFFFF  # an HDF5 filter mask: this chunk is stored as it is


def pack(chunk: npt.NDArray[Any], level: int = LEVEL) -> bytes:
    """A C-contiguous chunk as HDF5 stores it: bytes shuffled when a sample has more than one, then deflated."""
    data = chunk if chunk.itemsize == 1 else shuffle(chunk)
    packed: bytes = isal_zlib.compress(data.data, level)
    return packed


def unpack(
    packed: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], *, shuffled: bool, deflated: bool
) -> npt.NDArray[Any]:
    """The chunk of such shape and dtype. Raises ValueError when the bytes are not one (torn, flipped, short)."""
    expected = int(np.prod(shape)) * dtype.itemsize
    try:
        raw = isal_zlib.decompress(packed, bufsize=expected) if deflated else packed
    except isal_zlib.error as error:  # type: ignore[misc]
        raise ValueError(str(error)) from error
    if len(raw) != expected:
        raise ValueError(f"decodes to {len(raw):,} bytes instead of {expected:,}")
    if shuffled and dtype.itemsize > 1:
        planes = np.frombuffer(raw, np.uint8).reshape(dtype.itemsize, -1)
        return np.ascontiguousarray(planes.T).view(dtype).reshape(shape)
    return np.frombuffer(raw, dtype).reshape(shape)


def shuffle(chunk: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """All first bytes, then all second bytes, …: HDF5's shuffle filter."""
    return np.ascontiguousarray(chunk.reshape(-1).view(np.uint8).reshape(-1, chunk.itemsize).T)


def bits(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Samples as whole numbers of the same size that are equal only where these are the same bits: -0.0 is not 0.0."""
    return samples.view(f"u{samples.itemsize}") if samples.dtype.kind == "f" else samples


def shrinks_to(counts: npt.NDArray[np.int64]) -> float:
    """To which share deflate would shrink a chunk with such a histogram of bytes (256,), at best: its entropy.

    Scans are noisy, and matching repeated strings hardly ever finds any: on brain sections this lies within 0.05 of
    what deflate really does.
    """
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum() / 8.0)
