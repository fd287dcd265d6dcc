"""Real readers for the tests: ParaView itself (pvpython) and VTK from PyPI, both asked what they see in a file."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from stackreel.cli import main
from stackreel.volume import Volume, open_volume

SCRIPT = Path(__file__).with_name("look_in_paraview.py")


@dataclass(frozen=True)
class Seen:
    """What a program shows for a file: bounds as (x0, x1, y0, y1, z0, z1), the array as (z, y, x)."""

    reader: str
    bounds: tuple[float, ...]
    origin: tuple[float, ...]
    spacing: tuple[float, ...]
    name: str
    array: npt.NDArray[Any]

    def centroid(self) -> tuple[float, float, float]:
        """World (x, y, z) of the centre of all intensity."""
        weights = self.array.astype(np.float64)
        total = weights.sum()
        sums = [
            (weights.sum(axis=tuple({0, 1, 2} - {axis})) * np.arange(weights.shape[axis])).sum() for axis in (2, 1, 0)
        ]
        x, y, z = (o + s * m / total for o, s, m in zip(self.origin, self.spacing, sums, strict=True))
        return (x, y, z)


def find_pvpython() -> str:
    """The path of pvpython. Without one: a failure in CI, a skip elsewhere."""
    return shutil.which("pvpython") or _missing("pvpython is not installed; `apt install paraview` brings it")


@pytest.fixture(scope="session")
def pvpython() -> str:
    """The path of pvpython. Without one: a failure in CI, a skip elsewhere."""
    return find_pvpython()


def import_vtk() -> Any:
    """The module vtk. Without it: a failure in CI, a skip elsewhere."""
    try:
        return importlib.import_module("vtk")
    except ImportError:
        _missing("VTK is not installed; `pip install vtk` brings it")


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def see_in_paraview(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[Path]], dict[Path, Seen]]:
    """Opens files as File > Open does, all in one pvpython.

    It is started in another folder, where files with the volumes' names are something else.
    """

    def see(files: Sequence[Path]) -> dict[Path, Seen]:
        folder = tmp_path_factory.mktemp("seen")
        for file in files:
            (folder / file.with_suffix(".h5").name).write_text("not what is meant")
        command = [find_pvpython(), "--force-offscreen-rendering", str(SCRIPT), str(folder), *map(str, files)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "ERR|" not in done.stderr, done.stderr
        return {file: _seen(folder, i) for i, file in enumerate(files)}

    return see


@pytest.fixture(scope="session")
def see_in_vtk() -> Callable[[Sequence[Path]], dict[Path, Seen]]:
    """Opens files with the readers of VTK from PyPI."""
    vtk = import_vtk()
    from vtk.util.numpy_support import vtk_to_numpy

    def see_one(file: Path) -> Seen:
        reader = vtk.vtkHDFReader() if file.suffix in (".hdf", ".h5") else vtk.vtkXdmfReader()
        assert reader.CanReadFile(str(file))
        reader.SetFileName(str(file))
        reader.Update()
        image = reader.GetOutputDataObject(0)
        values = image.GetPointData().GetArray(0)
        return Seen(
            reader.GetClassName(),
            tuple(image.GetBounds()),
            tuple(image.GetOrigin()),
            tuple(image.GetSpacing()),
            values.GetName(),
            vtk_to_numpy(values).reshape(image.GetDimensions()[::-1]),
        )

    return lambda files: {file: see_one(file) for file in files}


def convert(folder: Path, file_name: str, samples: npt.NDArray[Any], *options: str) -> Volume:
    """The volume that `stackreel convert` makes of an array (z, y, x) that is first written as TIFF sections."""
    sections = folder / f"{file_name} sections"
    sections.mkdir(parents=True)
    for z, section in enumerate(samples):
        tifffile.imwrite(sections / f"s{z:04}.tif", section)
    assert main(["convert", str(sections), str(folder / file_name), *options]) == 0
    return open_volume(folder / file_name)


def _seen(folder: Path, i: int) -> Seen:
    facts = json.loads((folder / f"{i}.json").read_text())
    array = np.load(folder / f"{i}.npy")
    tuples = {key: tuple(facts[key]) for key in ("bounds", "origin", "spacing")}
    return Seen(facts["reader"], tuples["bounds"], tuples["origin"], tuples["spacing"], facts["name"], array)
