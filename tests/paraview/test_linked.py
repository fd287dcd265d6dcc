"""Linked volumes in ParaView and VTK: the samples come from the slices' own files, through XDMF and VTKHDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from stackreel.cli import main
from stackreel.paraview import Slab, write_part
from stackreel.volume import open_volume
from stackreel.volume.links import SEGMENTS

from .conftest import Seen

pytestmark = pytest.mark.paraview

Look = Callable[[Sequence[Path]], dict[Path, Seen]]


def ramp(shape: tuple[int, int, int], dtype: str) -> npt.NDArray[Any]:
    """Every sample another number, as far as the type goes, beyond one byte."""
    return (np.arange(np.prod(shape)).reshape(shape) * 7 + 300).astype(dtype)


def link(folder: Path, name: str, samples: npt.NDArray[Any], *options: str, order: str = "<") -> Path:
    """A volume linked to raw slices, each behind a header of 9 bytes."""
    slices = folder / f"{name} slices"
    slices.mkdir()
    for z, section in enumerate(samples):
        data = section.astype(section.dtype.newbyteorder(order)).tobytes()
        (slices / f"s{z:05}.raw").write_bytes(b"nine byte" + data)
    rows, columns = map(str, samples.shape[1:])
    words = ["link", str(slices), str(folder / f"{name}.h5"), "--shape", rows, columns, "--skip-bytes", "9"]
    words += ["--dtype", samples.dtype.name, "--byte-order", {"<": "little", ">": "big"}[order], *options]
    assert main([*words, "--spacing", "2", "1", "1"]) == 0
    return folder / f"{name}.h5"


def test_paraview_and_vtk_see_the_slices(tmp_path: Path, see_in_paraview: Look, see_in_vtk: Look) -> None:
    samples = {
        "big": ramp((7, 37, 41), "uint16"),
        "float": ramp((7, 37, 41), "float32"),
        "many": ramp((2000, 3, 5), "uint16"),
        "more": ramp((SEGMENTS * 2 + 5, 3, 5), "int32"),
        "tiff": ramp((7, 37, 41), "uint16"),
    }
    folder = tmp_path / "a stack"
    folder.mkdir()
    link(folder, "big", samples["big"], order=">")
    link(folder, "float", samples["float"], order=">")
    link(folder, "many", samples["many"], "--no-levels")
    link(folder, "more", samples["more"], "--no-levels")
    tifffile.imwrite(folder / "pages.tif", samples["tiff"], photometric="minisblack", rowsperstrip=5, byteorder=">")
    assert main(["link", str(folder / "pages.tif"), str(folder / "tiff.h5"), "--no-levels"]) == 0
    slab = Slab.of((7, 37, 41), (1, 3, 2), (2, 3, 4))
    part = write_part(open_volume(folder / "big.h5"), folder / "part.xmf2", slab=slab)
    files = [folder / f"{name}{ending}" for name in samples for ending in (".xmf2", ".hdf")]
    for seen in (see_in_paraview([*files, part]), see_in_vtk([*files, part])):
        for file in files:
            assert seen[file].array.dtype == samples[file.stem].dtype
            np.testing.assert_array_equal(seen[file].array, samples[file.stem], err_msg=file.name)
        np.testing.assert_array_equal(seen[part].array, samples["big"][1::2, 3::3, 2::4])


def test_relative_names_are_found_with_the_prefix_that_is_told(
    tmp_path: Path, see_in_paraview: Look, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = ramp((7, 37, 41), "uint16")
    (tmp_path / "old").mkdir()
    link(tmp_path / "old", "brain", samples, "--relative", order=">")
    assert "HDF5_EXTFILE_PREFIX='${ORIGIN}' paraview" in capsys.readouterr().out
    (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.setenv("HDF5_EXTFILE_PREFIX", "${ORIGIN}")
    files = [tmp_path / "new" / name for name in ("brain.xmf2", "brain.hdf")]
    for seen in see_in_paraview(files).values():
        np.testing.assert_array_equal(seen.array, samples)
