"""Sections as TIFF, in every dress that microscopes and Fiji give it.

One page per file or many, striped or tiled, plain or compressed, BigTIFF, ImageJ and OME stacks. Opening
reads headers only. A band of rows is fetched by reading straight from the file where the samples lie plain,
and otherwise by decoding just the strips or tiles that the rows touch, with tifffile's own decoders.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile

from stackreel.errors import SliceError
from stackreel.slices.checks import Stated, check_equal, inspect_all
from stackreel.slices.choice import Choice
from stackreel.slices.stack import Bare, Stack, read_into
from stackreel.slices.tiffheader import Header, Plane, grid, read_header

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what matters is raised, in our words

_JPEG = {6, 7, 34892, 33007}
_TABLES_KEPT = 32  # strip tables remembered: two chunks deep; one of 28,721 strips takes about 2.5 MB


class Segments(NamedTuple):
    """The strips or tiles of one page, ready to decode: `decode(index)` of bytes at offsets[index]."""

    decode: Callable[..., Any]
    offsets: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.uint64]
    height: int
    across: int
    nodata: Any


@dataclass(frozen=True)
class TiffSlices(Stack):
    """Pages of TIFF files, one after the other."""

    planes: tuple[Plane, ...] = ()

    def bare(self, z: int) -> Bare | None:
        plane = self.planes[z]
        return Bare(plane.offset, plane.swap) if plane.flat else None

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        plane = self.planes[z]
        with self._open(z) as handle:
            if plane.flat:
                read_into(handle, plane.offset + start * self.shape[2] * self.dtype.itemsize, out)
                if plane.swap:
                    out.byteswap(inplace=True)
                return
            file, _ = self.locate(z)
            table = _segments(file.path, file.mtime_ns, plane.offset)
            first, last = start // table.height, -(-stop // table.height)
            for index in range(first * table.across, last * table.across):
                _paste(_decoded(handle, table, index), table, start, stop, out)


def _decoded(handle: Any, table: Segments, index: int) -> Any:
    data: bytes | None = None
    count = int(table.counts[index])
    if count:
        handle.seek(int(table.offsets[index]))
        data = handle.read(count)
        if len(data) != count:
            raise OSError(f"strip or tile {index} ends {count - len(data):,} bytes early")
    return table.decode(data, index)


def _paste(decoded: Any, table: Segments, start: int, stop: int, out: npt.NDArray[Any]) -> None:
    """Copy a decoded strip or tile into the band of rows start..stop, as far as it lies inside."""
    segment, (_, _, top, left, _), (_, height, width, _) = decoded
    a, b = max(start, top), min(stop, top + height)
    right = min(left + width, out.shape[1])
    out[a - start : b - start, left:right] = (
        table.nodata if segment is None else segment[0, a - top : b - top, : right - left, 0]
    )


@lru_cache(_TABLES_KEPT)
def _segments(path: Path, mtime_ns: int, offset: int) -> Segments:
    """The strip or tile table of the page whose directory lies at offset; mtime_ns only tells files apart."""
    with tifffile.TiffFile(path, _multifile=False) as tif:
        tif.filehandle.seek(offset)
        page = tifffile.TiffPage(tif, 0)
        decode = page.decode
        if page.compression in _JPEG:
            tables, header = page.jpegtables, page.jpegheader
            plain = decode

            def decode(data: bytes | None, index: int) -> Any:
                return plain(data, index, jpegtables=tables, jpegheader=header)

        height, across = grid(page)
        return Segments(
            decode,
            np.asarray(page.dataoffsets, np.uint64),
            np.asarray(page.databytecounts, np.uint64),
            height,
            across,
            page.nodata,
        )


def open_tiff(paths: Sequence[Path], *, stated: Stated, choice: Choice, notes: Sequence[str] = ()) -> TiffSlices:
    """TIFF sections, every header checked; what cannot be one grey stack is refused, with the way out.

    Raises SliceReadError for a broken file, SliceError for colour, or where a channel, time or level must be chosen,
    SliceShapeError when sizes or types differ.
    """
    headers = inspect_all(partial(read_header, choice=choice), paths)
    notes, (headers, paths) = list(notes), _of_one_channel(headers, paths, choice)
    check_equal([(h.rows, h.columns, h.dtype) for h in headers], paths, stated)
    first = headers[0]
    planes = tuple(plane for h in headers for plane in h.planes)
    said = [*notes, *(note for h in headers for note in h.notes)]
    if len(paths) == 1 and first.announced > len(planes):
        said.append(
            f"{paths[0].name} is one file of a set of {first.announced} sections; "
            "name the folder, or a glob, to read them all"
        )
    source = TiffSlices(
        shape=(len(planes), first.rows, first.columns),
        dtype=first.dtype,
        files=tuple(h.file for h in headers),
        spacing=first.spacing,
        notes=tuple(dict.fromkeys(said)),
        provenance=_words(first),
        banded=all(h.banded for h in headers),
        planes=planes,
    )
    if not planes[0].flat:
        source.read(0, slice(0, 1))  # a compression that nobody can decode is found out now
    return source


def _of_one_channel(
    headers: Sequence[Header], paths: Sequence[Path], choice: Choice
) -> tuple[list[Header], list[Path]]:
    """The files that hold something of the channel and time that are meant; SliceError when none do, or several."""
    kept = [(header, path) for header, path in zip(headers, paths, strict=True) if header.planes]
    if not kept:
        first = headers[0]
        raise SliceError(f"none of the {len(paths)} files holds channel {first.channel} at time point {first.time}")
    first = kept[0][0]
    if any(header.channel != first.channel for header, _ in kept):
        choice.pick_channel(first.channels, first.names, f"the set of {len(paths)} files")
    other = next((path for header, path in kept if header.time != first.time), None)
    if other is not None:
        raise SliceError(f"{kept[0][1]} and {other} show different time points; choose one with --time N")
    return [header for header, _ in kept], [path for _, path in kept]


def _words(header: Header) -> dict[str, str]:
    """Channel, time and level, as provenance keeps them."""
    words = {}
    if header.channels > 1:
        name = header.names[header.channel] if header.channel < len(header.names) else ""
        words["channel"] = f"{header.channel} ({name})" if name else str(header.channel)
    if header.time:
        words["time"] = str(header.time)
    if header.level is not None:
        words["level"] = str(header.level)
    return words
