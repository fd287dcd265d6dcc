"""Sections that others scanned, beside the checkout: each is read exactly, or refused with a reason."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from stackreel.errors import SliceError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
VOLUMES = DATA / "volumes"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"real data not beside the checkout ({DATA})")


def test_a_whole_mouse_brain_reads_as_tifffile_reads_it(tmp_path: Path) -> None:
    with tarfile.open(VOLUMES / "mouse_lightsheet_brainreg.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = (p for p in tmp_path.iterdir() if p.is_dir())
    source = open_slices(folder)
    assert source.shape == (270, 193, 271)
    assert source.dtype == np.uint16
    assert source.banded
    assert source.notes == ()
    for z, file in enumerate(source.files):
        assert file.path.name == f"image_{z:04}.tif"
        whole = tifffile.imread(file.path)
        for rows in (slice(0, 193), slice(100, 116)):
            np.testing.assert_array_equal(source.read(z, rows), whole[rows])


def test_unpadded_electron_micrographs_come_in_the_order_of_their_numbers() -> None:
    source = open_slices(VOLUMES / "isbi2012_ssTEM_png")
    assert source.shape == (30, 512, 512)
    assert [file.path.stem for file in source.files] == [str(z) for z in range(30)]
    for z in (2, 10):
        with Image.open(VOLUMES / "isbi2012_ssTEM_png" / f"{z}.png") as image:
            np.testing.assert_array_equal(source.read(z, slice(0, 512)), np.asarray(image))


TINY = VOLUMES / "formats" / "imagej_tiny_tiffs"
READ = [
    *(f"gray8-3x2-sub{i}.tif" for i in (1, 2)),
    *(f"gray16-3x2-sub{i}.tif" for i in (1, 2)),
    *(f"gray32float-3x2-sub{i}.tif" for i in (1, 2)),
    *("gray16signedA.tif", "gray16signedB.tif", "gray8-3x2-stack.tif", "head.tif", "head8bit.tif"),
]


@pytest.mark.parametrize("name", READ)
def test_grey_tiffs_of_every_type_are_read(name: str) -> None:
    whole = tifffile.imread(TINY / name)
    whole = whole if whole.ndim == 3 else whole[None]
    source = open_slices(TINY / name)
    assert source.shape == whole.shape
    for z, section in enumerate(whole):
        np.testing.assert_array_equal(source.read(z, slice(0, source.shape[1])), section)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (TINY / "gray24-3x2-sub1.tif", "colour image"),
        (TINY / "gray24-3x2-sub2.tif", "colour image"),
        (VOLUMES / "formats" / "webknossos_test_rgb.tif", "colour image"),
        (DATA / "pli" / "slix_tests" / "vis" / "unit_vectors_rgb.tiff", "colour image"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else None,
)
def test_colour_is_refused_with_the_way_out(path: Path, said: str) -> None:
    with pytest.raises(SliceError) as caught:
        open_slices(path)
    assert f"slice 0 ({path.name})" in str(caught.value)
    assert said in str(caught.value)
    assert "Fiji: Image ›" in str(caught.value)


def test_each_channel_of_an_ome_tiff_is_what_tifffile_reads() -> None:
    path = VOLUMES / "formats" / "webknossos_multi-channel-z-series.ome.tif"
    with pytest.raises(SliceError, match=r"holds 3 channels: 0, 1, 2; .*--channel N"):
        open_slices(path)
    whole = tifffile.imread(path)
    for channel in range(3):
        source = open_slices(path, channel=channel)
        assert source.shape == (5, 167, 439)
        read = np.stack([source.read(z, slice(0, 167)) for z in range(5)])
        np.testing.assert_array_equal(read, whole[channel])


def test_no_format_is_forgotten() -> None:
    tested = {*READ, "gray24-3x2-sub1.tif", "gray24-3x2-sub2.tif"}
    assert {p.name for p in TINY.iterdir()} == tested


def test_a_matlab_file_is_refused_with_the_endings_that_are_known() -> None:
    with pytest.raises(SliceError, match=r"the ending \.mat is unknown; sections end in"):
        open_slices(VOLUMES / "formats" / "mcx_colin27_v3.mat")


def test_a_retardation_map_knows_its_pixel_but_not_its_section_distance() -> None:
    source = open_slices(DATA / "pli" / "plimig" / "Retardation.tiff")
    assert (source.shape, source.dtype) == ((1, 195, 150), np.dtype(np.float32))
    assert source.spacing is None
    assert "pixels of 1 µm × 1 µm but no distance between sections" in source.notes[0]


def test_a_light_scattering_stack_is_read_page_by_page() -> None:
    path = DATA / "pli" / "slix_demo.tiff"
    source = open_slices(path)
    whole = tifffile.imread(path)
    assert source.shape == whole.shape == (24, 170, 163)
    assert source.spacing is None  # its unit is "pixel"
    np.testing.assert_array_equal(np.stack([source.read(z, slice(9, 31)) for z in range(24)]), whole[:, 9:31])


def test_an_imagej_stack_brings_its_spacing() -> None:
    spacing = open_slices(TINY / "gray8-3x2-stack.tif").spacing
    assert isinstance(spacing, Spacing)
    assert spacing.zyx == pytest.approx((1, 352.86, 352.86), rel=1e-4)
