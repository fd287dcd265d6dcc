"""Sections out of HDF5: a data set of a whole stack, or a file for each section.

Any data set of numbers with two or three axes is taken, at the place that was named (scan.h5:/entry/data) or, where
there is only one, by itself. Files of the PLI pipelines of Jülich (/Image, /pyramid/00, 01, …) and SLIX are known:
their levels, and what their attributes say of modality and origin.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.axes import Arranged
from stackreel.slices.blocks import Blocks
from stackreel.slices.checks import Stated, check_equal
from stackreel.slices.choice import Choice
from stackreel.slices.hdf5meta import Header, read_header
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import Stack, reason

_OPEN_AT_ONCE = 64  # files; a slab of sections and some


class Files:
    """HDF5 files that stay open for a while: opening one costs more than reading a band of it. Thread-safe."""

    def __init__(self) -> None:
        self._open: dict[Path, h5py.File] = {}
        self._lock = threading.Lock()

    def read(self, path: Path, name: str, key: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        with self._lock:
            file = self._open.pop(path, None)
            if file is None:
                while len(self._open) >= _OPEN_AT_ONCE:
                    self._open.pop(next(iter(self._open))).close()
                file = h5py.File(path, "r", locking=False)
            self._open[path] = file  # the last one used is the last
            return np.asarray(file[name][key])

    def close(self) -> None:
        with self._lock:
            for file in self._open.values():
                file.close()
            self._open.clear()


@dataclass(frozen=True)
class Hdf5Slices(Stack):
    """Data sets of HDF5 files: one that holds the stack, or a section in each."""

    name: str = "/"
    blocks: Blocks | None = field(default=None, repr=False, compare=False)
    handles: Files = field(default_factory=Files, repr=False, compare=False)

    def label(self, z: int) -> str:
        file, _ = self.locate(z)
        return f"slice {z} ({file.path.name}:{self.name})"

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        assert self.blocks is not None
        with self._open(z):  # its size is what it was
            self.blocks.read(z, start, stop, out)

    def close(self) -> None:
        if self.blocks is not None:
            self.blocks.clear()
        self.handles.close()


def open_hdf5(
    paths: Sequence[Path], inside: str, *, stated: Stated, choice: Choice, notes: Sequence[str] = ()
) -> Hdf5Slices:
    """The stack in one data set, or one section out of each of several files.

    inside : name of the data set, "" to find it
    Raises SliceReadError for what is damaged, SliceError for what is no stack or asks for a choice.
    """
    headers = [read_header(path, inside, choice) for path in paths]
    first = headers[0]
    kinds = [(header.arranged.shape[1], header.arranged.shape[2], header.dtype) for header in headers]
    check_equal(kinds, paths, stated)
    deep = next((header for header in headers if header.arranged.shape[0] > 1), None)
    if len(headers) > 1 and deep is not None:
        raise SliceError(
            f"{deep.file.path} holds {deep.arranged.shape[0]} sections in {deep.name}, and there are {len(headers)} "
            "such files; a stack is one file of many sections, or many files of one: name one of them"
        )
    odd = next((header for header in headers if header.name != first.name), None)
    if odd is not None:
        raise SliceError(
            f"{odd.file.path} would give {odd.name}, {first.file.path} gives {first.name}; name the data set for all, "
            f"as in '{first.file.path.parent}/*{first.file.path.suffix}:{first.name}'"
        )
    shape = (sum(header.arranged.shape[0] for header in headers), *first.arranged.shape[1:])
    handles = Files()
    load = partial(_load, handles, headers)
    chunk = first.arranged.chunk(first.chunks) if first.chunks else (1, 1, shape[2])
    blocks = Blocks(shape, chunk if len(headers) == 1 else (1, *chunk[1:]), first.dtype.itemsize, load)
    said = [*notes, *(note for header in headers for note in header.notes)]
    if blocks.again > 1:
        chunk_words = " × ".join(map(str, first.chunks or ()))
        said.append(f"chunks of {chunk_words} samples are too large to be kept; each is decoded {blocks.again} times")
    source = Hdf5Slices(
        shape=shape,
        dtype=first.dtype,
        files=tuple(header.file for header in headers),
        spacing=first.spacing,
        notes=tuple(dict.fromkeys(said)),
        banded=blocks.banded,
        provenance=_words(first.words, len(headers)),
        name=first.name,
        blocks=blocks,
        handles=handles,
    )
    _try_decoding(first, handles)
    return source


def _words(words: Mapping[str, str], files: int) -> dict[str, str]:
    """What one file says of itself is said of all, but for what names the file alone."""
    alone = ("source_id", "source_filename") if files > 1 else ()
    return {key: text for key, text in words.items() if key not in alone}


def _load(handles: Files, headers: Sequence[Header], z: slice, rows: slice) -> npt.NDArray[Any]:
    """Rows of sections, from one file or from one for each of them."""
    if len(headers) == 1:
        return _read(handles, headers[0], z, rows)
    return np.concatenate([_read(handles, headers[i], slice(0, 1), rows) for i in range(z.start, z.stop)])


def _read(handles: Files, header: Header, z: slice, rows: slice) -> npt.NDArray[Any]:
    arranged: Arranged = header.arranged
    part = handles.read(header.file.path, header.name, arranged.key(z, rows))
    return arranged.turned(part.astype(header.dtype, copy=False))


def _try_decoding(header: Header, handles: Files) -> None:
    """One sample is read, so that a compression that nobody can decode is found out now."""
    file: SliceFile = header.file
    try:
        handles.read(file.path, header.name, tuple(0 for _ in header.arranged.fixed))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        handles.close()
        raise SliceReadError(
            f"{file.path}:{header.name} does not decode: {reason(error)}. Compressed with a filter that is not "
            "installed? Then `pip install hdf5plugin` may help, or `h5repack -f GZIP=1`; else the file is damaged"
        ) from error
