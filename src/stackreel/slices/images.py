"""Sections as PNG or JPEG pictures: grey, 8 or 16 bits.

Sizes are read from the first bytes of each file, without a limit on how large a section may be. Both
formats have to be decoded from their first row on, so a band costs as much as the whole section (`banded`
is False).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.checks import Stated, check_equal, inspect_all, stat_file
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import Stack, reason

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_JPEG = b"\xff\xd8\xff"
_PNG_COLOURS = {2: "RGB", 3: "colours from a table", 4: "grey and transparency", 6: "RGB and transparency"}
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF0..SOF15 but for DHT, JPG, DAC
_TAIL = 65536


class Header(NamedTuple):
    """What one picture says of itself."""

    file: SliceFile
    rows: int
    columns: int
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class ImageSlices(Stack):
    """One PNG or JPEG per section."""

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        with self._open(z) as handle:
            data = handle.readall()
            decode = imagecodecs.png_decode if data.startswith(_PNG) else imagecodecs.jpeg8_decode
            image = decode(data)
            if image.ndim == 3:  # a grey PNG with one transparent value decodes with an alpha channel
                image = image[:, :, 0]
            if image.shape != self.shape[1:] or image.dtype != self.dtype:
                raise ValueError(f"it decodes to {image.shape} {image.dtype}")
            out[...] = image[start:stop]


def open_images(paths: Sequence[Path], *, stated: Stated, notes: Sequence[str] = ()) -> ImageSlices:
    """PNG or JPEG sections, every header checked; colour is refused, with the way out.

    Raises SliceReadError for a broken file, SliceError for colour, SliceShapeError when sizes differ.
    """
    headers = inspect_all(read_header, paths)
    check_equal([(h.rows, h.columns, h.dtype) for h in headers], paths, stated)
    first = headers[0]
    said = list(notes)
    if first.file.path.suffix.lower() != ".png":
        said.append("JPEG has altered the values a little; take the originals where they still exist")
    return ImageSlices(
        shape=(len(headers), first.rows, first.columns),
        dtype=first.dtype,
        files=tuple(h.file for h in headers),
        notes=tuple(said),
        banded=False,
    )


def read_header(z: int, path: Path) -> Header:
    """Size and type of the z-th picture of a stack, and whether its end is there."""
    stat = stat_file(z, path)
    where = f"slice {z} ({path.name})"
    try:
        with open(path, "rb") as handle:
            start = handle.read(8)
            if start == _PNG:
                rows, columns, dtype = _png(handle, stat.st_size, where)
            elif start[:3] == _JPEG:
                rows, columns, dtype = _jpeg(handle, stat.st_size, where)
            else:
                raise SliceReadError(
                    f"{where} is neither PNG nor JPEG, whatever its name says; it holds {stat.st_size:,} "
                    f"bytes. Copy it again, or give it the ending of what it is ({path})"
                )
    except (OSError, struct.error) as error:
        if isinstance(error, SliceReadError):
            raise
        raise SliceReadError(
            f"{where} breaks off in its header ({reason(error)}); it holds {stat.st_size:,} bytes, "
            f"copy it again ({path})"
        ) from error
    return Header(SliceFile(path, stat.st_size, stat.st_mtime_ns), rows, columns, dtype)


def _png(handle: Any, size: int, where: str) -> tuple[int, int, np.dtype[Any]]:
    _, kind, columns, rows, depth, colour = struct.unpack(">I4sIIBB", handle.read(18))
    if kind != b"IHDR":
        raise SliceReadError(f"{where} is a damaged PNG: it does not start with its size; copy it again")
    if colour in _PNG_COLOURS:
        raise _in_colour(where, _PNG_COLOURS[colour])
    handle.seek(-len(_PNG_END), os.SEEK_END)
    if handle.read() != _PNG_END and not _png_ends(handle, size):
        raise _truncated(where, size)
    return rows, columns, np.dtype(np.uint16 if depth == 16 else np.uint8)


def _png_ends(handle: Any, size: int) -> bool:
    """Whether the last chunk is there, for files with something behind it."""
    position = len(_PNG)
    while position + 12 <= size:
        handle.seek(position)
        length, kind = struct.unpack(">I4s", handle.read(8))
        position += 12 + length
        if kind == b"IEND":
            return bool(position <= size)
    return False


def _jpeg(handle: Any, size: int, where: str) -> tuple[int, int, np.dtype[Any]]:
    position = 2
    frame = None
    while True:
        handle.seek(position)
        mark, code, length = struct.unpack(">BBH", handle.read(4))
        if mark != 0xFF or length < 2:
            raise SliceReadError(f"{where} is a damaged JPEG: no marker at byte {position:,}; copy it again")
        if code == 0xFF:  # a fill byte
            position += 1
            continue
        if code in _JPEG_FRAMES:
            frame = struct.unpack(">BHHB", handle.read(6))
        position += 2 + length
        if code == 0xDA:  # the samples start
            break
    if frame is None:
        raise SliceReadError(f"{where} is a damaged JPEG: it does not state its size; copy it again")
    depth, rows, columns, colours = frame
    if colours != 1:
        raise _in_colour(where, f"{colours} colours")
    if depth != 8:
        raise SliceError(f"{where} is a JPEG of {depth} bits; convert the sections to TIFF or PNG")
    tail = max(position, size - _TAIL)
    handle.seek(tail)
    if b"\xff\xd9" not in handle.read():  # decoders fill a missing end with grey and say nothing
        raise _truncated(where, size)
    return rows, columns, np.dtype(np.uint8)


def _in_colour(where: str, what: str) -> SliceError:
    return SliceError(
        f"{where} is a colour image ({what}); stackreel reads grey values: convert the sections "
        "(Fiji: Image › Type › 8-bit; ImageMagick: mogrify -colorspace Gray -path grey *)"
    )


def _truncated(where: str, size: int) -> SliceReadError:
    return SliceReadError(f"{where} is truncated: its end is missing after {size:,} bytes; copy it again")
