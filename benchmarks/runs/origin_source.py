"""Sections of the origin's size that stand on no disk: a synthetic hemisphere on glass, made as it is read.

A microscope scans some glass around the tissue; `tissue` says how much of a section's width and height the hemisphere
takes. How long making the samples takes is counted, so that it can be told from the conversion.
"""

import threading
import time
from typing import Any

import numpy as np

from stackreel.geometry import Index3, Spacing
from stackreel.slices.phantom import Phantom

SECTION_UM, COLUMNS_UM = 52.0, 31076 * 1.3


class Glass:
    """A stack of slices for `build`: transmittance of a phantom in the middle of larger sections.

    generator : seconds of processor time that `read` has taken so far, all threads together
    """

    dtype = np.dtype(np.uint8)
    files: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    banded = True

    def __init__(self, shape: Index3, tissue: float) -> None:
        self.shape = shape
        pixel = COLUMNS_UM / shape[2]
        self.spacing = Spacing(SECTION_UM, pixel, pixel, "um")
        rows, columns = (2 * round(tissue * n / 2) for n in shape[1:])
        self._phantom = Phantom((shape[0], rows, columns), self.spacing)
        self._corner = ((shape[1] - rows) // 2, (shape[2] - columns) // 2)
        self.provenance = {"phantom": f"transmittance, seed {self._phantom.seed}, {rows} × {columns} of each section"}
        self.generator = 0.0
        self._lock = threading.Lock()

    def read(self, z: int, rows: slice, out: Any = None) -> Any:
        begin = time.thread_time()
        first, last, _ = rows.indices(self.shape[1])
        if out is None:
            out = np.empty((last - first, self.shape[2]), np.uint8)
        y, x = self._corner
        _, height, width = self._phantom.shape
        a, b = max(first, y), min(last, y + height)
        if a >= b:
            out[:] = 0
        else:
            out[: a - first] = 0
            out[b - first :] = 0
            out[a - first : b - first, :x] = 0
            out[a - first : b - first, x + width :] = 0
            out[a - first : b - first, x : x + width] = self._phantom.rows(z, a - y, b - y, "transmittance")
        with self._lock:
            self.generator += time.thread_time() - begin
        return out

    def close(self) -> None:
        """Nothing is open."""
