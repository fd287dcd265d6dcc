"""What a repair of an OME-Zarr folder needs to take itself back: the small files that it is about to change, in one.

Where a chunk is packed otherwise than it was, two tables and the seal follow, three files and more. They cannot change
in one step; but the file that holds them as they were appears, and goes, in one. It lies in the folder, so that it can
be of no other.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import xxhash

from stackreel.volume.place import sync
from stackreel.volume.zarrfile import put_file
from stackreel.volume.zarrwriter import OURS, UNDO

_MAGIC = b"stackreel undo folder 1\n"
_LENGTH = struct.Struct("<Q")


def undo_of(folder: Path) -> Path:
    """Where it stands."""
    return folder / OURS / UNDO


def put_aside(folder: Path, things: Sequence[Path]) -> None:
    """Keep files, and all files of tables; complete on the disk when this returns."""
    files = [file for thing in things for file in (sorted(thing.rglob("*")) if thing.is_dir() else [thing])]
    kept = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.is_file()}
    words = json.dumps([[name, len(content)] for name, content in kept.items()]).encode()
    data = b"".join([_MAGIC, _LENGTH.pack(len(words)), words, *kept.values()])
    put_file(undo_of(folder), data + _LENGTH.pack(xxhash.xxh3_64_intdigest(data)))
    sync(folder / OURS)


def stopped(folder: Path) -> bool:
    """Whether a repair was stopped before its end."""
    return _kept(folder) is not None


def take_back(folder: Path) -> bool:
    """Put back what an earlier repair kept and did not come to forget; whether there was such."""
    kept = _kept(folder)
    for name, content in (kept or {}).items():
        put_file(folder / name, content)
        sync((folder / name).parent)
    forget(folder)
    return kept is not None


def forget(folder: Path) -> None:
    """The repair has come to its end."""
    for undo in (undo_of(folder), undo_of(folder).with_name(f".{UNDO}.part")):
        undo.unlink(missing_ok=True)
    if (folder / OURS).is_dir():
        sync(folder / OURS)


def _kept(folder: Path) -> dict[str, bytes] | None:
    """What was put aside, by name in the folder; None where nothing was, or where it is damaged."""
    try:
        data = undo_of(folder).read_bytes()
    except FileNotFoundError:
        return None
    at = len(_MAGIC) + _LENGTH.size
    content, digest = data[: -_LENGTH.size], data[-_LENGTH.size :]
    if not data.startswith(_MAGIC) or len(content) < at or digest != _LENGTH.pack(xxhash.xxh3_64_intdigest(content)):
        return None
    (length,) = _LENGTH.unpack_from(data, len(_MAGIC))
    out = {}
    begin = at + length
    for name, size in json.loads(data[at:begin]):
        out[name] = data[begin : begin + size]
        begin += size
    return out
