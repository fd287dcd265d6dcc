"""From a path to a stack of sections, whatever the files look like.

    source = open_slices("sections/", shape=(28721, 31076), dtype="uint8")
    band = source.read(117, slice(0, 256))

A folder, a glob or one file is looked through, every file's header is checked, and what comes back answers
`SliceSource`, whether raw, TIFF, PNG, JPEG, OME-Zarr, HDF5, NIfTI, NRRD or MINC lies behind it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stackreel.errors import SliceError
from stackreel.slices.checks import Stated
from stackreel.slices.choice import Choice
from stackreel.slices.find import Found, find_slices
from stackreel.slices.missing import WAYS, Missing, filled, layout_of
from stackreel.slices.raw import ByteOrder, open_raw, parse_dtype
from stackreel.slices.source import SliceSource


def open_slices(
    src: str | Path,
    *,
    shape: tuple[int, int] | None = None,
    dtype: str | None = None,
    byte_order: ByteOrder | None = None,
    skip_bytes: int = 0,
    channel: str | int | None = None,
    time: int | None = None,
    level: int | None = None,
    raw_values: bool = False,
    missing: Missing | None = None,
) -> SliceSource:
    """The stack of sections that SRC names, every file checked.

    src        : a folder of sections, a glob such as "scans/*_red.tif" (with '*', '?' or '[' in it),
                 or a file: one multi-page TIFF, or one raw file that holds the whole stack;
                 or OME-Zarr: a folder, a .zarr.zip or a URL; or a data set in HDF5: "brain.h5:/Image";
                 or a volume as NIfTI, MGH, NRRD or MINC
    shape      : rows and columns of one slice; raw files need it, others are held against it
    dtype      : type of the samples, as "uint8" or ">u2"; raw files need it, others are held against it
    byte_order : of raw samples, "little" unless stated
    skip_bytes : header in front of the samples in each raw file
    channel    : of a source with several: its number from 0, or its name
    time       : of a source with several time points: its number from 0
    level      : of a source with several resolutions: 0, the finest, unless stated
    raw_values : of NIfTI with a slope: the stored numbers instead of real values
    missing    : what stands in for sections that are missing; None: gaps in the numbering are closed up

    Raises SliceReadError for what is missing, truncated or damaged, SliceShapeError for sizes that do
    not agree, SliceError for what is no stack of grey sections; each names slice, file and way out.
    """
    parsed, stated_order = (None, None) if dtype is None else parse_dtype(dtype)
    if byte_order and stated_order and byte_order != stated_order:
        raise SliceError(
            f'--dtype "{dtype}" is {stated_order}-endian, --byte-order says {byte_order}; drop one of them'
        )
    choice = Choice(None if channel is None else str(channel), time, level)
    found = find_slices(src, raw=shape is not None and parsed is not None)
    if missing is None:
        if any(note.startswith("numbering jumps") for note in found.notes):
            found = replace(found, notes=(*found.notes, f"such gaps are closed up; {WAYS} keeps the place"))
        return _opened(found, shape, parsed, byte_order or stated_order, byte_order, skip_bytes, choice, raw_values)
    layout = layout_of(found.names, missing) if found.names else None
    if layout is not None:
        found = replace(found, paths=tuple(found.paths[i] for i in layout.kept))
        if not found.paths:
            raise SliceError("every section is said to be missing; nothing would be left")
    source = _opened(found, shape, parsed, byte_order or stated_order, byte_order, skip_bytes, choice, raw_values)
    return filled(source, missing, layout)


def _opened(
    found: Found,
    shape: tuple[int, int] | None,
    parsed: np.dtype[Any] | None,
    order: ByteOrder | None,
    byte_order: ByteOrder | None,
    skip_bytes: int,
    choice: Choice,
    raw_values: bool,
) -> SliceSource:
    if raw_values and found.kind != "nifti":
        raise SliceError(f"--raw-values is for NIfTI with a slope; {found.paths[0].name} has none, leave it out")
    if found.kind == "raw":
        choice.refuse(found.paths[0].name, channel="no channels", time="no time points", level="one resolution")
        return open_raw(
            found.paths,
            shape=shape,
            dtype=parsed,
            byte_order=order,
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

        return open_tiff(found.paths, stated=stated, choice=choice, notes=found.notes)
    if found.kind == "zarr":
        from stackreel.slices.omezarr import open_zarr

        return open_zarr(found.address or found.paths[0], stated=stated, choice=choice)
    if found.kind == "hdf5":
        from stackreel.slices.hdf5 import open_hdf5

        return open_hdf5(found.paths, found.inside, stated=stated, choice=choice, notes=found.notes)
    if found.kind == "nifti":
        from stackreel.slices.nifti import open_nifti

        return open_nifti(found.paths, stated=stated, choice=choice, raw_values=raw_values, notes=found.notes)
    if found.kind == "nrrd":
        from stackreel.slices.nrrd import open_nrrd

        return open_nrrd(found.paths, stated=stated, choice=choice, notes=found.notes)
    if found.kind == "minc":
        from stackreel.slices.minc import open_minc

        return open_minc(found.paths, stated=stated, choice=choice, notes=found.notes)
    choice.refuse(found.paths[0].name, channel="no channels", time="no time points", level="one resolution")
    from stackreel.slices.images import open_images

    return open_images(found.paths, stated=stated, notes=found.notes)
