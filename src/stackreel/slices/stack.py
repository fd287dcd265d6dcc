"""What every reader of sections shares: which file holds slice z, bands of rows, wording of faults.

A reader says only how the samples of one band are fetched; here are the checks before and after, and the
wording of what goes wrong, so that a bad section reads the same whatever its format.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from itertools import accumulate
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceReadError, SliceShapeError, StackreelError
from stackreel.geometry import Index3, Spacing
from stackreel.slices.source import SliceFile


class Bare(NamedTuple):
    """Where a slice's samples lie in its file one after the other, row by row.

    offset : of the first sample, in bytes
    swap   : they are in the byte order that this machine does not have
    """

    offset: int
    swap: bool = False


@dataclass(frozen=True)
class Stack:
    """A SliceSource but for the fetching: a reader inherits this and fills bands. Holds no open file.

    shape, dtype, spacing, files, notes, banded : as SliceSource says
    provenance : what the files say of where they come from, in words, to be kept with the volume
    """

    shape: Index3
    dtype: np.dtype[Any]
    files: tuple[SliceFile, ...]
    spacing: Spacing | None = None
    notes: tuple[str, ...] = ()
    banded: bool = True
    provenance: Mapping[str, str] = field(default_factory=dict)
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", tuple(accumulate(file.count for file in self.files)))

    def locate(self, z: int) -> tuple[SliceFile, int]:
        """The file that holds slice z, and the slice's place in it."""
        if not 0 <= z < self.shape[0]:
            raise SliceError(f"there is no slice {z}; the stack has {self.shape[0]}, numbered from 0")
        i = bisect_right(self._ends, z)
        return self.files[i], z - (self._ends[i - 1] if i else 0)

    def label(self, z: int) -> str:
        """How messages name a slice: slice 417 (s0417.raw)."""
        file, page = self.locate(z)
        return f"slice {z} ({file.path.name}{f', page {page}' if file.count > 1 else ''})"

    def read(self, z: int, rows: slice, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Rows of slice z as a C-contiguous (rows, columns) array, into `out` when given. Thread-safe."""
        start, stop, step = rows.indices(self.shape[1])
        if step != 1:
            raise SliceError(f"rows are read one after the other; a step of {step} is not possible")
        stop = max(start, stop)
        wanted = (stop - start, self.shape[2])
        if out is None:
            out = np.empty(wanted, self.dtype)
        elif out.shape != wanted or out.dtype != self.dtype:
            raise SliceShapeError(
                f"rows {start} to {stop} need an array of {wanted} {self.dtype}; got {out.shape} {out.dtype}"
            )
        self.locate(z)
        if stop == start:
            return out
        if out.flags.c_contiguous:
            self._fill(z, start, stop, out)
        else:
            band = np.empty(wanted, self.dtype)
            self._fill(z, start, stop, band)
            out[...] = band
        return out

    def bare(self, z: int) -> Bare | None:
        """Where slice z lies as bare samples; None where it must be decoded, turned or scaled first."""
        return None

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        """Put rows start..stop of slice z into the C-contiguous array `out`."""
        raise NotImplementedError

    @contextmanager
    def _open(self, z: int) -> Iterator[FileIO]:
        """The slice's file, unbuffered, of the size it had at opening; faults carry its name."""
        file, _ = self.locate(z)
        try:
            with open(file.path, "rb", buffering=0) as handle:
                size = os.fstat(handle.fileno()).st_size
                if size != file.size:
                    raise SliceReadError(
                        f"{self.label(z)} has changed since the stack was opened: {file.size:,} bytes then, "
                        f"{size:,} now; wait until it is written completely, then start again"
                    )
                yield handle
        except (StackreelError, MemoryError):
            raise
        except OSError as error:
            raise SliceReadError(f"{self.label(z)} cannot be read: {reason(error)} ({file.path})") from error
        except Exception as error:  # a decoder's own complaint: zlib, LZW, JPEG …
            raise SliceReadError(
                f"{self.label(z)} does not decode: {reason(error)}; the file is damaged, copy it again "
                f"from where it came ({file.path})"
            ) from error

    def close(self) -> None:
        """Nothing to do: files are open only while they are read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_into(handle: FileIO, offset: int, out: npt.NDArray[Any]) -> None:
    """Bytes of an unbuffered file from offset on, straight into a C-contiguous array; OSError when short."""
    view = out.reshape(-1).view(np.uint8).data
    handle.seek(offset)
    done = 0
    while done < len(view):
        n = handle.readinto(view[done:])
        if not n:
            raise OSError(f"the file ends {len(view) - done:,} bytes early")
        done += n


def reason(error: BaseException) -> str:
    """An error in a few words: the system's text for an OSError, else the first line of the message."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    first = str(error).strip().splitlines()
    return first[0][:200] if first else type(error).__name__
