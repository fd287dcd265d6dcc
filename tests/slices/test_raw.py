"""Raw sections: every sample in its place, every wrong size explained before anything is read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.slices import SliceSource, open_slices
from stackreel.slices.checks import TYPES


def volume(shape: tuple[int, int, int], dtype: str, seed: int = 0) -> np.ndarray:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    bits = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    array = bits.view(dtype).reshape(shape)
    return np.nan_to_num(array) if array.dtype.kind == "f" else array


def write(folder: Path, array: np.ndarray, header: bytes = b"", ending: str = ".raw") -> Path:
    folder.mkdir(exist_ok=True)
    for z, section in enumerate(array):
        (folder / f"s{z}{ending}").write_bytes(header + section.tobytes())
    return folder


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from(TYPES),
    order=st.sampled_from(["little", "big"]),
    header=st.binary(max_size=20),
    whole=st.booleans(),
    data=st.data(),
)
def test_any_band_of_any_type_and_order_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int],
    dtype: str,
    order: str,
    header: bytes,
    whole: bool,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    array = volume(shape, dtype)
    stored = array.astype(array.dtype.newbyteorder({"little": "<", "big": ">"}[order]))
    if whole:
        src = folder / "stack.raw"
        src.write_bytes(header + stored.tobytes())
    else:
        src = write(folder, stored, header)
    source = open_slices(src, shape=shape[1:], dtype=dtype, byte_order=order, skip_bytes=len(header))  # type: ignore[arg-type]
    assert isinstance(source, SliceSource)
    assert source.shape == shape
    assert source.dtype == np.dtype(dtype)
    assert source.dtype.isnative
    assert source.banded
    z = data.draw(st.integers(0, shape[0] - 1))
    a = data.draw(st.integers(0, shape[1]))
    b = data.draw(st.integers(a, shape[1]))
    band = source.read(z, slice(a, b))
    assert band.flags.c_contiguous
    np.testing.assert_array_equal(band, array[z, a:b])


def test_a_band_lands_in_the_array_that_was_given(tmp_path: Path) -> None:
    array = volume((3, 20, 30), "uint16")
    source = open_slices(write(tmp_path, array), shape=(20, 30), dtype="<u2")
    slab = np.zeros((3, 8, 30), np.uint16)
    for z in range(3):
        assert source.read(z, slice(5, 13), slab[z]).base is slab
    np.testing.assert_array_equal(slab, array[:, 5:13])
    strided = np.zeros((8, 60), np.uint16)[:, ::2]
    np.testing.assert_array_equal(source.read(1, slice(5, 13), strided), array[1, 5:13])


def test_the_byte_order_may_stand_in_the_type(tmp_path: Path) -> None:
    array = volume((2, 4, 5), "uint16")
    folder = write(tmp_path, array.astype(">u2"))
    np.testing.assert_array_equal(open_slices(folder, shape=(4, 5), dtype=">u2").read(1, slice(0, 4)), array[1])
    with pytest.raises(SliceError, match="is big-endian, --byte-order says little"):
        open_slices(folder, shape=(4, 5), dtype=">u2", byte_order="little")


def test_an_unstated_byte_order_is_noted(tmp_path: Path) -> None:
    folder = write(tmp_path, volume((2, 4, 5), "uint16"))
    assert any("try --byte-order big" in n for n in open_slices(folder, shape=(4, 5), dtype="uint16").notes)
    assert open_slices(folder, shape=(4, 10), dtype="uint8").notes == ()


def test_files_carry_size_and_time_for_resuming(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path, volume((2, 4, 5), "uint8")), shape=(4, 5), dtype="uint8")
    for file in source.files:
        stat = file.path.stat()
        assert (file.size, file.mtime_ns, file.count) == (20, stat.st_mtime_ns, 1)


def test_without_shape_and_type_the_message_shows_how(tmp_path: Path) -> None:
    folder = write(tmp_path, volume((2, 16, 16), "uint8"))
    with pytest.raises(
        SliceError,
        match=r"s0\.raw: raw files do not state.*--shape ROWS COLS and --dtype, as in --shape 28721 31076",
    ) as caught:
        open_slices(folder)
    assert "256 bytes, which would fit 16 × 16 uint8" in str(caught.value)
    with pytest.raises(SliceError, match="give --dtype, as in"):
        open_slices(folder, shape=(16, 16))


@pytest.mark.parametrize(
    ("dtype", "said"),
    [
        ("complex64", "complex numbers"),
        ("bool", "bool"),
        ("object", "Python objects"),
        ("uint7", "is not a type"),
    ],
)
def test_odd_types_are_refused_with_those_that_are_read(tmp_path: Path, dtype: str, said: str) -> None:
    with pytest.raises(SliceError, match=said) as caught:
        open_slices(tmp_path, shape=(4, 5), dtype=dtype)
    assert "stackreel reads uint8, int8" in str(caught.value)


def test_a_truncated_section_is_found_among_its_neighbours(tmp_path: Path) -> None:
    folder = write(tmp_path, volume((12, 40, 50), "uint8"))
    (folder / "s10.raw").write_bytes(bytes(1500))
    with pytest.raises(SliceShapeError) as caught:
        open_slices(folder, shape=(40, 50), dtype="uint8")
    assert str(caught.value) == (
        "slice 10 (s10.raw) holds 1,500 bytes; 40 × 50 uint8 needs 2,000. 11 of the 12 files have that size; "
        "this one is smaller than its neighbours: truncated? Copy it again, or take it out"
    )


def test_several_wrong_sections_are_counted(tmp_path: Path) -> None:
    folder = write(tmp_path, volume((12, 40, 50), "uint8"))
    for z in (3, 5, 7):
        (folder / f"s{z}.raw").write_bytes(bytes(2500))
    with pytest.raises(SliceShapeError, match=r"slice 3 .*larger.*\(2 more do not fit: s5\.raw, s7\.raw\)"):
        open_slices(folder, shape=(40, 50), dtype="uint8")


@pytest.mark.parametrize(
    ("stated", "hint"),
    [
        (
            {"shape": (40, 50), "dtype": "uint8"},
            r"4,000 bytes would fit 40 × 50 uint16 or int16 (--dtype uint16)",
        ),
        ({"shape": (40, 50), "dtype": "float64"}, r"would fit 40 × 50 uint16 or int16"),
        ({"shape": (41, 50), "dtype": "uint16"}, r"4,000 bytes would fit 40 × 50 uint16"),
        ({"shape": (40, 60), "dtype": "uint16"}, r"40 × 50 uint16 would fit"),
        ({"shape": (37, 53), "dtype": "uint16"}, r"it is 78 bytes more: a header? (--skip-bytes 78)"),
        ({"shape": (40, 50), "dtype": "uint16", "skip_bytes": 512}, r"would fit without a header"),
        ({"shape": (10, 50), "dtype": "uint16"}, r"each file holds 4 such slices"),
    ],
)
def test_a_wrong_announcement_is_answered_with_what_would_fit(
    tmp_path: Path, stated: dict[str, object], hint: str
) -> None:
    folder = write(tmp_path, volume((3, 40, 50), "uint16"))
    with pytest.raises(SliceShapeError) as caught:
        open_slices(folder, **stated)  # type: ignore[arg-type]
    assert "slice 0 (s0.raw) holds 4,000 bytes" in str(caught.value)
    assert hint in str(caught.value)
    assert "All 3 files hold the same number of bytes" in str(caught.value)


def test_a_folder_named_like_a_section_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, volume((3, 4, 5), "uint8"))
    (folder / "s3.raw").mkdir()
    with pytest.raises(SliceReadError, match=r"slice 3 \(s3\.raw\) is a folder, not a file"):
        open_slices(folder, shape=(4, 5), dtype="uint8")


def test_a_broken_link_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, volume((3, 4, 5), "uint8"))
    (folder / "s3.raw").symlink_to(tmp_path / "gone.raw")
    with pytest.raises(SliceReadError, match=r"slice 3 \(s3\.raw\) cannot be opened: no such file"):
        open_slices(folder, shape=(4, 5), dtype="uint8")


def test_a_section_that_changes_after_opening_is_told(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path, volume((3, 4, 5), "uint8")), shape=(4, 5), dtype="uint8")
    os.truncate(tmp_path / "s1.raw", 12)
    with pytest.raises(
        SliceReadError, match=r"slice 1 \(s1\.raw\) has changed since .*: 20 bytes then, 12 now; wait until"
    ):
        source.read(1, slice(0, 1))
    (tmp_path / "s2.raw").unlink()
    with pytest.raises(SliceReadError, match=r"slice 2 \(s2\.raw\) cannot be read: no such file"):
        source.read(2, slice(0, 1))


def test_slices_and_arrays_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path, volume((3, 4, 5), "uint8")), shape=(4, 5), dtype="uint8")
    with pytest.raises(SliceError, match="there is no slice 3; the stack has 3"):
        source.read(3, slice(0, 1))
    with pytest.raises(SliceShapeError, match=r"rows 0 to 2 need an array of \(2, 5\) uint8; got \(2, 5\) uint16"):
        source.read(0, slice(0, 2), np.empty((2, 5), np.uint16))
    with pytest.raises(SliceError, match="a step of 2"):
        source.read(0, slice(0, 4, 2))


def test_options_for_raw_files_are_refused_for_others(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(SliceError, match=r"--skip-bytes is for raw files; a\.png"):
        open_slices(tmp_path, skip_bytes=8)


def test_reading_costs_little_more_than_the_bytes(tmp_path: Path) -> None:
    """A band from the page cache takes less than three times what plain readinto of the same bytes takes."""
    array = volume((1, 4000, 8000), "uint8")
    path = write(tmp_path, array) / "s0.raw"
    source = open_slices(tmp_path, shape=(4000, 8000), dtype="uint8")
    out = np.empty((4000, 8000), np.uint8)

    def plain() -> None:
        with open(path, "rb", buffering=0) as handle:
            handle.readinto(out.data)

    def best(task: object) -> float:
        times = []
        for _ in range(5):
            t = time.perf_counter()
            task()  # type: ignore[operator]
            times.append(time.perf_counter() - t)
        return min(times)

    assert best(lambda: source.read(0, slice(0, 4000), out)) < 3 * best(plain)
    np.testing.assert_array_equal(out, array[0])
