"""`stackreel convert` of a scan: what a person sees, and what the volume keeps of it."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from stackreel.cli import main
from stackreel.volume import open_volume


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Two time points of a head, stored LPS."""
    array = np.random.default_rng(0).integers(0, 200, (20, 30, 25, 2)).astype(np.uint8)
    image = nibabel.Nifti1Image(array, np.diag([-2.0, -1.0, 3.0, 1.0]))
    image.header.set_xyzt_units("mm", "sec")
    path = tmp_path / "scan.nii.gz"
    nibabel.save(image, path)
    return path


def test_a_scan_becomes_a_volume_that_knows_its_affine(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "head.h5"
    assert main(["convert", str(scan), str(out)]) == 1
    assert "choose it with --time N" in capsys.readouterr().err
    assert not out.exists()
    assert main(["convert", str(scan), str(out), "--time", "1"]) == 0
    said = capsys.readouterr()
    assert "turned from LPS+, as stored, to RAS+" in said.err
    assert "25 sections of 30 × 20" in said.out
    canonical = nibabel.as_closest_canonical(nibabel.load(scan).slicer[..., 1])
    volume = open_volume(out)
    np.testing.assert_allclose(volume.levels[0].read((slice(None),) * 3), np.asarray(canonical.dataobj).T)
    np.testing.assert_allclose(json.loads(volume.provenance["affine"]), canonical.affine)
    assert volume.provenance["orientation_stored"] == "LPS"
    assert volume.provenance["volume"] == "1"
    assert volume.spacing.zyx == (3000, 1000, 2000)


def test_labels_with_a_slope_are_led_to_raw_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.random.default_rng(0).integers(0, 9, (6, 7, 8)).astype(np.int16)
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(labels.shape)
    header.set_xyzt_units("mm")
    header["pixdim"][1:4], header["scl_slope"], header["magic"], header["vox_offset"] = 1, 0.25, b"n+1", 352
    header.set_sform(np.eye(4), 1)
    (tmp_path / "atlas.nii").write_bytes(header.binaryblock + bytes(4) + labels.tobytes(order="F"))
    command = ["convert", str(tmp_path / "atlas.nii"), str(tmp_path / "atlas.h5"), "--kind", "label"]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "labels are integers" in said
    assert "--raw-values keeps those (as labels need)" in said
    assert main([*command, "--raw-values"]) == 0
    volume = open_volume(tmp_path / "atlas.h5")
    np.testing.assert_array_equal(volume.levels[0].read((slice(None),) * 3), labels.T)
    assert volume.provenance["value_slope"] == "0.25"
