"""CRC-32C: the checksum by which Zarr's shards vouch for their index.

The Castagnoli polynomial, reflected, as in RFC 3720, appendix B.4; one byte at a time by a table. An index has a few
kilobytes, so nothing faster is needed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_POLYNOMIAL = 0x82F63B78


def _table():
    table = np.zeros(256, np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table[byte] = value
    return table


TABLE = _table()


@njit(cache=True, nogil=True)
def crc32c(data):
    """The checksum of a flat array of bytes."""
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = TABLE[(crc ^ np.uint32(byte)) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)
