"""What a repair needs to take itself back: all bytes of a volume file that lie in no chunk, in a file beside it.

A chunk that is damaged can be written again at any time; a kill leaves it as damaged as it was. HDF5's index is another
matter: half rewritten, it is worth nothing. So before HDF5 may change it, everything outside of chunks is put aside,
a few megabytes; the next repair puts it back first.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path

import xxhash

from stackreel.volume.seal import Extents, gaps

_MAGIC = b"stackreel undo 1\n"
_LENGTH = struct.Struct("<Q")
_STEP = 16 << 20


def undo_of(path: Path) -> Path:
    """Where it stands: brain.h5 → brain.h5.undo."""
    return path.with_name(f"{path.name}.undo")


def put_aside(path: Path, chunks: Sequence[Extents]) -> None:
    """Keep what lies around the chunks; complete on the disk when this returns."""
    undo = undo_of(path)
    partial = undo.with_name(f"{undo.name}.part")
    with open(path, "rb", buffering=0) as file, open(partial, "wb") as out:
        size = os.fstat(file.fileno()).st_size
        pieces = [
            (first, min(_STEP, end - first)) for begin, end in gaps(chunks, size) for first in range(begin, end, _STEP)
        ]
        state = xxhash.xxh3_64()
        words = json.dumps({"size": size, "pieces": pieces}).encode()

        def write(data: bytes) -> None:
            state.update(data)
            out.write(data)

        write(_MAGIC + _LENGTH.pack(len(words)) + words)
        for begin, count in pieces:
            write(os.pread(file.fileno(), count, begin))
        out.write(_LENGTH.pack(state.intdigest()))
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, undo)
    _sync(path.parent)


def take_back(path: Path) -> bool:
    """Put back what an earlier repair kept and did not come to forget; whether there was any."""
    undo = undo_of(path)
    undo.with_name(f"{undo.name}.part").unlink(missing_ok=True)
    if not undo.exists():
        return False
    data = undo.read_bytes()
    head = len(_MAGIC) + _LENGTH.size
    whole = data.startswith(_MAGIC) and len(data) >= head + _LENGTH.size
    if whole and xxhash.xxh3_64_intdigest(data[: -_LENGTH.size]) == _LENGTH.unpack(data[-_LENGTH.size :])[0]:
        (length,) = _LENGTH.unpack_from(data, len(_MAGIC))
        words = json.loads(data[head : head + length])
        at = head + length
        with open(path, "r+b", buffering=0) as file:
            for begin, count in words["pieces"]:
                os.pwrite(file.fileno(), data[at : at + count], begin)
                at += count
            os.ftruncate(file.fileno(), words["size"])
            os.fsync(file.fileno())
    forget(path)
    return True


def forget(path: Path) -> None:
    """The repair has come to its end."""
    undo_of(path).unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
