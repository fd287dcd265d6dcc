"""What a conversion has done so far, on the disk beside the file it writes, so that a killed run loses nothing.

A journal opens with the settings of the run. After that it grows by one record at every checkpoint, each written only
when all it speaks of is safe on the disk. A record that a kill or a power cut tore is known by its hash and left out.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

MAGIC = b"stackreel journal 1\n"
_HEAD = struct.Struct("<QQ")  # length and xxh3 of what follows

Record = Mapping[str, npt.NDArray[Any]]


def journal_of(partial: Path) -> Path:
    """Where the journal of an unfinished file stands: brain.h5.partial → brain.h5.journal."""
    return partial.with_suffix(".journal")


def preview_of(partial: Path) -> Path:
    """Where a look ahead at an unfinished file stands, if there is one: brain.h5.partial → brain.h5.preview."""
    return partial.with_suffix(".preview")


def read_journal(path: Path) -> tuple[dict[str, Any], list[Record], int] | None:
    """Settings, whole records and where these end; None where there is no journal. Another run may be writing it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    frames = list(_frames(data)) if data.startswith(MAGIC) else []
    if not frames:
        return None
    settings: dict[str, Any] = json.loads(frames[0][0])
    records: list[Record] = [np.load(io.BytesIO(payload), allow_pickle=False) for payload, _ in frames[1:]]
    return settings, records, frames[-1][1]


def has_record(path: Path) -> bool:
    """Whether a journal stands there that a run could go on from."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return False
    return data.startswith(MAGIC) and len(list(itertools.islice(_frames(data), 2))) == 2


class Journal:
    """A journal that is open for writing; `start` begins a new one, `resume` takes an old one up."""

    def __init__(self, path: Path, handle: int, end: int, records: list[Record]) -> None:
        self.path = path
        self.records = records  # of earlier runs, in order; until this one adds to them
        self._handle = handle
        self._end = end
        self._added = False

    @classmethod
    def start(cls, path: Path, settings: Mapping[str, Any]) -> Journal:
        path.unlink(missing_ok=True)  # never the same file again: an earlier run that still holds it can tell
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            journal = cls(path, handle, len(MAGIC), [])
            os.pwrite(handle, MAGIC, 0)
            journal._append(json.dumps(settings).encode())
        except BaseException:
            os.close(handle)
            raise
        return journal

    @classmethod
    def resume(cls, path: Path) -> tuple[dict[str, Any], Journal] | None:
        """The settings and the journal of an earlier run; None where there is none that came as far as a checkpoint."""
        found = read_journal(path)
        if found is None or not found[1]:
            return None
        settings, records, end = found
        handle = os.open(path, os.O_RDWR)
        os.ftruncate(handle, end)
        return settings, cls(path, handle, end, records)

    @property
    def worth_keeping(self) -> bool:
        """Whether a later run could go on from here."""
        return self._added or bool(self.records)

    @property
    def reaches_to(self) -> int:
        """How long the unfinished file must be at least, for all chunks that earlier runs wrote."""
        ends = [int((r["chunks"]["offset"] + r["chunks"]["size"]).max(initial=0)) for r in self.records]
        return max(ends, default=0)

    def append(self, **arrays: npt.NDArray[Any]) -> None:
        """Add a record, and return when it is on the disk."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        self._append(buffer.getvalue())
        self._added = True
        self.records = []  # taken over long since, and large

    def _append(self, payload: bytes) -> None:
        framed = _HEAD.pack(len(payload), xxhash.xxh3_64_intdigest(payload)) + payload
        done = 0
        while done < len(framed):
            done += os.pwrite(self._handle, framed[done:], self._end + done)
        os.fsync(self._handle)
        self._end += len(framed)

    def discard(self) -> None:
        """Remove it, unless another run has put its own in its place."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self.path.stat(), os.fstat(self._handle)):
                self.path.unlink()

    def close(self) -> None:
        os.close(self._handle)


def _frames(data: bytes) -> Iterator[tuple[bytes, int]]:
    """(payload, end) of every whole record."""
    at = len(MAGIC)
    while at + _HEAD.size <= len(data):
        length, digest = _HEAD.unpack_from(data, at)
        payload = data[at + _HEAD.size : at + _HEAD.size + length]
        at += _HEAD.size + length
        if len(payload) < length or xxhash.xxh3_64_intdigest(payload) != digest:
            return
        yield payload, at
