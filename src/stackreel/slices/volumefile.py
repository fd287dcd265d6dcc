"""A whole volume in one file: NIfTI, MGH, NRRD and MINC all come down to a block of samples and the way to turn it.

Bands of rows are read where they lie in the file; nothing is copied to be turned. Where rows lie one after the other a
band is one read; otherwise the file is mapped to memory and the samples are gathered. When even neighbouring samples
belong to different sections, 32 of them are gathered at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError
from stackreel.slices.checks import check_type
from stackreel.slices.stack import Bare, Stack, read_into

_TOGETHER = 32  # sections gathered at once; conversion asks for so many in a row

_NARROW = ("uint8", "int8", "uint16", "int16", "uint32", "int32")


@dataclass(frozen=True, slots=True)
class Scale:
    """Real value = stored number · slope + intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def trivial(self) -> bool:
        return (self.slope, self.intercept) == (1.0, 0.0)

    def type_for(self, stored: np.dtype[Any]) -> np.dtype[Any]:
        """The type that holds the real values: integers stay integers where slope and intercept are whole numbers."""
        if self.trivial:
            return stored
        if stored.kind in "iu":
            if self._whole:
                info = np.iinfo(stored)
                ends = [int(end) * int(self.slope) + int(self.intercept) for end in (info.min, info.max)]
                for name in _NARROW:
                    if np.iinfo(name).min <= min(ends) and max(ends) <= np.iinfo(name).max:
                        return np.dtype(name)
            return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)
        return stored

    def apply(self, stored: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
        """Real values of `stored` into `out`, worked out in float64, or in integers where `out` holds them."""
        if out.dtype.kind in "iu":
            out[...] = stored.astype(np.int64) * int(self.slope) + int(self.intercept)
        else:
            out[...] = stored.astype(np.float64) * self.slope + self.intercept

    @property
    def _whole(self) -> bool:
        return self.slope.is_integer() and self.intercept.is_integer()


@dataclass(frozen=True)
class VolumeSlices(Stack):
    """A volume whose samples lie in one block, in any order of axes and bytes.

    stored  : shape of the block, slowest axis first
    encoded : type of its samples, with their byte order
    offset  : of the block in its file
    picked  : for each stored axis, the index taken of it, or None for the three axes of the volume
    axes    : which of those three, slowest first, become z, y and x
    flips   : whether z, y and x run against their stored axis
    scale   : from stored numbers to samples
    memory  : the block itself, where it had to be unpacked
    """

    stored: tuple[int, ...] = ()
    encoded: np.dtype[Any] = np.dtype(np.uint8)  # noqa: RUF009 (a type does not change)
    offset: int = 0
    picked: tuple[int | None, ...] = (None, None, None)
    axes: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)
    scale: Scale = Scale()
    memory: npt.NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)
    _gathered: dict[tuple[int, int, int], npt.NDArray[Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def label(self, z: int) -> str:
        """How messages name a slice: slice 417 of brain.nii."""
        file, _ = self.locate(z)
        return f"slice {z} of {file.path.name}"

    def bare(self, z: int) -> Bare | None:
        run = self._one_run(z, 0, self.shape[1])
        as_stored = self.scale.trivial and self.dtype == self.encoded.newbyteorder("=")
        if self.memory is not None or not as_stored or run is None or run[1:] != (1, 1):
            return None
        return Bare(run[0], not self.encoded.isnative)

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        run = self._one_run(z, start, stop)
        if run is not None and self.memory is None:
            offset, rows, columns = run
            plain = rows == columns == 1 and self.scale.trivial and self.encoded == self.dtype
            band = out if plain else np.empty(out.shape, self.encoded)
            with self._open(z) as handle:
                read_into(handle, offset, band)
            if not plain:
                self._finish(band[::rows, ::columns], out)
        elif abs(self._turned(self._nowhere()).strides[0]) == self.encoded.itemsize and self.shape[0] > 1:
            first = z // _TOGETHER * _TOGETHER
            self._finish(self._gather(first, start, stop)[z - first], out)
        else:
            with self._block(z) as block:
                self._finish(self._turned(block)[z, start:stop], out)

    def _finish(self, band: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
        if self.scale.trivial:
            out[...] = band
        else:
            self.scale.apply(band, out)

    def _one_run(self, z: int, start: int, stop: int) -> tuple[int, int, int] | None:
        """Where in the file the band lies in one piece, and the steps (1 or -1) to take its rows and columns in."""
        nowhere = self._nowhere()
        band = self._turned(nowhere)[z, start:stop]
        (height, width), (down, along) = band.shape, band.strides
        if (width > 1 and abs(along) != self.encoded.itemsize) or (
            height > 1 and abs(down) != width * self.encoded.itemsize
        ):
            return None
        lowest = sum(min(0, (n - 1) * stride) for n, stride in zip(band.shape, band.strides, strict=True))
        rows, columns = (-1 if stride < 0 else 1 for stride in (down, along))
        return self.offset + band.ctypes.data - nowhere.ctypes.data + lowest, rows, columns

    def _gather(self, first: int, start: int, stop: int) -> npt.NDArray[Any]:
        """Rows of `_TOGETHER` sections from `first` on; the last ones asked for are kept."""
        with self._lock:
            key = (first, start, stop)
            if key not in self._gathered:
                self._gathered.clear()
                with self._block(first) as block:
                    part = self._turned(block)[first : first + _TOGETHER, start:stop]
                    bands = np.empty(part.shape, self.encoded)
                    for y in range(stop - start):  # row by row, so that what is fetched is used up while it is near
                        bands[:, y] = part[:, y]
                self._gathered[key] = bands
            return self._gathered[key]

    @contextmanager
    def _block(self, z: int) -> Iterator[npt.NDArray[Any]]:
        """All samples as stored: unpacked ones, or the file's, mapped."""
        if self.memory is not None:
            yield self.memory.view(self.encoded).reshape(self.stored)
        else:
            with self._open(z) as handle:
                yield np.memmap(handle, self.encoded, "r", self.offset, self.stored)

    def _nowhere(self) -> npt.NDArray[Any]:
        """An array of the block's shape and strides without the samples, to work out places with."""
        steps = [self.encoded.itemsize * math.prod(self.stored[i + 1 :]) for i in range(len(self.stored))]
        return np.lib.stride_tricks.as_strided(np.empty(1, self.encoded), self.stored, steps)

    def _turned(self, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The block's volume as (z, y, x), without copying."""
        volume = block[tuple(slice(None) if index is None else index for index in self.picked)]
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)
        return volume.transpose(self.axes)[steps]


def sample_type(dtype: np.dtype[Any], where: str) -> np.dtype[Any]:
    """The type in native byte order; SliceError for colours, complex numbers and what else is no grey value."""
    if dtype.fields:
        raise SliceError(
            f"{where} holds colours ({' '.join(dtype.fields)}), stackreel reads one value a voxel: save one colour, "
            "or grey values, as a volume of its own"
        )
    if dtype.kind == "c":
        raise SliceError(
            f"{where} holds complex numbers ({dtype.name}); save their magnitude or their phase as a volume of its own"
        )
    if dtype.kind in "iu" and dtype.itemsize == 8:
        return dtype.newbyteorder("=")  # until `narrowed` has looked at the values
    return check_type(dtype, where)


def narrowed(source: VolumeSlices, where: str) -> VolumeSlices:
    """A volume of 64-bit integers, as programs write them for labels, as the smallest type that holds all its values.

    Any other volume as it is. Raises SliceError when there are values beyond 32 bits.
    """
    if source.dtype.name not in ("int64", "uint64"):
        return source
    depth, rows, _ = source.shape
    ends = [(int(band.min()), int(band.max())) for band in (source.read(z, slice(0, rows)) for z in range(depth))]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    for name in _NARROW:
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            note = f"{where} holds {source.dtype}; its values, {low} to {high}, are kept as {name}, exactly"
            return replace(source, dtype=np.dtype(name), notes=(*source.notes, note))
    raise SliceError(
        f"{where} holds {source.dtype} with values from {low} to {high}; a volume takes 32 bits at most: number the "
        "labels anew, or save the values as float32"
    )


def single_file(paths: Sequence[Path], kind: str) -> Path:
    """The one file of a list; SliceError when several volumes were named together."""
    if len(paths) > 1:
        raise SliceError(
            f"{len(paths)} {kind} volumes were named ({paths[0].name}, {paths[1].name}"
            f"{', …' if len(paths) > 2 else ''}); each is a stack of its own: convert them one by one"
        )
    return paths[0]
