"""Volumes as NRRD: one file (.nrrd), or a header (.nhdr) beside its samples; raw, gzip or bzip2. pynrrd reads headers.

A header with `space: left-posterior-superior`, or another space of anatomy, and `space directions` says how the head
lies; the volume is then brought to RAS+ like every other. Without them the axes stay as stored, first axis: columns.
"""

from __future__ import annotations

import bz2
import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nrrd
import numpy as np
from isal import igzip

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.anatomy import Turn, spacing_of
from stackreel.slices.checks import Stated, check_equal, stat_file
from stackreel.slices.choice import Choice
from stackreel.slices.lengths import UNITS
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason
from stackreel.slices.unpack import unpacked
from stackreel.slices.volumefile import VolumeSlices, narrowed, sample_type, single_file

_TYPES = {
    "int8": "signed char, int8, int8_t",
    "uint8": "uchar, unsigned char, uint8, uint8_t",
    "int16": "short, short int, signed short, signed short int, int16, int16_t",
    "uint16": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "int32": "int, signed int, int32, int32_t",
    "uint32": "uint, unsigned int, uint32, uint32_t",
    "int64": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "uint64": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "float32": "float",
    "float64": "double",
}
_TYPE = {spelt: name for name, spellings in _TYPES.items() for spelt in spellings.split(", ")}
_GZIP, _BZIP2 = ("gzip", "gz"), ("bzip2", "bz2")
_TO_RAS = {
    "right-anterior-superior": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "ras": (1, 1, 1),
    "las": (-1, 1, 1),
    "lps": (-1, -1, 1),
}
_PICKED = {"time", "list", "none", "stub", "scalar", "???", ""}  # kinds of axis along which one volume is taken
_SPLIT = re.compile(rb"^data ?file: *(LIST|[^\r\n]*%\d*d[^\r\n]*)", re.MULTILINE)
_HEADER_BYTES = 1 << 20


class Axes(NamedTuple):
    """The axes of a file, fastest first: where the three of space are, and what is taken of the others."""

    space: tuple[int, ...]
    picked: tuple[int | None, ...]


class Samples(NamedTuple):
    """Where the samples begin: so many bytes behind the header, or before the end of the file (skip -1)."""

    path: Path
    offset: int
    skip: int
    encoding: str


def open_nrrd(paths: Sequence[Path], *, stated: Stated, choice: Choice, notes: Sequence[str] = ()) -> VolumeSlices:
    """The volume in an NRRD file, or behind a detached header, in RAS+ where the header states an anatomy.

    Raises SliceReadError for what is missing, truncated, damaged or no NRRD; SliceError for vectors, colours and
    several volumes of which none was chosen.
    """
    path = single_file(paths, "NRRD")
    where = path.name
    header, end = _header(path)
    sizes = [int(n) for n in header["sizes"]]
    encoded = _type(header, where)
    dtype = sample_type(encoded, where)
    samples = _samples(header, path, end)
    axes = _axes(header, sizes, where, choice)
    shape = tuple(sizes[axis] for axis in axes.space) + (1,) * (3 - len(axes.space))
    affine, lengths = _geometry(header, axes.space, where)
    turn = Turn() if affine is None else Turn.of(affine)
    x, y, z = turn.axes
    turned = (shape[z], shape[y], shape[x])
    check_equal([(turned[1], turned[2], dtype)], [path], stated)
    spacing, doubts = (
        (None, [])
        if lengths is None
        else spacing_of([lengths[a] for a in turn.axes], _unit(header, axes), turned, where)
    )
    stat = stat_file(0, samples.path)
    nbytes = math.prod(sizes) * encoded.itemsize
    offset, memory = samples.offset, None
    if samples.encoding != "raw":
        memory, offset = _unpacked(samples, nbytes), 0
    elif samples.skip < 0:
        offset = stat.st_size - nbytes
    if memory is None and (offset < 0 or offset + nbytes > stat.st_size):
        raise SliceReadError(
            f"{samples.path} is truncated: {nbytes:,} bytes of samples should begin at byte {max(offset, 0):,}, the "
            f"file ends at {stat.st_size:,}; copy it again from where it came"
        )
    files = [SliceFile(samples.path, stat.st_size, stat.st_mtime_ns, turned[0])]
    if samples.path != path:
        own = stat_file(0, path)
        files.insert(0, SliceFile(path, own.st_size, own.st_mtime_ns, 0))
    missing = 3 - len(axes.space)  # a single section gets a slowest axis of 1
    source = VolumeSlices(
        shape=turned,
        dtype=dtype,
        files=tuple(files),
        spacing=spacing,
        notes=(*notes, *turn.notes(), *doubts, *_order_note(header, encoded, where)),
        provenance={
            "format": "NRRD",
            **turn.provenance(np.eye(4) if affine is None else affine, shape),
            **({"space": str(header["space"])} if "space" in header else {}),
            **_picked_words(axes, sizes),
        },
        stored=(1,) * missing + tuple(sizes[::-1]),
        encoded=encoded,
        offset=offset,
        picked=(None,) * missing + axes.picked[::-1],
        axes=(2 - z, 2 - y, 2 - x),
        flips=turn.flips[::-1],
        memory=memory,
    )
    return narrowed(source, where)


def _header(path: Path) -> tuple[Mapping[str, Any], int]:
    """The fields of the header, and the byte behind it. Raises SliceReadError for what is no NRRD."""
    stat_file(0, path)
    try:
        with open(path, "rb") as handle:
            start = handle.read(_HEADER_BYTES)
            if not start:
                raise SliceReadError(f"{path} is empty (0 bytes); copy it again from where it came")
            if start.startswith(b"NRRD") and _SPLIT.search(start.partition(b"\n\n")[0]):
                raise SliceError(
                    f"{path.name} spreads its samples over several files; join them first (3D Slicer, or "
                    "unu save -f nrrd), or name the raw files with a glob and give --shape and --dtype"
                )
            handle.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = nrrd.read_header(handle)
            end = handle.tell()
        missing = [key for key in ("type", "dimension", "sizes", "encoding") if key not in header]
        if missing:
            raise ValueError(f"its header has no {', '.join(missing)}")
        if int(header["dimension"]) != len(header["sizes"]) or min(header["sizes"]) < 1:
            raise ValueError(f"it states {header['dimension']} dimensions, of sizes {list(header['sizes'])}")
        return header, end
    except SliceError:
        raise
    except Exception as error:  # pynrrd raises what its parser stumbles over
        raise SliceReadError(
            f"{path} cannot be read as NRRD: {reason(error)}; it holds {path.stat().st_size:,} bytes. "
            "Damaged, cut short or another format? Copy it again from where it came"
        ) from error


def _type(header: Mapping[str, Any], where: str) -> np.dtype[Any]:
    spelt = str(header["type"])
    name = _TYPE.get(" ".join(spelt.lower().split()))
    if name is None:
        raise SliceError(f"{where} holds samples of type {spelt}, which is none of grey values; save it as one of them")
    big = str(header.get("endian", "little")).lower() == "big"
    return np.dtype(name).newbyteorder(">" if big else "<")


def _samples(header: Mapping[str, Any], path: Path, end: int) -> Samples:
    """Where the samples lie; SliceError for encodings as text, SliceReadError when their file is missing."""
    encoding = str(header["encoding"]).lower()
    if encoding not in ("raw", *_GZIP, *_BZIP2):
        raise SliceError(
            f"{path.name} holds its samples as {encoding}; save it as raw or gzip, with 3D Slicer or unu save -e gzip"
        )
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    if lines < 0 or skip < -1:
        raise SliceReadError(f"{path.name}: its header skips {lines} lines and {skip} bytes, which cannot be")
    named = header.get("data file", header.get("datafile"))
    data = path if named is None else Path(os.path.normpath(path.parent / str(named)))
    if not data.is_file():
        raise SliceReadError(
            f"{path.name} says that its samples are in {named}, and there is no file {data}; put it beside the header"
        )
    offset = end if named is None else 0
    if lines:
        with open(data, "rb") as handle:
            handle.seek(offset)
            for _ in range(lines):
                handle.readline()
            offset = handle.tell()
    if encoding == "raw" and skip > 0:
        offset += skip
    return Samples(data, offset, skip, encoding)


def _unpacked(samples: Samples, nbytes: int) -> Any:
    """All samples, unpacked; bytes to skip are counted in the unpacked stream."""
    with open(samples.path, "rb") as handle:
        handle.seek(samples.offset)
        stream = igzip.IGzipFile(fileobj=handle) if samples.encoding in _GZIP else bz2.BZ2File(handle)
        with stream:
            return unpacked(stream, max(0, samples.skip), nbytes, samples.path)


def _axes(header: Mapping[str, Any], sizes: Sequence[int], where: str, choice: Choice) -> Axes:
    """Which axes are of space; SliceError when others hold vectors, or volumes of which none was chosen."""
    choice.refuse(where, channel="no channels; --time picks one of several volumes", level="one resolution")
    kinds = [str(kind).lower() for kind in header.get("kinds", ["???"] * len(sizes))]
    directions = _directions(header)
    if directions is not None:
        space = [axis for axis, row in enumerate(directions) if np.isfinite(row).all()]
    elif "kinds" in header:
        space = [axis for axis, kind in enumerate(kinds) if kind in ("domain", "space", "???", "none")]
    else:
        space = list(range(len(sizes)))
    if len(space) > 3 and all(sizes[axis] == 1 for axis in space[3:]):
        space = space[:3]
    if not 2 <= len(space) <= 3 and not (len(space) == 4 and directions is None):
        raise SliceError(
            f"{where} has {len(sizes)} axes ({' × '.join(map(str, sizes))}), {len(space)} of them of space; "
            "a volume has three: save one with 3D Slicer or unu slice"
        )
    space = space[:3]  # without a word of what they are, the slowest of four counts volumes
    others = [axis for axis in range(len(sizes)) if axis not in space]
    wide = [axis for axis in others if sizes[axis] > 1]
    strange = [axis for axis in wide if kinds[axis] not in _PICKED and axis < len(kinds)]
    if strange or len(wide) > 1:
        axis = (strange or wide)[0]
        raise SliceError(
            f"{where} holds {sizes[axis]} values at every voxel (axis {axis}, of kind {header['kinds'][axis]}), "
            f"stackreel reads one: save one with unu slice -a {axis} -p 0, or 3D Slicer"
            if strange
            else f"{where} has {len(sizes)} axes ({' × '.join(map(str, sizes))}); save one volume of it"
        )
    time = choice.pick_time(sizes[wide[0]] if wide else 1, where)
    picked = tuple(None if axis in space else time if axis in wide else 0 for axis in range(len(sizes)))
    return Axes(tuple(space), picked)


def _directions(header: Mapping[str, Any]) -> Any:
    """Space directions, one row for each axis, of NaN for an axis that is not of space; None without them."""
    rows = header.get("space directions")
    if rows is None:
        return None
    width = max((len(row) for row in rows if row is not None), default=3)
    return np.array([[math.nan] * width if row is None else list(row) for row in rows], np.float64)


def _geometry(header: Mapping[str, Any], space: Sequence[int], where: str) -> tuple[Any, list[float] | None]:
    """The affine from stored indices to RAS, None without anatomy; and the steps along the axes, as stated."""
    directions = _directions(header)
    if directions is None:
        spacings = [float(n) for n in header.get("spacings", ())]
        steps = [spacings[axis] for axis in space if axis < len(spacings)]
        known = len(steps) == len(space) and all(math.isfinite(n) and n != 0 for n in steps)
        return None, [*steps, *[1.0] * (3 - len(steps))] if known else None
    rows = directions[list(space)]
    steps = [float(n) for n in np.linalg.norm(rows, axis=1)]
    lengths = [*steps, *[steps[0]] * (3 - len(steps))]
    name = str(header.get("space", "")).lower().removesuffix("-time")
    signs = _TO_RAS.get(name[:3] if name in ("rast", "last", "lpst") else name)
    if signs is None or rows.shape != (3, 3):
        return None, lengths
    affine = np.eye(4)
    affine[:3, :3] = rows.T * np.array(signs)[:, None]
    origin = np.asarray(header.get("space origin", (0, 0, 0)), np.float64)
    if origin.shape == (3,) and np.isfinite(origin).all():
        affine[:3, 3] = origin * signs
    return affine, lengths


def _unit(header: Mapping[str, Any], axes: Axes) -> float | None:
    """Micrometres in the unit of space, when there is one and the same for all axes."""
    if "space units" in header:
        names = [str(name) for name in header["space units"]]
    else:
        units = list(header.get("units", ()))
        names = [str(units[axis]) for axis in axes.space if axis < len(units)]
    found = {UNITS.get(name.strip('" ').casefold()) for name in names}
    return found.pop() if len(found) == 1 else None


def _order_note(header: Mapping[str, Any], encoded: np.dtype[Any], where: str) -> list[str]:
    if encoded.itemsize == 1 or "endian" in header:
        return []
    return [f"{where} does not state its byte order; little-endian is assumed"]


def _picked_words(axes: Axes, sizes: Sequence[int]) -> dict[str, str]:
    taken = [str(index) for index, n in zip(axes.picked, sizes, strict=True) if index is not None and n > 1]
    return {"volume": taken[0]} if taken else {}
