"""From a path to a stack of sections, whatever the files look like.

    source = open_slices("sections/", shape=(28721, 31076), dtype="uint8")
    band = source.read(117, slice(0, 256))

A folder, a glob or one file is looked through, every file's header is checked, and what comes back answers
`SliceSource`, whether raw, TIFF, PNG or JPEG lies behind it.
"""

from __future__ import annotations

from pathlib import Path

from stackreel.errors import SliceError
from stackreel.slices.checks import Stated
from stackreel.slices.find import find_slices
from stackreel.slices.raw import ByteOrder, open_raw, parse_dtype
from stackreel.slices.source import SliceSource


def open_slices(
    src: str | Path,
    *,
    shape: tuple[int, int] | None = None,
    dtype: str | None = None,
    byte_order: ByteOrder | None = None,
    skip_bytes: int = 0,
) -> SliceSource:
    """The stack of sections that SRC names, every file checked.

    src        : a folder of sections, a glob such as "scans/*_red.tif" (with '*', '?' or '[' in it),
                 or a file: one multi-page TIFF, or one raw file that holds the whole stack
    shape      : rows and columns of one slice; raw files need it, others are held against it
    dtype      : type of the samples, as "uint8" or ">u2"; raw files need it, others are held against it
    byte_order : of raw samples, "little" unless stated
    skip_bytes : header in front of the samples in each raw file

    Raises SliceReadError for what is missing, truncated or damaged, SliceShapeError for sizes that do
    not agree, SliceError for what is no stack of grey sections; each names slice, file and way out.
    """
    parsed, stated_order = (None, None) if dtype is None else parse_dtype(dtype)
    if byte_order and stated_order and byte_order != stated_order:
        raise SliceError(
            f'--dtype "{dtype}" is {stated_order}-endian, --byte-order says {byte_order}; drop one of them'
        )
    found = find_slices(src, raw=shape is not None and parsed is not None)
    if found.kind == "raw":
        return open_raw(
            found.paths,
            shape=shape,
            dtype=parsed,
            byte_order=byte_order or stated_order,
            skip_bytes=skip_bytes,
            notes=found.notes,
        )
    if skip_bytes or byte_order:
        option = "--skip-bytes" if skip_bytes else "--byte-order"
        raise SliceError(
            f"{option} is for raw files; {found.paths[0].name} states such things itself, leave {option} out"
        )
    stated = Stated(shape, parsed)
    if found.kind == "tiff":
        from stackreel.slices.tiff import open_tiff

        return open_tiff(found.paths, stated=stated, notes=found.notes)
    from stackreel.slices.images import open_images

    return open_images(found.paths, stated=stated, notes=found.notes)
