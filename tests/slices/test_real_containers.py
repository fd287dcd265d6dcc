"""Real OME-Zarr and HDF5, when it lies beside the checkout."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import tifffile

from stackreel.errors import SliceError
from stackreel.slices import SliceSource, open_slices


@pytest.fixture
def samples(real_data: Path) -> Path:
    pytest.importorskip("zarr")
    return real_data / "zarr" / "ome-zarr-examples"


def stack(source: SliceSource) -> np.ndarray:
    return np.stack([source.read(z, slice(0, source.shape[1])) for z in range(source.shape[0])])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("image-01.zarr", (1, 1000, 1000)),
        ("image-02.zarr", (1, 200, 200)),
        ("image-03.zarr", (2, 100, 100)),
        ("image-04.zarr", (2, 64, 64)),
        ("plate-01.zarr/A/1/0", (1, 1000, 1000)),
    ],
)
def test_valid_images_are_read_as_zarr_python_reads_them(samples: Path, name: str, shape: tuple[int, int, int]) -> None:
    import zarr

    path = samples / "valid" / name
    source = open_slices(path)
    assert source.shape == shape
    np.testing.assert_array_equal(stack(source), np.asarray(zarr.open(path / "0", mode="r")[...]).reshape(shape))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("valid/plate-01.zarr", "is a plate of 4 wells; name one field of one"),
        ("valid/plate-01.zarr/A/1", "is a well of 1 fields; name one"),
        ("invalid/image-01.zarr", "it has no multiscales metadata"),
        ("invalid/image-02.zarr", "its list of multiscale images is empty; have it written again"),
        ("invalid/image-03.zarr", "its metadata name a level 0, and there is no such array; copy it again"),
        ("invalid/image-04.zarr", "its levels have different numbers of axes (0: 3, 1: 2)"),
        ("warning/image-01.zarr", "holds int64; stackreel reads"),
    ],
)
def test_what_is_no_valid_image_is_refused_with_the_way_out(samples: Path, name: str, said: str) -> None:
    with pytest.raises(SliceError) as caught:
        open_slices(samples / name)
    assert said in str(caught.value)


def test_axes_from_x_to_z_are_turned(real_data: Path) -> None:
    zarr = pytest.importorskip("zarr")
    path = real_data / "zarr" / "niivue_mni152_axial.ome.zarr"
    for level in range(4):
        array = zarr.open(path / f"scale{level}" / "nibabel_converted_image", mode="r")
        source = open_slices(path, level=level)
        np.testing.assert_array_equal(stack(source), np.asarray(array[...]).transpose(2, 1, 0))
        assert source.spacing is not None
        assert source.spacing.unit == ""
        assert source.spacing.y == pytest.approx(0.737463 * 2**level, rel=1e-5)


def test_a_retardation_map_is_the_same_from_hdf5_nifti_and_tiff(real_data: Path) -> None:
    folder = real_data / "pli" / "plimig"
    source = open_slices(folder / "Retardation.h5")
    assert source.provenance["data_set"] == "/pyramid/06"
    assert source.notes[0] == "Retardation.h5 has no finer level than /pyramid/06"
    section = stack(source)[0]
    np.testing.assert_array_equal(section, tifffile.imread(folder / "Retardation.tiff"))
    stored = np.squeeze(np.asarray(nibabel.load(folder / "Retardation.nii").dataobj))
    assert sorted(stored.ravel()) == sorted(section.ravel())


def test_a_slix_measurement_is_the_same_from_hdf5_and_tiff(real_data: Path) -> None:
    source = open_slices(f"{real_data}/pli/slix_demo.h5:/Image")
    np.testing.assert_array_equal(stack(source), tifffile.imread(real_data / "pli" / "slix_demo.tiff"))
    assert source.provenance["source_created_by"]
    with h5py.File(real_data / "pli" / "slix_demo.h5", locking=False) as file:
        assert file["Image"].attrs["created_by"] == source.provenance["source_created_by"]
