"""A part of a volume as TIFF: one BigTIFF with all sections, or a folder with a file for each.

Tiled and deflated; the spacing and what the samples mean stand in OME-XML, as Bio-Formats and tifffile read it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from stackreel._version import __version__
from stackreel.errors import DiskFullError, StackreelError
from stackreel.files import replacing, true_path
from stackreel.volume.export.bigtiff import TILE, BigTiff, pack_tile
from stackreel.volume.export.excerpt import Block, Excerpt, in_order
from stackreel.volume.output import says_no_room

_ACROSS = 8  # tiles that are made together
_TYPES = {"float32": "float", "float64": "double"}

Progress = Callable[[int], object]
Tile = tuple[int, int, int, bytes]


def export_stack(excerpt: Excerpt, out: Path, *, threads: int, progress: Progress) -> None:
    """All sections as pages of one file. progress : is told bytes of samples that have been written."""
    with replacing(out) as temporary, _file(temporary, excerpt, excerpt.count[0]) as file:
        for size, tiles in _tiles(excerpt, threads):
            for z, row, column, packed in tiles:
                file.put(z, row, column, packed)
            progress(size)


def export_sections(excerpt: Excerpt, out: Path, *, threads: int, progress: Progress) -> list[str]:
    """Every section as a file of a new folder; their names."""
    target = true_path(out)
    temporary = target.with_name(f".{target.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        return _fill(excerpt, temporary, target, threads, progress)
    except StackreelError:
        raise
    except OSError as error:
        if says_no_room(error):
            raise DiskFullError(f"{out}: no room left on the disk; nothing half-written stays behind") from error
        raise StackreelError(f"{out}: cannot be written ({error.strerror}); choose a folder that can") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(excerpt: Excerpt, folder: Path, target: Path, threads: int, progress: Progress) -> list[str]:
    """Write all sections into a folder, and give it its name."""
    digits = max(4, len(str(excerpt.start[0] + excerpt.count[0] - 1)))
    names = [f"{excerpt.volume.name}_{excerpt.start[0] + z:0{digits}}.tif" for z in range(excerpt.count[0])]
    work = _tiles(excerpt, threads)
    blocks = list(_blocks(excerpt))
    for slab in excerpt.slabs():
        with contextlib.ExitStack() as stack:
            planes = range(slab.start, slab.stop)
            files = {z: stack.enter_context(_file(folder / names[z], excerpt, 1)) for z in planes}
            for _ in range(sum(block[0] == slab for block in blocks)):
                size, tiles = next(work)
                for z, row, column, packed in tiles:
                    files[z].put(0, row, column, packed)
                progress(size)
    if target.is_dir():  # an empty one, or one that may be replaced
        shutil.rmtree(target)
    folder.rename(target)
    return names


def ome_xml(excerpt: Excerpt, planes: int) -> str:
    """The file's description: sizes, spacing, and what the samples mean."""
    _, rows, columns = excerpt.count
    steps = zip("ZYX", excerpt.spacing.zyx, strict=True)
    sizes = "".join(f' PhysicalSize{a}="{s:.12g}" PhysicalSize{a}Unit="µm"' for a, s in steps)
    kind = _TYPES.get(excerpt.level.dtype.name, excerpt.level.dtype.name)
    pairs = "".join(f"<M K={quoteattr(key)}>{escape(_word(value))}</M>" for key, value in excerpt.said().items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 '
        'http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" '
        f'Creator="stackreel {__version__}">'
        f'<Image ID="Image:0" Name={quoteattr(excerpt.volume.name)}>'
        f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="{kind}" BigEndian="false" '
        f'SizeX="{columns}" SizeY="{rows}" SizeZ="{planes}" SizeC="1" SizeT="1"'
        f"{sizes if excerpt.spacing.unit == 'um' else ''}>"
        '<Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        f'<TiffData IFD="0" PlaneCount="{planes}"/></Pixels>'
        '<AnnotationRef ID="Annotation:0"/></Image>'
        '<StructuredAnnotations><MapAnnotation ID="Annotation:0" Namespace="stackreel">'
        f"<Value>{pairs}</Value></MapAnnotation></StructuredAnnotations></OME>"
    )


def _word(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _file(path: Path, excerpt: Excerpt, planes: int) -> BigTiff:
    _, rows, columns = excerpt.count
    step = excerpt.spacing.zyx[1:] if excerpt.spacing.unit == "um" else None
    return BigTiff(path, planes, (rows, columns), excerpt.level.dtype, step=step, description=ome_xml(excerpt, planes))


def _tiles(excerpt: Excerpt, threads: int) -> Iterator[tuple[int, list[Tile]]]:
    """Bytes of samples, and the tiles made of them as (plane, row, column, packed), block by block."""
    return in_order((partial(_pack, excerpt, block) for block in _blocks(excerpt)), threads)


def _blocks(excerpt: Excerpt) -> Iterator[Block]:
    _, rows, columns = excerpt.count
    for slab in excerpt.slabs():
        for y in range(0, rows, TILE):
            for x in range(0, columns, TILE * _ACROSS):
                yield slab, slice(y, min(y + TILE, rows)), slice(x, min(x + TILE * _ACROSS, columns))


def _pack(excerpt: Excerpt, block: Block) -> tuple[int, list[Tile]]:
    samples = excerpt.read(block)
    z0, y0, x0 = (part.start for part in block)
    made = []
    for z, plane in enumerate(samples):
        for x in range(0, plane.shape[1], TILE):
            made.append((z0 + z, y0, x0 + x, pack_tile(np.ascontiguousarray(plane[:, x : x + TILE]))))
    return samples.nbytes, made
