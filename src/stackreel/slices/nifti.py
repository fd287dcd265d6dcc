"""Volumes as NIfTI (.nii, .nii.gz) and FreeSurfer's MGH (.mgh, .mgz), headers read by nibabel.

What comes out is what nibabel's as_closest_canonical shows: RAS+, columns to the right, rows to the front, sections
upwards. Values are the real ones, stored number · slope + intercept, as every viewer of such files shows them; with
`raw_values` they are the stored numbers, and slope and intercept go into the volume's provenance.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from isal import igzip
from nibabel.imageglobals import logger

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.anatomy import Turn, spacing_of
from stackreel.slices.checks import Stated, check_equal, stat_file
from stackreel.slices.choice import Choice
from stackreel.slices.lengths import UNITS
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason
from stackreel.slices.unpack import unpacked
from stackreel.slices.volumefile import Scale, VolumeSlices, narrowed, sample_type, single_file

_GZIP = b"\x1f\x8b"
_PACKED = (".nii.gz", ".mgz")


def open_nifti(
    paths: Sequence[Path],
    *,
    stated: Stated,
    choice: Choice,
    raw_values: bool = False,
    notes: Sequence[str] = (),
) -> VolumeSlices:
    """The volume in a NIfTI or MGH file, in RAS+; a packed one is unpacked now, which finds every damage.

    Raises SliceReadError for what is missing, truncated, damaged or no such file; SliceError for colours, complex
    numbers, and several volumes of which none was chosen.
    """
    path = single_file(paths, "NIfTI")
    stat = stat_file(0, path)
    packed = _is_packed(path)
    image, said = _load(path)
    where = path.name
    shape, extra = _sizes(image, where)
    time = _volume(extra, where, choice)
    proxy = image.dataobj
    encoded = np.dtype(image.get_data_dtype())
    scale = Scale(float(proxy.slope), float(proxy.inter))
    stored_type = sample_type(encoded, where)
    nbytes = math.prod(shape) * encoded.itemsize
    offset = int(proxy.offset) + time * nbytes
    turn = Turn.of(np.asarray(image.affine, np.float64))
    x, y, z = turn.axes
    dtype = stored_type if raw_values else scale.type_for(stored_type)
    turned = (shape[z], shape[y], shape[x])
    check_equal([(turned[1], turned[2], dtype)], [path], stated)
    if not packed and offset + nbytes > stat.st_size:
        raise SliceReadError(
            f"{path} is truncated: its samples end at byte {offset + nbytes:,}, the file at {stat.st_size:,}; "
            "copy it again from where it came"
        )
    zooms = [float(length) for length in image.header.get_zooms()[:3]] + [1.0] * (3 - len(image.shape[:3]))
    spacing, lengths = spacing_of([zooms[axis] for axis in turn.axes], _unit(image), turned, where)
    affine = np.asarray(image.affine, np.float64)
    memory = None
    if packed:
        with igzip.open(path, "rb") as stream:
            memory = unpacked(stream, offset, nbytes, path)
    orientation = _orientation_words(image)
    source = VolumeSlices(
        shape=turned,
        dtype=dtype,
        files=(SliceFile(path, stat.st_size, stat.st_mtime_ns, turned[0]),),
        spacing=spacing,
        notes=(
            *notes,
            *said,
            *turn.notes(),
            *_orientation_notes(image, zooms),
            *lengths,
            *value_notes(scale, dtype, stored_type, raw_values),
        ),
        provenance={
            "format": type(image).__name__.removesuffix("Image").replace("Nifti1Pair", "Nifti1"),
            **turn.provenance(affine, shape),
            **orientation,
            **value_words(scale, raw_values),
            **({"volume": str(time)} if math.prod(extra) > 1 else {}),
        },
        stored=shape[::-1],
        encoded=encoded,
        offset=0 if packed else offset,
        axes=(2 - z, 2 - y, 2 - x),
        flips=turn.flips[::-1],
        scale=Scale() if raw_values else scale,
        memory=memory,
    )
    return narrowed(source, where)


def value_notes(scale: Scale, dtype: np.dtype[Any], stored: np.dtype[Any], raw_values: bool) -> list[str]:
    """What to say of a slope and an intercept."""
    if scale.trivial:
        return []
    formula = f"stored number · {scale.slope:.6g}"
    if scale.intercept:
        formula += f" {'+' if scale.intercept > 0 else '-'} {abs(scale.intercept):.6g}"
    if raw_values:
        return [f"values are the stored numbers, as --raw-values asks; the file means {formula}"]
    note = f"values are real ones, {formula}, as {dtype}"
    if dtype.itemsize > stored.itemsize:
        note += (
            f": {dtype.itemsize // stored.itemsize} times the size of the {stored} that are stored; "
            "--raw-values keeps those (as labels need), --to uint8 --window LOW HIGH makes 8 bits of them"
        )
    return [note]


def value_words(scale: Scale, raw_values: bool) -> dict[str, str]:
    """For provenance: how the volume's values came from the stored numbers, or how to get real values from them."""
    if scale.trivial:
        return {}
    return {
        "values": ("as stored; real are" if raw_values else "real:") + " stored * value_slope + value_intercept",
        "value_slope": f"{scale.slope:.9g}",
        "value_intercept": f"{scale.intercept:.9g}",
    }


def _load(path: Path) -> tuple[Any, list[str]]:
    """nibabel's image, of which only the header is read yet, and what nibabel complained of."""
    said: list[str] = []
    try:
        with _overheard(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Any = nibabel.load(path)
            if not hasattr(image.dataobj, "offset") or not hasattr(image, "affine"):
                kind = type(image).__name__.removesuffix("Image")
                raise SliceError(f"{path.name} holds {kind} matrices or surfaces, no volume of voxels; name the volume")
            return image, [f"{path.name}: {text}" for text in said]
    except SliceError:
        raise
    except Exception as error:  # nibabel raises what its parsers stumble over
        raise SliceReadError(
            f"{path} cannot be read as {'MGH' if path.suffix.lower() in ('.mgh', '.mgz') else 'NIfTI'}: "
            f"{reason(error)}; it holds {path.stat().st_size:,} bytes. Damaged, cut short or another format? "
            "Copy it again from where it came"
        ) from error


@contextmanager
def _overheard(said: list[str]) -> Iterator[None]:
    """Collect what nibabel logs, instead of printing it."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handlers, logger.handlers = logger.handlers, [Ear()]
    try:
        yield
    finally:
        logger.handlers = handlers


def _is_packed(path: Path) -> bool:
    """Whether the file is gzip, by its name; SliceReadError when its first bytes say otherwise."""
    named = path.name.lower().endswith(_PACKED)
    with open(path, "rb") as handle:
        magic = handle.read(2)
    if not magic:
        raise SliceReadError(f"{path} is empty (0 bytes); copy it again from where it came")
    if named and magic != _GZIP:
        plain = path.name[: -len(".gz")] if path.name.lower().endswith(".gz") else path.stem + ".mgh"
        raise SliceReadError(
            f"{path} is not gzip, whatever its name says; if a browser unpacked it, rename it to {plain}, "
            "else copy it again"
        )
    if magic == _GZIP and not named:
        other = path.stem + ".mgz" if path.suffix.lower() == ".mgh" else path.name + ".gz"
        raise SliceReadError(f"{path} is packed with gzip, which its name does not say; rename it to {other}")
    return named


def _sizes(image: Any, where: str) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """The sizes along i, j and k, and those of what comes after."""
    sizes = [int(n) for n in image.shape]
    if not sizes or min(sizes) < 1:
        raise SliceReadError(f"{where} holds no voxels ({' × '.join(map(str, sizes)) or 'no sizes'}); copy it again")
    i, j, k = (*sizes[:3], 1, 1)[:3]
    return (i, j, k), tuple(sizes[3:])


def _volume(extra: tuple[int, ...], where: str, choice: Choice) -> int:
    """Which of several volumes; SliceError when that is not clear."""
    choice.refuse(where, channel="no channels; --time picks one of several volumes", level="one resolution")
    count = math.prod(extra)
    if math.prod(extra[1:]) > 1:
        raise SliceError(
            f"{where} holds vectors or matrices at every voxel (sizes behind the third: "
            f"{' × '.join(map(str, extra))}); save one component as a volume of its own, with nibabel or fslsplit"
        )
    return choice.pick_time(count, where, " (in diffusion data: the direction or the component of a vector)")


def _unit(image: Any) -> float | None:
    if not hasattr(image.header, "get_xyzt_units"):
        return 1e3  # MGH: millimetres, by definition
    try:
        name = str(image.header.get_xyzt_units()[0])
    except KeyError:
        return None
    return UNITS.get(name.replace("micron", "um"))


def _codes(image: Any) -> tuple[int, int] | None:
    """The header's sform and qform code; None for formats that have none."""
    try:
        return int(image.header["sform_code"]), int(image.header["qform_code"])
    except (KeyError, ValueError):
        return None


def _orientation_words(image: Any) -> dict[str, str]:
    codes = _codes(image)
    if codes is None:
        return {}
    names = {1: "scanner", 2: "aligned", 3: "talairach", 4: "mni", 5: "template"}
    sform, qform = codes
    if sform:
        return {"affine_from": f"sform ({names.get(sform, sform)})"}
    return {"affine_from": f"qform ({names.get(qform, qform)})" if qform else "voxel size alone"}


def _orientation_notes(image: Any, zooms: Sequence[float]) -> list[str]:
    """Doubts about the affine: neither form stated, or one that disagrees with the voxel size."""
    if _codes(image) == (0, 0):
        return [
            "the file states no orientation (qform and sform are 0); the first axis is taken to run to the left, "
            "as nibabel and the old Analyze format have it"
        ]
    sizes = np.linalg.norm(np.asarray(image.affine)[:3, :3], axis=0)
    if not np.allclose(sizes, zooms, rtol=0.01, atol=0):
        measured, said = (" × ".join(f"{n:.4g}" for n in lengths) for lengths in (zooms, sizes))
        return [f"the affine is stretched to {said}; the voxel size, {measured}, is used (i × j × k)"]
    return []
