"""A whole volume in the other kind of file: HDF5 becomes OME-Zarr, OME-Zarr becomes HDF5.

All levels and all statistics go along, chunk by chunk; every chunk is checked by its hash on the way. A volume whose
full resolution stayed in the slices becomes one that holds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.errors import VolumeError
from stackreel.files import true_path
from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.chunkfile import ChunkFile
from stackreel.volume.codec import NOT_WORTH_PACKING, bits, shrinks_to
from stackreel.volume.export.excerpt import in_order
from stackreel.volume.hdf5 import opened
from stackreel.volume.ledger import ledger_of, put_ledger
from stackreel.volume.levels import LevelWriter
from stackreel.volume.omezarr import ShardLevel
from stackreel.volume.opening import open_volume
from stackreel.volume.output import check_output, told, unfinished
from stackreel.volume.pyramid import CHUNK, LevelPlan
from stackreel.volume.seal import make_room, put_seal
from stackreel.volume.sections import TABLES
from stackreel.volume.shards import ShardStore
from stackreel.volume.shelf import Packed, Shelf
from stackreel.volume.store import left_to_others
from stackreel.volume.uninterrupted import uninterrupted
from stackreel.volume.volume import Volume
from stackreel.volume.zarrwriter import OURS, complete

Progress = Callable[[int], object]
Finish = Callable[[h5py.File, str, Sequence[Any]], None]
Read = Callable[[Index3], npt.NDArray[Any] | None]


def copy_volume(
    volume: Volume,
    out: Path,
    *,
    threads: int,
    overwrite: bool = False,
    progress: Progress = lambda _: None,
    finish: Finish = lambda _file, _name, _placements: None,
) -> Volume:
    """The same volume at `out`, as OME-Zarr where that ends in .zarr and as HDF5 otherwise; opened.

    progress : is told bytes of samples, of all levels, that have been copied
    finish   : adds to an HDF5 file what other programs want; see volume.build
    Raises VolumeError, CorruptChunkError, OutputExistsError or DiskFullError; then nothing new stands at `out`.
    A conversion to that name that was stopped on the way is never discarded: VolumeError.
    """
    check_output(out, overwrite=overwrite)
    target = true_path(out)
    with told(out), _described(volume) as described, unfinished(target, None) as (path, _):
        if f"summary/{volume.name}/histogram" not in described:
            raise VolumeError(f"{volume.path} has no levels; convert its slices instead")
        _copy(volume, described, path, threads, progress, finish)
    return open_volume(out, volume.name)


def _copy(volume: Volume, described: h5py.File, path: Path, threads: int, progress: Progress, finish: Finish) -> None:
    store = ShardStore(path, anew=True) if path.is_dir() else ChunkFile(path)
    with left_to_others(store):
        seal = make_room(store.file)
        name, levels = volume.name, _writers(volume, described, store)
        for level, writer in zip(volume.levels, levels, strict=True):
            statistics = described[f"summary/{name}/{level.index}"]
            for key, values in writer.statistics.items():
                values[...] = statistics[key][()]
            _fill(writer.samples, level.read_chunk, threads, progress)
            if writer.lengths is not None:
                _fill(writer.lengths, _resultants(volume, described, level.index, writer.lengths), threads)
        with uninterrupted():
            _describe(described, store.file, name, levels)
            if isinstance(store, ShardStore):
                complete(store, name)
                return
            finish(store.file, name, [level.placement for level in volume.levels])
            slices = described[f"slices/{name}"]
            ledger = ledger_of(store.file, seal, name, levels, [slices[key][()] for key in TABLES if key in slices])
            put_ledger(store.file, ledger)
    store.close()
    put_seal(path, seal, ledger.extents)


def _writers(volume: Volume, described: h5py.File, store: ChunkFile | ShardStore) -> list[LevelWriter]:
    companion = "resultants" in described[f"summary/{volume.name}"]
    before: Index3 = (1, 1, 1)
    writers = []
    for level in volume.levels:
        halved = cast(Index3, tuple(f // b for f, b in zip(level.factors, before, strict=True)))
        chunk = cast(Index3, tuple(min(c, n) for c, n in zip(level.chunk, level.shape, strict=True)))
        plan = LevelPlan(level.index, level.shape, level.factors, halved, chunk, streamed=True)
        writers.append(LevelWriter(store, volume.name, plan, level.dtype, CHUNK[1], companion=companion))
        before = level.factors
    return writers


def _fill(shelf: Shelf, read: Read, threads: int, progress: Progress = lambda _: None) -> None:
    """Copy all chunks of an array."""
    places = itertools.product(*(range(n) for n in shelf.plan.chunks))
    for size, packed in in_order((partial(_packed, shelf, read, cast(Index3, place)) for place in places), threads):
        shelf.put(packed)
        progress(size)


def _packed(shelf: Shelf, read: Read, place: Index3) -> tuple[int, Packed]:
    """Bytes of samples in a chunk, and the chunk as it is to be stored."""
    inside = [min(c, n - p * c) for c, n, p in zip(shelf.plan.chunk, shelf.plan.shape, place, strict=True)]
    size = int(np.prod(inside)) * shelf.dtype.itemsize
    chunk = read(place)
    if chunk is None or not bits(chunk).any():
        return size, Packed(place, b"", False, 0)
    block = np.ascontiguousarray(chunk[tuple(slice(0, n) for n in inside)])
    worth = shelf.dtype != np.uint8 or shrinks_to(np.bincount(block.ravel(), minlength=256)) < NOT_WORTH_PACKING
    return size, shelf.pack(place, block, worth=worth)


def _resultants(volume: Volume, described: h5py.File, index: int, shelf: Shelf) -> Read:
    """What reads the chunks of a level's resultants."""
    if volume.path.is_dir():
        level = volume.levels[index]
        return ShardLevel(
            volume.path,
            index,
            level.factors,
            level.placement,
            array=f"{OURS}/resultants/{index}",
            tables=f"resultants/{index}",
        ).read_chunk
    dataset = described[f"resultants/{volume.name}/{index}"]

    def read(place: Index3) -> npt.NDArray[Any]:
        begins = [p * c for p, c in zip(place, shelf.plan.chunk, strict=True)]
        box = tuple(slice(b, b + c) for b, c in zip(begins, shelf.plan.chunk, strict=True))
        found: npt.NDArray[Any] = dataset[box]
        return found

    return read


def _describe(source: h5py.File, file: h5py.File, name: str, levels: Sequence[LevelWriter]) -> None:
    """Take over tables and attributes; the places and hashes of chunks are new ones."""
    for key, value in source[f"levels/{name}"].attrs.items():
        file[f"levels/{name}"].attrs[key] = value
    for level in levels:
        index = level.plan.index
        group = _tables(file, f"summary/{name}/{index}", level.statistics | level.samples.tables)
        group.attrs["brick"] = np.asarray(level.plan.brick, np.int64)
        if level.lengths is not None:
            _tables(file, f"summary/{name}/resultants/{index}", level.lengths.tables)
    source.copy(source[f"summary/{name}/histogram"], file[f"summary/{name}"], "histogram")
    source.copy(source[f"slices/{name}"], file.require_group("slices"), name)
    if "links" in file[f"slices/{name}"]:
        del file[f"slices/{name}/links"]


def _tables(file: h5py.File, where: str, arrays: dict[str, npt.NDArray[Any]]) -> h5py.Group:
    group = file.create_group(where)
    for key, values in arrays.items():
        group.create_dataset(key, data=values, compression="gzip", compression_opts=1, shuffle=True)
    return group


@contextmanager
def _described(volume: Volume) -> Iterator[h5py.File]:
    """What a volume's file says besides its samples, as HDF5 has it."""
    if not volume.path.is_dir():
        with opened(volume.path) as file:
            yield file
        return
    with h5py.File(f"{volume.path.name}.h5", "w", driver="core", backing_store=False) as file:
        ours = zarrfile.read_page(volume.path)["attributes"][OURS]
        _set(
            file.create_group(f"levels/{volume.name}"), {k: v for k, v in ours.items() if k not in ("name", "factors")}
        )
        for part in ("summary", "slices"):
            _take(volume.path / OURS / part, file.create_group(f"{part}/{volume.name}"))
        yield file


def _take(folder: Path, group: h5py.Group) -> None:
    """A Zarr group as one of HDF5's."""
    _set(group, zarrfile.read_page(folder)["attributes"])
    for below in sorted(path.parent for path in folder.glob("*/zarr.json")):
        if zarrfile.read_page(below)["node_type"] == "array":
            group[below.name] = zarrfile.read_table(below)
        else:
            _take(below, group.create_group(below.name))


def _set(group: h5py.Group, attributes: dict[str, Any]) -> None:
    for key, value in attributes.items():
        plain = value if not isinstance(value, list) else [float(v) if isinstance(v, str) else v for v in value]
        group.attrs[key] = plain
