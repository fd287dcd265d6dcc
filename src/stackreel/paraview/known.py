"""What a file is known to hold, at places chosen so that a reader which shows something else is found out.

Zeros are what a failing reader shows, and what most of a microscope's picture is; so places are sought where something
else stands. They lie in a few small boxes all over the volume: few enough to read in a moment, however large it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.paraview.grid import Slab
from stackreel.paraview.trying import Box, Outcome
from stackreel.volume.volume import Level

_BOXES, _EACH = 12, 20
_BOX = (2, 24, 24)
_MOST_CHUNKS = 100_000  # among which stored ones are sought
_WHOLE = 8_000_000  # samples of a level that are looked through for something to see


def opened(file: Path) -> h5py.File:
    """An HDF5 file for reading, whether or not another program has locked it. Raises OSError."""
    return h5py.File(file, "r", locking=False)


def dataset_of(file: h5py.File, name: str) -> h5py.Dataset:
    """A data set, whose external files are looked for where they are said to be, relative ones beside the file.

    Raises KeyError when there is none of that name.
    """
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_efile_prefix(b"${ORIGIN}")
    try:
        return h5py.Dataset(h5py.h5d.open(file.id, name.encode(), access))
    except (TypeError, ValueError) as error:  # something else than a data set
        raise KeyError(f"{name} is no data set") from error


class Known(Protocol):
    """Samples that can be read without ParaView. shape : (z, y, x); components come after"""

    @property
    def shape(self) -> Index3: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def components(self) -> int: ...

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Samples of a box. Raises OSError or VolumeError when they cannot be read."""
        ...


@dataclass(frozen=True)
class OfLevel:
    """A level of a volume of ours, as our own reader has it."""

    level: Level
    components: int = 1

    @property
    def shape(self) -> Index3:
        return self.level.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.level.dtype

    def read(self, box: Box) -> npt.NDArray[Any]:
        z0, z1, y0, y1, x0, x1 = box
        return self.level.read((slice(z0, z1), slice(y0, y1), slice(x0, x1)))


@dataclass(frozen=True)
class OfDataset:
    """A data set in any HDF5 file, or a slab of it, as h5py has it. full : its own shape (z, y, x)"""

    file: Path
    dataset: str
    full: Index3
    dtype: np.dtype[Any]
    components: int = 1
    slab: Slab | None = None
    flat: bool = False  # two axes only

    @property
    def shape(self) -> Index3:
        return self.full if self.slab is None else self.slab.count

    def read(self, box: Box) -> npt.NDArray[Any]:
        slab = self.slab or Slab.of(self.full)
        at = tuple(
            slice(a + k * low, a + k * (high - 1) + 1, k)
            for a, k, low, high in zip(slab.start, slab.stride, box[0::2], box[1::2], strict=True)
        )
        with opened(self.file) as file:
            found = dataset_of(file, self.dataset)[at[1:] if self.flat else at]
        return np.asarray(found)[None] if self.flat else np.asarray(found)

    def stored(self, random: np.random.Generator) -> npt.NDArray[np.float64]:
        """Middles of some chunks that are stored at all, (n, 3), as fractions of the shape; none if not in chunks."""
        with opened(self.file) as file:
            found = dataset_of(file, self.dataset)
            count = found.id.get_num_chunks() if found.chunks and not self.flat else 0
            if not 0 < count <= _MOST_CHUNKS:
                return np.zeros((0, 3))
            some = random.choice(count, min(count, _BOXES - 2), replace=False)
            corners = np.array([found.id.get_chunk_info(int(i)).chunk_offset[:3] for i in some], float)
            return np.asarray((corners + 0.5 * np.array(found.chunks[:3])) / np.array(self.full)).clip(0, 1)


@dataclass(frozen=True)
class OfRaw:
    """A file of nothing but samples, from a byte on."""

    file: Path
    shape: Index3
    dtype: np.dtype[Any]
    seek: int = 0
    components: int = 1

    def read(self, box: Box) -> npt.NDArray[Any]:
        shape = self.shape if self.components == 1 else (*self.shape, self.components)
        try:
            mapped = np.memmap(self.file, self.dtype, "r", self.seek, shape)
        except ValueError as error:  # the file is shorter
            raise OSError(f"{self.file} holds fewer than {math.prod(shape)} samples") from error
        z0, z1, y0, y1, x0, x1 = box
        return np.array(mapped[z0:z1, y0:y1, x0:x1])


@dataclass(frozen=True)
class Places:
    """Where samples are compared, and what they are.

    boxes   : around them; samples : place (z, y, x) → value, or list of values
    error   : why they could not be read; "" when they were
    """

    boxes: tuple[Box, ...] = ()
    samples: dict[Index3, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def telling(self) -> bool:
        """Whether zeros would be noticed."""
        return any(np.any(np.asarray(value) != 0) for value in self.samples.values())

    def differing(self, seen: Outcome) -> int:
        """At how many of these places an outcome has another sample, or none."""
        return sum(
            place not in seen.samples or not np.array_equal(seen.samples[place], value, equal_nan=_is_float(value))
            for place, value in self.samples.items()
        )


def choose(known: Known, coarse: Known | None = None, said: Callable[[Exception], str] = str) -> Places:
    """Places for comparing, most of them where something is to be seen; the same ones every time.

    coarse : the same in fewer samples, to see where that is
    said   : makes words of what went wrong when nothing could be read
    """
    random = np.random.default_rng(816)
    boxes: list[Box] = []
    samples: dict[Index3, Any] = {}
    try:
        for box in _boxes(known, coarse, random):
            values = known.read(box)
            marked = np.asarray(values != 0).reshape(*values.shape[:3], -1).any(axis=3)
            some, any_place = np.argwhere(marked), np.argwhere(np.ones(marked.shape, bool))
            few = [random.choice(part, min(len(part), n)) for part, n in ((some, _EACH - 4), (any_place, 4))]
            for z, y, x in np.concatenate(few):
                samples[(box[0] + int(z), box[2] + int(y), box[4] + int(x))] = values[z, y, x].tolist()
            boxes.append(box)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        return Places(error=said(error) or type(error).__name__)
    return Places(tuple(boxes), samples)


def _boxes(known: Known, coarse: Known | None, random: np.random.Generator) -> list[Box]:
    """Small boxes all over the volume, but where the coarse one is all zero."""
    shape = np.array(known.shape)
    overview = coarse or (known if math.prod(known.shape) <= _WHOLE else None)
    at = random.random((_BOXES, 3))
    if overview is not None and math.prod(overview.shape) <= _WHOLE:
        z, y, x = overview.shape
        values = overview.read((0, z, 0, y, 0, x))
        marked = np.argwhere(np.asarray(values != 0).reshape(z, y, x, -1).any(axis=3))
        if len(marked):
            some = random.choice(marked, _BOXES)
            at[: _BOXES - 2] = ((some + 0.5) / np.array(overview.shape))[: _BOXES - 2]
    elif isinstance(known, OfDataset) and known.slab is None:
        stored = known.stored(random)
        at[: len(stored)] = stored
    low = np.clip((at * shape).astype(int) - np.array(_BOX) // 2, 0, np.maximum(shape - _BOX, 0))
    high = np.minimum(low + _BOX, shape)
    return sorted({(a[0], b[0], a[1], b[1], a[2], b[2]) for a, b in zip(low.tolist(), high.tolist(), strict=True)})


def _is_float(value: Any) -> bool:
    return bool(np.asarray(value).dtype.kind == "f")
