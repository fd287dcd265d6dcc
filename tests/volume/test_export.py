"""What leaves a volume, as other programs find it: tifffile, nibabel, h5py and zarr-python."""

from __future__ import annotations

import json

import h5py
import nibabel as nib
import numpy as np
import pytest
import tifffile

from stackreel.errors import CorruptChunkError, VolumeError
from stackreel.geometry import Box, Spacing
from stackreel.volume import open_volume
from stackreel.volume.export import Excerpt, copy_volume, export_nifti, export_sections, export_stack, nifti
from stackreel.volume.ledger import read_ledger
from stackreel.volume.seal import digest, seal_of

EVERYTHING = (slice(None),) * 3
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "float32", "float64")
QUIET = {"threads": 2, "progress": lambda _: None}


@pytest.fixture
def volume(make_volume):
    return make(make_volume)


def make(make_volume, dtype="uint16", **more):
    samples = np.random.default_rng(0).integers(0, 120, (40, 300, 590)).astype(dtype)
    samples[:32, :128] = 0
    return make_volume(samples, Spacing(60, 1.3, 2, "um"), name="brain", **more)


def part_of(excerpt):
    z, y, x = (slice(a, a + n) for a, n in zip(excerpt.start, excerpt.count, strict=True))
    return excerpt.level.read((z, y, x))


@pytest.mark.parametrize("dtype", TYPES)
def test_tifffile_reads_a_stack_with_its_spacing(make_volume, tmp_path, dtype):
    volume = make(make_volume, dtype)
    excerpt = Excerpt.of(volume, 0, (3, 10, 20), (33, 280, 530))
    seen = []
    export_stack(excerpt, tmp_path / "a.tif", threads=2, progress=seen.append)
    assert sum(seen) == excerpt.nbytes
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert file.is_ome
        (series,) = file.series
        assert series.axes == "ZYX"
        np.testing.assert_array_equal(series.asarray(), part_of(excerpt))
        assert file.pages[0].is_tiled
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert [pixels[f"PhysicalSize{axis}"] for axis in "ZYX"] == [60, 1.3, 2]
        x, unit = file.pages[0].tags["XResolution"].value, file.pages[0].tags["ResolutionUnit"].value
        assert (x[0] / x[1], unit) == (5000, 3)
    assert [p.name for p in tmp_path.glob("*.tif")] == ["a.tif"]


def test_what_convert_reads_of_an_exported_stack_is_the_same(volume, tmp_path):
    from stackreel.slices import open_slices

    export_stack(Excerpt.of(volume, 1), tmp_path / "a.tif", **QUIET)
    source = open_slices(tmp_path / "a.tif")
    found = np.stack([source.read(z, slice(0, source.shape[1])) for z in range(source.shape[0])])
    np.testing.assert_array_equal(found, volume.levels[1].read(EVERYTHING))
    np.testing.assert_allclose(source.spacing.zyx, volume.spacing.scaled(volume.levels[1].factors).zyx)


def test_sections_are_a_file_each(volume, tmp_path):
    excerpt = Excerpt.of(volume, 0, (30, 0, 0), (5, 300, 590))
    names = export_sections(excerpt, tmp_path / "out", **QUIET)
    assert names == [f"brain_{k:04}.tif" for k in range(30, 35)]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    found = np.stack([tifffile.imread(tmp_path / "out" / name) for name in names])
    np.testing.assert_array_equal(found, part_of(excerpt))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", TYPES)
def test_nibabel_reads_samples_and_places(make_volume, tmp_path, monkeypatch, dtype, ending):
    monkeypatch.setattr(nifti, "_HELD_BYTES", 1 << 20)
    monkeypatch.setattr(nifti, "_MEMBER_BYTES", 100_000)
    volume = make(make_volume, dtype)
    excerpt = Excerpt.of(volume, 1, (3, 10, 20))
    export_nifti(excerpt, tmp_path / f"a{ending}", **QUIET)
    image = nib.load(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, part_of(excerpt))
    assert image.get_data_dtype() == dtype
    assert image.header.get_xyzt_units()[0] == "mm"
    factors = np.array(volume.levels[1].factors[::-1])
    steps = np.array([2, 1.3, 60]) / 1e3
    np.testing.assert_allclose(np.diag(image.affine)[:3], factors * steps, rtol=1e-6)
    first = np.array([20, 10, 3]) * factors + (factors - 1) / 2
    np.testing.assert_allclose(image.affine[:3, 3], first * steps, rtol=1e-6)
    np.testing.assert_allclose(image.get_qform(), image.affine, rtol=1e-5, atol=1e-6)


def test_an_atlas_goes_back_to_where_it_came_from(make_volume, tmp_path, monkeypatch):
    from dataclasses import replace

    volume = make(make_volume)
    affine = [[0.002, 0, 0, -10.0], [0, 0.0013, 0, 5.0], [0, 0, 0.06, 7.0]]
    volume = replace(volume, provenance={"affine": json.dumps([*affine, [0, 0, 0, 1]])})
    export_nifti(Excerpt.of(volume), tmp_path / "a.nii", **QUIET)
    np.testing.assert_allclose(nib.load(tmp_path / "a.nii").affine[:3], affine, rtol=1e-6)


def test_axial_values_say_their_period_and_background(make_volume, tmp_path):
    volume = make(make_volume, "uint8", kind="axial", period=180, background=0)
    excerpt = Excerpt.of(volume, 1)
    export_nifti(excerpt, tmp_path / "a.nii", **QUIET)
    header = nib.load(tmp_path / "a.nii").header
    assert bytes(header["descrip"]).rstrip(b"\0") == b"stackreel: axial, period 180, background 0"
    said = json.loads(header.extensions[0].get_content())
    assert (said["kind"], said["period"], said["background"]) == ("axial", 180, 0)
    export_stack(excerpt, tmp_path / "a.tif", **QUIET)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert '<M K="period">180.0</M><M K="background">0.0</M>' in file.ome_metadata


def test_a_box_in_the_world_holds_the_samples_that_lie_in_it(volume):
    level = volume.levels[0].placement
    lower, upper = level.world_from_index((2, 9.5, 20)), level.world_from_index((4, 30.5, 21.9))
    excerpt = Excerpt.of(volume, box=Box(lower, upper))
    assert (excerpt.start, excerpt.count) == ((2, 10, 20), (3, 21, 2))
    everything = Excerpt.of(volume, 1, box=Box((-9, -9, -9), (9, 9, 9)))
    assert everything.count == volume.levels[1].shape
    with pytest.raises(VolumeError, match="the box holds no sample of level 0; its samples lie at x -"):
        Excerpt.of(volume, box=Box((3, 3, 3), (4, 4, 4)))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"level": 99}, "has no level 99"), ({"start": (40, 0, 0)}, "start along z is 40; level 0 has samples 0 to 39"),
     ({"start": (39, 0, 0), "count": (2, 1, 1)}, "count along z is 2; from sample 39 on, 1 to 1 fit")],
)  # fmt: skip
def test_what_is_not_there_is_said(volume, wrong, words):
    with pytest.raises(VolumeError, match=words):
        Excerpt.of(volume, **wrong)


@pytest.mark.parametrize("export", [export_stack, export_sections, export_nifti])
def test_nothing_half_written_stays(volume, tmp_path, export):
    with h5py.File(volume.path) as file:
        info = file["/levels/brain/0"].id.get_chunk_info_by_coord((32, 128, 256))
    with open(volume.path, "r+b") as raw:
        raw.seek(info.byte_offset + 100)
        raw.write(bytes(64))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(CorruptChunkError):
        export(Excerpt.of(open_volume(volume.path)), folder / "a.nii.gz", **QUIET)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("kind", ["intensity", "axial", "label"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_there_and_back_again(make_volume, tmp_path, kind, dtype):
    """HDF5 to OME-Zarr to HDF5: the same samples, statistics, hashes of slices and settings."""
    more = {"kind": kind, **({"period": 100, "background": 0} if kind == "axial" else {})}
    volume = make(make_volume, dtype, **more)
    seen = []
    there = copy_volume(volume, tmp_path / "brain.ome.zarr", threads=2, progress=seen.append)
    assert sum(seen) == sum(np.prod(level.shape) * level.dtype.itemsize for level in volume.levels)
    back = copy_volume(there, tmp_path / "brain.h5", threads=2)
    for key in ("name", "kind", "period", "background", "spacing", "placement", "value_range", "fingerprint"):
        assert getattr(volume, key) == getattr(there, key) == getattr(back, key), key
    assert volume.provenance == there.provenance == back.provenance
    with h5py.File(volume.path) as a, h5py.File(back.path) as b:
        names = []
        a.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Dataset) else None)
        for name in names:
            if not name.startswith(("seal", "ledger", "vtkhdf", "VTKHDF")) and not name.endswith("/offsets"):
                np.testing.assert_array_equal(a[name][()], b[name][()], err_msg=name)
    ledger = read_ledger(back.path)
    assert seal_of(back.path, ledger.seal) == digest(back.path, ledger.seal, ledger.extents)


def test_a_copy_that_fails_leaves_nothing(volume, tmp_path):
    with h5py.File(volume.path) as file:
        info = file["/levels/brain/0"].id.get_chunk_info_by_coord((32, 128, 256))
    with open(volume.path, "r+b") as raw:
        raw.seek(info.byte_offset + 100)
        raw.write(bytes(64))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(CorruptChunkError):
        copy_volume(open_volume(volume.path), folder / "brain.ome.zarr", threads=2)
    assert not list(folder.iterdir())
