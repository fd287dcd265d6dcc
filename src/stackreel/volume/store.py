"""A volume under construction, whatever it becomes: it takes packed chunks, and says where they lie.

There are two: one HDF5 file (volume.chunkfile), and the many files of an OME-Zarr folder (volume.shards). A conversion
is the same for both; only how a chunk is packed and where it goes differ.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.volume.behind import WriteBehind
from stackreel.volume.pyramid import LevelPlan


class Store(Protocol):
    """Only one thread at a time may use a store; `pack` and `unpack` may be called from any.

    file : an open HDF5 file for groups, tables and attributes; it may be the volume itself, or be turned into one
    """

    file: h5py.File

    def create(self, name: str, plan: LevelPlan, dtype: np.dtype[Any], *, resultants: bool = False) -> Any:
        """An array for the chunks of a level of volume `name`; what comes back names it in all that follows.

        resultants : not of the samples, but of how far axial ones agree
        """
        ...

    def pack(self, chunk: npt.NDArray[Any], *, worth: bool) -> tuple[bytes, bool]:
        """A C-contiguous chunk as it is to be stored, and whether it is stored plain.

        worth : whether packing is worth the time
        """
        ...

    def unpack(self, stored: bytes, shape: Index3, dtype: np.dtype[Any], *, plain: bool) -> npt.NDArray[Any]:
        """A chunk again. Raises ValueError when the bytes are not one."""
        ...

    def add(self, array: Any, place: Index3, stored: bytes, *, plain: bool) -> int:
        """Write the chunk at a place in the grid of chunks; the byte where it lies from now on in its file.

        stored : b"" where all is zero: nothing is written, and it is known that nothing will come
        """
        ...

    def add_again(self, array: Any, place: Index3, offset: int, size: int, *, plain: bool) -> None:
        """Take over a chunk that an earlier run wrote, in the same order as then."""
        ...

    def fetch(self, array: Any, place: Index3, offset: int, size: int) -> bytes:
        """The bytes of a chunk written before."""
        ...

    def behind(self) -> WriteBehind:
        """Passes what is written on to the disk, in the background."""
        ...

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        ...

    def check(self) -> None:
        """Raises OSError when something could not be written without a word."""
        ...

    def give_up(self) -> None:
        """Leave it as it is, unfinished: a later run can go on with it."""
        ...


@contextlib.contextmanager
def left_to_others(store: Store) -> Iterator[None]:
    """For a block that writes to a store: when it fails, the store is left as it is, and the first error is told."""
    try:
        yield
    except BaseException:
        store.give_up()
        store.check()  # what comes of bytes that could not be written may be any error
        raise
