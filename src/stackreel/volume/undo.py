"""What a repair needs to take itself back: all bytes of a volume file that lie in no chunk, in a file beside it.

A chunk that is damaged can be written again at any time; a kill leaves it as damaged as it was. HDF5's index is another
matter: half rewritten, it is worth nothing. So before HDF5 may change it, everything outside of chunks is put aside,
a few megabytes; the next repair puts it back first.

By then another volume may stand under the same name, one that was converted anew, and these bytes would destroy it. So
they say whose they are: the file's number on its disk, and its seal, which a repair leaves until it has come to its
end. What belongs to another file is never put back.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import xxhash

from stackreel.errors import VolumeError
from stackreel.files import true_path
from stackreel.volume import undofolder
from stackreel.volume.ledger import Ledger, read_ledger
from stackreel.volume.place import sync
from stackreel.volume.seal import Extents, gaps, seal_of
from stackreel.volume.shardledger import read_any_ledger

Found = Literal["nothing", "taken back", "dropped"]
"""What became of an undo: there was none, it was put back, or it belonged to another file and was removed."""

_MAGIC = b"stackreel undo 2\n"
_LENGTH = struct.Struct("<Q")
_STEP = 16 << 20


@dataclass(frozen=True)
class _Undo:
    """size : that the file had; pieces : where bytes lay in it, and these."""

    size: int
    pieces: tuple[tuple[int, bytes], ...]


def undo_of(path: Path) -> Path:
    """Where it stands: brain.h5 → brain.h5.undo. Of a folder, see volume.undofolder."""
    if path.is_dir():
        return undofolder.undo_of(path)
    return path.with_name(f"{path.name}.undo")


def put_aside(path: Path, chunks: Sequence[Extents]) -> None:
    """Keep what lies around the chunks of a file that is sealed; complete on the disk when this returns."""
    ledger = read_ledger(path)
    if ledger is None:
        raise VolumeError(f"{path}: its hashes have been lost since it was verified; the same command tries again")
    undo = undo_of(path)
    partial = undo.with_name(f"{undo.name}.part")
    with open(path, "rb", buffering=0) as file, open(partial, "wb") as out:
        size = os.fstat(file.fileno()).st_size
        pieces = [
            (first, min(_STEP, end - first)) for begin, end in gaps(chunks, size) for first in range(begin, end, _STEP)
        ]
        state = xxhash.xxh3_64()
        head = {"size": size, "pieces": pieces, "at": ledger.seal, "of": _identity(path, ledger.seal)}
        words = json.dumps(head).encode()

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
    sync(path.parent)


def stopped(path: Path) -> bool:
    """Whether a repair of this very file was stopped before its end."""
    path = true_path(path)
    if path.is_dir():
        return undofolder.stopped(path)
    return undo_of(path).exists() and _kept(path) is not None


def stopped_ledger(path: Path) -> Ledger | None:
    """What the file was made of, as it said before a repair that was stopped; None where there was no such."""
    path = true_path(path)
    if not stopped(path):
        return None
    return read_any_ledger(path) if path.is_dir() else read_ledger(undo_of(path))


def take_back(path: Path) -> Found:
    """Put back what an earlier repair kept and did not come to forget. What is another file's is only removed."""
    undo = undo_of(path)
    if path.is_dir():
        there = undo.exists()
        return "taken back" if undofolder.take_back(path) else "dropped" if there else "nothing"
    undo.with_name(f"{undo.name}.part").unlink(missing_ok=True)
    if not undo.exists():
        return "nothing"
    kept = _kept(path)
    if kept is not None:
        with open(path, "r+b", buffering=0) as file:
            for begin, data in kept.pieces:
                os.pwrite(file.fileno(), data, begin)
            os.ftruncate(file.fileno(), kept.size)
            os.fsync(file.fileno())
    forget(path)
    return "dropped" if kept is None else "taken back"


def forget(path: Path) -> None:
    """The repair has come to its end."""
    undo_of(path).unlink(missing_ok=True)
    sync(path.parent)


def _kept(path: Path) -> _Undo | None:
    """The undo beside a file; None where it is not whole, or not this file's."""
    data = undo_of(path).read_bytes()
    at = len(_MAGIC) + _LENGTH.size
    if not data.startswith(_MAGIC) or len(data) < at + _LENGTH.size:
        return None
    if xxhash.xxh3_64_intdigest(data[: -_LENGTH.size]) != _LENGTH.unpack(data[-_LENGTH.size :])[0]:
        return None
    (length,) = _LENGTH.unpack_from(data, len(_MAGIC))
    words = json.loads(data[at : at + length])
    if words["of"] != _identity(path, words["at"]):
        return None
    at += length
    pieces = []
    for begin, count in words["pieces"]:
        pieces.append((begin, data[at : at + count]))
        at += count
    return _Undo(words["size"], tuple(pieces))


def _identity(path: Path, seal: int) -> list[int]:
    """What no other file has, and what this one keeps as long as a repair is at work on it. seal : where that lies"""
    found = path.stat()
    return [found.st_dev, found.st_ino, seal_of(path, seal)]
