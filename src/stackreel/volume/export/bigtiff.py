"""BigTIFF in tiles that may come in any order: pages of hundreds of megabytes, written a tile at a time.

Tiles go to the end of the file as they come; the pages' directories, which say where each lies, are written last. So 32
sections can be written side by side, as chunks of a volume hold them. (TIFF 6.0, and the BigTIFF of libtiff 4.)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

TILE = 256

_ASCII, _SHORT, _LONG, _RATIONAL, _LONG8 = 2, 3, 4, 5, 16
_SIZES = {_ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _LONG8: 8}
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
_SAMPLE_FORMAT = {"u": 1, "i": 2, "f": 3}
_DEFLATE, _HORIZONTAL = 8, 2


def pack_tile(samples: npt.NDArray[Any]) -> bytes:
    """A tile of samples (rows, columns), deflated; what lies beyond the page's edge is zero. b"" where all is zero."""
    tile = np.zeros((TILE, TILE), samples.dtype)
    tile[: samples.shape[0], : samples.shape[1]] = samples
    if not tile.view(np.uint8).any():
        return b""
    if _predicted(samples.dtype):
        tile[:, 1:] -= tile[:, :-1].copy()  # wraps around, as the format has it
    packed: bytes = isal_zlib.compress(tile.data, 1)
    return packed


class BigTiff:
    """A stack of pages of one size (rows, columns). Tiles that never come are all zero.

    step        : of rows and columns in micrometres; None where nobody knows
    description : of the first page
    """

    def __init__(
        self,
        path: Path,
        pages: int,
        size: tuple[int, int],
        dtype: np.dtype[Any],
        *,
        step: tuple[float, float] | None,
        description: str = "",
    ) -> None:
        self._pages, self._size, self._dtype = pages, size, dtype
        self._step, self._description = step, description
        self._across = -(-size[1] // TILE)
        tiles = -(-size[0] // TILE) * self._across
        self._offsets = np.zeros((pages, tiles), np.uint64)
        self._sizes = np.zeros((pages, tiles), np.uint64)
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115 (closed on leaving the block)
        self._file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        self._nothing: tuple[int, int] | None = None

    def put(self, page: int, row: int, column: int, packed: bytes) -> None:
        """Write the tile that begins at such a row and column."""
        tile = row // TILE * self._across + column // TILE
        if packed:
            self._offsets[page, tile], self._sizes[page, tile] = self._append(packed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._complete()
        self._file.close()

    def _append(self, data: bytes) -> tuple[int, int]:
        at = self._file.tell()
        self._file.write(data)
        return at, len(data)

    def _complete(self) -> None:
        """Have absent tiles be of zeros, all the same one, and write the directories."""
        absent = self._sizes == 0
        if absent.any():
            zeros = isal_zlib.compress(np.zeros((TILE, TILE), self._dtype).data, 1)
            self._offsets[absent], self._sizes[absent] = self._append(zeros)
        link = 8  # where the place of the next directory is noted
        for page in range(self._pages):
            self._file.write(bytes(-self._file.tell() % 8))
            directory = self._directory(page)
            begin = self._file.tell()
            self._file.write(struct.pack("<Q", len(directory)))
            room = begin + 8 + 20 * len(directory) + 8  # values that do not fit into an entry
            values = b""
            for tag, kind, count, data in directory:
                if len(data) > 8:
                    place = struct.pack("<Q", room + len(values))
                    values += data + bytes(-len(data) % 8)
                else:
                    place = data.ljust(8, b"\0")
                self._file.write(struct.pack("<HHQ", tag, kind, count) + place)
            self._file.write(bytes(8) + values)
            end = self._file.tell()
            self._file.seek(link)
            self._file.write(struct.pack("<Q", begin))
            self._file.seek(end)
            link = begin + 8 + 20 * len(directory)

    def _directory(self, page: int) -> list[tuple[int, int, int, bytes]]:
        """Tag, type, count and value of every entry, in the order of tags."""
        rows, columns = self._size
        entries: list[tuple[int, int, Any]] = [
            (254, _LONG, [0 if self._pages == 1 else 2]),
            (256, _LONG, [columns]),
            (257, _LONG, [rows]),
            (258, _SHORT, [8 * self._dtype.itemsize]),
            (259, _SHORT, [_DEFLATE]),
            (262, _SHORT, [1]),  # zero is black
            (277, _SHORT, [1]),
            (317, _SHORT, [_HORIZONTAL if _predicted(self._dtype) else 1]),
            (322, _LONG, [TILE]),
            (323, _LONG, [TILE]),
            (324, _LONG8, self._offsets[page]),
            (325, _LONG8, self._sizes[page]),
            (339, _SHORT, [_SAMPLE_FORMAT[self._dtype.kind]]),
        ]
        if page == 0 and self._description:
            entries.append((270, _ASCII, self._description.encode() + b"\0"))
        if self._step is not None:
            y, x = (_per_centimetre(step) for step in self._step)
            entries += [(282, _RATIONAL, x), (283, _RATIONAL, y), (296, _SHORT, [3])]
        return [_entry(*one) for one in sorted(entries, key=lambda one: one[0])]


def _entry(tag: int, kind: int, value: Any) -> tuple[int, int, int, bytes]:
    if isinstance(value, bytes):
        return tag, kind, len(value) // _SIZES[kind], value
    if isinstance(value, np.ndarray):
        return tag, kind, len(value), value.astype("<u8").tobytes()
    return tag, kind, len(value), _numbers(kind, value)


def _numbers(kind: int, values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}{_CODES[kind]}", *values)


def _predicted(dtype: np.dtype[Any]) -> bool:
    """Whether samples are stored as differences to their neighbour, which helps where they have several bytes."""
    return dtype.kind in "ui" and dtype.itemsize > 1


def _per_centimetre(step_um: float) -> bytes:
    ratio = Fraction(1e4 / step_um).limit_denominator(10_000)
    if not 0 < ratio.numerator < 2**32:
        ratio = Fraction(1)
    return struct.pack("<II", ratio.numerator, ratio.denominator)
