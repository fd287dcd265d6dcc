"""A part of a volume as NIfTI, for the programs of neuroimaging.

NIfTI-1, or NIfTI-2 where a side has more than 32,767 samples. The affine leads from samples to millimetres: the one
that a scan or an atlas came with where the volume was made of one, otherwise x along columns, y along rows, z along
sections, with the first sample of the full resolution at the origin.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from stackreel.files import replacing
from stackreel.volume.export.excerpt import Block, Excerpt, in_order

_COMMENT = 6  # the code of an extension in plain words
_LONGEST_1 = 32767
_MEMBER_BYTES = 16 << 20
_HELD_BYTES = 512 << 20
_ROWS = 256

Progress = Callable[[int], object]


def export_nifti(excerpt: Excerpt, out: Path, *, threads: int, progress: Progress) -> None:
    """One file, .nii or .nii.gz. progress : is told bytes of samples that have been written."""
    head = header(excerpt)
    with replacing(out) as temporary, open(temporary, "wb") as file:
        if out.name.lower().endswith(".gz"):
            file.write(_member(head))
            for piece in _in_order_of_sections(excerpt, threads):
                for packed in in_order(_members(piece), threads):
                    file.write(packed)
                progress(piece.nbytes)
        else:
            file.write(head)
            file.flush()
            place = partial(_place, file.fileno(), excerpt, len(head))
            for size in in_order((partial(place, block) for block in _blocks(excerpt)), threads):
                progress(size)
        file.flush()
        os.fsync(file.fileno())


def header(excerpt: Excerpt) -> bytes:
    """All that comes before the samples."""
    import nibabel as nib

    shape = excerpt.count[::-1]
    made: Any = nib.Nifti2Header() if max(shape) > _LONGEST_1 else nib.Nifti1Header()
    made.set_data_dtype(excerpt.level.dtype)
    made.set_data_shape(shape)
    made.set_xyzt_units("mm" if excerpt.spacing.unit == "um" else "unknown")
    matrix = affine(excerpt)
    made.set_sform(matrix, code="aligned")
    made.set_qform(matrix, code="aligned", strip_shears=True)
    volume = excerpt.volume
    words = f"{volume.kind}"
    if volume.kind == "axial":
        words += f", period {volume.period:g}"
        if volume.background is not None:
            words += f", background {volume.background:g}"
    made["descrip"] = f"stackreel: {words}"[:79].encode("ascii", "replace")
    low, high = volume.value_range
    if math.isfinite(low) and math.isfinite(high):
        made["cal_min"], made["cal_max"] = low, high
    said = excerpt.said_as_json().encode()
    size = -(-(8 + len(said)) // 16) * 16
    extension = np.array([size, _COMMENT], "<i4").tobytes() + said.ljust(size - 8, b"\0")
    made["vox_offset"] = len(made.binaryblock) + 4 + size
    return bytes(made.binaryblock) + b"\1\0\0\0" + extension


def affine(excerpt: Excerpt) -> npt.NDArray[np.float64]:
    """From indices (x, y, z) of the excerpt to millimetres, or to units of the spacing where it has none."""
    unit = 1e-3 if excerpt.spacing.unit == "um" else 1.0
    steps = np.array(excerpt.volume.spacing.zyx[::-1]) * unit
    full = _stated(excerpt)
    if full is None:
        full = np.diag([*steps, 1.0])
    else:  # whatever unit it is in, its steps are the volume's
        full[:3] *= steps.mean() / np.linalg.norm(full[:3, :3], axis=0).mean()
    into = np.diag([*(float(f) for f in excerpt.level.factors[::-1]), 1.0])
    into[:3, 3] = excerpt.first[::-1]
    return np.asarray(full @ into, np.float64)


def _stated(excerpt: Excerpt) -> npt.NDArray[np.float64] | None:
    """The affine that the volume's source came with; None where it had none, or another spacing was stated."""
    words = excerpt.volume.provenance.get("affine")
    if words is None:
        return None
    try:
        found = np.array(json.loads(words), np.float64).reshape(4, 4)
    except (ValueError, TypeError):
        return None
    lengths, steps = np.linalg.norm(found[:3, :3], axis=0), np.array(excerpt.volume.spacing.zyx[::-1])
    ratios = lengths / steps
    return found if lengths.all() and np.allclose(ratios, ratios.mean(), rtol=1e-3) else None


def _blocks(excerpt: Excerpt) -> Iterator[Block]:
    _, rows, columns = excerpt.count
    for slab in excerpt.slabs():
        for y in range(0, rows, _ROWS):
            yield slab, slice(y, min(y + _ROWS, rows)), slice(0, columns)


def _place(handle: int, excerpt: Excerpt, begin: int, block: Block) -> int:
    """Read a block and write it where it belongs; its bytes."""
    samples = excerpt.read(block)
    _, rows, columns = excerpt.count
    row_bytes = columns * samples.dtype.itemsize
    for z, plane in enumerate(samples, block[0].start):
        data, at = memoryview(plane.tobytes()), begin + (z * rows + block[1].start) * row_bytes
        while data:
            done = os.pwrite(handle, data, at)
            data, at = data[done:], at + done
    return samples.nbytes


def _in_order_of_sections(excerpt: Excerpt, threads: int) -> Iterator[npt.NDArray[Any]]:
    """Whole sections, as many at a time as fit in memory and lie in one layer of chunks."""
    _, rows, columns = excerpt.count
    together = max(1, _HELD_BYTES // (rows * columns * excerpt.level.dtype.itemsize))
    for slab in excerpt.slabs():
        for z in range(slab.start, slab.stop, together):
            planes = slice(z, min(z + together, slab.stop))
            sections = np.empty((planes.stop - planes.start, rows, columns), excerpt.level.dtype)
            fill = partial(_fill, excerpt, sections, planes)
            for _ in in_order((partial(fill, y) for y in range(0, rows, _ROWS)), threads):
                pass
            yield sections


def _fill(excerpt: Excerpt, sections: npt.NDArray[Any], planes: slice, y: int) -> None:
    rows = slice(y, min(y + _ROWS, excerpt.count[1]))
    sections[:, rows] = excerpt.read((planes, rows, slice(0, excerpt.count[2])))


def _members(sections: npt.NDArray[Any]) -> Iterator[Callable[[], bytes]]:
    """gzip is its members one after the other, so they can be packed side by side."""
    data = sections.reshape(-1).view(np.uint8)
    for first in range(0, len(data), _MEMBER_BYTES):
        yield partial(_member, data[first : first + _MEMBER_BYTES].data)


def _member(data: Any) -> bytes:
    packed: bytes = isal_zlib.compress(data, 1, wbits=31)
    return packed
