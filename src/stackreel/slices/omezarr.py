"""Sections out of OME-Zarr: a folder, a ZIP file or a web address with one image in several resolutions.

The metadata (omemeta) name axes, channels, distances and levels; zarr-python decodes the chunks, version 2 or 3 of the
format, sharded or not. A plain Zarr array is taken as it is: sections, rows, columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.slices.axes import Arranged, arrange, native
from stackreel.slices.blocks import Blocks
from stackreel.slices.checks import Stated, check_type
from stackreel.slices.choice import Choice
from stackreel.slices.omemeta import (
    OLD_AXES,
    Image,
    axes_of,
    channels_of,
    multiscales,
    offset_of,
    spacing_of,
    transform_of,
)
from stackreel.slices.stack import Stack
from stackreel.slices.zarrplace import Place, place_of

SHARD_BUDGET = 256 << 20
_SAMPLES = 5  # names shown before an ellipsis


@dataclass(frozen=True)
class ZarrSlices(Stack):
    """One stack out of a Zarr array, read in blocks of whole chunks."""

    place: Place | None = field(default=None, repr=False, compare=False)
    blocks: Blocks | None = field(default=None, repr=False, compare=False)

    def label(self, z: int) -> str:
        self.locate(z)
        return f"slice {z} ({self.place})"

    def _fill(self, z: int, start: int, stop: int, out: npt.NDArray[Any]) -> None:
        assert self.place is not None
        assert self.blocks is not None
        with self.place.faults(self.label(z)):
            self.blocks.read(z, start, stop, out)

    def close(self) -> None:
        if self.place is not None and self.blocks is not None:
            self.blocks.clear()
            self.place.close()


def open_zarr(src: str | Path, *, stated: Stated, choice: Choice) -> ZarrSlices:
    """The stack of sections in OME-Zarr, or in a plain Zarr array, at a path or a URL.

    Raises SliceReadError for what is missing or does not answer, SliceError for what is no image or asks for a choice.
    """
    place = place_of(src)
    try:
        return _open(place, stated, choice)
    except BaseException:
        place.close()
        raise


def _open(place: Place, stated: Stated, choice: Choice) -> ZarrSlices:
    import zarr

    where = str(place)
    node = place.open("")
    if isinstance(node, zarr.Array):
        choice.refuse(where, level="one resolution, being a Zarr array and no OME-Zarr image")
        image, array = _plain(node, where), node
    else:
        image, array = _multiscale(place, node, choice, where)
    dtype = check_type(native(array.dtype), where)
    arranged = arrange(image.axes, array.shape, choice, where, image.names)
    _check(arranged, dtype, stated, where)
    spacing, said = spacing_of(image, arranged)

    def load(z: slice, rows: slice) -> npt.NDArray[Any]:
        return arranged.turned(np.asarray(place.ask(lambda: array[arranged.key(z, rows)]), dtype))

    blocks = Blocks(arranged.shape, arranged.chunk(array.chunks), dtype.itemsize, load)
    if array.shards is not None:
        place.check_ranges(image.path)
        shards = Blocks(arranged.shape, arranged.chunk(array.shards), dtype.itemsize, load, SHARD_BUDGET)
        blocks = shards if shards.again == 1 else blocks  # a whole shard is one request; a large one is read in parts
    notes = [*image.notes, *arranged.notes, *said]
    if blocks.again > 1:
        chunk = " × ".join(map(str, array.chunks))
        notes.append(f"chunks of {chunk} samples are too large to be kept; each is decoded {blocks.again} times")
    return ZarrSlices(
        shape=arranged.shape,
        dtype=dtype,
        files=place.files(image.path, array.metadata.zarr_format, arranged.shape[0]),
        spacing=spacing,
        notes=tuple(notes),
        banded=blocks.banded,
        provenance={**place.words, **dict(image.words), **dict(arranged.words), **offset_of(image, arranged)},
        place=place,
        blocks=blocks,
    )


def _check(arranged: Arranged, dtype: np.dtype[Any], stated: Stated, where: str) -> None:
    rows = arranged.shape[1:]
    if stated.shape not in (None, rows):
        raise SliceShapeError(
            f"{where} holds sections of {rows[0]} × {rows[1]}, --shape says otherwise; leave --shape out"
        )
    if stated.dtype not in (None, dtype):
        raise SliceShapeError(f"{where} holds {dtype}, --dtype says {stated.dtype}; leave --dtype out")


def _plain(array: Any, where: str) -> Image:
    """An array without OME's words: z, y, x, unless its dimensions are named so that they tell."""
    named = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    short = tuple(str(name).strip().lower()[:1] for name in named if name)
    known = len(short) == array.ndim and {"y", "x"} <= set(short) <= set(OLD_AXES)
    if known:
        axes = short
    elif array.ndim in (2, 3):
        axes = OLD_AXES[-array.ndim :]
    else:
        raise SliceError(
            f"{where} is a Zarr array of {array.ndim} dimensions ({' × '.join(map(str, array.shape))}) that does not "
            "say which are sections, rows and columns; an OME-Zarr image does"
        )
    note = f"{where} is a Zarr array without OME metadata; its axes are taken for {', '.join(axes)}"
    return Image("", axes, (None,) * len(axes), None, None, (), (note,), ())


def _multiscale(place: Place, group: Any, choice: Choice, where: str) -> tuple[Image, Any]:
    """The image that a group describes, and the array of the level that was chosen."""
    attrs = dict(group.attrs)
    ome = attrs.get("ome", attrs)
    if not isinstance(ome, Mapping) or not multiscales(ome):
        raise SliceError(f"{where} {_no_image(place, group, ome if isinstance(ome, Mapping) else {})}")
    multiscale = multiscales(ome)[0]
    datasets = multiscale.get("datasets")
    paths = [str(entry.get("path") or "") for entry in datasets or () if isinstance(entry, Mapping)]
    if not paths or not all(paths):
        raise SliceError(
            f"{where} is no valid OME-Zarr: its multiscales metadata name no datasets; have it written again"
        )
    arrays = {level: _level(place, path, where) for level, path in enumerate(paths)}
    ranks = {array.ndim for array in arrays.values()}
    if len(ranks) > 1:
        raise SliceError(
            f"{where} is no valid OME-Zarr: its levels have different numbers of axes "
            f"({', '.join(f'{paths[i]}: {array.ndim}' for i, array in arrays.items())}); have it written again, or "
            f"name the array that is meant: {where}/{paths[0]}"
        )
    level = choice.pick_level({i: " × ".join(map(str, array.shape)) for i, array in arrays.items()}, where)
    version = str(multiscale.get("version") or ome.get("version") or "")
    axes, units = axes_of(multiscale, arrays[level].ndim, version, where)
    scale, translation, notes = transform_of(multiscale, multiscale["datasets"][level], len(axes))
    words = [("format", f"OME-Zarr {version}".strip()), ("level", f"{level} ({paths[level]})")]
    if isinstance(multiscale.get("name"), str):
        words.append(("image", multiscale["name"]))
    if len(multiscales(ome)) > 1:
        notes.append(f"{where} describes {len(multiscales(ome))} multiscale images; the first is used")
    if "image-label" in ome:
        notes.append(f"{where} holds labels; --kind label keeps them apart in coarser levels")
    image = Image(paths[level], axes, units, scale, translation, channels_of(ome), tuple(notes), tuple(words))
    return image, arrays[level]


def _level(place: Place, path: str, where: str) -> Any:
    import zarr

    try:
        node = place.open(path)
    except SliceReadError as error:
        if not isinstance(error.__cause__, FileNotFoundError | None):
            raise
        node = None
    if not isinstance(node, zarr.Array):
        raise SliceReadError(
            f"{where} is incomplete: its metadata name a level {path}, and there is no such array; copy it again "
            "from where it came"
        )
    return node


def _no_image(place: Place, group: Any, ome: Mapping[str, Any]) -> str:
    """What a group without an image is, and what to name instead."""
    where = str(place)
    if "plate" in ome:
        wells = [well.get("path") for well in ome["plate"].get("wells", ()) if isinstance(well, Mapping)]
        return f"is a plate of {len(wells)} wells; name one field of one: {where}/{wells[0] if wells else 'A/1'}/0"
    if "well" in ome:
        fields = [str(image.get("path")) for image in ome["well"].get("images", ()) if isinstance(image, Mapping)]
        return f"is a well of {len(fields)} fields; name one: {_ways(where, fields)}"
    if "bioformats2raw.layout" in ome:
        return f"is a collection of images (bioformats2raw); name one: {where}/0"
    if ome.get("labels"):
        return f"is a list of label images; name one: {_ways(where, ome['labels'])}"
    if "multiscales" in ome:
        return "is no valid OME-Zarr: its list of multiscale images is empty; have it written again"
    inside = place.children(group)
    return (
        "is Zarr, but no OME-Zarr image: it has no multiscales metadata"
        + (f". It holds {', '.join(inside[:_SAMPLES])}{', …' if len(inside) > _SAMPLES else ''}: " if inside else "; ")
        + (f"name one of them, as in {where}/{inside[0]}" if inside else "name the folder of an image or an array")
    )


def _ways(where: str, names: Sequence[Any]) -> str:
    return ", ".join(f"{where}/{name}" for name in names[:_SAMPLES]) + (", …" if len(names) > _SAMPLES else "")
