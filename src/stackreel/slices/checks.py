"""Whether the sections belong together: every file there, readable, of one size and type.

All of it is learnt from directories and headers, before the first sample is read, so that nobody finds out
after hours of work that section 417 was cut short. Each message names the slice, its file, what was found
and a way out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from stackreel.errors import SliceError, SliceReadError, SliceShapeError, StackreelError
from stackreel.slices.stack import reason

TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""What samples can be: those that HDF5, VTK and our kernels hold without loss."""

_HEADER_THREADS = 4  # waiting on a network drive, mostly

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user said about the slices; None where nothing was said."""

    shape: tuple[int, int] | None = None
    dtype: np.dtype[Any] | None = None


def stat_file(z: int, path: Path) -> os.stat_result:
    """Size and time of a section's file, checked to be a file that can be read.

    Raises SliceReadError when it is missing, a folder, or may not be read.
    """
    try:
        if path.is_dir():
            raise SliceReadError(
                f"slice {z} ({path.name}) is a folder, not a file; move it away, or pick the sections with a "
                f"glob such as '{path.parent / ('*[0-9]' + path.suffix)}'"
            )
        if path.exists() and not path.is_file():
            raise SliceReadError(
                f"slice {z} ({path.name}) is a pipe or a device, not a file; write the sections to files first"
            )
        with open(path, "rb", buffering=0) as handle:
            return os.fstat(handle.fileno())
    except SliceReadError:
        raise
    except OSError as error:
        raise SliceReadError(f"slice {z} ({path.name}) cannot be opened: {reason(error)} ({path})") from error


def inspect_all(inspect: Callable[[int, Path], T], paths: Sequence[Path]) -> list[T]:
    """inspect(z, path) of every file, several at once; raises the first fault, counting the others."""

    def attempt(item: tuple[int, Path]) -> T | StackreelError:
        try:
            return inspect(*item)
        except StackreelError as error:
            return error

    with ThreadPoolExecutor(min(_HEADER_THREADS, len(paths))) as pool:
        results = list(pool.map(attempt, enumerate(paths)))
    faults = [result for result in results if isinstance(result, StackreelError)]
    if len(faults) > 1:
        raise type(faults[0])(f"{faults[0]}\n({len(faults) - 1} more of the {len(paths)} files have faults)")
    if faults:
        raise faults[0]
    return [result for result in results if not isinstance(result, StackreelError)]


def check_equal(kinds: Sequence[tuple[int, int, np.dtype[Any]]], paths: Sequence[Path], stated: Stated) -> None:
    """Every (rows, columns, dtype) is the same, and what was stated; else SliceShapeError for the first."""
    counts = Counter(kinds)
    usual, n = counts.most_common(1)[0]
    for z, (kind, path) in enumerate(zip(kinds, paths, strict=True)):
        if kind != usual:
            odd = len(kinds) - n
            raise SliceShapeError(
                f"slice {z} ({path.name}) is {_kind(kind)}; {n} of the {len(kinds)} files are {_kind(usual)}"
                + (f" ({odd} are not)" if odd > 1 else "")
                + "; all sections of a stack must have one size and type: register or crop them to one size, "
                "or pick those that fit with a glob"
            )
    rows, columns, dtype = usual
    if stated.shape not in (None, (rows, columns)):
        assert stated.shape is not None
        raise SliceShapeError(
            f"slice 0 ({paths[0].name}) is {rows} × {columns}, but --shape says {stated.shape[0]} × "
            f"{stated.shape[1]}; leave --shape out, these files state their own"
        )
    if stated.dtype not in (None, dtype):
        raise SliceShapeError(
            f"slice 0 ({paths[0].name}) is {dtype}, but --dtype says {stated.dtype}; leave --dtype out, "
            "these files state their own"
        )


def check_type(dtype: np.dtype[Any], where: str) -> np.dtype[Any]:
    """The type in native byte order; SliceError when it is none of TYPES."""
    native = dtype.newbyteorder("=")
    if native.name not in TYPES:
        raise SliceError(f"{where} holds {_words(native)}; {known_types()}: {way_out(native)}")
    return native


def known_types() -> str:
    return f"stackreel reads {', '.join(TYPES)}"


def way_out(dtype: np.dtype[Any]) -> str:
    """What to do with sections of a type that is none of TYPES."""
    if dtype.name in ("int64", "uint64"):
        return f"convert them to {dtype.name.replace('64', '32')} first, e.g. with Fiji or numpy"
    return "convert the sections to one of them"


def _words(dtype: np.dtype[Any]) -> str:
    return {"b": "bool (one bit a sample)", "c": f"complex numbers ({dtype})", "O": "Python objects"}.get(
        dtype.kind, str(dtype)
    )


def _kind(kind: tuple[int, int, np.dtype[Any]]) -> str:
    return f"{kind[0]} × {kind[1]} {kind[2]}"
