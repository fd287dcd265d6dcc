"""MINC: real values in RAS+, whole numbers kept as integers."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from stackreel.errors import SliceError, SliceReadError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices

AXES = ("zspace", "yspace", "xspace")


def whole(source: SliceSource) -> np.ndarray:
    depth, rows, _ = source.shape
    return np.stack([source.read(z, slice(0, rows)) for z in range(depth)])


def minc(
    path: Path,
    array: np.ndarray,
    axes: tuple[str, ...] = AXES,
    steps: tuple[float, ...] = (3.0, 2.0, 0.5),
    ends: tuple[float, float] | None = None,
) -> Path:
    """A MINC 2 file; ends: real values of the smallest and largest stored number (None: those themselves)."""
    info = np.iinfo(array.dtype)
    low, high = ends or (info.min, info.max)
    with h5py.File(path, "w") as file:
        group = file.create_group("minc-2.0")
        for axis, step, n in zip(axes, steps, array.shape, strict=True):
            d = group.create_dataset(f"dimensions/{axis}", data=0)
            d.attrs["step"], d.attrs["start"], d.attrs["length"] = step, 0.0, n
            d.attrs["spacing"] = np.bytes_("regular__")
        image = group.create_dataset("image/0/image", data=array, chunks=True, compression="gzip")
        image.attrs["dimorder"] = np.bytes_(",".join(axes))
        image.attrs["valid_range"] = np.array([info.min, info.max], np.float64)
        for name, value in (("image-min", low), ("image-max", high)):
            d = group.create_dataset(f"image/0/{name}", data=float(value))
            d.attrs["dimorder"] = np.bytes_("")
    return path


def test_a_volume_is_read_in_real_values(tmp_path: Path) -> None:
    array = np.random.default_rng(1).integers(0, 256, (4, 5, 6), np.uint8)
    path = minc(tmp_path / "t1.mnc", array, ends=(0, 10))
    source = open_slices(path)
    assert source.dtype == np.float32
    np.testing.assert_allclose(whole(source), array / 25.5, rtol=1e-6)
    np.testing.assert_array_equal(whole(source), np.asarray(nibabel.load(path).dataobj).astype(np.float32))
    assert source.spacing == Spacing(3000, 2000, 500, "um")
    assert source.provenance["orientation_stored"] == "RAS"


def test_an_atlas_keeps_its_whole_numbers(tmp_path: Path) -> None:
    array = np.random.default_rng(1).integers(0, 300, (4, 5, 6)).astype(np.uint16)
    source = open_slices(minc(tmp_path / "labels.mnc", array))
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(whole(source), array)


def test_other_orders_and_senses_are_turned(tmp_path: Path) -> None:
    array = np.random.default_rng(1).integers(0, 256, (4, 5, 6), np.uint8)
    source = open_slices(minc(tmp_path / "s.mnc", array, ("xspace", "zspace", "yspace"), (-0.5, 3.0, -2.0)))
    np.testing.assert_array_equal(whole(source), array.transpose(1, 2, 0)[:, ::-1, ::-1])
    assert source.spacing == Spacing(3000, 2000, 500, "um")
    assert source.provenance["orientation_stored"] == "PSL"


@pytest.mark.parametrize("name", ["tiny.mnc", "small.mnc", "minc2_1_scale.mnc", "minc1_1_scale.mnc"])
def test_nibabels_own_samples_read_as_nibabel_reads_them(name: str) -> None:
    path = Path(nibabel.__file__).parent / "tests" / "data" / name
    if not path.exists():
        pytest.skip(f"this nibabel came without its test data ({path})")
    np.testing.assert_array_equal(whole(open_slices(path)), np.asarray(nibabel.load(path).dataobj).astype(np.float32))


def test_damage_is_said_and_raw_values_have_no_meaning(tmp_path: Path) -> None:
    path = minc(tmp_path / "t1.mnc", np.zeros((40, 50, 60), np.uint8))
    with pytest.raises(SliceError, match="--raw-values is for NIfTI"):
        open_slices(path, raw_values=True)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(SliceReadError, match=r"t1\.mnc cannot be read as MINC.*[Cc]opy it again"):
        open_slices(path)
    path.write_bytes(b"")
    with pytest.raises(SliceReadError, match=r"t1\.mnc cannot be read as MINC.*holds 0 bytes"):
        open_slices(path)
