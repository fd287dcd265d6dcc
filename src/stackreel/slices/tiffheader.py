"""What a TIFF file says of itself: how many sections, how large, where their samples lie.

TIFF holds anything: colour, channels, time points, resolutions, previews, files of a set. One channel, time and
resolution are chosen; what cannot be one grey stack is refused here, in words that lead on; a file that was cut short
is told from a shorter stack.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile

from stackreel.errors import SliceError, SliceReadError
from stackreel.geometry import Spacing
from stackreel.slices.checks import check_type, stat_file
from stackreel.slices.choice import Choice
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason
from stackreel.slices.tiffmeta import ome_channels, ome_places, ome_sizes, spacing_of

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

    planes    : none where the file, one of an OME set, holds other channels than the one that was chosen
    announced : sections that its metadata speak of, more than planes where the file is one of an OME set
    channel, time : of the planes; of a set, these may differ from file to file
    names     : of the channels
    level     : of the resolutions, None where there is one
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
    channel: int
    time: int
    channels: int
    names: tuple[str, ...]
    level: int | None


def read_header(z: int, path: Path, choice: Choice) -> Header:
    """What the z-th file of a stack holds; nothing but headers is read."""
    stat = stat_file(z, path)
    where = f"slice {z} ({path.name})"
    try:
        with tifffile.TiffFile(path, _multifile=False) as tif:
            return _header(tif, where, SliceFile(path, stat.st_size, stat.st_mtime_ns), choice)
    except SliceError:
        raise
    except Exception as error:  # tifffile raises what its parsers stumble over
        raise SliceReadError(
            f"{where} is not a TIFF that can be read: {reason(error)}; it holds {stat.st_size:,} bytes. "
            f"Damaged, or not a TIFF at all? Copy it again ({path})"
        ) from error


def _header(tif: Any, where: str, file: SliceFile, choice: Choice) -> Header:
    if not tif.series:
        raise SliceReadError(f"{where} holds no image; copy it again ({file.path})")
    base = tif.series[0]
    _refuse_colour(base.keyframe, where)
    levels = {n: " × ".join(map(str, series.keyframe.shape)) for n, series in enumerate(base.levels)}
    level = choice.pick_level(levels, where)
    series = base.levels[level]
    page = series.keyframe
    names = ome_channels(tif.ome_metadata) if tif.is_ome and tif.ome_metadata else ()
    if tif.is_ome and tif.ome_metadata and series.kind != "ome":  # one file of a set; the set is in the metadata
        picked = _of_set(tif, series, where, choice, file.path.name, names)
    else:
        picked = _of_series(series, where, choice, names)
    _check_directories(tif, where, file)
    total = math.prod(_leading(series).values())
    if tif.is_imagej and tif.imagej_metadata and tif.imagej_metadata.get("images", 1) > total:
        raise _truncated(where, file, f"it announces {tif.imagej_metadata['images']} images and has {total}")
    notes = _series_notes(tif, file.path.name, where) + _page_notes(page)
    dtype = check_type(np.dtype(series.dtype) if series.dtype else np.dtype(object), where)
    rows, columns = int(page.imagelength), int(page.imagewidth)
    pages = list(series.pages)
    swap = dtype.itemsize > 1 and tif.byteorder != ("<" if sys.byteorder == "little" else ">")
    nbytes = rows * columns * dtype.itemsize
    if series.dataoffset and None not in pages:  # one run of samples, perhaps behind one page only
        planes = [Plane(series.dataoffset + i * nbytes, True, swap) for i in picked.pages]
        ends = series.dataoffset + total * nbytes
    else:
        pages = [pages[i] for i in picked.pages if pages[i] is not None]
        planes = [_plane(p, page, swap) for p in pages]
        ends = max((o + c for p in pages for o, c in zip(p.dataoffsets, p.databytecounts, strict=False)), default=0)
        if pages and not any(plane.flat or p.databytecounts for plane, p in zip(planes, pages, strict=True)):
            raise SliceReadError(f"{where} has a directory but no samples; copy it again ({file.path})")
    if ends > file.size:
        raise _truncated(where, file, f"its samples end at byte {ends:,}, the file at {file.size:,}")
    height, width = base.keyframe.shape[:2]
    spacing, said = spacing_of(tif, base.keyframe, len(planes), (height / rows, width / columns) if level else (1, 1))
    return Header(
        SliceFile(file.path, file.size, file.mtime_ns, len(planes)),
        rows,
        columns,
        dtype,
        tuple(planes),
        all(plane.flat for plane in planes) or grid(page)[0] < rows,
        spacing,
        (*notes, *said),
        picked.announced,
        picked.channel,
        picked.time,
        picked.channels,
        names,
        level if len(levels) > 1 else None,
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


class Picked(NamedTuple):
    """The pages that are the sections of one channel and time point, in order."""

    pages: tuple[int, ...]
    channel: int
    time: int
    channels: int
    announced: int


def _leading(series: Any) -> dict[str, int]:
    """The axes before rows and columns that are longer than 1."""
    axes = zip(series.get_axes(False), series.get_shape(False), strict=True)
    return {axis: int(n) for axis, n in axes if n > 1 and axis not in "YX"}


def _of_series(series: Any, where: str, choice: Choice, names: Sequence[str]) -> Picked:
    """The pages of a series that a choice picks; SliceError when there is more than sections to choose from."""
    sizes = _leading(series)
    channels, times = max(sizes.get("C", 1), sizes.get("S", 1)), sizes.get("T", 1)
    strange = [axis for axis in sizes if axis not in _STACKED + "CST"]
    if strange or sum(axis in _STACKED for axis in sizes) > 1:
        found = ", ".join(f"{n} along {axis}" for axis, n in sizes.items())
        raise SliceError(
            f"{where} has more than three dimensions ({found}, besides rows and columns); export one "
            "stack of sections from it, with Fiji for instance"
        )
    channel, time = _asked(channels, times, where, choice, names)
    pages = np.arange(math.prod(sizes.values())).reshape(tuple(sizes.values()))
    taken = {"C": channel, "S": channel, "T": time}
    pages = pages[tuple(taken.get(axis, slice(None)) for axis in sizes)].reshape(-1)
    return Picked(tuple(pages.tolist()), channel, time, channels, len(pages))


def _of_set(tif: Any, series: Any, where: str, choice: Choice, file_name: str, names: Sequence[str]) -> Picked:
    """The pages of one file of an OME set that a choice picks, by the metadata that each file has of the whole set.

    A file may hold a channel alone; then it is left out where another was chosen, and asks nothing where none was.
    """
    sizes = ome_sizes(tif.ome_metadata)
    pages = tuple(range(math.prod(_leading(series).values())))
    if sizes["C"] == 1 and sizes["T"] == 1:
        _asked(1, 1, where, choice, names)
        return Picked(pages, 0, 0, 1, sizes["Z"])
    places = {page: place for page, place in ome_places(tif.ome_metadata, file_name).items() if page in pages}
    if len(places) < len(pages):  # the metadata do not say what this file holds
        if len(pages) > 1 or choice.channel is not None or choice.time is not None:
            raise SliceError(
                f"{where} is one file of a set of {sizes['C']} channels and {sizes['T']} time points whose metadata do "
                "not say which of them it holds; pick the files with a glob, or have the set written to one file"
            )
        return Picked(pages, 0, 0, 1, sizes["Z"])
    held = sorted({place.channel for place in places.values()}), sorted({place.time for place in places.values()})
    channel, time = held[0][0], held[1][0]
    if len(held[0]) > 1 or choice.channel is not None:
        channel = choice.pick_channel(sizes["C"], names, where)
    if len(held[1]) > 1 or choice.time is not None:
        time = choice.pick_time(sizes["T"], where)
    chosen = [page for page, place in places.items() if (place.channel, place.time) == (channel, time)]
    chosen.sort(key=lambda page: places[page].z)
    return Picked(tuple(chosen), channel, time, sizes["C"], sizes["Z"])


def _asked(channels: int, times: int, where: str, choice: Choice, names: Sequence[str]) -> tuple[int, int]:
    mistaken = ". If they are sections, say so in Fiji (Image › Properties…: exchange {} and {}) and save"
    return (
        choice.pick_channel(channels, names, where, mistaken.format("Channels", "Slices")),
        choice.pick_time(times, where, mistaken.format("Slices", "Frames")),
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
