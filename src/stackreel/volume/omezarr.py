"""The volume as OME-Zarr 0.5: a folder that napari, Fiji, Neuroglancer and others open, read here without a library.

    zarr.json                  OME's words: axes, units, levels; and ours, the attribute `stackreel`
    0 … N                      the pyramid, uint8 … float64 (z, y, x), in shards of 16 × 16 chunks
    stackreel/summary/0 … N    low, high, mask for every brick; offsets, sizes, hashes of the stored chunks
    stackreel/summary/histogram edges and counts of the full resolution
    stackreel/resultants/1 … N of axial data: how far the directions agree that a sample stands for, 255 or 65535 = all
    stackreel/slices           hashes of the slices as they were read, by 128 rows; settings of the conversion (JSON)
    stackreel/words            the attribute `stackreel` once more (JSON), with a checksum
    stackreel/zarr.json        attributes `files` and `seal`: all files but the shards and this one, and their hash

Chunks that hold only zeros are not stored, nor are shards of nothing else. All but OME's own words is as in HDF5.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import CorruptChunkError, VolumeError, VolumeMissingError
from stackreel.geometry import Index3, Placement, Spacing
from stackreel.volume import zarrfile
from stackreel.volume.holes import read_box
from stackreel.volume.recipe import FORMAT
from stackreel.volume.shardfile import Shards
from stackreel.volume.volume import Histogram, Kind, Summary, Volume
from stackreel.volume.zarrwriter import OURS


class ShardLevel:
    """One resolution in an OME-Zarr folder. The shards' indices are read once; after that reading is plain I/O."""

    def __init__(
        self,
        path: Path,
        index: int,
        factors: Index3,
        placement: Placement,
        *,
        array: str | None = None,
        tables: str | None = None,
    ) -> None:
        """array, tables : where the chunks lie, and below the summary what is known of them, if not as for samples."""
        self._path, self._folder = path, path / (array or str(index))
        self._tables = path / OURS / "summary" / (tables or str(index))
        page = zarrfile.read_page(self._folder)
        shard = page["chunk_grid"]["configuration"]["chunk_shape"]
        self.index, self.factors, self.placement = index, factors, placement
        self.shape = _index3(page["shape"])
        self.dataset = f"/{array or index}"
        self.dtype: np.dtype[Any] = np.dtype(page["data_type"])
        self.chunk = _index3(page["codecs"][0]["configuration"]["chunk_shape"])
        self._shards = Shards(self._folder, _index3([s // c for s, c in zip(shard, self.chunk, strict=True)]))
        if page["codecs"] != zarrfile.sharded(self.chunk, _index3(shard), self.dtype) or self.shape != placement.shape:
            raise ValueError(f"level {index} has been written anew by another program")
        self._lock = threading.Lock()
        self._sizes: npt.NDArray[np.int64] | None = None
        self._hashes: npt.NDArray[np.uint64] | None = None
        self._bytes_read = 0

    @property
    def grid(self) -> Index3:
        """Chunks along (z, y, x)."""
        return _index3([-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True)])

    @property
    def bytes_read(self) -> int:
        return self._bytes_read

    @property
    def stored_bytes(self) -> int:
        return int(self.stored_chunks().sum())

    def summary(self) -> Summary:
        brick = _index3(zarrfile.read_page(self._tables)["attributes"]["brick"])
        return Summary(brick, *(self._table(key) for key in ("low", "high", "mask")))

    def stored_chunks(self) -> npt.NDArray[np.int64]:
        return self._chunk_tables()[0]

    def read_chunk(self, index: Index3) -> npt.NDArray[Any] | None:
        sizes, hashes = self._chunk_tables()
        size = int(sizes[index])
        if size == 0:
            return None
        try:
            stored = self._shards.read(index, size)
            with self._lock:
                self._bytes_read += size
            if xxhash.xxh3_64_intdigest(stored) != int(hashes[index]):
                raise ValueError("its hash differs from that of what was written")
            return zarrfile.unpack(stored, self.chunk, self.dtype)
        except OSError as error:
            raise CorruptChunkError(
                f"{self._path}: level {self.index}, chunk {index} of {self.dataset} cannot be read "
                f"({error.strerror}: {error.filename or 'its shard'}); is the disk all right, and the folder complete?"
            ) from error
        except ValueError as error:
            raise CorruptChunkError(
                f"{self._path}: level {self.index}, chunk {index} of {self.dataset} is damaged ({error}); "
                f"`stackreel verify {self._path} --repair SLICES` mends it"
            ) from error

    def read(self, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        return read_box(self, box)

    def _table(self, key: str) -> npt.NDArray[Any]:
        try:
            return zarrfile.read_table(self._tables / key)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VolumeError(
                f"{self._path}: the table {key} of level {self.index} cannot be read ({error}); convert again"
            ) from error

    def _chunk_tables(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Stored bytes and hash of every chunk; read once."""
        with self._lock:
            if self._sizes is None or self._hashes is None:
                self._sizes, self._hashes = self._table("sizes"), self._table("hashes")
            return self._sizes, self._hashes


def open_zarr_volume(path: Path, name: str | None = None) -> Volume:
    """The volume in an OME-Zarr folder that stackreel wrote.

    Raises VolumeMissingError when there is none, VolumeError when it is not one of ours.
    """
    if not path.is_dir():
        raise VolumeMissingError(f"{path}: there is no such volume; make one with `stackreel convert SLICES {path}`")
    if not any((path / page).is_file() for page in ("zarr.json", ".zgroup", ".zattrs", ".zarray")):
        raise VolumeError(f"{path}: a folder, but no Zarr; name a volume file made by `stackreel convert`")
    try:
        page = zarrfile.read_page(path) if (path / "zarr.json").exists() else {}
        ours = page.get("attributes", {}).get(OURS)
        if not isinstance(ours, dict):
            stem = path.name.removesuffix(".zarr").removesuffix(".ome")
            raise VolumeError(
                f"{path}: Zarr of another program, without the statistics by which stackreel knows what to read; "
                f"make a volume of it with `stackreel convert {path} {path.with_name(stem)}.h5`"
            )
        if int(ours["format"]) > FORMAT:
            raise VolumeError(
                f"{path}: written in format {ours['format']}; this stackreel reads up to {FORMAT}: update it"
            )
        if name not in (None, ours["name"]):
            raise VolumeError(f'{path} holds no volume "{name}"; it holds {ours["name"]}')
        return _read(path, ours)
    except VolumeError:
        raise
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError) as error:
        raise VolumeError(
            f"{path}: incomplete volume, or another program's file ({error}); convert the slices again"
        ) from error


def _read(path: Path, ours: dict[str, Any]) -> Volume:
    z, y, x = (float(step) for step in ours["spacing"])
    spacing = Spacing(z, y, x, str(ours["spacing_unit"]))
    full = _index3(zarrfile.read_page(path / "0")["shape"])
    placement = Placement.of(full, spacing)
    levels = [
        ShardLevel(path, index, _index3(factors), placement.reduced(factors))
        for index, factors in enumerate(ours["factors"])
    ]
    histogram = path / OURS / "summary" / "histogram"
    low, high = (float(value) for value in ours["value_range"])
    prefix = "provenance_"
    return Volume(
        path=path,
        name=str(ours["name"]),
        kind=cast(Kind, str(ours["kind"])),
        period=float(ours["period"]) if "period" in ours else None,
        background=float(ours["background"]) if "background" in ours else None,
        dtype=levels[0].dtype,
        spacing=spacing,
        placement=placement,
        value_range=(low, high),
        histogram=Histogram(zarrfile.read_table(histogram / "edges"), zarrfile.read_table(histogram / "counts")),
        fingerprint=str(ours["fingerprint"]),
        levels=tuple(levels),
        reduced_by=str(ours.get("reduced_by", "mean")),
        provenance={k.removeprefix(prefix): str(v) for k, v in sorted(ours.items()) if k.startswith(prefix)},
    )


def _index3(values: Any) -> Index3:
    z, y, x = (int(n) for n in values)
    return (z, y, x)
