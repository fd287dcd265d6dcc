"""Compressed volumes, unpacked once: small ones to memory, large ones to a file that has no name.

A gzip file cannot be entered in the middle, and sections are asked for in bands, many times over. So the samples are
unpacked when the volume is opened, which also finds every damage before any work starts. The file without a name
takes room in the folder for temporary files (TMPDIR) and is gone with the process, however that ends.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceReadError, StackreelError
from stackreel.slices.stack import reason

IN_MEMORY = 256 << 20
"""Bytes; more go to a temporary file."""

_PIECE = 4 << 20


def room(nbytes: int, path: Path) -> npt.NDArray[np.uint8]:
    """An array of so many bytes to unpack the file at `path` into, in memory or in a file without a name.

    Raises SliceReadError when the disk has no room for it.
    """
    if nbytes <= IN_MEMORY:
        return np.empty(nbytes, np.uint8)
    try:
        with tempfile.TemporaryFile() as file:  # the mapping keeps it until nobody uses the array any more
            if hasattr(os, "posix_fallocate"):  # a mapped file that outgrows its disk ends a process without a word
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                file.truncate(nbytes)
            return np.memmap(file, np.uint8, "r+", shape=(nbytes,))
    except OSError as error:
        raise SliceReadError(
            f"{path}: unpacking it needs {nbytes / 1e9:.1f} GB in {tempfile.gettempdir()}: {reason(error)}. "
            "Set TMPDIR to a folder with room, or unpack the file yourself and name the unpacked one"
        ) from error


def unpacked(stream: Any, skip: int, nbytes: int, path: Path) -> npt.NDArray[np.uint8]:
    """`nbytes` of a decompressing stream (a binary file), after the first `skip`; its checksums are held against.

    path : of the compressed file, for messages
    Raises SliceReadError when the stream is damaged or ends early.
    """
    target = room(nbytes, path)
    done = 0
    try:
        while skip:
            piece = stream.read(min(skip, _PIECE))
            if not piece:
                raise _ends_early(path, 0, nbytes)
            skip -= len(piece)
        view = target.data
        while done < nbytes:
            n = stream.readinto(view[done : done + _PIECE])
            if not n:
                raise _ends_early(path, done, nbytes)
            done += n
        while stream.read(_PIECE):
            pass
    except StackreelError:
        raise
    except Exception as error:  # each decompressor has complaints of its own: EOFError, zlib.error, OSError …
        raise SliceReadError(
            f"{path} does not unpack: {reason(error)}, after {done:,} of {nbytes:,} bytes of samples; it is cut short "
            "or damaged: copy it again from where it came"
        ) from error
    return target


def _ends_early(path: Path, done: int, nbytes: int) -> SliceReadError:
    return SliceReadError(
        f"{path} is truncated: its header announces {nbytes:,} bytes of samples, it holds {done:,}; "
        "copy it again from where it came"
    )
