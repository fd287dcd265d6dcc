"""What a volume is made of; for an HDF5 file, noted where it can be read without HDF5.

HDF5 finds a chunk through an index of its own; a flipped bit there can make it read nonsense, crash, or never come
back. So the places, lengths and hashes of all chunks stand in the file once more, twice over, each copy as one run of
bytes that begins with a mark and vouches for itself. `stackreel verify` finds it by the mark, checks every byte of the
file with it, and has HDF5 look into the file only when all of them are as they were written.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash
from isal import isal_zlib

from stackreel.geometry import Index3
from stackreel.volume.seal import Extents

if TYPE_CHECKING:
    from stackreel.volume.levels import LevelWriter

LEDGER = "/ledger"
MARK = b"stackreel\x00ledger\x01\xa7\xc3\x1f\x8e\r\n\x1a\n"
COPIES = 2
LOOK_BACK = 2 << 30
"""How far before the end of a file its ledger is looked for; what is written after it are a few kilobytes."""

_HEAD = struct.Struct("<QQ")  # length and xxh3 of what follows
_STEP = 16 << 20
_TABLES = (("offsets", "<i8"), ("sizes", "<i8"), ("plain", "|b1"), ("hashes", "<u8"))


@dataclass(frozen=True)
class Kept:
    """One data set of the file and the tables of its chunks, each array (chunks z, y, x).

    where          : its name in the file or folder
    level          : of the pyramid
    resultants     : whether it holds not samples, but how far axial ones agree
    shape, chunk   : (z, y, x) samples
    factors        : (z, y, x) against the full resolution
    offsets, sizes : bytes in the file; sizes 0 where all is zero and nothing is stored. In a folder offsets are 0: a
                     shard says itself where its chunks lie
    plain          : stored without filters; in a folder False, since chunks say so themselves
    hashes         : xxh3 (64 bits) of the stored bytes
    """

    where: str
    level: int
    resultants: bool
    shape: Index3
    chunk: Index3
    factors: Index3
    dtype: np.dtype[Any]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    plain: npt.NDArray[np.bool_]
    hashes: npt.NDArray[np.uint64]

    @property
    def extents(self) -> Extents:
        return np.stack([self.offsets.ravel(), self.sizes.ravel()], axis=1)

    def inside(self, place: Index3) -> Index3:
        """How many samples (z, y, x) of a chunk lie inside the level."""
        z, y, x = (min(c, n - p * c) for c, n, p in zip(self.chunk, self.shape, place, strict=True))
        return (z, y, x)


@dataclass(frozen=True)
class Ledger:
    """Everything that a volume can be checked by.

    seal       : the byte where the seal lies; 0 of a folder
    settings   : of the conversion, as volume.recipe has them
    provenance : where the data come from, in words
    kept       : all data sets with chunks, finest level first
    slices     : hashes of the slices as they were read, and of the weights where there were any; volume.sections
    proved     : provenance has a hash or checksum of its own
    """

    seal: int
    settings: Mapping[str, Any]
    provenance: Mapping[str, str]
    kept: tuple[Kept, ...]
    slices: tuple[npt.NDArray[np.uint64], ...]
    proved: bool = True

    @property
    def weighted(self) -> bool:
        """Whether coarser levels were made with weights."""
        return bool(self.settings.get("weights")) or len(self.slices) > 1

    def provable(self, level: int) -> bool:
        """Whether it is known, for a level, that its samples are made of what they were made of then."""
        return level == 0 or not self.weighted or len(self.slices) > 1

    @property
    def name(self) -> str:
        return str(self.settings["name"])

    @property
    def extents(self) -> list[Extents]:
        return [kept.extents for kept in self.kept]

    @property
    def shape(self) -> Index3:
        """Of the full resolution: (slices, rows, columns)."""
        return cast(Index3, tuple(self.settings["shape"]))

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(str(self.settings["type"]))
        return dtype

    @property
    def full(self) -> Kept | None:
        """The full resolution; None where it stays in the slices' own files."""
        return self.find(0)

    def find(self, level: int, *, resultants: bool = False) -> Kept | None:
        return next((k for k in self.kept if (k.level, k.resultants) == (level, resultants)), None)


def ledger_of(
    file: h5py.File, seal: int, name: str, levels: Sequence[LevelWriter], slices: Sequence[npt.NDArray[np.uint64]]
) -> Ledger:
    """The ledger of a file that is complete but for it."""
    kept = []
    for level in levels:
        for shelf in level.shelves:
            if not shelf.tables:  # these samples stay in the slices' own files
                continue
            tables = (shelf.offsets, shelf.sizes, shelf.plain, shelf.hashes)
            resultants = shelf is level.lengths
            plan = level.plan
            where = f"/{'resultants' if resultants else 'levels'}/{name}/{plan.index}"
            kept.append(Kept(where, plan.index, resultants, plan.shape, plan.chunk, plan.factors, shelf.dtype, *tables))
    settings = json.loads(file[f"/slices/{name}/settings"][()].tobytes())
    attrs, prefix = file[f"/levels/{name}"].attrs, "provenance_"
    words = {k.removeprefix(prefix): str(v) for k, v in attrs.items() if k.startswith(prefix)}
    words.pop("written_at", None)  # so that equal runs make equal files
    return Ledger(seal, settings, words, tuple(kept), tuple(slices))


def put_ledger(file: h5py.File, ledger: Ledger) -> None:
    """Have a file that is open for writing hold a ledger, instead of the one that it has."""
    if LEDGER in file:
        for old in file[LEDGER].values():
            old[...] = 0  # what is only deleted stays in the file, and would be found
        del file[LEDGER]
    framed = np.frombuffer(_framed(ledger), np.uint8)
    for copy in range(COPIES):
        file.create_dataset(f"{LEDGER}/{copy}", data=framed)


def read_ledger(path: Path) -> Ledger | None:
    """The ledger of an HDF5 file, read without HDF5; None where there is none that is whole."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        end = size
        while end > max(0, size - LOOK_BACK):
            begin = max(0, end - _STEP)
            piece = os.pread(file.fileno(), end - begin, begin)
            at = piece.rfind(MARK)
            while at >= 0:
                ledger = _read(file.fileno(), begin + at + len(MARK), size)
                if ledger is not None:
                    return ledger
                at = piece.rfind(MARK, 0, at)
            if begin == 0:
                break
            end = begin + len(MARK) - 1  # a mark may lie across two pieces
    return None


def _framed(ledger: Ledger) -> bytes:
    arrays: list[npt.NDArray[Any]] = [getattr(k, key).astype(kind) for k in ledger.kept for key, kind in _TABLES]
    arrays += [table.astype("<u8") for table in ledger.slices]
    head = {
        "seal": ledger.seal,
        "settings": dict(ledger.settings),
        "provenance": dict(ledger.provenance),
        "kept": [
            [k.where, k.level, k.resultants, k.shape, k.chunk, k.factors, k.dtype.name, list(k.offsets.shape)]
            for k in ledger.kept
        ],
        "slices": [list(table.shape) for table in ledger.slices],
    }
    words = json.dumps(head).encode()
    content = b"".join([struct.pack("<Q", len(words)), words, *(a.tobytes() for a in arrays)])
    payload: bytes = isal_zlib.compress(content, 1)
    return MARK + _HEAD.pack(len(payload), xxhash.xxh3_64_intdigest(payload)) + payload


def _read(handle: int, at: int, size: int) -> Ledger | None:
    head = os.pread(handle, _HEAD.size, at)
    if len(head) < _HEAD.size:
        return None
    length, digest = _HEAD.unpack(head)
    if at + _HEAD.size + length > size:
        return None
    payload = os.pread(handle, length, at + _HEAD.size)
    if len(payload) < length or xxhash.xxh3_64_intdigest(payload) != digest:
        return None
    return _parsed(isal_zlib.decompress(payload))


def _parsed(content: bytes) -> Ledger:
    (length,) = struct.unpack_from("<Q", content)
    head = json.loads(content[8 : 8 + length])
    at = 8 + length

    def take(kind: str, shape: Sequence[int]) -> npt.NDArray[Any]:
        nonlocal at
        array = np.frombuffer(content, kind, math.prod(shape), at).reshape(shape).copy()
        at += array.nbytes
        return array

    kept = []
    for where, level, resultants, shape, chunk, factors, dtype, grid in head["kept"]:
        tables = [take(kind, grid) for _, kind in _TABLES]
        shape, chunk, factors = (cast(Index3, tuple(n)) for n in (shape, chunk, factors))
        kept.append(Kept(where, level, resultants, shape, chunk, factors, np.dtype(dtype), *tables))
    slices = tuple(take("<u8", shape) for shape in head["slices"])
    return Ledger(int(head["seal"]), head["settings"], head["provenance"], tuple(kept), slices)
