"""`stackreel convert --weights`: what each direction counts in coarser levels comes from another stack."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from stackreel.cli import main
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3


@pytest.fixture
def directions(tmp_path):
    """Columns that lie at 40 and at 100 in turn, of 180."""
    folder = tmp_path / "direction"
    folder.mkdir()
    section = np.where(np.arange(140) % 2 == 0, 40, 100).astype(np.uint8) * np.ones((130, 1), np.uint8)
    for k in range(3):
        tifffile.imwrite(folder / f"{k}.tif", section)
    return folder


def weigh(tmp_path, values, dtype):
    folder = tmp_path / f"weights-{dtype}"
    folder.mkdir()
    for k in range(3):
        tifffile.imwrite(folder / f"{k}.tif", np.broadcast_to(np.asarray(values, dtype), (130, 140)).copy())
    return folder


def convert(source, out, *more):
    words = ["convert", str(source), str(out), "--kind", "axial", "--period", "180", "--spacing", "9", "1", "1"]
    return main([*words, *map(str, more)])


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 255), ("uint16", 65535), ("float32", 1.0)])
def test_what_weighs_more_turns_the_mean(tmp_path, directions, dtype, most):
    even = np.arange(140) % 2 == 0
    out = tmp_path / "a.h5"
    assert convert(directions, out) == 0
    assert (open_volume(out).levels[1].read(EVERYTHING) == 70).all()
    weights = weigh(tmp_path, np.where(even, most, 0), dtype)
    assert convert(directions, out, "--overwrite", "--weights", weights) == 0
    assert (open_volume(out).levels[1].read(EVERYTHING) == 40).all()


def test_weights_of_another_size_and_of_other_kinds_are_refused(tmp_path, directions, capsys):
    folder = tmp_path / "small"
    folder.mkdir()
    for k in range(3):
        tifffile.imwrite(folder / f"{k}.tif", np.zeros((130, 139), np.uint8))
    assert convert(directions, tmp_path / "a.h5", "--weights", folder) == 1
    assert "weights must be uint8 (3, 130, 140), as the slices are; these are uint8 (3, 130, 139)" in (
        capsys.readouterr().err
    )
    assert main(["convert", str(directions), str(tmp_path / "a.h5"), "--weights", str(directions)]) == 1
    assert "weights belong to axial data; this is intensity data" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir() if p.suffix] == []
