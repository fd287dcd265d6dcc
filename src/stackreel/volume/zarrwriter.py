"""The last of a conversion to OME-Zarr: its tables and attributes, and the pages by which other programs read it."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
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
WORDS = "words"  # our attributes once more, with a checksum
UNDO = "undo"  # in there, while a repair changes tables; see volume.undofolder
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
    attributes = _plain(file[f"levels/{name}"].attrs) | {"name": name, "factors": factors}
    zarrfile.write_page(folder, zarrfile.group({"ome": _ome(file, name, attributes, factors), OURS: attributes}))
    words = {
        key: value for key, value in attributes.items() if key != "provenance_written_at"
    }  # so equal runs are equal
    zarrfile.write_table(ours / WORDS, np.frombuffer(json.dumps(words).encode(), np.uint8))
    store.close()
    put_seal(folder)


def put_seal(folder: Path) -> None:
    """Seal a volume that is otherwise complete. Which files are its own is settled when that is done first."""
    names = _listed(folder)
    if names is None:
        names = [path.relative_to(folder).as_posix() for path in _files(folder) if _like_ours(path.relative_to(folder))]
    zarrfile.write_page(folder / OURS, _seal(folder, {"files": sorted(names)}, sorted(names)))
    for path in _folders(folder):  # the files are
        sync(path)


def sealed(folder: Path) -> bool:
    """Whether all small files of a volume are what was written, and none like them has come to its tables."""
    names = _listed(folder)
    more = {} if names is None else {"files": names}
    try:
        page = zarrfile.page_bytes(_seal(folder, more, own_files(folder)))
        same = (folder / OURS / "zarr.json").read_bytes() == page
    except (OSError, ValueError):
        return False
    return same and not any(_like_ours(Path(name)) and Path(name).parts[0] == OURS for name in strangers(folder))


def _seal(folder: Path, more: zarrfile.Json, names: Sequence[str]) -> zarrfile.Json:
    return zarrfile.group({"seal": f"{digest(folder, names):016x}"} | more)


def digest(folder: Path, names: Sequence[str]) -> int:
    """The seal of a volume in a folder: xxh3 of the names and contents of all its small files."""
    state = xxhash.xxh3_64()
    for name in names:
        content = (folder / name).read_bytes()
        state.update(f"{name}\0{len(content)}\0".encode())
        state.update(content)
    return state.intdigest()


def own_files(folder: Path) -> list[str]:
    """All files of a volume but its shards and the one with the seal, in the order of their names."""
    names = _listed(folder)
    if names is None:  # as early volumes were written, or the list is damaged: all that are there
        names = [path.relative_to(folder).as_posix() for path in _files(folder)]
    return sorted(names)


def strangers(folder: Path) -> list[str]:
    """Files in the folder that are not the volume's: of file managers, network disks, other programs."""
    own = set(_listed(folder) or ())
    return sorted({path.relative_to(folder).as_posix() for path in _files(folder)} - own) if own else []


def _listed(folder: Path) -> list[str] | None:
    """The names of a volume's own small files, as they are sealed with it."""
    try:
        names = zarrfile.read_page(folder / OURS)["attributes"]["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _like_ours(name: Path) -> bool:
    """Whether a file is called as our pages and pieces of tables are."""
    return all(re.fullmatch(r"\w+", part) for part in name.parent.parts) and (
        name.name == "zarr.json" or name.name.isdigit()
    )


def _files(folder: Path) -> Iterator[Path]:
    others = (folder / OURS / "zarr.json", folder / OURS / UNDO)
    for where, folders, files in os.walk(folder):
        here = Path(where).relative_to(folder)
        if here.parts[:1] != (OURS,) or here.parts[:2] == (OURS, "resultants"):
            folders[:] = [name for name in folders if name != "c"]
        yield from (path for name in files if (path := Path(where) / name) not in others)


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
