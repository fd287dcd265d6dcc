"""Volumes as MINC (.mnc), version 1 and 2, read by nibabel, brought to RAS+.

MINC scales every section by factors of its own, so that stored numbers mean little; values are always the real ones.
Where all of them are whole numbers, as in an atlas, they stay integers, else they become float32. The volume is
unpacked once, section by section, when it is opened.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.anatomy import Turn, spacing_of
from stackreel.slices.checks import Stated, check_equal, stat_file
from stackreel.slices.choice import Choice
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason
from stackreel.slices.unpack import room
from stackreel.slices.volumefile import VolumeSlices, sample_type, single_file

_WHOLE = 1e-4  # how far from a whole number a scaled label may lie


def open_minc(paths: Sequence[Path], *, stated: Stated, choice: Choice, notes: Sequence[str] = ()) -> VolumeSlices:
    """The volume in a MINC file, in RAS+.

    Raises SliceReadError for what is missing, damaged or no MINC; SliceError for several volumes of which none was
    chosen.
    """
    path = single_file(paths, "MINC")
    stat = stat_file(0, path)
    where = path.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Any = nibabel.load(path)
            sizes = [int(n) for n in image.shape]
            stored_type = sample_type(np.dtype(image.get_data_dtype()), where)
            if not 3 <= len(sizes) <= 4 or min(sizes) < 1:
                raise SliceError(f"{where} has sizes {' × '.join(map(str, sizes))}; a volume has three axes of space")
            choice.refuse(where, channel="no channels; --time picks one of several volumes", level="one resolution")
            time = choice.pick_time(sizes[0] if len(sizes) == 4 else 1, where)
            shape = (sizes[-1], sizes[-2], sizes[-3])
            affine = np.asarray(image.affine, np.float64)[:, [2, 1, 0, 3]]  # nibabel has the slowest axis first
            turn = Turn.of(affine)
            zooms = [float(n) for n in image.header.get_zooms()[:-4:-1]]
            dtype = _real_type(_sections(image, time), stored_type)
            x, y, z = turn.axes
            turned = (shape[z], shape[y], shape[x])
            check_equal([(turned[1], turned[2], dtype)], [path], stated)
            memory = room(math.prod(shape) * dtype.itemsize, path)
            block = memory.view(dtype).reshape(shape[::-1])
            for k, section in enumerate(_sections(image, time)):
                block[k] = np.rint(section) if dtype.kind in "iu" else section
    except SliceError:
        raise
    except Exception as error:  # nibabel and HDF5 raise what their parsers stumble over
        raise SliceReadError(
            f"{path} cannot be read as MINC: {reason(error)}; it holds {stat.st_size:,} bytes. Damaged, cut short or "
            "another format? Copy it again from where it came"
        ) from error
    spacing, doubts = spacing_of([zooms[axis] for axis in turn.axes], 1e3, turned, where)
    return VolumeSlices(
        shape=turned,
        dtype=dtype,
        files=(SliceFile(path, stat.st_size, stat.st_mtime_ns, turned[0]),),
        spacing=spacing,
        notes=(*notes, *turn.notes(), *doubts),
        provenance={
            "format": "MINC",
            **turn.provenance(affine, shape),
            **({"volume": str(time)} if len(sizes) == 4 and sizes[0] > 1 else {}),
        },
        stored=shape[::-1],
        encoded=dtype,
        axes=(2 - z, 2 - y, 2 - x),
        flips=turn.flips[::-1],
        memory=memory,
    )


def _sections(image: Any, time: int) -> Iterator[npt.NDArray[Any]]:
    """Real values of the volume, one index of its slowest axis after the other."""
    for k in range(int(image.shape[-3])):
        yield np.asarray(image.dataobj[(time, k) if len(image.shape) == 4 else (k,)])


def _real_type(sections: Iterator[npt.NDArray[Any]], stored: np.dtype[Any]) -> np.dtype[Any]:
    """The type for real values: integers where all are whole numbers, else float32, or float64 if that was stored."""
    if stored.kind == "f":
        return stored
    low, high = math.inf, -math.inf
    for section in sections:
        if not np.isfinite(section).all() or np.abs(section - np.rint(section)).max() > _WHOLE:
            return np.dtype(np.float32)
        low, high = min(low, float(section.min())), max(high, float(section.max()))
    names = (stored.name, "uint8", "int8", "uint16", "int16", "uint32", "int32")
    fits = (name for name in names if np.iinfo(name).min <= low and high <= np.iinfo(name).max)
    return np.dtype(next(fits, "float32"))
