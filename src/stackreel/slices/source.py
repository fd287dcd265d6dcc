"""What the microscope left: a stack of sections, whatever the files look like.

A SliceSource answers three questions: how big is the stack, what is in rows a to b of slice z, and is it still
the same stack as yesterday. Opening one checks every file, so that nothing is discovered after hours of work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3, Spacing


@dataclass(frozen=True, slots=True)
class SliceFile:
    """One file of a stack as it was found: enough to notice a change.

    path, size in bytes, mtime_ns : of the file
    count : slices inside it (pages of a multi-page TIFF); 1 for most
    """

    path: Path
    size: int
    mtime_ns: int
    count: int = 1


@runtime_checkable
class SliceSource(Protocol):
    """A stack of equal slices, readable in bands of rows.

    shape   : (slices, rows, columns)
    dtype   : of the samples, in native byte order
    spacing : from the files' own metadata, None where they say nothing
    files   : what was found, in slice order
    notes   : what a person should know ("numbering jumps from 0011 to 0013"), each a sentence
    banded  : True when a band of rows costs about its share of the slice (raw, striped or tiled TIFF);
              False when any row needs the whole slice decoded (PNG, JPEG, single-strip compressed TIFF)
    """

    @property
    def shape(self) -> Index3: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def spacing(self) -> Spacing | None: ...
    @property
    def files(self) -> tuple[SliceFile, ...]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def banded(self) -> bool: ...

    def read(self, z: int, rows: slice, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Rows of slice z as a C-contiguous 2-D array (rows, columns), into `out` when given.

        Thread-safe: several threads may read different bands at once.
        Raises SliceReadError, naming the file, when the file cannot be read or has changed size.
        """
        ...

    def close(self) -> None: ...
