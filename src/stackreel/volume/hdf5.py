"""The volume file: HDF5 that any tool opens, read here without HDF5's global lock.

    /<name>                   full resolution (z, y, x), chunked, gzip (and shuffle above 8 bits)
    /levels/<name>/0 … N      the pyramid; 0 is another name for /<name>; attribute `factors` (z, y, x)
    /resultants/<name>/1 … N  of axial data: how far the directions agree that a sample stands for, uint8, 255 = all
    /summary/<name>/0 … N     low, high, mask for every brick; attribute `brick` (z, y, x);
                              offsets, sizes, plain, hashes of the stored chunks
    /summary/<name>/histogram edges and counts of the full resolution
    /slices/<name>            hashes of the slices as they were read, by 128 rows; settings of the conversion (JSON);
                              links (JSON) where the full resolution stays in the slices' files; see volume.links
    /vtkhdf/<name>/0 … N      ImageData groups for ParaView; /VTKHDF is the first of them
    /ledger/0, 1              places, lengths and hashes of all chunks, for reading without HDF5; see volume.ledger
    /seal                     hash of all bytes of the file that belong to no chunk; see volume.seal

Geometry, kind and provenance are attributes of /levels/<name>. Chunks that hold only zeros are not stored.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import CorruptChunkError, VolumeError, VolumeMissingError
from stackreel.geometry import Index3, Placement, Spacing
from stackreel.volume.codec import unpack
from stackreel.volume.holes import read_box
from stackreel.volume.recipe import FORMAT
from stackreel.volume.volume import Histogram, Kind, Summary, Volume


@dataclass(frozen=True)
class _Places:
    """Where chunks lie in the file, each array (chunks z, y, x).

    sizes  : stored bytes; 0 where nothing is stored
    plain  : stored without filters
    hashes : xxh3 (64 bits) of the stored bytes; None in a file that another program has copied
    """

    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    plain: npt.NDArray[np.bool_]
    hashes: npt.NDArray[np.uint64] | None


class Hdf5Level:
    """One resolution in a volume file. The chunks' places are looked up once; after that reading is plain I/O."""

    def __init__(self, path: Path, name: str, index: int, dataset: h5py.Dataset, placement: Placement) -> None:
        self._path = path
        self._name = name
        self.index = index
        self.shape: Index3 = cast(Index3, tuple(int(n) for n in dataset.shape))
        self.factors: Index3 = cast(Index3, tuple(int(f) for f in dataset.attrs["factors"]))
        self.placement = placement
        self.chunk: Index3 = cast(Index3, tuple(int(n) for n in dataset.chunks or dataset.shape))
        self.dataset = f"/levels/{name}/{index}"
        self.dtype: np.dtype[Any] = np.dtype(dataset.dtype)
        self.stored_bytes = int(dataset.id.get_storage_size())
        self._shuffled = bool(dataset.shuffle)
        self._deflated = dataset.compression == "gzip"
        self._lock = threading.Lock()
        self._places: _Places | None = None
        self._file: int | None = None
        self._bytes_read = 0

    @property
    def grid(self) -> Index3:
        """Chunks along (z, y, x)."""
        z, y, x = (-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True))
        return (z, y, x)

    @property
    def bytes_read(self) -> int:
        return self._bytes_read

    def summary(self) -> Summary:
        with opened(self._path) as file:
            group = file[f"/summary/{self._name}/{self.index}"]
            brick = cast(Index3, tuple(int(n) for n in group.attrs["brick"]))
            return Summary(brick, group["low"][()], group["high"][()], group["mask"][()])

    def stored_chunks(self) -> npt.NDArray[np.int64]:
        return self._chunk_places().sizes

    def read_chunk(self, index: Index3) -> npt.NDArray[Any] | None:
        places = self._chunk_places()
        size = int(places.sizes[index])
        if size == 0:
            return None
        assert self._file is not None
        try:
            stored = os.pread(self._file, size, int(places.offsets[index]))
        except OSError as error:
            raise CorruptChunkError(
                f"{self._path}: level {self.index}, chunk {index} of {self.dataset} cannot be read "
                f"({error.strerror}); is the disk all right?"
            ) from error
        with self._lock:
            self._bytes_read += size
        plain = bool(places.plain[index])
        try:
            if places.hashes is not None and xxhash.xxh3_64_intdigest(stored) != int(places.hashes[index]):
                raise ValueError("its hash differs from that of what was written")
            return unpack(
                stored,
                self.chunk,
                self.dtype,
                shuffled=self._shuffled and not plain,
                deflated=self._deflated and not plain,
            )
        except ValueError as error:
            raise CorruptChunkError(
                f"{self._path}: level {self.index}, chunk {index} of {self.dataset} is damaged ({error}); "
                f"`stackreel verify {self._path} --repair SLICES` mends it"
            ) from error

    def read(self, box: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        return read_box(self, box)

    def _chunk_places(self) -> _Places:
        """Where every chunk lies in the file; looked up once."""
        with self._lock:
            if self._places is None:
                with opened(self._path) as file:
                    self._places = self._noted(file) or self._indexed(file)
                self._file = os.open(self._path, os.O_RDONLY)
            return self._places

    def _noted(self, file: h5py.File) -> _Places | None:
        """As the conversion noted it, far faster than HDF5 tells; None when the file was copied by chunks since."""
        group = file.get(f"/summary/{self._name}/{self.index}")
        if group is None or "offsets" not in group:
            return None
        found = _Places(*(group[key][()] for key in ("offsets", "sizes", "plain", "hashes")))
        stored = np.argwhere(found.sizes > 0)
        if len(stored) == 0:
            return found
        for at in stored[[0, len(stored) // 2, -1]].tolist():
            corner = tuple(i * c for i, c in zip(at, self.chunk, strict=True))
            info = file[self.dataset].id.get_chunk_info_by_coord(corner)
            if (info.byte_offset, info.size) != (int(found.offsets[tuple(at)]), int(found.sizes[tuple(at)])):
                return None
        return found

    def _indexed(self, file: h5py.File) -> _Places:
        """As HDF5's own index has it."""
        offsets, sizes = np.zeros(self.grid, np.int64), np.zeros(self.grid, np.int64)
        plain = np.zeros(self.grid, bool)

        def note(info: Any) -> None:
            at = tuple(o // c for o, c in zip(info.chunk_offset, self.chunk, strict=True))
            offsets[at], sizes[at], plain[at] = info.byte_offset, info.size, info.filter_mask != 0

        file[self.dataset].id.chunk_iter(note)
        return _Places(offsets, sizes, plain, None)

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            os.close(cast(int, self._file))


def open_volume(path: str | Path, name: str | None = None) -> Volume:
    """The volume in a stackreel HDF5 file; `name` chooses when there are several.

    Raises VolumeMissingError when there is no such file, VolumeError when it is not a volume of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise VolumeMissingError(f"{path}: there is no such volume; make one with `stackreel convert SLICES {path}`")
    with opened(path) as file:
        if not isinstance(file.get("levels"), h5py.Group):
            raise VolumeError(
                f"{path}: an HDF5 file, but not a stackreel volume (no /levels); make one with `stackreel convert`"
            )
        names = sorted(file["levels"])
        if name is None:
            if len(names) != 1:
                raise VolumeError(f"{path} holds {len(names)} volumes ({', '.join(names)}); name one")
            name = names[0]
        if name not in names:
            raise VolumeError(f'{path} holds no volume "{name}"; it holds {", ".join(names)}')
        try:
            return _read(path, name, file)
        except VolumeError:
            raise
        except (KeyError, ValueError, TypeError, AttributeError, OSError, RuntimeError) as error:
            raise VolumeError(
                f"{path}: incomplete volume, or another program's file ({error}); convert the slices again"
            ) from error


def _read(path: Path, name: str, file: h5py.File) -> Volume:
    group = file["levels"][name]
    attrs = dict(group.attrs)
    if int(attrs["format"]) > FORMAT:
        raise VolumeError(
            f"{path}: written in format {attrs['format']}; this stackreel reads up to {FORMAT}: update it"
        )
    z, y, x = (float(s) for s in attrs["spacing"])
    spacing = Spacing(z, y, x, str(attrs["spacing_unit"]))
    full = group["0"]
    placement = Placement.of(full.shape, spacing)
    levels = []
    for index in range(len(group)):
        dataset = group[str(index)]
        factors = [int(f) for f in dataset.attrs["factors"]]
        levels.append(Hdf5Level(path, name, index, dataset, placement.reduced(factors)))
    linked = f"slices/{name}/links" in file
    if linked:
        from stackreel.volume.linked import LinkedLevel  # knows this module

        levels[0] = LinkedLevel(path, name, file, placement)
    low, high, counted = np.nan, np.nan, Histogram(np.zeros(1), np.zeros(0, np.int64))
    if not linked or "value_range" in attrs:
        low, high = (float(v) for v in attrs["value_range"])
        histogram = file[f"summary/{name}/histogram"]
        counted = Histogram(histogram["edges"][()], histogram["counts"][()])
    prefix = "provenance_"
    return Volume(
        path=path,
        name=name,
        kind=cast(Kind, str(attrs["kind"])),
        period=float(attrs["period"]) if "period" in attrs else None,
        background=float(attrs["background"]) if "background" in attrs else None,
        dtype=np.dtype(full.dtype).newbyteorder("="),
        spacing=spacing,
        placement=placement,
        value_range=(low, high),
        histogram=counted,
        fingerprint=str(attrs["fingerprint"]),
        levels=tuple(levels),
        reduced_by=str(attrs.get("reduced_by", "mean")),
        provenance={k.removeprefix(prefix): str(v) for k, v in sorted(attrs.items()) if k.startswith(prefix)},
    )


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """A volume file, open for reading, without HDF5's locks where possible."""
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking flag" not in str(error):
            raise VolumeError(f"{path}: not a readable HDF5 file ({str(error).splitlines()[0]})") from error
        file = h5py.File(path, "r")  # the caller has it open with locks, as h5py does unless told otherwise
    with file:
        yield file
