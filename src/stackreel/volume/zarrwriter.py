"""The last of a conversion to OME-Zarr: its tables and attributes, and the pages by which other programs read it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xxhash

from stackreel.geometry import Index3, Spacing
from stackreel.volume import ome, zarrfile
from stackreel.volume.place import sync
from stackreel.volume.shards import ShardStore
from stackreel.volume.volume import Histogram

OURS = "stackreel"
_IN_SHARDS = ("offsets", "plain")  # what a shard's own index says, or every chunk's header


def complete(store: ShardStore, name: str) -> None:
    """Make the folder of a store, all of whose chunks are in, an OME-Zarr image.

    What stands in its HDF5 file, under /levels/<name>, /summary/<name> and /slices/<name>, goes to `stackreel`.
    """
    folder, file = store.folder, store.file
    ours = folder / OURS
    for part in ("summary", "slices"):
        zarrfile.write_page(ours / part, zarrfile.group(_plain(file[f"{part}/{name}"].attrs)))
        _copy(file[f"{part}/{name}"], ours / part)
    factors = [array.plan.factors for array in store.arrays if array.where.isdigit()]
    for array in store.arrays:
        how = zarrfile.sharded(array.plan.chunk, array.shard, array.dtype)
        page = zarrfile.array(array.plan.shape, array.dtype, array.shard, how, ome.AXES)
        zarrfile.write_page(folder / array.where, page)
        if not array.where.isdigit():
            zarrfile.write_page((folder / array.where).parent, zarrfile.group())
    attributes = _plain(file[f"levels/{name}"].attrs)
    zarrfile.write_page(
        folder,
        zarrfile.group(
            {"ome": _ome(file, name, attributes, factors), OURS: attributes | {"name": name, "factors": factors}}
        ),
    )
    store.close()
    put_seal(folder)


def put_seal(folder: Path) -> None:
    """Seal a volume that is otherwise complete, and have all its small files on the disk."""
    zarrfile.write_page(folder / OURS, _seal(folder))
    for path in [folder / OURS / "zarr.json", *small_files(folder), *_folders(folder)]:
        sync(path)


def sealed(folder: Path) -> bool:
    """Whether all small files of a volume are what was written. Raises OSError where they cannot be read."""
    try:
        return (folder / OURS / "zarr.json").read_bytes() == zarrfile.page_bytes(_seal(folder))
    except FileNotFoundError:
        return False


def _seal(folder: Path) -> zarrfile.Json:
    return zarrfile.group({"seal": f"{digest(folder):016x}"})


def digest(folder: Path) -> int:
    """The seal of a volume in a folder: xxh3 of the names and contents of all its small files."""
    state = xxhash.xxh3_64()
    for path in small_files(folder):
        content = path.read_bytes()
        state.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        state.update(content)
    return state.intdigest()


def small_files(folder: Path) -> list[Path]:
    """All files of a volume but its shards and the one with the seal, in the order of their names."""
    sealed = folder / OURS / "zarr.json"
    return sorted(
        (path for path in _files(folder) if path != sealed), key=lambda path: path.relative_to(folder).as_posix()
    )


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        here = Path(where).relative_to(folder)
        if here.parts[:1] != (OURS,) or here.parts[:2] == (OURS, "resultants"):
            folders[:] = [name for name in folders if name != "c"]
        yield from (Path(where) / name for name in files)


def _folders(folder: Path) -> Iterator[Path]:
    for where, folders, _ in os.walk(folder):
        if Path(where).parent == folder:
            folders[:] = [name for name in folders if name != "c"]
        yield Path(where)


def _copy(source: h5py.Group, folder: Path) -> None:
    """The tables and groups of an HDF5 group as Zarr's."""
    for key, thing in source.items():
        if isinstance(thing, h5py.Dataset):
            if key in _IN_SHARDS:
                continue
            zarrfile.write_table(folder / key, thing[()])
        else:
            zarrfile.write_page(folder / key, zarrfile.group(_plain(thing.attrs)))
            _copy(thing, folder / key)


def _plain(attributes: Any) -> dict[str, Any]:
    """Attributes as JSON has them; numbers that JSON has not become words that float() understands."""

    def said(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return [said(one) for one in value.tolist()]
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value

    return {key: said(value) for key, value in attributes.items()}


def _ome(file: h5py.File, name: str, attributes: dict[str, Any], factors: list[Index3]) -> dict[str, Any]:
    z, y, x = (float(step) for step in attributes["spacing"])
    spacing = Spacing(z, y, x, attributes["spacing_unit"])
    kind = attributes["kind"]
    found: dict[str, Any] = {
        "version": ome.VERSION,
        "multiscales": [ome.multiscale(name, kind, spacing, factors, attributes.get("reduced_by", ""))],
    }
    if kind != "label":
        table = file[f"summary/{name}/histogram"]
        low, high = (float(value) for value in attributes["value_range"])
        histogram = Histogram(table["edges"][()], table["counts"][()])
        found["omero"] = ome.rendering(name, histogram, (low, high))
    return found
