"""Pieces of many rows, fetched from a file where they lie: thousands of short reads with no Python between them."""

from __future__ import annotations

import ctypes

import numpy as np
from numba import config, njit, types

if config.DISABLE_JIT:
    _pread = ctypes.CDLL(None, use_errno=True).pread
    _pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64)
    _pread.restype = ctypes.c_ssize_t
else:  # the C library's, found by name
    _pread = types.ExternalFunction("pread", types.int64(types.int32, types.voidptr, types.uint64, types.int64))


@njit(cache=True, nogil=True)
def gather_rows(handle, offset, step, count, size, out):
    """Bytes from `count` rows of an open file into the head of each row of `out`; how many bytes that were.

    handle       : file descriptor
    offset, step : byte where the first piece begins, and from one piece to the next
    size         : bytes of a piece
    out          : (rows, bytes) uint8, C-contiguous, at least (count, size)
    Fewer than count · size when the file ends early or cannot be read; the rest of `out` is then undefined.
    """
    total = 0
    for row in range(count):
        done = 0
        while done < size:
            into = out[row, done:].ctypes.data
            got = _pread(np.int32(handle), into, np.uint64(size - done), np.int64(offset + row * step + done))
            if got <= 0:
                return total
            done += got
            total += got
    return total
