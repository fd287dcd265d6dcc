"""A whole mouse brain, opened by ParaView through every file that was written beside it."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from stackreel.cli import main
from stackreel.volume import open_volume

from .conftest import Seen, find_pvpython

pytestmark = pytest.mark.paraview


def test_paraview_sees_the_mouse_brain_in_its_place_on_every_level(
    real_data: Path, tmp_path: Path, see_in_paraview: Callable[[Sequence[Path]], dict[Path, Seen]]
) -> None:
    find_pvpython()
    with tarfile.open(real_data / "volumes" / "mouse_lightsheet_brainreg.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    (sections,) = (p for p in tmp_path.iterdir() if p.is_dir())
    spacing = ["--spacing", "50um", "40um", "40um"]
    assert main(["convert", str(sections), str(tmp_path / "brain.h5"), *spacing]) == 0
    volume = open_volume(tmp_path / "brain.h5")
    files = sorted(p for p in tmp_path.iterdir() if p.suffix in (".xmf2", ".hdf"))
    assert len(files) == 2 * len(volume.levels)
    seen = see_in_paraview(files)
    for file in files:
        level = volume.levels[int(file.stem.rpartition(".L")[2].partition("of")[0]) if ".L" in file.name else 0]
        bounds = level.placement.bounds
        pairs = [v for pair in zip(bounds.lower, bounds.upper, strict=True) for v in pair]
        assert seen[file].bounds == pytest.approx(pairs, rel=1e-9, abs=1e-12), file.name
        assert seen[file].name == "brain"
        np.testing.assert_array_equal(seen[file].array, level.read((slice(None),) * 3), err_msg=file.name)
