"""The histogram of everything that went by, and its range: exact for integers, within 1 % of the value for floats."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.kernels import summarise as kernels
from stackreel.volume.volume import Histogram

BINS = 1024


class Counter:
    """Counts samples as they go by. Any thread may add; `histogram` when all are in.

    A histogram has one bin a value up to 16 bits; wider integers and floats are counted in float32's upper 16 bits
    and come out in 1024 equal bins between the lowest and the highest value.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._direct = dtype.kind in "ui" and dtype.itemsize <= 2
        self._lowest = int(np.iinfo(dtype).min) if self._direct else 0
        self._bins = 2 ** (8 * dtype.itemsize) if self._direct else 65536
        self._tables: list[npt.NDArray[np.int64]] = []
        self._own = threading.local()
        self._low, self._high = np.inf, -np.inf
        self._lock = threading.Lock()

    def table(self) -> npt.NDArray[np.int64]:
        """The calling thread's own table; what was counted elsewhere may be added to it."""
        table: npt.NDArray[np.int64] | None = getattr(self._own, "table", None)
        if table is None:
            table = self._own.table = np.zeros(self._bins, np.int64)
            with self._lock:
                self._tables.append(table)
        return table

    def add(self, block: npt.NDArray[Any]) -> None:
        """Count a block (z, y, x) of samples."""
        if self._direct:
            kernels.count_integers(block, self._lowest, self.table())
        else:
            with np.errstate(over="ignore"):  # beyond float32 are infinities, which are not counted
                keys = np.ascontiguousarray(block, np.float32).view(np.uint32)
            kernels.count_floats(keys, self.table())

    def add_zeros(self, count: int) -> None:
        self.table()[-self._lowest if self._direct else 0x8000] += count
        self.span(0.0, 0.0)

    def span(self, low: float, high: float) -> None:
        """Note that values from low to high occur."""
        with self._lock:
            self._low, self._high = min(self._low, low), max(self._high, high)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that was counted so far, to go on from with `resume`. Nothing may be adding meanwhile."""
        return {"counts": self._total(), "span": np.array([self._low, self._high])}

    def resume(self, counts: npt.NDArray[np.int64], span: npt.NDArray[np.float64]) -> None:
        self.table()[:] = counts
        self._low, self._high = float(span[0]), float(span[1])

    @property
    def value_range(self) -> tuple[float, float]:
        if self._low > self._high:
            return (0.0, 0.0)
        return (float(self._low), float(self._high))

    def histogram(self) -> Histogram:
        low, high = self.value_range
        total = self._total()
        if self._direct:
            first, last = int(low) - self._lowest, int(high) - self._lowest
            edges = np.arange(int(low), int(high) + 2, dtype=np.float64) - 0.5
            return Histogram(edges, total[first : last + 1])
        keys = np.arange(65536, dtype=np.uint32) << 16
        bits = np.where(keys & 0x80000000, keys ^ np.uint32(0x80000000), ~keys)
        used = total > 0
        values = bits.astype(np.uint32)[used].view(np.float32).astype(np.float64)
        # too narrow, or too wide, to be cut into bins
        room = 1e-9 * max(abs(low), abs(high))
        if not room < high - low < np.inf:
            margin = max(0.5, room)
            return Histogram(np.array([low - margin, high + margin]), np.array([total.sum()]))
        at = np.clip(values, low, high)
        counts, edges = np.histogram(at, bins=BINS, range=(low, high), weights=total[used])
        return Histogram(edges, counts.astype(np.int64))

    def _total(self) -> npt.NDArray[np.int64]:
        return np.sum(self._tables, axis=0) if self._tables else np.zeros(self._bins, np.int64)
