"""What an HDF5 data set asks of a reader: filters, files elsewhere, and what has become of them.

HDF5 hides all this behind one call that reads samples, and where it cannot keep the promise many programs show zeros.
"""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from stackreel.geometry import Index3
from stackreel.paraview.known import OfDataset, dataset_of, opened

FILTERS = {
    1: "gzip",
    2: "shuffle",
    3: "fletcher32",
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32019: "jpeg",
    32024: "sz3",
    32026: "blosc2",
    32028: "sperr",
}
"""The filters that HDF5's registry knows and people use, by number; to 6, HDF5 brings them itself."""
EVERYWHERE = frozenset({1, 2, 3, 5, 6})
"""Those that every HDF5 can undo."""


@dataclass(frozen=True)
class Needs:
    """What a data set asks of a reader.

    filters  : numbers, as in FILTERS; names : what they call themselves
    external : files that hold its samples, as named there; absent : those that are not where they are said to be
    relative : whether a reader looks for external files in its own working folder
    virtual  : whether it is put together from data sets of other files; their files count as external
    locked   : whether another program keeps the file to itself, as HDF5 has it while it writes
    """

    filters: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    relative: bool = False
    virtual: bool = False
    locked: bool = False

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names of filters that not every HDF5 has."""
        pairs = zip(self.filters, self.names, strict=True)
        return tuple(name for number, name in pairs if number not in EVERYWHERE)


def needs_of(file: Path, dataset: str) -> Needs:
    """What the data set asks. Raises OSError or KeyError when it cannot be opened."""
    with opened(file) as handle:
        found = dataset_of(handle, dataset)
        plist = found.id.get_create_plist()
        filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
        numbers = tuple(int(entry[0]) for entry in filters)
        names = tuple(FILTERS.get(int(entry[0])) or _text(entry[3]) or str(entry[0]) for entry in filters)
        holder = Path(os.path.realpath(found.file.filename))
        folder, locked = holder.parent, is_locked(holder)
        if found.is_virtual:
            sources = {_text(source.file_name) for source in found.virtual_sources()} - {"."}
            absent = [name for name in sources if not _virtual_stands(name, folder)]
            return Needs(numbers, names, tuple(sorted(sources)), tuple(sorted(absent)), virtual=True, locked=locked)
        external = tuple(dict.fromkeys(_text(entry[0]) for entry in found.external or ()))
        relative = any(not os.path.isabs(name) for name in external)
        absent = [name for name in external if not _stands(name, folder)]
        return Needs(numbers, names, external, tuple(absent), relative, locked=locked)


def is_locked(file: Path) -> bool:
    """Whether HDF5 would be refused the lock that it asks for before it reads."""
    if os.environ.get("HDF5_USE_FILE_LOCKING", "").upper() in ("FALSE", "0"):
        return False
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    with file.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def volumes_in(file: Path, most: int = 3) -> list[OfDataset]:
    """The data sets of a file that could be a volume: two or three axes and numbers, the largest first.

    Raises OSError when it is no HDF5 file, or cannot be opened.
    """
    found: list[OfDataset] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and (known := as_known(file, "/" + name, item)) is not None:
            found.append(known)

    with opened(file) as handle:
        handle.visititems(visit)
    found.sort(key=lambda one: -math.prod(one.full) * one.components)
    least = math.prod(found[0].full) // 1000 if found else 0
    return [one for one in found if math.prod(one.full) >= max(least, 2)][:most]


def dataset_in(file: Path, dataset: str) -> OfDataset | None:
    """That data set, as known to h5py; None when it is none of numbers in two or three axes.

    Raises OSError or KeyError when it cannot be opened.
    """
    with opened(file) as handle:
        return as_known(file, dataset, dataset_of(handle, dataset))


def as_known(file: Path, name: str, item: h5py.Dataset) -> OfDataset | None:
    if item.dtype.kind not in "uif" or item.shape is None or 0 in item.shape:
        return None
    shape = tuple(int(n) for n in item.shape)
    dtype = np.dtype(item.dtype)
    if len(shape) == 4 and shape[3] in (3, 4):
        return OfDataset(file, name, _index(shape[:3]), dtype, shape[3])
    if len(shape) == 3:
        return OfDataset(file, name, _index(shape), dtype)
    if len(shape) == 2 and min(shape) > 1:
        return OfDataset(file, name, _index((1, *shape)), dtype, flat=True)
    return None


def _stands(name: str, folder: Path) -> bool:
    """Whether an external file is where HDF5 would look for it when told to look beside the volume."""
    return (folder / name).is_file()


def _virtual_stands(name: str, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return "%" in name or (folder / name).is_file() or Path(name).is_file()
    return False


def _text(raw: bytes | str) -> str:
    return os.fsdecode(raw).rstrip("\0") if isinstance(raw, bytes) else raw


def _index(shape: tuple[int, ...]) -> Index3:
    z, y, x = shape
    return (z, y, x)
