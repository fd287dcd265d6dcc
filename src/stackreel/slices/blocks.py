"""Bands of rows out of chunks that are deeper than one section, each chunk decoded once.

Zarr and HDF5 store a volume in chunks, say 64 sections of 256 × 256 samples. A conversion asks for it slab by slab,
32 sections at a time, in bands of rows; asked for each section anew, every chunk would be decoded 32 times. So whole
blocks are decoded: as deep as a slab, as high as a chunk, as wide as a section. A few are kept, just enough for the
band that is being read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3

SLAB = 32  # sections that a conversion reads together
BAND = 128  # rows of its smallest band
BUDGET = 1 << 30

Load = Callable[[slice, slice], npt.NDArray[Any]]


class Blocks:
    """Rows of sections, from a store of chunks, through a few decoded blocks. Thread-safe.

    banded : False when a chunk is so high that bands would decode it again and again; then sections are read whole
    depth, rows : of a block; it spans all columns
    again  : how often a chunk is decoded in one pass: 1 unless blocks of whole chunks would outgrow the budget
    """

    def __init__(self, shape: Index3, chunk: Index3, itemsize: int, load: Load, budget: int = BUDGET) -> None:
        """shape, chunk : (z, y, x) of the volume and of its chunks

        load   : samples (sections, rows, all columns) of some sections and rows
        budget : bytes that kept blocks may take
        """
        self._shape, self._load = shape, load
        count, height, width = shape
        deep, high = min(chunk[0], count), min(chunk[1], height)
        slice_bytes = height * width * itemsize
        if deep == 1 or deep * slice_bytes <= budget // 4:
            self.depth = deep
        else:
            self.depth = deep if deep < SLAB and SLAB % deep == 0 else min(SLAB, count)
        deepest = max(self.depth, min(SLAB, count))
        affordable = budget // (2 * deepest * width * itemsize)  # a band may lie across two blocks
        rows = min(height, high * -(-BAND // high))
        self.banded = not (deep == 1 and rows > affordable and rows > BAND)
        self.rows = rows if rows <= affordable or not self.banded else max(1, affordable)
        self.again = 1 if not self.banded else -(-high // self.rows) * -(-deep // self.depth)
        self._keep = (-(-deepest // self.depth) + bool(SLAB % self.depth)) * 2
        self._blocks: OrderedDict[tuple[int, int], Future[npt.NDArray[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        """Rows start to stop of section z, into out (rows, columns)."""
        if not self.banded:
            out[...] = self._load(slice(z, z + 1), slice(start, stop))[0]
            return
        for j in range(start // self.rows, -(-stop // self.rows)):
            top = j * self.rows
            a, b = max(start, top), min(stop, top + self.rows)
            block = self._block(z // self.depth, j)
            out[a - start : b - start] = block[z % self.depth, a - top : b - top]

    def _block(self, i: int, j: int) -> npt.NDArray[Any]:
        with self._lock:
            future = self._blocks.get((i, j))
            mine = future is None
            if future is None:
                for key in [key for key, held in self._blocks.items() if held.done()]:
                    if len(self._blocks) < self._keep:
                        break
                    del self._blocks[key]
                future = self._blocks[i, j] = Future()
            else:
                self._blocks.move_to_end((i, j))
        if mine:
            try:
                count, height, _ = self._shape
                z = slice(i * self.depth, min((i + 1) * self.depth, count))
                rows = slice(j * self.rows, min((j + 1) * self.rows, height))
                future.set_result(np.ascontiguousarray(self._load(z, rows)))
            except BaseException as error:
                with self._lock:
                    self._blocks.pop((i, j), None)
                future.set_exception(error)
        return future.result()

    def clear(self) -> None:
        with self._lock:
            self._blocks.clear()
