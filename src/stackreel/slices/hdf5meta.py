"""What an HDF5 file says of itself: which data set is the stack, its axes, its distances, where it comes from.

HDF5 is a cupboard with any number of drawers. The one that was named is opened; else the layout of Jülich's PLI files
or of our own volumes decides, or there is only one that can be meant; else they are listed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stackreel.errors import SliceError, SliceReadError, UnitError
from stackreel.geometry import Spacing
from stackreel.slices.axes import Arranged, arrange, native
from stackreel.slices.checks import check_type, stat_file
from stackreel.slices.choice import Choice
from stackreel.slices.lengths import UNITS, Size, spacing_or_note, to_um
from stackreel.slices.source import SliceFile
from stackreel.slices.stack import reason

_AXES = {2: "yx", 3: "zyx"}
_LISTED = 8
_LONGEST = 500  # characters of an attribute that are kept
_RGB = (3, 4)
_ELEMENT_SIZE = "element_size_um"  # along z, y, x: ilastik, PlantSeg, ImageJ's HDF5 plugin, PLImig


@dataclass(frozen=True, slots=True)
class Header:
    """One data set of one file.

    name   : its full name in the file
    chunks : along the data set's own axes, None where it is contiguous
    words  : for the provenance
    """

    file: SliceFile
    name: str
    arranged: Arranged
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None
    spacing: Spacing | None
    notes: tuple[str, ...]
    words: Mapping[str, str]


def read_header(path: Path, inside: str, choice: Choice) -> Header:
    """The data set that is meant, without a sample of it being read."""
    stat = stat_file(0, path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            name, words, notes = _chosen(file, path, inside, choice)
            dataset = file[name]
            attrs = {**_sidecar(path), **_inherited(dataset), **_attributes(dataset)}
            where = f"{path}:{name}"
            dtype = check_type(native(dataset.dtype), where)
            _check_filters(dataset, where)
            _check_outside(dataset, path)
            arranged = _arranged(dataset, choice, where)
            spacing, said = _spacing(attrs, arranged, _coarser(dataset))
            return Header(
                SliceFile(path, stat.st_size, stat.st_mtime_ns, arranged.shape[0]),
                name,
                arranged,
                dtype,
                dataset.chunks,
                spacing,
                (*notes, *arranged.notes, *said, *_meaning(attrs, path, dtype)),
                {**words, **dict(arranged.words), **{f"source_{key}": text for key, text in _told(attrs)}},
            )
    except (SliceError, MemoryError):
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SliceReadError(
            f"{path} is not an HDF5 file that can be read: {reason(error)}; it holds {stat.st_size:,} bytes. "
            "Damaged, still being written, or no HDF5 at all? Copy it again"
        ) from error


def _chosen(file: h5py.File, path: Path, inside: str, choice: Choice) -> tuple[str, dict[str, str], list[str]]:
    """Name of the data set, and what to keep and to say of the choice."""
    if inside:
        node = file.get(inside)
        if node is None:
            raise SliceError(f"{path} holds no {inside}; it holds {_held(file)}")
        if isinstance(node, h5py.Dataset):
            choice.refuse(f"{path}:{inside}", level="one resolution")
            return inside, {"data_set": inside}, []
        group = node
    else:
        group = file
    levels = _levels(group) or _own_levels(group)
    if levels:
        level = choice.pick_level({n: " × ".join(map(str, dataset.shape)) for n, dataset in levels.items()}, str(path))
        name = str(levels[level].name)
        notes = [f"{path.name} has no finer level than {name}"] if choice.level is None and level > 0 else []
        return name, {"data_set": name, "level": str(level)}, notes
    choice.refuse(str(path), level="one resolution")
    stacks = [d for d in _datasets(group) if d.ndim >= 2 and d.dtype.kind in "iuf" and min(d.shape) > 0]
    images = [d for d in stacks if d.name == "/Image"]
    if len(images or stacks) == 1:
        name = str((images or stacks)[0].name)
        return name, {"data_set": name}, []
    if not stacks:
        raise SliceError(
            f"{path}{':' + inside if inside else ''} holds no data set of sections; it holds {_held(group)}"
        )
    raise SliceError(f"{path} holds {len(stacks)} data sets; name one, as in {path}:{stacks[0].name}: {_held(group)}")


def _levels(group: h5py.Group) -> dict[int, h5py.Dataset]:
    """Resolutions by number: /pyramid/00, 01 … in Jülich's files; level 0 is /Image where there is one."""
    pyramid = group.get("pyramid", {}) if group.name == "/" else group
    found = {
        int(name): node
        for name, node in pyramid.items()
        if name.isdecimal() and isinstance(node, h5py.Dataset) and node.ndim >= 2
    }
    image = group.get("Image") if group.name == "/" else None
    if found and isinstance(image, h5py.Dataset):
        found[0] = image
    return dict(sorted(found.items()))


def _own_levels(group: h5py.Group) -> dict[int, h5py.Dataset]:
    """The full resolution of a volume that stackreel wrote; its levels are made again."""
    names = list(group.get("levels", {})) if group.name == "/" else []
    own = group.get(names[0]) if len(names) == 1 else None
    return {0: own} if isinstance(own, h5py.Dataset) else {}


def _datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    found: list[h5py.Dataset] = []

    def visit(_: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            found.append(node)

    group.visititems(visit)
    return iter(found)


def _held(group: h5py.Group) -> str:
    """The data sets of a file, in words."""
    sets = [f"{d.name} ({' × '.join(map(str, d.shape)) or 'one value'} {d.dtype})" for d in _datasets(group)]
    return ", ".join(sets[:_LISTED]) + (f" and {len(sets) - _LISTED} more" if len(sets) > _LISTED else "") or "nothing"


def _arranged(dataset: h5py.Dataset, choice: Choice, where: str) -> Arranged:
    """Its axes as its own labels name them, else z, y, x; a fourth axis is taken for channels once one is chosen."""
    shape = dataset.shape
    labels = [(dimension.label or "").strip().lower()[:1] for dimension in dataset.dims]
    if {"y", "x"} <= set(labels):
        return arrange(labels, shape, choice, where)
    if len(shape) == 3 and shape[2] in _RGB and dataset.dtype == np.uint8 and min(shape[:2]) > _RGB[-1]:
        raise SliceError(
            f"{where} is a colour image ({shape[2]} samples in each pixel); stackreel reads grey values: fibre "
            "orientation maps are made anew from direction and inclination, others become grey in Fiji or numpy"
        )
    if len(shape) in _AXES:
        return arrange(_AXES[len(shape)], shape, choice, where)
    if len(shape) == 4:
        first = shape[0] <= shape[3]
        return arrange("czyx" if first else "zyxc", shape, choice, where)
    raise SliceError(
        f"{where} has {len(shape)} axes ({' × '.join(map(str, shape))}); a stack has sections, rows and columns"
    )


def _check_outside(dataset: h5py.Dataset, path: Path) -> None:
    """Samples that stay in other files, as `stackreel link` leaves them, are there: HDF5 would show zeros instead."""
    places = list(dataset.external or ())
    if dataset.is_virtual:
        joined = [one.dset_name for one in dataset.virtual_sources() if one.file_name == "."]
        places += [place for name in joined if name in dataset.file for place in dataset.file[name].external or ()]
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "").replace("${ORIGIN}", str(path.absolute().parent))
    for name, offset, size in places:
        file = Path(prefix, name)
        held = file.stat().st_size if file.is_file() else None
        if held is None or held < offset + size:
            how = "is missing" if held is None else f"ends after {held:,} bytes"
            relative = "" if Path(name).is_absolute() else "; its name is relative: set HDF5_EXTFILE_PREFIX='${ORIGIN}'"
            raise SliceReadError(
                f"{path}:{dataset.name} has its samples in other files, and {file} {how}{relative}. Put it back, or "
                "convert those files themselves"
            )


def _check_filters(dataset: h5py.Dataset, where: str) -> None:
    """Every compression can be undone here; hdf5plugin knows many more, and is asked where it is installed."""
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    missing = [entry for entry in filters if not h5py.h5z.filter_avail(entry[0])]
    if missing:
        with contextlib.suppress(ImportError):
            importlib.import_module("hdf5plugin")
            missing = [entry for entry in missing if not h5py.h5z.filter_avail(entry[0])]
    if missing:
        number, name = missing[0][0], missing[0][3].decode(errors="replace") or "unnamed"
        raise SliceReadError(
            f"{where} is compressed with filter {number} ({name}), which HDF5 does not know here: "
            "`pip install hdf5plugin` brings it, or `h5repack -f GZIP=1` writes a file that everyone can read"
        )


def _attributes(node: Any) -> dict[str, Any]:
    """Attributes that are numbers or text, as Python has them."""
    found: dict[str, Any] = {}
    for key in getattr(node, "attrs", {}):
        try:
            value = node.attrs[key]
        except (OSError, TypeError, ValueError):  # a type that h5py has no word for
            continue
        value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        found[key] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return found


def _inherited(dataset: h5py.Dataset) -> dict[str, Any]:
    """What the file says of a level of a pyramid elsewhere, or of a volume that stackreel wrote."""
    root, name = dataset.file, dataset.name.rpartition("/")[2]
    if dataset.name.startswith("/pyramid/"):
        nodes = [root, root.get("Image"), root["pyramid"]]
    else:
        nodes = [root, root.get(f"levels/{name}")]
    return {key: value for node in nodes for key, value in _attributes(node).items() if key != _ELEMENT_SIZE}


def _sidecar(path: Path) -> dict[str, Any]:
    """Attributes that Jülich's files have in a JSON file of the same name: {"pixel_width": {"value": 1.3, …}}."""
    try:
        said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = {key: entry for key, entry in said.items() if isinstance(entry, dict) and "value" in entry}
    if "image_modality" not in entries:
        return {}
    units = {f"{key}_unit": entry["unit"] for key, entry in entries.items() if isinstance(entry.get("unit"), str)}
    return {**{key: entry["value"] for key, entry in entries.items()}, **units}


def _coarser(dataset: h5py.Dataset) -> float:
    """How much larger a pixel of a pyramid's level is than one of its finest: 2 for every level where that is gone."""
    group, _, name = dataset.name.rpartition("/")
    if group != "/pyramid":
        return 1.0
    finest = _levels(dataset.file).get(0)
    return 2.0 ** int(name) if finest is None else round(finest.shape[-1] / dataset.shape[-1], 1)


def _told(attrs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Attributes worth keeping: short words and numbers."""
    for key, value in attrs.items():
        if isinstance(value, str | int | float) and 0 < len(str(value)) <= _LONGEST:
            yield key, str(value)


def _spacing(attrs: Mapping[str, Any], arranged: Arranged, coarser: float) -> tuple[Spacing | None, list[str]]:
    """From a data set's own element_size_um (z, y, x), our own volumes' spacing, or Jülich's pixel_width and _height.

    coarser : pixels of this level in one of those that pixel_width means
    """
    sizes = attrs.get(_ELEMENT_SIZE)
    if isinstance(sizes, list) and len(sizes) == 3:
        z, y, x = (to_um(value, 1.0) for value in sizes)
        size: Size = (z if arranged.place[0] is not None else None, y, x)
        return spacing_or_note(size, "element sizes")
    own = attrs.get("spacing")
    if isinstance(own, list) and len(own) == 3 and "spacing_unit" in attrs:
        with contextlib.suppress(UnitError, TypeError):
            return Spacing(own[0], own[1], own[2], str(attrs["spacing_unit"])), []

    def length(name: str) -> float | None:
        unit = str(attrs.get(f"{name}_unit", "um"))
        um = to_um(attrs.get(name), UNITS.get(unit.casefold()))
        return None if um is None else um * coarser

    x = length("pixel_width")
    return spacing_or_note((None, length("pixel_height") or x, x), "attributes")


def _meaning(attrs: Mapping[str, Any], path: Path, dtype: np.dtype[Any]) -> list[str]:
    """What the modality asks of the person who converts: an angle is not averaged as a number is.

    SLIX states no modality; its files are named for it, as in s0417_direction.h5.
    """
    modality = str(attrs.get("image_modality") or path.stem).casefold()
    if "direction" not in modality:
        return []
    said = "the files hold fibre directions, angles that repeat after 180°"
    signed = dtype.kind in "if"
    return [
        f"{said}: --kind axial --period 180 averages them as such"
        + ("; SLIX marks pixels without a direction with -1: --background -1" if signed else "")
    ]
