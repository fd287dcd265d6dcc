"""The ways by which ParaView gets into a file: through which small files, with which readers, and what is there.

A volume of ours has several (see `doors`), tried at its coarsest level and at full resolution. HDF5 of other programs
has none until somebody writes one: the largest data sets in it are tried through an XDMF file that is made for the
purpose and thrown away.
"""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py
import numpy as np

from stackreel.errors import StackreelError, VolumeError
from stackreel.geometry import Placement, Spacing
from stackreel.paraview import vtkhdf, xdmf
from stackreel.paraview.beside import vtkhdf_path, xdmf_path
from stackreel.paraview.described import Description, described
from stackreel.paraview.grid import HYPERSLAB_COPIES, Grid, Slab, grid_xml
from stackreel.paraview.known import Known, OfDataset, OfLevel, Places, choose, opened
from stackreel.paraview.needs import EVERYWHERE, Needs, dataset_in, needs_of, volumes_in
from stackreel.volume import Volume, open_volume
from stackreel.volume.output import is_zarr

XDMF_ENDINGS = (".xmf2", ".xdmf2", ".xmf", ".xdmf")
HDF_ENDINGS = (".h5", ".hdf5", ".he5", ".hdf", ".vtkhdf", ".h5.partial", ".nc", ".ims", ".mat", ".nxs", ".mnc")


@dataclass(frozen=True)
class Way:
    """One way into a file.

    label  : how a person knows it; file : that ParaView opens, with `reader` of trying.READERS
    places : where samples are compared, and what should be there; none where nothing is known
    known  : what it should show; None where that is not known
    memory : bytes that opening it takes
    needs  : what the data set asks of a reader
    made   : whether the file was only made to try this
    part   : that it takes of the data set is a hyperslab
    """

    label: str
    file: Path
    reader: str
    places: Places
    known: Known | None
    memory: int
    needs: Needs = field(default_factory=Needs)
    made: bool = False
    part: bool = False
    array: str = ""


@dataclass(frozen=True)
class Remark:
    """Something about a file that is known before any ParaView opens it. state : "ok", "note" or "bad" """

    state: str
    who: str
    text: str
    way_out: str = ""


@dataclass(frozen=True)
class Looked:
    """A file as it was found. title : what it is, in a line; volume : it, or what it belongs to, where that is ours"""

    path: Path
    title: str
    remarks: list[Remark]
    ways: list[Way]
    volume: Volume | None = None


def look(path: Path, scratch: Path) -> Looked:
    """What a file is, and the ways into it. scratch : a folder for files that are made to try it

    Raises VolumeError when it is missing, or of no kind that is known here.
    """
    if not path.exists():
        raise VolumeError(f"{path}: there is no such file")
    if path.suffix in XDMF_ENDINGS:
        return _look_at_xdmf(path)
    if path.is_dir() and not any((path / page).is_file() for page in ("zarr.json", ".zgroup", ".zattrs", ".zarray")):
        raise VolumeError(f"{path}: a folder, but no OME-Zarr; name a volume, or a file for ParaView")
    if path.is_dir() or is_zarr(path):
        return _look_at_zarr(path)
    if not h5py.is_hdf5(path) and path.suffix != ".partial":
        raise VolumeError(
            f"{path}: is no HDF5, OME-Zarr or XDMF, which is what can be looked into here; of pictures, raw slices and "
            "other formats `stackreel convert` makes a volume that ParaView opens"
        )
    try:
        volume = open_volume(path)
    except StackreelError as error:
        with_vtkhdf = _vtkhdf_in(path)
        return _look_at_hdf5(path, scratch, with_vtkhdf, str(error) if _ours(path) else "")
    return _look_at_volume(volume, scratch)


def _look_at_volume(volume: Volume, scratch: Path) -> Looked:
    path, levels = volume.path, volume.levels
    remarks: list[Remark] = []
    known = {k: OfLevel(levels[k]) for k in sorted({0, len(levels) - 1}, reverse=True)}
    places = {k: choose(known[k], known[max(known)]) for k in known}
    bad = next((p.error for p in places.values() if p.error), "")
    if bad:
        remarks.append(
            Remark("bad", "stackreel", f"does not read it: {bad}", "`stackreel verify` tells what is damaged")
        )
    else:
        count = sum(len(p.samples) for p in places.values())
        remarks.append(Remark("ok", "stackreel", f"reads it ({count} samples of {_levels(known)})"))
    if "unfinished" in volume.provenance:
        words = f"still being made: {volume.provenance['unfinished']}"
        remarks.append(Remark("note", "ParaView", words, "opens it when it is done"))
        return Looked(path, _title(volume), remarks, [], volume)
    needs = _needs(path, f"/{volume.name}", remarks)
    ways: list[Way] = []
    for k in known:
        grids = xdmf.level_grids(volume, scratch)
        what = f"level {k}" if k else "full"
        door, made = xdmf_path(path, k, len(levels)), False
        if xdmf.volume_of(door) != path.name:
            door, made = scratch / f"level{k}.xmf2", True
            if not _write(door, grids[k], remarks):
                continue
        memory = grids[k].nbytes
        asks = needs if k == 0 else Needs((1,), ("gzip",), locked=needs.locked)
        for reader in ("Xdmf2", "Xdmf3"):
            ways.append(Way(what, door, reader, places[k], known[k], memory, asks, made, array=volume.name))
        door, made = vtkhdf_path(path, k, len(levels)), False
        if vtkhdf.volume_of(door) != path.name:
            if k or _vtkhdf_in(path) is None:
                continue
            door, made = path, True
        if vtkhdf.is_readable(levels[k].placement):
            ways.append(Way(what, door, "VTKHDF", places[k], known[k], memory, asks, made, array=volume.name))
    if any(way.made and way.reader == "Xdmf2" for way in ways):
        words = "the small files through which ParaView opens it are missing, or lead elsewhere"
        remarks.append(Remark("note", "beside it", words, f"`stackreel xdmf {path}` writes them"))
    return Looked(path, _title(volume), remarks, ways, volume)


def _look_at_zarr(path: Path) -> Looked:
    words = "does not open OME-Zarr"
    remark = Remark("bad", "ParaView", words, f"`stackreel export {path} brain.h5` makes what it opens")
    try:
        volume = open_volume(path)
    except StackreelError as error:
        return Looked(path, "a folder", [Remark("note", "stackreel", f"no volume of ours: {error}"), remark], [])
    places = choose(OfLevel(volume.levels[0]), OfLevel(volume.levels[-1]))
    own = Remark("bad", "stackreel", f"does not read it: {places.error}", "`stackreel verify` tells what is damaged")
    if not places.error:
        own = Remark("ok", "stackreel", f"reads it ({len(places.samples)} samples at full resolution)")
    return Looked(path, _title(volume), [own, remark], [], volume)


def _look_at_xdmf(path: Path) -> Looked:
    remarks: list[Remark] = []
    ours = xdmf.volume_of(path)
    try:
        what = described(path)
    except VolumeError as error:
        remarks.append(Remark("note", "stackreel", str(error).removeprefix(f"{path}: ")))
        ways = [Way("all", path, reader, Places(), None, 0) for reader in ("Xdmf2", "Xdmf3")]
        return Looked(path, "an XDMF file", remarks, ways)
    known, places, needs = _known_of(what, remarks)
    copies = HYPERSLAB_COPIES if what.slab else 1
    memory = math.prod(what.shape) * what.components * what.dtype.itemsize * copies
    ways = [
        Way("all", path, reader, places, known, memory, needs, part=what.slab is not None, array=what.name)
        for reader in ("Xdmf2", "Xdmf3")
    ]
    size = " × ".join(map(str, what.shape))
    leads = f" of {what.as_written}{':' + what.dataset if what.dataset else ''}" if what.as_written else ""
    title = f"XDMF: {size} samples of {what.dtype.name}{leads}"
    return Looked(path, title, remarks, ways, _volume(path.parent / ours) if ours else None)


def _known_of(what: Description, remarks: list[Remark]) -> tuple[Known | None, Places, Needs]:
    """What the samples are without ParaView, and remarks on the file that holds them."""
    if what.file is None:
        return None, Places(), Needs()
    if not what.file.is_file():
        remarks.append(Remark("bad", "its samples", f"{what.as_written} is not there", _put_back(what.as_written)))
        return None, Places(), Needs()
    try:
        known = what.known()
    except KeyError:
        there = ", ".join(one.dataset for one in _volumes_in(what.file)) or "none"
        words = f"{what.as_written} holds no {what.dataset}; its volumes: {there}"
        remarks.append(Remark("bad", "its samples", words, "correct the name after the colon"))
        return None, Places(), Needs()
    except (OSError, ValueError) as error:
        remarks.append(Remark("bad", "its samples", f"{what.as_written} cannot be opened: {plain(error)}"))
        return None, Places(), Needs()
    if known is None:
        return None, Places(), Needs()
    stands = known.shape if what.slab is None else what.of
    if what.dataset and what.slab is None and known.shape != what.shape:
        more = any(n > m for n, m in zip(what.shape, known.shape, strict=True))
        words = f"the XDMF says {_x(what.shape)}, the data set has {_x(stands)}"
        out = "no reader takes more than there is" if more else "ParaView shows the first part of it, and says nothing"
        remarks.append(Remark("bad", "dimensions", f"{words}: {out}", "correct Dimensions in the XDMF file"))
        if more or not isinstance(known, OfDataset):
            return None, Places(), Needs()
        known = replace(known, slab=Slab.of(known.full, count=what.shape))
    places = choose(known, said=plain)
    needs = _needs(what.file, what.dataset, remarks) if what.dataset else Needs()
    if places.error:
        remarks.append(_unread(what.dataset or what.as_written, places, needs))
    return known, places, needs


def _look_at_hdf5(path: Path, scratch: Path, image: str | None, own: str) -> Looked:
    """HDF5 of other programs. image : the data set that a VTKHDF group in it shows"""
    remarks = [Remark("bad", "stackreel", own.removeprefix(f"{path}: "))] if own else []
    ways: list[Way] = []
    title = "HDF5 of another program"
    if image is not None:
        companion = vtkhdf.volume_of(path)
        title = "VTKHDF" + (f", which leads into {companion}" if companion else "")
        known = None
        with contextlib.suppress(OSError, KeyError, RuntimeError):
            known = dataset_in(path, image) if image else None
        if companion and not (path.parent / companion).is_file():
            remarks.append(Remark("bad", "its samples", f"{companion} is not there", _put_back(companion)))
        elif image and known is None:
            remarks.append(Remark("note", "stackreel", "its samples are not of a kind that is compared here"))
        places = choose(known, said=plain) if known is not None else Places()
        needs = _needs(path, image, remarks) if known is not None else Needs()
        memory = math.prod(known.shape) * known.components * known.dtype.itemsize if known is not None else 0
        ways.append(Way("all", path, "VTKHDF", places, known, memory, needs))
        volume = _volume(path.parent / companion) if companion else None
        return Looked(path, title, remarks, ways, volume)
    try:
        found = volumes_in(path)
    except (OSError, RuntimeError) as error:
        remarks.append(Remark("bad", "h5py", f"does not open it: {plain(error)}"))
        return Looked(path, title, remarks, [])
    if not found:
        remarks.append(Remark("note", "h5py", "no data set in it is a volume: two or three axes of numbers"))
    for number, known in enumerate(found):
        places = choose(known, said=plain)
        needs = _needs(path, known.dataset, remarks)
        packed = f", {' + '.join(needs.names)}" if needs.names else ""
        if places.error:
            remarks.append(_unread(known.dataset, places, needs))
        else:
            words = f"reads {known.dataset}: {_x(known.shape)}, {known.dtype.name}{packed}"
            remarks.append(Remark("ok", "h5py", words))
        if known.components > 1 or known.flat:
            continue
        name = known.dataset.rsplit("/", 1)[-1]
        placement = Placement.of(known.shape, Spacing(1, 1, 1))
        grid = Grid(_from(path, scratch), known.dataset, name, known.dtype, placement)
        if not _write(scratch / f"{number}.xmf2", grid, remarks):
            continue
        for reader in ("Xdmf2", "Xdmf3"):
            file = scratch / f"{number}.xmf2"
            ways.append(Way(known.dataset, file, reader, places, known, grid.nbytes, needs, made=True, array=name))
    if ways:
        words = "opens no plain HDF5; here it is tried through XDMF written for the purpose"
        out = f"`stackreel convert {path}{_choice(found)} brain.h5 --spacing Z Y X` makes what it opens, with levels"
        remarks.append(Remark("note", "ParaView", words, out))
    return Looked(path, title, remarks, ways)


def _needs(file: Path, dataset: str, remarks: list[Remark]) -> Needs:
    """What the data set asks, with a remark on what is missing of that."""
    try:
        needs = needs_of(file, dataset)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        remarks.append(Remark("bad", "h5py", f"does not open {dataset}: {plain(error)}"))
        return Needs()
    if needs.absent:
        first, count = needs.absent[0], len(needs.absent)
        words = f"{first}{f' and {count - 1} more' if count > 1 else ''} not there: zeros stand for them, or nothing"
        out = "put them back; if they are elsewhere now, `stackreel link` them again"
        remarks.append(Remark("bad", "other files", words, out))
    return needs


def _unread(dataset: str, places: Places, needs: Needs) -> Remark:
    """That h5py does not read the samples, and why."""
    lacking = [number for number in needs.filters if number not in EVERYWHERE and not h5py.h5z.filter_avail(number)]
    if lacking:
        words = f"does not read {dataset}: it has no {' and no '.join(needs.foreign)} here"
        return Remark("bad", "h5py", words, "pip install hdf5plugin")
    return Remark("bad", "h5py", f"does not read {dataset}: {places.error}")


def _write(door: Path, grid: Grid, remarks: list[Remark]) -> bool:
    """The XDMF file; False, with a remark, where ParaView's XDMF reader cannot take such a name or type."""
    try:
        door.write_text(grid_xml(grid), encoding="utf-8")
        return True
    except VolumeError as error:
        words, _, out = str(error).rpartition("; ")
        remark = Remark("bad", "ParaView", words or out, out if words else "")
        if remark not in remarks:
            remarks.append(remark)
        return False


def plain(error: Exception) -> str:
    """What h5py says of an error, without the words around it."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    inner = text[text.find("(") + 1 : text.rfind(")")] if "(" in text and "ynchronously" in text else text
    return " ".join((inner or text).split())


def _vtkhdf_in(path: Path) -> str | None:
    """The first array that a VTKHDF group shows; "" where its kind is not compared here; None without such a group."""
    try:
        with opened(path) as file:
            if file.get("VTKHDF", getlink=True) is None:
                return None
            group = file.get("VTKHDF")
            if group is None or "PointData" not in group:
                return ""
            return next((f"/VTKHDF/PointData/{name}" for name in group["PointData"]), "")
    except (OSError, RuntimeError):
        return None


def _ours(path: Path) -> bool:
    """Whether a file that is no volume of ours once was one, or should be."""
    try:
        with opened(path) as file:
            return "levels" in file and "summary" in file
    except (OSError, RuntimeError):
        return False


def _volume(path: Path) -> Volume | None:
    try:
        return open_volume(path)
    except (StackreelError, OSError):
        return None


def _volumes_in(path: Path) -> list[OfDataset]:
    try:
        return volumes_in(path)
    except (OSError, RuntimeError):
        return []


def _title(volume: Volume) -> str:
    kind = "a volume of stackreel"
    return f"{kind}: {_x(volume.shape)}, {volume.dtype.name}, {len(volume.levels)} level{'s'[: len(volume.levels) > 1]}"


def _levels(known: dict[int, OfLevel]) -> str:
    return " and ".join("full resolution" if k == 0 else f"level {k}" for k in sorted(known))


def _put_back(name: str) -> str:
    return f"put {name} back beside it, or write the small file again where the volume is: `stackreel xdmf`"


def _choice(found: list[OfDataset]) -> str:
    """The data set has to be named where there are several."""
    return f":{found[0].dataset}" if len(found) > 1 else ""


def _from(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _x(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in np.asarray(shape))
