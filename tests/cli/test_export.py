"""`stackreel export`, and what the other verbs say of OME-Zarr."""

from __future__ import annotations

import shutil
from collections import namedtuple

import numpy as np
import pytest
import tifffile

from stackreel.cli import main
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3


@pytest.fixture
def brain(tmp_path, monkeypatch):
    """brain.h5 of 40 sections in the working folder; its samples."""
    samples = np.random.default_rng(0).integers(50, 200, (40, 100, 150), dtype=np.uint8)
    (tmp_path / "sections").mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(tmp_path / "sections" / f"s{z:02}.tif", section)
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "sections", "brain.h5", "--spacing", "60um", "1.3um", "1.3um"]) == 0
    return samples


def said(capsys, *words, code=0):
    """What a command prints; on stderr where it fails."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_sections_become_ome_zarr(brain, capsys):
    out = said(capsys, "convert", "sections", "new.ome.zarr", "--spacing", "60um", "1.3um", "1.3um")
    assert "ParaView does not open OME-Zarr; it opens what `stackreel export new.ome.zarr brain.h5` writes" in out
    assert "next: stackreel new new.ome.zarr" in out
    volume = open_volume("new.ome.zarr")
    assert volume.name == "new"
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), brain)
    assert "40 sections × 100 rows × 150 columns" in said(capsys, "info", "new.ome.zarr")
    assert "which ParaView does not open" in said(capsys, "xdmf", "new.ome.zarr", code=1)
    assert "next: `stackreel sheet" in said(capsys, "new", "new.ome.zarr", "-o", "movie.yaml")
    said(capsys, "convert", "new.ome.zarr", "again.h5")
    assert open_volume("again.h5").spacing == volume.spacing


def test_linked_volumes_are_hdf5(brain, capsys):
    assert "end the name in .h5, so that" in said(capsys, "link", "sections", "l.ome.zarr", code=1)


def test_there_and_back(brain, capsys, tmp_path):
    out = said(capsys, "export", "brain.h5", "there.ome.zarr")
    assert "about" in out
    assert "all levels and statistics of brain.h5" in out
    out = said(capsys, "export", "there.ome.zarr", "back.h5")
    assert "next: in ParaView, File > Open > back.xmf2" in out
    assert (tmp_path / "back.L1of2.hdf").exists()
    assert open_volume("back.h5").fingerprint == open_volume("brain.h5").fingerprint
    said(capsys, "verify", "back.h5")


def test_a_part_becomes_tiff_or_nifti(brain, capsys, tmp_path):
    part = brain[5:25, 10:60, 20:90]
    where = ("--start", 5, 10, 20, "--count", 20, 50, 70)
    out = said(capsys, "export", "brain.h5", "part.tif", *where)
    assert "20 sections of 50 × 70 uint8, level 0, 60 µm × 1.3 µm × 1.3 µm (z × y × x): 70 kB, about" in out
    np.testing.assert_array_equal(tifffile.imread("part.tif"), part)
    said(capsys, "export", "brain.h5", "part/", *where)
    np.testing.assert_array_equal(np.stack([tifffile.imread(p) for p in sorted(tmp_path.glob("part/*.tif"))]), part)
    said(capsys, "export", "brain.h5", "part.nii.gz", *where)
    said(capsys, "convert", "part.nii.gz", "part.h5")
    np.testing.assert_array_equal(open_volume("part.h5").levels[0].read(EVERYTHING), part)


def test_a_box_in_the_world(brain, capsys):
    volume = open_volume("brain.h5")
    x0, y0, z0 = volume.placement.world_from_index((5, 10, 20))
    x1, y1, z1 = volume.placement.world_from_index((24, 59, 89))
    said(capsys, "export", "brain.h5", "part.tif", "--crop", x0, x1, y0, y1, z0, z1)
    np.testing.assert_array_equal(tifffile.imread("part.tif"), brain[5:25, 10:60, 20:90])


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["part.zip"], "the ending .zip is unknown; end the name in .tif, .nii"),
        (["x.ome.zarr", "--level", "1"], "takes the whole volume with all levels, --level is for TIFF and NIfTI"),
        (["part.tif", "--level", "9"], "brain.h5 has no level 9"),
        (["part.tif", "--start", "0", "0", "0", "--crop", *"010101"], "both say which samples; leave one out"),
        (["brain.h5"], "is the volume itself"),
        (["nowhere/part.nii"], "nowhere does not exist; make it first"),
        (["sections", "--overwrite"], "holds other things (s00.tif …); name a new folder"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(brain, capsys, tmp_path, words, answer):
    before = sorted(p.name for p in tmp_path.iterdir())
    assert answer in said(capsys, "export", "brain.h5", *words, code=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_nothing_is_replaced_unasked(brain, capsys):
    for out in ("part.tif", "part.nii", "part", "part.ome.zarr"):
        said(capsys, "export", "brain.h5", out)
        assert "--overwrite" in said(capsys, "export", "brain.h5", out, code=1)
        said(capsys, "export", "brain.h5", out, "--overwrite")


def test_a_disk_that_is_too_small_is_noticed_first(brain, capsys, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**6, 10**6, 1000))
    for out in ("part.nii", "part.tif", "part.ome.zarr"):
        assert "1 kB are free, and about" in said(capsys, "export", "brain.h5", out, code=1)
        assert not (tmp_path / out).exists()


def test_zarr_of_others_is_never_replaced(brain, capsys, tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr-python is not installed")
    zarr.open_group(tmp_path / "scan.ome.zarr", mode="w").create_array("0", shape=(3, 4, 5), dtype="uint8")
    for words in (("convert", "sections"), ("export", "brain.h5")):
        assert "not written by stackreel" in said(capsys, *words, "scan.ome.zarr", "--overwrite", code=1)
    assert (tmp_path / "scan.ome.zarr" / "0" / "zarr.json").exists()
