"""Single pictures: a frame, a contact sheet. Complete under their name, or not there."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from stackreel.errors import EncodeError
from stackreel.files import check_writable, replacing

_UP = 2
_COLOR_TYPE = {3: 2, 4: 6}


def check_picture(path: Path, *, overwrite: bool) -> None:
    """Raise, before anything is rendered, when the picture could not be written: wrong ending, standing, no folder."""
    if path.suffix.lower() != ".png":
        raise EncodeError(f"{path}: pictures are written as PNG; give it the ending .png")
    check_writable(path, overwrite=overwrite)


def write_picture(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Write uint8 (height, width, 3), or with straight alpha (height, width, 4), as a PNG."""
    with replacing(path) as temporary:
        temporary.write_bytes(png(rgb))


def png(rgb: npt.NDArray[np.uint8]) -> bytes:
    """A picture, uint8 (height, width, 3 or 4), as the bytes of a PNG file: rows as differences from the one above.

    Deflated with ISA-L: a tenth of the time of zlib's fastest, and no larger. Source: W3C, PNG (Third Edition).
    """
    height, width, channels = rgb.shape
    rows = rgb.reshape(height, width * channels)
    filtered = np.empty((height, 1 + width * channels), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPE[channels], 0, 0, 0)
    deflated = isal_zlib.compress(filtered, 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", deflated) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
