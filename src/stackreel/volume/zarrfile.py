"""Zarr, version 3, as far as a volume needs it: folders with a page of JSON each, and arrays in compressed pieces.

Two kinds of arrays: samples lie in shards, files that hold many chunks and an index of where each begins; tables, such
as statistics, are small and lie in pieces of some megabytes. Everything is packed by Blosc with Zstandard, bytes
shuffled where a sample has more than one: every Zarr program knows that, and it is faster than deflate both ways.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import imagecodecs
import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.kernels.crc32c import crc32c

PIECE_BYTES = 32 << 20
PER_SHARD: Index3 = (1, 16, 16)
"""Chunks in a shard: 2048 × 2048 samples, so that terabytes come to ten thousands of files, not to millions."""

MISSING = 2**64 - 1
_HEADER = 16  # of Blosc: what its bytes 4 to 8 say is the decoded size

Json = dict[str, Any]


def pack(chunk: npt.NDArray[Any], *, worth: bool = True) -> bytes:
    """A C-contiguous chunk as it is stored. worth : whether to squeeze it, or only to wrap it."""
    samples: Any = chunk
    packed: Any = imagecodecs.blosc_encode(
        samples,
        level=1 if worth else 0,
        compressor="zstd",
        shuffle=int(chunk.itemsize > 1),
        typesize=chunk.itemsize,
        numthreads=1,
    )
    return bytes(packed)


def unpack(stored: bytes, shape: Sequence[int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A chunk again. Raises ValueError when the bytes are not one (torn, flipped, short)."""
    expected = math.prod(shape) * dtype.itemsize
    said = int.from_bytes(stored[4:8], "little")
    if len(stored) < _HEADER or said != expected:
        raise ValueError(f"decodes to {said:,} bytes instead of {expected:,}")
    try:
        raw = imagecodecs.blosc_decode(stored, numthreads=1)
    except (RuntimeError, ValueError) as error:
        raise ValueError(str(error)) from error
    return np.frombuffer(raw, dtype).reshape(shape)


def only_wrapped(stored: int, samples: int) -> bool:
    """Whether a chunk of so many bytes, of samples of so many, is these as they are behind Blosc's header."""
    return stored == samples + _HEADER


def codecs(dtype: np.dtype[Any]) -> list[Json]:
    """What Zarr calls the way in which `pack` stores a chunk."""
    shuffle = "shuffle" if dtype.itemsize > 1 else "noshuffle"
    blosc = {"typesize": dtype.itemsize, "cname": "zstd", "clevel": 1, "shuffle": shuffle, "blocksize": 0}
    order = {"name": "bytes", "configuration": {"endian": "little"}} if dtype.itemsize > 1 else {"name": "bytes"}
    return [order, {"name": "blosc", "configuration": blosc}]


def sharded(chunk: Index3, shard: Index3, dtype: np.dtype[Any]) -> list[Json]:
    """The same for chunks in shards."""
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    inside = {
        "chunk_shape": list(chunk),
        "codecs": codecs(dtype),
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return [{"name": "sharding_indexed", "configuration": inside}]


def group(attributes: Mapping[str, Any] | None = None) -> Json:
    """The metadata of a group."""
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes or {})}


def array(
    shape: Sequence[int],
    dtype: np.dtype[Any],
    piece: Sequence[int],
    how: list[Json],
    axes: Sequence[str] | None = None,
) -> Json:
    """The metadata of an array in pieces (chunks, or shards) that are stored in such a way."""
    page: Json = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [int(n) for n in shape],
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [int(n) for n in piece]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if dtype.kind == "f" else False if dtype.kind == "b" else 0,
        "codecs": how,
        "attributes": {},
    }
    if axes is not None:
        page["dimension_names"] = list(axes)
    return page


def write_page(folder: Path, page: Json) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    put_file(folder / "zarr.json", page_bytes(page))


def put_file(path: Path, content: bytes) -> None:
    """Write a small file that appears complete, instead of what has its name, its content safe on the disk."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def page_bytes(page: Json) -> bytes:
    """What stands in the file of a page."""
    return json.dumps(page, indent=1, ensure_ascii=False).encode()


def read_page(folder: Path) -> Json:
    """Raises FileNotFoundError, or ValueError where it is no JSON object."""
    page = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
    if not isinstance(page, dict):
        raise ValueError("zarr.json holds no metadata")
    return page


def per_shard(chunks: Index3) -> Index3:
    """Chunks (z, y, x) in a shard of a level that has so many."""
    z, y, x = (min(n, total) for n, total in zip(PER_SHARD, chunks, strict=True))
    return (z, y, x)


def holding(place: Index3, per: Index3) -> tuple[Index3, int]:
    """The shard of a chunk, and which of its chunks it is. per : chunks (z, y, x) in a shard"""
    z, y, x = (int(p) // n for p, n in zip(place, per, strict=True))
    a, b, c = (int(p) % n for p, n in zip(place, per, strict=True))
    return (z, y, x), (a * per[1] + b) * per[2] + c


def piece_of(folder: Path, place: Sequence[int]) -> Path:
    """The file of a piece of an array."""
    return folder.joinpath("c", *map(str, place))


def write_table(folder: Path, values: npt.NDArray[Any]) -> None:
    """An array of any size in pieces of whole rows, each with a checksum. Pieces of zeros are left out."""
    row = max(values.nbytes // max(len(values), 1), 1)
    rows = max(1, min(len(values), PIECE_BYTES // row))
    piece = (rows, *values.shape[1:])
    write_page(folder, array(values.shape, values.dtype, piece, [*codecs(values.dtype), {"name": "crc32c"}]))
    for number, first in enumerate(range(0, len(values), rows)):
        part = np.zeros(piece, values.dtype)
        part[: len(values) - first] = values[first : first + rows]
        if part.view(np.uint8).any():
            path = piece_of(folder, (number, *[0] * (values.ndim - 1)))
            path.parent.mkdir(parents=True, exist_ok=True)
            stored = pack(part)
            put_file(path, stored + checksum(stored))


def read_table(folder: Path) -> npt.NDArray[Any]:
    """Raises FileNotFoundError, or ValueError where it is not what `write_table` wrote."""
    page = read_page(folder)
    shape, dtype = page["shape"], np.dtype(page["data_type"])
    piece = page["chunk_grid"]["configuration"]["chunk_shape"]
    if page["codecs"] != [*codecs(dtype), {"name": "crc32c"}] or piece[1:] != shape[1:]:
        raise ValueError(f"{folder.name} is stored in another way")
    values = np.zeros(shape, dtype)
    for number, first in enumerate(range(0, len(values), piece[0])):
        path = piece_of(folder, (number, *[0] * (values.ndim - 1)))
        if path.exists():
            stored = path.read_bytes()
            if checksum(stored[:-4]) != stored[-4:]:
                raise ValueError(f"{path} is damaged")
            values[first : first + piece[0]] = unpack(stored[:-4], piece, dtype)[: len(values) - first]
    return values


def pack_index(index: npt.NDArray[np.uint64]) -> bytes:
    """The end of a shard: (chunks, 2) offsets and sizes, `MISSING` both where there is nothing, and a checksum."""
    data = index.astype("<u8").tobytes()
    return data + checksum(data)


def index_bytes(chunks: int) -> int:
    """How long the index of a shard is."""
    return chunks * 16 + 4


def unpack_index(stored: bytes) -> npt.NDArray[np.uint64]:
    """(chunks, 2) again. Raises ValueError when it is damaged."""
    if checksum(stored[:-4]) != stored[-4:]:
        raise ValueError("the shard's index is damaged")
    return cast(npt.NDArray[np.uint64], np.frombuffer(stored[:-4], "<u8").reshape(-1, 2))


def checksum(data: bytes) -> bytes:
    return int(crc32c(np.frombuffer(data, np.uint8))).to_bytes(4, "little")
