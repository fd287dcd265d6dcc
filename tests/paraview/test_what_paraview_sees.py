"""Volumes made by `stackreel convert`, opened by ParaView and by VTK from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from stackreel.geometry import Placement
from stackreel.paraview import Slab, write_part
from stackreel.volume import Volume

from .conftest import Seen, convert, find_pvpython, import_vtk

pytestmark = pytest.mark.paraview

BLOB_ZYX = (31.3, 60.2, 77.6)
SLABS = {
    "every other": Slab.of((65, 127, 163), (0, 0, 0), (2, 2, 2)),
    "odd start": Slab.of((65, 127, 163), (1, 4, 3), (2, 3, 2)),
    "a box": Slab.of((65, 127, 163), (2, 10, 21), (1, 1, 1), (60, 100, 120)),
}
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def blob() -> npt.NDArray[np.float32]:
    """A smooth spot in a volume of odd sizes, its centre between samples."""
    squares = [(np.arange(n) - c) ** 2 for n, c in zip((65, 127, 163), BLOB_ZYX, strict=True)]
    z, y, x = np.ix_(*squares)
    spot: npt.NDArray[np.float32] = np.exp(-(z + y + x) / (2 * 5.0**2)).astype(np.float32)
    return spot


def extremes(dtype: str) -> npt.NDArray[Any]:
    """A small volume of odd sizes that uses the type's whole range, with a corner of zeros (chunks never stored)."""
    rng = np.random.default_rng(7)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        samples = rng.normal(scale=1e3, size=(5, 37, 41)).astype(kind)
    else:
        info = np.iinfo(kind)
        samples = rng.integers(info.min, info.max, (5, 37, 41), dtype=kind, endpoint=True)
        samples[3, 2, 1], samples[4, 36, 40] = info.max, info.min
    samples[:2, :20, :20] = 0
    return samples


@dataclass
class Gallery:
    """Everything that is looked at, and both programs' views of it."""

    blob: Volume
    plain: dict[str, Volume]
    samples: dict[str, npt.NDArray[Any]]
    slabs: dict[str, Path]
    far: Path
    thin: Volume
    paraview: dict[Path, Seen]
    vtk: dict[Path, Seen]

    def views(self, file: Path) -> list[Seen]:
        return [self.paraview[file], self.vtk[file]]


Look = Callable[[Sequence[Path]], dict[Path, Seen]]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, see_in_paraview: Look, see_in_vtk: Look) -> Gallery:
    find_pvpython()
    folder = tmp_path_factory.mktemp("stack of ünusual & <odd> names")
    spot = convert(folder, "a brain & more.h5", blob(), "--spacing", "3um", "1.3um", "1um")
    samples = {dtype: extremes(dtype) for dtype in DTYPES}
    plain = {d: convert(folder, f"{d}.h5", s, "--spacing", "2", "1", "1") for d, s in samples.items()}
    thin = convert(folder, "thin.h5", extremes("uint8")[:1], "--spacing", "2", "1", "1")
    slabs = {
        name: write_part(spot, folder / f"{name}.xmf2", slab=slab, renormalise=False) for name, slab in SLABS.items()
    }
    elsewhere = tmp_path_factory.mktemp("else where")
    far = write_part(spot, elsewhere / "far.xmf2", level=1)
    files = [*family(spot), *slabs.values(), far, *family(thin)]
    files += [file for volume in plain.values() for file in family(volume)]
    return Gallery(spot, plain, samples, slabs, far, thin, see_in_paraview(files), see_in_vtk(files))


def family(volume: Volume) -> list[Path]:
    """The files that `stackreel convert` wrote beside a volume."""
    stem = volume.path.stem
    return sorted(
        p
        for p in volume.path.parent.iterdir()
        if p.suffix in (".xmf2", ".hdf") and (p.stem == stem or p.name.startswith(f"{stem}.L"))
    )


def level_of(file: Path) -> int:
    return int(file.stem.rpartition(".L")[2].partition("of")[0]) if ".L" in file.name else 0


def bounds_of(placement: Placement) -> tuple[float, ...]:
    box = placement.bounds
    return tuple(v for pair in zip(box.lower, box.upper, strict=True) for v in pair)


def test_paraview_chooses_the_readers_that_can_read_everything(gallery: Gallery) -> None:
    readers = {(file.suffix, seen.reader) for file, seen in gallery.paraview.items()}
    assert readers == {(".xmf2", "XdmfReader"), (".hdf", "HDFReader")}  # Xdmf3 would be Xdmf3ReaderS


def test_every_level_has_the_bounds_of_its_placement(gallery: Gallery) -> None:
    files = family(gallery.blob)
    assert len(gallery.blob.levels) >= 2
    assert len(files) == 2 * len(gallery.blob.levels)
    for file in files:
        for seen in gallery.views(file):
            placement = gallery.blob.levels[level_of(file)].placement
            assert seen.bounds == pytest.approx(bounds_of(placement), rel=1e-9, abs=1e-12), file.name


def test_slabs_have_the_bounds_and_the_samples_of_a_strided_slice(gallery: Gallery) -> None:
    samples = blob()
    for name, slab in SLABS.items():
        index = tuple(
            slice(a, a + (c - 1) * k + 1, k) for a, k, c in zip(slab.start, slab.stride, slab.count, strict=True)
        )
        for seen in gallery.views(gallery.slabs[name]):
            placement = slab.placement(gallery.blob.placement)
            assert seen.bounds == pytest.approx(bounds_of(placement), rel=1e-9, abs=1e-12), name
            np.testing.assert_array_equal(seen.array, samples[index], err_msg=name)


def test_a_blob_stands_at_the_same_place_in_every_file(gallery: Gallery) -> None:
    full = gallery.blob.placement
    truth = full.world_from_index(BLOB_ZYX)
    for file in [*family(gallery.blob), *gallery.slabs.values(), gallery.far]:
        for seen in gallery.views(file):
            apart = [(a - b) / s for a, b, s in zip(seen.centroid(), truth, full.step, strict=True)]
            assert max(map(abs, apart)) < 1e-3, (file.name, apart)


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_arrive_unchanged_and_as_small_as_they_were(gallery: Gallery, dtype: str) -> None:
    volume, samples = gallery.plain[dtype], gallery.samples[dtype]
    for suffix in (".xmf2", ".hdf"):
        for seen in gallery.views(volume.path.with_suffix(suffix)):
            assert seen.array.dtype == samples.dtype
            assert seen.name == volume.name
            np.testing.assert_array_equal(seen.array, samples)


def test_named_voxels_hold_what_was_put_there(gallery: Gallery) -> None:
    for dtype, value in (("uint8", 255), ("uint16", 65535), ("int16", 32767), ("uint32", 2**32 - 1)):
        for seen in gallery.views(gallery.plain[dtype].path.with_suffix(".xmf2")):
            assert int(seen.array[3, 2, 1]) == value
    for seen in gallery.views(gallery.plain["int16"].path.with_suffix(".hdf")):
        assert int(seen.array[4, 36, 40]) == -32768


def test_a_single_section_opens_through_xdmf_alone(gallery: Gallery) -> None:
    """ParaView 5.11's VTKHDF reader crashes on a grid one sample thick, so no such file is offered."""
    assert {file.suffix for file in family(gallery.thin)} == {".xmf2"}
    with h5py.File(gallery.thin.path) as file:
        assert "VTKHDF" not in file
    for seen in gallery.views(gallery.thin.path.with_suffix(".xmf2")):
        np.testing.assert_array_equal(seen.array, extremes("uint8")[:1])


def test_the_volume_file_itself_opens_as_vtkhdf(gallery: Gallery, see_in_vtk: Look) -> None:
    seen = see_in_vtk([gallery.blob.path])[gallery.blob.path]
    np.testing.assert_array_equal(seen.array, blob())
    assert seen.bounds == pytest.approx(bounds_of(gallery.blob.placement), rel=1e-9, abs=1e-12)


def test_the_family_may_move_together(gallery: Gallery, see_in_vtk: Look, tmp_path: Path) -> None:
    source = gallery.plain["uint8"].path
    for file in [source, *family(gallery.plain["uint8"])]:
        shutil.copy(file, tmp_path / file.name)
    moved = [tmp_path / file.name for file in family(gallery.plain["uint8"])]
    source_there = source.rename(source.with_suffix(".away"))
    try:
        for file, seen in see_in_vtk(moved).items():
            if level_of(file) == 0:
                np.testing.assert_array_equal(seen.array, gallery.samples["uint8"])
    finally:
        source_there.rename(source)


def test_a_script_may_read_a_corner_through_vtkhdf(gallery: Gallery) -> None:
    vtk = import_vtk()
    from vtk.util.numpy_support import vtk_to_numpy

    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(gallery.blob.path.with_suffix(".hdf")))
    reader.UpdateInformation()
    reader.UpdateExtent((70, 81, 55, 64, 30, 34))
    image = reader.GetOutputDataObject(0)
    corner = vtk_to_numpy(image.GetPointData().GetArray(0)).reshape(image.GetDimensions()[::-1])
    np.testing.assert_array_equal(corner, blob()[30:35, 55:65, 70:82])


def test_paraviews_file_dialog_does_not_take_levels_for_time_steps(gallery: Gallery, tmp_path: Path) -> None:
    """Names that differ in the number before the ending alone are shown as one series."""
    script = tmp_path / "names.py"
    script.write_text(
        "import sys\n"
        "from paraview.modules.vtkPVVTKExtensionsCore import vtkFileSequenceParser\n"
        "for name in sys.argv[1:]:\n"
        "    parser = vtkFileSequenceParser()\n"
        "    print('series', parser.GetSequenceName() if parser.ParseFileSequence(name) else name)\n"
    )
    names = [file.name for file in family(gallery.blob)]
    done = subprocess.run(
        [find_pvpython(), "--force-offscreen-rendering", str(script), *names],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ,
    )
    series = [line for line in done.stdout.splitlines() if line.startswith("series")]
    assert len(series) == len(names), done.stdout + done.stderr
    assert len(set(series)) == len(names), series
