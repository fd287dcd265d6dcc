"""What the sections were when they were read: a hash of every 128 rows of each, to find out later what has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.geometry import Index3

PIECE = 128
TABLES = ("hashes", "weights_hashes")
"""What the tables are called in a volume: of the slices, and of their weights where there were any."""


class SectionHashes:
    """xxh3 (64 bits) of every piece of 128 rows, in native byte order: `table` (sections, pieces)."""

    def __init__(self, shape: Index3) -> None:
        self.table = np.zeros((shape[0], -(-shape[1] // PIECE)), np.uint64)

    def add(self, samples: npt.NDArray[Any], z0: int, y0: int) -> None:
        """Note sections z0 … and rows y0 … (a whole number of pieces), as (z, y, x) samples."""
        for z, section in enumerate(samples):
            for y in range(0, len(section), PIECE):
                piece = np.ascontiguousarray(section[y : y + PIECE])
                self.table[z0 + z, (y0 + y) // PIECE] = xxhash.xxh3_64_intdigest(piece.data)
