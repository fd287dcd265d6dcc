"""Sections as bare samples: one raw file per section, or the whole stack in one.

A raw file says nothing of itself; rows, columns, type and byte order come from the user and are held
against the size of every file. Reading is one seek and one read into the caller's array: as fast as the
disk, and no more memory than the band of rows that was asked for.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceShapeError
from stackreel.slices.checks import check_type, inspect_all, known_types, stat_file
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import Bare, Stack, read_into

ByteOrder = Literal["little", "big"]


@dataclass(frozen=True)
class RawSlices(Stack):
    """Raw files, each with `skip_bytes` of header and then its slices, rows one after the other.

    swap : the samples lie in the byte order that this machine does not have
    """

    skip_bytes: int = 0
    swap: bool = False

    def bare(self, z: int) -> Bare:
        _, page = self.locate(z)
        _, rows, columns = self.shape
        return Bare(self.skip_bytes + page * rows * columns * self.dtype.itemsize, self.swap)

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        with self._open(z) as handle:
            read_into(handle, self.bare(z).offset + start * self.shape[2] * self.dtype.itemsize, out)
        if self.swap:
            out.byteswap(inplace=True)


def parse_dtype(text: str) -> tuple[np.dtype[Any], ByteOrder | None]:
    """A sample type as people write it, in native byte order, and the order named: ">u2" → uint16, "big"."""
    try:
        dtype = np.dtype(text)
    except TypeError:
        raise SliceError(f'--dtype "{text}" is not a type; {known_types()}') from None
    order: dict[str, ByteOrder] = {">": "big", "<": "little"}
    stated = order.get(text.strip()[:1])
    return check_type(dtype, f'--dtype "{text}"'), stated


def open_raw(
    paths: Sequence[Path],
    *,
    shape: tuple[int, int] | None,
    dtype: np.dtype[Any] | None,
    byte_order: ByteOrder | None,
    skip_bytes: int,
    notes: Sequence[str] = (),
) -> RawSlices:
    """Raw sections, every file's size checked. One file alone may hold many slices: as many as fit exactly.

    Raises SliceError when shape or dtype are missing, SliceShapeError when a size does not fit them.
    """
    if skip_bytes < 0:
        raise SliceError(f"--skip-bytes {skip_bytes}: the length of a header cannot be negative")
    stats = inspect_all(stat_file, paths)
    sizes = [stat.st_size for stat in stats]
    if shape is None or dtype is None:
        missing = " and ".join(
            name for name, value in (("--shape ROWS COLS", shape), ("--dtype", dtype)) if value is None
        )
        raise SliceError(
            f"{paths[0].name}: raw files do not state their size and type; give {missing}, as in "
            f"--shape 28721 31076 --dtype uint8 (the file holds {sizes[0]:,} bytes"
            f"{_square(sizes[0] - skip_bytes)})"
        )
    if min(shape) < 1:
        raise SliceError(f"--shape {shape[0]} {shape[1]}: rows and columns must be at least 1")
    count = _check_sizes(paths, sizes, shape, dtype, skip_bytes)
    said = list(notes)
    if dtype.itemsize > 1 and byte_order is None:
        said.append(f"{dtype} samples read as little-endian; if sections look like noise, try --byte-order big")
    return RawSlices(
        shape=(count * len(paths), *shape),
        dtype=dtype,
        files=tuple(
            SliceFile(path, stat.st_size, stat.st_mtime_ns, count) for path, stat in zip(paths, stats, strict=True)
        ),
        notes=tuple(said),
        provenance=_words(dtype, byte_order or "little", skip_bytes),
        skip_bytes=skip_bytes,
        swap=dtype.itemsize > 1 and (byte_order or "little") != sys.byteorder,
    )


def _words(dtype: np.dtype[Any], byte_order: ByteOrder, skip_bytes: int) -> dict[str, str]:
    """How the samples were read, where that is a choice."""
    words = {"raw_byte_order": byte_order} if dtype.itemsize > 1 else {}
    return words | ({"raw_header": f"{skip_bytes} bytes"} if skip_bytes else {})


def _check_sizes(
    paths: Sequence[Path], sizes: Sequence[int], shape: tuple[int, int], dtype: np.dtype[Any], skip: int
) -> int:
    """Slices in each file; SliceShapeError, with what would fit, when a size is not what was announced."""
    slice_bytes = shape[0] * shape[1] * dtype.itemsize
    if len(paths) == 1:
        count, rest = divmod(sizes[0] - skip, slice_bytes)
        if count >= 1 and rest == 0:
            return count
    wrong = [z for z, size in enumerate(sizes) if size != skip + slice_bytes]
    if not wrong:
        return 1
    z = wrong[0]
    header = f"{skip:,} bytes of header + " if skip else ""
    message = (
        f"slice {z} ({paths[z].name}) holds {sizes[z]:,} bytes; {header}{shape[0]} × {shape[1]} {dtype} "
        f"needs {skip + slice_bytes:,}. "
    )
    if len(wrong) == len(paths):  # the announcement is wrong, not the file
        usual = Counter(sizes).most_common(1)[0][0]
        hints = _what_would_fit(sizes[z], shape, dtype, skip, many=len(paths) > 1)
        message += hints or "Check --shape, --dtype and --skip-bytes against what the microscope wrote"
        if len(paths) > 1 and sizes[z] == usual and len(set(sizes)) == 1:
            message += f". All {len(paths)} files hold the same number of bytes"
    else:
        right = len(paths) - len(wrong)
        message += f"{right} of the {len(paths)} files have that size; " + (
            "this one is smaller than its neighbours: truncated? Copy it again, or take it out"
            if sizes[z] < skip + slice_bytes
            else "this one is larger than its neighbours: another size or type? Write it again or take it out"
        )
        if len(wrong) > 1:
            others = ", ".join(paths[i].name for i in wrong[1:4]) + (", …" if len(wrong) > 4 else "")
            message += f" ({len(wrong) - 1} more do not fit: {others})"
    raise SliceShapeError(message)


def _what_would_fit(size: int, shape: tuple[int, int], dtype: np.dtype[Any], skip: int, many: bool) -> str:
    """Readings of a file's size close to the one announced, each with the option that states it."""
    rows, columns = shape
    samples, body = rows * columns, size - skip
    slice_bytes = samples * dtype.itemsize
    hints = []
    types = {1: "uint8", 2: "uint16 or int16", 4: "float32, uint32 or int32", 8: "float64"}
    for width, names in types.items():
        if body == samples * width and width != dtype.itemsize:
            hints.append(f"{size:,} bytes would fit {rows} × {columns} {names} (--dtype {names.split()[0].strip(',')})")
    if not hints and skip and (size == slice_bytes):
        hints.append("they would fit without a header (leave --skip-bytes out)")
    row_bytes = columns * dtype.itemsize
    if not hints and body > 0 and body % row_bytes == 0 and body != slice_bytes:
        hints.append(f"{body:,} bytes would fit {body // row_bytes} × {columns} {dtype}")
    column_bytes = rows * dtype.itemsize
    if body > 0 and body % column_bytes == 0 and body != slice_bytes and not any("--dtype" in h for h in hints):
        hints.append(f"{rows} × {body // column_bytes} {dtype} would fit")
    if not hints and slice_bytes < body <= slice_bytes + 65536:
        hints.append(f"it is {body - slice_bytes:,} bytes more: a header? (--skip-bytes {skip + body - slice_bytes})")
    if many and body > slice_bytes and body % slice_bytes == 0:
        hints.append(
            f"each file holds {body // slice_bytes} such slices; join them into one file, or give the shape of one"
        )
    return "; ".join(hints)


def _square(size: int) -> str:
    """Square slices that would fill a size: a first guess to start from."""
    for width, name in ((1, "uint8"), (2, "uint16"), (4, "float32")):
        side = math.isqrt(max(size, 0) // width)
        if side and side * side * width == size:
            return f", which would fit {side} × {side} {name}"
    return ""
