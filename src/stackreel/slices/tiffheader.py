"""What a TIFF file says of itself: how many sections, how large, where their samples lie.

TIFF holds anything: colour, channels, time points, previews, files of a set. What cannot be one grey stack is refused
here, in words that lead on; a file that was cut short is told from a shorter stack.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile

from stackreel.errors import SliceError, SliceReadError
from stackreel.geometry import Spacing
from stackreel.slices.checks import check_type, stat_file
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason
from stackreel.slices.tiffmeta import ome_sizes, spacing_of

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
    _check_directories(tif, where, file)
    announced = leading
    if tif.is_imagej and tif.imagej_metadata and tif.imagej_metadata.get("images", 1) > leading:
        raise _truncated(where, file, f"it announces {tif.imagej_metadata['images']} images and has {leading}")
    if tif.is_ome and tif.ome_metadata and series.kind != "ome":  # one file of a set; the set is in the metadata
        sizes = ome_sizes(tif.ome_metadata)
        announced = sizes["Z"]
        if leading > 1:
            _refuse_channels(sizes, where)
    notes = _series_notes(tif, file.path.name, where) + _page_notes(page)
    dtype = check_type(np.dtype(series.dtype) if series.dtype else np.dtype(object), where)
    rows, columns = int(page.imagelength), int(page.imagewidth)
    pages = [p for p in series.pages if p is not None]
    swap = dtype.itemsize > 1 and tif.byteorder != ("<" if sys.byteorder == "little" else ">")
    nbytes = rows * columns * dtype.itemsize
    if series.dataoffset and len(pages) == len(series.pages):  # one run of samples, perhaps behind one page only
        planes = [Plane(series.dataoffset + i * nbytes, True, swap) for i in range(leading)]
        ends = planes[-1].offset + nbytes
    else:
        planes = [_plane(p, page, swap) for p in pages]
        ends = max((o + c for p in pages for o, c in zip(p.dataoffsets, p.databytecounts, strict=False)), default=0)
        if not any(plane.flat or p.databytecounts for plane, p in zip(planes, pages, strict=True)):
            raise SliceReadError(f"{where} has a directory but no samples; copy it again ({file.path})")
    if ends > file.size:
        raise _truncated(where, file, f"its samples end at byte {ends:,}, the file at {file.size:,}")
    spacing, said = spacing_of(tif, page, len(planes))
    return Header(
        SliceFile(file.path, file.size, file.mtime_ns, len(planes)),
        rows,
        columns,
        dtype,
        tuple(planes),
        all(plane.flat for plane in planes) or grid(page)[0] < rows,
        spacing,
        (*notes, *said),
        announced,
    )


def _check_directories(tif: Any, where: str, file: SliceFile) -> None:
    """Every page's directory lies inside the file; tifffile itself is content with the pages before the break."""
    if tif.is_ndpi:  # keeps offsets beyond 4 GB in a way of its own
        return
    handle = tif.filehandle
    count, entry, link = ("Q", 20, "Q") if tif.is_bigtiff else ("H", 12, "I")
    position, seen = (8 if tif.is_bigtiff else 4), 0

    def number(code: str) -> int:
        data = handle.read(struct.calcsize(code))
        if len(data) < struct.calcsize(code):
            raise _truncated(where, file, f"the directory of page {seen} lies beyond its end")
        return int(struct.unpack(tif.byteorder + code, data)[0])

    while True:
        handle.seek(position)
        position = number(link)
        if position == 0 or seen > len(tif.pages):  # the end, or a chain that bites its tail
            return
        handle.seek(position)
        position += struct.calcsize(count) + entry * number(count)
        seen += 1


def _truncated(where: str, file: SliceFile, how: str) -> SliceReadError:
    return SliceReadError(f"{where} is truncated: {how}; copy it again from where it came ({file.path})")


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
    _refuse_channels(sizes, where)
    strange = [axis for axis in sizes if axis not in _STACKED]
    if strange or len(sizes) > 1:
        found = ", ".join(f"{n} along {axis}" for axis, n in sizes.items())
        raise SliceError(
            f"{where} has more than three dimensions ({found}, besides rows and columns); export one "
            "stack of sections from it, with Fiji for instance"
        )
    return next(iter(sizes.values()), 1)


def _refuse_channels(sizes: Mapping[str, int], where: str) -> None:
    channels = max(sizes.get("C", 1), sizes.get("S", 1))
    if channels > 1:
        raise SliceError(
            f"{where} holds {channels} channels; stackreel reads one at a time: split them "
            "(Fiji: Image › Color › Split Channels), and name the folder or file of one. If they are sections, "
            "say so in Fiji (Image › Properties…: exchange Channels and Slices) and save"
        )
    if sizes.get("T", 1) > 1:
        raise SliceError(
            f"{where} holds {sizes['T']} time points; a stack has sections only. If they are sections, "
            "say so in Fiji (Image › Properties…: exchange Slices and Frames) and save; else export one "
            "time point"
        )


def _refuse_colour(page: Any, where: str) -> None:
    if int(page.samplesperpixel) > 1:
        raise SliceError(
            f"{where} is a colour image ({page.samplesperpixel} samples in each pixel); stackreel reads "
            "grey values: convert it (Fiji: Image › Type › 8-bit, or Image › Color › Split Channels "
            "for one colour)"
        )
    if int(page.imagedepth) > 1:
        raise SliceError(
            f"{where} holds {page.imagedepth} sections in one page (SGI volume); save it with a page for each section"
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
            f"the files ask viewers to turn or mirror them (orientation {int(orientation)}); rows are used as stored"
        )
    return notes


def grid(page: Any) -> tuple[int, int]:
    """Rows in a strip or tile, and how many lie side by side."""
    if page.is_tiled:
        return int(page.tilelength), -(-int(page.imagewidth) // int(page.tilewidth))
    return min(int(page.rowsperstrip), int(page.imagelength)), 1
