"""`stackreel convert` of one channel, time point or level: the volume holds it, and says so."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile

from stackreel.cli import main
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3


@pytest.fixture
def array():
    return np.random.default_rng(2).integers(1, 255, (3, 4, 40, 50), dtype=np.uint8)


def convert(source, out, *words):
    return main(["convert", str(source), str(out), *map(str, words)])


def test_a_channel_is_asked_for_and_then_converted(tmp_path, array, capsys):
    path, out = tmp_path / "scan.ome.tif", tmp_path / "gfp.h5"
    metadata = {"axes": "CZYX", "Channel": {"Name": ["DAPI", "GFP", "NeuN"]}}
    tifffile.imwrite(path, array, metadata=metadata, photometric="minisblack")
    assert convert(path, out) == 1
    assert "3 channels: 0 (DAPI), 1 (GFP), 2 (NeuN)" in capsys.readouterr().err
    assert not out.exists()
    assert convert(path, out, "--channel", "GFP") == 0
    volume = open_volume(out)
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), array[1])
    assert volume.provenance["channel"] == "1 (GFP)"
    assert main(["info", str(out)]) == 0
    assert "1 (GFP)" in capsys.readouterr().out


def test_a_level_of_ome_zarr_is_converted_with_its_spacing(tmp_path, array):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    datasets = []
    for level, data in enumerate((array[0], array[0, :, ::2, ::2])):
        group.create_array(str(level), data=np.ascontiguousarray(data), chunks=(4, 16, 16))
        scale = [{"type": "scale", "scale": [60.0, 1.5 * 2**level, 1.5 * 2**level]}]
        datasets.append({"path": str(level), "coordinateTransformations": scale})
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    assert convert(tmp_path / "a.zarr", tmp_path / "a.h5", "--level", 1) == 0
    volume = open_volume(tmp_path / "a.h5")
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), array[0, :, ::2, ::2])
    assert volume.spacing.zyx == (60, 3, 3)
    assert volume.provenance["level"] == "1 (1)"


def test_a_data_set_is_converted_by_name(tmp_path, array, capsys):
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["entry/a"], file["entry/b"] = array[0], array[1]
    out = tmp_path / "brain.h5"
    assert convert(tmp_path / "scan.h5", out) == 1
    assert "holds 2 data sets; name one, as in" in capsys.readouterr().err
    assert convert(f"{tmp_path}/scan.h5:/entry/b", out) == 0
    volume = open_volume(out)
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), array[1])
    assert volume.provenance["source"].endswith("scan.h5:/entry/b")


def test_parts_of_what_has_none_are_refused(tmp_path, array, capsys):
    folder = tmp_path / "raw"
    folder.mkdir()
    for z, section in enumerate(array[0]):
        section.tofile(folder / f"s{z}.raw")
    shape = ("--shape", 40, 50, "--dtype", "uint8")
    assert convert(folder, tmp_path / "a.h5", *shape, "--channel", 1) == 1
    assert "holds no channels; leave --channel 1 out" in capsys.readouterr().err
