"""NIfTI and MGH: turned to RAS+ like nibabel's, in real values; every damage said before work begins."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices, unpack
from stackreel.slices.checks import TYPES

WAYS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]

Write = Callable[..., Path]


def whole(source: SliceSource) -> np.ndarray:
    depth, rows, _ = source.shape
    return np.stack([source.read(z, slice(0, rows)) for z in range(depth)])


def letters(order: tuple[int, ...], signs: tuple[int, ...]) -> str:
    return "".join(("LR", "PA", "IS")[axis][sign > 0] for axis, sign in zip(order, signs, strict=True))


@pytest.mark.parametrize(("order", "signs"), WAYS, ids=[letters(*way) for way in WAYS])
@pytest.mark.parametrize("name", ["brain.nii", "brain.nii.gz"])
def test_all_48_ways_to_store_a_head_come_out_alike(
    head: Any, write_nifti: Write, name: str, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    path = write_nifti(head.stored(order, signs), head.affine(order, signs), name=name)
    canonical = nibabel.as_closest_canonical(nibabel.load(path))
    with open_slices(path) as source:
        assert isinstance(source, SliceSource)
        np.testing.assert_array_equal(whole(source), head.zyx)
        np.testing.assert_array_equal(whole(source), np.asarray(canonical.dataobj).T)
        np.testing.assert_array_equal(source.read(33, slice(2, 5)), head.zyx[33, 2:5])
        assert source.spacing == Spacing(3000, 2000, 500, "um")
        assert source.provenance["orientation_stored"] == letters(order, signs)
        np.testing.assert_allclose(json.loads(source.provenance["affine"]), canonical.affine, rtol=1e-6)
        turned = letters(order, signs) != "RAS"
        assert any(f"turned from {letters(order, signs)}+" in note for note in source.notes) is turned


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_and_byte_order_is_read(write_nifti: Write, dtype: str, order: str) -> None:
    array = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(np.dtype(dtype).newbyteorder(order))
    with open_slices(write_nifti(array)) as source:
        assert source.dtype == np.dtype(dtype)
        assert source.dtype.isnative
        np.testing.assert_array_equal(whole(source), array.T)


def test_bands_read_by_many_threads_at_once_are_right(head: Any, write_nifti: Write) -> None:
    path = write_nifti(head.stored((2, 0, 1), (1, -1, 1)), head.affine((2, 0, 1), (1, -1, 1)))  # sections lie fastest
    source = open_slices(path)
    jobs = [(z, slice(a, b)) for z in range(37) for a, b in ((0, 3), (3, 6))] * 3
    with ThreadPoolExecutor(4) as pool:
        for (z, rows), band in zip(jobs, pool.map(lambda job: source.read(*job), jobs), strict=True):
            np.testing.assert_array_equal(band, head.zyx[z, rows])


def test_values_are_real_ones_unless_raw_values_are_asked_for(write_nifti: Write) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = write_nifti(array, slope=(0.363, -2.5))
    real = open_slices(path)
    assert real.dtype == np.float32
    np.testing.assert_array_equal(whole(real), np.asarray(nibabel.load(path).dataobj).T.astype(np.float32))
    assert "stored number · 0.363 - 2.5, as float32: 4 times the size of the uint8" in real.notes[0]
    assert "--raw-values keeps those" in real.notes[0]
    raw = open_slices(path, raw_values=True)
    assert raw.dtype == np.uint8
    np.testing.assert_array_equal(whole(raw), array.T)
    assert "the file means stored number · 0.363 - 2.5" in raw.notes[0]
    for source in (real, raw):
        assert float(source.provenance["value_slope"]) == pytest.approx(0.363)
        assert source.provenance["value_intercept"] == "-2.5"


@pytest.mark.parametrize(
    ("dtype", "slope", "becomes"),
    [
        ("uint8", (1, 0), "uint8"),
        ("uint8", (0, 7), "uint8"),  # a slope of 0 means none
        ("uint8", (1, -1), "int16"),
        ("uint16", (1, -1024), "int32"),
        ("int16", (2, 0), "int32"),
        ("int16", (0.5, 0), "float32"),
        ("int32", (0.5, 0), "float64"),
        ("float32", (0.5, 1), "float32"),
    ],
)
def test_whole_slopes_keep_integers(write_nifti: Write, dtype: str, slope: tuple[float, float], becomes: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    source = open_slices(write_nifti(array, slope=slope))
    assert source.dtype == np.dtype(becomes)
    expected = array.T if slope[0] == 0 else array.T * float(slope[0]) + slope[1]
    np.testing.assert_array_equal(whole(source), expected)


def test_labels_of_64_bits_are_kept_in_fewer(write_nifti: Write) -> None:
    array = np.zeros((3, 4, 5), np.int64)
    array[1, 2, 3] = 40_000
    source = open_slices(write_nifti(array))
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(whole(source), array.T)
    assert "holds int64; its values, 0 to 40000, are kept as uint16, exactly" in source.notes[-1]
    array[0, 0, 0] = 1 << 40
    with pytest.raises(SliceError, match="number the labels anew"):
        open_slices(write_nifti(array))


@pytest.mark.parametrize(
    ("unit", "spacing"),
    [
        ("mm", Spacing(3000, 2000, 500, "um")),
        ("micron", Spacing(3, 2, 0.5, "um")),
        ("meter", Spacing(3e6, 2e6, 5e5, "um")),
    ],
)
def test_the_unit_of_the_header_counts(head: Any, write_nifti: Write, unit: str, spacing: Spacing) -> None:
    source = open_slices(write_nifti(head.ras, np.diag([0.5, 2, 3, 1]), unit=unit))
    assert source.spacing == spacing
    assert source.notes == ()


def test_without_a_unit_millimetres_are_assumed_and_giants_questioned(head: Any, write_nifti: Write) -> None:
    source = open_slices(write_nifti(head.ras, np.diag([0.5, 2, 3, 1]), unit="unknown"))
    assert source.spacing == Spacing(3000, 2000, 500, "um")
    assert source.notes == (
        "brain.nii states no unit of length; millimetres are assumed (3 mm × 2 mm × 500 µm, z × y × x)",
    )
    giant = open_slices(write_nifti(head.ras, np.diag([25.0, 25, 60, 1]), unit="unknown"))
    assert "if micrometres are meant, say --spacing 60um 25um 25um" in giant.notes[0]


def test_qform_counts_where_there_is_no_sform_and_neither_is_said(head: Any, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(head.ras, None)
    image.set_qform(np.diag([-1.0, -1, 1, 1]), 1)
    image.set_sform(None, 0)
    nibabel.save(image, tmp_path / "q.nii")
    source = open_slices(tmp_path / "q.nii")
    assert source.provenance["affine_from"] == "qform (scanner)"
    np.testing.assert_array_equal(whole(source), head.zyx[:, ::-1, ::-1])
    image.set_qform(None, 0)
    nibabel.save(image, tmp_path / "none.nii")
    source = open_slices(tmp_path / "none.nii")
    assert any("states no orientation (qform and sform are 0)" in note for note in source.notes)
    canonical = nibabel.as_closest_canonical(nibabel.load(tmp_path / "none.nii"))
    np.testing.assert_array_equal(whole(source), np.asarray(canonical.dataobj).T)


def test_what_is_left_of_a_tilt_is_said(head: Any, write_nifti: Write) -> None:
    angle = np.deg2rad(20)
    tilted = np.eye(4)
    tilted[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    source = open_slices(write_nifti(head.ras, tilted))
    assert any("20.0° off the anatomical axes; it is kept as scanned" in note for note in source.notes)
    assert source.provenance["tilt_degrees"] == "20.00"
    np.testing.assert_array_equal(whole(source), head.zyx)


@pytest.mark.parametrize("name", ["film.nii", "film.nii.gz"])
def test_one_of_several_volumes_is_picked_by_time(write_nifti: Write, name: str) -> None:
    array = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    path = write_nifti(array, name=name)
    with pytest.raises(SliceError, match=r"holds 5 time points, 0 to 4.*--time N"):
        open_slices(path)
    with pytest.raises(SliceError, match=r"no time point 5; it holds 5 time points, 0 to 4"):
        open_slices(path, time=5)
    source = open_slices(path, time=3)
    np.testing.assert_array_equal(whole(source), array[..., 3].T)
    assert source.provenance["volume"] == "3"


def test_vectors_colours_and_complex_numbers_are_refused_with_a_way_out(write_nifti: Write) -> None:
    with pytest.raises(SliceError, match=r"holds vectors or matrices at every voxel.*save one component"):
        open_slices(write_nifti(np.zeros((2, 2, 2, 1, 3), np.float32)))
    with pytest.raises(SliceError, match=r"holds colours \(R G B\).*save one colour"):
        open_slices(write_nifti(np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])))
    with pytest.raises(SliceError, match=r"holds complex numbers.*magnitude or their phase"):
        open_slices(write_nifti(np.zeros((2, 2, 2), np.complex64)))


@pytest.mark.parametrize("name", ["brain.nii", "brain.nii.gz"])
@pytest.mark.parametrize("kept", [0, 1, 10, 200, 351, 360, 2000, -1])
def test_a_file_cut_short_anywhere_is_said_at_opening(head: Any, write_nifti: Write, name: str, kept: int) -> None:
    path = write_nifti(head.ras, name=name)
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    with pytest.raises(SliceReadError, match=r"(?s)brain\.nii.*opy it again|rename it to brain") as caught:
        open_slices(path)
    assert str(path) in str(caught.value)


def test_a_flipped_byte_in_a_packed_file_is_noticed(head: Any, write_nifti: Write) -> None:
    path = write_nifti(head.ras, name="brain.nii.gz")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1  # in the length of the content; the samples themselves would still decode
    path.write_bytes(data)
    with pytest.raises(SliceReadError, match=r"brain\.nii\.gz does not unpack.*copy it again"):
        open_slices(path)


def test_a_name_that_belies_its_content_says_how_to_rename_it(head: Any, write_nifti: Write) -> None:
    packed, plain = write_nifti(head.ras, name="a.nii.gz"), write_nifti(head.ras, name="b.nii")
    with pytest.raises(SliceReadError, match=r"packed with gzip, which its name does not say; rename it to c\.nii\.gz"):
        open_slices(packed.rename(packed.with_name("c.nii")))
    with pytest.raises(SliceReadError, match=r"is not gzip, whatever its name says.*rename it to d\.nii"):
        open_slices(plain.rename(plain.with_name("d.nii.gz")))


def test_noise_that_is_named_nifti_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.nii"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(SliceReadError, match=r"noise\.nii cannot be read as NIfTI.*5,000 bytes"):
        open_slices(path)


def test_a_file_that_changes_while_it_is_read_is_noticed(head: Any, write_nifti: Write) -> None:
    for way in (((0, 1, 2), (1, 1, 1)), ((1, 0, 2), (1, 1, 1)), ((2, 1, 0), (1, 1, 1))):
        path = write_nifti(head.stored(*way), head.affine(*way))
        source = open_slices(path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(SliceReadError, match=r"slice 0 of brain\.nii has changed"):
            source.read(0, slice(0, 6))


def test_a_large_packed_volume_waits_in_a_file_without_a_name(
    head: Any, write_nifti: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(unpack, "IN_MEMORY", 100)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    source = open_slices(write_nifti(head.ras, name="brain.nii.gz"))
    assert isinstance(source.memory, np.memmap)
    assert list(scratch.iterdir()) == []
    np.testing.assert_array_equal(whole(source), head.zyx)
    scratch.rmdir()
    with pytest.raises(SliceReadError, match="Set TMPDIR to a folder with room"):
        open_slices(write_nifti(head.ras, name="brain.nii.gz"))


def test_a_folder_and_a_glob_name_a_volume_too_but_only_one(head: Any, write_nifti: Write, tmp_path: Path) -> None:
    path = write_nifti(head.ras, name="T1w.nii.gz")
    assert open_slices(tmp_path).files[0].path == path
    assert open_slices(tmp_path / "*.nii.gz").files[0].path == path
    write_nifti(head.ras, name="T2w.nii.gz")
    with pytest.raises(SliceError, match=r"2 NIfTI volumes were named \(T1w\.nii\.gz, T2w\.nii\.gz\).*one by one"):
        open_slices(tmp_path)


def test_options_for_other_files_are_refused(head: Any, write_nifti: Write, tmp_path: Path) -> None:
    path = write_nifti(head.ras)
    with pytest.raises(SliceShapeError, match="leave --shape out"):
        open_slices(path, shape=(3, 3))
    with pytest.raises(SliceShapeError, match="leave --dtype out"):
        open_slices(path, dtype="uint8")
    with pytest.raises(SliceError, match="--channel 1 out"):
        open_slices(path, channel=1)
    np.zeros(100, np.uint8).tofile(tmp_path / "s.raw")
    with pytest.raises(SliceError, match=r"--raw-values is for NIfTI.*s\.raw"):
        open_slices(tmp_path / "s.raw", shape=(10, 10), dtype="uint8", raw_values=True)


@pytest.mark.parametrize("name", ["orig.mgh", "orig.mgz"])
def test_freesurfers_volumes_are_read(head: Any, tmp_path: Path, name: str) -> None:
    order, signs = (0, 2, 1), (-1, -1, 1)  # LIA, FreeSurfer's own
    nibabel.save(nibabel.MGHImage(head.stored(order, signs), head.affine(order, signs)), tmp_path / name)
    source = open_slices(tmp_path / name)
    np.testing.assert_array_equal(whole(source), head.zyx)
    assert source.spacing == Spacing(3000, 2000, 500, "um")
    assert source.provenance["orientation_stored"] == "LIA"


def test_a_section_of_two_dimensions_is_a_stack_of_one(write_nifti: Write) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    source = open_slices(write_nifti(array))
    np.testing.assert_array_equal(whole(source), array.T[None])


def test_doubts_of_nibabel_become_notes_and_not_output(
    head: Any, write_nifti: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_nifti(head.ras, pixdim=[1, 0, 2, 3, 0, 0, 0, 0])
    source = open_slices(path)
    assert any("pixdim" in note for note in source.notes)
    assert capfd.readouterr() == ("", "")
