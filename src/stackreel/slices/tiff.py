"""Sections as TIFF, in every dress that microscopes and Fiji give it.

One page per file or many, striped or tiled, plain or compressed, BigTIFF, ImageJ and OME stacks. Opening
reads headers only. A band of rows is fetched by reading straight from the file where the samples lie plain,
and otherwise by decoding just the strips or tiles that the rows touch, with tifffile's own decoders.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile

from stackreel.errors import SliceError, SliceReadError
from stackreel.geometry import Spacing
from stackreel.slices.checks import Stated, check_equal, check_type, inspect_all, stat_file
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import Stack, read_into, reason
from stackreel.slices.tiffmeta import spacing_of

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what matters is raised, in our words

_JPEG = {6, 7, 34892, 33007}
_TABLES_KEPT = 64  # strip tables remembered; the largest real ones take 0.5 MB
_STACKED = "ZIQ"  # axes that count sections: Z, or a series of pages without a name


class Plane(NamedTuple):
    """Where one slice lies in its file.

    offset : of the first sample when flat, else of the page's directory (IFD)
    flat   : samples lie plain, row after row
    swap   : flat and in the byte order that this machine does not have
    """

    offset: int
    flat: bool
    swap: bool = False


class Header(NamedTuple):
    """What one file says of itself.

    announced : sections that its metadata speak of, more than planes where the file is one of an OME set
    """

    file: SliceFile
    rows: int
    columns: int
    dtype: np.dtype[Any]
    planes: tuple[Plane, ...]
    banded: bool
    spacing: Spacing | None
    notes: tuple[str, ...]
    announced: int


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

        height, across = _grid(page)
        return Segments(
            decode,
            np.asarray(page.dataoffsets, np.uint64),
            np.asarray(page.databytecounts, np.uint64),
            height,
            across,
            page.nodata,
        )


def _grid(page: Any) -> tuple[int, int]:
    """Rows in a strip or tile, and how many lie side by side."""
    if page.is_tiled:
        return int(page.tilelength), -(-int(page.imagewidth) // int(page.tilewidth))
    return min(int(page.rowsperstrip), int(page.imagelength)), 1


def open_tiff(paths: Sequence[Path], *, stated: Stated, notes: Sequence[str] = ()) -> TiffSlices:
    """TIFF sections, every header checked; what cannot be one grey stack is refused, with the way out.

    Raises SliceReadError for a broken file, SliceError for colour, channels or time, SliceShapeError when
    sizes or types differ.
    """
    headers = inspect_all(read_header, paths)
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
        banded=all(h.banded for h in headers),
        planes=planes,
    )
    if not planes[0].flat:
        source.read(0, slice(0, 1))  # a compression that nobody can decode is found out now
    return source


def read_header(z: int, path: Path) -> Header:
    """What the z-th file of a stack holds; nothing but headers is read."""
    stat = stat_file(z, path)
    where = f"slice {z} ({path.name})"
    try:
        with tifffile.TiffFile(path, _multifile=False) as tif:
            return _header(tif, where, SliceFile(path, stat.st_size, stat.st_mtime_ns))
    except SliceError:
        raise
    except Exception as error:  # tifffile raises what its parsers stumble over
        raise SliceReadError(
            f"{where} is not a TIFF that can be read: {reason(error)}; it holds {stat.st_size:,} bytes. "
            f"Damaged, or not a TIFF at all? Copy it again ({path})"
        ) from error


def _header(tif: Any, where: str, file: SliceFile) -> Header:
    if not tif.series:
        raise SliceReadError(f"{where} holds no image; copy it again ({file.path})")
    series = tif.series[0]
    page = series.keyframe
    _refuse_colour(page, where)
    leading = _sections_in(series, where)
    notes = _series_notes(tif, file.path.name, where) + _page_notes(page)
    dtype = check_type(np.dtype(series.dtype) if series.dtype else np.dtype(object), where)
    rows, columns = int(page.imagelength), int(page.imagewidth)
    pages = [p for p in series.pages if p is not None]
    swap = dtype.itemsize > 1 and tif.byteorder != ("<" if sys.byteorder == "little" else ">")
    nbytes = rows * columns * dtype.itemsize
    if series.dataoffset and len(pages) == len(
        series.pages
    ):  # one run of samples, perhaps behind one page only
        planes = [Plane(series.dataoffset + i * nbytes, True, swap) for i in range(leading)]
        ends = planes[-1].offset + nbytes
    else:
        planes = [_plane(p, page, swap) for p in pages]
        ends = max(
            (o + c for p in pages for o, c in zip(p.dataoffsets, p.databytecounts, strict=False)), default=0
        )
        if not any(plane.flat or p.databytecounts for plane, p in zip(planes, pages, strict=True)):
            raise SliceReadError(f"{where} has a directory but no samples; copy it again ({file.path})")
    if ends > file.size:
        raise SliceReadError(
            f"{where} is truncated: its samples end at byte {ends:,}, the file at {file.size:,}; "
            f"copy it again from where it came ({file.path})"
        )
    spacing, said = spacing_of(tif, page, len(planes))
    return Header(
        SliceFile(file.path, file.size, file.mtime_ns, len(planes)),
        rows,
        columns,
        dtype,
        tuple(planes),
        all(plane.flat for plane in planes) or _grid(page)[0] < rows,
        spacing,
        (*notes, *said),
        leading,
    )


def _plane(page: Any, keyframe: Any, swap: bool) -> Plane:
    offsets, counts = page.dataoffsets, page.databytecounts
    gapless = all(o + c == following for o, c, following in zip(offsets, counts, offsets[1:], strict=False))
    if keyframe.is_final and offsets and offsets[0] and gapless:
        return Plane(int(offsets[0]), True, swap)
    return Plane(int(page.offset), False)


def _sections_in(series: Any, where: str) -> int:
    """How many sections the series holds; SliceError when there are channels, times or more."""
    sizes = {
        axis: int(n)
        for axis, n in zip(series.get_axes(False), series.get_shape(False), strict=True)
        if n > 1 and axis not in "YX"
    }
    channels = next((sizes[a] for a in "CS" if a in sizes), 0)
    if channels:
        raise SliceError(
            f"{where} holds {channels} channels; stackreel reads one at a time: split them "
            "(Fiji: Image › Color › Split Channels), and name the folder or file of one channel"
        )
    if "T" in sizes:
        raise SliceError(
            f"{where} holds {sizes['T']} time points; a stack has sections only. If they are sections, "
            "say so in Fiji (Image › Properties…: exchange Slices and Frames) and save; else export one "
            "time point"
        )
    strange = [axis for axis in sizes if axis not in _STACKED]
    if strange or len(sizes) > 1:
        found = ", ".join(f"{n} along {axis}" for axis, n in sizes.items())
        raise SliceError(
            f"{where} has more than three dimensions ({found}, besides rows and columns); export one "
            "stack of sections from it, with Fiji for instance"
        )
    return next(iter(sizes.values()), 1)


def _refuse_colour(page: Any, where: str) -> None:
    if int(page.samplesperpixel) > 1:
        raise SliceError(
            f"{where} is a colour image ({page.samplesperpixel} samples in each pixel); stackreel reads "
            "grey values: convert it (Fiji: Image › Type › 8-bit, or Image › Color › Split Channels "
            "for one colour)"
        )
    if int(page.imagedepth) > 1:
        raise SliceError(
            f"{where} holds {page.imagedepth} sections in one page (SGI volume); save it with "
            "a page for each section"
        )


def _series_notes(tif: Any, name: str, where: str) -> list[str]:
    """What to say of further images in the file; SliceError when they look like sections of another size."""
    first, others = tif.series[0], tif.series[1:]
    if not others:
        return []
    previews = first.kind not in ("generic", "uniform") or all(s.keyframe.is_reduced for s in others)
    if previews:
        return [f"{name} holds {len(others)} further images (previews, labels); only the first is used"]
    a, b = (f"{' × '.join(map(str, s.keyframe.shape))} {s.dtype}" for s in (first, others[0]))
    raise SliceError(
        f"{where} mixes pages of different sizes or types: page {first.keyframe.index} is {a}, "
        f"page {others[0].keyframe.index} is {b}; save the sections alone, all of one size and type"
    )


def _page_notes(page: Any) -> list[str]:
    notes = []
    if int(page.photometric) == 0:
        notes.append("the files say that 0 is white (MinIsWhite); values are used as stored")
    if int(page.photometric) == 3:
        notes.append("the files carry a colour table; values are used as stored, without it")
    orientation = page.tags.valueof(274, default=1)
    if orientation != 1:
        notes.append(
            f"the files ask viewers to turn or mirror them (orientation {int(orientation)}); "
            "rows are used as stored"
        )
    return notes
